"""What every reader takes and gives: the contract between the formats of answers and the model profiles."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

Status = Literal["ok", "repaired", "truncated", "looped", "unparsed"]
"""How an answer was read. `repaired`: something was mended or guessed. `truncated`: it breaks off. `looped`: it ends in
repetition. `unparsed`: it does not have the form that was asked for; legible text is kept all the same."""


class Space(NamedTuple):
    """The coordinates of a model's boxes: from 0 to `width` and `height`, origin top left, y downwards."""

    width: float
    height: float


class ModelBox(NamedTuple):
    """A box in a model's `Space`: inside it, the second corner not before the first."""

    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class AnswerElement:
    """One element as the model gave it: its own label (empty: it gave none), and its box in its own coordinates."""

    label: str
    box: ModelBox
    text: str


@dataclass(frozen=True, slots=True)
class AnswerText:
    """An answer, read: its elements in reading order, and how it was read."""

    elements: tuple[AnswerElement, ...]
    status: Status


Reader = Callable[[str, Space], AnswerText]
"""Reads one answer; never raises."""


def whole_page(space: Space) -> ModelBox:
    """The box of what is legible but has no place of its own."""
    return ModelBox(0.0, 0.0, space.width, space.height)


def with_finish_reason(answer: AnswerText, finish_reason: str | None) -> AnswerText:
    """What the server says of how the answer ended, added to what its text shows.

    Source of the reasons: vLLM 0.33, stop, length, abort, error, repetition.
    """
    if finish_reason == "repetition" or answer.status == "looped":
        return replace(answer, status="looped")
    if finish_reason == "length" and answer.status != "unparsed":
        return replace(answer, status="truncated")
    return answer
