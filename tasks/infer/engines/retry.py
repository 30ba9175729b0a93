"""When a request that failed is sent again, when a page is given up, and when the engine is: rules and counters only.

    RequestFailed   one request failed; its `trouble` decides what follows
    EngineGone      no endpoint answers any more: the run stops

The idea: who is to blame decides. A server that cannot be reached says nothing about the page, so the page waits, for
as long as the engine is not given up; a page that the server answers with an error gets a few chances.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from random import Random

from tasks.errors import EngineLost

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 30.0
_LONGEST_RETRY_AFTER_S = 300.0
_FROM_A_PROXY = frozenset({502, 503, 504})
"""Statuses that say that nobody is behind the address; any other comes from a server that lives."""

_WRONG_ADDRESS = frozenset({401, 403, 404})
_REFUSALS_BEFORE_GONE = 8
_REFUSALS_OF_ANY_KIND = 32
"""Where nothing was ever answered: it is the way of asking that the server refuses, not these pages."""


class Trouble(Enum):
    """What became of a request that brought no answer. The value is how many of them a page may have."""

    UNREACHABLE = (float("inf"), "no connection")
    OVERLOADED = (12, "429, 502, 503 or 504; those of a server that answers nobody do not count")
    TIMEOUT = (3, "no answer in time")
    FAILED = (5, "an error of the server, a broken connection, an answer that is none")
    REFUSED = (1, "another 4xx: to ask again would bring the same")
    DIED = (1, "the server that we run died while it read the page, three times")

    @property
    def allowed(self) -> float:
        return self.value[0]


class RequestFailed(Exception):
    """One request brought no answer. An endpoint makes `message` fit for a row. `status` is None where the server
    said nothing."""

    def __init__(
        self, trouble: Trouble, message: str, *, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        self.trouble, self.message = trouble, message
        self.status, self.retry_after_s = status, retry_after_s
        super().__init__(message)

    @property
    def by_overload(self) -> bool:
        """Whether fewer requests at a time would help."""
        return self.status in (429, 503) or self.trouble is Trouble.TIMEOUT


class EngineGone(EngineLost):
    """No endpoint answers, or none accepts anything: the run stops before any page is blamed for it."""

    def __init__(self, endpoints: tuple[str, ...], failures: int, seconds: float, last: str) -> None:
        self.endpoints, self.failures, self.seconds, self.last = endpoints, failures, seconds, last
        super().__init__(
            f"The engine at {', '.join(endpoints)} is gone: {failures} requests in a row failed in {seconds:.0f} s, "
            f"the last with: {last.rstrip('.')}. Check that it runs, its address, the model's name and the key. "
            "What is done stays in the lake; run the same command again to go on."
        )


ALONE_AFTER_DEATHS = 2
"""A page that was out when the server died so often is asked while no other is: so it is known who kills it."""
_DEATHS_ALLOWED = 3


@dataclass
class Tries:
    """What a page has been through: requests sent, the time they took, how many ended in which trouble, and how often
    the server died after a request that brought nothing."""

    attempts: int = 0
    seconds: float = 0.0
    troubles: Counter[Trouble] = field(default_factory=Counter)
    deaths: int = 0
    failed_in_life: int | None = None

    def begin(self, life: int) -> None:
        """The page is asked now, while the server has its `life`-th life.

        Raises:
            RequestFailed: too many have ended with it.
        """
        if self.failed_in_life is not None and self.failed_in_life != life:
            self.deaths, self.failed_in_life = self.deaths + 1, None
            self.troubles.clear()  # they were the dying server's
        if self.deaths >= _DEATHS_ALLOWED:
            raise RequestFailed(Trouble.DIED, f"the server died {self.deaths} times while it read this page")

    def may_go_on_after(self, failure: RequestFailed, *, server_answers: bool = True) -> bool:
        """Count a failure; False when the page has had its chances. While a server behind a proxy answers nobody, it is
        not the page's fault."""
        if failure.status in _FROM_A_PROXY and not server_answers:
            return True
        self.troubles[failure.trouble] += 1
        return self.troubles[failure.trouble] < failure.trouble.allowed

    def pause_s(self, random: Random) -> float:
        """How long to wait now: twice as long each time, with jitter so that pages do not come back all at once."""
        longest = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2 ** min(self.troubles.total() - 1, 16))
        return longest * random.uniform(0.5, 1)


