"""The engine that brings its own server: pages wait for it, and outlive it. What plays vLLM is in `fake_vllm`."""

from __future__ import annotations

import os
import signal

import pytest
from asked_pages import Recipe, page
from fake_server import Fake, wait_until

from tasks.errors import EngineLost
from tasks.infer.engines.chat import ChatEngine
from tasks.infer.engines.loop_engine import ChatLimits
from tasks.infer.engines.vllm import VllmEngine
from tasks.infer.engines.vllm_server import VllmLimits

pytestmark = pytest.mark.integration

QUICK = VllmLimits(look_pause_s=0.05, restart_pause_s=0.05)


def engine_of(fake: Fake, *script: dict) -> VllmEngine:
    def asking(endpoint: str, watch) -> ChatEngine:
        return ChatEngine(
            [endpoint],
            model="tiny",
            recipe=Recipe(),
            workers=1,
            limits=ChatLimits(requests=4, request_timeout_s=60),
            watch=watch,
        )

    return VllmEngine(fake.plays(*script), asking, limits=QUICK)


def pages(count: int):
    return (page(number) for number in range(1, count + 1))


def test_pages_wait_until_the_server_has_started(fake):
    with engine_of(fake, {"delay_s": 1}) as engine:
        assert fake.lives() == []  # nothing is started before the first page
        answers = list(engine.answer(pages(6)))
        assert [answer.text for answer in answers] == [f'{{"page": {number}}}' for number in range(1, 7)]
        assert {answer.attempts for answer in answers} == {1}
        wait_until(lambda: engine.peak_memory_bytes > 1 << 20)
    assert fake.processes() == []


def test_a_shard_without_pages_starts_no_server(fake):
    with engine_of(fake, {}) as engine:
        assert list(engine.answer(pages(0))) == []
        assert engine.server._watcher.ident is None
        assert [answer.page_number for answer in engine.answer(pages(1))] == [1]
    assert len(fake.lives()) == 1


def test_no_page_is_lost_when_the_server_dies_again_and_again(fake):
    with engine_of(fake, {"die_after": 7}, {"die_after": 7}, {"die_after": 7}, {}) as engine:
        answers = list(engine.answer(pages(40)))
    assert [answer.page_number for answer in answers] == list(range(1, 41))
    assert all(answer.text == f'{{"page": {answer.page_number}}}' for answer in answers)
    assert len(fake.lives()) == 4
    assert fake.processes() == []


@pytest.mark.slow
def test_many_pages_that_kill_the_server_are_passed(fake):
    fatal = [2, 8, 9, 10, 11, 17, 22, 27, 32]
    with engine_of(fake, {"fatal": fatal}) as engine:
        answers = list(engine.answer(pages(40)))
    assert [answer.page_number for answer in answers] == list(range(1, 41))
    # This server is back before idle connections to the last one are given up, so that an innocent may be blamed.
    assert set(fatal) <= {answer.page_number for answer in answers if answer.text is None}
    assert len(fake.lives()) > 20


def test_a_server_killed_from_outside_is_started_again(fake):
    with engine_of(fake, {}) as engine:
        answers = engine.answer(pages(60))
        first = next(answers)
        os.kill(fake.life()["pid"], signal.SIGKILL)
        rest = list(answers)
    assert [answer.page_number for answer in (first, *rest)] == list(range(1, 61))
    assert all(answer.text for answer in rest)
    assert len(fake.lives()) == 2


def test_a_server_that_does_not_start_stops_the_run_with_the_reason(fake):
    with (
        engine_of(fake, {"say": ["ValueError: no such weights"], "fail": 1}) as engine,
        pytest.raises(EngineLost, match="does not start: ValueError: no such weights"),
    ):
        list(engine.answer(pages(6)))
    assert len(fake.lives()) == 1
