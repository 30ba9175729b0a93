"""What comes out of dots.ocr's JSON, sound and broken. Every case is one that public reports show."""

import json

import pytest

from tasks.infer.answers.contract import AnswerText, Space
from tasks.infer.answers.layout_json import read_layout_json

SPACE = Space(1000.0, 2000.0)
SOUND = [
    {"bbox": [10, 20, 300, 60], "category": "Title", "text": "# One"},
    {"bbox": [10, 80, 300, 400], "category": "Picture"},
    {"bbox": [10, 420, 300, 800], "category": "Text", "text": 'Two "quoted"\nlines'},
]


def read(text: str) -> AnswerText:
    return read_layout_json(text, SPACE)


def boxes(answer: AnswerText) -> list[list[float]]:
    return [list(element.box) for element in answer.elements]


def texts(answer: AnswerText) -> list[str]:
    return [element.text for element in answer.elements]


def one(text_literal: str, category: str = "Text") -> str:
    """An answer with one element, its text as the model wrote it between the quotes."""
    return f'[{{"bbox": [1, 2, 3, 4], "category": "{category}", "text": "{text_literal}"}}]'


def test_a_sound_list_is_ok_and_complete():
    answer = read(json.dumps(SOUND))
    assert answer.status == "ok"
    assert boxes(answer) == [entry["bbox"] for entry in SOUND]
    assert [element.label for element in answer.elements] == ["Title", "Picture", "Text"]
    assert texts(answer) == ["# One", "", 'Two "quoted"\nlines']


@pytest.mark.parametrize("text", ["[]", " [ ] \n", "```json\n[]\n```", "[]<|endofassistant|>"])
def test_an_empty_list_is_a_blank_page(text: str):
    assert read(text) == AnswerText((), "ok")


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(SOUND).replace("}, {", "} {"),
        json.dumps(SOUND).replace("}, {", "}{"),
        json.dumps(SOUND).replace("}, {", "},,\n {"),
        json.dumps(SOUND)[:-1],
        json.dumps(SOUND).replace("}, {", "}, "),
        "Here is the layout [as asked]:\n" + json.dumps(SOUND) + "\nI hope {this} helps.",
        "Sure!\n```json\n" + json.dumps(SOUND) + "\n```\nDone.",
        json.dumps({"layout": SOUND, "page": 1}),
        json.dumps(json.dumps(SOUND)),
        repr(SOUND),
        json.dumps(SOUND).replace("\\n", "\n"),
    ],
    ids=[
        "no comma",
        "no comma, no space",
        "two commas",
        "no bracket",
        "no opening brace",
        "text around",
        "text and fence",
        "wrapped",
        "a string",
        "Python",
        "raw control characters",
    ],
)
def test_a_broken_list_keeps_every_element(text: str):
    answer = read(text)
    assert answer.status == "repaired"
    assert (boxes(answer), texts(answer)) == (boxes(read(json.dumps(SOUND))), texts(read(json.dumps(SOUND))))


def test_quotes_that_are_not_escaped_belong_to_the_text():
    answer = read(json.dumps(SOUND[:1])[:-1] + ", " + one('He said "yes, maybe" <td colspan="2">')[1:])
    assert answer.status == "repaired"
    assert texts(answer) == ["# One", 'He said "yes, maybe" <td colspan="2">']


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"$$\alpha$$", r"$$\alpha$$"),
        (r"$$\beta \frac{a}{b}$$", r"$$\beta \frac{a}{b}$$"),
        (r"$$\theta \times \nu \\ \rho$$", r"$$\theta \times \nu \\ \rho$$"),
        (r"\begin{matrix} a \\ b \end{matrix}", r"\begin{matrix} a \\ b \end{matrix}"),
    ],
)
def test_backslashes_that_are_not_escaped_stay(written: str, meant: str):
    answer = read(one(written, "Formula"))
    assert (texts(answer), answer.status) == ([meant], "repaired")


@pytest.mark.parametrize("meant", ["$$\\alpha \\nu \\\\ \\beta$$", "a\tb\nunder\nneither\r\nC:\\temp", "tab\ttext"])
def test_escaped_text_is_left_alone(meant: str):
    answer = read(json.dumps([{"bbox": [1, 2, 3, 4], "category": "Formula", "text": meant}]))
    assert (texts(answer), answer.status) == ([meant], "ok")


