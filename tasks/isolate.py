"""Child processes that may die: a pool of workers for libraries that hang, crash or eat memory.

What runs in them is named by a string ("tasks.rasterize.child:handle"), a function that takes one request and yields
answers. Nothing here knows pages, documents or models. The idea: a worker is a plain interpreter on two pipes, fresh
and without state worth keeping, so killing it is the answer to every trouble. (multiprocessing would import the
caller's `__main__` again or fork a process full of threads.) One
worker is in `isolate_worker`, the child's side in `isolate_child`.

A child sees a short list of environment variables and no credentials, keeps its prints to itself, and is killed by the
kernel when the parent ends, however it ends.
"""

from __future__ import annotations

import threading
from collections.abc import Generator
from contextlib import suppress
from types import TracebackType

from tasks.errors import PagelakeError, WorkerDied
from tasks.isolate_worker import START_TIMEOUT_S, Worker, WorkerFailed, WorkerUnusable

__all__ = ["DEFAULT_MEMORY_LIMIT_BYTES", "PoolClosed", "WorkerFailed", "WorkerPool", "WorkerUnusable"]

DEFAULT_MEMORY_LIMIT_BYTES = 4 << 30


START_ATTEMPTS = 3


class PoolClosed(PagelakeError):
    """The pool was closed while answers were still wanted: the run is being stopped, nothing is wrong with the work."""

    def __init__(self, pool_name: str) -> None:
        self.pool_name = pool_name
        super().__init__(f"The pool of {pool_name} processes has been closed.")


class WorkerPool:
    """`size` child processes that each answer one request at a time; started when first needed.

    Thread-safe: each thread that iterates over a `run()` holds one worker until the iterator ends or is closed.

    Args:
        handler: "package.module:function"; the function takes a request and yields answers (all of them picklable).
        size: How many children at most.
        memory_limit_bytes: Heap of one child (RLIMIT_DATA: what it may write, without the libraries' code); None: none.
        name: What the pool is for; appears in messages.
    """

    def __init__(
        self,
        handler: str,
        size: int,
        *,
        memory_limit_bytes: int | None = DEFAULT_MEMORY_LIMIT_BYTES,
        name: str = "worker",
    ) -> None:
        if size < 1:
            raise ValueError(f"a pool needs at least one worker, not {size}")
        self.size, self.name = size, name
        self._handler, self._memory_limit_bytes = handler, memory_limit_bytes
        self._changed = threading.Condition()
        self._idle: list[Worker] = []
        self._all: set[Worker] = set()
        self._taken = 0
        self._closed = False
        self._peak_memory_bytes = 0

    def __enter__(self) -> WorkerPool:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()

    @property
    def peak_memory_bytes(self) -> int:
        """Largest resident memory that any worker has had so far."""
        return self._peak_memory_bytes

    def run(self, request: object, timeout_s: float, first_timeout_s: float | None = None) -> Generator[object]:
        """Yield the handler's answers to `request`, from the first free worker. Nothing happens before the first one.

        Each answer must come within `timeout_s` of being waited for, the first within `first_timeout_s` if given;
        waiting for a free worker and starting one do not count. The worker computes ahead while an answer is used.

        Raises:
            WorkerDied: The child crashed, reached its memory limit or took too long. Another takes its place.
            WorkerFailed: The handler raised.
            WorkerUnusable: A child cannot be started at all.
            PoolClosed: `close` was called, before or meanwhile.
        """
        worker = self._take()
        try:
            worker = self._begin(worker, request)
            yield from worker.answers(timeout_s if first_timeout_s is None else first_timeout_s, timeout_s)
        except WorkerDied:
            self._refuse_if_closed()
            raise
        finally:
            self._give_back(worker)

    def close(self) -> None:
        """End all children, busy ones too (their iterators raise PoolClosed). May be called again."""
        with self._changed:
            self._closed = True
            workers, idle = list(self._all), list(self._idle)
            self._idle.clear()
            self._changed.notify_all()
        for worker in workers:
            worker.end()
        for worker in idle:  # the pipes of the others are closed by the threads that use them
            self._forget(worker)

    def _begin(self, worker: Worker, request: object) -> Worker:
        """Hand over the request; a worker that died while it was idle is replaced without a word."""
        if worker.begin(request):
            return worker
        self._forget(worker)
        worker = self._start()
        if not worker.begin(request):
            death = worker.died("it ended before it took a request")
            self._forget(worker)
            raise death
        return worker

    def _take(self) -> Worker:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._idle or self._taken < self.size)
            self._refuse_if_closed()
            self._taken += 1
            if self._idle:
                return self._idle.pop()
        try:
            return self._start()
        except BaseException:
            with self._changed:
                self._taken -= 1
                self._changed.notify()
            raise

    def _start(self) -> Worker:
        """A worker that is ready. One that ends while it starts may have been killed from outside: another is tried."""
        for _ in range(START_ATTEMPTS - 1):
            with suppress(WorkerUnusable):
                return self._start_once()
        return self._start_once()

    def _start_once(self) -> Worker:
        worker = Worker(self._handler, self._memory_limit_bytes, self.name)
        with self._changed:
            self._all.add(worker)
            closed = self._closed
        if closed:
            self._forget(worker)
            self._refuse_if_closed()
        try:
            worker.wait_until_ready(START_TIMEOUT_S)
        except BaseException:
            self._forget(worker)
            self._refuse_if_closed()
            raise
        return worker

    def _give_back(self, worker: Worker) -> None:
        self._peak_memory_bytes = max(self._peak_memory_bytes, worker.peak_memory_bytes)
        reusable = worker.alive and worker.cancel()
        with self._changed:
            self._taken -= 1
            if reusable and not self._closed:
                self._idle.append(worker)
            self._changed.notify()
        if not reusable or self._closed:
            self._forget(worker)

    def _forget(self, worker: Worker) -> None:
        worker.end()
        worker.close_pipes()
        with self._changed:
            self._all.discard(worker)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise PoolClosed(self.name)
