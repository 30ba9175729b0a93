"""From the numbers of an answer to a box inside the model's coordinates, and whether that took any mending.

Numbers are read, never evaluated. Two corners in the wrong order are ordered, edges beyond the page are moved to its
border. Where the lower right corner is not complete, the box ends at the page's border: its text lies in there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from tasks.infer.answers.contract import ModelBox, Space

OVERSHOOT = 1.0
"""An edge this far beyond the page is rounding, not an error: in pixels or thousandths."""

_NUMBER = re.compile(r"\s*([-+]?(?:\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})(?:[eE][-+]?\d{1,2})?)\s*")


class MendedBox(NamedTuple):
    """A box, and whether it is other than what the model wrote."""

    box: ModelBox
    mended: bool


def parse_numbers(text: str) -> list[float | None]:
    """Comma- or space-separated numbers; None in the place of what is not one."""
    parts = text.split(",") if "," in text else text.split()
    return [float(match[1]) if (match := _NUMBER.fullmatch(part)) else None for part in parts]


def flatten_numbers(value: object) -> list[float | None]:
    """The numbers of a parsed value: a list, nested or not, an object's values, or a string that holds them."""
    if isinstance(value, bool) or value is None:
        return [None]
    if isinstance(value, int | float):
        return [_finite(value)]
    if isinstance(value, str):
        return parse_numbers(value.strip("[](){} "))
    if isinstance(value, dict):
        return flatten_numbers(list(value.values()))
    if isinstance(value, list | tuple):
        return [number for item in value[:16] for number in flatten_numbers(item)]
    return [None]


def read_box(numbers: Sequence[float | None], space: Space) -> MendedBox | None:
    """The box of these numbers, or None where not even its first corner is legible.

    Three numbers (seen with dots.ocr) lack the lower edge; eight are the corners of a quadrilateral.
    """
    if len(numbers) == 8 and None not in numbers:
        return _inside(_around(n for n in numbers if n is not None), space, mended=True)
    first = numbers[:4]
    if len(first) < 3 or None in first:
        return None
    x0, y0, x1, y1 = [n for n in first if n is not None] + [space.height][: 4 - len(first)]
    return _inside(ModelBox(x0, y0, x1, y1), space, mended=len(numbers) != 4)


def _around(numbers: Iterable[float]) -> ModelBox:
    corners = list(numbers)
    xs, ys = corners[0::2], corners[1::2]
    return ModelBox(min(xs), min(ys), max(xs), max(ys))


def _inside(box: ModelBox, space: Space, mended: bool) -> MendedBox:
    ordered = ModelBox(min(box.x0, box.x1), min(box.y0, box.y1), max(box.x0, box.x1), max(box.y0, box.y1))
    clamped = ModelBox(
        _clamp(ordered.x0, space.width),
        _clamp(ordered.y0, space.height),
        _clamp(ordered.x1, space.width),
        _clamp(ordered.y1, space.height),
    )
    moved = max(abs(a - b) for a, b in zip(ordered, clamped, strict=True))
    return MendedBox(clamped, mended or ordered != box or moved > OVERSHOOT)


def _clamp(edge: float, limit: float) -> float:
    return min(max(edge, 0.0), limit)


def _finite(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
