"""The drawn lines of a table, found in its image: long, thin, dark runs, horizontal and vertical.

They come from the image and not from the PDF because scans have none in the PDF, and because a PDF draws them in a
dozen ways (strokes, thin rectangles, images). What they mean for rows and columns is in `tables`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.infer.cpu.geometry import Box

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


@dataclass(frozen=True, slots=True)
class Ruling:
    """A drawn line: at `at` on one axis, from `start` to `end` on the other, in points of the page."""

    at: float
    start: float
    end: float


def find_rulings(crop: np.ndarray, origin: Box, points_per_pixel: float) -> tuple[list[Ruling], list[Ruling]]:
    """Horizontal and vertical rulings of a grey image whose upper left corner is at `origin`."""
    import cv2

    if min(crop.shape[:2]) < MIN_SIDE_PX:
        return [], []
    window = max(3, int(WINDOW_PT / points_per_pixel) | 1)
    dark = cv2.adaptiveThreshold(crop, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, MIN_CONTRAST)
    horizontal = _runs(dark, MIN_HORIZONTAL_PT / points_per_pixel, points_per_pixel)
    # Turned by a transposition, vertical lines are horizontal ones.
    vertical = _runs(cv2.transpose(dark), MIN_VERTICAL_PT / points_per_pixel, points_per_pixel)
    return (
        [Ruling(origin.y0 + at, origin.x0 + start, origin.x0 + end) for at, start, end in horizontal],
        [Ruling(origin.x0 + at, origin.y0 + start, origin.y0 + end) for at, start, end in vertical],
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
