"""What a profile of a model behind a chat endpoint is: prompt, sampling, picture, reader of answers, server's flags.

Everything here is data, so that a profile can be changed by `dataclasses.replace` or from a user's file, and so that
`config` can hash all that shapes an answer. Sending is the engines' affair: a profile only says what is sent. Where the
model's coordinates lie on the page is decided here, from sizes alone, so that a stored answer can be read again at any
time without its picture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from tasks.infer.answers.contract import AnswerElement, Reader, Space, Status, with_finish_reason
from tasks.infer.models.categories import category_of
from tasks.infer.models.digest import digest
from tasks.infer.models.picture_plan import AS_STORED, PicturePlan, PixelSize
from tasks.infer.models.vllm_needs import VllmNeed
from tasks.infer.models.vllm_shaping import shaping_args
from tasks.infer.profile import PageSize, ReadAnswer
from tasks.lake.rows import Element

Region = tuple[float, float, float, float]
"""Left, upper, right and lower edge of a part of the page, as fractions of its sides."""

WARMER = 0.2
"""Added to the temperature where a page is asked about again."""
REPETITION = {"max_pattern_size": 256, "min_pattern_size": 1, "min_count": 24}
"""In tokens: the longest unit is an element of a page, and a row of a form has fewer than 24 empty cells."""

ANY_SPACE = Space(1e6, 1e6)
"""Larger than any picture: nothing lies outside."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model chooses its words. `extra` goes into the request's body beside the rest."""

    temperature: float
    max_tokens: int
    top_p: float = 1.0
    extra: Mapping[str, Any] = field(default_factory=dict)

    def fields(self) -> dict[str, Any]:
        """As fields of a request."""
        own = {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens}
        return own | dict(self.extra)


@dataclass(frozen=True, slots=True)
class AnswerReader:
    """A reader of answers with a name for `config`; `version` changes when it would read an old answer otherwise."""

    name: str
    version: int
    read: Reader


