"""Pictures (PNG, JPEG, WebP, TIFF) to `Page` rows with Pillow. Runs in the child processes.

Each frame of a TIFF is a page; of animated PNG and WebP only the first frame is, an animation being no document.
One pixel is one point unless the file stores a resolution. The picture is never enlarged to the render's dpi, and only
shrunk where it has too many pixels. Bytes that need no change (JPEG into a JPEG render, say) are stored as they are.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image

from tasks.errors import PageError
from tasks.lake.rows import Page
from tasks.rasterize.geometry import MAX_SIDE_PX, POINTS_PER_INCH
from tasks.rasterize.messages import RenderSettings
from tasks.rasterize.opaque import bytes_per_pixel, opaque_picture
from tasks.rasterize.picture import encode, ink

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
_MAX_DECODED_BYTES = 576 << 20
"""What Pillow may hold of one picture: 144 million pixels in colour, four times as many in grey."""
_PLAUSIBLE_DPI = (20, 5000)
_ORIENTATION_TAG = 0x0112
_ORIENTATION_DEGREES = {3: 180, 5: 90, 6: 90, 7: 270, 8: 270}
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_TURNS_OF_SIDES = tuple(_TURNS[orientation] for orientation in (5, 6, 7, 8))

# Pillow would warn of large pictures, and refuse larger ones; here the limit is by bytes, before anything is decoded.
Image.MAX_IMAGE_PIXELS = None


@contextmanager
def open_image(path: str) -> Generator[Image.Image]:
    """Read the header only. Raises what Pillow raises.

    Pillow is handed a file, not a path: what it can map into memory it would, and then turns TIFFs wrongly (13.0) and
    dies of SIGBUS where the file shrinks.
    """
    with Path(path).open("rb") as file, Image.open(file, formats=_FORMATS) as image:
        yield image


def frame_count(image: Image.Image) -> int:
    return getattr(image, "n_frames", 1) if image.format == "TIFF" else 1


def render_image_page(path: str, doc_id: str, page_number: int, settings: RenderSettings) -> Page:
    """One frame of a picture.

    Raises:
        PageError: `page_corrupt`, `render_memory` (more pixels than can be decoded).
    """
    try:
        with open_image(path) as image:
            if page_number > 1:
                image.seek(page_number - 1)
            _refuse_gigantic(image)
            return _render(image, path, doc_id, page_number, settings)
    except (PageError, MemoryError):
        raise
    except Exception as error:  # Pillow's readers raise whatever broken files make them raise
        raise PageError("page_corrupt", f"Pillow cannot read it: {error}") from error


def _render(image: Image.Image, path: str, doc_id: str, page_number: int, settings: RenderSettings) -> Page:
    stored_size, orientation = image.size, image.getexif().get(_ORIENTATION_TAG, 1)
    dpi_x, dpi_y = _resolution(image)
    as_stored = _can_be_stored(image, orientation, settings) and dpi_x == dpi_y
    if image.format == "JPEG" and math.prod(stored_size) > settings.max_pixels:
        shrink = _shrink(stored_size, settings)
        image.draft(None, (int(stored_size[0] * shrink), int(stored_size[1] * shrink)))
    image.load()
    turn = _TURNS.get(image.getexif().get(_ORIENTATION_TAG, 1))  # none for TIFFs: Pillow has turned them already
    upright = image.size[::-1] if turn in _TURNS_OF_SIDES else image.size
    if orientation >= 5:
        dpi_x, dpi_y = dpi_y, dpi_x
    if (upright[0] > upright[1]) != (stored_size[0] > stored_size[1]):
        stored_size = stored_size[::-1]
    width_pt, height_pt = stored_size[0] * POINTS_PER_INCH / dpi_x, stored_size[1] * POINTS_PER_INCH / dpi_y
    wanted = _wanted_size(stored_size, dpi_x, dpi_y, settings)
    as_stored = as_stored and stored_size == wanted
    opaque = opaque_picture(image, wanted[::-1] if turn in _TURNS_OF_SIDES else wanted)
    if opaque is not image:
        image.close()  # a large one and its picture in another encoding do not fit into a worker together
    if turn is not None:
        opaque = opaque.transpose(turn)
    dpi = wanted[0] * POINTS_PER_INCH / width_pt
    limited = dpi < 0.99 * max(dpi_x, dpi_y)
    problem = PageError("too_large_scaled", f"{stored_size[0]} x {stored_size[1]} pixels") if limited else None
    return Page(
        doc_id,
        page_number,
        width=round(width_pt, 3),
        height=round(height_pt, 3),
        rotation=_ORIENTATION_DEGREES.get(orientation, 0),
        image=Path(path).read_bytes() if as_stored and _is_lean(path, wanted) else encode(opaque, settings),
        image_format=settings.image_format,
        image_width=wanted[0],
        image_height=wanted[1],
        dpi=round(dpi, 3),
        ink=ink(np.asarray(opaque)),
        error_kind=problem.kind if problem else None,
        error=str(problem) if problem else None,
    )


def _is_lean(path: str, size: tuple[int, int]) -> bool:
    """Whether a file is about as large as its picture can be; some carry megabytes of something else."""
    return Path(path).stat().st_size <= 4 * math.prod(size) + 65_536


def _refuse_gigantic(image: Image.Image) -> None:
    can_shrink_early = image.format == "JPEG"
    if not can_shrink_early and math.prod(image.size) * bytes_per_pixel(image.mode) > _MAX_DECODED_BYTES:
        raise PageError("render_memory", f"{image.width} x {image.height} pixels are too many to decode")


def _can_be_stored(image: Image.Image, orientation: int, settings: RenderSettings) -> bool:
    """Whether the file's own bytes are a picture of the wanted format, opaque and the right way up."""
    right_format = (image.format or "").lower() == settings.image_format
    transparent = "transparency" in image.info or getattr(image, "is_animated", False)
    return right_format and image.mode in ("L", "RGB") and orientation == 1 and not transparent


def _resolution(image: Image.Image) -> tuple[float, float]:
    """Dots per inch across and down; 72 where none, or nonsense, is stored."""
    try:
        x, y = (float(value) for value in image.info.get("dpi", ()))
    except (TypeError, ValueError, ZeroDivisionError):
        return POINTS_PER_INCH, POINTS_PER_INCH
    low, high = _PLAUSIBLE_DPI
    if not (low <= x <= high and low <= y <= high):
        return POINTS_PER_INCH, POINTS_PER_INCH
    # PNG stores dots per metre: 11811 of them are meant as 300 dpi.
    x, y = (round(value) if abs(value - round(value)) < 0.02 else value for value in (x, y))
    return x, y


def _wanted_size(size: tuple[int, int], dpi_x: float, dpi_y: float, settings: RenderSettings) -> tuple[int, int]:
    """Pixels of the picture to store: square ones (a fax has 204 by 98 dpi), and not too many."""
    finest = max(dpi_x, dpi_y)
    square = size[0] * finest / dpi_x, size[1] * finest / dpi_y
    shrink = _shrink(square, settings)
    rounded = math.floor if shrink < 1 else round
    return max(1, rounded(square[0] * shrink)), max(1, rounded(square[1] * shrink))


def _shrink(size: tuple[float, float], settings: RenderSettings) -> float:
    return min(1.0, math.sqrt(settings.max_pixels / (size[0] * size[1])), MAX_SIDE_PX / max(size))
