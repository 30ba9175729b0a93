"""Elements that a model gave again and again: said once, and the answer known for a loop.

dots.ocr repeats one object for ever (public reports), DeepSeek-OCR one tag; two equal elements are a slip, three or
more at the end are a loop. A text that ends in a loop keeps one turn of it: the raw answer holds the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from tasks.infer.answers.contract import AnswerElement
from tasks.infer.answers.loops import drifts, find_loop

LOOP_ELEMENTS = 3
"""Equal elements at the end of an answer."""
SAME_TEXT_ELEMENTS = 20
"""Elements at the end that say the same in other boxes: columns of "yes" are shorter."""
FINISHED_REPEATS, FINISHED_CHARACTERS = 40, 800
"""In a text that was finished properly, a repetition must be this long: forms have empty rows, tables have zeros."""


class Said(NamedTuple):
    """Elements without repeats, whether any was left out, and whether the answer ends in a loop."""

    elements: list[AnswerElement]
    dropped: bool
    looped: bool


def said_once(elements: Sequence[AnswerElement], cut: bool) -> Said:
    """Each element once, where it was first. `cut`: the answer breaks off, so its last element may not be whole."""
    kept: dict[AnswerElement, None] = {}
    at_end = 0
    for element in elements:
        at_end = at_end + 1 if element in kept else 0
        kept.setdefault(element)
    unique = list(kept)
    if cut and unique and at_end == 0 and _starts_like_one_before(unique):
        unique.pop()
        at_end = 1 + _repeats_before_last(elements)
    dropped = len(unique) < len(elements)
    looped = at_end >= LOOP_ELEMENTS or _same_text(unique)
    if unique:
        last = _without_loop(unique[-1], cut)
        looped, unique[-1] = looped or last != unique[-1] or _last_drifts(last, cut), last
    return Said(unique, dropped, looped)


def _starts_like_one_before(elements: Sequence[AnswerElement]) -> bool:
    """Whether the last element is the beginning of an earlier one, cut off."""
    last = elements[-1]
    return any(e.box == last.box and e.text.startswith(last.text.strip()) for e in elements[:-1])


def _repeats_before_last(elements: Sequence[AnswerElement]) -> int:
    seen: set[AnswerElement] = set()
    at_end = 0
    for element in elements[:-1]:
        at_end = at_end + 1 if element in seen else 0
        seen.add(element)
    return at_end


def _same_text(elements: Sequence[AnswerElement]) -> bool:
    tail = elements[-SAME_TEXT_ELEMENTS:]
    return len(tail) == SAME_TEXT_ELEMENTS and bool(tail[0].text) and len({(e.label, e.text) for e in tail}) == 1


def _without_loop(element: AnswerElement, cut: bool) -> AnswerElement:
    """The element with one turn of the loop that its text ends in, if it does."""
    text = element.text.rstrip()
    closing = "" if cut else _closing_tags(text)
    body = text.removesuffix(closing)
    loop = find_loop(body) if cut else find_loop(body, FINISHED_REPEATS, FINISHED_CHARACTERS)
    return element if loop is None else replace(element, text=body[: loop.start + loop.period] + closing)


def _closing_tags(text: str) -> str:
    """The tags at the end of a text."""
    at = len(text)
    while text.endswith(">", 0, at) and (opening := text.rfind("<", 0, at)) >= 0 and at - opening < 64:
        at = opening
    return text[at:]


def _last_drifts(element: AnswerElement, cut: bool) -> bool:
    return cut and drifts(element.text)
