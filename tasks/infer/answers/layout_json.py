"""A JSON list of layout elements: what dots.ocr answers, and its relatives with other names for the same fields.

The form, from the published prompt (dots_ocr/utils/prompts.py): a list of `{"bbox": [x1, y1, x2, y2], "category": …,
"text": …}` in reading order; a Picture has no text; `[]` is a blank page. What comes instead, from public reports: cut
off in the middle, one object for ever, `}{` without a comma, three numbers for a box, LaTeX with bare backslashes,
sentences and fences around. The reference reader drops every box of such a page; this one keeps every element that
is legible.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tasks.infer.answers.boxes import flatten_numbers, read_box
from tasks.infer.answers.contract import AnswerElement, AnswerText, ModelBox, Space, Status, whole_page
from tasks.infer.answers.json_objects import find_objects, restore_commands
from tasks.infer.answers.loops import ends_in_repetition
from tasks.infer.answers.model_text import is_legible, storable, without_end_tokens, without_fence
from tasks.infer.answers.repeats import said_once

BOX_NAMES = ("bbox", "box", "bbox_2d", "block_bbox", "coordinate")
LABEL_NAMES = ("category", "label", "block_label", "type")
TEXT_NAMES = ("text", "content", "block_content")


class _Objects(NamedTuple):
    """The objects of an answer, whether it had to be mended to get at them, and whether it breaks off."""

    objects: Sequence[Mapping[str, object]]
    mended: bool
    cut: bool


def read_layout_json(text: str, space: Space) -> AnswerText:
    """The elements of the list, in order."""
    answer = without_fence(without_end_tokens(text))
    found = _objects(answer)
    if found is None:
        return _without_objects(answer, space)
    read = [_element(fields, space) for fields in found.objects]
    elements = _bounded_by_neighbours([(element, open_below) for element, _, open_below in read if element], space)
    if found.objects and not elements:
        return AnswerText((), "truncated" if found.cut else "unparsed")
    said = said_once(elements, found.cut)
    mended = found.mended or said.dropped or any(element is None or odd for element, odd, _ in read)
    return AnswerText(tuple(said.elements), _status(said.looped, found.cut, mended))


def _status(looped: bool, cut: bool, mended: bool) -> Status:
    if looped:
        return "looped"
    if cut:
        return "truncated"
    return "repaired" if mended else "ok"


def _objects(answer: str) -> _Objects | None:
    """None where there is no object of an element in the answer."""
    try:
        value = json.loads(answer)
    except (ValueError, RecursionError):
        return _broken_objects(answer)
    if isinstance(value, list) and all(isinstance(item, dict) for item in value):
        return _Objects(value, mended=False, cut=False)
    if isinstance(value, str):  # the list was written as a string
        inner = _broken_objects(value)
        return inner and inner._replace(mended=True)
    return _broken_objects(answer)


def _broken_objects(answer: str) -> _Objects | None:
    found = list(find_objects(answer))
    if not found:
        return None
    last = found[-1]
    rest = answer[last.end :].lstrip()
    breaks_off = not last.closed or rest.startswith((",", "{"))
    return _Objects([f.fields for f in found], mended=True, cut=breaks_off)


def _without_objects(answer: str, space: Space) -> AnswerText:
    """An answer of another form: a list that breaks off before its first element, or text, which is kept."""
    if answer.startswith(("[", "{")) and not answer.endswith(("]", "}")):
        return AnswerText((), "truncated")
    if answer.startswith(("[", "{", '"')) or not is_legible(answer):
        return AnswerText((), "unparsed")
    element = AnswerElement("", whole_page(space), storable(answer))
    return AnswerText((element,), "looped" if ends_in_repetition(answer) else "unparsed")


def _element(fields: Mapping[str, object], space: Space) -> tuple[AnswerElement | None, bool, bool]:
    """An element, whether it was mended, and whether its lower edge is missing; None where nothing is legible."""
    text, text_mended = _text(_first(fields, TEXT_NAMES))
    label = _first(fields, LABEL_NAMES)
    numbers = flatten_numbers(_first(fields, BOX_NAMES))
    placed = read_box(numbers, space)
    if placed is None and not text.strip():
        return None, True, False
    box, odd = placed if placed is not None else (whole_page(space), True)
    element = AnswerElement(storable(label).strip() if isinstance(label, str) else "", box, text)
    return element, odd or text_mended or not isinstance(label, str), placed is not None and len(numbers) == 3


def _first(fields: Mapping[str, object], names: Iterable[str]) -> object:
    return next((fields[name] for name in names if fields.get(name) is not None), None)


def _text(value: object) -> tuple[str, bool]:
    """The text of an element, and whether it was mended."""
    if value is None:
        return "", False
    if isinstance(value, str):
        restored = storable(restore_commands(value))
        return restored, restored != value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return storable("\n".join(value)), True
    return storable(json.dumps(value, ensure_ascii=False)), True


def _bounded_by_neighbours(read: Sequence[tuple[AnswerElement, bool]], space: Space) -> list[AnswerElement]:
    """Boxes without a lower edge end where the next box below in their column starts."""
    elements = [element for element, _ in read]
    for index, (element, open_below) in enumerate(read):
        if open_below:
            box = element.box
            below = [
                other.y0
                for other in (e.box for e, _ in read)
                if other.y0 > box.y0 and min(other.x1, box.x1) > max(other.x0, box.x0)
            ]
            lower = ModelBox(box.x0, box.y0, box.x1, min(below, default=space.height))
            elements[index] = AnswerElement(element.label, lower, element.text)
    return elements