_FAILURES_AT_FIRST, _PATIENCE_AT_FIRST_S = 8, 15.0
"""A wrong address should be told within half a minute; a server that worked may be restarting."""


class EngineHealth:
    """Watches all endpoints together for the moment when the engine must be given up. Used on one thread.

    It is gone after `failures` requests in a row without a sign of life, over at least `seconds` from the start of the
    first of them. Where there never was a sign of life (nothing runs there), or everything is refused (wrong key, wrong
    model), it is gone sooner. Whether a server that we `watch` ourselves lives, its watch decides.
    """

    def __init__(
        self,
        endpoints: tuple[str, ...],
        *,
        seconds: float,
        failures: int,
        watched: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._endpoints, self._seconds, self._failures, self._clock = endpoints, seconds, failures, clock
        self._watched = watched
        self._in_a_row, self._since, self._last_life = 0, 0.0, float("-inf")
        self._last_answer, self._refusals = float("-inf"), Counter[bool]()

    def answered(self) -> None:
        """A page was answered."""
        self._last_answer = self._clock()
        self._refusals.clear()
        self._alive()

    def has_answered_for(self, seconds: float) -> bool:
        """Whether any page was answered in the last so many seconds."""
        return self._clock() - self._last_answer <= seconds

    def failed(self, failure: RequestFailed, started_at: float) -> None:
        """A request that started at `started_at` failed.

        Raises:
            EngineGone: that was one too many.
        """
        if failure.status is not None and failure.status not in _FROM_A_PROXY:
            self._alive()
            self._count_refusal(failure, started_at)
            return
        if self._watched:
            return
        if self._in_a_row == 0:
            self._since = max(started_at, self._last_life)
        self._in_a_row += 1
        silent_s = self._clock() - self._since
        failures, seconds = self._failures, self._seconds
        if self._last_life == float("-inf"):
            failures, seconds = min(failures, _FAILURES_AT_FIRST), min(seconds, _PATIENCE_AT_FIRST_S)
        if self._in_a_row >= failures and silent_s >= seconds:
            raise EngineGone(self._endpoints, self._in_a_row, silent_s, failure.message)

    def _alive(self) -> None:
        self._in_a_row, self._last_life = 0, self._clock()

    def _count_refusal(self, failure: RequestFailed, started_at: float) -> None:
        """Refusals in a row, from one answer to the next: a key may expire in the middle of a run."""
        if failure.trouble is not Trouble.REFUSED:
            return
        of_the_address = failure.status in _WRONG_ADDRESS
        self._refusals[of_the_address] += 1
        enough = _REFUSALS_BEFORE_GONE if of_the_address else _REFUSALS_OF_ANY_KIND
        never_answered = self._last_answer == float("-inf")
        if self._refusals[of_the_address] >= enough and (of_the_address or never_answered):
            told = self._refusals[of_the_address]
            raise EngineGone(self._endpoints, told, self._clock() - started_at, failure.message)


def retry_after_s(header: str | None, now: datetime | None = None) -> float | None:
    """What a Retry-After header says, in seconds from now, within reason; it may be a number or a date."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            date = parsedate_to_datetime(header)
        except ValueError:
            return None
        date = date if date.tzinfo else date.replace(tzinfo=UTC)
        seconds = (date - (now or datetime.now(UTC))).total_seconds()
    return min(max(seconds, 0.0), _LONGEST_RETRY_AFTER_S) if seconds == seconds else None
