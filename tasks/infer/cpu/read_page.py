"""A page in, its elements in reading order out. `PageReader` is the only way into this package.

The steps: decode the image small, detect regions, take the text layer or read the image (`text_source`), make blocks
(`blocks`), name them (`categories`), order them (`reading_order`), write their text (`markdown`, `tables`). Every line
of text ends in exactly one element. Lines inside a picture become the picture's own text, plain, one per row: labels
in a diagram are found by a search, and never mix with the paragraphs around it.

`confidence` is the detector's score, times the mean score of the lines where OCR read them. Blocks that the detector
has no box for have `LOOSE_CONFIDENCE` in place of its score.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from tasks.infer.cpu.blocks import Block, build_blocks, content_box, join_leaders
from tasks.infer.cpu.categories import categorize, page_style, raw_category
from tasks.infer.cpu.geometry import into_rows
from tasks.infer.cpu.layout_detector import DetectedBox, LayoutDetector
from tasks.infer.cpu.lines import from_text_layer
from tasks.infer.cpu.markdown import as_markdown, vocabulary_of
from tasks.infer.cpu.ocr import OcrReader
from tasks.infer.cpu.orientation import legibility, turned_back, turns_to_try
from tasks.infer.cpu.page_image import PageImage
from tasks.infer.cpu.reading_order import in_order, reading_order
from tasks.infer.cpu.regions import resolve_regions
from tasks.infer.cpu.rulings import find_rulings
from tasks.infer.cpu.table_finder import complete_tables
from tasks.infer.cpu.tables import table_html
from tasks.infer.cpu.text_source import needs_ocr
from tasks.lake.rows import Element, Page

LOOSE_CONFIDENCE = 0.5
"""Between what the detector is sure of (0.9) and what it drops (0.4): such blocks are text for certain, their category
and extent are a guess."""


class PageReader:
    """The loaded models. To make one loads the layout model (a quarter of a second), so that no page's time limit pays
    for it; the OCR models (half a second, 200 MB) are loaded by the first page that needs them."""

    def __init__(self) -> None:
        import cv2

        cv2.setNumThreads(1)  # several readers share the machine, one process each
        self._detector = LayoutDetector()
        self._ocr = OcrReader()

    def read_page(self, page: Page) -> list[Element]:
        """The elements of a page that has an image, in reading order."""
        image = PageImage(page)
        lines = join_leaders(from_text_layer(page.text_layer))
        detected = self._detector.detect(image.small)
        regions = resolve_regions(detected, lines, image.width_pt, image.height_pt)
        if needs_ocr(lines, regions, page.ink):
            return self._read_scan(page, image, detected)
        blocks = build_blocks(lines, complete_tables(regions, lines, image))
        return elements_from(blocks, image, page.page_number)

    def _read_scan(self, page: Page, image: PageImage, detected: list[DetectedBox]) -> list[Element]:
        """By OCR; a page that lies wrong is read the right way up, and its boxes turned back."""
        best, turns = self._ocr.read_lines(image.full, image.width_pt, image.height_pt), 0
        upright = image
        for turn in turns_to_try(best):
            turned = PageImage(page, turn)
            lines = self._ocr.read_lines(turned.full, turned.width_pt, turned.height_pt)
            if legibility(lines) > legibility(best):
                best, turns, upright = lines, turn, turned
        if turns:
            detected = self._detector.detect(upright.small)
        regions = resolve_regions(detected, best, upright.width_pt, upright.height_pt)
        blocks = build_blocks(best, complete_tables(regions, best, upright))
        elements = elements_from(blocks, upright, page.page_number)
        return [turned_back(e, turns, image.width_pt, image.height_pt) for e in elements] if turns else elements


def elements_from(blocks: Sequence[Block], image: PageImage, page_number: int) -> list[Element]:
    """Blocks as elements: named, in order, with their text."""
    style = page_style(blocks, image.width_pt, image.height_pt, page_number)
    categories = categorize(blocks, style)
    vocabulary = vocabulary_of(line.text for block in blocks for line in block.lines)
    elements = []
    for index in reading_order(blocks, categories):
        block, category = blocks[index], categories[index]
        text, text_format = _text(block, category, image, vocabulary)
        elements.append(
            Element(
                category=category,
                raw_category=raw_category(block),
                x0=min(max(block.x0, 0.0), image.width_pt),
                y0=min(max(block.y0, 0.0), image.height_pt),
                x1=min(max(block.x1, 0.0), image.width_pt),
                y1=min(max(block.y1, 0.0), image.height_pt),
                text=text,
                text_format=text_format,
                confidence=confidence(block),
            )
        )
    return elements


def _text(block: Block, category: str, image: PageImage, vocabulary: frozenset[str]) -> tuple[str, str]:
    if category == "Table":
        return _table_text(block, image), "html"
    if category == "Picture":
        return "\n".join(" ".join(line.text for line in row) for row in into_rows(in_order(block.lines))), "plain"
    if category == "Formula":
        return "\n".join(" ".join(line.text for line in row) for row in into_rows(block.lines)), "plain"
    return as_markdown(category, [line.text for line in block.lines], vocabulary), "markdown"


def _table_text(block: Block, image: PageImage) -> str:
    if not block.lines:
        return ""
    box = content_box(block)
    horizontal, vertical = find_rulings(image.grey_crop(box), box, image.points_per_pixel, block.lines)
    return table_html(block.lines, box, horizontal, vertical)


def confidence(block: Block) -> float:
    """See the module's docstring."""
    scores = [line.score for line in block.lines if line.score is not None]
    return (LOOSE_CONFIDENCE if block.score is None else block.score) * (fmean(scores) if scores else 1.0)
