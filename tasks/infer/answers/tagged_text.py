"""Text with tags that say what follows and where it stands: what DeepSeek-OCR and DeepSeek-OCR-2 answer when grounded.

The form, from the published code (DeepSeek-OCR, run_dpsk_ocr_pdf.py) and docling's recorded answers:
`<|ref|>LABEL<|/ref|><|det|>[[x1, y1, x2, y2], …]<|/det|>`, then the content up to the next tag. Several boxes in a tag
and no content are both legal. A server that skips special tokens leaves `LABEL[[x1, y1, x2, y2]]`; a relative writes
`<|det|>LABEL [x1, y1, x2, y2]<|/det|>`. Numbers are thousandths of the page, and never evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from tasks.infer.answers.boxes import MendedBox, parse_numbers, read_box
from tasks.infer.answers.contract import AnswerElement, AnswerText, Space, whole_page
from tasks.infer.answers.loops import ends_in_repetition
from tasks.infer.answers.model_text import is_legible, storable, without_end_tokens, without_fence
from tasks.infer.answers.repeats import said_once

_TAGGED = re.compile(
    r"(?:<\|ref\|>(?P<label>[^<\n]{0,4000}?)<\|/ref\|>\s*)?"
    r"<\|det\|>\s*(?P<inner>[A-Za-z][\w \-]{0,40}?)?\s*(?P<boxes>\[[^<\n]*?\])\s*<\|/det\|>"
)
_BARE = re.compile(
    r"^[ \t]*(?P<label>[^\[\]\n]{0,400}?)[ \t]*(?P<inner>)(?P<boxes>\[\[[-+.\deE,\s\[\]]{5,}?\]\])", re.MULTILINE
)
_UNFINISHED_TAG = re.compile(
    r"<\|ref\|>(?:(?!<\|det\|>[^<]*<\|/det\|>).)*\Z|<\|det\|>[^<]*\Z|<\|/?[a-z]{0,3}\|?\Z", re.DOTALL
)
_UNFINISHED_BARE = re.compile(r"^[ \t]*[A-Za-z_]{1,40}\[\[[-+.\d,\s\[\]]*\Z", re.MULTILINE)
_LOOSE_TOKEN = re.compile(r"<\|/?(?:ref|det|grounding)\|>")
_BOX = re.compile(r"\[([^\[\]]*)\]")
_CENTERED = re.compile(r"\A<center>((?:(?!</center>).)*)(?:</center>)?\Z", re.DOTALL | re.IGNORECASE)
_TABLE = re.compile(r"<table\b.*\Z", re.DOTALL | re.IGNORECASE)
MAX_BOXES = 1000
"""Per tag: more is a loop within one tag."""


class _Tag(NamedTuple):
    label: str
    boxes: tuple[str, ...]
    content: str


def read_tagged_text(text: str, space: Space) -> AnswerText:
    """Elements from tags that name a category, the content after each tag as its text."""
    return _read(text, space, label_is_text=False)


def read_located_text(text: str, space: Space) -> AnswerText:
    """Elements from tags that hold the text itself: the answer to `OCR this image` and to `Locate …`."""
    return _read(text, space, label_is_text=True)


def _read(text: str, space: Space, *, label_is_text: bool) -> AnswerText:
    answer = storable(without_fence(without_end_tokens(text)))
    preamble, tags, cut = _tags(answer)
    if not tags:
        return _without_tags(preamble, space, cut)
    mended = cut or bool(preamble)
    elements: list[AnswerElement] = [_unplaced("", preamble, space)] if is_legible(preamble) else []
    for tag in tags:
        read, odd = _elements(tag, space, label_is_text)
        elements.extend(read)
        mended |= odd
    said = said_once(_tables_after_captions(elements), cut)
    if said.looped:
        return AnswerText(tuple(said.elements), "looped")
    if cut:
        return AnswerText(tuple(said.elements), "truncated")
    return AnswerText(tuple(said.elements), "repaired" if mended or said.dropped else "ok")


def _tags(answer: str) -> tuple[str, list[_Tag], bool]:
    """What stands before the first tag, the tags with their content, and whether the last of them breaks off."""
    marks = list(_TAGGED.finditer(answer))
    unfinished = _UNFINISHED_TAG
    if not marks:
        marks = list(_BARE.finditer(answer))
        unfinished = _UNFINISHED_BARE if marks else _UNFINISHED_TAG
    last_end = marks[-1].end() if marks else 0
    torn = unfinished.search(answer, last_end)
    end = torn.start() if torn else len(answer)
    borders = [*(mark.start() for mark in marks), end][1:]
    tags = [
        _Tag(
            (mark["label"] or mark["inner"] or "").strip(),
            tuple(_BOX.findall(mark["boxes"])[:MAX_BOXES]),
            _content(answer[mark.end() : border]),
        )
        for mark, border in zip(marks, borders, strict=False)
    ]
    preamble = answer[: marks[0].start()] if marks else answer[:end]
    return _content(preamble), tags, torn is not None or _open_table(tags)


def _open_table(tags: Sequence[_Tag]) -> bool:
    """Whether the answer ends inside a table."""
    content = tags[-1].content.lower() if tags else ""
    return content.count("<table") > content.count("</table")


def _content(text: str) -> str:
    """Text between two tags: no tokens left over, no `<center>` around it."""
    text = _LOOSE_TOKEN.sub("", text).strip()
    centered = _CENTERED.match(text)
    return centered[1].strip() if centered else text


def _elements(tag: _Tag, space: Space, label_is_text: bool) -> tuple[list[AnswerElement], bool]:
    """An element for each box, the text at the first, and whether any was mended."""
    label, text = ("", f"{tag.label}\n{tag.content}".strip()) if label_is_text else (tag.label, tag.content)
    read = [read_box(parse_numbers(numbers), space) for numbers in tag.boxes]
    placed: list[MendedBox] = [box for box in read if box is not None]
    odd = len(placed) < len(read) or any(box.mended for box in placed) or not placed
    if not placed:
        return ([_unplaced(label, text, space)] if text else []), True
    texts: Iterator[str] = iter([text])
    return [AnswerElement(label, box.box, next(texts, "")) for box in placed], odd


def _unplaced(label: str, text: str, space: Space) -> AnswerElement:
    return AnswerElement(label, whole_page(space), text)


def _tables_after_captions(elements: Sequence[AnswerElement]) -> list[AnswerElement]:
    """A table's content, when it stands behind the caption that came between the table's tag and itself."""
    moved = list(elements)
    for index in range(len(moved) - 1):
        table, caption = moved[index], moved[index + 1]
        content = _TABLE.search(caption.text)
        if content and table.label == "table" and not table.text and caption.label.endswith("caption"):
            moved[index] = replace(table, text=content[0])
            moved[index + 1] = replace(caption, text=_content(caption.text[: content.start()]))
    return moved


def _without_tags(text: str, space: Space, cut: bool) -> AnswerText:
    """An answer without a single tag: its text is kept, in the whole page's box."""
    if not is_legible(text):
        return AnswerText((), "truncated" if cut and not text else "unparsed")
    element = AnswerElement("", whole_page(space), text)
    return AnswerText((element,), "looped" if ends_in_repetition(text) else "unparsed")
