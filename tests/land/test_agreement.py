"""The text layer confirms what is there, in the box, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.lake.rows import Element, TextLine
from tasks.land.agreement import text_layer_agreement


def element(text: str, text_format: str = "markdown", box=(0.0, 0.0, 200.0, 20.0)) -> Element:
    return Element("Text", "text", *box, text=text, text_format=text_format)


def line(text: str, x0=0.0, y0=5.0, x1=200.0, y1=15.0, word_x=()) -> TextLine:
    return TextLine(text, x0, y0, x1, y1, 10.0, False, tuple(word_x))


LAYER = (line("Prices rose by 3 % in May"),)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Prices rose by 3 % in May", 1.0),
        ("# Prices **rose** by 3 % in May", 1.0),
        ("prices  rose\nby 3 % in may", 1.0),
        ("Prices rose by 3 % in MayZZZZZZZZZZZZZZZZZZZ", 0.5),
        ("ZZZ", 0.0),
    ],
)
def test_the_share_of_confirmed_characters(said, expected):
    assert text_layer_agreement(element(said), LAYER) == pytest.approx(expected, abs=0.02)


def test_html_is_compared_by_its_words():
    table = "<table><tr><td>Prices rose</td><td>by 3 &#37; in May</td></tr></table>"
    assert text_layer_agreement(element(table, "html"), LAYER) == 1.0


def test_nothing_to_compare_is_none():
    assert text_layer_agreement(element(""), LAYER) is None
    assert text_layer_agreement(element(r"\\frac{1}{2}", "latex"), LAYER) is None


def test_a_gigantic_text_is_compared_by_its_beginning():
    text = "".join(chr(0x4E00 + n % 20_000) for n in range(300_000))
    assert text_layer_agreement(element(text), (line(text),)) == 1.0


def test_words_outside_the_box_confirm_nothing():
    assert text_layer_agreement(element("Prices", box=(0.0, 100.0, 200.0, 120.0)), LAYER) == 0.0
    split = (line("left push", word_x=(0, 50, 150, 200)),)
    assert text_layer_agreement(element("push", box=(0.0, 0.0, 90.0, 20.0)), split) == 0.0
    assert text_layer_agreement(element("left", box=(0.0, 0.0, 90.0, 20.0)), split) == 1.0


@given(st.text(), st.text(), st.sampled_from(["markdown", "html", "plain"]))
def test_always_between_none_and_one(said, layer, text_format):
    value = text_layer_agreement(element(said, text_format), (line(layer),))
    assert value is None or 0.0 <= value <= 1.0
