"""Labels and their values, as letterheads and forms have them: "To:   Office of Public Works", one row under another.

A row counts when its label is short and ends in a colon, and another row near it has its label and its value at the
same places. Alignment is the evidence: prose has colons too, but never twice the same gap after them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.infer.cpu.geometry import into_rows, overlap_y
from tasks.infer.cpu.lines import Line, words_of

MAX_LABEL_CHARACTERS = 24
COLONS = (":", "：")
MIN_GAP = 0.65
"""In font sizes: more than a space."""
MAX_REACH = 15.0
"""In font sizes, from where the labels begin to where the values do: what is further away is another column."""
MAX_VALUE_GAP = 3.0
"""In font sizes, inside a value."""
ALIGNED = 0.5
MAX_PITCH = 4.0
"""In font sizes, from one label to the next; values may take two lines."""
MAX_LEADING = 1.5
"""In font sizes, inside the last value, where no label says that it must have ended."""


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """The pieces of one row from its label on, and the further lines of its value."""

    pieces: tuple[Line, ...]
    label_x0: float
    label_x1: float
    value_x0: float
    continued: tuple[Line, ...] = ()

    @property
    def font_size(self) -> float:
        return max(self.pieces[0].font_size, self.pieces[-1].font_size)

    @property
    def bottom(self) -> float:
        return max(piece.y1 for piece in self.pieces)


def labelled_rows(lines: Sequence[Line]) -> list[LabelledRow]:
    """All rows of at least two under one another; each line is in at most one."""
    found = [row for pieces in into_rows([line for line in lines if not line.is_vertical]) for row in _rows_in(pieces)]
    runs = [run for run in _runs_of(found) if len(run) > 1]
    taken = {id(piece) for run in runs for row in run for piece in row.pieces}
    free = sorted((line for line in lines if id(line) not in taken), key=lambda line: line.y1)
    return [row for run in runs for row in _with_continued(run, free)]


def _runs_of(rows: Sequence[LabelledRow]) -> list[list[LabelledRow]]:
    """Rows, given from the top, that go on with one another."""
    runs: list[list[LabelledRow]] = []
    near: list[list[LabelledRow]] = []  # the runs that may still go on: pages of thousands of labels exist
    largest = max((row.font_size for row in rows), default=0.0)
    for row in rows:
        near = [run for run in near if row.bottom - run[-1].bottom < MAX_PITCH * largest]
        run = next((run for run in near if _goes_on(run[-1], row)), None)
        if run is None:
            runs.append([row])
            near.append(runs[-1])
        else:
            run.append(row)
    return runs


def _rows_in(pieces: list[Line]) -> list[LabelledRow]:
    """Labels in a row of pieces, each with what follows it up to the next label or a wide gap."""
    rows = []
    for index, piece in enumerate(pieces):
        inside = _label_inside(piece)
        if inside:
            rows.append(inside)
        elif _is_label(piece.text):
            run = [piece]
            for left, right in pairwise(pieces[index:]):
                widest = MAX_REACH if left is piece else MAX_VALUE_GAP
                if _is_label(right.text) or right.x0 - left.x1 > widest * left.font_size or _label_inside(right):
                    break
                run.append(right)
            if len(run) > 1 and _apart(piece.x1, run[1].x0, piece):
                rows.append(LabelledRow(tuple(run), piece.x0, piece.x1, run[1].x0))
    return [row for row in rows if row.value_x0 - row.label_x0 < MAX_REACH * row.font_size]


def _is_label(text: str) -> bool:
    return len(text) <= MAX_LABEL_CHARACTERS and text.endswith(COLONS) and any(map(str.isalpha, text))


def _label_inside(line: Line) -> LabelledRow | None:
    """A line that holds both label and value, with a gap between them."""
    if not line.word_x:
        return None
    words = list(words_of(line))
    for count, (left, right) in enumerate(pairwise(words), start=1):
        if _is_label(" ".join(word.text for word in words[:count])) and _apart(left.x1, right.x0, line):
            return LabelledRow((line,), line.x0, left.x1, right.x0)
    return None


def _apart(label_x1: float, value_x0: float, line: Line) -> bool:
    return value_x0 - label_x1 > MIN_GAP * line.font_size


def _goes_on(above: LabelledRow, below: LabelledRow) -> bool:
    """Whether two rows are of the same form: near, labels flush on either side, values flush on the left."""
    size = max(above.font_size, below.font_size)
    labels = min(abs(above.label_x0 - below.label_x0), abs(above.label_x1 - below.label_x1))
    pitch = below.bottom - above.bottom
    return (
        labels < ALIGNED * size
        and abs(above.value_x0 - below.value_x0) < ALIGNED * size
        and 0 < pitch < MAX_PITCH * size
    )


def _with_continued(run: list[LabelledRow], free: list[Line]) -> list[LabelledRow]:
    """The rows with the lines under each value, which are taken out of `free`, lines sorted from the top."""
    rows = []
    for row, below in zip(run, [*run[1:], None], strict=True):
        size, bottom, continued = row.font_size, row.bottom, list[Line]()
        for line in free:
            flush = abs(line.x0 - row.value_x0) < ALIGNED * size
            reach = bottom + MAX_LEADING * size if below is None else below.bottom - size / 2
            if flush and row.bottom + size / 2 < line.y1 < reach and not _is_labelled(line, row, free):
                continued.append(line)
                bottom = line.y1
        if continued:
            free[:] = [line for line in free if not any(line is each for each in continued)]
        rows.append(replace(row, continued=tuple(continued)))
    return rows


def _is_labelled(value: Line, row: LabelledRow, lines: Sequence[Line]) -> bool:
    """Whether something stands left of a line, where the labels are, with or without a colon."""
    return any(
        line is not value
        and overlap_y(line, value) > 0.5 * min(line.y1 - line.y0, value.y1 - value.y0)
        and row.label_x0 - row.font_size < line.x0 < row.value_x0
        for line in lines
    )
