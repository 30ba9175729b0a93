"""Page space, display space and pixels: there and back for every rotation and box, and never too many pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.rasterize.geometry import MAX_SIDE_PX, PageFrame, picture_size

sides = st.floats(1, 20_000)
origins = st.floats(-5_000, 5_000)
fractions = st.floats(0, 1)
frames = st.builds(
    lambda left, bottom, width, height, rotation: PageFrame(left, bottom, left + width, bottom + height, rotation),
    origins,
    origins,
    sides,
    sides,
    st.sampled_from([0, 90, 180, 270]),
)


@given(frames, fractions, fractions)
def test_points_go_to_display_space_and_back(frame, across, up):
    point = np.array(
        [[frame.left + across * (frame.right - frame.left), frame.bottom + up * (frame.top - frame.bottom)]]
    )
    shown = frame.to_display(point)
    assert (shown >= -1e-6).all()
    assert (shown <= np.array([frame.width_pt, frame.height_pt]) + 1e-6).all()
    assert frame.to_page(shown) == pytest.approx(point, abs=1e-6)


@given(frames, fractions, fractions, st.floats(20, 600), st.integers(10_000, 40_000_000))
def test_points_go_to_pixels_and_back_within_a_pixel(frame, across, down, dpi, max_pixels):
    size = picture_size(frame.width_pt, frame.height_pt, dpi, max_pixels)
    x, y = across * frame.width_pt, down * frame.height_pt
    pixel = int(x / frame.width_pt * size.width_px), int(y / frame.height_pt * size.height_px)
    back = pixel[0] * frame.width_pt / size.width_px, pixel[1] * frame.height_pt / size.height_px
    assert abs(back[0] - x) <= frame.width_pt / size.width_px + 1e-6
    assert abs(back[1] - y) <= frame.height_pt / size.height_px + 1e-6


@given(sides, sides, st.floats(20, 600), st.integers(70_000, 40_000_000))
def test_a_picture_keeps_its_limits_and_its_dpi(width, height, dpi, max_pixels):
    size = picture_size(width, height, dpi, max_pixels)
    assert max(size.width_px, size.height_px) <= MAX_SIDE_PX
    assert 1 <= size.width_px * size.height_px <= max_pixels
    assert size.dpi <= dpi
    assert size.dpi == pytest.approx(dpi) or size.scaled_down
    assert abs(size.width_px - width * size.dpi / 72) <= 1


@pytest.mark.parametrize(("rotation", "corner"), [(0, (0, 0)), (90, (300, 0)), (180, (200, 300)), (270, (0, 200))])
def test_the_upper_left_corner_goes_where_a_clockwise_turn_takes_it(rotation, corner):
    frame = PageFrame(10, 20, 210, 320, rotation)
    assert tuple(frame.to_display(np.array([[10.0, 320.0]]))[0]) == corner


@given(frames)
def test_boxes_keep_their_area_and_their_corners_in_order(frame):
    boxes = np.array([[frame.left, frame.top, frame.left + 0.5, frame.top - 0.25]])
    ((x0, y0, x1, y1),) = frame.boxes_to_display(boxes)
    assert (x1 - x0) * (y1 - y0) == pytest.approx(0.125, rel=1e-3)