@pytest.mark.parametrize(
    ("numbers", "box"),
    [
        ("[10, 20, 300]", [10, 20, 300, 2000]),
        ("[300, 400, 10, 20]", [10, 20, 300, 400]),
        ("[-5, 20, 3000, 40]", [0, 20, 1000, 40]),
        ("[10, 20, 300, 60, 7]", [10, 20, 300, 60]),
        ("[[10, 20, 300, 60]]", [10, 20, 300, 60]),
        ('"10, 20, 300, 60"', [10, 20, 300, 60]),
        ("[10, 20, 300, 20, 300, 60, 10, 60]", [10, 20, 300, 60]),
        ("[10.0, 20.0, 300.5, 60]", [10, 20, 300.5, 60]),
    ],
)
def test_odd_boxes_are_mended(numbers: str, box: list[float]):
    answer = read(f'[{{"bbox": {numbers}, "category": "Text", "text": "a"}}]')
    assert boxes(answer) == [box]
    assert answer.status in ("repaired", "ok")
    assert (answer.status == "ok") == (
        numbers in ("[10.0, 20.0, 300.5, 60]", "[[10, 20, 300, 60]]", '"10, 20, 300, 60"')
    )


def test_a_box_of_three_numbers_ends_at_the_next_box_below_it():
    answer = read(json.dumps([{**SOUND[0], "bbox": [10, 20, 300]}, *SOUND[1:]]))
    assert boxes(answer)[0] == [10, 20, 300, 80]


def test_text_without_a_legible_box_is_kept_in_the_box_of_the_page():
    answer = read('[{"bbox": [null, "x"], "category": "Text", "text": "kept"}]')
    assert (boxes(answer), texts(answer), answer.status) == ([[0, 0, 1000, 2000]], ["kept"], "repaired")


def test_an_element_that_breaks_off_keeps_what_is_legible():
    whole = json.dumps(SOUND)
    in_text, in_label, in_box = (read(whole[: whole.index(cut) + 5]) for cut in ('"# One"', '"Picture"', "[10, 420"))
    assert (texts(in_text), in_text.status) == (["# On"], "truncated")
    assert (in_label.elements[1].label, boxes(in_label)[1]) == ("Pict", [10, 80, 300, 400])
    assert (len(in_box.elements), in_box.status) == (2, "truncated")


@pytest.mark.parametrize(
    "text", ["", "I cannot read this page.", "<|im_end|>};", '{"error": "busy"}', "null", "[1, 2]"]
)
def test_an_answer_of_another_form_is_unparsed(text: str):
    assert read(text).status == "unparsed"


def test_legible_text_is_kept_though_it_is_no_list():
    assert texts(read("# A page\n\nwith text")) == ["# A page\n\nwith text"]


def test_garbage_before_the_closing_brace_is_no_cut():
    answer = read('[{"bbox": [1, 2, 3, 4], "category": "Text", "text": "a"#}]')
    assert (texts(answer), answer.status) == (["a"], "repaired")


def test_a_string_without_its_closing_quote_ends_where_its_object_does():
    open_string = r'{"bbox": [1, 2, 3, 4], "category": "Formula", "text": "\\frac{a}{b}}'
    answer = read(f"[{open_string}, {open_string.replace('1, 2', '1, 3')}]")
    assert (texts(answer), answer.status) == ([r"\frac{a}{b}"] * 2, "repaired")


def test_two_equal_objects_are_said_once():
    answer = read(json.dumps([SOUND[0], SOUND[0], SOUND[2]]))
    assert (texts(answer), answer.status) == (["# One", 'Two "quoted"\nlines'], "repaired")


@pytest.mark.parametrize("cut", [0, 1, 5, 40, 55, 70])
def test_one_object_for_ever_is_a_loop(cut: int):
    text = json.dumps(SOUND)[:-1] + (", " + json.dumps(SOUND[2])) * 50
    answer = read(text[: len(text) - cut])
    assert (len(answer.elements), answer.status) == (3, "looped")


def test_the_same_text_in_ever_new_boxes_is_a_loop():
    answer = read(
        json.dumps([{"bbox": [1, y, 9, y + 5], "category": "Text", "text": "More"} for y in range(0, 300, 6)])
    )
    assert (len(answer.elements), answer.status) == (50, "looped")


def test_a_text_that_ends_in_repetition_is_a_loop_and_keeps_one_turn():
    answer = read(one("Start. " + "and again the same words " * 60)[:-3])
    assert answer.status == "looped"
    assert texts(answer)[0].startswith("Start. ") and len(texts(answer)[0]) < 60


def test_an_empty_form_is_no_loop():
    rows = "<tr><td></td><td></td></tr>" * 60
    assert read(one(f"<table><tr><td>Name</td></tr>{rows}</table>", "Table")).status == "ok"


def test_half_a_surrogate_pair_does_not_reach_the_lake():
    texts(read('[{"bbox": [1, 2, 3, 4], "category": "Te\\ud800xt", "text": "a\\ud83d"}]'))[0].encode()


@pytest.mark.parametrize(
    "text",
    ["[" * 50_000, '{"bbox": ' * 4_000, '[{"bbox": [' + "1," * 50_000, "\\" * 100_000, '[{"text": "' + '"a' * 20_000],
    ids=["brackets", "objects", "numbers", "backslashes", "quotes"],
)
def test_hostile_answers_do_not_raise(text: str):
    assert read(text).status in ("truncated", "unparsed", "looped", "repaired")
