"""The engine of chat endpoints: any server that speaks OpenAI's chat completions, with an image in the message.

What a model wants is in a `ChatRecipe`; what becomes of one page is in `chat_asker`, how a request is sent in
`endpoint`, what is sent again in `retry`, how much is on its way in `window`. Here pages are taken, prepared and
answered in order. The idea: one event loop in one thread carries the requests of all shards, so a shard's last pages
leave no gap before the next one's first, and that thread never touches a pixel: images are resized in worker processes
and encoded before they get there.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from typing import Self

from pydantic import SecretStr

from tasks.errors import AnswerError, UsageError, WorkerDied
from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.chat_asker import PageAsker, failed
from tasks.infer.engines.chat_body import RESIZER, PageImage, Resize, base64_bytes, image_of
from tasks.infer.engines.chat_recipe import ChatRecipe
from tasks.infer.engines.contract import Answer
from tasks.infer.engines.endpoint import CONNECT_TIMEOUT_S, Endpoint, Timeouts, chat_url
from tasks.infer.engines.loop_thread import LoopThread, cancel_all
from tasks.infer.engines.retry import EngineGone, EngineHealth
from tasks.infer.engines.window import Place, Room
from tasks.isolate import PoolClosed, WorkerFailed, WorkerPool
from tasks.lake.rows import Page

PREPARED_AHEAD = 32
"""Pages that are prepared, or being prepared, while all of the window is taken."""

_RESIZE_ATTEMPTS = 3
"""A worker that dies may have been killed from outside: the page gets another, in a fresh process."""


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


class ChatEngine:
    """Endpoints of one served model. See `contract.Engine` for what is promised.

    Args:
        endpoints: Bases of chat APIs, such as "http://127.0.0.1:8000/v1"; each request goes to the least busy.
        model: The name under which the endpoints serve the model.
        recipe: How the model is asked.
        workers: Processes that resize images; none is started for a recipe that takes them as they are stored.
        api_key: Sent with every request, and nowhere else.

    Raises:
        UsageError: an endpoint's address cannot be used.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        model: str,
        recipe: ChatRecipe,
        workers: int,
        api_key: SecretStr | None = None,
        limits: ChatLimits | None = None,
        random: Random | None = None,
    ) -> None:
        if not endpoints:
            raise UsageError("The chat engine needs an endpoint, such as --endpoint http://127.0.0.1:8000/v1.")
        limits = limits or ChatLimits()
        timeouts = Timeouts(limits.request_timeout_s, limits.connect_timeout_s)
        servers = [Endpoint(chat_url(base), api_key, timeouts, limits.requests) for base in endpoints]
        names = tuple(server.name for server in servers)
        self.busy = BusyMeter()
        self._recipe, self._limits = recipe, limits
        self._asker = PageAsker(
            recipe,
            model,
            endpoints=servers,
            largest_window=limits.requests,
            health=EngineHealth(names, seconds=limits.gone_after_s, failures=limits.gone_after_failures),
            busy=self.busy,
            random=random or Random(),  # noqa: S311 - spreads retries
        )
        self._room = Room(limits.requests + PREPARED_AHEAD, limits.size_bytes)
        self._resizers = WorkerPool(RESIZER, workers, name="image")
        self._resizing = ThreadPoolExecutor(workers, thread_name_prefix="chat-resize")
        self._start_lock = threading.Lock()
        self._loop_thread: LoopThread | None = None

    @property
    def peak_memory_bytes(self) -> int:
        return self._resizers.peak_memory_bytes

    def answer(self, pages: Iterable[Page]) -> Iterator[Answer]:
        """See `contract.Engine.answer`.

        Raises:
            EngineGone: no endpoint answers any more.
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
        self._room.close(PoolClosed("chat engine"))
        self._resizers.close()
        with self._start_lock:
            loop_thread, self._loop_thread = self._loop_thread, None
        if loop_thread:
            loop_thread.close(self._asker.close())
        self._resizing.shutdown(cancel_futures=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(self, page: Page, place: Place) -> Future[Answer]:
        image = image_of(page, self._recipe)
        with self._start_lock:
            if self._room.closed_by:
                raise self._room.closed_by
            self._loop_thread = self._loop_thread or LoopThread("chat-engine")
            future = self._loop_thread.submit(self._serve(page.doc_id, page.page_number, image, place))
        future.add_done_callback(lambda _: self._room.give_back(place))
        return future

    def _result(self, future: Future[Answer]) -> Answer:
        try:
            return future.result()
        except CancelledError:
            raise self._room.closed_by or PoolClosed("chat engine") from None

    async def _serve(self, doc_id: str, page_number: int, image: PageImage | Resize, place: Place) -> Answer:
        try:
            if isinstance(image, Resize):
                image = await self._resized(image)
                self._room.resize(place, len(image.base64))
            return await self._asker.ask(doc_id, page_number, image)
        except AnswerError as error:
            return failed(doc_id, page_number, error, 0.0, 0)
        except EngineGone as error:
            self._room.close(error)
            cancel_all()
            raise

    async def _resized(self, wanted: Resize) -> PageImage:
        encoded = await asyncio.get_running_loop().run_in_executor(self._resizing, self._resize, wanted)
        return PageImage(encoded, wanted.image_format, wanted.size)

    def _resize(self, wanted: Resize) -> bytes:
        """Have a worker make the image; in a thread of `_resizing`.

        Raises:
            AnswerError: it cannot be made.
        """
        for attempt in range(1, _RESIZE_ATTEMPTS + 1):
            try:
                [encoded] = self._resizers.run(wanted, self._limits.resize_timeout_s)
            except WorkerFailed as error:
                raise AnswerError("engine_error", str(error)) from None
            except WorkerDied as error:
                if error.reason == "timeout" or attempt == _RESIZE_ATTEMPTS:
                    raise AnswerError("engine_error", str(error)) from None
            else:
                assert isinstance(encoded, bytes)
                return encoded
        raise AssertionError("the last attempt returns or raises")


def _bytes_of(page: Page) -> int:
    """What a page's request will take, as far as it is known before its image is prepared."""
    assert page.image is not None
    return base64_bytes(len(page.image))
