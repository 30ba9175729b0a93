"""Boxes on a page and what they have to do with one another: overlap, coverage, rows. No text, no categories."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol, TypeVar

ROW_OVERLAP = 0.5
"""Two boxes are on one row when they share half of the lower one's height: sub- and superscripts do, lines under one
another do not."""


class HasBox(Protocol):
    """Anything with a box: x to the right, y down, the second corner not before the first."""

    @property
    def x0(self) -> float: ...
    @property
    def y0(self) -> float: ...
    @property
    def x1(self) -> float: ...
    @property
    def y1(self) -> float: ...


Boxed = TypeVar("Boxed", bound=HasBox)


class Box(NamedTuple):
    """A bare box, in points unless a docstring says otherwise."""

    x0: float
    y0: float
    x1: float
    y1: float


def bounding_box(items: Iterable[HasBox]) -> Box:
    """The smallest box around all items; there must be one."""
    boxes = list(items)
    return Box(min(b.x0 for b in boxes), min(b.y0 for b in boxes), max(b.x1 for b in boxes), max(b.y1 for b in boxes))


def area(box: HasBox) -> float:
    return max(box.x1 - box.x0, 0.0) * max(box.y1 - box.y0, 0.0)


def shared_area(a: HasBox, b: HasBox) -> float:
    return max(overlap_x(a, b), 0.0) * max(overlap_y(a, b), 0.0)


def overlap_x(a: HasBox, b: HasBox) -> float:
    """Length on the x axis that both cover; negative is the gap between them."""
    return min(a.x1, b.x1) - max(a.x0, b.x0)


def overlap_y(a: HasBox, b: HasBox) -> float:
    """Length on the y axis that both cover; negative is the gap between them."""
    return min(a.y1, b.y1) - max(a.y0, b.y0)


def coverage(inner: HasBox, outer: HasBox) -> float:
    """How much of `inner` lies in `outer`, 0 to 1; of a box without area, whether its middle does."""
    size = area(inner)
    if size > 0:
        return shared_area(inner, outer) / size
    x, y = (inner.x0 + inner.x1) / 2, (inner.y0 + inner.y1) / 2
    return float(outer.x0 <= x <= outer.x1 and outer.y0 <= y <= outer.y1)


def iou(a: HasBox, b: HasBox) -> float:
    shared = shared_area(a, b)
    union = area(a) + area(b) - shared
    return shared / union if union > 0 else 0.0


def into_rows(items: Sequence[Boxed]) -> list[list[Boxed]]:
    """Items grouped into rows from top to bottom, each from left to right.

    The widest item of a row holds it together, and an item goes to the row whose middle is nearest to its own: so
    raised marks stay with their line, and a symbol from a font with tall boxes does not tie two lines into one.
    """
    rows: list[tuple[Boxed, list[Boxed]]] = []
    middles: list[tuple[float, int]] = []  # of the rows, sorted: drawings have thousands of labels
    reach = max((b.y1 - b.y0 for b in items), default=0.0) / 2
    for item in sorted(items, key=lambda b: b.x0 - b.x1):
        middle = (item.y0 + item.y1) / 2
        near = middles[bisect_left(middles, (middle - reach, -1)) : bisect_right(middles, (middle + reach, len(rows)))]
        homes = [row for _, row in near if _same_row(rows[row][0], item)]
        if homes:
            rows[min(homes, key=lambda row: _apart(rows[row][0], item))][1].append(item)
        else:
            insort(middles, (middle, len(rows)))
            rows.append((item, [item]))
    rows.sort(key=lambda row: (row[0].y0 + row[0].y1, row[0].x0))
    return [sorted(members, key=lambda b: b.x0) for _, members in rows]


def _same_row(a: HasBox, b: HasBox) -> bool:
    return overlap_y(a, b) > ROW_OVERLAP * min(a.y1 - a.y0, b.y1 - b.y0) and _apart(a, b) <= 0.5 * (a.y1 - a.y0)


def _apart(a: HasBox, b: HasBox) -> float:
    """Vertical distance of the middles."""
    return abs(a.y0 + a.y1 - b.y0 - b.y1) / 2
