"""How long an engine has had work: the sum of the times in which at least one request was waiting or running."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager


class BusyMeter:
    """Counts requests in flight. Thread-safe."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._in_flight, self._since, self._seconds = 0, 0.0, 0.0

    @contextmanager
    def request(self) -> Generator[None]:
        """Around everything between the moment a request is handed over and its answer."""
        with self._lock:
            if self._in_flight == 0:
                self._since = self._clock()
            self._in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1
                if self._in_flight == 0:
                    self._seconds += self._clock() - self._since

    @property
    def in_flight(self) -> int:
        """Requests that wait or run now."""
        return self._in_flight

    @property
    def seconds(self) -> float:
        """Time with work so far, the present stretch included."""
        with self._lock:
            return self._seconds + (self._clock() - self._since if self._in_flight else 0.0)
