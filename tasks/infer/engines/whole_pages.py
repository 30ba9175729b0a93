"""A page as one request: its picture as it is stored, or made smaller in a worker, and one conversation about it.

Where the model's ladder of steps ends without a good answer, somebody else may read the page: the last resort.
"""

from __future__ import annotations

import asyncio
import logging
from base64 import b64decode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Protocol

from tasks.errors import PagelakeError
from tasks.infer.engines.chat_asker import Asked, PageAsker
from tasks.infer.engines.chat_body import PageImage, Resize, image_of
from tasks.infer.engines.chat_recipe import ASK_AGAIN, ChatRecipe
from tasks.infer.engines.contract import Answer
from tasks.infer.engines.image_workers import ImageWorkers
from tasks.isolate import PoolClosed
from tasks.lake.rows import Page

_log = logging.getLogger(__name__)


class LastResort(Protocol):
    """Reads a page that the model could not. Its threads are its own; `answer` waits."""

    @property
    def name(self) -> str:
        """The step's name in `Answer.step` and `Answer.tried`."""
        ...

    def answer(self, page: Page) -> Answer: ...

    def characters(self, answer: Answer) -> int:
        """How much there is to read in its answer."""
        ...

    @property
    def peak_memory_bytes(self) -> int: ...

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class TakenPage:
    """A page of which the picture has become part of a request; `page` itself has none any more."""

    page: Page
    image: PageImage | Resize


class WholePages:
    """The `PageServer` of chat endpoints."""

    def __init__(
        self, recipe: ChatRecipe, asker: PageAsker, workers: ImageWorkers, last_resort: LastResort | None
    ) -> None:
        self._recipe, self._asker, self._workers, self._last_resort = recipe, asker, workers, last_resort
        self._last_threads = ThreadPoolExecutor(2, thread_name_prefix="last-resort")
        self._told_of_last_resort = False

    def take(self, page: Page) -> TakenPage:
        return TakenPage(replace(page, image=None), image_of(page, self._recipe))

    async def serve(self, taken: TakenPage, now_takes: Callable[[int], None]) -> Answer:
        image = taken.image
        if isinstance(image, Resize):
            [encoded] = await self._workers.made(image)
            image = PageImage(encoded, image.image_format, image.size)
            now_takes(len(image.base64))
        asked = await self._asker.ask(taken.page.doc_id, taken.page.page_number, image, self._recipe.steps)
        if self._last_resort is None or asked.status not in ASK_AGAIN:
            return asked.answer
        return await self._resorted(self._last_resort, taken.page, image, asked)

    @property
    def peak_memory_bytes(self) -> int:
        others = self._last_resort.peak_memory_bytes if self._last_resort else 0
        return max(self._workers.peak_memory_bytes, others)

    def stop_work(self) -> None:
        self._workers.close()
        if self._last_resort:
            self._last_resort.close()
        self._last_threads.shutdown(cancel_futures=True)

    async def close_connections(self) -> None:
        await self._asker.close()

    async def _resorted(self, last: LastResort, page: Page, image: PageImage, asked: Asked) -> Answer:
        """The last resort's reading where there is more in it, under the status that the model's own answer has."""
        shown = replace(
            page,
            image=b64decode(image.base64),
            image_format=image.image_format,
            image_width=image.size[0],
            image_height=image.size[1],
        )
        answer = asked.answer
        read = await self._read_by(last, shown)
        if read is None or read.text is None:
            return replace(answer, tried=(*answer.tried, f"{last.name}: failed"))
        tried = (*answer.tried, f"{last.name}: ok")
        if last.characters(read) <= asked.characters:
            return replace(answer, tried=tried)
        return replace(answer, text=read.text, finish_reason=None, step=last.name, status=asked.status, tried=tried)

    async def _read_by(self, last: LastResort, page: Page) -> Answer | None:
        """None where it cannot work at all, as without memory for its processes: pages are worth more than its help."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._last_threads, last.answer, page)
        except PoolClosed:
            raise
        except PagelakeError as error:
            if not self._told_of_last_resort:
                self._told_of_last_resort = True
                _log.warning("Pages that the model cannot read stay as they are, for %s fails: %s", last.name, error)
            return None
