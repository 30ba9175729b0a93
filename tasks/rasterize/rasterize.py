"""Spans of documents to `Page` rows: the parent's side, which survives whatever a page does to its process.

Spans are cut into small units; each worker of the pool renders one unit at a time, and the pages come out in the order
of the spans. A page that kills its process, or takes too long, becomes a failed row, and rendering goes on behind it.
How far the workers run ahead of the reader is bounded in pages and in bytes (`ordered_window`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field

from tasks.errors import PASSWORD_KINDS, PageError, WorkerDied
from tasks.isolate import WorkerFailed, WorkerPool
from tasks.lake.rows import Page
from tasks.rasterize.messages import HANDLER, DocumentProblem, Opened, RenderRequest, RenderSettings
from tasks.rasterize.ordered_window import OrderedWindow

__all__ = ["LocalSpan", "RenderSettings", "open_renderers", "rasterize_pages"]

UNIT_PAGES = 8
"""Pages in one request: few enough to share a small document out, enough that a request costs nothing."""

FORMS_TIMEOUT_S = 20.0
"""Opening a document with its form fields; PDFium never comes back from some. They are left out then."""

WORKER_MEMORY_BYTES = 832 << 20
"""Enough for a picture of 144 million pixels, little enough that two workers, two readers, this process and Prefect's
temporary server stay below 3 GB together."""

_KIND_OF_DEATH = {"timeout": "render_timeout", "memory": "render_memory", "crash": "render_crash"}
_SAME_KIND = ("vanished", "unreadable_source", *PASSWORD_KINDS)
"""Problems of documents that pages have under the same name."""


@dataclass(frozen=True, slots=True)
class LocalSpan:
    """Consecutive pages of one document whose bytes lie on this machine; pages from 1, both ends included."""

    doc_id: str
    path: str
    media_type: str
    first_page: int
    last_page: int

    @property
    def pages(self) -> int:
        return self.last_page - self.first_page + 1


def open_renderers(workers: int, memory_limit_bytes: int = WORKER_MEMORY_BYTES) -> WorkerPool:
    """A pool for `rasterize_pages` and `inspect_document`; close it."""
    return WorkerPool(HANDLER, workers, memory_limit_bytes=memory_limit_bytes, name="rasterize")


def rasterize_pages(
    pool: WorkerPool,
    spans: Iterable[LocalSpan],
    settings: RenderSettings,
    password: str | None = None,
    *,
    window_pages: int | None = None,
    window_bytes: int = 64 << 20,
) -> Generator[Page]:
    """Yield exactly one Page for every page of every span, in order: rendered, or failed with its kind and message.

    Args:
        pool: From `open_renderers`; all its workers render at once.
        spans: Read in the caller's thread, as far ahead as the window goes.
        settings: How pages become images, and how long one page may take.
        password: For encrypted PDFs; others ignore it.
        window_pages: How many pages may be on their way; by default twice what the workers hold.
        window_bytes: How many bytes of finished pages may wait; one more page per worker may come on top.

    Raises:
        PoolClosed: The run is being stopped.
        WorkerUnusable: The rendering processes do not start.
    """
    renderer = _Renderer(pool, settings, password)
    ahead = window_pages or 2 * UNIT_PAGES * pool.size
    with OrderedWindow(renderer.render, threads=pool.size, max_ahead=ahead, max_bytes=window_bytes) as window:
        yield from window.results((unit, unit.pages) for unit in _cut(spans))


def _cut(spans: Iterable[LocalSpan]) -> Iterator[LocalSpan]:
    for span in spans:
        for first in range(span.first_page, span.last_page + 1, UNIT_PAGES):
            last = min(first + UNIT_PAGES - 1, span.last_page)
            yield LocalSpan(span.doc_id, span.path, span.media_type, first, last)


@dataclass(slots=True)
class _Progress:
    """How far a unit has come. `opened` is about the request that is out."""

    next_page: int
    opened: Opened | None = None
    asked_again: tuple[int, bool] | None = None
    """The page, and whether with forms, that was asked for again after its process had died."""


@dataclass(frozen=True, slots=True)
class _Renderer:
    """Renders units; remembers, for all threads, which documents' forms have proved deadly."""

    pool: WorkerPool
    settings: RenderSettings
    password: str | None = field(repr=False)
    deadly_forms: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def render(self, unit: LocalSpan, put: Callable[[Page, int], None]) -> None:
        """Put one row for each page of the unit, asking again behind each page that ends a request."""
        progress = _Progress(unit.first_page)

        def give(page: Page) -> None:
            put(page, len(page.image or b""))
            progress.next_page = page.page_number + 1

        while progress.next_page <= unit.last_page:
            draw_forms = unit.doc_id not in self.deadly_forms
            try:
                self._ask(unit, progress, draw_forms, give)
            except WorkerDied as death:
                self._bury(unit, progress, draw_forms, death, give)
            except WorkerFailed as failure:
                give(_failed(unit, progress.next_page, PageError("page_corrupt", str(failure))))

    def _ask(self, unit: LocalSpan, progress: _Progress, draw_forms: bool, give: Callable[[Page], None]) -> None:
        request = RenderRequest(
            unit.doc_id,
            unit.path,
            unit.media_type,
            progress.next_page,
            unit.last_page,
            self.settings,
            self.password,
            draw_forms,
        )
        timeout_s = self.settings.page_timeout_s
        progress.opened = None
        opening_s = min(timeout_s, FORMS_TIMEOUT_S) if draw_forms else timeout_s
        with closing(self.pool.run(request, timeout_s, opening_s)) as answers:
            for answer in answers:
                if isinstance(answer, Opened):
                    progress.opened = answer
                elif isinstance(answer, DocumentProblem):
                    problem = _problem_of_pages(answer)
                    _fail_the_rest(unit, progress, problem, give)
                else:
                    assert isinstance(answer, Page)
                    give(answer)

    def _bury(
        self, unit: LocalSpan, progress: _Progress, draw_forms: bool, death: WorkerDied, give: Callable[[Page], None]
    ) -> None:
        """Decide what the dead process costs: nothing yet, the forms, one page, or the document that never opens."""
        problem = PageError(_KIND_OF_DEATH[death.reason], death.detail)
        asked = (progress.next_page, draw_forms)
        if death.reason != "timeout" and progress.asked_again != asked:
            progress.asked_again = asked  # somebody else may have killed it: once more, in a fresh process
        elif draw_forms and (progress.opened is None or progress.opened.draws_forms):
            with self._lock:
                self.deadly_forms.add(unit.doc_id)
        elif progress.opened is None:
            _fail_the_rest(unit, progress, problem, give)
        else:
            give(_failed(unit, progress.next_page, problem))


def _problem_of_pages(problem: DocumentProblem) -> PageError:
    if problem.kind in _SAME_KIND:
        return PageError(problem.kind, problem.detail)
    return PageError("page_corrupt", problem.detail or f"The document does not open ({problem.kind})")


def _fail_the_rest(unit: LocalSpan, progress: _Progress, problem: PageError, give: Callable[[Page], None]) -> None:
    for page_number in range(progress.next_page, unit.last_page + 1):
        give(_failed(unit, page_number, problem))


def _failed(unit: LocalSpan, page_number: int, problem: PageError) -> Page:
    return Page(unit.doc_id, page_number, status="failed", error_kind=problem.kind, error=str(problem))
