"""What the chat engine must be told about a model, and what it tells of a page: the border between the two.

A profile of a model builds a `ChatRecipe`; the engine follows it without knowing what the words mean. Nothing here
sends, reads or judges anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Protocol

PixelSize = tuple[int, int]
"""Width and height in pixels."""

Message = Mapping[str, object]

ASK_AGAIN = frozenset({"truncated", "looped", "unparsed"})
"""Statuses after which the next step of a recipe is taken."""

BEST_FIRST = ("ok", "repaired", "truncated", "looped", "unparsed")
"""From the best to the worst."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer is worth: one of `BEST_FIRST`, and how many characters of the page it holds."""

    status: str
    characters: int


@dataclass(frozen=True, slots=True)
class ChatStep:
    """One way of asking about a page. A recipe has several: each is tried when the one before did not end well.

    `messages` gets the image as a data URI, to be placed as it is, and the size of the image that is sent. `sampling`
    are fields of the request beside `model` and `messages` (`max_tokens`, `temperature`, vLLM's own too); those named
    by `extensions` are left out for a server that refuses them. `judge` gets the text and the finish reason.
    """

    name: str
    messages: Callable[[str, PixelSize], Sequence[Message]]
    sampling: Mapping[str, object]
    judge: Callable[[str, str | None], Verdict]
    extensions: frozenset[str] = frozenset()

    def without(self, fields: frozenset[str]) -> ChatStep:
        """The same step without these fields of `sampling`."""
        return replace(self, sampling={name: said for name, said in self.sampling.items() if name not in fields})


class ChatRecipe(Protocol):
    """How a model wants its pages. `image_format` None sends whatever is stored."""

    @property
    def image_format(self) -> Literal["jpeg", "png"] | None: ...

    @property
    def steps(self) -> Sequence[ChatStep]:
        """The ways of asking, the best first; at least one."""
        ...

    def prepared_size(self, width: int, height: int) -> PixelSize | None:
        """The size that a stored image shall be sent in; None (or its own size) sends the stored bytes as they are."""
        ...
