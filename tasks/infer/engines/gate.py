"""Keeps requests back while a server that we run ourselves starts, or starts again after it died.

An endpoint that somebody else runs has no gate: there, only failed requests tell.
"""

from __future__ import annotations

import asyncio
from typing import Protocol


class ServerWatch(Protocol):
    """Somebody who starts a server, and knows whether it lives. Thread-safe."""

    @property
    def is_ready(self) -> bool:
        """Whether it takes requests now; quick."""
        ...

    @property
    def life(self) -> int:
        """Another number for each time that it was started."""
        ...

    def wait_ready(self) -> object:
        """Wait until it takes requests.

        Raises:
            EngineLost: it does not start, or has died too often.
        """
        ...

    def answered(self) -> None:
        """It has answered a page: its next death does not count as one of several in a row."""
        ...


class Gate:
    """Open while `watch` says so; without one, always. Lives on one event loop."""

    def __init__(self, watch: ServerWatch | None) -> None:
        self._watch = watch
        self._opening: asyncio.Task[object] | None = None

    @property
    def life(self) -> int:
        return self._watch.life if self._watch else 0

    @property
    def is_open(self) -> bool:
        return self._watch is None or self._watch.is_ready

    def answered(self) -> None:
        if self._watch:
            self._watch.answered()

    async def opened(self) -> None:
        """Wait until the server takes requests; one thread waits for all.

        Raises:
            EngineLost: it never will.
        """
        if self._watch is None or self._watch.is_ready:
            return
        if self._opening is None or self._opening.done():
            self._opening = asyncio.create_task(asyncio.to_thread(self._watch.wait_ready))
        await asyncio.shield(self._opening)