@dataclass(frozen=True, slots=True)
class VllmServing:
    """What `vllm serve` needs for this model: its hub id, flags and environment. Few of the flags shape an answer.

    `needs` is what these need of vLLM itself, to be checked before it is started.
    """

    model_id: str
    args: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[VllmNeed, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatProfile:
    """One way to ask one model about a page.

    `image_token` stands right before the prompt in the text sent: where it is there, the server does not put one in
    itself (with a line break behind it). `image_format` None sends what the lake holds, as it is. `box_grid` is what
    the model's coordinates run to, None where they are pixels of the picture as the model sees it. `fallback` names the
    profile to try when this one's answer breaks off or loops, and `last_resort` the one that reads the page where that
    did not help ("" for none). `text_format` is that of plain elements; formulas are LaTeX, tables HTML. With
    `takes_query` the prompt is a question that the user may ask. With `takes_region` it is about one `region` of the
    page, whose corners follow it, in pixels as the model sees them. `revision` says which weights answer, and how they
    are served where that shapes answers; `fallback_way` stands for the fallback's own way of asking. Both are completed
    by `models.find_profile`, which knows what the user said.
    """

    name: str
    description: str
    prompt: str
    sampling: Sampling
    reader: AnswerReader
    revision: str
    engine: Literal["chat", "got"] = "chat"
    served_name: str = ""
    picture: PicturePlan = AS_STORED
    image_format: Literal["jpeg", "png"] | None = None
    image_token: str = ""
    image_first: bool = True
    box_grid: float | None = None
    text_format: str = "markdown"
    dpi: int = 200
    fallback: str | None = None
    last_resort: str = "cpu-layout"
    takes_query: bool = False
    takes_region: bool = False
    region: Region | None = None
    vllm: VllmServing | None = None
    fallback_way: str = ""

    @property
    def engines(self) -> tuple[str, ...]:
        """See `profile.Profile.engines`."""
        return (self.engine, "vllm") if self.vllm else (self.engine,)

    def config(self, render_id: str) -> str:
        """Short hash (8 hexadecimal digits) of all that shapes an answer, the render of the pages included."""
        return digest(
            [
                self.name,
                self.revision,
                self.engine,
                self.way_of_asking(),
                self.again(),
                shaping_args(self.vllm.args) if self.vllm else [],
                [self.fallback, self.fallback_way] if self.fallback else None,
                self.last_resort,  # by name: a new cpu-layout must not have a whole collection asked again
                render_id,
            ]
        )

    def way_of_asking(self) -> list[Any]:
        """What one request says and how its answer is read, whichever weights answer it: a part of `config`."""
        return [
            self.image_token + self.prompt,
            self.image_first,
            self.sampling.fields(),
            asdict(self.picture),
            self.image_format,
            self.box_grid,
            self.text_format,
            self.reader.name,
            self.reader.version,
            self.region,
        ]

    def again(self) -> dict[str, Any]:
        """As fields of a second request, after an answer that broke off or loops: a little warmer, and with vLLM's own
        check for repetition."""
        warmer = self.sampling.fields() | {"temperature": round(self.sampling.temperature + WARMER, 3)}
        return warmer | ({"repetition_detection": REPETITION} if self.vllm else {})

    def messages(self, image_url: str, sent: PixelSize) -> list[dict[str, Any]]:
        """The conversation: one turn with the picture (a URL, or a data URI; `sent` is its size) and the prompt."""
        image = {"type": "image_url", "image_url": {"url": image_url}}
        text = {"type": "text", "text": self.image_token + self.prompt + self._corners(sent)}
        return [{"role": "user", "content": [image, text] if self.image_first else [text, image]}]

    def read_answer(self, text: str, page: PageSize, finish_reason: str | None = None) -> ReadAnswer:
        """The answer's elements in points. Which they are depends on the text alone, the status on both."""
        space = self.space(page)
        read = with_finish_reason(self.reader.read(text, space), finish_reason)
        elements = tuple(on_page(element, space, page, self.text_format) for element in read.elements)
        if self.region is not None:
            elements = tuple(within(self.region, element, page) for element in elements)
        return ReadAnswer(elements, read.status, self.name)

    def judge(self, text: str, finish_reason: str | None) -> tuple[Status, int]:
        """How the answer can be read, wherever on the page its boxes are, and how many characters it holds: for an
        engine that knows no page."""
        read = with_finish_reason(self.reader.read(text, ANY_SPACE), finish_reason)
        return read.status, sum(len(element.text) for element in read.elements)

    def space(self, page: PageSize) -> Space:
        """The coordinates that the model's boxes of this page are in."""
        if self.box_grid is not None:
            return Space(self.box_grid, self.box_grid)
        return Space(*map(float, self.picture.seen(stored_size(page))))

    def _corners(self, sent: PixelSize) -> str:
        if self.region is None:
            return ""
        seen = self.picture.seen(sent)
        sides = (seen.width, seen.height) * 2
        return str([round(fraction * side) for fraction, side in zip(self.region, sides, strict=True)])


def inside_the_page(region: Region) -> Region:
    """The region, as it was given.

    Raises:
        ValueError: it is none.
    """
    if not (0 <= region[0] < region[2] <= 1 and 0 <= region[1] < region[3] <= 1):
        raise ValueError("its edges are fractions from 0 to 1, left before right and upper before lower")
    return region


def within(region: Region, element: Element, page: PageSize) -> Element:
    """An element of a whole page, as one of a part of it."""
    x0, y0, x1, y1 = region
    return replace(element, x0=x0 * page.width, y0=y0 * page.height, x1=x1 * page.width, y1=y1 * page.height)


def stored_size(page: PageSize) -> PixelSize:
    """The picture in the lake; for a page without one, one pixel is one point."""
    return PixelSize(
        max(1, page.image_width or round(page.width)),
        max(1, page.image_height or round(page.height)),
    )


def on_page(element: AnswerElement, space: Space, page: PageSize, text_format: str = "markdown") -> Element:
    """An element in points of the page as displayed. The picture covers the page exactly, so each axis scales alone."""
    category = category_of(element.label)
    return Element(
        category=category,
        raw_category=element.label,
        x0=element.box.x0 / space.width * page.width,
        y0=element.box.y0 / space.height * page.height,
        x1=element.box.x1 / space.width * page.width,
        y1=element.box.y1 / space.height * page.height,
        text=element.text,
        text_format=format_of(category, element.text, text_format),
    )


def format_of(category: str, text: str, plain: str) -> str:
    """The format of a text in an element of this category; `plain` for what is neither formula nor table."""
    if category == "Formula":
        return "latex"
    return "html" if category == "Table" and text.lstrip()[:1] == "<" else plain
