"""A page as many requests: its boxes are found on this machine, cut out, and asked about all at once.

Three stations, each with workers of its own: a `Layout` finds the boxes, a worker process cuts them out, endpoints
answer. Nothing waits for a whole page elsewhere: how many requests are on their way is the balancer's affair, one by
one and first come first served, so a page of a hundred boxes takes as many turns and holds up nobody for longer.

A cut-out without an answer does not cost the page: what is there is its text, and `error_kind` and `error` say how many
are missing, so that the page is among the failures that can be run again. Where none was answered, the page failed.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from random import Random
from typing import Protocol

from pydantic import SecretStr

from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.chat import page_asker
from tasks.infer.engines.chat_asker import Asked, PageAsker
from tasks.infer.engines.chat_body import PageImage
from tasks.infer.engines.chat_recipe import BEST_FIRST
from tasks.infer.engines.contract import Answer
from tasks.infer.engines.cut_out_recipe import CutOut, CutOutRecipe, CutOutReply, PagePlan
from tasks.infer.engines.cut_request import CUTTER, CutRequest
from tasks.infer.engines.gate import ServerWatch
from tasks.infer.engines.image_workers import ImageWorkers
from tasks.infer.engines.loop_engine import ChatLimits, LoopEngine
from tasks.lake.rows import Page


class Layout(Protocol):
    """Finds the boxes of a page, as text that the recipe reads. `answer_page` waits; several threads call it."""

    def answer_page(self, page: Page) -> Answer: ...

    @property
    def peak_memory_bytes(self) -> int: ...

    def close(self) -> None: ...


class CutOutEngine(LoopEngine):
    """Endpoints of one served model that reads cut-outs. See `contract.Engine` for what is promised.

    Args:
        endpoints: Bases of APIs, such as "http://127.0.0.1:8000/v1"; each request goes to the least busy.
        model: The name under which the endpoints serve the model.
        recipe: Which boxes are asked about, and how.
        layout: Finds the boxes; the engine closes it.
        workers: Processes that cut, and pages whose boxes are looked for at once.
        watch: Where the server is our own.

    Raises:
        UsageError: an endpoint's address cannot be used.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        model: str,
        recipe: CutOutRecipe,
        layout: Layout,
        workers: int,
        api_key: SecretStr | None = None,
        limits: ChatLimits | None = None,
        random: Random | None = None,
        watch: ServerWatch | None = None,
    ) -> None:
        limits, busy = limits or ChatLimits(), BusyMeter()
        asker = page_asker(
            endpoints, model=model, api_key=api_key, limits=limits, busy=busy, random=random, watch=watch
        )
        cutters = ImageWorkers(CUTTER, workers, limits.resize_timeout_s)
        super().__init__(CutOuts(recipe, asker, layout, cutters, workers), limits, busy)


class TakenPage:
    """A page on its way. It is handed over once, so that its picture can go as soon as it has been cut."""

    def __init__(self, page: Page) -> None:
        self._page: Page | None = page

    def hand_over(self) -> Page:
        page, self._page = self._page, None
        assert page is not None
        return page


