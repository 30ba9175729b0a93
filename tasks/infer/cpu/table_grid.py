"""The grid of a table: cells that may span rows and columns, and the HTML of it. What the cells are is found in
`tables`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cell:
    """Text, escaped, and the grid positions that it covers, both ends included."""

    row: int
    column: int
    last_row: int
    last_column: int
    text: str


class Spans:
    """Which cells of a grid are one: joined pairs, widened to rectangles."""

    def __init__(self, rows: int, columns: int) -> None:
        self.rows, self.columns = rows, columns
        self._box = {(r, c): (r, c, r, c) for r in range(rows) for c in range(columns)}

    def corner(self, row: int, column: int) -> tuple[int, int]:
        return self._box[row, column][:2]

    def join(self, row: int, column: int, other_row: int, other_column: int) -> None:
        """Makes one rectangle of two cells and of all that lies between or overlaps it."""
        a, b = self._box[row, column], self._box[other_row, other_column]
        wanted = (min(a[0], b[0]), min(a[1], b[1]), max(a[2], b[2]), max(a[3], b[3]))
        while True:
            covered = [
                self._box[r, c] for r in range(wanted[0], wanted[2] + 1) for c in range(wanted[1], wanted[3] + 1)
            ]
            grown = (
                min(x[0] for x in covered),
                min(x[1] for x in covered),
                max(x[2] for x in covered),
                max(x[3] for x in covered),
            )
            if grown == wanted:
                break
            wanted = grown
        for r in range(wanted[0], wanted[2] + 1):
            for c in range(wanted[1], wanted[3] + 1):
                self._box[r, c] = wanted

    def rectangles(self) -> list[tuple[int, int, int, int]]:
        return sorted(set(self._box.values()))


def render(cells: Sequence[Cell]) -> str:
    """HTML of cells that come row by row; their text is escaped already."""
    rows: dict[int, list[str]] = defaultdict(list)
    for cell in cells:
        colspan, rowspan = cell.last_column - cell.column + 1, cell.last_row - cell.row + 1
        attributes = (f' rowspan="{rowspan}"' if rowspan > 1 else "") + (f' colspan="{colspan}"' if colspan > 1 else "")
        rows[cell.row].append(f"<td{attributes}>{cell.text}</td>")
    last = max((cell.last_row for cell in cells), default=-1)
    return "<table>" + "".join(f"<tr>{''.join(rows[r])}</tr>" for r in range(last + 1)) + "</table>"
