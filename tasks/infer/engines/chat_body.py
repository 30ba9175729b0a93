"""The body of a chat request: JSON with an image in it, made without ever running a JSON encoder over the image.

A page's image is encoded once, here or in a worker process, and spliced into the few hundred bytes around it each time
the page is asked about. That keeps the event loop's thread, which feeds every request, free of megabytes.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx

from tasks.infer.engines.chat_recipe import ChatRecipe, ChatStep, PixelSize
from tasks.infer.engines.dialect import Dialect
from tasks.lake.rows import Page

RESIZER = "tasks.infer.engines.chat_resize:resize"
"""What a `WorkerPool` must be opened with to take `Resize` requests."""

_STREAM = {"stream": True, "stream_options": {"include_usage": True}}
_MARK = "pagelake-4d1f7f0c-the-image-goes-here"


@dataclass(frozen=True, slots=True)
class PageImage:
    """An image as it is sent: base64 text of a file in `image_format`."""

    base64: bytes
    image_format: str
    size: PixelSize


@dataclass(frozen=True, slots=True)
class Resize:
    """What a worker is asked for: the image in another size or format, as base64."""

    image: bytes
    size: PixelSize
    image_format: str


def image_of(page: Page, recipe: ChatRecipe) -> PageImage | Resize:
    """The page's image if its stored bytes will do, else what to ask a worker for."""
    assert page.image is not None and page.image_width and page.image_height
    stored_size, stored_format = (page.image_width, page.image_height), page.image_format or "jpeg"
    size = recipe.prepared_size(*stored_size) or stored_size
    image_format = recipe.image_format or stored_format
    if (size, image_format) == (stored_size, stored_format):
        return PageImage(b64encode(page.image), image_format, size)
    return Resize(page.image, size, image_format)


def base64_bytes(image_bytes: int) -> int:
    """How long an image of so many bytes becomes."""
    return 4 * ((image_bytes + 2) // 3)


class ChatBody(httpx.AsyncByteStream):
    """A request's body, in pieces: the image is the same object in all of them, never copied into a larger one.

    `stream` asks for the text while it is written.
    """

    def __init__(self, dialect: Dialect, model: str, step: ChatStep, image: PageImage, *, stream: bool = False) -> None:
        fields = dialect.body(model, step, f"data:image/{image.image_format};base64,{_MARK}", image.size)
        text = json.dumps({**fields, **(_STREAM if stream else {})})
        first, *others = text.split(_MARK)
        self._pieces = [first.encode()]
        for other in others:
            self._pieces += [image.base64, other.encode()]

    def __len__(self) -> int:
        return sum(map(len, self._pieces))

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece
