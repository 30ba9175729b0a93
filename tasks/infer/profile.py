"""What a model profile is: everything that shapes an answer, and nothing of how the model is reached.

A profile is one small file in `models`. Its `config` is a short hash of all that shapes an answer, so that another
prompt, another image size or another reader of answers lands in another partition and never mixes.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from tasks.lake.rows import Element, Page


@dataclass(frozen=True, slots=True)
class PageSize:
    """What a reader of answers needs to know of a page: its size in points, as displayed."""

    width: float
    height: float

    @classmethod
    def of(cls, page: Page) -> PageSize:
        """The size of a rendered page."""
        return cls(page.width or 0.0, page.height or 0.0)


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """An answer, read: elements in reading order, and `ok`, `repaired`, `truncated`, `looped` or `unparsed`."""

    elements: tuple[Element, ...]
    status: str


@dataclass(frozen=True, slots=True)
class ModelProfile:
    """One model: what it is for, how it is asked, how its answers are read.

    `engine` names the engine that runs it when the user names none; `revision` changes with the weights,
    `reader_version` with `read_answer`.
    """

    name: str
    description: str
    engine: str
    revision: str
    reader_version: int
    read_answer: Callable[[str, PageSize], ReadAnswer]

    def config(self, render_id: str) -> str:
        """Short hash (8 hexadecimal digits) of all that shapes an answer, the render of the pages included."""
        shapes = [self.name, self.revision, self.reader_version, render_id]
        return sha256(json.dumps(shapes).encode()).hexdigest()[:8]
