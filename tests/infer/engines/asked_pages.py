"""Pages and recipes for tests of the engines: pictures that are made here, questions whose answers are known."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

from PIL import Image
from stand_in_server import Asked, Said

from tasks.errors import AnswerError
from tasks.infer.engines.chat_recipe import ChatStep, PixelSize, Verdict
from tasks.infer.engines.contract import Answer, failed
from tasks.infer.engines.cut_out_recipe import CutOut, CutOutReply
from tasks.infer.engines.cut_request import Cut, PixelBox
from tasks.lake.rows import Page, TextLine

SIDE = 96


@cache
def picture(number: int, width: int = SIDE, height: int = SIDE) -> bytes:
    """A picture of one grey, which tells its number."""
    file = io.BytesIO()
    Image.new("RGB", (width, height), (number % 256, number // 256, 0)).save(file, "PNG")
    return file.getvalue()


def page(number: int, image: bytes | None = None) -> Page:
    line = TextLine(f"page {number}", 10, 10, 60, 22, 10.0, False)
    return Page(
        doc_id="doc",
        page_number=number,
        width=SIDE * 0.36,
        height=SIDE * 0.36,
        rotation=0,
        image=image or picture(number),
        image_format="png",
        image_width=SIDE,
        image_height=SIDE,
        dpi=200.0,
        text_layer=(line,),
        has_text=True,
        ink=0.5,
    )


def number_of(asked: Asked) -> int:
    """The number of the page whose picture was sent."""
    with Image.open(io.BytesIO(asked.image)) as image:
        red, green, *_ = image.convert("RGB").tobytes()
    return red + 256 * green


def say_number(asked: Asked) -> Said:
    return Said(json.dumps({"page": number_of(asked)}))


def judge(text: str, finish_reason: str | None) -> Verdict:
    return Verdict({"repetition": "looped", "length": "truncated"}.get(finish_reason or "", "ok"), len(text))


def messages(image: str, size: PixelSize) -> list[dict[str, object]]:
    parts = [{"type": "image_url", "image_url": {"url": image}}, {"type": "text", "text": f"Read {size}."}]
    return [{"role": "user", "content": parts}]


def step(name: str = "read", judge: Callable[[str, str | None], Verdict] = judge, **sampling: object) -> ChatStep:
    return ChatStep(name, messages, {"max_tokens": 64, "step": name, **sampling}, judge)


@dataclass(frozen=True)
class Recipe:
    steps: Sequence[ChatStep] = (step(),)
    side: int | None = None
    image_format: Literal["jpeg", "png"] | None = None

    def prepared_size(self, width: int, height: int) -> PixelSize | None:
        return (self.side, self.side) if self.side else None


@dataclass
class Layout:
    """Finds `boxes` of the same size, one below the other, on every page that it is not told to fail on."""

    boxes: int = 1
    fails_on: frozenset[int] = frozenset()
    closed: bool = False
    peak_memory_bytes: int = 0

    def answer_page(self, page: Page) -> Answer:
        if page.page_number in self.fails_on:
            return failed(page.doc_id, page.page_number, AnswerError("timeout", "too slow"), 0.5, 1)
        return Answer(page.doc_id, page.page_number, str(self.boxes_on(page)), "stop", 0.5)

    def boxes_on(self, page: Page) -> int:
        return self.boxes

    def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class CutRecipe:
    """Asks about every box by `steps`, and answers with what was said, line by line."""

    steps: Sequence[ChatStep] = (step(),)
    image_format: Literal["jpeg", "png"] | None = None

    def plan(self, layout: str, page: Page) -> CutPlan:
        width, height = page.image_width or 0, page.image_height or 0
        tops = [index * height // max(1, int(layout)) for index in range(int(layout) + 1)]
        boxes = [PixelBox(0, top, width, max(below, top + 1)) for top, below in pairwise(tops)]
        return CutPlan([CutOut(Cut(box, (box.x1, box.y1 - box.y0)), self.steps) for box in boxes])


@dataclass(frozen=True)
class CutPlan:
    cut_outs: Sequence[CutOut]

    def answer(self, replies: Sequence[CutOutReply]) -> str:
        return json.dumps([reply.text for reply in replies])
