"""What the parent and its rendering processes say to each other. No PDFium, no Pillow: the parent imports this."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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

    @property
    def render_id(self) -> str:
        """Names all that shapes an image, for a partition: "200dpi-jpeg95"; "-12000000px" follows an unusual limit."""
        quality = self.jpeg_quality if self.image_format == "jpeg" else ""
        limit = "" if self.max_pixels == DEFAULT_MAX_PIXELS else f"-{self.max_pixels}px"
        return f"{self.dpi:g}dpi-{self.image_format}{quality}{limit}"


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
