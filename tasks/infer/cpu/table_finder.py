"""Tables that the detector misses or cuts short, found by rules. Their cells are the business of `tables`.

- *Ruled*: horizontal and vertical lines that touch one another and make cells, of which a good part holds text. (The
  grid of a chart holds none.) A "figure" that is mostly such grids is no figure.
- *Aligned*: several short lines side by side in several rows, mostly figures in all columns but the first.
- *Cut short*: short lines beside a table, at the height of its rows, are a column that the box left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from tasks.infer.cpu.geometry import Box, area, bounding_box, coverage, into_rows, overlap_x, overlap_y
from tasks.infer.cpu.lines import Line
from tasks.infer.cpu.page_image import PageImage
from tasks.infer.cpu.regions import CONTAINERS, Region, region_of, without_swallowed
from tasks.infer.cpu.rulings import Ruling, find_rulings

FOUND_SCORE = 0.6
"""Confidence of a table found by rules: between the detector's threshold and its usual 0.9."""
TOUCH_PT = 6.0
MAX_RULINGS = 1500
"""Hatched drawings have tens of thousands; no table has more than this."""
MIN_POSITIONS = 3
"""Lines each way: two rows and two columns at least."""
MIN_DRAWN = 0.1
"""Share of the grid's height that a column's edge is drawn over; a stroke that touches a notebook's line is shorter."""
MIN_FILLED = 0.4
"""Share of the cells of a grid that hold text."""
GRID_OF_FIGURE = 0.35
"""Share of a figure's area: the box is usually drawn generously around the tables it mistakes for a picture."""
INSIDE = 0.8
LINES_OF_TABLE = 0.8
"""Share of its lines: two ruled tables in one box are two tables, a ruled part of a table is only a part."""
MIN_ALIGNED_ROWS = 3
MAX_CELL_CHARACTERS = 40
MIN_NUMBERS = 0.5
MAX_ROW_GAP = 2.0
"""In font sizes, between the rows of an aligned table."""
MAX_SIDE_GAP = 5.0
"""In font sizes, between a table and a column that its box left out."""
MIN_SIDE_ROWS = 0.5
MIN_ALIGNED = 0.85
SAME_HEIGHT = 0.4
"""In font sizes, between the middles of lines: bold labels and figures of another font differ by a quarter."""


def complete_tables(regions: Sequence[Region], lines: Sequence[Line], image: PageImage) -> list[Region]:
    """The regions with all tables among them."""
    found = list(regions)
    if lines:
        found = [_table_if_cells(region, lines) if region.label == "figure" else region for region in found]
        found = _with_ruled(found, lines, image)
        contained = [region for region in found if region.label in CONTAINERS]
        found += _aligned_tables([line for line in lines if region_of(line, contained) is None])
        found = [_completed(region, found, lines) if region.label == "table" else region for region in found]
    return without_swallowed(found)


def _with_ruled(regions: list[Region], lines: Sequence[Line], image: PageImage) -> list[Region]:
    """Grids added; they replace a detector's table of which they hold most lines, and a figure that they mostly
    fill."""
    page = Box(0.0, 0.0, image.width_pt, image.height_pt)
    grids = ruled_grids(*find_rulings(image.grey_crop(page), page, image.points_per_pixel, lines), lines)
    added, replaced = [], []
    for region in regions:
        inside = [grid for grid in grids if coverage(grid, region) > INSIDE]
        own = [line for line in lines if coverage(line, region) >= 0.5]
        in_grids = [line for line in own if any(coverage(line, grid) >= 0.5 for grid in inside)]
        most_lines = region.label == "table" and len(in_grids) >= LINES_OF_TABLE * max(len(own), 1) and len(inside) > 1
        if most_lines or (region.label == "figure" and sum(map(area, inside)) >= GRID_OF_FIGURE * area(region)):
            replaced.append(region)
    kept = [region for region in regions if region not in replaced]
    tables = [region for region in kept if region.label in CONTAINERS]
    for grid in grids:
        if not any(max(coverage(grid, table), coverage(table, grid)) > 0.3 for table in tables):
            added.append(Region("table", FOUND_SCORE, *grid))
    return kept + added


