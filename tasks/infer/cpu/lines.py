"""The line, as all rules here see it, whether it came from the text layer or from OCR; and the words in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from tasks.lake.rows import TextLine

VERTICAL_ASPECT = 2.0
"""Height over width beyond which a line of three characters or more cannot be horizontal."""
RUNNING_TEXT = 20
"""Characters; shorter lines are labels and figures, which come in many sizes in any document."""
MIN_SIZES = 10
JITTER = 0.01, 0.15
"""Changes of size, relative: from a heading to its text it is more, within typeset text none."""
MAX_CHANGES = 0.3
"""Changes by jitter per line; notes and captions come to a tenth."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text. `score` is the recogniser's confidence, None for the text layer.

    `measured` says that the font size is a guess from the box: it varies from line to line, and weight is unknown.
    """

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    font_size: float
    bold: bool
    word_x: tuple[float, ...] = ()
    score: float | None = None
    measured: bool = False

    @property
    def is_vertical(self) -> bool:
        """Whether the text runs up or down the page: stamps at the margin, headers of narrow columns."""
        return len(self.text) > 2 and self.y1 - self.y0 > VERTICAL_ASPECT * (self.x1 - self.x0)


@dataclass(frozen=True, slots=True)
class Word:
    """One space-separated word of a line, with the line's height and font size."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    font_size: float


def from_text_layer(text_lines: Sequence[TextLine]) -> list[Line]:
    """The lines of a text layer, in its order, without those in which nothing can be seen."""
    lines = [line for text_line in text_lines if (line := _from_text_line(text_line))]
    return [replace(line, measured=True, bold=False) for line in lines] if has_measured_sizes(lines) else lines


def has_measured_sizes(lines: Sequence[Line]) -> bool:
    """Whether the text layer was made by an OCR program: the size changes from one line of running text to the next."""
    sizes = [line.font_size for line in lines if len(line.text) >= RUNNING_TEXT]
    changes = sum(JITTER[0] * a < abs(a - b) < JITTER[1] * a for a, b in pairwise(sizes))
    return len(sizes) >= MIN_SIZES and changes > MAX_CHANGES * len(sizes)


def _from_text_line(text_line: TextLine) -> Line | None:
    """The line with spaces normalised and corners in order; None when nothing in it can be seen."""
    words = text_line.text.split()
    if not words:
        return None
    x0, x1 = sorted((text_line.x0, text_line.x1))
    y0, y1 = sorted((text_line.y0, text_line.y1))
    word_x = text_line.word_x if len(text_line.word_x) == 2 * len(words) else ()
    # Some fonts state no size, or one that a transformation has made meaningless: the height stands in for it.
    font_size = text_line.font_size if text_line.font_size > 1 else max(y1 - y0, 1.0)
    return Line(" ".join(words), x0, y0, x1, y1, font_size, text_line.bold, word_x)


def words_of(line: Line) -> Iterator[Word]:
    """The words of a line; where their edges are unknown they are shared out by the number of characters."""
    texts = [line.text] if line.is_vertical else line.text.split()
    edges = line.word_x if len(line.word_x) == 2 * len(texts) else _estimated_edges(line, texts)
    for i, text in enumerate(texts):
        x0, x1 = sorted(edges[2 * i : 2 * i + 2])
        yield Word(text, x0, line.y0, x1, line.y1, line.font_size)


def _estimated_edges(line: Line, texts: list[str]) -> tuple[float, ...]:
    per_character = (line.x1 - line.x0) / max(len(" ".join(texts)), 1)
    edges: list[float] = []
    position = 0
    for text in texts:
        edges += [line.x0 + position * per_character, line.x0 + (position + len(text)) * per_character]
        position += len(text) + 1
    return tuple(edges)


def join_pieces(pieces: list[Line]) -> Line:
    """One line from pieces of the same row, left to right."""
    if len(pieces) == 1:
        return pieces[0]
    longest = max(pieces, key=lambda p: len(p.text))
    scores = [p.score for p in pieces if p.score is not None]
    return Line(
        text=" ".join(p.text for p in pieces),
        x0=min(p.x0 for p in pieces),
        y0=min(p.y0 for p in pieces),
        x1=max(p.x1 for p in pieces),
        y1=max(p.y1 for p in pieces),
        font_size=longest.font_size,
        bold=longest.bold,
        word_x=tuple(edge for p in pieces for word in words_of(p) for edge in (word.x0, word.x1)),
        score=min(scores) if scores else None,
        measured=longest.measured,
    )


def gaps_between(pieces: list[Line]) -> list[float]:
    """Horizontal gaps between neighbours of a row, in the same unit as the boxes."""
    return [right.x0 - left.x1 for left, right in pairwise(pieces)]
