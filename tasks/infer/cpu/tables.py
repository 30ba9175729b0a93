"""A table as HTML, from its words and its drawn lines.

Columns are where vertical lines are drawn, and, unless rows and columns are both ruled, where white space runs through
nearly all rows. Rows are where horizontal lines are drawn, if they part rows rather than head, body and foot; otherwise
the rows of text themselves. A cell spans columns or rows where the line between two cells is not drawn, or, without
vertical lines, where its text runs across a gap. Every word ends in exactly one cell. There are only `td`: what is a
header cannot be told from this, and a wrong `th` misleads.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from statistics import median

import numpy as np

from tasks.infer.cpu.geometry import Box, into_rows
from tasks.infer.cpu.lines import Line, Word, words_of
from tasks.infer.cpu.markdown import join_lines
from tasks.infer.cpu.rulings import Ruling
from tasks.infer.cpu.table_grid import Cell, Spans, render

SNAP_PT = 3.0
"""Rulings closer than this are one line (double lines, the two edges of a thick one)."""
WORD_SPACE = 0.65
"""In font sizes: words closer than this belong to one phrase. A space is a quarter to a third; justified it may
double."""
MIN_GUTTER = 0.3
"""In font sizes: white space narrower than this does not part columns."""
CROSSING_SHARE = 0.15
"""Share of the rows that may run across a gap that is still a column's edge: headers over several columns,
subheadings."""
WHOLE_ROW = 0.5
"""Share of the table's width: a single phrase that is wider (a note, a subheading) says nothing about columns."""
STEP_PT = 0.5
"""Resolution of the search for white space."""
RULE_COVERS = 0.5
"""A border is drawn between two cells when rulings cover this share of it."""
ROWS_PER_BAND = 1.6
"""Text rows per ruled band up to which the rulings are taken for the rows; beyond, they only part groups of rows."""
BETWEEN = 0.2
"""Of a row's height, overlapped by both neighbours."""
MIN_GRID_BANDS = 3
LARGEST_BAND = 0.6
"""Share of all rows of text: a band with more is the body of a table of which only the head is ruled off."""
TIGHT = 0.75
"""A row this much closer to the one above than usual continues it."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Where one column ends and the next begins; `ruled` when a line is drawn there, in some rows at least."""

    x: float
    ruled: bool


@dataclass(frozen=True, slots=True)
class Segment:
    """Words of one row that stand close together."""

    words: tuple[Word, ...]
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True)
class Grid:
    """Rows of the table (each of one or more rows of text), the edges between columns, `ys` around the rows."""

    rows: list[list[list[Segment]]]
    edges: list[Edge]
    ys: list[float]
    box: Box


def table_html(
    lines: Sequence[Line], box: Box, horizontal: Sequence[Ruling] = (), vertical: Sequence[Ruling] = ()
) -> str:
    """The table inside `box`; empty where there is no text."""
    words = [word for line in lines for word in words_of(line)]
    if not words:
        return ""
    rows = _without_between([segments_of(row) for row in into_rows(words)])
    ys = _parting(_positions(horizontal, box.x1 - box.x0), [(w.y0 + w.y1) / 2 for w in words])
    xs = _parting(_positions(vertical, box.y1 - box.y0), [(w.x0 + w.x1) / 2 for w in words])
    bands = _bands(rows, ys)
    ruled_rows = _rulings_are_rows(bands, bool(xs))
    edges = [Edge(x, ruled=True) for x in xs]
    if not (xs and ruled_rows):
        edges = sorted([*edges, *(Edge(x, ruled=False) for x in _gutters(rows, xs))], key=lambda edge: edge.x)
    groups = bands if ruled_rows else _text_rows(bands, edges)
    grid = Grid(groups, edges, _row_edges(groups, box, ys), box)
    return render(_cells(grid, horizontal if ruled_rows and xs else (), vertical))


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


def _without_between(rows: list[list[Segment]]) -> list[list[Segment]]:
    """Rows that stand between two rows of numbers and overlap both, a cell centred over the two, given to the upper
    one."""
    kept = rows[:1]
    for index in range(1, len(rows)):
        row, below = rows[index], rows[index + 1] if index + 1 < len(rows) else []
        height = max(s.y1 for s in row) - min(s.y0 for s in row)
        over = max(s.y1 for s in kept[-1]) - min(s.y0 for s in row)
        under = max(s.y1 for s in row) - min(s.y0 for s in below) if below else 0.0
        if min(over, under) > BETWEEN * height and _is_rows_of_numbers([kept[-1], below]):
            kept[-1] = sorted([*kept[-1], *row], key=lambda s: s.x0)
        else:
            kept.append(row)
    return kept


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


def _parting(positions: Sequence[float], middles: Sequence[float]) -> list[float]:
    """Positions with words on both sides: what is left parts something and is not the table's own border."""
    return [p for p in positions if min(middles) < p < max(middles)]


