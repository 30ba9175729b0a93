"""How much is on its way to an engine at once: room by count and bytes, and a limit that adapts to the engine.

`Room` bounds memory: a page takes room when it is taken from the lake and gives it back with its answer. It is shared
by the threads of several shards. `AdaptiveLimit` bounds the requests of one endpoint and lives on one thread.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

FIRST_LIMIT = 4
"""Requests at once before anything is known of an endpoint. Some servers read one page after the other, and go on with
those that were given up: more would wait there until they are late, all of them."""

FIRST_LIMIT_WITHOUT_QUEUE = 16
"""The same, of an endpoint that tells that nothing waits inside."""

_STEP = 0.8
"""What a fast answer adds until the first overload. A server that reads one page after the other answers what was sent
a while ago: with a whole step, twice as many as fit into half of the time would be there before that is noticed."""


@dataclass(slots=True)
class Place:
    """What one page holds of the room. Changed by the room only."""

    size_bytes: int
    given_back: bool = False


class Room:
    """Places for `pages` pages of together `size_bytes` bytes. Thread-safe."""

    def __init__(self, pages: int, size_bytes: int) -> None:
        self._pages_left, self._bytes_left, self._all_bytes = pages, size_bytes, size_bytes
        self._changed = threading.Condition()
        self.closed_by: Exception | None = None

    def take(self, size_bytes: int, *, unless: Callable[[], bool]) -> Place | None:
        """Wait for room for one page and take it. None, and nothing taken, once `unless` is true.

        Raises:
            Exception: the one that the room was closed with.
        """
        with self._changed:
            self._changed.wait_for(lambda: self.closed_by or unless() or self._fits(size_bytes))
            if self.closed_by:
                raise self.closed_by
            if unless():
                return None
            self._pages_left -= 1
            self._bytes_left -= size_bytes
            return Place(size_bytes)

    def resize(self, place: Place, size_bytes: int) -> None:
        """A page turned out larger, or smaller."""
        with self._changed:
            if not place.given_back:
                self._bytes_left += place.size_bytes - size_bytes
                place.size_bytes = size_bytes
                self._changed.notify_all()

    def give_back(self, place: Place) -> None:
        """A page has gone."""
        with self._changed:
            if not place.given_back:
                place.given_back = True
                self._pages_left += 1
                self._bytes_left += place.size_bytes
                self._changed.notify_all()

    def close(self, error: Exception) -> None:
        """Raise `error` in everybody who waits, and who comes; the first error stays."""
        with self._changed:
            self.closed_by = self.closed_by or error
            self._changed.notify_all()

    def _fits(self, size_bytes: int) -> bool:
        empty = self._bytes_left == self._all_bytes  # a page larger than all the room goes alone
        return self._pages_left > 0 and (size_bytes <= self._bytes_left or empty)


class AdaptiveLimit:
    """How many requests an endpoint gets at once: more while it answers fast, half of it when it is overloaded.

    Until the first overload every answer adds nearly one, which nearly doubles it with every round, so that a fast
    engine is full within seconds; from then on a whole round of answers adds one. While requests wait inside the
    server, none is added.
    """

    def __init__(self, largest: int) -> None:
        self._largest = largest
        self.restarted()

    @property
    def requests(self) -> int:
        return int(self._limit)

    @property
    def waiting_inside(self) -> int:
        """Requests that wait inside the server, by its own account; 0 where it gives none."""
        return self._waiting_inside

    @waiting_inside.setter
    def waiting_inside(self, requests: int) -> None:
        if not (requests or self._was_overloaded):
            self._limit = max(self._limit, min(FIRST_LIMIT_WITHOUT_QUEUE, self._largest))
        self._waiting_inside = requests

    def answered(self, *, fast: bool) -> None:
        """An answer came; `fast` unless it took so long that more requests at once would bring timeouts."""
        if fast and not self._waiting_inside:
            step = 1.0 / self._limit if self._was_overloaded else _STEP
            self._limit = min(self._largest, self._limit + step)

    def restarted(self) -> None:
        """A new server is behind the endpoint, of which nothing is known."""
        self._limit, self._halved_at = float(min(FIRST_LIMIT, self._largest)), float("-inf")
        self._waiting_inside = 0

    def overloaded(self, started_at: float, now: float) -> None:
        """A request was turned away or took too long. Those sent before the last halving bring no news."""
        if started_at >= self._halved_at:
            self._limit, self._halved_at = max(1.0, self._limit / 2), now

    @property
    def _was_overloaded(self) -> bool:
        return self._halved_at > float("-inf")
