"""What a model profile is: everything that shapes an answer, and nothing of how the model is reached.

A profile is one small file in `models`. Its `config` is a short hash of all that shapes an answer, so that another
prompt, another image size or another reader of answers lands in another partition and never mixes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from tasks.lake.rows import Element, Page


@dataclass(frozen=True, slots=True)
class PageSize:
    """What a reader of answers needs to know of a page: its size in points, as displayed, and that of its picture."""

    width: float
    height: float
    image_width: int | None = None
    image_height: int | None = None

    @classmethod
    def of(cls, page: Page) -> PageSize:
        """The size of a rendered page."""
        return cls(page.width or 0.0, page.height or 0.0, page.image_width, page.image_height)


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """An answer, read: elements in reading order, and `ok`, `repaired`, `truncated`, `looped` or `unparsed`.

    `read_by` is the name of the profile that read it.
    """

    elements: tuple[Element, ...]
    status: str
    read_by: str = ""


class Profile(Protocol):
    """One model: what it is for, how its answers are read. How it is asked is between the profile and its engine."""

    @property
    def name(self) -> str: ...

    @property
    def description(self) -> str: ...

    @property
    def engines(self) -> tuple[str, ...]:
        """Names of the engines that can run it, its own first."""
        ...

    @property
    def dpi(self) -> int:
        """Resolution of the page images that it was made for."""
        ...

    def config(self, render_id: str) -> str:
        """Short hash (8 hexadecimal digits) of all that shapes an answer, the render of the pages included."""
        ...

    def read_answer(self, text: str, page: PageSize, finish_reason: str | None = None) -> ReadAnswer:
        """Read an answer; never raises. Elements depend on the text alone, the status on the finish reason too."""
        ...
