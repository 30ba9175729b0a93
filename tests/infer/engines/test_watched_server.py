"""A server of our own that dies and comes back: pages wait, innocents are answered, the one that kills it is found."""

from __future__ import annotations

import threading
import time

import pytest
from asked_pages import Recipe, number_of, page, say_number
from stand_in_server import Asked, Said, StandInServer

from tasks.errors import EngineLost
from tasks.infer.engines.chat import ChatEngine
from tasks.infer.engines.loop_engine import ChatLimits


class DyingServer:
    """A stand-in server that dies of certain pages, with every request that is out, and is started again by its watch.

    `fatal` is how often each page kills it.
    """

    def __init__(self, fatal: dict[int, int], lives: int = 99, down_s: float = 0.2) -> None:
        self.fatal, self.lives, self.down_s = fatal, lives, down_s
        self.life, self.answers = 1, 0
        self.beside: list[int] = []
        self._down_until = 0.0
        self._lock = threading.Lock()
        self.server = StandInServer(self._answer, latency_s=0.02)

    def _answer(self, asked: Asked) -> Said:
        """On the server's one thread: a page that kills takes everybody else down with it."""
        number = number_of(asked)
        if self.fatal.get(number, 0) > 0:
            self.fatal[number] -= 1
            self.beside.append(self.server.in_flight)
            with self._lock:
                self._down_until, self.life = time.monotonic() + self.down_s, self.life + 1
            for connection in list(self.server._connections):
                connection.abort()
        return say_number(asked)

    @property
    def is_ready(self) -> bool:
        return self.life <= self.lives and time.monotonic() >= self._down_until

    def wait_ready(self) -> None:
        if self.life > self.lives:
            raise EngineLost("it died too often")
        time.sleep(max(0.0, self._down_until - time.monotonic()))

    def answered(self) -> None:
        self.answers += 1


def engine_of(dying: DyingServer) -> ChatEngine:
    limits = ChatLimits(requests=16, request_timeout_s=10)
    return ChatEngine([dying.server.url], model="m", recipe=Recipe(), workers=1, limits=limits, watch=dying)


def test_a_server_that_dies_now_and_then_costs_no_page():
    dying = DyingServer({20: 1, 60: 1, 90: 1})
    with dying.server, engine_of(dying) as engine:
        answers = list(engine.answer(page(number) for number in range(1, 121)))
    assert dying.life == 4
    assert [answer.text for answer in answers] == [f'{{"page": {number}}}' for number in range(1, 121)]
    assert max(answer.attempts for answer in answers) >= 2
    assert dying.answers == 120


def test_the_page_that_kills_the_server_is_the_only_one_that_fails():
    dying = DyingServer({30: 1000})
    with dying.server, engine_of(dying) as engine:
        answers = list(engine.answer(page(number) for number in range(1, 81)))
    failed = [answer for answer in answers if answer.text is None]
    assert [answer.page_number for answer in failed] == [30]
    assert failed[0].error_kind == "engine_error" and "died 3 times" in (failed[0].error or "")
    assert dying.life == 4
    assert dying.beside[-1] == 0  # the last time, it was alone


def test_a_restart_that_takes_longer_than_we_wait_for_others_is_no_end():
    """Nothing was ever answered, and every start takes longer than a server of somebody else would be given."""
    dying = DyingServer({1: 1000}, down_s=1.0)
    limits = ChatLimits(requests=16, request_timeout_s=10, gone_after_s=0.2, gone_after_failures=2)
    with (
        dying.server,
        ChatEngine([dying.server.url], model="m", recipe=Recipe(), workers=1, limits=limits, watch=dying) as engine,
    ):
        answers = list(engine.answer(page(number) for number in range(1, 25)))
    assert [answer.page_number for answer in answers if answer.text is None] == [1]


def test_two_pages_that_kill_are_both_found():
    dying = DyingServer({5: 1000, 6: 1000})
    with dying.server, engine_of(dying) as engine:
        answers = list(engine.answer(page(number) for number in range(1, 41)))
    assert [answer.page_number for answer in answers if answer.text is None] == [5, 6]


def test_a_server_that_is_given_up_stops_the_run_with_its_own_reason():
    dying = DyingServer({3: 1000}, lives=1)
    with dying.server, engine_of(dying) as engine, pytest.raises(EngineLost, match="died too often"):
        list(engine.answer(page(number) for number in range(1, 41)))


def test_pages_wait_for_a_server_that_starts():
    dying = DyingServer({}, down_s=0.5)
    dying._down_until = time.monotonic() + 0.5
    with dying.server, engine_of(dying) as engine:
        [answer] = engine.answer([page(1)])
    assert (answer.text, answer.attempts) == ('{"page": 1}', 1)
