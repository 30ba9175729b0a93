"""Pages and recipes for tests of the engines: pictures that are made here, questions whose answers are known."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from PIL import Image
from stand_in_server import Asked, Said

from tasks.infer.engines.chat_recipe import ChatStep, PixelSize, Verdict
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
