"""How large a page's picture is sent to a model, and how large the model sees it. Pure arithmetic, no pixels.

The rules are those of the models' image processors ("smart resize", from Qwen2-VL; dots_ocr/utils/image_utils.py): both
sides multiples of a factor, the area within limits. The server applies them itself, so a stored picture is sent as it
is wherever it can be; only what the server would refuse, or shrink from more than the limit, is resized before.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple


class PixelSize(NamedTuple):
    """A picture's sides in pixels, at least 1."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PicturePlan:
    """What a model's image processor does with a picture. The default does nothing.

    `factor`: sides become multiples of it. `min_pixels`, `max_pixels`: of the area, 0 for no limit. `max_aspect`: of
    the long side to the short one, beyond which the processor refuses; 0 for no limit.
    """

    factor: int = 1
    min_pixels: int = 0
    max_pixels: int = 0
    max_aspect: int = 0

    def sent(self, stored: PixelSize) -> PixelSize:
        """The size to send a stored picture in: its own, unless the server could not take it."""
        size = stored
        while not self._takes(size):  # rounding can leave a long strip a little too long or too large: once more
            size = self._processed(self._within_aspect(size))
        return size

    def seen(self, stored: PixelSize) -> PixelSize:
        """The size in which the model sees a stored picture: that of its boxes, if they are in pixels."""
        return self._processed(self.sent(stored))

    def _takes(self, size: PixelSize) -> bool:
        too_long = self.max_aspect and max(size) > self.max_aspect * min(size)
        too_large = self.max_pixels and size.width * size.height > self.max_pixels
        return min(size) >= self.factor and not too_long and not too_large

    def _within_aspect(self, size: PixelSize) -> PixelSize:
        """Sides of one factor at least, the short one stretched where the picture is too long."""
        shortest = self.factor
        if self.max_aspect:
            shortest = max(shortest, math.ceil(max(size) / self.max_aspect / self.factor) * self.factor)
        return PixelSize(max(size.width, shortest), max(size.height, shortest))

    def _processed(self, size: PixelSize) -> PixelSize:
        """Smart resize: rounded to the factor, or scaled into the limits and rounded towards the inside of them."""
        width, height = (max(self.factor, round(side / self.factor) * self.factor) for side in size)
        scale = 1.0
        if self.max_pixels and width * height > self.max_pixels:
            scale = math.sqrt(self.max_pixels / (size.width * size.height))
        elif width * height < self.min_pixels:
            scale = math.sqrt(self.min_pixels / (size.width * size.height))
        if scale == 1.0:
            return PixelSize(width, height)
        to_grid = math.floor if width * height > self.min_pixels else math.ceil
        width, height = (max(self.factor, to_grid(side * scale / self.factor) * self.factor) for side in size)
        return PixelSize(width, height)


AS_STORED = PicturePlan()
"""The picture is sent and seen as it lies in the lake, or boxes do not depend on its size."""
