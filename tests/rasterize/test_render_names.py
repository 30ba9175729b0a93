"""A render's name and its settings say the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import UsageError
from tasks.rasterize.messages import RenderSettings

SETTINGS = st.builds(
    RenderSettings,
    dpi=st.integers(1, 1200).map(float) | st.floats(1, 1200).map(lambda dpi: float(f"{dpi:g}")),
    image_format=st.just("jpeg"),
    jpeg_quality=st.integers(1, 100),
    max_pixels=st.integers(1, 10**9),
) | st.builds(RenderSettings, dpi=st.integers(1, 1200).map(float), image_format=st.just("png"))


@given(SETTINGS)
def test_there_and_back(settings: RenderSettings):
    assert RenderSettings.of_render(settings.render_id) == settings


@pytest.mark.parametrize("name", ["", "200dpi", "dpi-png", "200dpi-gif", "200dpi-jpeg", "200dpi-png-px", "../../etc"])
def test_what_is_no_name_is_refused(name: str):
    with pytest.raises(UsageError):
        RenderSettings.of_render(name)


def test_images_may_stand_in_for_those_of_another_render():
    usual = RenderSettings()
    assert replace(usual, dpi=100, instead_of=usual.render_id).render_id == usual.render_id
