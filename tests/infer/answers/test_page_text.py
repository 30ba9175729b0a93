"""Plain pages, loops at the end of a text, and tables in OTSL."""

import pytest

from tasks.infer.answers.contract import AnswerText, Space
from tasks.infer.answers.loops import drifts, find_loop
from tasks.infer.answers.otsl import is_otsl, otsl_to_html
from tasks.infer.answers.page_text import read_formatted_page, read_page_text

SPACE = Space(600.0, 800.0)


def test_a_page_of_text_is_one_element_as_large_as_the_page():
    answer = read_page_text("Hello\nworld<|im_end|>", SPACE)
    (element,) = answer.elements
    assert (element.text, tuple(element.box), answer.status) == ("Hello\nworld", (0, 0, 600, 800), "ok")


def test_only_a_fence_around_everything_is_taken_off():
    assert read_page_text("```markdown\n# A\n```", SPACE).elements[0].text == "# A"
    code = "```python\nx = 1\n```\n\nmore text"
    assert read_page_text(code, SPACE).elements[0].text == code


def test_an_empty_answer_is_a_blank_page():
    assert read_page_text(" \n", SPACE) == AnswerText((), "ok")


@pytest.mark.parametrize("text", ["<|im_end|>};", "<|im_end|>"])
def test_nothing_but_tokens_is_unparsed(text: str):
    assert read_page_text(text, SPACE) == AnswerText((), "unparsed")


@pytest.mark.parametrize("text", ["\\title{\nR", "\\begin{tabular}{ll}\na & b", "text \\section*{Quick"])
def test_an_open_command_is_kept_and_truncated(text: str):
    answer = read_formatted_page(text, SPACE)
    assert (answer.elements[0].text, answer.status) == (text, "truncated")


def test_closed_commands_are_ok():
    assert read_formatted_page("\\title{\nR\n}\n\\begin{tabular}{l}a\\end{tabular} {", SPACE).status == "ok"


def test_an_exact_loop_is_found_and_said_once():
    loop = find_loop("Before it. " + "one two three four, " * 40 + "one tw")
    assert loop is not None and loop.period == 20 and 10 <= loop.start <= 11
    answer = read_page_text("Before it. " + "one two three four, " * 40, SPACE)
    assert (answer.elements[0].text, answer.status) == ("Before it. one two three four,", "looped")


def test_loops_without_spaces_and_with_a_long_unit_are_found():
    unit = "\u4e0a\u6d77\u4e16\u535a\u5c40\n" * 3 + "\u4e0a\u6d77\u4e16\u535a\u57ce\n"
    assert find_loop(unit * 30) is not None
    assert find_loop("".join(f"line {n}, " for n in range(60)) * 9) is not None


@pytest.mark.parametrize(
    "text",
    [
        "Contents " + "." * 120,
        "Yes\n" * 12,
        "".join(f"Chapter {n} ........ {n * 7}\n" for n in range(40)),
        "",
        "short",
        "---\n" * 30,
    ],
)
def test_ordinary_repetition_is_no_loop(text: str):
    assert find_loop(text) is None
    assert not drifts(text)


def test_lines_that_drift_are_a_loop():
    words = ["Hakate Toolbox", "Hakete Toolbox", "HakateToolbox", "Hekate ToolBox"]
    assert drifts("\n\n".join(words * 5) + "\n\nHoke")
    assert not drifts("\n".join(["apple", "pear", "plum", "cherry", "quince", "grape", "lemon", "melon"] * 2))


@pytest.mark.parametrize(
    ("otsl", "expected"),
    [
        ("<fcel>3<ecel><nl><fcel>4<fcel>a<b<nl>", "<tr><td>3</td><td></td></tr><tr><td>4</td><td>a&lt;b</td></tr>"),
        ("<ched>a<lcel><nl><fcel>1<fcel>2<nl>", '<tr><th colspan="2">a</th></tr><tr><td>1</td><td>2</td></tr>'),
        ("<fcel>a<fcel>b<nl><ucel><fcel>c<nl>", '<tr><td rowspan="2">a</td><td>b</td></tr><tr><td>c</td></tr>'),
        ("<fcel>a<lcel><nl><ucel><xcel><nl>", '<tr><td colspan="2" rowspan="2">a</td></tr><tr></tr>'),
        ("<lcel><fcel>a<nl><xcel>", "<tr><td></td><td>a</td></tr><tr><td></td></tr>"),
        ("<fcel>a<lcel><nl><ucel><fcel>b<nl>", "<tr><td>a</td><td></td></tr><tr><td></td><td>b</td></tr>"),
        ("<fcel>x &lt; y<nl><nl>", "<tr><td>x &lt; y</td></tr>"),
    ],
)
def test_otsl_becomes_html(otsl: str, expected: str):
    assert is_otsl(otsl)
    assert otsl_to_html(otsl) == f"<table>{expected}</table>"
