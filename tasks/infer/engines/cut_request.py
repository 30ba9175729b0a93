"""What a worker process is asked for when a page is cut up: the page's image once, and what to cut out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from tasks.infer.engines.chat_recipe import PixelSize

CUTTER = "tasks.infer.engines.cut_worker:cut"
"""What a `WorkerPool` must be opened with to take `CutRequest`s."""


class PixelBox(NamedTuple):
    """A part of a stored image, in its pixels; the second corner is outside."""

    x0: int
    y0: int
    x1: int
    y1: int


@dataclass(frozen=True, slots=True)
class Cut:
    """One cut-out: what of the image, and the size in which it is sent."""

    box: PixelBox
    size: PixelSize


@dataclass(frozen=True, slots=True)
class CutRequest:
    """An image as it is stored, and all that is wanted of it."""

    image: bytes
    cuts: tuple[Cut, ...]
    image_format: str
