"""Every file of the shared hostile collection ends as pages or as a DocumentError, in bounded time and memory."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from small_documents import SHARED

from tasks.errors import DOCUMENT_KINDS, PAGE_KINDS, DocumentError
from tasks.rasterize.inspect import inspect_document
from tasks.rasterize.rasterize import WORKER_MEMORY_BYTES, LocalSpan, RenderSettings, open_renderers, rasterize_pages

FILES = sorted((SHARED / "hostile" / "files").glob("*"))
SETTINGS = RenderSettings(dpi=100, page_timeout_s=10)
MOST_PAGES = 12


def read(pool, path):
    """Kinds of error of the document's pages, or the document's own; and the seconds it took."""
    started = time.monotonic()
    try:
        facts = inspect_document(pool, str(path), None, SETTINGS.page_timeout_s)
    except DocumentError as error:
        return [error.kind], time.monotonic() - started
    last = min(facts.page_count, MOST_PAGES)
    pages = list(rasterize_pages(pool, [LocalSpan("doc", str(path), facts.media_type, 1, last)], SETTINGS))
    assert [page.page_number for page in pages] == list(range(1, last + 1)), path.name
    assert all((page.status == "ok") == (page.image is not None) for page in pages), path.name
    return [page.error_kind for page in pages], time.monotonic() - started


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.skipif(not FILES, reason="the shared test data is not on this machine")
def test_every_hostile_file_ends_as_rows():
    with open_renderers(2) as pool, ThreadPoolExecutor(2) as executor:
        results = dict(zip(FILES, executor.map(lambda path: read(pool, path), FILES), strict=True))
        assert pool.peak_memory_bytes < WORKER_MEMORY_BYTES
    kinds = {kind for found, _ in results.values() for kind in found} - {None}
    assert kinds <= DOCUMENT_KINDS.keys() | PAGE_KINDS.keys()
    assert {"encrypted", "corrupt", "no_pages", "not_a_document", "render_timeout", "render_memory"} <= kinds
    # At most two pages of a document are deadly, and each may cost its limit twice: with and without form fields.
    assert max(seconds for _, seconds in results.values()) < 4 * SETTINGS.page_timeout_s + 20
