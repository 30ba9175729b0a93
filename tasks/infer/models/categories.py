"""Which of the eleven categories a model's own label means. The set of labels is open: the nearest one counts.

Sources: DocLayNet's classes, which are dots.ocr's own; DeepSeek-OCR's labels as seen in real answers and in its code;
PP-DocLayout's, which PaddleOCR-VL's boxes carry. A label that nobody has seen is read by the words in it, and a label
that was cut off by how it begins. The model's own label is always kept beside the category (`raw_category`).
"""

from __future__ import annotations

import re

from tasks.lake.rows import CATEGORIES

DEFAULT_CATEGORY = "Text"

_BY_NAME = {name.casefold(): name for name in CATEGORIES}
_KNOWN = {
    # DeepSeek-OCR
    "sub-title": "Section-header",
    "figure": "Picture",
    "image": "Picture",
    "equation": "Formula",
    "header": "Page-header",
    "footer": "Page-footer",
    # PP-DocLayout
    "doc-title": "Title",
    "paragraph-title": "Section-header",
    "figure-title": "Caption",
    "table-title": "Caption",
    "chart-title": "Caption",
    "figure-table-chart-title": "Caption",
    "number": "Page-footer",
    "header-image": "Page-header",
    "footer-image": "Page-footer",
    "formula-number": "Formula",
    "content": "Text",
    "reference": "Text",
    "reference-content": "Text",
    "aside-text": "Text",
    "seal": "Picture",
}
_BY_WORD = (
    ("Caption", ("caption",)),
    ("Footnote", ("footnote",)),
    ("Page-footer", ("footer", "page-number", "pagination")),
    ("Page-header", ("page-header", "running-head")),
    ("Section-header", ("section", "heading", "header", "sub-title", "subtitle")),
    ("Title", ("title",)),
    ("Formula", ("formula", "equation", "math")),
    ("Table", ("table", "grid")),
    ("Picture", ("picture", "figure", "image", "chart", "diagram", "photo", "logo", "graphic", "drawing", "stamp")),
    ("List-item", ("list", "bullet")),
)
SHORTEST_BEGINNING = 4
"""Letters of a label that was cut off: three may be the beginning of too much."""


def category_of(label: str) -> str:
    """One of the eleven."""
    name = re.sub(r"[\s_-]+", "-", label.strip().casefold()).strip("-")
    known = _BY_NAME.get(name) or _KNOWN.get(name)
    if known is not None:
        return known
    for category, words in _BY_WORD:
        if any(word in name for word in words):
            return category
    if len(name) >= SHORTEST_BEGINNING:
        return next((category for full, category in _BY_NAME.items() if full.startswith(name)), DEFAULT_CATEGORY)
    return DEFAULT_CATEGORY
