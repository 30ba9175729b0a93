"""The window heeds what waits inside the server, where the server tells."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from asked_pages import Recipe, page, say_number
from stand_in_server import StandInServer

from tasks.infer.engines import queue_watch
from tasks.infer.engines.chat import ChatEngine
from tasks.infer.engines.loop_engine import ChatLimits
from tasks.infer.engines.queue_watch import QueueWatch, metrics_url
from tasks.infer.engines.window import FIRST_LIMIT, FIRST_LIMIT_WITHOUT_QUEUE

METRICS = '# TYPE vllm:num_requests_waiting gauge\nvllm:num_requests_waiting{engine="0"} %d.0\n'


@pytest.mark.parametrize(
    ("api", "metrics"),
    [
        ("http://h:8000/v1/chat/completions", "http://h:8000/metrics"),
        ("http://h:8000/chat/completions", "http://h:8000/metrics"),
        ("https://h/models/a/v1/chat/completions", "https://h/models/a/metrics"),
    ],
)
def test_figures_are_beside_the_api(api, metrics):
    assert str(metrics_url(httpx.URL(api), "/chat/completions")) == metrics


def most_in_flight(metrics: str | None, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(queue_watch, "LOOK_EVERY_S", 0.01)
    limits = ChatLimits(requests=64, request_timeout_s=30)
    with StandInServer(say_number, latency_s=0.2) as server:
        server.metrics = metrics
        with ChatEngine([server.url], model="m", recipe=Recipe(), workers=1, limits=limits) as engine:
            answers = list(engine.answer(page(number) for number in range(1, 81)))
        assert len(answers) == server.requests == 80
        return server.most_in_flight


def test_it_grows_while_nothing_waits(monkeypatch):
    assert most_in_flight(METRICS % 0, monkeypatch) > FIRST_LIMIT_WITHOUT_QUEUE


def test_it_does_not_grow_while_requests_wait_inside(monkeypatch):
    assert most_in_flight(METRICS % 9, monkeypatch) == FIRST_LIMIT


@pytest.mark.parametrize("page_of_another", [None, "", "<html>", "process_cpu_seconds_total 4"])
def test_a_server_that_tells_nothing_is_taken_for_one_that_has_room(page_of_another, monkeypatch):
    assert most_in_flight(page_of_another, monkeypatch) > FIRST_LIMIT


Look = httpx.Response | Exception
GATEWAY, HTML = httpx.Response(502), httpx.Response(200, text="<html>starting</html>")
ODD = httpx.Response(200, text='vllm:num_requests_waiting 3 #{x="y"} 1')


def figures(waiting: int) -> httpx.Response:
    return httpx.Response(200, text=METRICS % waiting)


def told_by(*looks: Look, monkeypatch: pytest.MonkeyPatch, told: Callable[[int], None] | None = None) -> list[int]:
    """What is told while these looks are had, the last one over and over, and how it ends when it is closed."""
    monkeypatch.setattr(queue_watch, "LOOK_EVERY_S", 0.001)
    heard: list[int] = []
    left = list(looks)

    def answer(_: httpx.Request) -> httpx.Response:
        look = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(look, Exception):
            raise look
        return httpx.Response(look.status_code, content=look.content)

    async def watch() -> None:
        async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
            watch = QueueWatch(client, httpx.URL("http://h/metrics"), told or heard.append)
            watch.start()
            assert watch._watching
            await asyncio.wait([watch._watching], timeout=0.5)
            await watch.close()

    asyncio.run(watch())
    return heard


@pytest.mark.parametrize("unreadable", [GATEWAY, HTML, ODD, httpx.ConnectError("restarts"), RuntimeError("odd")])
def test_a_look_that_tells_nothing_does_not_end_the_watch(unreadable, monkeypatch):
    assert told_by(figures(9), *[unreadable] * 9, figures(4), monkeypatch=monkeypatch)[:11] == [9, *[0] * 9, 4]


@pytest.mark.parametrize("unreadable", [GATEWAY, HTML, ODD, RuntimeError("odd")])
def test_a_server_that_answers_without_figures_from_the_start_is_left_alone(unreadable, monkeypatch):
    assert told_by(unreadable, monkeypatch=monkeypatch) == [0, 0, 0]


def test_a_server_that_is_not_there_yet_is_waited_for(monkeypatch):
    assert told_by(*[httpx.ConnectError("not yet")] * 9, figures(4), monkeypatch=monkeypatch)[8:10] == [0, 4]


def test_what_the_watch_ran_into_is_not_raised_when_it_is_closed(monkeypatch):
    def told(_: int) -> None:
        raise RuntimeError("no")

    told_by(figures(1), monkeypatch=monkeypatch, told=told)
