"""Which boxes of a page a model is asked about, where each is cut, and whose text counts in the end.

This is a `CutOutProfile` in the terms of `tasks.infer.engines.cut_out_recipe`. Each cut-out has the profile's ladder of
steps (`recipe`) for itself: a loop in one box does not have the others asked again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from tasks.errors import AnswerError
from tasks.infer.engines.chat_recipe import ASK_AGAIN, ChatStep
from tasks.infer.engines.cut_out_recipe import CutOut, CutOutReply
from tasks.infer.engines.cut_request import Cut, PixelBox
from tasks.infer.models import cpu_layout
from tasks.infer.models.cut_out_answer import AskedBox, write_boxes
from tasks.infer.models.cut_out_profile import CutOutProfile
from tasks.infer.models.picture_plan import PicturePlan, PixelSize
from tasks.infer.models.recipe import ProfileRecipe
from tasks.infer.profile import PageSize
from tasks.lake.rows import Element, Page


class CutOutPlanner:
    """The `CutOutRecipe` of a profile."""

    def __init__(self, profile: CutOutProfile) -> None:
        self._profile = profile
        self._steps: dict[str, Sequence[ChatStep]] = {}

    @property
    def image_format(self) -> Literal["jpeg", "png"] | None:
        """The profile's; None for what pages are stored in."""
        return self._profile.image_format

    def plan(self, layout: str, page: Page) -> PlannedPage:
        """See `cut_out_recipe.CutOutRecipe.plan`."""
        size = PageSize.of(page)
        read = cpu_layout.read_answer(layout, size)
        if read.status != "ok":
            raise AnswerError("engine_error", "the boxes that cpu-layout found cannot be read")
        boxes = tuple(
            PlannedBox(element, prompt, self._cut_out(element, size, prompt) if prompt else None)
            for element in read.elements
            for prompt in (self._profile.prompt_for(element.category),)
        )
        return PlannedPage(self._profile, boxes)

    def _cut_out(self, element: Element, page: PageSize, prompt: str) -> CutOut:
        box = pixels_of(element, page, self._profile.cut_outs.margin_pt)
        size = sent_size(PixelSize(box.x1 - box.x0, box.y1 - box.y0), self._profile.picture)
        return CutOut(Cut(box, size), self._steps_of(prompt))

    def _steps_of(self, prompt: str) -> Sequence[ChatStep]:
        if prompt not in self._steps:
            self._steps[prompt] = ProfileRecipe(replace(self._profile, prompt=prompt)).steps
        return self._steps[prompt]


@dataclass(frozen=True, slots=True)
class PlannedBox:
    """A box of the layout; without a `cut_out` nothing is asked about it."""

    found: Element
    prompt: str
    cut_out: CutOut | None


@dataclass(frozen=True, slots=True)
class PlannedPage:
    """A `PagePlan`."""

    profile: CutOutProfile
    boxes: Sequence[PlannedBox]

    @property
    def cut_outs(self) -> Sequence[CutOut]:
        """See `cut_out_recipe.PagePlan.cut_outs`."""
        return [box.cut_out for box in self.boxes if box.cut_out]

    def answer(self, replies: Sequence[CutOutReply]) -> str:
        """See `cut_out_recipe.PagePlan.answer`."""
        replying = iter(replies)
        asked = [self._asked(box, next(replying)) if box.cut_out else AskedBox(box.found) for box in self.boxes]
        return write_boxes(asked, self.profile.name)

    def _asked(self, box: PlannedBox, reply: CutOutReply) -> AskedBox:
        """cpu-layout's text counts where the model's did not end well, and there is more in it."""
        is_bad = reply.text is None or reply.status in ASK_AGAIN or reply.characters == 0
        layout_counts = is_bad and bool(self.profile.last_resort) and len(box.found.text) > reply.characters
        return AskedBox(box.found, box.prompt, reply.text, reply.finish_reason, reply.error, layout_counts)


def pixels_of(element: Element, page: PageSize, margin_pt: float) -> PixelBox:
    """The pixels of the stored picture that show the box and its margin, one at least; nothing beyond the page."""
    across = _span(element.x0, element.x1, page.width, page.image_width or 1, margin_pt)
    down = _span(element.y0, element.y1, page.height, page.image_height or 1, margin_pt)
    return PixelBox(across[0], down[0], across[1], down[1])


def sent_size(cut: PixelSize, plan: PicturePlan) -> PixelSize:
    """The size to send a cut-out in: its own, unless the server would refuse or shrink it.

    A strip that is lower than one patch grows to it as a whole: the servers' image processors do not agree on such, and
    to stretch one side alone would spoil the letters.
    """
    growth = max(1.0, plan.factor / min(cut))
    return plan.sent(PixelSize(round(cut.width * growth), round(cut.height * growth)))


def _span(start: float, end: float, side_pt: float, side_px: int, margin_pt: float) -> tuple[int, int]:
    """First pixel and the one behind the last, along one side."""
    per_point = side_px / side_pt if side_pt else 1.0
    first = min(max(math.floor((start - margin_pt) * per_point), 0), side_px - 1)
    return first, max(first + 1, min(math.ceil((end + margin_pt) * per_point), side_px))
