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
from tasks.ordered import Known, in_order
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
    """Write the shard's pages; `uris` says where each document lies. `on_page` is called after each page.

    Raises:
        LakeError: the lake cannot be written.
        PoolClosed: the run is being stopped; nothing was written.
    """

    def render(spans: Iterable[LocalSpan]) -> Iterator[Page]:
        return rasterize_pages(pool, spans, settings, password)

    def rendered() -> Iterator[Page]:
        with ExitStack() as copies:  # spooled documents live until their last page is rendered
            results = in_order(
                shard.spans,
                route=lambda span: _fetch(span, uris.get(span.doc_id), copies),
                elsewhere=render,
                count=lambda span: span.pages,
            )
            for _, page in results:
                yield page
                on_page()

    write_pages(lake, pages_file(settings.render_id, shard.name), rendered())


def _fetch(span: Span, uri: str | None, copies: ExitStack) -> LocalSpan | Known[Page]:
    """The span with its document on this machine, or its failed pages."""
    try:
        if uri is None:
            raise DocumentError("vanished", "no object of the collection holds it any more")
        copy = copies.enter_context(local_copy(uri))
        if copy.doc_id != span.doc_id:
            raise DocumentError("vanished", f"{uri} holds something else now")
        return LocalSpan(span.doc_id, str(copy.path), span.media_type, span.first_page, span.last_page)
    except DocumentError as error:
        problem = PageError(error.kind, error.detail)
        numbers = range(span.first_page, span.last_page + 1)
        return Known(
            [Page(span.doc_id, n, status="failed", error_kind=problem.kind, error=str(problem)) for n in numbers]
        )
