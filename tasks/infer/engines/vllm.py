"""The engine that brings its own server: vLLM on this machine, asked like any endpoint, started again when it dies.

The server is `vllm_server`'s, the asking an engine of endpoints'. Here the one becomes the other's watch: requests wait
while it starts, and what it dies of is found by `retry`'s rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Self

from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.contract import Answer, Engine
from tasks.infer.engines.gate import ServerWatch
from tasks.infer.engines.vllm_command import VllmLaunch
from tasks.infer.engines.vllm_server import VllmLimits, VllmServer
from tasks.lake.rows import Page

OpenEngine = Callable[[str, ServerWatch], Engine]
"""Opens the engine that asks; gets the server's endpoint and the watch to give it."""


class VllmEngine:
    """A server and the engine that asks it. See `contract.Engine` for what is promised.

    Args:
        launch: What is served, and how. Nothing is started before the first page.
        open_asking: Opens the engine that asks the server.
        tell: Gets a sentence now and then while the server starts, which takes minutes.

    Raises:
        UsageError: vLLM is not there, or cannot be called like this.
    """

    def __init__(
        self,
        launch: VllmLaunch,
        open_asking: OpenEngine,
        *,
        limits: VllmLimits | None = None,
        tell: Callable[[str], None] | None = None,
    ) -> None:
        self.server = VllmServer(launch, limits=limits, progress=tell, has_work=lambda: self._asking.busy.in_flight > 0)
        try:
            self._asking = open_asking(self.server.endpoint, self.server)
        except BaseException:
            self.server.close()
            raise

    @property
    def busy(self) -> BusyMeter:
        return self._asking.busy

    @property
    def peak_memory_bytes(self) -> int:
        return max(self._asking.peak_memory_bytes, self.server.peak_memory_bytes)

    def answer(self, pages: Iterable[Page]) -> Iterator[Answer]:
        return self._asking.answer(self._with_server(pages))

    def close(self) -> None:
        self.server.order_to_end()
        self._asking.close()
        self.server.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _with_server(self, pages: Iterable[Page]) -> Iterator[Page]:
        """The pages; the first one starts the server: a shard may turn out to have none."""
        for page in pages:
            self.server.start()
            yield page
