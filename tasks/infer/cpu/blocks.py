"""Lines into blocks: what a reader would call one paragraph, heading, list item, table or picture.

Every line ends in exactly one block; nothing is dropped here. Tables and pictures take the lines inside them whole;
rows of a label and its value are blocks of their own (`labelled_rows`). All other lines are linked downwards to the
line that continues them (`link`), and the chains are then cut where a new paragraph begins (`paragraphs`). The
detector's boxes say which lines may be linked freely; lines outside every box are linked by the same rules, only more
strictly. Categories are given later, in `categories`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tasks.infer.cpu.geometry import Box, bounding_box, into_rows, overlap_x, overlap_y
from tasks.infer.cpu.labelled_rows import labelled_rows
from tasks.infer.cpu.lines import Line, gaps_between, join_pieces
from tasks.infer.cpu.paragraphs import CAPTION, split_into_paragraphs, starts_list_item
from tasks.infer.cpu.regions import CONTAINERS, Region, region_of

LOOSE = "loose"
"""The label of blocks that the detector has no box for."""
MAX_WORD_GAP = 3.0
"""In font sizes: pieces of one row in the same box are one line up to this gap (justified text, "3.1   Heading")."""
MAX_LOOSE_GAP = 1.0
"""The same outside boxes, where the gap between two columns may be as small as one and a half."""
MARKER_CHARACTERS = 5
"""A piece up to this long before a gap is a list marker or a heading's number and stays with what follows."""
MAX_LEADING = 2.6
"""From baseline to baseline in font sizes, inside one box: double-spaced manuscripts reach 2.4."""
MAX_LOOSE_LEADING = 1.9
"""The same outside boxes, where nothing but closeness says that two lines belong together."""
SIZE_TOLERANCE, MEASURED_SIZE_TOLERANCE = 1.18, 1.5
"""Font sizes within this ratio are the same. OCR measures boxes around ink, which vary with the letters in them."""
MIN_OVERLAP = 0.4
"""Share of the narrower line's width that a continuation must share."""
LEADER = re.compile(r"(?:\.\s?){4,}$|…{2,}$")
FULL_LINE = 0.85
"""A line this much of the width of what follows it runs on; a shorter one, in another weight, stands for itself."""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that belong together, with the detector's label and score where it has a box for them."""

    label: str
    score: float | None
    x0: float
    y0: float
    x1: float
    y1: float
    lines: tuple[Line, ...] = ()


def build_blocks(lines: Sequence[Line], regions: Sequence[Region]) -> list[Block]:
    """All lines as blocks, and the tables, pictures and formulas that hold none."""
    members: dict[int | None, list[Line]] = defaultdict(list)
    for line in lines:
        members[region_of(line, regions)].append(line)
    _take_captions(members, regions)
    blocks = [_text_block(None, [line]) for line in _take_vertical(members, regions)]
    blocks += _take_labelled(members, regions)
    rows: list[tuple[int | None, Line]] = []
    for index, region in enumerate(regions):
        if region.label in CONTAINERS:
            blocks.append(_container(region, members.pop(index, [])))
        elif region.label == "equation":
            blocks.append(_formula(region, members.pop(index, [])))
        else:
            rows += [(index, row) for row in join_rows(members.pop(index, []), MAX_WORD_GAP)]
    rows += [(None, row) for row in join_rows(members.pop(None, []), MAX_LOOSE_GAP)]
    for chain in link(rows, regions):
        region = next((regions[index] for index, _ in chain if index is not None), None)
        for paragraph in split_into_paragraphs([row for _, row in chain]):
            blocks.append(_text_block(region, paragraph))
    return blocks


def _take_captions(members: dict[int | None, list[Line]], regions: Sequence[Region]) -> None:
    """Captions that the box of a picture has swallowed, with the lines right under them, become free lines."""
    for index in [i for i in members if i is not None and regions[i].label == "figure"]:
        last: Line | None = None
        for line in sorted(members[index], key=lambda each: each.y1):
            goes_on = (
                last is not None and (line.y1 - last.y1) < MAX_LOOSE_LEADING * line.font_size and same_size(line, last)
            )
            if not line.is_vertical and (CAPTION.match(line.text) or goes_on):
                members[None].append(line)
                members[index].remove(line)
                last = line


def _take_vertical(members: dict[int | None, list[Line]], regions: Sequence[Region]) -> list[Line]:
    """Lines that run up or down the page, taken out of all text: nothing continues them, and as part of a row they
    would hold half the page together. In tables and pictures they stay."""
    taken: list[Line] = []
    for index, lines in members.items():
        if index is None or regions[index].label not in CONTAINERS:
            taken += [line for line in lines if line.is_vertical]
            members[index] = [line for line in lines if not line.is_vertical]
    return taken


def _take_labelled(members: dict[int | None, list[Line]], regions: Sequence[Region]) -> list[Block]:
    """Labels with their values ("To:  Office"), taken out of all text and across its boxes: the detector boxes the
    labels as one column and the values as another."""
    text = [i for i in members if i is None or (regions[i].label not in CONTAINERS and regions[i].label != "equation")]
    home = {id(line): index for index in text for line in members[index]}
    blocks = []
    for row in labelled_rows([line for index in text for line in members[index]]):
        index = home[id(row.pieces[-1])]
        first = join_pieces(list(row.pieces))
        blocks.append(_text_block(None if index is None else regions[index], [first, *row.continued]))
        for line in (*row.pieces, *row.continued):
            home.pop(id(line))
    for index in text:
        members[index] = [line for line in members[index] if id(line) in home]
    return blocks


def _container(region: Region, lines: list[Line]) -> Block:
    """A table is as large as its words and the box; a picture as large as the box."""
    box = bounding_box([region, *lines]) if region.label == "table" else region
    return Block(region.label, region.score, box.x0, box.y0, box.x1, box.y1, tuple(lines))


