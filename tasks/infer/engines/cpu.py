"""The engine of this machine's CPU: worker processes that hold the layout detector and, once needed, the OCR.

What they do to a page is in `tasks.infer.cpu`; that they may die is dealt with here.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Self

from tasks.errors import AnswerError, WorkerDied
from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.contract import Answer
from tasks.isolate import WorkerFailed, WorkerPool
from tasks.lake.rows import Page

PAGES_AHEAD = 8
"""Pages a worker that wait for it, or for an earlier page: one scan takes as long as twenty pages with a text layer,
and the other workers must not idle meanwhile. Some 10 MB."""

BYTES_AHEAD = 128 << 20
"""Fewer pages are taken ahead when their pictures are larger than this together."""

_ATTEMPTS = 3
"""A worker that dies may have been killed from outside: the page gets another, in a fresh process."""


class CpuEngine:
    """`workers` processes, one page each. See `contract.Engine` for what is promised."""

    def __init__(self, workers: int, *, page_timeout_s: float) -> None:
        self._pool = WorkerPool("tasks.infer.engines.cpu_worker:read_page", workers, name="cpu engine")
        self._page_timeout_s = page_timeout_s
        self.busy = BusyMeter()

    @property
    def peak_memory_bytes(self) -> int:
        return self._pool.peak_memory_bytes

    def answer(self, pages: Iterable[Page]) -> Iterator[Answer]:
        window: deque[Future[Answer]] = deque()
        sizes: deque[int] = deque()
        most = self._pool.size * PAGES_AHEAD
        with ThreadPoolExecutor(self._pool.size, thread_name_prefix="cpu-engine") as executor:
            try:
                for page in pages:
                    while window and window[0].done():
                        sizes.popleft()
                        yield window.popleft().result()
                    window.append(executor.submit(self.answer_page, page))
                    sizes.append(len(page.image or b""))
                    while window and (len(window) >= most or sum(sizes) >= BYTES_AHEAD):
                        sizes.popleft()
                        yield window.popleft().result()
                while window:
                    yield window.popleft().result()
            finally:
                for future in window:
                    future.cancel()

    def answer_page(self, page: Page) -> Answer:
        """The answer of one page; waits for a free process. To be called by as many threads as there are."""
        with self.busy.request():
            return self._ask(page)

    def _ask(self, page: Page) -> Answer:
        started, attempt = time.monotonic(), 0
        while True:
            attempt += 1
            try:
                [text] = self._pool.run(page, self._page_timeout_s)
            except WorkerFailed as error:
                failure = AnswerError("engine_error", str(error))
            except WorkerDied as error:
                if error.reason != "timeout" and attempt < _ATTEMPTS:
                    continue
                failure = AnswerError("timeout" if error.reason == "timeout" else "engine_error", str(error))
            else:
                seconds = time.monotonic() - started
                return Answer(page.doc_id, page.page_number, str(text), "stop", seconds, attempt)
            seconds = time.monotonic() - started
            return _failed(page, failure, seconds, attempt)

    def close(self) -> None:
        self._pool.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def _failed(page: Page, failure: AnswerError, seconds: float, attempts: int) -> Answer:
    return Answer(
        page.doc_id, page.page_number, None, None, seconds, attempts, error_kind=failure.kind, error=str(failure)
    )
