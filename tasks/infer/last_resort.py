"""Who reads a page that the model could not: cpu-layout, from the page's text layer, or by OCR where it has none."""

from __future__ import annotations

from tasks.infer.engines.contract import Answer
from tasks.infer.engines.cpu import CpuEngine
from tasks.infer.models.cpu_layout import PROFILE
from tasks.infer.profile import PageSize
from tasks.lake.rows import Page

WORKERS = 2
"""At most. A few pages in a hundred come here; each process holds the layout detector and the OCR."""


class CpuLastResort:
    """A `LastResort` for engines of chat endpoints. No process is started before the first page."""

    name = PROFILE.name

    def __init__(self, workers: int, page_timeout_s: float) -> None:
        self._engine = CpuEngine(min(workers, WORKERS), page_timeout_s=page_timeout_s)

    def answer(self, page: Page) -> Answer:
        [answer] = self._engine.answer([page])
        return answer

    def characters(self, answer: Answer) -> int:
        anywhere = PageSize(1e6, 1e6)
        return sum(len(element.text) for element in PROFILE.read_answer(answer.text or "", anywhere).elements)

    @property
    def peak_memory_bytes(self) -> int:
        return self._engine.peak_memory_bytes

    def close(self) -> None:
        self._engine.close()
