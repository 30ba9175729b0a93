"""What comes out of DeepSeek-OCR's tagged Markdown, with and without its special tokens."""

import pytest

from tasks.infer.answers.contract import AnswerText, Space
from tasks.infer.answers.tagged_text import read_located_text, read_tagged_text

SPACE = Space(999.0, 999.0)


def tag(label: str, boxes: str, content: str) -> str:
    return f"<|ref|>{label}<|/ref|><|det|>{boxes}<|/det|>\n{content}\n\n"


SOUND = (
    tag("title", "[[10, 20, 300, 60]]", "# One")
    + tag("image", "[[10, 80, 300, 400]]", "")
    + tag("text", "[[10, 420, 300, 800]]", "Two [1] lines\nof text")
)


def read(text: str) -> AnswerText:
    return read_tagged_text(text, SPACE)


def seen(answer: AnswerText) -> list[tuple[str, tuple[float, ...], str]]:
    return [(element.label, tuple(element.box), element.text) for element in answer.elements]


EXPECTED = [
    ("title", (10, 20, 300, 60), "# One"),
    ("image", (10, 80, 300, 400), ""),
    ("text", (10, 420, 300, 800), "Two [1] lines\nof text"),
]


@pytest.mark.parametrize(
    "text",
    [
        SOUND,
        SOUND.replace("<|ref|>", "").replace("<|/ref|>", "").replace("<|det|>", "").replace("<|/det|>", ""),
        SOUND.replace("<|/ref|><|det|>", "<|/ref|>\n<|det|>"),
        SOUND + "<\uff5cend\u2581of\u2581sentence\uff5c>",
        f"```markdown\n{SOUND}\n```",
    ],
    ids=["tokens", "no tokens", "line break", "end token", "fence"],
)
def test_sound_answers_are_ok_and_complete(text: str):
    assert (seen(read(text)), read(text).status) == (EXPECTED, "ok")


def test_the_form_of_a_relative_is_read():
    assert seen(read("<|det|>text [120, 68, 270, 82]<|/det|>hi")) == [("text", (120, 68, 270, 82), "hi")]


def test_several_boxes_of_one_tag_are_several_elements():
    answer = read(tag("text", "[[1, 2, 3, 4], [5, 6, 7, 8]]", "hi"))
    assert (seen(answer), answer.status) == ([("text", (1, 2, 3, 4), "hi"), ("text", (5, 6, 7, 8), "")], "ok")


def test_numbers_are_never_evaluated():
    answer = read(tag("text", "[[__import__('os').getpid(), 1, 2, 3]]", "hi"))
    assert (seen(answer), answer.status) == ([("text", (0, 0, 999, 999), "hi")], "repaired")


@pytest.mark.parametrize(
    ("written", "box"),
    [
        ("[[300, 60, 10, 20]]", (10, 20, 300, 60)),
        ("[[-7, 20, 5000, 60]]", (0, 20, 999, 60)),
        ("[[1, 2, 3]]", (1, 2, 3, 999)),
    ],
)
def test_odd_boxes_are_mended(written: str, box: tuple[float, ...]):
    answer = read(tag("text", written, "hi"))
    assert (seen(answer), answer.status) == ([("text", box, "hi")], "repaired")


def test_a_thousand_is_rounding():
    assert read(tag("text", "[[0, 0, 1000, 1000]]", "hi")).status == "ok"


def test_text_before_the_first_tag_is_kept():
    answer = read("the end of a paragraph.\n\n" + SOUND)
    assert seen(answer) == [("", (0, 0, 999, 999), "the end of a paragraph."), *EXPECTED]
    assert answer.status == "repaired"


def test_the_table_behind_its_caption_goes_to_the_table():
    table = "<table><tr><td>1</td></tr></table>"
    answer = read(
        tag("table", "[[1, 20, 90, 90]]", "")
        + tag("table_caption", "[[1, 1, 90, 9]]", f"<center>Table 1</center>\n{table}")
    )
    assert [(label, text) for label, _, text in seen(answer)] == [("table", table), ("table_caption", "Table 1")]


@pytest.mark.parametrize("cut", ["<|ref|>te", "<|/ref|><|det|>[[10, 420, 3", "<|/r", "<|det|>[[10, 420, 300, 800]]<|/"])
def test_a_tag_that_breaks_off_costs_only_itself(cut: str):
    start = SOUND.rindex("<|ref|>")
    answer = read(SOUND[: SOUND.index(cut, start) + len(cut)])
    assert (seen(answer), answer.status) == (EXPECTED[:2], "truncated")


def test_a_table_that_breaks_off_is_truncated():
    assert read(tag("table", "[[1, 2, 3, 4]]", "<table><tr><td>1")).status == "truncated"


def test_a_tag_for_ever_is_a_loop():
    answer = read(SOUND + tag("text", "[[1, 2, 3, 4]]", "again") * 30 + "<|ref|>te")
    assert (seen(answer), answer.status) == ([*EXPECTED, ("text", (1, 2, 3, 4), "again")], "looped")


def test_text_without_tags_is_kept_and_said_to_be():
    answer = read("just text")
    assert (seen(answer), answer.status) == ([("", (0, 0, 999, 999), "just text")], "unparsed")


@pytest.mark.parametrize("text", ["", "]]<|txtMask fill:#>\n<|txtMask fill:#>\n<]|content_end|>", "<|im_end|>};"])
def test_tokens_without_text_are_nothing(text: str):
    assert read(text) == AnswerText((), "unparsed")


def test_located_text_is_in_the_tags():
    answer = read_located_text(tag("Hello (world)", "[[1, 2, 3, 4]]", "") + tag("again", "[[5, 6, 7, 8]]", ""), SPACE)
    assert (seen(answer), answer.status) == ([("", (1, 2, 3, 4), "Hello (world)"), ("", (5, 6, 7, 8), "again")], "ok")
