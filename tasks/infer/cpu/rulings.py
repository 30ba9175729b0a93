"""The drawn lines of a table, found in its image: long, thin, dark runs, horizontal and vertical.

They come from the image and not from the PDF because scans have none in the PDF, and because a PDF draws them in a dozen
ways (strokes, thin rectangles, images). What they mean for rows and columns is in `tables`.
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
"""What is thicker is a filled cell, not a line."""
WINDOW_PT = 8.0
"""Darkness is judged against the surroundings of this size, so that lines on coloured cells are found too."""
MIN_CONTRAST = 12
"""Grey levels below the surroundings. Hairlines that anti-aliasing has thinned to light grey are still 20 below."""


@dataclass(frozen=True, slots=True)
class Ruling:
    """A drawn line: at `at` on one axis, from `start` to `end` on the other, in points of the page."""

    at: float
    start: float
    end: float


def find_rulings(crop: np.ndarray, origin: Box, points_per_pixel: float) -> tuple[list[Ruling], list[Ruling]]:
    """Horizontal and vertical rulings of a grey image whose upper left corner is at `origin`."""
    import cv2

    if min(crop.shape[:2]) < 3:
        return [], []
    window = max(3, int(WINDOW_PT / points_per_pixel) | 1)
    dark = cv2.adaptiveThreshold(
        crop, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, window, MIN_CONTRAST
    )
    found = []
    for horizontal in (True, False):
        shortest = max(3, int((MIN_HORIZONTAL_PT if horizontal else MIN_VERTICAL_PT) / points_per_pixel))
        shape = (shortest, 1) if horizontal else (1, shortest)
        runs = cv2.morphologyEx(dark, cv2.MORPH_OPEN, cv2.getStructuringElement(cv2.MORPH_RECT, shape))
        # Closing small holes keeps a line whole where letters or other lines cross it.
        bridge = (max(3, shortest // 4), 1) if horizontal else (1, max(3, shortest // 4))
        runs = cv2.morphologyEx(runs, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_RECT, bridge))
        found.append(_components(runs, horizontal, origin, points_per_pixel))
    return found[0], found[1]


def _components(runs: np.ndarray, horizontal: bool, origin: Box, points_per_pixel: float) -> list[Ruling]:
    import cv2

    _, _, stats, _ = cv2.connectedComponentsWithStats(runs, connectivity=8)
    rulings = []
    for left, top, wide, high, _ in stats[1:]:
        x0, y0 = origin.x0 + left * points_per_pixel, origin.y0 + top * points_per_pixel
        width, height = wide * points_per_pixel, high * points_per_pixel
        if horizontal and height <= MAX_THICKNESS_PT:
            rulings.append(Ruling(y0 + height / 2, x0, x0 + width))
        elif not horizontal and width <= MAX_THICKNESS_PT:
            rulings.append(Ruling(x0 + width / 2, y0, y0 + height))
    return sorted(rulings, key=lambda ruling: (ruling.at, ruling.start))
