"""The rows that move between stages, as dataclasses. Their Parquet columns are in `schemas`.

Boxes are in points (1/72 inch), origin top left, of the page as displayed (rotation applied).
"""

from __future__ import annotations

from dataclasses import dataclass

CATEGORIES = (
    "Caption",
    "Footnote",
    "Formula",
    "List-item",
    "Page-footer",
    "Page-header",
    "Picture",
    "Section-header",
    "Table",
    "Text",
    "Title",
)
"""The eleven categories of an element: DocLayNet's classes (Pfitzmann et al., 2022), the same as dots.ocr's."""


@dataclass(frozen=True, slots=True)
class TextLine:
    """One line of a PDF's own text layer, cut where a gap is too wide to be a space.

    `word_x` holds left and right edge of each space-separated word of `text` (2 x words numbers, points).
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    font_size: float
    bold: bool
    word_x: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Page:
    """One page image with its text layer: a row of `pages`.

    `width`, `height` are points as displayed; `rotation` (0, 90, 180, 270, clockwise) has been applied already.
    `dpi` is that of the stored image, lower than the one asked for when the page was scaled down to the pixel limit.
    `ink` is the fraction of dark pixels. A failed page has no image and says why in `error_kind` and `error`.
    """

    doc_id: str
    page_number: int
    width: float | None = None
    height: float | None = None
    rotation: int | None = None
    image: bytes | None = None
    image_format: str | None = None
    image_width: int | None = None
    image_height: int | None = None
    dpi: float | None = None
    text_layer: tuple[TextLine, ...] = ()
    has_text: bool = False
    ink: float | None = None
    status: str = "ok"
    error_kind: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Element:
    """One box of a page, as a model's answer gives it: a row of `elements` without the page's key.

    Elements are in reading order. `text_format` is one of `markdown`, `html`, `latex`, `plain`. `read_by` names the
    profile that read this element, where it is not the one that read the page.
    """

    category: str
    raw_category: str
    x0: float
    y0: float
    x1: float
    y1: float
    text: str
    text_format: str = "markdown"
    confidence: float | None = None
    read_by: str | None = None
