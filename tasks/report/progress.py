"""How far a run is: counters that the stages raise and a sentence made of them. Nothing is printed here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Progress:
    """Pages known, rendered and read so far. Thread-safe; the rate counts from the first page.

    `total` grows while the collection is still being discovered.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._lock = clock, threading.Lock()
        self._first_at: float | None = None
        self.total = self.rendered = self.read = 0

    def expect(self, pages: int) -> None:
        with self._lock:
            self.total += pages

    def page_rendered(self) -> None:
        with self._lock:
            self._first_at = self._first_at or self._clock()
            self.rendered += 1

    def page_read(self) -> None:
        with self._lock:
            self._first_at = self._first_at or self._clock()
            self.read += 1

    @property
    def percent(self) -> float:
        """Pages read of those known, 0 to 100."""
        return 100 * self.read / self.total if self.total else 100.0

    @property
    def pages_per_second(self) -> float | None:
        elapsed = self._clock() - self._first_at if self._first_at else 0.0
        return self.read / elapsed if elapsed > 0 and self.read else None

    def sentence(self) -> str:
        """Such as "1,234 of 5,000 pages read (24 %), 1,500 rendered, 4.2 pages/s, about 15 min left"."""
        text = f"{self.read:,} of {self.total:,} pages read ({self.percent:.0f} %), {self.rendered:,} rendered"
        rate = self.pages_per_second
        if rate is None:
            return text
        return f"{text}, {rate:.1f} pages/s, about {_duration((self.total - self.read) / rate)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
