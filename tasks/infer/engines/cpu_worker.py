"""What runs in a worker process of the CPU engine: one page in, the model's answer out.

Imported in worker processes only: the import loads the models, so that a page's time limit does not pay for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from tasks.infer.cpu.read_page import PageReader
from tasks.infer.models.cpu_layout import write_answer
from tasks.lake.rows import Page

_READER = PageReader()


def read_page(page: Page) -> Iterator[str]:
    """The answer for one page, as `models.cpu_layout` defines it."""
    yield write_answer(_READER.read_page(page))
