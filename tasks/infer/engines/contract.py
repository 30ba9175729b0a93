"""The contract that every engine keeps: one answer for every page, in order, whatever happens to a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, Self

from tasks.errors import AnswerError
from tasks.infer.engines.busy import BusyMeter
from tasks.lake.rows import Page


@dataclass(frozen=True, slots=True)
class Answer:
    """What an engine brings back for one page. Without `text`, `error_kind` and `error` say why.

    `step` names the way of asking that gave the text, where an engine knows several; `tried` is what became of each,
    as "name: status". `status` is set where the text is not the model's own, and says what became of that one.
    """

    doc_id: str
    page_number: int
    text: str | None
    finish_reason: str | None
    seconds: float
    attempts: int = 1
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    error_kind: str | None = None
    error: str | None = None
    step: str | None = None
    tried: tuple[str, ...] = ()
    status: str | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """Some text of an answer that is being written. A new `attempt` begins the page's text anew."""

    doc_id: str
    page_number: int
    step: str
    attempt: int
    text: str


def failed(doc_id: str, page_number: int, reason: AnswerError, seconds: float = 0.0, attempts: int = 0) -> Answer:
    """The answer of a page that has none."""
    return Answer(doc_id, page_number, None, None, seconds, attempts, error_kind=reason.kind, error=str(reason))


class Engine(Protocol):
    """Something that answers pages. Thread-safe: two shards may be answered at once and share its capacity."""

    def answer(self, pages: Iterable[Page]) -> Iterator[Answer]:
        """One answer for each page that has an image, in the order of `pages`.

        A bounded number of pages is taken ahead of the answers, so memory does not grow with the input. A page that
        fails is an answer that says why; only an engine that is gone for good raises.
        """
        ...

    @property
    def busy(self) -> BusyMeter:
        """How long the engine has had work."""
        ...

    @property
    def peak_memory_bytes(self) -> int:
        """Resident bytes of the engine's largest process so far; 0 when it runs elsewhere."""
        ...

    def close(self) -> None:
        """End every process of the engine; pages in flight are given up."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *exc: object) -> None: ...