def ruled_grids(horizontal: Sequence[Ruling], vertical: Sequence[Ruling], lines: Sequence[Line]) -> list[Box]:
    """Boxes of the grids that hold text."""
    if not horizontal or not vertical or len(horizontal) + len(vertical) > MAX_RULINGS:
        return []
    boxes = []
    for rows, columns in _connected(horizontal, vertical):
        ys = _distinct(rows)
        if len(ys) < MIN_POSITIONS:
            continue
        xs = _distinct(columns, MIN_DRAWN * (ys[-1] - ys[0]))
        if len(xs) < MIN_POSITIONS:
            continue
        box = Box(xs[0], ys[0], xs[-1], ys[-1])
        inside = [line for line in lines if coverage(line, box) > 0.5]
        cells = {
            (sum(y < (line.y0 + line.y1) / 2 for y in ys), sum(x < (line.x0 + line.x1) / 2 for x in xs))
            for line in inside
        }
        if len(cells) >= MIN_FILLED * (len(ys) - 1) * (len(xs) - 1):
            boxes.append(box)
    return [box for box in boxes if not any(other != box and coverage(box, other) > 0.8 for other in boxes)]


def _connected(horizontal: Sequence[Ruling], vertical: Sequence[Ruling]) -> list[tuple[list[Ruling], list[Ruling]]]:
    """Rulings grouped by touching: each group's horizontal and vertical ones."""
    group_of = list(range(len(horizontal) + len(vertical)))

    def root(i: int) -> int:
        while group_of[i] != i:
            group_of[i] = group_of[group_of[i]]
            i = group_of[i]
        return i

    for i, h in enumerate(horizontal):
        for j, v in enumerate(vertical, start=len(horizontal)):
            touch_x = h.start - TOUCH_PT <= v.at <= h.end + TOUCH_PT
            if touch_x and v.start - TOUCH_PT <= h.at <= v.end + TOUCH_PT:
                group_of[root(i)] = root(j)
    groups: dict[int, tuple[list[Ruling], list[Ruling]]] = {}
    for i in range(len(group_of)):
        members = groups.setdefault(root(i), ([], []))
        if i < len(horizontal):
            members[0].append(horizontal[i])
        else:
            members[1].append(vertical[i - len(horizontal)])
    return list(groups.values())


def _distinct(rulings: Sequence[Ruling], min_length: float = 0.0) -> list[float]:
    """Where rulings lie, close ones taken together, if they are long enough together."""
    positions: list[float] = []
    lengths: list[float] = []
    for ruling in sorted(rulings, key=lambda r: r.at):
        if not positions or ruling.at - positions[-1] > TOUCH_PT:
            positions.append(ruling.at)
            lengths.append(0.0)
        lengths[-1] += ruling.end - ruling.start
    return [at for at, length in zip(positions, lengths, strict=True) if length >= min_length]


def _aligned_tables(lines: Sequence[Line]) -> list[Region]:
    """Tables among lines outside tables and figures."""
    runs: list[list[list[Line]]] = [[]]
    wide_before = False
    for row in into_rows([line for line in lines if not line.is_vertical]):
        previous = runs[-1][-1] if runs[-1] else row
        far = row[0].y0 - max(line.y1 for line in previous) > MAX_ROW_GAP * row[0].font_size
        wide = max(len(line.text) for line in row) > MAX_CELL_CHARACTERS and not (len(row) > 1 and _is_number(row[-1]))
        if far or (wide and (wide_before or len(row) > 1)):
            runs.append([])
        runs[-1].append(row)
        wide_before = wide
    tables = []
    for run in runs:
        several = [i for i, row in enumerate(run) if len(row) > 1]
        rows = run[several[0] : several[-1] + 1] if several else []
        if len(several) >= MIN_ALIGNED_ROWS and len(several) >= 0.6 * len(rows) and _are_cells(rows):
            tables.append(Region("table", FOUND_SCORE, *bounding_box(line for row in rows for line in row)))
    return tables


