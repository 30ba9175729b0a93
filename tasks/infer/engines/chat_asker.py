"""One picture, asked about: whose turn it is, what is sent again, which step is next. Runs on the event loop.

Where the pages come from, and who prepared their images, is in `whole_pages` and `cut_outs`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tasks.errors import AnswerError
from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.chat_body import ChatBody, PageImage
from tasks.infer.engines.chat_recipe import ASK_AGAIN, BEST_FIRST, ChatStep, Verdict
from tasks.infer.engines.chat_reply import Reply
from tasks.infer.engines.contract import Answer, Delta, failed
from tasks.infer.engines.dialect import Dialect
from tasks.infer.engines.endpoint import Balancer, Endpoint
from tasks.infer.engines.gate import Gate
from tasks.infer.engines.retry import ALONE_AFTER_DEATHS, EngineHealth, RequestFailed, Tries, Trouble

_log = logging.getLogger(__name__)

_UNKNOWN_FIELD = frozenset({400, 422})
"""How servers refuse a field that they do not know."""

_CHANCES = 3
ANSWERS_LATELY_S = 30.0
"""A server that has answered no page for so long answers nobody."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to keep, how it was judged ("failed" where there is none), and how much of the page is in it."""

    answer: Answer
    status: str
    characters: int


class PageAsker:
    """Asks `endpoints` about pages. Shared by all pages of an engine."""

    def __init__(
        self,
        model: str,
        *,
        dialect: Dialect,
        endpoints: Sequence[Endpoint],
        largest_window: int,
        health: EngineHealth,
        gate: Gate,
        busy: BusyMeter,
        random: Random,
        on_delta: Callable[[Delta], None] | None = None,
    ) -> None:
        self._model, self._dialect = model, dialect
        self._endpoints, self._balancer = endpoints, Balancer(endpoints, largest_window)
        self._health, self._gate, self._busy, self._random = health, gate, busy, random
        self._on_delta = on_delta if dialect.streams else None
        self._life, self._not_known, self._unexplained = gate.life, frozenset[str](), 0

    async def ask(self, doc_id: str, page_number: int, image: PageImage, steps: Sequence[ChatStep]) -> Asked:
        """The answer to keep: of the first step that ended well, else the best of all.

        Raises:
            EngineLost: no endpoint answers any more.
        """
        tries, tried, best = Tries(), list[str](), None
        for step in steps:
            question = _Question(doc_id, page_number, image, tries)
            try:
                name, reply = await self._stepped(step, question)
            except RequestFailed as failure:
                if best is None:
                    reason = _reason(failure, tries)
                    return Asked(failed(doc_id, page_number, reason, tries.seconds, tries.attempts), "failed", 0)
                tried.append(f"{step.name}: failed")
                continue
            verdict = step.judge(reply.text, reply.finish_reason)
            tried.append(f"{name}: {verdict.status}")
            if best is None or _rank(verdict) < _rank(best[0]):
                best = verdict, step.name, reply
            if verdict.status not in ASK_AGAIN:
                break
        assert best is not None, "a recipe has at least one step"
        verdict, step_name, reply = best
        answer = Answer(
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
        return Asked(answer, verdict.status, verdict.characters)

    async def close(self) -> None:
        for endpoint in self._endpoints:
            await endpoint.close()

    async def _stepped(self, step: ChatStep, question: _Question) -> tuple[str, Reply]:
        """One reply to a step, and the step's name as it was taken: without the extensions that the server refuses.

        Raises:
            RequestFailed: the page has had its chances.
        """
        extensions = step.extensions & step.sampling.keys()
        left_out = extensions & self._not_known
        try:
            return _name_without(step, left_out), await self._reply(step.without(left_out), question)
        except RequestFailed as failure:
            if failure.status not in _UNKNOWN_FIELD or extensions == left_out:
                raise
            reply = await self._reply(step.without(extensions), question)
            self._learn(extensions, failure)
        return _name_without(step, extensions), reply

    def _learn(self, extensions: frozenset[str], failure: RequestFailed) -> None:
        """A page was refused with `extensions` and answered without. Where the server does not say which of them it
        was, it may have been chance."""
        named = frozenset(name for name in extensions if name in failure.message)
        self._unexplained += not named
        refused = named or (extensions if self._unexplained >= _CHANCES else frozenset())
        if not refused <= self._not_known:  # other pages may have found out meanwhile
            self._not_known |= refused
            _log.warning("The server refuses %s; pages are asked without.", ", ".join(sorted(refused)))

    async def _reply(self, step: ChatStep, question: _Question) -> Reply:
        """One reply, however often it takes to get it.

        Raises:
            RequestFailed: the page has had its chances.
        """
        body = ChatBody(self._dialect, self._model, step, question.image, stream=self._on_delta is not None)
        tries = question.tries
        while True:
            await self._gate.opened()
            self._notice_new_life()
            life = self._gate.life
            tries.begin(life)
            alone = tries.deaths >= ALONE_AFTER_DEATHS
            async with self._balancer.turn(again=tries.attempts > 0, alone=alone) as endpoint:
                if not self._gate.is_open or self._gate.life != life:
                    continue  # it died while the page waited for its turn, and not of this page
                try:
                    return await self._send(body, endpoint, tries, self._listener(step, question))
                except RequestFailed as failure:
                    last = failure
            if not tries.may_go_on_after(last, server_answers=self._health.has_answered_for(ANSWERS_LATELY_S)):
                raise last
            if last.trouble is not Trouble.UNREACHABLE:  # then the endpoint rests, and no other need wait
                await asyncio.sleep(tries.pause_s(self._random))
                if self._gate.is_open and self._gate.life == life:
                    tries.failed_in_life = None  # the server has survived it

    async def _send(
        self, body: ChatBody, endpoint: Endpoint, tries: Tries, on_text: Callable[[str], None] | None
    ) -> Reply:
        clock = asyncio.get_running_loop().time
        started_at, life = clock(), self._gate.life
        tries.attempts += 1
        try:
            with self._busy.request():
                reply = await endpoint.post(body, on_text)
        except RequestFailed as failure:
            if failure.trouble is Trouble.FAILED:
                tries.failed_in_life = life
            self._health.failed(failure, started_at)
            raise
        finally:
            tries.seconds += clock() - started_at
        self._health.answered()
        self._gate.answered()
        tries.failed_in_life = None
        return reply

    def _notice_new_life(self) -> None:
        if self._gate.life != self._life:
            self._life = self._gate.life
            for endpoint in self._endpoints:
                endpoint.limit.restarted()

    def _listener(self, step: ChatStep, question: _Question) -> Callable[[str], None] | None:
        if self._on_delta is None:
            return None
        tell, attempt = self._on_delta, question.tries.attempts + 1
        return lambda text: tell(Delta(question.doc_id, question.page_number, step.name, attempt, text))


@dataclass(frozen=True, slots=True)
class _Question:
    """What is asked about, and what it has been through."""

    doc_id: str
    page_number: int
    image: PageImage
    tries: Tries


def _rank(verdict: Verdict) -> tuple[int, int]:
    """Good answers first; of others, the one with the most to read."""
    incomplete = verdict.status in ASK_AGAIN
    return (2, -verdict.characters) if incomplete else (BEST_FIRST.index(verdict.status), 0)


def _name_without(step: ChatStep, fields: frozenset[str]) -> str:
    return f"{step.name} without {', '.join(sorted(fields))}" if fields else step.name


_KINDS = {Trouble.TIMEOUT: "timeout", Trouble.REFUSED: "refused"}


def _reason(failure: RequestFailed, tries: Tries) -> AnswerError:
    kind = _KINDS.get(failure.trouble, "engine_error")
    times = f" (asked {tries.attempts} times)" if tries.attempts > 1 else ""
    return AnswerError(kind, failure.message + times)
