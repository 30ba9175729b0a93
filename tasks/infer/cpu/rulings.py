"""The drawn lines of a table, found in its image: long, thin, dark runs, horizontal and vertical.

They come from the image and not from the PDF because scans have none in the PDF, and because a PDF draws them in a
dozen ways (strokes, thin rectangles, images). Letters have such runs too, Han characters above all, so runs inside a
word are dropped. What they mean for rows and columns is in `tables`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tasks.infer.cpu.geometry import Box
from tasks.infer.cpu.lines import Line, words_of

MIN_HORIZONTAL_PT = 18.0
"""Dashes and underlined words are shorter than a column is wide."""
MIN_VERTICAL_PT = 11.0
"""Taller than a letter of a table, lower than its rows."""
MAX_THICKNESS_PT = 4.0
"""What is thicker is no line. Of a filled cell only the rim is darker than its surroundings: that counts as lines."""
WINDOW_PT = 8.0
"""Darkness is judged against the surroundings of this size, so that lines on coloured cells are found too."""
MIN_CONTRAST = 12
"""Grey levels below the surroundings. Hairlines that anti-aliasing has thinned to light grey are still 20 below."""
BLOCKS_PER_RUN = 5
FULL_BLOCK = 0.95
MIN_SIDE_PX = 8
STROKE_LENGTH = 1.5
"""In font sizes. A character is one font size high; what is longer than this is drawn, whatever stands on it."""
MAX_STACK = 3
"""Words under one another in a cell that one run may go through; a ruling goes through none."""
WORD_RIM = 0.05
"""Of a word's height at its upper and lower edge, where a table's rule may lie on the word's box."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A drawn line: at `at` on one axis, from `start` to `end` on the other, in points of the page."""

    at: float
    start: float
    end: float


def find_rulings(
    crop: np.ndarray, origin: Box, points_per_pixel: float, lines: Sequence[Line] = ()
) -> tuple[list[Ruling], list[Ruling]]:
    """Horizontal and vertical rulings of a grey image whose upper left corner is at `origin`; `lines` is the text in
    it."""
    import cv2

    if min(crop.shape[:2]) < MIN_SIDE_PX:
        return [], []
    window = max(3, int(WINDOW_PT / points_per_pixel) | 1)
    dark = cv2.adaptiveThreshold(crop, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, MIN_CONTRAST)
    horizontal = _runs(dark, MIN_HORIZONTAL_PT / points_per_pixel, points_per_pixel)
    # Turned by a transposition, vertical lines are horizontal ones.
    vertical = _runs(cv2.transpose(dark), MIN_VERTICAL_PT / points_per_pixel, points_per_pixel)
    return without_strokes(
        [Ruling(origin.y0 + at, origin.x0 + start, origin.x0 + end) for at, start, end in horizontal],
        [Ruling(origin.x0 + at, origin.y0 + start, origin.y0 + end) for at, start, end in vertical],
        lines,
    )


def without_strokes(
    horizontal: Sequence[Ruling], vertical: Sequence[Ruling], lines: Sequence[Line]
) -> tuple[list[Ruling], list[Ruling]]:
    """The rulings without those that lie within one word or, upright, within words under one another: strokes of
    letters, dashes, underlines, and what light letters leave of a dark ground between them."""
    words = [word for line in lines if not line.is_vertical for word in words_of(line)]
    if not words:
        return list(horizontal), list(vertical)
    x0, y0, x1, y1, size = np.array([(w.x0, w.y0, w.x1, w.y1, w.font_size) for w in words]).T
    half, rim = (y1 - y0) / 2, WORD_RIM * (y1 - y0)

    def in_word(r: Ruling) -> bool:
        across = (x0 - half <= r.start) & (r.end <= x1 + half)
        return bool((across & (y0 + rim < r.at) & (r.at < y1 - rim)).any())

    def in_letters(r: Ruling) -> bool:
        crossed = (x0 < r.at) & (r.at < x1) & (y0 < r.end) & (r.start < y1)
        if not crossed.any():
            return False
        longest = STROKE_LENGTH * size[crossed].sum()
        top, bottom = (y0 - half)[crossed].min(), (y1 + half)[crossed].max()
        return r.end - r.start <= longest and top <= r.start and r.end <= bottom

    # A long line is never taken for strokes, and of a large drawing only short ones are compared with all words.
    longest_word, longest_stack = float((x1 - x0 + 2 * half).max()), MAX_STACK * STROKE_LENGTH * float(size.max())
    return (
        [r for r in horizontal if r.end - r.start > longest_word or not in_word(r)],
        [r for r in vertical if r.end - r.start > longest_stack or not in_letters(r)],
    )


def _runs(dark: np.ndarray, shortest_px: float, points_per_pixel: float) -> list[tuple[float, float, float]]:
    """Position, start and end (points) of the thin horizontal runs of at least `shortest_px`, from the top.

    Pixels are pooled along the line first: a block counts if nearly all of it is dark. That makes the search several
    times faster than on all pixels, and forgives the pixels that JPEG or a crossing letter have lightened.
    """
    import cv2

    block = max(1, int(shortest_px / BLOCKS_PER_RUN))
    blocks = dark.shape[1] // block
    if blocks < 2:
        return []
    pooled = cv2.resize(dark[:, : blocks * block], (blocks, dark.shape[0]), interpolation=cv2.INTER_AREA)
    full = (pooled >= FULL_BLOCK * 255).astype(np.uint8)
    long_runs = cv2.morphologyEx(full, cv2.MORPH_OPEN, np.ones((1, BLOCKS_PER_RUN - 1), np.uint8))
    long_runs = cv2.morphologyEx(long_runs, cv2.MORPH_CLOSE, np.ones((1, 3), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(long_runs, connectivity=8)
    runs = []
    for left, top, wide, high, _ in stats[1:].tolist():
        if high * points_per_pixel <= MAX_THICKNESS_PT:
            # A run fills its first and last block only by chance; on average half a block is missing at either end.
            start, end = (left - 0.5) * block * points_per_pixel, (left + wide + 0.5) * block * points_per_pixel
            runs.append(((top + high / 2) * points_per_pixel, start, end))
    return sorted(runs)
