"""What every engine promises: one answer for each page, in order, bounded read-ahead, and an end when it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

import psutil
import pytest
from asked_pages import CutRecipe, Layout, Recipe, page, say_number
from fake_server import Fake
from stand_in_server import StandInServer

from tasks.infer.engines.chat import ChatEngine
from tasks.infer.engines.contract import Engine
from tasks.infer.engines.cpu import PAGES_AHEAD, CpuEngine
from tasks.infer.engines.cut_outs import CutOutEngine
from tasks.infer.engines.dialect import CHAT, GOT, Dialect
from tasks.infer.engines.gate import ServerWatch
from tasks.infer.engines.loop_engine import ChatLimits
from tasks.infer.engines.vllm import VllmEngine
from tasks.isolate import PoolClosed
from tasks.lake.rows import Page


@dataclass
class Candidate:
    open: Callable[[], Engine]
    most_ahead: int


def cpu() -> Candidate:
    return Candidate(lambda: CpuEngine(2, page_timeout_s=60), 2 * PAGES_AHEAD)


def chat(side: int | None, stack: ExitStack, dialect: Dialect = CHAT) -> Candidate:
    server = stack.enter_context(StandInServer(say_number, latency_s=0.02))
    limits = ChatLimits(requests=4)
    return Candidate(
        lambda: ChatEngine(
            [server.url], model="stand-in", recipe=Recipe(side=side), workers=2, limits=limits, dialect=dialect
        ),
        8,
    )


def vllm(fake: Fake) -> Candidate:
    limits, launch = ChatLimits(requests=4), fake.plays({})

    def asking(endpoint: str, watch: ServerWatch) -> Engine:
        return ChatEngine([endpoint], model="m", recipe=Recipe(), workers=2, limits=limits, watch=watch)

    return Candidate(lambda: VllmEngine(launch, asking), 8)


def cut_outs(stack: ExitStack) -> Candidate:
    server = stack.enter_context(StandInServer(say_number, latency_s=0.02))
    limits = ChatLimits(requests=4)
    return Candidate(
        lambda: CutOutEngine(
            [server.url], model="stand-in", recipe=CutRecipe(), layout=Layout(), workers=2, limits=limits
        ),
        8,
    )


@pytest.fixture(params=["cpu", "chat", "chat-resized", "got", "vllm", "cut-outs"])
def candidate(request) -> Iterator[Candidate]:
    with ExitStack() as stack:
        if request.param == "cpu":
            yield cpu()
        elif request.param == "vllm":
            yield vllm(request.getfixturevalue("fake"))
        elif request.param == "got":
            yield chat(None, stack, GOT)
        elif request.param == "cut-outs":
            yield cut_outs(stack)
        else:
            yield chat(48 if request.param == "chat-resized" else None, stack)


@pytest.fixture
def engine(candidate) -> Iterator[Engine]:
    with candidate.open() as engine:
        yield engine


def pages(count: int) -> list[Page]:
    return [page(number) for number in range(1, count + 1)]


def test_every_page_has_one_answer_in_order(engine):
    answers = list(engine.answer(pages(20)))
    assert [answer.page_number for answer in answers] == list(range(1, 21))
    assert all(answer.text and answer.error_kind is None and answer.attempts == 1 for answer in answers)
    assert all(answer.finish_reason == "stop" and answer.seconds > 0 for answer in answers)
    assert engine.busy.seconds > 0


def test_nothing_asked_nothing_answered(engine):
    assert list(engine.answer([])) == []


def test_two_shards_at_once_get_their_own_answers(engine):
    with ThreadPoolExecutor(2) as executor:
        shards = [pages(20)[:10], pages(20)[10:]]
        answered = list(executor.map(lambda shard: [a.page_number for a in engine.answer(shard)], shards))
    assert answered == [list(range(1, 11)), list(range(11, 21))]


def test_pages_are_taken_only_so_far_ahead(engine, candidate):
    taken = answered = furthest = 0

    def taking() -> Iterator[Page]:
        nonlocal taken, furthest
        for one in pages(60):
            taken += 1
            furthest = max(furthest, taken - answered)
            yield one

    for _ in engine.answer(taking()):
        answered += 1
    assert answered == 60
    assert furthest <= candidate.most_ahead + 1  # the one that waits for a place


def test_an_abandoned_shard_leaves_the_engine_usable(engine):
    answers = engine.answer(pages(20))
    assert next(answers).page_number == 1
    answers.close()
    assert [answer.page_number for answer in engine.answer(pages(3))] == [1, 2, 3]


def test_an_error_of_the_lake_passes_through(engine):
    def broken() -> Iterator[Page]:
        yield page(1)
        raise OSError("the storage is gone")

    with pytest.raises(OSError, match="storage is gone"):
        list(engine.answer(broken()))


def test_closing_in_the_middle_raises_and_leaves_nothing(candidate):
    threads, children = set(threading.enumerate()), set(psutil.Process().children())
    engine = candidate.open()
    answers = engine.answer(pages(200))
    next(answers)
    closer = threading.Timer(0.05, engine.close)
    closer.start()
    with pytest.raises(PoolClosed):
        list(answers)
    closer.join()
    started = time.monotonic()
    engine.close()
    with pytest.raises(PoolClosed):
        list(engine.answer(pages(1)))
    assert time.monotonic() - started < 5
    assert set(threading.enumerate()) - threads - {closer} == set()
    assert set(psutil.Process().children()) - children == set()


@pytest.mark.parametrize("candidate", ["cpu", "chat-resized", "cut-outs"], indirect=True)
def test_a_page_that_cannot_be_read_is_an_answer_that_says_why(engine):
    broken = page(2, image=b"this is no picture")
    first, second, third = engine.answer([page(1), broken, page(3)])
    assert first.text and third.text
    assert second.text is None and second.error_kind == "engine_error" and second.error
