"""The order in which a person reads the blocks of a page: a recursive XY-cut that looks for columns first.

A set of blocks is cut at a vertical gap through all of it where there is one: left part, then right part. Otherwise it
is cut at horizontal gaps into bands, and neighbouring bands go together again as long as one vertical gap runs through
them; so a title, a figure or a footnote over the full width parts the columns above it from those below it, while a gap
that two columns happen to share does not. What cannot be cut (overlapping boxes) is ordered by "above, then left".
Page headers come first and page footers last; that is settled before the cutting.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tasks.infer.cpu.geometry import Boxed, HasBox, bounding_box, into_rows

SHRINK = 0.02
"""Boxes lose this share of their size on each side before cutting: measured edges touch and overlap by a hair."""
MAX_SHRINK = 3.0
"""Points; wide boxes must not lose so much that a gap opens where there is none."""


def reading_order(boxes: Sequence[HasBox], categories: Sequence[str]) -> list[int]:
    """Indices of the boxes in reading order."""
    headers = [i for i, category in enumerate(categories) if category == "Page-header"]
    footers = [i for i, category in enumerate(categories) if category == "Page-footer"]
    body = [i for i, category in enumerate(categories) if category not in ("Page-header", "Page-footer")]
    return [*_by_rows(headers, boxes), *_cut(body, boxes, categories), *_by_rows(footers, boxes)]


def _by_rows(indices: Sequence[int], boxes: Sequence[HasBox]) -> list[int]:
    index_of = {id(boxes[i]): i for i in indices}
    return [index_of[id(box)] for row in into_rows([boxes[i] for i in indices]) for box in row]


def _cut(indices: Sequence[int], boxes: Sequence[HasBox], categories: Sequence[str]) -> list[int]:
    if len(indices) < 2:
        return list(indices)
    columns = _split(indices, boxes, vertical=True)
    if len(columns) > 1:
        return [i for column in columns for i in _cut(column, boxes, categories)]
    bands = _split(indices, boxes, vertical=False)
    if len(bands) == 1:
        return _above_then_left(indices, boxes)
    groups = _join_bands(bands, boxes, categories)
    if len(groups) == 1:
        return _above_then_left(indices, boxes)
    return [i for group in groups for i in _cut(group, boxes, categories)]


def _extent(box: HasBox, vertical: bool) -> tuple[float, float]:
    start, end = (box.x0, box.x1) if vertical else (box.y0, box.y1)
    margin = min(SHRINK * (end - start), MAX_SHRINK)
    return start + margin, end - margin


def _split(indices: Sequence[int], boxes: Sequence[HasBox], vertical: bool) -> list[list[int]]:
    """The boxes parted at every gap that runs through all of them, in order along the axis."""
    ordered = sorted(indices, key=lambda i: _extent(boxes[i], vertical))
    parts = [[ordered[0]]]
    reached = _extent(boxes[ordered[0]], vertical)[1]
    for i in ordered[1:]:
        start, end = _extent(boxes[i], vertical)
        if start >= reached:
            parts.append([])
        parts[-1].append(i)
        reached = max(reached, end)
    return parts


def _join_bands(bands: list[list[int]], boxes: Sequence[HasBox], categories: Sequence[str]) -> list[list[int]]:
    """Neighbouring bands put together while a vertical gap still runs through them."""
    groups: list[list[int]] = [bands[0]]
    for band in bands[1:]:
        joined = groups[-1] + band
        if len(_split(joined, boxes, vertical=True)) > 1:
            groups[-1] = joined
        else:
            groups.append(band)
    return [group for group in _headings_to_what_follows(groups, boxes, categories) if group]


def _headings_to_what_follows(
    groups: list[list[int]], boxes: Sequence[HasBox], categories: Sequence[str]
) -> list[list[int]]:
    """A heading that closes a group of columns belongs to the wide text under it, when it lies below all columns."""
    moved = [list(group) for group in groups]
    for before, after in pairwise(moved):
        last = max(before, key=lambda i: boxes[i].y0)
        rest = [i for i in before if i != last]
        if (
            categories[last] in ("Section-header", "Title")
            and rest
            and boxes[last].y0 >= bounding_box(boxes[i] for i in rest).y1 - MAX_SHRINK
        ):
            before.remove(last)
            after.insert(0, last)
    return moved


def _above_then_left(indices: Sequence[int], boxes: Sequence[HasBox]) -> list[int]:
    """For boxes that overlap each other: rows from the top, each from the left."""
    return _by_rows(indices, boxes)


def in_order(items: Sequence[Boxed]) -> list[Boxed]:
    """Items without categories (the lines of a picture) in reading order."""
    return [items[i] for i in reading_order(items, [""] * len(items))]
