"""A table as HTML, from its words and its drawn lines.

Columns are where vertical lines are drawn, and, unless the table is ruled on all sides, where white space runs through
nearly all rows. Rows are where horizontal lines are drawn, if there is about one per row of text; otherwise the rows of
text themselves. A cell spans columns or rows where the line between two cells is not drawn, or, without vertical lines,
where its text runs across a gap. Every word ends in exactly one cell. There are only `td`: what is a header cannot be
told from this, and a wrong `th` misleads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from statistics import median

from tasks.infer.cpu.geometry import Box, into_rows
from tasks.infer.cpu.lines import Line, Word, words_of
from tasks.infer.cpu.markdown import join_lines
from tasks.infer.cpu.rulings import Ruling

SNAP_PT = 3.0
"""Rulings closer than this are one line (double lines, the two edges of a thick one)."""
WORD_SPACE = 0.65
"""In font sizes: words closer than this belong to one phrase. A space is a quarter to a third; justified it may double."""
MIN_GUTTER = 0.3
"""In font sizes: white space narrower than this does not part columns."""
SPANNED_SHARE = 0.25
"""A phrase that lies over two or more phrases in this share of the rows is a header over several columns."""
RULE_COVERS = 0.5
"""A border is drawn between two cells when rulings cover this share of it."""
ROWS_PER_BAND = 1.6
"""Text rows per ruled band up to which the rulings are taken for the rows; beyond, they only part groups of rows."""
TIGHT = 0.75
"""A row this much closer to the one above than usual continues it."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Text and the grid positions that it covers, both ends included."""

    row: int
    column: int
    last_row: int
    last_column: int
    text: str


@dataclass(frozen=True, slots=True)
class Segment:
    """Words of one row that stand close together."""

    words: tuple[Word, ...]
    x0: float
    y0: float
    x1: float
    y1: float


def table_html(
    lines: Sequence[Line], box: Box, horizontal: Sequence[Ruling] = (), vertical: Sequence[Ruling] = ()
) -> str:
    """The table inside `box`; empty where there is no text."""
    rows = [segments_of(row) for row in into_rows([word for line in lines for word in words_of(line)])]
    if not rows:
        return ""
    ys, xs = _positions(horizontal, box.x1 - box.x0), _positions(vertical, box.y1 - box.y0)
    bands = _bands(rows, _inside(ys, box.y0, box.y1))
    ruled_rows = len(bands) > 1 and len(rows) <= ROWS_PER_BAND * len(bands)
    ruled_columns = bool(_inside(xs, box.x0, box.x1)) and len(bands) > 1
    column_edges = _inside(xs, box.x0, box.x1)
    if not (ruled_columns and ruled_rows):
        column_edges = sorted([*column_edges, *_gutters(rows, column_edges)])
    groups = bands if ruled_rows else [group for band in bands for group in _continued_rows(band, column_edges)]
    return render(_cells(groups, column_edges, box, horizontal if ruled_rows else (), vertical, ruled_columns))


def segments_of(words: Sequence[Word]) -> list[Segment]:
    """The words of one row as phrases."""
    runs = [[words[0]]]
    for left, right in pairwise(words):
        if right.x0 - left.x1 > WORD_SPACE * min(left.font_size, right.font_size):
            runs.append([])
        runs[-1].append(right)
    return [
        Segment(tuple(run), run[0].x0, min(w.y0 for w in run), max(w.x1 for w in run), max(w.y1 for w in run))
        for run in runs
    ]


def _positions(rulings: Sequence[Ruling], extent: float) -> list[float]:
    """Where rulings lie, close ones taken together, if their lengths add up to a tenth of the table."""
    groups: list[list[Ruling]] = []
    for ruling in sorted(rulings, key=lambda r: r.at):
        if groups and ruling.at - groups[-1][-1].at < SNAP_PT:
            groups[-1].append(ruling)
        else:
            groups.append([ruling])
    long_enough = [group for group in groups if sum(r.end - r.start for r in group) > 0.1 * extent]
    return [sum(r.at for r in group) / len(group) for group in long_enough]


def _inside(positions: Sequence[float], start: float, end: float) -> list[float]:
    """Positions that part something: not the table's own border."""
    return [p for p in positions if start + SNAP_PT < p < end - SNAP_PT]


def _bands(rows: list[list[Segment]], edges: Sequence[float]) -> list[list[list[Segment]]]:
    """Rows of text grouped by the rulings between them."""
    bands: dict[int, list[list[Segment]]] = defaultdict(list)
    for row in rows:
        middle = median((s.y0 + s.y1) / 2 for s in row)
        bands[sum(edge < middle for edge in edges)].append(row)
    return [bands[i] for i in sorted(bands)]


def _gutters(rows: list[list[Segment]], ruled: Sequence[float]) -> list[float]:
    """Middles of the white spaces that part columns: nothing but headers over several columns runs across them."""
    size = median(word.font_size for row in rows for segment in row for word in segment.words)
    single = sorted((s.x0, s.x1) for row in rows for s in row if not _spans_columns(s, rows))
    gutters, reached = [], single[0][1] if single else 0.0
    for start, end in single[1:]:
        if start - reached >= MIN_GUTTER * size:
            gutters.append((reached, start))
        reached = max(reached, end)
    inner = [gutter for gutter in gutters if _parts_rows(gutter, rows)]
    return [(a + b) / 2 for a, b in inner if not any(a - SNAP_PT <= x <= b + SNAP_PT for x in ruled)]