def _bands(rows: list[list[Segment]], edges: Sequence[float]) -> list[list[list[Segment]]]:
    """Rows of text grouped by the rulings between them."""
    bands: dict[int, list[list[Segment]]] = defaultdict(list)
    for row in rows:
        middle = median((s.y0 + s.y1) / 2 for s in row)
        bands[sum(edge < middle for edge in edges)].append(row)
    return [bands[i] for i in sorted(bands)]


def _gutters(rows: list[list[Segment]], ruled: Sequence[float]) -> list[float]:
    """Middles of the white spaces that part columns.

    Few rows may run across one, and what crosses it must lie over text on both sides, as a header over two columns
    does. What lies in the white space alone is a column of which most rows are empty, and parts it in two.
    """
    size = median(word.font_size for row in rows for segment in row for word in segment.words)
    left, right = min(s.x0 for row in rows for s in row), max(s.x1 for row in rows for s in row)
    rows = [row for row in rows if len(row) > 1 or row[0].x1 - row[0].x0 < WHOLE_ROW * (right - left)]
    crossed = np.zeros(int((right - left) / STEP_PT) + 2, np.int32)
    for segment in (s for row in rows for s in row):
        crossed[int((segment.x0 - left) / STEP_PT) : math.ceil((segment.x1 - left) / STEP_PT)] += 1
    allowed = max(1, int(CROSSING_SHARE * len(rows))) if len(rows) > 2 else 0
    gutters = []
    for start, end in _runs(crossed <= allowed):
        for a, b in _around_sparse_columns(left + start * STEP_PT, left + end * STEP_PT, rows):
            clear = crossed[int((a - left) / STEP_PT) : math.ceil((b - left) / STEP_PT)]
            if b - a >= MIN_GUTTER * size and clear.size:
                best = max(_runs(clear == clear.min()), key=lambda run: run[1] - run[0])
                gutters.append(a + (best[0] + best[1]) / 2 * STEP_PT)
    parting = [x for x in gutters if _parts_rows(x, rows)]
    return [x for x in parting if not any(_is_between(x, y, rows) for y in ruled)]


def _runs(flags: np.ndarray) -> list[tuple[int, int]]:
    """Starts and ends of the stretches that are true."""
    changes = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False])).astype(np.int8)))
    return list(zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True))


def _around_sparse_columns(start: float, end: float, rows: list[list[Segment]]) -> list[tuple[float, float]]:
    """The white space without what stands in it alone."""
    inside = sorted((s.x0, s.x1) for row in rows for s in row if s.x0 >= start - STEP_PT and s.x1 <= end + STEP_PT)
    free = []
    for x0, x1 in inside:
        free.append((start, x0))
        start = max(start, x1)
    return [(a, b) for a, b in [*free, (start, end)] if b > a]


def _is_between(x: float, ruled: float, rows: list[list[Segment]]) -> bool:
    """Whether no text lies between a gutter and a drawn line: then they are the same edge."""
    low, high = min(x, ruled), max(x, ruled)
    return not any(s.x1 > low + SNAP_PT and s.x0 < high - SNAP_PT for row in rows for s in row)


def _parts_rows(x: float, rows: list[list[Segment]]) -> bool:
    """Whether at least two rows, or the only one, have text on both sides of the gap and none in it."""
    parted = sum(
        any(s.x1 <= x for s in row) and any(s.x0 >= x for s in row) and not any(s.x0 < x < s.x1 for s in row)
        for row in rows
    )
    return parted >= min(2, len(rows))


def _rulings_are_rows(bands: list[list[list[Segment]]], ruled_columns: bool) -> bool:
    """Whether each ruled band is one row of the table, rather than its head, its body or its foot."""
    texts = sum(len(band) for band in bands)
    several = [band for band in bands if len(band) > 1]
    if several and sum(map(_is_rows_of_numbers, several)) >= 0.5 * len(several):
        return False
    if len(bands) >= 2 and texts <= ROWS_PER_BAND * len(bands):
        return True
    largest = max(len(band) for band in bands)
    return ruled_columns and len(bands) >= MIN_GRID_BANDS and largest <= LARGEST_BAND * texts


def _is_rows_of_numbers(band: list[list[Segment]]) -> bool:
    """Whether a band holds several rows with two numbers each: wrapped cells do not wrap into columns of numbers."""
    return sum(sum(map(_is_number, row)) >= 2 for row in band) >= 2


def _text_rows(bands: list[list[list[Segment]]], edges: Sequence[Edge]) -> list[list[list[Segment]]]:
    """Rows of text as rows of the table, wrapped cells put together; a band above others may be a head of wrapped
    cells."""
    heading, *rest = bands
    groups = _wrapped_heading(heading, edges) if rest else _continued_rows(heading, edges)
    return groups + [group for band in rest for group in _continued_rows(band, edges)]


