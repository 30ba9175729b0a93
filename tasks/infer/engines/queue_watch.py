"""Looks at how many requests wait inside a server, where it tells (vLLM, SGLang): more at once would only wait there.

A server that has no such page is asked once and left alone. Nothing here decides; `window.AdaptiveLimit` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import httpx

from tasks.infer.engines.chat_stream import read_bounded
from tasks.infer.engines.retry import RequestFailed
from tasks.infer.engines.server_metrics import EngineMetrics, read_metrics

LOOK_EVERY_S = 2.0
_TIMEOUT_S = 5.0


def metrics_url(api: httpx.URL, path: str) -> httpx.URL:
    """Where the server behind `api`, which ends in `path`, tells about itself: beside the API's version."""
    base = api.path.removesuffix(path).removesuffix("/v1")
    return api.copy_with(path=f"{base}/metrics")


class QueueWatch:
    """Looks every two seconds, for as long as the loop runs. `told` is called with how many requests wait."""

    def __init__(self, client: httpx.AsyncClient, url: httpx.URL, told: Callable[[int], None]) -> None:
        self._client, self._url, self._told = client, url, told
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin; may be called again. On the loop."""
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch())

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    async def _watch(self) -> None:
        while True:
            with suppress(httpx.HTTPError, RequestFailed):  # a server that restarts; a page without end
                metrics = await self._look()
                if metrics is None:
                    return
                self._told(metrics.waiting)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> EngineMetrics | None:
        async with self._client.stream("GET", self._url, timeout=_TIMEOUT_S) as response:
            text = (await read_bounded(response)).decode(errors="replace")
        return read_metrics(text) if response.is_success else None
