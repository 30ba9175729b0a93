"""Render one shard: fetch its documents, render their pages, write one file of `pages`.

Every page of the shard ends as a row. A document that is gone, or is no longer the one that was discovered, fails page
by page: each of its pages has a row that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack

from tasks.errors import DocumentError, PageError
from tasks.isolate import WorkerPool
from tasks.lake.pages import write_pages
from tasks.lake.rows import Page
from tasks.lake.shards import Shard, Span
from tasks.lake.storage import LakeFolder
from tasks.lake.tables import pages_file
from tasks.objects import local_copy
from tasks.rasterize.rasterize import LocalSpan, RenderSettings, rasterize_pages


def rasterize_shard(
    lake: LakeFolder,
    shard: Shard,
    *,
    uris: Mapping[str, str],
    pool: WorkerPool,
    settings: RenderSettings,
    password: str | None = None,
    on_page: Callable[[], None] = lambda: None,
) -> None:
    """Write the shard's pages; `uris` says where each document lies. `on_page` is called after each page."""

    def counted(pages: Iterable[Page]) -> Iterator[Page]:
        for page in pages:
            yield page
            on_page()

    with ExitStack() as copies:  # spooled documents live until their last page is rendered
        pages = _pages(shard, uris, copies, pool, settings, password)
        write_pages(lake, pages_file(settings.render_id, shard.name), counted(pages))
