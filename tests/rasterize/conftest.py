"""One pool of rendering processes for all tests of this folder."""

from __future__ import annotations

import pytest

from tasks.rasterize.rasterize import open_renderers


@pytest.fixture(scope="session")
def renderers():
    with open_renderers(2) as pool:
        yield pool
