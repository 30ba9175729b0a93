"""The page's image, decoded only as far as it is needed: small for the layout model, whole for tables and OCR."""

from __future__ import annotations

import io
from functools import cached_property

import numpy as np
from PIL import Image

from tasks.infer.cpu.geometry import Box
from tasks.infer.cpu.layout_detector import INPUT_HEIGHT, INPUT_WIDTH
from tasks.lake.rows import Page


class PageImage:
    """One page's image and its scale, after so many quarter turns counterclockwise.

    Not thread-safe, and short-lived: a page at 200 dpi is 12 MB decoded.
    """

    def __init__(self, page: Page, turns: int = 0) -> None:
        self._data, self._turns = page.image or b"", turns
        sides = float(page.width or 0.0), float(page.height or 0.0)
        self.width_pt, self.height_pt = sides if turns % 2 == 0 else sides[::-1]

    @cached_property
    def small(self) -> np.ndarray:
        """RGB, at least as large as the layout model's input; a JPEG is decoded at a half, quarter or eighth at
        once."""
        with Image.open(io.BytesIO(self._data)) as image:
            image.draft("RGB", (INPUT_WIDTH, INPUT_HEIGHT))
            return self._turned(image.convert("RGB"))

    @cached_property
    def full(self) -> np.ndarray:
        """RGB, all pixels."""
        with Image.open(io.BytesIO(self._data)) as image:
            return self._turned(image.convert("RGB"))

    @cached_property
    def _grey(self) -> np.ndarray:
        if "full" in self.__dict__:
            import cv2

            return cv2.cvtColor(self.full, cv2.COLOR_RGB2GRAY)
        with Image.open(io.BytesIO(self._data)) as image:
            image.draft("L", image.size)
            return self._turned(image.convert("L"))

    def _turned(self, image: Image.Image) -> np.ndarray:
        return np.ascontiguousarray(np.rot90(np.asarray(image), self._turns))

    @property
    def points_per_pixel(self) -> float:
        return self.width_pt / max(self._grey.shape[1], 1)

    def grey_crop(self, box: Box) -> np.ndarray:
        """The part of the page inside a box in points, in grey."""
        per_point = 1 / self.points_per_pixel
        height, width = self._grey.shape
        x0, x1 = (int(min(max(x * per_point, 0), width)) for x in (box.x0, box.x1))
        y0, y1 = (int(min(max(y * per_point, 0), height)) for y in (box.y0, box.y1))
        return np.ascontiguousarray(self._grey[y0:y1, x0:x1])
