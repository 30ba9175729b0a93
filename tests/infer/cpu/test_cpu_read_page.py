"""The whole way from a page to elements: nothing lost, odd pages, OCR, the layout model."""

from __future__ import annotations

import html
import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from synthetic import A4, page_of, paragraph, text_line

from tasks.infer.cpu.blocks import build_blocks
from tasks.infer.cpu.layout_detector import DetectedBox, LayoutDetector, suppress
from tasks.infer.cpu.lines import Line, from_text_layer
from tasks.infer.cpu.page_image import PageImage
from tasks.infer.cpu.read_page import PageReader, elements_from
from tasks.infer.cpu.regions import resolve_regions
from tasks.infer.cpu.table_finder import complete_tables
from tasks.infer.cpu.text_source import needs_ocr
from tasks.lake.rows import CATEGORIES, Element

HERE = Path(__file__).parent
LABELS = ["text", "title", "figure", "figure_caption", "table", "table_caption", "header", "footer", "reference"]


@pytest.fixture(scope="module")
def reader() -> PageReader:
    return PageReader()


def words(elements: list[Element]) -> list[str]:
    text = "\n".join(
        html.unescape(re.sub("<[^>]+>", " ", e.text)) if e.text_format == "html" else re.sub(r"^(#+|-) ", "", e.text)
        for e in elements
    )
    return text.split()


def test_the_detector_agrees_with_the_reference_implementation():
    reference = json.loads((HERE / "detector_reference.json").read_text())
    image = np.asarray(Image.open(HERE / "detector_page.png").convert("RGB"))
    found = LayoutDetector().detect(image, min_score=0.5)
    assert len(found) == len(reference)
    for box, expected in zip(sorted(found, key=str), sorted(reference, key=lambda r: str(as_box(r))), strict=True):
        assert box.label == expected["label"]
        assert box.score == pytest.approx(expected["score"], abs=1e-3)
        assert (box.x0, box.y0, box.x1, box.y1) == pytest.approx(expected["box"], abs=1e-4)


def as_box(row: dict) -> DetectedBox:
    return DetectedBox(row["label"], row["score"], *row["box"])


def test_suppression_keeps_the_best_of_overlapping_boxes():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 10, 10], [20, 20, 30, 30]], float)
    assert suppress(boxes, np.array([0.6, 0.9, 0.5])) == [1, 2]


def test_two_columns_are_read_one_after_the_other(reader):
    rows = [text_line("A Title of the Page in Large Letters", 120, 60, 20, bold=True, width=360)]
    left = [row for i in range(3) for row in paragraph(f"L{i}x", 60, 120 + 170 * i, 12, 225)]
    right = [row for i in range(3) for row in paragraph(f"R{i}x", 310, 120 + 170 * i, 12, 225)]
    elements = reader.read_page(page_of([*rows, *right, *left]))
    assert elements[0].category == "Title" and elements[0].text.startswith("# A Title")
    marks = [word for word in words(elements) if re.fullmatch(r"[LR]\dx\d+", word)]
    assert marks == [f"{side}{i}x{k}" for side in "LR" for i in range(3) for k in range(12)]
    assert all(e.confidence is not None and 0 < e.confidence <= 1 for e in elements)


rows_strategy = st.lists(
    st.tuples(
        st.lists(st.text("abcdefghijABC123", min_size=1, max_size=8), min_size=1, max_size=6),
        st.floats(0, 500),
        st.floats(0, 800),
        st.sampled_from([6.0, 8.0, 10.0, 10.0, 12.0, 18.0]),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)
fraction = st.floats(0, 1)
boxes_strategy = st.lists(st.tuples(st.sampled_from(LABELS), st.floats(0.4, 1), *[fraction] * 4), max_size=8)
BLANK = PageImage(page_of([], image=Image.new("RGB", (400, 566), "white")))


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows_strategy, boxes_strategy)
def test_every_word_is_in_the_elements_exactly_once(rows, boxes):
    layer = [text_line(" ".join(text), x, y, size, bold) for text, x, y, size, bold in rows]
    detected = [
        DetectedBox(label, score, min(a, c), min(b, d), max(a, c), max(b, d)) for label, score, a, b, c, d in boxes
    ]
    lines = from_text_layer(layer)
    regions = complete_tables(resolve_regions(detected, lines, *A4), lines, BLANK)
    elements = elements_from(build_blocks(lines, regions), BLANK, page_number=1)
    assert Counter(words(elements)) == Counter(" ".join(row.text for row in layer).split())
    assert {e.category for e in elements} <= set(CATEGORIES)
    assert all(e.x0 <= e.x1 and e.y0 <= e.y1 for e in elements)