def _wrapped_heading(band: list[list[Segment]], edges: Sequence[Edge]) -> list[list[list[Segment]]]:
    """A head's rows: wrapped words are one row, a row of words over several columns is one for itself."""
    groups = [[band[0]]]
    for row in band[1:]:
        joined = [*groups[-1], row]
        if any(len(_covered(s, edges)) > 1 or _is_number(s) for each in joined for s in each):
            groups.append([row])
        else:
            groups[-1].append(row)
    return groups


def _continued_rows(band: list[list[Segment]], edges: Sequence[Edge]) -> list[list[list[Segment]]]:
    """Rows of text grouped into rows of the table: a row continues the one above when it fills only cells that are
    filled there, not the first, and stands closer to it than rows usually do."""
    pitches = [b[0].y1 - a[0].y1 for a, b in pairwise(band)]
    usual = median(pitches) if pitches else 0.0
    groups = [[band[0]]]
    for pitch, above, row in zip(pitches, band, band[1:], strict=False):
        filled, filled_above = (set().union(*(_covered(s, edges) for s in each)) for each in (row, above))
        if 0 not in filled and filled < filled_above and pitch < TIGHT * usual:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


def _is_number(segment: Segment) -> bool:
    text = "".join(word.text for word in segment.words)
    return sum(character.isdigit() for character in text) > 0.5 * len(text)


def _covered(segment: Segment, edges: Sequence[Edge]) -> range:
    """The columns that a phrase lies over: from the one of its middle on, across edges that are not drawn."""
    first = last = sum(edge.x < (segment.x0 + segment.x1) / 2 for edge in edges)
    while first > 0 and not edges[first - 1].ruled and segment.x0 < edges[first - 1].x - SNAP_PT:
        first -= 1
    while last < len(edges) and not edges[last].ruled and segment.x1 > edges[last].x + SNAP_PT:
        last += 1
    return range(first, last + 1)


def _cells(grid: Grid, horizontal: Sequence[Ruling], vertical: Sequence[Ruling]) -> list[Cell]:
    """The grid's cells with the text of each, spans resolved."""
    spans = Spans(len(grid.rows), len(grid.edges) + 1)
    _join_where_open(spans, grid, horizontal, vertical)
    placed: list[tuple[int, int, Segment]] = []
    for r, group in enumerate(grid.rows):
        for segment in (s for row in group for s in row):
            covered = _covered(segment, grid.edges)
            spans.join(r, covered[0], r, covered[-1])
            placed.append((r, covered[0], segment))
    texts: dict[tuple[int, int], list[Segment]] = defaultdict(list)
    for r, c, segment in placed:
        texts[spans.corner(r, c)].append(segment)
    return [
        Cell(r, c, last_r, last_c, _cell_text(texts.get((r, c), []))) for r, c, last_r, last_c in spans.rectangles()
    ]


def _join_where_open(spans: Spans, grid: Grid, horizontal: Sequence[Ruling], vertical: Sequence[Ruling]) -> None:
    """Joins neighbours that a ruled edge should part but does not here; rows only given horizontal rulings to go by."""
    xs = [grid.box.x0, *(edge.x for edge in grid.edges), grid.box.x1]
    for r in range(spans.rows):
        top, bottom = grid.ys[r], grid.ys[r + 1]
        if not any(edge.ruled and _drawn(vertical, edge.x, top, bottom) for edge in grid.edges) and _has_gaps(
            grid.rows[r]
        ):
            continue  # the lines end above or below this row, but its columns go on
        for c in range(spans.columns):
            if c + 1 < spans.columns and grid.edges[c].ruled and not _drawn(vertical, xs[c + 1], top, bottom):
                spans.join(r, c, r, c + 1)
            if horizontal and r + 1 < spans.rows and not _drawn(horizontal, bottom, xs[c], xs[c + 1]):
                spans.join(r, c, r + 1, c)


def _has_gaps(group: list[list[Segment]]) -> bool:
    return any(len(row) > 1 for row in group)


def _row_edges(groups: list[list[list[Segment]]], box: Box, ys: Sequence[float]) -> list[float]:
    """Where one row of the table ends and the next begins, the table's own edges included: at the ruling, if there is
    one."""
    middles = [median((s.y0 + s.y1) / 2 for row in group for s in row) for group in groups]
    between = []
    for above, below in pairwise(middles):
        ruled = [y for y in ys if above < y < below]
        between.append(ruled[0] if ruled else (above + below) / 2)
    return [box.y0, *between, box.y1]


def _cell_text(segments: Sequence[Segment]) -> str:
    rows = into_rows([word for segment in segments for word in segment.words])
    return escape(join_lines([" ".join(word.text for word in row) for row in rows]), quote=False)


def _drawn(rulings: Sequence[Ruling], at: float, start: float, end: float) -> bool:
    """Whether rulings near `at` cover enough of the stretch from `start` to `end`."""
    covered = sum(max(min(r.end, end) - max(r.start, start), 0.0) for r in rulings if abs(r.at - at) < 2 * SNAP_PT)
    return covered >= RULE_COVERS * (end - start)
