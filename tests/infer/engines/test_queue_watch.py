"""The window heeds what waits inside the server, where the server tells."""

from __future__ import annotations

import httpx
import pytest
from asked_pages import Recipe, page, say_number
from stand_in_server import StandInServer

from tasks.infer.engines import queue_watch
from tasks.infer.engines.chat import ChatEngine
from tasks.infer.engines.loop_engine import ChatLimits
from tasks.infer.engines.queue_watch import metrics_url
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
