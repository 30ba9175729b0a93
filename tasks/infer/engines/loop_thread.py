"""An event loop in a thread of its own, for callers that are threads: what is submitted runs there and ends with it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")

_GRACE_S = 5.0
"""How long tasks that were cancelled may take to end. Those that take longer are left behind."""


class LoopThread:
    """Runs coroutines. It is a daemon: an engine that nobody closed does not keep the interpreter."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Run `work`; to cancel the future cancels it. Not after `close`."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def give_up_all(self) -> None:
        """Cancel everything that runs and let it end; more may be submitted."""
        self.submit(_end_tasks()).result()

    def close(self, farewell: Coroutine[Any, Any, None]) -> None:
        """Cancel everything, run `farewell`, end the thread; it ends also when `farewell` raises."""
        try:
            self.submit(self._end(farewell)).result()
        finally:
            self.loop.call_soon_threadsafe(self.loop.stop)
            self._thread.join()
            self.loop.close()

    async def _end(self, farewell: Coroutine[Any, Any, None]) -> None:
        await _end_tasks()
        try:
            await farewell
        finally:
            await _end_tasks()  # what the farewell left, and a turn for transports, which close on the loop's next one
            await self.loop.shutdown_asyncgens()
            await self.loop.shutdown_default_executor()


def cancel_all() -> list[asyncio.Task[Any]]:
    """Cancel all tasks of the running loop but the current one, on the loop's next turn; answers them.

    By then each has begun. One that is cancelled before never awaits what it was made for: a connection that was just
    being made (anyio) is then dropped with a warning.
    """
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        asyncio.get_running_loop().call_soon(task.cancel)
    return tasks


async def _end_tasks() -> None:
    """Cancel all tasks, and those that they begin while they end, and let them end."""
    deadline = asyncio.get_running_loop().time() + _GRACE_S
    while (tasks := cancel_all()) and (left_s := deadline - asyncio.get_running_loop().time()) > 0:
        await asyncio.wait(tasks, timeout=left_s)
    await asyncio.sleep(0)
