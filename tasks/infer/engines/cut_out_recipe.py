"""What the engine of cut-outs must be told about a model, and what it tells of each box: the border between the two.

A profile of a model builds a `CutOutRecipe`. It says which boxes of a page are asked about, how each is cut and asked,
and writes the page's answer; the engine follows it without knowing what the words mean. Nothing here sends anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from tasks.infer.engines.chat_recipe import ChatStep
from tasks.infer.engines.cut_request import Cut
from tasks.lake.rows import Page


@dataclass(frozen=True, slots=True)
class CutOut:
    """One box that the model is asked about, and the ways of asking, the best first; at least one."""

    cut: Cut
    steps: Sequence[ChatStep]


@dataclass(frozen=True, slots=True)
class CutOutReply:
    """What became of one cut-out.

    `status` is one of `chat_recipe.BEST_FIRST`, or "failed": then there is no `text`, and `error` says why.
    `characters` is how much of the page the text holds.
    """

    text: str | None
    finish_reason: str | None
    status: str
    characters: int
    error: str | None = None


class PagePlan(Protocol):
    """What is asked about one page."""

    @property
    def cut_outs(self) -> Sequence[CutOut]:
        """What is asked, in reading order; empty for a page on which there is nothing to ask."""
        ...

    def answer(self, replies: Sequence[CutOutReply]) -> str:
        """The page's answer from what was said about each of `cut_outs`, in their order."""
        ...


class CutOutRecipe(Protocol):
    """How a model wants its cut-outs. `image_format` None takes that of the stored page."""

    @property
    def image_format(self) -> Literal["jpeg", "png"] | None: ...

    def plan(self, layout: str, page: Page) -> PagePlan:
        """What is asked about a page of which the layout's answer is `layout`. The page's image is not kept.

        Raises:
            AnswerError: that answer cannot be read.
        """
        ...
