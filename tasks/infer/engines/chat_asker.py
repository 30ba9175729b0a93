"""One page, asked: whose turn it is, what is sent again, which step of the recipe is next. Runs on the event loop.

Where the pages come from, and who prepared their images, is in `chat`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

from tasks.errors import AnswerError
from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.chat_body import ChatBody, PageImage
from tasks.infer.engines.chat_recipe import ASK_AGAIN, BEST_FIRST, ChatRecipe
from tasks.infer.engines.chat_reply import Reply
from tasks.infer.engines.contract import Answer
from tasks.infer.engines.endpoint import Balancer, Endpoint
from tasks.infer.engines.retry import EngineHealth, RequestFailed, Tries, Trouble


class PageAsker:
    """Asks `endpoints` about pages as `recipe` says."""

    def __init__(
        self,
        recipe: ChatRecipe,
        model: str,
        *,
        endpoints: Sequence[Endpoint],
        largest_window: int,
        health: EngineHealth,
        busy: BusyMeter,
        random: Random,
    ) -> None:
        self._recipe, self._model = recipe, model
        self._endpoints, self._balancer = endpoints, Balancer(endpoints, largest_window)
        self._health, self._busy, self._random = health, busy, random

    async def ask(self, doc_id: str, page_number: int, image: PageImage) -> Answer:
        """The answer to keep: of the first step that ended well, else the best of all.

        Raises:
            EngineGone: no endpoint answers any more.
        """
        tries, tried, best = Tries(), list[str](), None
        for step in self._recipe.steps:
            try:
                reply = await self._reply(ChatBody(self._model, step, image), tries)
            except RequestFailed as failure:
                if best is None:
                    return failed(doc_id, page_number, _reason(failure, tries), tries.seconds, tries.attempts)
                tried.append(f"{step.name}: failed")
                continue
            status = step.judge(reply.text, reply.finish_reason)
            tried.append(f"{step.name}: {status}")
            if best is None or BEST_FIRST.index(status) < BEST_FIRST.index(best[0]):
                best = status, step.name, reply
            if status not in ASK_AGAIN:
                break
        assert best is not None, "a recipe has at least one step"
        _, step_name, reply = best
        return Answer(
            doc_id,
            page_number,
            reply.text,
            reply.finish_reason,
            tries.seconds,
            tries.attempts,
            reply.prompt_tokens,
            reply.completion_tokens,
            step=step_name,
            tried=tuple(tried),
        )

    async def close(self) -> None:
        for endpoint in self._endpoints:
            await endpoint.close()

    async def _reply(self, body: ChatBody, tries: Tries) -> Reply:
        """One reply, however often it takes to get it.

        Raises:
            RequestFailed: the page has had its chances.
        """
        while True:
            async with self._balancer.turn(again=tries.attempts > 0) as endpoint:
                try:
                    return await self._send(body, endpoint, tries)
                except RequestFailed as failure:
                    last = failure
            if not tries.may_go_on_after(last):
                raise last
            if last.trouble is not Trouble.UNREACHABLE:  # then the endpoint rests, and no other need wait
                await asyncio.sleep(tries.pause_s(self._random))

    async def _send(self, body: ChatBody, endpoint: Endpoint, tries: Tries) -> Reply:
        clock = asyncio.get_running_loop().time
        started_at = clock()
        tries.attempts += 1
        try:
            with self._busy.request():
                reply = await endpoint.post(body)
        except RequestFailed as failure:
            self._health.failed(failure, started_at)
            raise
        finally:
            tries.seconds += clock() - started_at
        self._health.answered()
        return reply


def failed(doc_id: str, page_number: int, reason: AnswerError, seconds: float, attempts: int) -> Answer:
    """The answer of a page that has none."""
    return Answer(
        doc_id, page_number, None, None, seconds, attempts, error_kind=reason.kind, error=str(reason), step=None
    )


def _reason(failure: RequestFailed, tries: Tries) -> AnswerError:
    kind = "timeout" if failure.trouble is Trouble.TIMEOUT else "engine_error"
    times = f" (asked {tries.attempts} times)" if tries.attempts > 1 else ""
    return AnswerError(kind, failure.message + times)
