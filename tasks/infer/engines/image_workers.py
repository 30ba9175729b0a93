"""Processes that make pictures for requests, asked from the event loop. What they make is in the handler's module."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

from tasks.errors import AnswerError, WorkerDied
from tasks.isolate import WorkerFailed, WorkerPool

_ATTEMPTS = 3
"""A worker that dies may have been killed from outside: the page gets another, in a fresh process."""


class ImageWorkers:
    """`workers` processes of `handler` (see `WorkerPool`); none is started before the first request."""

    def __init__(self, handler: str, workers: int, timeout_s: float) -> None:
        self._pool = WorkerPool(handler, workers, name="image")
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="image-worker")
        self._timeout_s = timeout_s

    @property
    def peak_memory_bytes(self) -> int:
        return self._pool.peak_memory_bytes

    async def made(self, request: object) -> list[bytes]:
        """What the handler yields for `request`.

        Raises:
            AnswerError: it cannot be made.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._make, request)

    def close(self) -> None:
        self._pool.close()
        self._threads.shutdown(cancel_futures=True)

    def _make(self, request: object) -> list[bytes]:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return [made for made in self._pool.run(request, self._timeout_s) if isinstance(made, bytes)]
            except WorkerFailed as error:
                raise AnswerError("engine_error", str(error)) from None
            except WorkerDied as error:
                if error.reason == "timeout" or attempt == _ATTEMPTS:
                    raise AnswerError("engine_error", str(error)) from None
        raise AssertionError("the last attempt returns or raises")
