"""Decoded pictures of any mode to opaque ones, grey or RGB, in the size that is wanted. Runs in the child processes.

The picture is taken strip by strip: a decoded one may nearly fill a worker's memory, and Pillow's conversions make
whole copies, some of them several.
"""

from __future__ import annotations

import math

import numpy as np
from PIL import Image, ImageCms

_STRIP_PIXELS = 2_000_000
_LANCZOS_SUPPORT = 3
_TRANSPARENT_MODES = ("RGBA", "LA", "PA", "RGBa", "La")
_ONE_BYTE_MODES = ("1", "L", "P")


def bytes_per_pixel(mode: str) -> int:
    """What Pillow holds of a pixel of this mode in memory; of most it holds four bytes, used or not."""
    if mode in _ONE_BYTE_MODES:
        return 1
    return 2 if mode.startswith("I;16") else 4


def opaque_picture(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Mode L or RGB, alpha laid on white, of the given size. `image` is loaded, and may come back as it is."""
    value_range = _value_range(image)
    if image.size == size and math.prod(size) <= _STRIP_PIXELS:
        return _opaque(image, value_range)
    scale = image.height / size[1]
    rows = max(1, int(_STRIP_PIXELS / image.width / scale))
    whole: Image.Image | None = None
    for top in range(0, size[1], rows):
        strip = _strip(image, size, top, min(top + rows, size[1]), value_range)
        whole = whole or Image.new(strip.mode, size)
        whole.paste(strip, (0, top))
    assert whole is not None
    return whole


def _strip(
    image: Image.Image, size: tuple[int, int], top: int, bottom: int, value_range: tuple[float, float]
) -> Image.Image:
    """Rows of the result: resampled with as many of their neighbours as the filter looks at, they have no seams."""
    scale = image.height / size[1]
    margin = 0 if image.size == size else math.ceil(_LANCZOS_SUPPORT * max(1.0, scale)) + 1
    first = max(0, math.floor(top * scale) - margin)
    last = min(image.height, math.ceil(bottom * scale) + margin)
    opaque = _opaque(image.crop((0, first, image.width, last)), value_range)
    if image.size == size:
        return opaque
    # Across, then down: in one step Pillow chooses the order by the sizes, and strips could differ from each other.
    across = opaque.resize((size[0], opaque.height), Image.Resampling.LANCZOS)
    box = (0, top * scale - first, size[0], min(bottom * scale - first, opaque.height))
    return across.resize((size[0], bottom - top), Image.Resampling.LANCZOS, box=box)


def _opaque(image: Image.Image, value_range: tuple[float, float]) -> Image.Image:
    if image.mode in ("L", "RGB") and "transparency" not in image.info:
        return image
    if image.mode in _TRANSPARENT_MODES or "transparency" in image.info:
        rgba = image.convert("RGBA")
        white = Image.new("RGBA", rgba.size, "white")
        white.alpha_composite(rgba)
        return white.convert("RGB")
    if image.mode.startswith(("I", "F")):
        return _eight_bits(image, value_range)
    if image.mode == "LAB":
        to_srgb = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
        converted = ImageCms.applyTransform(image, to_srgb)
        assert converted
        return converted
    return image.convert("L" if image.mode == "1" else "RGB")


def _value_range(image: Image.Image) -> tuple[float, float]:
    """What is black and what is white: 16-bit grey has a range; wider kinds go from their darkest to their lightest."""
    if image.mode.startswith("I;16") or not image.mode.startswith(("I", "F")):
        return 0.0, 65535.0
    rows = max(1, _STRIP_PIXELS // image.width)
    tops = range(0, image.height, rows)
    ranges = [_range(image.crop((0, top, image.width, min(top + rows, image.height)))) for top in tops]
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _range(image: Image.Image) -> tuple[float, float]:
    values = _values(image)
    return float(values.min()), float(values.max())


def _eight_bits(image: Image.Image, value_range: tuple[float, float]) -> Image.Image:
    low, high = value_range
    scaled = (_values(image) - low) * (255 / ((high - low) or 1))
    return Image.fromarray(np.clip(scaled, 0, 255).astype(np.uint8))


def _values(image: Image.Image) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.nan_to_num(np.asarray(image, dtype=np.float32))
