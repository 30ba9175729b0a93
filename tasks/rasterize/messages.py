"""What the parent and its rendering processes say to each other. No PDFium, no Pillow: the parent imports this."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from tasks.errors import UsageError

HANDLER = "tasks.rasterize.child:answer"
"""What a `WorkerPool` must be opened with to take these requests."""

MAX_PAGES = 100_000
"""More pages in one document are refused: page trees lie, and no real document comes near."""

DEFAULT_MAX_PIXELS = 36_000_000


ImageFormat = Literal["jpeg", "png"]
"""How page images are stored."""


@dataclass(frozen=True, slots=True)
class RenderSettings:
    """How pages become images.

    `max_pixels` bounds one picture: a larger page is scaled down to it. The default is A1 at 200 dpi or A4 at 600.
    JPEGs have 4:2:0 chroma: 4:4:4 is 10 % larger and 15 % slower, and models shrink the picture further than that.
    """

    dpi: float = 200
    image_format: ImageFormat = "jpeg"
    jpeg_quality: int = 95
    max_pixels: int = DEFAULT_MAX_PIXELS
    page_timeout_s: float = 60
    instead_of: str = ""

    @property
    def render_id(self) -> str:
        """Names all that shapes an image, for a partition: "200dpi-jpeg95"; "-12000000px" follows an unusual limit.
        With `instead_of`, that render's: these images stand in for some of its own.
        """
        if self.instead_of:
            return self.instead_of
        quality = self.jpeg_quality if self.image_format == "jpeg" else ""
        limit = "" if self.max_pixels == DEFAULT_MAX_PIXELS else f"-{self.max_pixels}px"
        return f"{self.dpi:g}dpi-{self.image_format}{quality}{limit}"

    @classmethod
    def of_render(cls, render_id: str) -> RenderSettings:
        """The settings that have this name.

        Raises:
            UsageError: there are none.
        """
        found = _RENDER_ID.fullmatch(render_id)
        if not found:
            raise UsageError(f"{render_id!r} is no name of a render; one looks like {cls().render_id}.")
        limit = int(found["limit"] or DEFAULT_MAX_PIXELS)
        if found["quality"] is None:
            return cls(float(found["dpi"]), "png", max_pixels=limit)
        return cls(float(found["dpi"]), "jpeg", int(found["quality"]), limit)


_RENDER_ID = re.compile(r"(?P<dpi>[\d.e+-]+)dpi-(?:png|jpeg(?P<quality>\d+))(?:-(?P<limit>\d+)px)?")


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """What a look into a document tells. `page_count` counts frames where the document is a TIFF."""

    media_type: str
    page_count: int
    title: str | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentProblem:
    """A DocumentError on its way through the pipe."""

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class InspectRequest:
    """Answered by one DocumentFacts or DocumentProblem."""

    path: str
    password: str | None


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """Answered by Opened and then one Page for each page, in order; or by one DocumentProblem."""

    doc_id: str
    path: str
    media_type: str
    first_page: int
    last_page: int
    settings: RenderSettings
    password: str | None
    draw_forms: bool


@dataclass(frozen=True, slots=True)
class Opened:
    """The document is open. `draws_forms`: it has form fields and they will be drawn."""

    draws_forms: bool
