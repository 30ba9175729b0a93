"""What runs in a worker process of the CPU engine: one page in, the model's answer out.

The models are loaded with the first page and stay. Imports of OpenCV and onnxruntime happen here, never in the parent.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from tasks.infer.cpu.read_page import PageReader
from tasks.infer.models.cpu_layout import write_answer
from tasks.lake.rows import Page


@cache
def _reader() -> PageReader:
    return PageReader()


def read_page(page: Page) -> Iterator[str]:
    """The answer for one page, as `models.cpu_layout` defines it."""
    yield write_answer(_reader().read_page(page))
