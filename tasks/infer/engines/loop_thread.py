"""An event loop in a thread of its own, for callers that are threads: what is submitted runs there and ends with it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class LoopThread:
    """Runs coroutines. It is a daemon: an engine that nobody closed does not keep the interpreter."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run `work`; to cancel the future cancels it. Not after `close`."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def close(self, farewell: Coroutine[Any, Any, None]) -> None:
        """Cancel everything, run `farewell`, end the thread."""
        self.submit(self._end(farewell)).result()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    async def _end(self, farewell: Coroutine[Any, Any, None]) -> None:
        await asyncio.gather(*cancel_all(), return_exceptions=True)
        await farewell
        await self.loop.shutdown_asyncgens()
        await self.loop.shutdown_default_executor()


def cancel_all() -> list[asyncio.Task[Any]]:
    """Cancel all tasks of the running loop but the current one; answers them."""
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    return tasks
