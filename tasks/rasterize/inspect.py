"""Look into a document without trusting it: the parent's side of `content`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tasks.errors import DocumentError, WorkerDied
from tasks.isolate import WorkerFailed, WorkerPool
from tasks.rasterize.messages import DocumentFacts, DocumentProblem, InspectRequest


@dataclass(frozen=True, slots=True)
class DocumentInspector:
    """`inspect_document` with all but the path bound."""

    pool: WorkerPool
    password: str | None = field(repr=False)
    timeout_s: float

    def __call__(self, path: Path) -> DocumentFacts:
        return inspect_document(self.pool, str(path), self.password, self.timeout_s)


def inspect_document(pool: WorkerPool, path: str, password: str | None, timeout_s: float) -> DocumentFacts:
    """Media type, page count, title and author of a local file, by its content.

    Raises:
        DocumentError: It is none that pagelake reads; a file that kills the process that opens it is `corrupt`.
        PoolClosed: The run is being stopped.
        WorkerUnusable: The rendering processes do not start.
    """
    try:
        answer = _ask_again_if_killed(pool, InspectRequest(path, password), timeout_s)
    except WorkerDied as error:
        raise DocumentError("corrupt", f"Opening it ended the process ({error.reason}): {error.detail}") from error
    except WorkerFailed as error:
        raise DocumentError("corrupt", str(error)) from error
    if isinstance(answer, DocumentProblem):
        raise DocumentError(answer.kind, answer.detail)
    assert isinstance(answer, DocumentFacts)
    return answer


def _ask_again_if_killed(pool: WorkerPool, request: InspectRequest, timeout_s: float) -> object:
    """A process that dies may have been killed by somebody else: the document gets a second, fresh one."""
    try:
        return _only(pool.run(request, timeout_s))
    except WorkerDied as error:
        if error.reason == "timeout":
            raise
        return _only(pool.run(request, timeout_s))


def _only(answers: Iterator[object]) -> object:
    (answer,) = answers
    return answer
