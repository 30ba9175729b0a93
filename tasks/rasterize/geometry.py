"""Where a point of a PDF page lies on the page as displayed, and how large its picture is. Pure arithmetic.

Page space is the PDF's: points, origin anywhere, y upwards, before /Rotate. Display space is the lake's: points, origin
at the top left of the crop box, y downwards, after /Rotate. A picture covers the displayed page exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POINTS_PER_INCH = 72.0
MAX_SIDE_PX = 65_000
"""JPEG's limit is 65,535 pixels a side, and libjpeg stops a little earlier."""

Boxes = NDArray[np.float64]
"""Rows of x0, y0, x1, y1."""


@dataclass(frozen=True, slots=True)
class PageFrame:
    """The visible box of a page in page space, and its /Rotate (0, 90, 180 or 270, clockwise)."""

    left: float
    bottom: float
    right: float
    top: float
    rotation: int

    @property
    def width_pt(self) -> float:
        """As displayed."""
        return self.right - self.left if self.rotation % 180 == 0 else self.top - self.bottom

    @property
    def height_pt(self) -> float:
        """As displayed."""
        return self.top - self.bottom if self.rotation % 180 == 0 else self.right - self.left

    @property
    def matrix(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Linear part and offset of page space -> display space, for row vectors: display = page @ linear + offset."""
        linear, offset = {
            0: (((1, 0), (0, -1)), (-self.left, self.top)),
            90: (((0, 1), (1, 0)), (-self.bottom, -self.left)),
            180: (((-1, 0), (0, 1)), (self.right, -self.bottom)),
            270: (((0, -1), (-1, 0)), (self.top, self.right)),
        }[self.rotation]
        return np.array(linear, dtype=np.float64), np.array(offset, dtype=np.float64)

    def to_display(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (rows of x, y) from page space to display space."""
        linear, offset = self.matrix
        return points @ linear + offset

    def to_page(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Points (rows of x, y) from display space to page space."""
        linear, offset = self.matrix
        return (points - offset) @ linear.T  # the linear part only turns and mirrors: its inverse is its transpose

    def boxes_to_display(self, boxes: Boxes) -> Boxes:
        """Boxes with corners in any order from page space to display space, corners in order."""
        one, other = self.to_display(boxes[:, :2]), self.to_display(boxes[:, 2:])
        return np.hstack([np.minimum(one, other), np.maximum(one, other)])


@dataclass(frozen=True, slots=True)
class PictureSize:
    """Pixels of a page's picture; `dpi` is what it comes to, less than asked for if `scaled_down`."""

    width_px: int
    height_px: int
    dpi: float
    scaled_down: bool


def picture_size(width_pt: float, height_pt: float, dpi: float, max_pixels: int) -> PictureSize:
    """The picture of a page of this size at `dpi`, or at as much of it as `max_pixels` and JPEG's sides allow."""
    scale = dpi / POINTS_PER_INCH
    width_px, height_px = (math.ceil(side * scale - 1e-6) or 1 for side in (width_pt, height_pt))
    if width_px * height_px <= max_pixels and max(width_px, height_px) <= MAX_SIDE_PX:
        return PictureSize(width_px, height_px, dpi, scaled_down=False)
    used = min(scale, math.sqrt(max_pixels / (width_pt * height_pt)), MAX_SIDE_PX / max(width_pt, height_pt))
    width_px, height_px = (max(1, math.floor(side * used)) for side in (width_pt, height_pt))
    return PictureSize(width_px, height_px, min(dpi, used * POINTS_PER_INCH), scaled_down=used < scale)
