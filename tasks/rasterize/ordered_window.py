"""Threads that work ahead of a reader who wants results in order, bounded in items and in bytes.

A job gives any number of results, one by one; the reader gets those of the first job as they come, while the threads
are already at the next jobs. A thread whose job is not the reader's waits when too many bytes lie ready; the reader's
own job never waits, so there is always progress.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Generic, TypeVar

J = TypeVar("J")
R = TypeVar("R")

Work = Callable[[J, Callable[[R, int], None]], None]
"""Does one job; gives each result, with its size in bytes, to the function it is handed."""


class _Stopped(BaseException):
    """Unwinds a worker thread whose reader has gone."""


@dataclass(slots=True, eq=False)
class _Job(Generic[J, R]):
    request: J
    weight: int
    results: deque[tuple[R, int]] = field(default_factory=deque)
    finished: bool = False
    error: BaseException | None = None


class OrderedWindow(Generic[J, R]):
    """`threads` threads that do jobs ahead of their reader.

    Args:
        work: Does one job.
        threads: How many jobs at once.
        max_ahead: Jobs are taken until their weights sum up to this.
        max_bytes: Results that wait may be this large, apart from one per thread and the reader's own job.
    """

    def __init__(self, work: Work[J, R], *, threads: int, max_ahead: int, max_bytes: int) -> None:
        self._work, self._max_ahead, self._max_bytes = work, max_ahead, max_bytes
        self._todo: queue.SimpleQueue[_Job[J, R] | None] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._first: _Job[J, R] | None = None
        self._waiting_bytes = 0
        self._stopped = False
        # Daemons: one may sit in a call that lasts a minute, and an interpreter that ends must not wait for it.
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]

    def __enter__(self) -> OrderedWindow[J, R]:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        """Tell the threads to stop; each does so at its next result."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        for _ in self._threads:
            self._todo.put(None)

    def results(self, requests: Iterable[tuple[J, int]]) -> Iterator[R]:
        """Results of all requests (each with its weight), in order. What a job raises is raised at its place."""
        jobs: deque[_Job[J, R]] = deque()
        ahead = 0
        for request, weight in requests:
            while jobs and ahead + weight > self._max_ahead:
                job = jobs.popleft()
                ahead -= job.weight
                yield from self._results_of(job)
            jobs.append(_Job(request, weight))
            self._todo.put(jobs[-1])
            ahead += weight
        while jobs:
            yield from self._results_of(jobs.popleft())

    def _results_of(self, job: _Job[J, R]) -> Iterator[R]:
        with self._changed:
            self._first = job
            self._changed.notify_all()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: job.results or job.finished)
                if not job.results:
                    break
                result, size = job.results.popleft()
                self._waiting_bytes -= size
                self._changed.notify_all()
            yield result
        if job.error is not None:
            raise job.error

    def _run(self) -> None:
        while (job := self._todo.get()) is not None:
            try:
                self._work(job.request, lambda result, size, job=job: self._put(job, result, size))
            except _Stopped:
                return
            except BaseException as error:
                job.error = error
            with self._changed:
                job.finished = True
                self._changed.notify_all()

    def _put(self, job: _Job[J, R], result: R, size: int) -> None:
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or job is self._first or self._waiting_bytes + size <= self._max_bytes
            )
            if self._stopped:
                raise _Stopped
            job.results.append((result, size))
            self._waiting_bytes += size
            self._changed.notify_all()
