"""Render one shard: fetch its documents, render their pages, write one file of `pages`.

Every page of the shard ends as a row. A document that is gone, or is no longer the one that was discovered, fails page
by page: each of its pages has a row that says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from tasks.errors import DocumentError, PageError
from tasks.isolate import WorkerPool
from tasks.lake.pages import read_pages, write_pages
from tasks.lake.rows import Page
from tasks.lake.shards import Shard, Span
from tasks.lake.storage import LakeFolder
from tasks.lake.tables import pages_file
from tasks.objects import LocalCopy, local_copy
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
    again: bool = False,
    on_page: Callable[[], None] = lambda: None,
) -> None:
    """Write the shard's pages; `uris` says where each document lies. `on_page` is called after each page.

    With `again` the pages that the file holds already are kept, and only those that failed are rendered.

    Raises:
        LakeError: the lake cannot be written.
        PoolClosed: the run is being stopped; nothing was written.
    """
    file = pages_file(settings.render_id, shard.name)

    def render(spans: Iterable[LocalSpan]) -> Iterator[Page]:
        return rasterize_pages(pool, spans, settings, password)

    def rendered() -> Iterator[Page]:
        with ExitStack() as copies:  # spooled documents live until their last page is rendered
            fetch = _Fetcher(uris, copies)
            if again:
                types = {span.doc_id: span.media_type for span in shard.spans}
                pages = read_pages(lake, file)
                results = in_order(pages, _nothing, lambda page: _failed_again(page, types, fetch), render)
            else:
                results = in_order(shard.spans, _nothing, fetch, render, count=lambda span: span.pages)
            for _, page in results:
                yield page
                on_page()

    write_pages(lake, file, rendered())


def _nothing(_: object) -> None:
    """What must be remembered of a span or page whose pages come back whole."""


def _failed_again(page: Page, types: Mapping[str, str], fetch: _Fetcher) -> LocalSpan | Known[Page]:
    """A page that is there is kept, one that failed is rendered."""
    if page.status == "ok":
        return Known([page])
    return fetch(Span(page.doc_id, types[page.doc_id], page.page_number, page.page_number))


@dataclass(slots=True)
class _Fetcher:
    """Brings documents to this machine, each once, for as long as `copies` is open."""

    uris: Mapping[str, str]
    copies: ExitStack
    _fetched: dict[str, LocalCopy] = field(default_factory=dict)

    def __call__(self, span: Span) -> LocalSpan | Known[Page]:
        """The span with its document on this machine, or its failed pages."""
        try:
            path = str(self._copy(span.doc_id).path)
            return LocalSpan(span.doc_id, path, span.media_type, span.first_page, span.last_page)
        except DocumentError as error:
            return _failed(span, PageError(error.kind, error.detail))

    def _copy(self, doc_id: str) -> LocalCopy:
        if doc_id not in self._fetched:
            uri = self.uris.get(doc_id)
            if uri is None:
                raise DocumentError("vanished", "no object is known to hold it any more")
            copy = self.copies.enter_context(local_copy(uri))
            if copy.doc_id != doc_id:
                raise DocumentError("vanished", f"{uri} holds something else now")
            self._fetched[doc_id] = copy
        return self._fetched[doc_id]


def _failed(span: Span, problem: PageError) -> Known[Page]:
    numbers = range(span.first_page, span.last_page + 1)
    return Known([Page(span.doc_id, n, status="failed", error_kind=problem.kind, error=str(problem)) for n in numbers])
