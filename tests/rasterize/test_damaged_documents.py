"""Damaged copies of the sample documents end as pages or as rows that say why, and nothing else happens."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutations import damaged_copies

from tasks.errors import DOCUMENT_KINDS, PAGE_KINDS, DocumentError
from tasks.rasterize.inspect import inspect_document
from tasks.rasterize.rasterize import WORKER_MEMORY_BYTES, LocalSpan, RenderSettings, open_renderers, rasterize_pages

SAMPLES = Path(__file__).parents[1] / "samples"
COUNT = 60
SETTINGS = RenderSettings(dpi=50, page_timeout_s=20)
MOST_PAGES = 4


@pytest.mark.integration
def test_damage_of_any_kind_ends_as_rows(tmp_path):
    copies = damaged_copies(list(SAMPLES.iterdir()), tmp_path, COUNT, seed=4)
    kinds: set[str | None] = set()
    with open_renderers(2) as pool:
        for path in copies:
            kinds |= read(pool, path)
        assert pool.peak_memory_bytes <= WORKER_MEMORY_BYTES
    assert kinds - {None} <= DOCUMENT_KINDS.keys() | PAGE_KINDS.keys()
    assert {None, "corrupt"} <= kinds


def read(pool, path: Path) -> set[str | None]:
    try:
        facts = inspect_document(pool, str(path), None, SETTINGS.page_timeout_s)
    except DocumentError as error:
        return {error.kind}
    last = min(facts.page_count, MOST_PAGES)
    pages = list(rasterize_pages(pool, [LocalSpan("d", str(path), facts.media_type, 1, last)], SETTINGS))
    assert [page.page_number for page in pages] == list(range(1, last + 1))
    assert all(page.error or page.image for page in pages)
    return {page.error_kind for page in pages}


def test_a_seed_gives_the_same_damage(tmp_path):
    first, second = (damaged_copies(list(SAMPLES.iterdir()), tmp_path / name, 20, seed=9) for name in "ab")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
