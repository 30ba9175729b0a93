"""Pictures that are taken strip by strip come out as if they had been taken whole."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tasks.rasterize import opaque
from tasks.rasterize.opaque import opaque_picture

MODES = ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "I", "I;16", "F"]


def picture(mode: str, width: int, height: int, seed: int) -> Image.Image:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    if mode == "I;16":
        return Image.fromarray(noise[:, :, 0].astype(np.uint16) * 257)
    if mode in ("I", "F"):
        return Image.fromarray(noise[:, :, 0].astype(np.int32 if mode == "I" else np.float32) * 3)
    return Image.fromarray(noise).convert(mode)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    mode=st.sampled_from(MODES),
    width=st.integers(1, 40),
    height=st.integers(1, 90),
    wide=st.floats(0.1, 1.5),
    high=st.floats(0.1, 1.5),
    strip=st.integers(1, 400),
)
def test_strips_have_no_seams(monkeypatch, mode, width, height, wide, high, strip):
    size = max(1, round(width * wide)), max(1, round(height * high))
    image = picture(mode, width, height, strip)
    monkeypatch.setattr(opaque, "_STRIP_PIXELS", 1 << 30)
    whole = opaque_picture(image, image.size)
    for step in ((size[0], height), size):
        whole = whole.resize(step, Image.Resampling.LANCZOS)
    monkeypatch.setattr(opaque, "_STRIP_PIXELS", strip)
    in_strips = opaque_picture(image, size)
    assert in_strips.mode in ("L", "RGB")
    assert in_strips.size == size
    difference = np.abs(np.asarray(in_strips, dtype=np.int16) - np.asarray(whole, dtype=np.int16))
    assert difference.max() <= 1


def test_a_picture_that_needs_nothing_is_not_copied():
    image = Image.new("RGB", (30, 20))
    assert opaque_picture(image, (30, 20)) is image


@pytest.mark.parametrize("mode", MODES)
def test_memory_is_counted_as_pillow_uses_it(mode):
    image = picture(mode, 64, 64, 1)
    known = {"1": 1, "L": 1, "P": 1, "I;16": 2}
    assert opaque.bytes_per_pixel(image.mode) == known.get(mode, 4)