def _spans_columns(segment: Segment, rows: list[list[Segment]]) -> bool:
    """Whether enough other rows have two phrases or more where this one has one."""
    several = sum(sum(min(s.x1, segment.x1) > max(s.x0, segment.x0) for s in row) > 1 for row in rows)
    return several >= max(2, SPANNED_SHARE * len(rows))


def _parts_rows(gutter: tuple[float, float], rows: list[list[Segment]]) -> bool:
    """Whether at least two rows, or the only one, have text on both sides of the gap and none in it."""
    middle = (gutter[0] + gutter[1]) / 2
    parted = sum(
        any(s.x1 <= middle for s in row) and any(s.x0 >= middle for s in row) for row in rows
    )
    return parted >= min(2, len(rows))


def _continued_rows(band: list[list[Segment]], edges: Sequence[float]) -> list[list[list[Segment]]]:
    """Rows of text grouped into rows of the table: a row continues the one above when it fills only cells that are filled
    there, not the first, and stands closer to it than rows usually do."""
    pitches = [b[0].y1 - a[0].y1 for a, b in pairwise(band)]
    usual = median(pitches) if pitches else 0.0
    groups = [[band[0]]]
    for pitch, above, row in zip(pitches, band, band[1:], strict=False):
        filled, filled_above = _columns(row, edges), _columns(above, edges)
        if 0 not in filled and filled < filled_above and pitch < TIGHT * usual:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _columns(row: list[Segment], edges: Sequence[float]) -> set[int]:
    return {sum(edge < (s.x0 + s.x1) / 2 for edge in edges) for s in row}


def _cells(
    groups: list[list[list[Segment]]],
    edges: Sequence[float],
    box: Box,
    horizontal: Sequence[Ruling],
    vertical: Sequence[Ruling],
    ruled_columns: bool,
) -> list[Cell]:
    """The grid's cells with the text of each, spans resolved."""
    tops = _row_edges(groups, box)
    owner = _Spans(len(groups), len(edges) + 1)
    if ruled_columns:
        owner.join_where_open(tops, [box.x0, *edges, box.x1], horizontal, vertical)
    placed: list[tuple[int, int, Segment]] = []
    for r, group in enumerate(groups):
        for segment in (s for row in group for s in row):
            first = sum(edge < segment.x0 + SNAP_PT for edge in edges)
            last = max(first, sum(edge < segment.x1 - SNAP_PT for edge in edges))
            middle = sum(edge < (segment.x0 + segment.x1) / 2 for edge in edges)
            if ruled_columns:
                first = last = middle
            owner.join(r, first, r, last)
            placed.append((r, first, segment))
    texts: dict[tuple[int, int], list[Segment]] = defaultdict(list)
    for r, c, segment in placed:
        texts[owner.corner(r, c)].append(segment)
    return [
        Cell(r, c, last_r, last_c, _cell_text(texts.get((r, c), [])))
        for r, c, last_r, last_c in owner.rectangles()
    ]


def _row_edges(groups: list[list[list[Segment]]], box: Box) -> list[float]:
    """Where one row of the table ends and the next begins, the table's own edges included."""
    bottoms = [max(s.y1 for row in group for s in row) for group in groups]
    tops = [min(s.y0 for row in group for s in row) for group in groups]
    return [box.y0, *((bottom + top) / 2 for bottom, top in zip(bottoms, tops[1:], strict=False)), box.y1]


def _cell_text(segments: Sequence[Segment]) -> str:
    rows = into_rows([word for segment in segments for word in segment.words])
    return escape(join_lines([" ".join(word.text for word in row) for row in rows]), quote=False)


class _Spans:
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

    def join_where_open(
        self, ys: Sequence[float], xs: Sequence[float], horizontal: Sequence[Ruling], vertical: Sequence[Ruling]
    ) -> None:
        """Joins neighbours that no ruling parts; rows only where there are horizontal rulings to go by."""
        for r in range(self.rows):
            for c in range(self.columns):
                if c + 1 < self.columns and not _drawn(vertical, xs[c + 1], ys[r], ys[r + 1]):
                    self.join(r, c, r, c + 1)
                if horizontal and r + 1 < self.rows and not _drawn(horizontal, ys[r + 1], xs[c], xs[c + 1]):
                    self.join(r, c, r + 1, c)

    def rectangles(self) -> list[tuple[int, int, int, int]]:
        return sorted(set(self._box.values()))


def _drawn(rulings: Sequence[Ruling], at: float, start: float, end: float) -> bool:
    """Whether rulings near `at` cover enough of the stretch from `start` to `end`."""
    covered = sum(max(min(r.end, end) - max(r.start, start), 0.0) for r in rulings if abs(r.at - at) < 2 * SNAP_PT)
    return covered >= RULE_COVERS * (end - start)


def render(cells: Sequence[Cell]) -> str:
    """HTML of cells that come row by row; their text is escaped already."""
    rows: dict[int, list[str]] = defaultdict(list)
    for cell in cells:
        colspan, rowspan = cell.last_column - cell.column + 1, cell.last_row - cell.row + 1
        attributes = (f' rowspan="{rowspan}"' if rowspan > 1 else "") + (f' colspan="{colspan}"' if colspan > 1 else "")
        rows[cell.row].append(f"<td{attributes}>{cell.text}</td>")
    last = max((cell.last_row for cell in cells), default=-1)
    return "<table>" + "".join(f"<tr>{''.join(rows[r])}</tr>" for r in range(last + 1)) + "</table>"
