"""When a server that answers its own health check does nothing any more. Only counting; a clock is passed in.

An engine that hangs keeps its front answering /health, and shows the same figures for ever. So: there is work, and no
token has come or gone for a long time.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.infer.engines.server_metrics import EngineMetrics


@dataclass
class StallWatch:
    """Fed with each look at a server; `now` is the time at which it began to watch."""

    now: float
    _tokens: int = -1

    def __post_init__(self) -> None:
        self._moved_at = self.now

    def stalled_s(self, metrics: EngineMetrics | None, has_work: bool, now: float) -> float:
        """How long nothing has moved although there was work. `metrics` is None when the server told none."""
        if metrics is not None:
            idle = not (has_work or metrics.running or metrics.waiting)
            if idle or metrics.tokens != self._tokens:
                self._moved_at = now
            self._tokens = metrics.tokens
        return now - self._moved_at
