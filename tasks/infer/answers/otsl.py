"""Tables in OTSL, as PaddleOCR-VL answers them, turned into HTML.

OTSL (Lysak et al., 2023, arXiv:2305.03393) names a cell by how it relates to its neighbours: `<fcel>` full, `<ecel>`
empty, `<lcel>` joined to the left, `<ucel>` joined to the one above, `<xcel>` joined to both, `<nl>` the end of a row;
docling adds `<ched>` and `<rhed>` for headers of columns and rows, `<srow>` for a section's row. Rows may be ragged and
joins may lead nowhere: such a cell counts as an empty one.
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import NamedTuple

_KINDS = "fcel|ecel|lcel|ucel|xcel|ched|rhed|srow|nl"
_TOKEN = re.compile(rf"<(?P<kind>{_KINDS})>(?P<text>(?:(?!<(?:{_KINDS})>).)*)", re.DOTALL)
_HEADERS = ("ched", "rhed")
_JOINED_LEFT, _JOINED_UP, _JOINED_BOTH = "lcel", "ucel", "xcel"


class _Place(NamedTuple):
    row: int
    column: int


class _Cell(NamedTuple):
    kind: str
    text: str


def is_otsl(text: str) -> bool:
    """Whether the text holds at least one of OTSL's tokens."""
    return _TOKEN.search(text) is not None


def otsl_to_html(text: str) -> str:
    """The table as HTML, its cells escaped; text outside any cell is left out."""
    grid = dict(_cells(text))
    owners = _owners(grid)
    parts = ["<table>"]
    row = -1
    for place, cell in grid.items():
        if place.row != row:
            parts.append("<tr>" if row < 0 else "</tr><tr>")
            row = place.row
        if owners[place] == place:
            parts.append(_html(cell, *_span(place, owners)))
    parts.append("</tr></table>" if grid else "</table>")
    return "".join(parts)


def _cells(text: str) -> Iterator[tuple[_Place, _Cell]]:
    """Cells from left to right, row by row."""
    row = column = 0
    for token in _TOKEN.finditer(text):
        if token["kind"] == "nl":
            row, column = row + 1, 0
        else:
            yield _Place(row, column), _Cell(token["kind"], token["text"].strip())
            column += 1


def _owners(grid: Mapping[_Place, _Cell]) -> dict[_Place, _Place]:
    """For each cell the one whose span covers it, or itself where joins lead nowhere."""
    owners: dict[_Place, _Place] = {}
    for place, cell in grid.items():
        left = owners.get(_Place(place.row, place.column - 1))
        above = owners.get(_Place(place.row - 1, place.column))
        owner = None
        if cell.kind == _JOINED_LEFT:
            owner = left if left and (left.row == place.row or left == above) else None
        elif cell.kind == _JOINED_UP:
            owner = above if above and above.column == place.column else None
        elif cell.kind == _JOINED_BOTH:
            owner = above if above == left else None
        owners[place] = owner or place
    return _only_rectangles(owners)


def _only_rectangles(owners: dict[_Place, _Place]) -> dict[_Place, _Place]:
    """Where the cells of one owner are no rectangle, they are cells of their own."""
    extents: dict[_Place, tuple[int, int]] = {}
    for place, owner in owners.items():
        rows, columns = extents.get(owner, (0, 0))
        extents[owner] = max(rows, place.row - owner.row + 1), max(columns, place.column - owner.column + 1)
    members = Counter(owners.values())
    return {
        place: owner if members[owner] == extents[owner][0] * extents[owner][1] else place
        for place, owner in owners.items()
    }


def _span(place: _Place, owners: Mapping[_Place, _Place]) -> tuple[int, int]:
    """How many columns and rows the cell covers, itself included."""
    columns = rows = 1
    while owners.get(_Place(place.row, place.column + columns)) == place:
        columns += 1
    while owners.get(_Place(place.row + rows, place.column)) == place:
        rows += 1
    return columns, rows


def _html(cell: _Cell, columns: int, rows: int) -> str:
    tag = "th" if cell.kind in _HEADERS else "td"
    span = (f' colspan="{columns}"' if columns > 1 else "") + (f' rowspan="{rows}"' if rows > 1 else "")
    return f"<{tag}{span}>{html.escape(html.unescape(cell.text), quote=False)}</{tag}>"
