"""Looks at how many requests wait inside a server, where it tells (vLLM, SGLang): more at once would only wait there.

A server that has no such page is asked a few times and left alone. Nothing here decides; `window.AdaptiveLimit` does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx

from tasks.infer.engines.chat_stream import read_bounded
from tasks.infer.engines.server_metrics import EngineMetrics, read_metrics

LOOK_EVERY_S = 2.0
_TIMEOUT_S = 5.0
_FIRST_LOOKS = 3
"""So many answers without figures, from the start, and the server has none."""


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
        """End; whatever the watching ran into is no trouble of who closes."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    async def _watch(self) -> None:
        """Gives up only on a server that answers from the start and tells nothing. Later, a page that cannot be read is
        a proxy's or one of a server that restarts: nothing is known to wait, and the next look may tell more."""
        has_told, answers_without = False, 0
        while has_told or answers_without < _FIRST_LOOKS:
            metrics = None
            try:
                metrics = await self._look()
                answers_without += metrics is None
            except httpx.HTTPError:  # nobody is there, which tells nothing about who will be
                pass
            except Exception:  # whatever a page may do to its reader, the next one may be better
                answers_without += 1
            has_told = has_told or metrics is not None
            self._told(metrics.waiting if metrics else 0)
            await asyncio.sleep(LOOK_EVERY_S)

    async def _look(self) -> EngineMetrics | None:
        async with self._client.stream("GET", self._url, timeout=_TIMEOUT_S) as response:
            text = (await read_bounded(response)).decode(errors="replace")
        return read_metrics(text) if response.is_success else None