class CutOuts:
    """The `PageServer` of models that read cut-outs; `pages_at_once` is how many the layout can look at."""

    def __init__(
        self, recipe: CutOutRecipe, asker: PageAsker, layout: Layout, cutters: ImageWorkers, pages_at_once: int
    ) -> None:
        self._recipe, self._asker, self._layout, self._cutters = recipe, asker, layout, cutters
        self._layout_threads = ThreadPoolExecutor(pages_at_once, thread_name_prefix="layout")

    def take(self, page: Page) -> TakenPage:
        return TakenPage(page)

    async def serve(self, taken: TakenPage, now_takes: Callable[[int], None]) -> Answer:
        page = taken.hand_over()
        found = await asyncio.get_running_loop().run_in_executor(self._layout_threads, self._layout.answer_page, page)
        if found.text is None:
            return replace(found, attempts=0, error=f"The boxes of the page could not be found. {found.error}")
        plan = self._recipe.plan(found.text, page)
        doc_id, page_number = page.doc_id, page.page_number
        images = await self._cut(page, plan.cut_outs)
        del page  # and its picture
        now_takes(sum(len(image.base64) for image in images))
        asking = [
            self._asker.ask(doc_id, page_number, image, cut_out.steps)
            for image, cut_out in zip(images, plan.cut_outs, strict=True)
        ]
        del images  # each goes with its answer
        return page_answer(found, plan, await asyncio.gather(*asking))

    @property
    def peak_memory_bytes(self) -> int:
        return max(self._layout.peak_memory_bytes, self._cutters.peak_memory_bytes)

    def stop_work(self) -> None:
        self._layout.close()
        self._cutters.close()
        self._layout_threads.shutdown(cancel_futures=True)

    async def close_connections(self) -> None:
        await self._asker.close()

    async def _cut(self, page: Page, cut_outs: Sequence[CutOut]) -> list[PageImage]:
        """The cut-outs as they are sent.

        Raises:
            AnswerError: the page cannot be cut.
        """
        if not cut_outs:
            return []
        assert page.image is not None
        image_format = self._recipe.image_format or page.image_format or "jpeg"
        cuts = tuple(cut_out.cut for cut_out in cut_outs)
        made = await self._cutters.made(CutRequest(page.image, cuts, image_format))
        return [PageImage(base64, image_format, cut.size) for base64, cut in zip(made, cuts, strict=True)]


def page_answer(found: Answer, plan: PagePlan, asked: Sequence[Asked]) -> Answer:
    """One answer for the page from those of its cut-outs.

    `attempts` and tokens are added up. `seconds` are the layout's and those of the slowest cut-out, since they are
    asked at once. The finish reason is that of the worst answer.
    """
    answers = [one.answer for one in asked]
    missing = [answer for answer in answers if answer.text is None]
    whole = Answer(
        found.doc_id,
        found.page_number,
        None,
        None,
        found.seconds + max((answer.seconds for answer in answers), default=0.0),
        sum(answer.attempts for answer in answers),
        _sum(answer.prompt_tokens for answer in answers),
        _sum(answer.completion_tokens for answer in answers),
        tried=_tried(asked, plan.cut_outs),
    )
    if missing:
        told = f"{len(missing)} of {len(answers)} cut-outs of the page were not answered. {missing[0].error}"
        whole = replace(whole, error_kind=missing[0].error_kind, error=told)
    if missing and len(missing) == len(answers):
        return whole
    return replace(whole, text=plan.answer([_reply(one) for one in asked]), finish_reason=_finish_reason(asked))


def _reply(asked: Asked) -> CutOutReply:
    answer = asked.answer
    return CutOutReply(answer.text, answer.finish_reason, asked.status, asked.characters, answer.error)


def _finish_reason(asked: Sequence[Asked]) -> str | None:
    answered = [one for one in asked if one.answer.text is not None]
    worst = max(answered, key=lambda one: BEST_FIRST.index(one.status), default=None)
    return worst.answer.finish_reason if worst else "stop"


def _tried(asked: Sequence[Asked], cut_outs: Sequence[CutOut]) -> tuple[str, ...]:
    """What became of each way of asking, as "name: number status"."""
    counts = Counter[tuple[str, str]]()
    for one, cut_out in zip(asked, cut_outs, strict=True):
        for tried in one.answer.tried or (f"{cut_out.steps[0].name}: {one.status}",):
            name, _, status = tried.rpartition(": ")
            counts[name, status] += 1
    return tuple(f"{name}: {count} {status}" for (name, status), count in counts.items())


def _sum(numbers: Iterable[int | None]) -> int | None:
    """Of those that are known; None where none is."""
    known = [number for number in numbers if number is not None]
    return sum(known) if known else None