def _are_cells(rows: Sequence[Sequence[Line]]) -> bool:
    """Short pieces, and figures mostly, except in the first column: columns of text and lists of contents are
    neither."""
    texts = [line.text for row in rows for line in row]
    right = [line for row in rows for line in row[1:]]
    numbers = sum(map(_is_number, right))
    return median(map(len, texts)) <= MAX_CELL_CHARACTERS and numbers >= MIN_NUMBERS * len(right)


def _is_number(line: Line) -> bool:
    return sum(character.isdigit() for character in line.text) >= 0.5 * len(line.text.replace(" ", ""))


def _table_if_cells(figure: Region, lines: Sequence[Line]) -> Region:
    """A "figure" whose text stands in rows of three figures and more is a table with coloured cells."""
    rows = into_rows([line for line in lines if coverage(line, figure) >= 0.5 and not line.is_vertical])
    several = [row for row in rows if len(row) > 2]
    if len(several) >= MIN_ALIGNED_ROWS and len(several) >= 0.6 * len(rows) and _are_cells(several):
        return replace(figure, label="table", score=min(figure.score, FOUND_SCORE))
    return figure


def _completed(table: Region, regions: Sequence[Region], lines: Sequence[Line]) -> Region:
    """The table with the columns beside it, and the row of heads above it, that its box left out."""
    own = [line for line in lines if coverage(line, table) >= 0.5]
    rows = into_rows(own)
    if len(rows) < MIN_ALIGNED_ROWS:
        return table
    size = median(line.font_size for line in own)
    captions = [r for r in regions if r.label.endswith("caption")]
    above = [
        line
        for line in lines
        if line.y1 <= table.y0 + size
        and table.y0 - line.y1 < size
        and coverage(line, table) < 0.5
        and table.x0 <= line.x0
        and line.x1 <= table.x1
        and region_of(line, captions) is None
    ]
    if len(above) > 1 and max(len(line.text) for line in above) < MAX_CELL_CHARACTERS and len(into_rows(above)) == 1:
        table = replace(table, y0=min(line.y0 for line in above))
    return _with_side_columns(table, regions, lines, rows, MAX_SIDE_GAP * size)


def _with_side_columns(
    table: Region, regions: Sequence[Region], lines: Sequence[Line], rows: list[list[Line]], reach: float
) -> Region:
    """The table with a column to its left, and one to its right, if most of its rows have an entry there."""
    outside = [
        line
        for line in lines
        if coverage(line, table) < 0.5
        and overlap_y(line, table) > 0.5 * (line.y1 - line.y0)
        and not _in_other_container(line, table, regions)
    ]
    for left in (True, False):
        near = table.x0 - reach if left else table.x1 + reach
        touching = [line for line in outside if (near < line.x1 <= table.x1 if left else table.x0 <= line.x0 < near)]
        if not touching:
            continue
        column = bounding_box(touching)  # entries that are set flush on the far side may end well before the table
        beside = [line for line in outside if overlap_x(line, column) > 0]
        aligned = [line for line in beside if any(_at_height(line, row) for row in rows)]
        short = median(len(line.text) for line in beside) <= MAX_CELL_CHARACTERS
        if short and len(aligned) >= max(MIN_SIDE_ROWS * len(rows), MIN_ALIGNED * len(beside), 2):
            table = replace(table, **bounding_box([table, *aligned])._asdict())
    return table


def _in_other_container(line: Line, table: Region, regions: Sequence[Region]) -> bool:
    return any(r is not table and r.label in ("table", "figure") and coverage(line, r) >= 0.5 for r in regions)


def _at_height(line: Line, row: Sequence[Line]) -> bool:
    return any(abs(line.y0 + line.y1 - other.y0 - other.y1) / 2 < SAME_HEIGHT * line.font_size for other in row)
