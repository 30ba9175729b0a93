"""When a server that answers its own health check does nothing any more. Only counting; a clock is passed in.

An engine that hangs keeps its front answering /health, and shows the same figures for ever. So: there is work, and for
a long time no token has come or gone and no request was answered. A server that tells no figures is known by its
answers alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from tasks.infer.engines.server_metrics import EngineMetrics


@dataclass
class StallWatch:
    """Fed with each look at a server; `now` is the time at which it began to watch."""

    now: float
    _tokens: int = -1
    _answers: int = 0

    def __post_init__(self) -> None:
        self._moved_at = self.now

    def stalled_s(self, metrics: EngineMetrics | None, has_work: bool, now: float, *, answers: int = 0) -> float:
        """How long nothing has moved although there was work.

        `metrics` is None when the server told none; `answers` is how many requests it has answered so far.
        """
        tokens = self._tokens if metrics is None else metrics.tokens
        works = has_work or (metrics is not None and bool(metrics.running or metrics.waiting))
        if not works or tokens != self._tokens or answers != self._answers:
            self._moved_at = now
        self._tokens, self._answers = tokens, answers
        return now - self._moved_at
