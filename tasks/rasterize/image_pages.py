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
from PIL import Image, ImageCms, ImageOps

from tasks.errors import PageError
from tasks.lake.rows import Page
from tasks.rasterize.geometry import MAX_SIDE_PX, POINTS_PER_INCH
from tasks.rasterize.messages import RenderSettings
from tasks.rasterize.picture import encode, ink

_FORMATS = ("PNG", "JPEG", "WEBP", "TIFF")
_MAX_DECODED_BYTES = 768 << 20
_PLAUSIBLE_DPI = (20, 5000)
_ORIENTATION_TAG = 0x0112
_ORIENTATION_DEGREES = {3: 180, 5: 90, 6: 90, 7: 270, 8: 270}
_TRANSPARENT_MODES = ("RGBA", "LA", "PA", "RGBa", "La")

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
    upright = ImageOps.exif_transpose(image)
    if orientation >= 5:
        dpi_x, dpi_y = dpi_y, dpi_x
    if (upright.width > upright.height) != (stored_size[0] > stored_size[1]):  # TIFFs are turned by Pillow already
        stored_size = stored_size[::-1]
    width_pt, height_pt = stored_size[0] * POINTS_PER_INCH / dpi_x, stored_size[1] * POINTS_PER_INCH / dpi_y
    wanted = _wanted_size(stored_size, dpi_x, dpi_y, settings)
    opaque = _opaque(upright)
    if opaque.size != wanted:
        opaque = opaque.resize(wanted, Image.Resampling.LANCZOS, reducing_gap=2.0)
        as_stored = False
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
    bytes_per_pixel = 4 if image.mode in ("I", "F", "P", "CMYK", "RGB", *_TRANSPARENT_MODES) else 2
    can_shrink_early = image.format == "JPEG"
    if not can_shrink_early and math.prod(image.size) * bytes_per_pixel > _MAX_DECODED_BYTES:
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


def _opaque(image: Image.Image) -> Image.Image:
    """Mode L or RGB, alpha laid on white."""
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode in _TRANSPARENT_MODES or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        white.alpha_composite(rgba)
        return white.convert("RGB")
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image)
    if image.mode == "LAB":
        to_srgb = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
        converted = ImageCms.applyTransform(image, to_srgb)
        assert converted
        return converted
    return image.convert("L" if image.mode == "1" else "RGB")


def _eight_bits(image: Image.Image) -> Image.Image:
    """16-bit grey by its range; wider kinds have no range that is meant, so from darkest to lightest."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float32))
    low, high = (0.0, 65535.0) if image.mode.startswith("I;16") else (float(values.min()), float(values.max()))
    scaled = (values - low) * (255 / ((high - low) or 1))
    return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))
