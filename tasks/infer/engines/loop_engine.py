"""Pages in, answers out, in order, by way of one event loop: what the engines that send requests have in common.

What becomes of one page is a `PageServer`'s affair (a whole page in `whole_pages`, its cut-outs in `cut_outs`). The
idea: one event loop in one thread carries the requests of all shards, so a shard's last pages leave no gap before the
next one's first, and that thread never touches a pixel: pictures are encoded before they get there.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any, Protocol, Self

from tasks.errors import AnswerError
from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.chat_body import base64_bytes
from tasks.infer.engines.contract import Answer, failed
from tasks.infer.engines.endpoint import CONNECT_TIMEOUT_S
from tasks.infer.engines.loop_thread import LoopThread, cancel_all
from tasks.infer.engines.retry import EngineLost
from tasks.infer.engines.window import Place, Room
from tasks.isolate import PoolClosed
from tasks.lake.rows import Page

PREPARED_AHEAD = 32
"""Pages that are prepared, or being prepared, while all of the window is taken."""


@dataclass(frozen=True, slots=True)
class ChatLimits:
    """How much at once, how long, and when an engine is given up.

    `requests` are in flight at most, over all endpoints; `size_bytes` bounds the images of all pages that are being
    prepared, waiting or in flight. The engine is gone after `gone_after_failures` requests in a row that found no sign
    of life, over at least `gone_after_s`.
    """

    requests: int = 128
    size_bytes: int = 256 << 20
    request_timeout_s: float = 600.0
    connect_timeout_s: float = CONNECT_TIMEOUT_S
    resize_timeout_s: float = 60.0
    gone_after_s: float = 180.0
    gone_after_failures: int = 16


class PageServer(Protocol):
    """What becomes of one page. `take` runs in the thread that feeds pages, `serve` on the event loop."""

    def take(self, page: Page) -> Any:  # noqa: ANN401  # each server has its own
        """What `serve` needs of the page; the page itself is let go."""
        ...

    async def serve(self, taken: Any, now_takes: Callable[[int], None]) -> Answer:  # noqa: ANN401
        """The answer. `now_takes` is told how many bytes the page's pictures turned out to be.

        Raises:
            AnswerError: there is none, for this page.
            EngineLost: there is none for any page.
        """
        ...

    @property
    def peak_memory_bytes(self) -> int:
        """As `contract.Engine.peak_memory_bytes`."""
        ...

    def stop_work(self) -> None:
        """End processes and threads; from outside the loop, once no page is served any more."""
        ...

    async def close_connections(self) -> None:
        """The last thing that runs on the loop."""
        ...


class LoopEngine:
    """An engine that has `server` look after each page. See `contract.Engine` for what is promised."""

    def __init__(self, server: PageServer, limits: ChatLimits, busy: BusyMeter) -> None:
        self.busy = busy
        self._server, self._limits = server, limits
        self._room = Room(limits.requests + PREPARED_AHEAD, limits.size_bytes)
        self._start_lock = threading.Lock()
        self._loop_thread: LoopThread | None = None

    @property
    def peak_memory_bytes(self) -> int:
        return self._server.peak_memory_bytes

    def answer(self, pages: Iterable[Page]) -> Iterator[Answer]:
        """See `contract.Engine.answer`.

        Raises:
            EngineLost: nobody answers any more.
            PoolClosed: the engine was closed.
        """
        window: deque[Future[Answer]] = deque()

        def first_is_done() -> bool:
            return bool(window) and window[0].done()

        try:
            for page in pages:
                while (place := self._room.take(_bytes_of(page), unless=first_is_done)) is None:
                    yield self._result(window.popleft())
                window.append(self._begin(page, place))
                while first_is_done() or len(window) >= 2 * self._limits.requests:
                    yield self._result(window.popleft())
            while window:
                yield self._result(window.popleft())
        finally:
            for future in window:
                future.cancel()

    def close(self) -> None:
        self._room.close(PoolClosed("engine"))
        with self._start_lock:
            loop_thread, self._loop_thread = self._loop_thread, None
        if loop_thread:  # before the threads and processes that the pages would ask for
            loop_thread.give_up_all()
        self._server.stop_work()
        if loop_thread:
            loop_thread.close(self._server.close_connections())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(self, page: Page, place: Place) -> Future[Answer]:
        try:
            taken = self._server.take(page)
            with self._start_lock:
                if self._room.closed_by:
                    raise self._room.closed_by
                self._loop_thread = self._loop_thread or LoopThread("engine")
                future = self._loop_thread.submit(self._serve(page.doc_id, page.page_number, taken, place))
        except BaseException:
            self._room.give_back(place)
            raise
        future.add_done_callback(lambda _: self._room.give_back(place))
        return future

    def _result(self, future: Future[Answer]) -> Answer:
        try:
            return future.result()
        except CancelledError:
            raise self._room.closed_by or PoolClosed("engine") from None

    async def _serve(self, doc_id: str, page_number: int, taken: object, place: Place) -> Answer:
        try:
            return await self._server.serve(taken, lambda size_bytes: self._room.resize(place, size_bytes))
        except AnswerError as error:
            return failed(doc_id, page_number, error)
        except EngineLost as error:
            self._room.close(error)
            cancel_all()
            raise


def _bytes_of(page: Page) -> int:
    """What a page's request will take, as far as it is known before its image is prepared."""
    assert page.image is not None
    return base64_bytes(len(page.image))