def _formula(region: Region, lines: list[Line]) -> Block:
    box = bounding_box(lines) if lines else region
    return Block(region.label, region.score, box.x0, box.y0, box.x1, box.y1, tuple(lines))


def _text_block(region: Region | None, lines: Sequence[Line]) -> Block:
    label, score = (LOOSE, None) if region is None else (region.label, region.score)
    return Block(label, score, *bounding_box(lines), tuple(lines))


def join_leaders(lines: Sequence[Line]) -> list[Line]:
    """Entries of a list of contents joined over their dots with the page number, which is often in another box."""
    if not any(LEADER.search(line.text) for line in lines):
        return list(lines)
    joined = []
    for row in into_rows(lines):
        run = [row[0]]
        for piece in row[1:]:
            if not LEADER.search(run[-1].text):
                joined.append(join_pieces(run))
                run = []
            run.append(piece)
        joined.append(join_pieces(run))
    return joined


def join_rows(pieces: Sequence[Line], max_gap: float) -> list[Line]:
    """Pieces of the same row joined up to `max_gap` font sizes, in rows from the top."""
    joined = []
    for row in into_rows(pieces):
        run = [row[0]]
        for gap, piece in zip(gaps_between(row), row[1:], strict=True):
            marker = len(run[-1].text) <= MARKER_CHARACTERS and starts_list_item(run[-1].text + " x")
            limit = (MAX_WORD_GAP if marker else max_gap) * max(piece.font_size, run[-1].font_size)
            if gap > limit or not same_size(run[-1], piece, loose=2.0):
                joined.append(join_pieces(run))
                run = []
            run.append(piece)
        joined.append(join_pieces(run))
    return joined


def same_size(a: Line, b: Line, loose: float = 1.0) -> bool:
    """Whether two lines are set in the same size; `loose` widens the tolerance (raised marks are smaller)."""
    tolerance = (MEASURED_SIZE_TOLERANCE if a.measured or b.measured else SIZE_TOLERANCE) * loose
    return max(a.font_size, b.font_size) <= tolerance * min(a.font_size, b.font_size)


def link(rows: Sequence[tuple[int | None, Line]], regions: Sequence[Region]) -> list[list[tuple[int | None, Line]]]:
    """Chains of rows, each the continuation of the one above it.

    A row is linked to the nearest row below when that one's nearest row above is this one: a heading over two
    columns is the nearest above both, but only one of them is nearest below it, and their sizes differ anyway.
    """
    order = sorted(range(len(rows)), key=lambda i: rows[i][1].y1)
    below = {i: _nearest_below(i, order[position + 1 :], rows) for position, i in enumerate(order)}
    above: dict[int, int] = {}
    for upper, lower in below.items():
        if lower is not None and (lower not in above or rows[upper][1].y1 > rows[above[lower]][1].y1):
            above[lower] = upper
    follows = {upper: lower for lower, upper in above.items() if _continues(rows[upper], rows[lower], regions)}
    followers = set(follows.values())
    starts = [i for i in order if i not in followers]
    chains = []
    for start in starts:
        chain, at = [rows[start]], start
        while at in follows:
            at = follows[at]
            chain.append(rows[at])
        chains.append(chain)
    return chains


def _nearest_below(index: int, candidates: Iterable[int], rows: Sequence[tuple[int | None, Line]]) -> int | None:
    """The first row under this one that it shares enough width with; candidates come sorted by their lower edge."""
    row = rows[index][1]
    reach = row.y1 + MAX_LEADING * row.font_size * MEASURED_SIZE_TOLERANCE
    for candidate in candidates:
        other = rows[candidate][1]
        if other.y1 > reach:
            return None
        shared = overlap_x(row, other)
        under = overlap_y(row, other) < 0.5 * min(row.y1 - row.y0, other.y1 - other.y0)
        if under and shared > MIN_OVERLAP * min(row.x1 - row.x0, other.x1 - other.x0):
            return candidate
    return None


def _continues(upper: tuple[int | None, Line], lower: tuple[int | None, Line], regions: Sequence[Region]) -> bool:
    """Whether the lower row goes on with what the upper one began."""
    (upper_index, a), (lower_index, b) = upper, lower
    both_boxed = upper_index is not None and lower_index is not None
    if both_boxed and upper_index != lower_index:
        return False
    label = next((regions[i].label for i in (upper_index, lower_index) if i is not None), "")
    one_box = both_boxed and upper_index == lower_index
    if not one_box and label in ("header", "footer"):
        return False
    leading = (b.y1 - a.y1) / max(min(a.font_size, b.font_size), 1.0)
    if leading > (MAX_LEADING if one_box else MAX_LOOSE_LEADING) or not same_size(a, b):
        return False
    if not one_box and not _aligned(a, b):
        return False
    return a.bold == b.bold or not _stands_alone(a, b)


def _aligned(a: Line, b: Line) -> bool:
    """Whether two lines share a left edge, a middle or a right edge, give or take an indent."""
    size = max(a.font_size, b.font_size)
    middles = abs(a.x0 + a.x1 - b.x0 - b.x1) / 2
    return abs(a.x0 - b.x0) < 3 * size or middles < size or abs(a.x1 - b.x1) < 0.5 * size


def _stands_alone(a: Line, b: Line) -> bool:
    """Whether a change of weight after line `a` ends a heading, rather than a bold run inside a paragraph."""
    width = max(a.x1, b.x1) - min(a.x0, b.x0)
    return a.x1 - min(a.x0, b.x0) < FULL_LINE * width


def content_box(block: Block) -> Box:
    """The block's own box without its lines."""
    return Box(block.x0, block.y0, block.x1, block.y1)