@pytest.mark.parametrize("size", [(595, 842), (20, 1000), (1000, 20), (3, 3), (4000, 4000)])
def test_odd_pages_are_read(reader, size):
    scale = 1.0 if max(size) > 900 else 2.0
    image = Image.new("RGB", (max(1, int(size[0] * scale)), max(1, int(size[1] * scale))), "white")
    assert reader.read_page(page_of([], size, image, ink=0.0)) == []
    row = text_line("word", 0, 0, 2)
    assert words(reader.read_page(page_of([row], size, image))) == ["word"]


def test_a_page_without_a_text_layer_but_with_ink_survives_tiny_images(reader):
    for pixels in ((1, 1), (2, 200), (200, 2)):
        assert reader.read_page(page_of([], (100, 100), Image.new("RGB", pixels, "black"), ink=1.0)) is not None


def test_a_scan_is_read_by_ocr(reader):
    image = Image.new("RGB", (1240, 1754), "white")
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(40)
    for i, text in enumerate(["The quick brown fox jumps over", "the lazy dog and runs away."]):
        draw.text((120, 300 + 56 * i), text, fill="black", font=font)
    elements = reader.read_page(page_of([], image=image))
    assert "quick brown fox jumps over the lazy dog" in " ".join(e.text for e in elements)
    text = next(e for e in elements if "quick" in e.text)
    assert 50 < text.x0 < 65 and 140 < text.y0 < 152
    assert text.confidence is not None and 0.3 < text.confidence < 1


def lines_of(*texts: str) -> list[Line]:
    return from_text_layer([text_line(text, 50, 50 + 12 * i) for i, text in enumerate(texts)])


SENTENCE = "the text of an ordinary page is written in words that a reader knows and can say aloud"


@pytest.mark.parametrize(
    ("lines", "ink", "wanted"),
    [
        (lines_of(SENTENCE, SENTENCE, SENTENCE), 0.05, False),
        ([], 0.05, True),
        ([], 0.0, False),
        (lines_of("\ufffd\ufffd\ufffd \ue001\ue002 abc"), 0.05, True),
        (lines_of(*["".join(chr(ord(c) - 1) if c.isalpha() else c for c in SENTENCE)] * 4), 0.05, True),
        (lines_of(*["1 234.5 67 % 89 10 11 12 13 14 15 16 17"] * 6), 0.05, False),
        (lines_of(*["一行中文文字 接着写 很多 汉字"] * 12), 0.05, False),
        (lines_of(*["Это обычный русский текст на странице"] * 12), 0.05, False),
    ],
)
def test_when_the_text_layer_is_believed(lines, ink, wanted):
    assert needs_ocr(lines, [], ink) is wanted


def test_a_stamp_on_a_scan_is_not_its_text():
    regions = resolve_regions([DetectedBox("text", 0.9, 0.1, 0.3, 0.9, 0.9)], [], *A4)
    assert needs_ocr(lines_of("Downloaded by someone"), regions, 0.05)


def test_words_inside_a_picture_are_its_text():
    lines = lines_of("axis label") + from_text_layer([text_line("other text", 50, 600)])
    regions = resolve_regions([DetectedBox("figure", 0.9, 0.05, 0.03, 0.9, 0.4)], lines, *A4)
    elements = elements_from(build_blocks(lines, regions), BLANK, 1)
    assert [(e.category, e.text, e.text_format) for e in elements] == [
        ("Picture", "axis label", "plain"),
        ("Text", "other text", "markdown"),
    ]


def test_a_caption_inside_a_pictures_box_stays_a_caption():
    rows = [text_line("0.5", 60, 60), text_line("Figure 3: A curve that rises", 60, 320)]
    lines = from_text_layer([*rows, text_line("and then falls again.", 60, 332)])
    regions = resolve_regions([DetectedBox("figure", 0.9, 0.05, 0.03, 0.9, 0.45)], lines, *A4)
    elements = elements_from(build_blocks(lines, regions), BLANK, 1)
    assert {(e.category, e.text) for e in elements} == {
        ("Picture", "0.5"),
        ("Caption", "Figure 3: A curve that rises and then falls again."),
    }


def test_a_text_layer_whose_sizes_jitter_was_measured_by_an_ocr_program():
    jitter = [text_line(SENTENCE, 50, 50 + 12 * i, 10 + 0.3 * (i % 3)) for i in range(12)]
    typeset = [text_line(SENTENCE, 50, 50 + 12 * i, 12 if i % 3 == 0 else 10) for i in range(12)]
    assert all(line.measured for line in from_text_layer(jitter))
    assert not any(line.measured for line in from_text_layer(typeset))
