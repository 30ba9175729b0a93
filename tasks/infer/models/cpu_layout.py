"""cpu-layout: the embedded baseline. Text layer or OCR for text, a small layout detector for boxes and categories.

Its answer is a JSON list of `{"bbox", "category", "label", "text", "format", "confidence"}` in reading order, boxes in
points of the page as displayed: the shape that dots.ocr answers in, so that raw answers read alike. It is written by
the CPU engine (`tasks.infer.cpu`), so anything that does not parse is our own fault and comes out as `unparsed`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from tasks.infer.profile import PageSize, ReadAnswer
from tasks.lake.rows import CATEGORIES, Element

NAME = "cpu-layout"
REVISION, READER_VERSION = "picodet-cdla+ppocr-v6-small", 2


def write_answer(elements: Iterable[Element]) -> str:
    """The elements of a page as the model's answer; points are rounded to a hundredth."""
    return json.dumps(
        [
            {
                "bbox": [round(float(edge), 2) for edge in (e.x0, e.y0, e.x1, e.y1)],
                "category": e.category,
                "label": e.raw_category,
                "text": e.text,
                "format": e.text_format,
                "confidence": None if e.confidence is None else round(float(e.confidence), 4),
            }
            for e in elements
        ],
        ensure_ascii=False,
    )


def read_answer(text: str, page: PageSize) -> ReadAnswer:
    """Read what `write_answer` wrote; boxes are kept inside the page."""
    try:
        boxes = json.loads(text)
        return ReadAnswer(tuple(_element(box, page) for box in boxes), "ok", NAME)
    except (ValueError, TypeError, KeyError):
        return ReadAnswer((), "unparsed", NAME)


def _element(box: dict, page: PageSize) -> Element:
    x0, y0, x1, y1 = box["bbox"]
    if box["category"] not in CATEGORIES:
        raise ValueError(f"unknown category {box['category']!r}")
    return Element(
        category=box["category"],
        raw_category=box["label"],
        x0=min(max(x0, 0.0), page.width),
        y0=min(max(y0, 0.0), page.height),
        x1=min(max(x1, 0.0), page.width),
        y1=min(max(y1, 0.0), page.height),
        text=box["text"],
        text_format=box["format"],
        confidence=box["confidence"],
    )


@dataclass(frozen=True, slots=True)
class CpuLayout:
    """The profile; `REVISION` changes with the models, `READER_VERSION` with the form of the answer or its making."""

    name: str = NAME
    description: str = "no GPU, no download: the PDF's text layer or RapidOCR, boxes by a small layout detector"
    engines: tuple[str, ...] = ("cpu",)
    dpi: int = 200

    def config(self, render_id: str) -> str:
        """See `profile.Profile.config`."""
        return sha256(json.dumps([self.name, REVISION, READER_VERSION, render_id]).encode()).hexdigest()[:8]

    def read_answer(self, text: str, page: PageSize, finish_reason: str | None = None) -> ReadAnswer:
        """See `profile.Profile.read_answer`."""
        del finish_reason  # our own engine always finishes
        return read_answer(text, page)


PROFILE = CpuLayout()
