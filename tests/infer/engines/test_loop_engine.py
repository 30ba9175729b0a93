"""The loop engine by itself, with a server of pages that is played: how it ends, and what a page that fails leaves."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from asked_pages import page

from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.contract import Answer
from tasks.infer.engines.loop_engine import PREPARED_AHEAD, ChatLimits, LoopEngine
from tasks.isolate import PoolClosed
from tasks.lake.rows import Page

ONE_AT_A_TIME = ChatLimits(requests=1)


@dataclass
class Serves:
    """Answers every page from a thread of its own, once `may_go_on`; cannot take the pages `refused`."""

    refused: frozenset[int] = frozenset()
    may_go_on: threading.Event = field(default_factory=threading.Event)
    began: threading.Event = field(default_factory=threading.Event)
    peak_memory_bytes: int = 0

    def __post_init__(self) -> None:
        self.threads = ThreadPoolExecutor(1)

    def take(self, page: Page) -> Page:
        if page.page_number in self.refused:
            raise ZeroDivisionError("a picture without a size")
        return page

    async def serve(self, taken: Page, now_takes: Callable[[int], None]) -> Answer:
        self.began.set()
        while not self.may_go_on.is_set():
            await asyncio.sleep(0.001)
        text = await asyncio.get_running_loop().run_in_executor(self.threads, str, taken.page_number)
        return Answer(taken.doc_id, taken.page_number, text, "stop", 0.1)

    def stop_work(self) -> None:
        self.threads.shutdown()
        self.may_go_on.set()
        time.sleep(0.1)  # for a page to come now, of all times

    async def close_connections(self) -> None: ...


def test_a_page_that_comes_while_the_threads_end_is_given_up_like_the_others():
    server = Serves()
    engine = LoopEngine(server, ONE_AT_A_TIME, BusyMeter())
    with ThreadPoolExecutor(1) as reader:
        answers = reader.submit(lambda: list(engine.answer([page(1), page(2)])))
        assert server.began.wait(10)
        engine.close()
        with pytest.raises(PoolClosed):
            answers.result(10)


def test_pages_that_cannot_be_taken_leave_their_room_to_others():
    server = Serves(refused=frozenset({1}))
    server.may_go_on.set()
    with ThreadPoolExecutor(1) as reader, LoopEngine(server, ONE_AT_A_TIME, BusyMeter()) as engine:
        for _ in range(ONE_AT_A_TIME.requests + PREPARED_AHEAD):
            with pytest.raises(ZeroDivisionError):
                list(engine.answer([page(1)]))
        [answer] = reader.submit(lambda: list(engine.answer([page(2)]))).result(10)
    assert answer.text == "2"
