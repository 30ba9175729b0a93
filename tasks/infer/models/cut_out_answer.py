"""The answer about a page that was read box by box: its form, how it is written, how it is read.

It is a JSON list of objects in reading order, one for each box that cpu-layout found; `[]` is a page without any.

    bbox, category, label, confidence   cpu-layout's own: points of the page as displayed, one of the eleven, its word
    prompt          what the model was asked about the cut-out; null: it was not asked (a picture)
    said            what the model said, as it said it; null: nothing
    finish_reason   why it stopped
    error           why it said nothing
    read_by         whose text counts: the model's name, or cpu-layout
    text, format    cpu-layout's own text and the format of it, only where that counts

The status of the page is that of its worst cut-out: ok, repaired, truncated, looped, in this order. A box that was not
answered, or of which nothing could be read, makes the page `truncated`: a part of it is missing from what the model
said. The page is `unparsed` where that is so of every box that the model was asked about. An empty answer in the place
of which cpu-layout's text counts is `repaired`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from tasks.infer.answers.contract import Reader, Space, Status, with_finish_reason
from tasks.infer.answers.model_text import storable
from tasks.infer.models.chat_profile import format_of
from tasks.infer.models.cpu_layout import NAME as LAYOUT
from tasks.infer.profile import PageSize, ReadAnswer
from tasks.lake.rows import CATEGORIES, Element

ANSWER_VERSION = 1
"""Changes when an answer would be written, or an old one read, otherwise."""

_BEST_FIRST: tuple[Status, ...] = ("ok", "repaired", "truncated", "looped")
_NOTHING_READ = ("unparsed", "failed")
_CUT_OUT = Space(1.0, 1.0)
"""A cut-out is all one box: where in it the text stands is not asked."""
_FORMATS = ("markdown", "html", "latex", "plain")


@dataclass(frozen=True, slots=True)
class AskedBox:
    """A box as cpu-layout found and read it, and what became of asking about it; not asked about without a `prompt`."""

    found: Element
    prompt: str | None = None
    said: str | None = None
    finish_reason: str | None = None
    error: str | None = None
    layout_counts: bool = True


@dataclass(frozen=True, slots=True)
class BoxReader:
    """What reads one cut-out of a model: by what name its elements go, and in which format plain text is."""

    model: str
    read: Reader
    text_format: str


def write_boxes(boxes: Iterable[AskedBox], model: str) -> str:
    """The answer of a page; see the module's docstring."""
    return storable(json.dumps([_written(box, model) for box in boxes], ensure_ascii=False))


def read_boxes(text: str, page: PageSize, reader: BoxReader) -> ReadAnswer:
    """What `write_boxes` wrote, as elements. Never raises: what has another form is left out, and makes `unparsed`."""
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list):
        return ReadAnswer((), "unparsed", reader.model)
    elements: list[Element] = []
    statuses: list[str | None] = []
    for entry in entries:
        try:
            element, status = _read(entry, page, reader)
        except (ValueError, TypeError, KeyError, OverflowError):
            continue
        elements.append(element)
        statuses.append(status)
    whole = len(elements) == len(entries)
    return ReadAnswer(tuple(elements), page_status(filter(None, statuses)) if whole else "unparsed", reader.model)


def page_status(statuses: Iterable[str]) -> Status:
    """Of a page, from those of the cut-outs that the model was asked about, "failed" among them."""
    counted = ["missing" if status in _NOTHING_READ else status for status in statuses]
    if counted and set(counted) == {"missing"}:
        return "unparsed"
    ranks = [_BEST_FIRST.index(cast("Status", "truncated" if one == "missing" else one)) for one in counted]
    return _BEST_FIRST[max(ranks, default=0)]


def _written(box: AskedBox, model: str) -> dict[str, Any]:
    found = box.found
    return {
        "bbox": [round(float(edge), 2) for edge in (found.x0, found.y0, found.x1, found.y1)],
        "category": found.category,
        "label": found.raw_category,
        "confidence": found.confidence,
        "prompt": box.prompt,
        "said": box.said,
        "finish_reason": box.finish_reason,
        "error": box.error,
        "read_by": LAYOUT if box.layout_counts else model,
        **({"text": found.text, "format": found.text_format} if box.layout_counts else {}),
    }


def _read(entry: Mapping[str, Any], page: PageSize, reader: BoxReader) -> tuple[Element, str | None]:
    """An element, and the status of its cut-out; None where the model was not asked."""
    found = _box(entry, page)
    read, status = _said(entry, found, reader) if entry["prompt"] is not None else (found, None)
    if entry["read_by"] != LAYOUT:
        return read, status
    if status == "ok" and not read.text:
        status = "repaired"
    text, text_format = entry["text"], entry["format"]
    if text_format not in _FORMATS:
        raise ValueError(f"unknown format {text_format!r}")
    return replace(found, text=storable(_text(text)), text_format=text_format, read_by=LAYOUT), status


def _said(entry: Mapping[str, Any], found: Element, reader: BoxReader) -> tuple[Element, str]:
    """The box with the text that the model gave it. A table is one by its own marks, wherever it was asked for."""
    said, finish_reason = entry["said"], entry["finish_reason"]
    if said is None:
        return found, "failed"
    read = with_finish_reason(reader.read(_text(said), _CUT_OUT), finish_reason)
    text = "\n\n".join(element.text for element in read.elements)
    is_table = any(element.label == "table" for element in read.elements)
    text_format = "html" if is_table else format_of(found.category, text, reader.text_format)
    return replace(found, text=text, text_format=text_format), read.status


def _box(entry: Mapping[str, Any], page: PageSize) -> Element:
    """The box alone, inside the page, without text."""
    x0, y0, x1, y1 = map(float, entry["bbox"])
    if not all(map(math.isfinite, (x0, y0, x1, y1))):
        raise ValueError("a box is of finite numbers")
    if entry["category"] not in CATEGORIES:
        raise ValueError(f"unknown category {entry['category']!r}")
    confidence = entry["confidence"]
    return Element(
        category=entry["category"],
        raw_category=storable(_text(entry["label"])),
        x0=min(max(min(x0, x1), 0.0), page.width),
        y0=min(max(min(y0, y1), 0.0), page.height),
        x1=min(max(x0, x1, 0.0), page.width),
        y1=min(max(y0, y1, 0.0), page.height),
        text="",
        confidence=None if confidence is None else float(confidence),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text is a string, not {type(value).__name__}")
    return value
