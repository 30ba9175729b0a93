"""Scans that lie on their side or upside down are read the right way up, and their boxes lie where the ink is."""

import io
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from tasks.infer.cpu.lines import Line
from tasks.infer.cpu.orientation import SIDEWAYS, UPSIDE_DOWN, turned_back, turns_to_try
from tasks.infer.cpu.read_page import PageReader
from tasks.lake.rows import Element, Page

SENTENCES = [
    "The harbour was closed for eleven days",
    "and no ship could enter the inner basin",
    "until the ice had gone",
]
WIDTH, HEIGHT = 900, 500


@pytest.fixture(scope="module")
def reader() -> PageReader:
    return PageReader()


def scan(turns: int) -> Page:
    image = Image.new("RGB", (WIDTH, HEIGHT), "white")
    for number, sentence in enumerate(SENTENCES):
        ImageDraw.Draw(image).text((60, 60 + 50 * number), sentence, fill="black", font_size=34)
    image = image.rotate(-90 * turns, expand=True)
    data = io.BytesIO()
    image.save(data, "png")
    return Page("d", 1, image.width, image.height, 0, data.getvalue(), "png", image.width, image.height, 72.0, ink=0.02)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_text_is_read_whichever_way_the_page_lies(reader, turns):
    page = scan(turns)
    elements = reader.read_page(page)
    text = " ".join(element.text.lstrip("# ") for element in elements)  # large print may be taken for a heading
    assert " ".join(text.split()) == " ".join(SENTENCES)
    ink = Image.open(io.BytesIO(page.image or b"")).convert("L").point(lambda value: 255 * (value < 128)).getbbox()
    assert ink is not None
    boxes = [(e.x0, e.y0, e.x1, e.y1) for e in elements]
    union = [min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)]
    assert union == pytest.approx(ink, abs=14)


def line(x0: float, y0: float, x1: float, y1: float, score: float = 0.95) -> Line:
    return replace(Line("some words", 0, 0, 1, 1, 10.0, bold=False), x0=x0, y0=y0, x1=x1, y1=y1, score=score)


def test_only_pages_that_look_wrong_are_tried_again():
    assert turns_to_try([]) == ()
    assert turns_to_try([line(0, 0, 100, 10)] * 3) == ()
    assert turns_to_try([line(0, 0, 100, 10)] * 3 + [line(0, 0, 10, 100)]) == ()
    assert turns_to_try([line(0, 0, 10, 100)] * 3 + [line(0, 0, 100, 10)]) == SIDEWAYS
    assert turns_to_try([line(0, 0, 100, 10, score=0.6)] * 3) == UPSIDE_DOWN


@given(st.floats(1, 500), st.floats(1, 500), *[st.floats(0, 1)] * 4, st.sampled_from([1, 2, 3]))
def test_turning_a_box_with_its_page_and_back_changes_nothing(width, height, x0, y0, dx, dy, turns):
    box = (x0 * width, y0 * height, (x0 + dx * (1 - x0)) * width, (y0 + dy * (1 - y0)) * height)
    turned, sides = box, (width, height)
    for _ in range(turns):  # one quarter turn counterclockwise: what was on the right comes to the top
        turned = (turned[1], sides[0] - turned[2], turned[3], sides[0] - turned[0])
        sides = sides[::-1]
    back = turned_back(Element("Text", "text", *turned, text=""), turns, width, height)
    assert (back.x0, back.y0, back.x1, back.y1) == pytest.approx(box, abs=1e-6)
