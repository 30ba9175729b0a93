"""The engine of cut-outs against a stand-in server: what is asked about a page, and what becomes of its answers."""

from __future__ import annotations

import asyncio
import io
import json
import random
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace

import psutil
import pytest
from asked_pages import CutRecipe, Layout, number_of, page, picture, step
from PIL import Image
from stand_in_server import FAULTS, Asked, Said, StandInServer

from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.chat import page_asker
from tasks.infer.engines.cut_outs import CutOutEngine, CutOuts
from tasks.infer.engines.cut_request import CUTTER
from tasks.infer.engines.image_workers import ImageWorkers
from tasks.infer.engines.loop_engine import ChatLimits
from tasks.infer.engines.retry import EngineGone
from tasks.lake.rows import Page

QUICK = ChatLimits(requests=16, request_timeout_s=30, gone_after_s=1.0, gone_after_failures=4)


def engine_at(
    url: str, layout: Layout | None = None, recipe: CutRecipe | None = None, limits: ChatLimits = QUICK
) -> CutOutEngine:
    return CutOutEngine(
        [url], model="m", recipe=recipe or CutRecipe(), layout=layout or Layout(), workers=2, limits=limits
    )


def striped(number: int, colours: list[int]) -> Page:
    """A page of stripes of grey, one below the other."""
    image = Image.new("RGB", (96, 12 * len(colours)))
    for index, colour in enumerate(colours):
        image.paste((colour, 0, 0), (0, 12 * index, 96, 12 * index + 12))
    file = io.BytesIO()
    image.save(file, "PNG")
    return replace(page(number, file.getvalue()), image_height=image.height)


def say_colour(asked: Asked) -> Said:
    return Said(str(number_of(asked)))


def test_every_box_is_asked_about_and_the_answers_come_back_in_its_place():
    colours = [10, 20, 30, 40, 50]
    delays = random.Random(1)

    def answer(asked: Asked) -> Said:
        time.sleep(delays.random() / 50)
        return say_colour(asked)

    with StandInServer(answer) as server, engine_at(server.url, Layout(5)) as engine:
        [got] = engine.answer([striped(1, colours)])
    assert json.loads(got.text or "") == [str(colour) for colour in colours]
    assert (got.status, got.step, got.finish_reason, got.error_kind) == (None, None, "stop", None)
    assert (got.attempts, got.prompt_tokens, got.completion_tokens) == (5, 500, 5)
    assert got.tried == ("read: 5 ok",)
    assert got.seconds >= 0.5  # what the layout says it took


def test_a_page_without_boxes_is_not_asked_about():
    with StandInServer() as server, engine_at(server.url, Layout(0)) as engine:
        [answer] = engine.answer([page(1)])
        assert engine.peak_memory_bytes == 0  # and nothing is cut
    assert (answer.text, answer.attempts, answer.finish_reason, server.requests) == ("[]", 0, "stop", 0)
    assert (answer.prompt_tokens, answer.completion_tokens, answer.tried) == (None, None, ())


def test_a_page_of_which_the_boxes_are_not_found_says_so():
    layout = Layout(fails_on=frozenset({2}))
    with StandInServer(say_colour) as server, engine_at(server.url, layout) as engine:
        first, second, third = engine.answer(page(number) for number in (1, 2, 3))
    assert first.text and third.text
    assert (second.text, second.error_kind, second.attempts, server.requests) == (None, "timeout", 0, 2)
    assert second.error is not None and "boxes" in second.error and "too slow" in second.error


def test_a_page_that_cannot_be_cut_says_so():
    with StandInServer(say_colour) as server, engine_at(server.url) as engine:
        [answer] = engine.answer([page(1, b"no picture")])
    assert (answer.text, answer.error_kind, server.requests) == (None, "engine_error", 0)
    assert answer.error is not None and "cannot be decoded" in answer.error


def refusing(*refused: int):
    def answer(asked: Asked) -> Said:
        return Said("", status=400, error="not that one") if number_of(asked) in refused else say_colour(asked)

    return answer


def test_a_cut_out_without_an_answer_costs_no_other_and_the_page_says_so():
    with StandInServer(refusing(20)) as server, engine_at(server.url, Layout(3)) as engine:
        [answer] = engine.answer([striped(1, [10, 20, 30])])
    assert json.loads(answer.text or "") == ["10", None, "30"]
    assert answer.error_kind == "refused"
    assert answer.error is not None
    assert answer.error.startswith("1 of 3 cut-outs") and "not that one" in answer.error
    assert answer.tried == ("read: 2 ok", "read: 1 failed")


def test_a_page_fails_where_no_cut_out_was_answered():
    with StandInServer(refusing(10, 20)) as server, engine_at(server.url, Layout(2)) as engine:
        [answer] = engine.answer([striped(1, [10, 20])])
    assert (answer.text, answer.finish_reason, answer.error_kind) == (None, None, "refused")
    assert answer.attempts == 2
    assert answer.error is not None and answer.error.startswith("2 of 2 cut-outs")


def test_a_loop_in_one_box_has_only_that_one_asked_again():
    def answer(asked: Asked) -> Said:
        loops = number_of(asked) == 20 and asked.body["step"] == "read"
        return Said("a a a a", "repetition") if loops else Said(f"{asked.body['step']} {number_of(asked)}")

    recipe = CutRecipe(steps=(step("read"), step("again")))
    with StandInServer(answer) as server, engine_at(server.url, Layout(3), recipe) as engine:
        [got] = engine.answer([striped(1, [10, 20, 30])])
    assert json.loads(got.text or "") == ["read 10", "again 20", "read 30"]
    assert (server.requests, got.attempts, got.finish_reason) == (4, 4, "stop")
    assert got.tried == ("read: 2 ok", "read: 1 looped", "again: 1 ok")


def test_the_finish_reason_is_that_of_the_worst():
    def answer(asked: Asked) -> Said:
        return {10: Said("a"), 20: Said("b", "length"), 30: Said("c c c", "repetition")}[number_of(asked)]

    with StandInServer(answer) as server, engine_at(server.url, Layout(3)) as engine:
        [got] = engine.answer([striped(1, [10, 20, 30])])
    assert got.finish_reason == "repetition"


class OneFullPage(Layout):
    def boxes_on(self, page: Page) -> int:
        return 96 if page.page_number == 1 else 2


@pytest.mark.parametrize("size_bytes", [256 << 20, 2_000])
def test_a_page_of_a_hundred_boxes_neither_starves_the_others_nor_stops_itself(size_bytes: int):
    limits = replace(QUICK, requests=4, size_bytes=size_bytes)
    with (
        StandInServer(say_colour, latency_s=0.005) as server,
        engine_at(server.url, OneFullPage(), limits=limits) as engine,
    ):
        answers = list(engine.answer(page(number) for number in range(1, 41)))
        assert server.most_in_flight <= 4
    assert [answer.page_number for answer in answers] == list(range(1, 41))
    assert [len(json.loads(answer.text or "")) for answer in answers] == [96] + [2] * 39
    assert server.requests == 96 + 78


@pytest.mark.parametrize("fault", [*FAULTS])
def test_a_tenth_of_the_requests_fails(fault: str):
    patient = replace(QUICK, request_timeout_s=1.0 if fault == "hang" else 30.0, gone_after_s=30.0)
    with (
        StandInServer(say_colour, faults={fault: 0.1}, seed=3) as server,
        engine_at(server.url, Layout(4), limits=patient) as engine,
    ):
        answers = list(engine.answer(page(number) for number in range(1, 21)))
    assert [answer.page_number for answer in answers] == list(range(1, 21))
    assert server.struck[fault] > 0
    said = Counter(text == str(a.page_number) for a in answers for text in json.loads(a.text or ""))
    assert said.total() == 80
    assert sum(answer.attempts for answer in answers) >= server.requests
    if fault in ("400", "length", "loop"):  # the only step there is; nothing to ask again
        assert said[False] == server.struck[fault]
        assert sum(a.error_kind is not None for a in answers) <= (server.struck[fault] if fault == "400" else 0)
    else:
        assert said[False] == 0


def test_an_endpoint_that_dies_stops_the_run():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{probe.getsockname()[1]}/v1"
    with engine_at(url, Layout(5)) as engine:
        started = time.monotonic()
        with pytest.raises(EngineGone, match="is gone"):
            list(engine.answer(page(number) for number in range(1, 20)))
        assert time.monotonic() - started < 10
        with pytest.raises(EngineGone):
            list(engine.answer([page(1)]))


def test_workers_that_are_killed_cost_no_cut_out():
    others = set(psutil.Process().children())
    with StandInServer(say_colour) as server, engine_at(server.url, Layout(2)) as engine:
        answers = engine.answer(page(number) for number in range(1, 101))
        got = [next(answers)]
        workers = set(psutil.Process().children()) - others
        assert len(workers) in (1, 2)
        for worker in workers:
            worker.kill()
        got += answers
        assert engine.peak_memory_bytes > 0
    assert [json.loads(answer.text or "") for answer in got] == [[str(n)] * 2 for n in range(1, 101)]


def test_closing_closes_the_layout():
    layout = Layout()
    with StandInServer(say_colour) as server, engine_at(server.url, layout) as engine:
        list(engine.answer([page(1)]))
    assert layout.closed


@dataclass
class SlowLayout(Layout):
    """Takes as long as nobody lets it go on."""

    go_on: threading.Event = field(default_factory=threading.Event)

    def boxes_on(self, page: Page) -> int:
        assert self.go_on.wait(10)
        return 1

    def close(self) -> None:
        self.go_on.set()
        super().close()


def test_while_boxes_are_looked_for_other_pages_are_asked_about():
    """The layout waits in threads of its own: the loop that sends requests goes on."""
    layout = SlowLayout()
    with StandInServer(say_colour) as server, engine_at(server.url, layout) as engine:
        done = threading.Thread(target=lambda: list(engine.answer(page(n) for n in range(1, 6))))
        done.start()
        with engine_at(server.url, Layout(3)) as other:
            assert len(list(other.answer([page(1)]))) == 1
        loop = engine._loop_thread
        assert loop is not None
        assert loop.submit(asyncio.sleep(0)).result(5) is None
        layout.go_on.set()
        done.join(10)
    assert server.requests == 3 + 5


def test_the_room_is_told_what_the_cut_outs_take_and_the_picture_is_let_go():
    sent: list[int] = []

    def answer(asked: Asked) -> Said:
        sent.append(len(asked.body["messages"][0]["content"][0]["image_url"]["url"].partition(",")[2]))
        return say_colour(asked)

    async def ask(url: str) -> list[int]:
        asker = page_asker([url], model="m", api_key=None, limits=QUICK, busy=BusyMeter())
        server = CutOuts(CutRecipe(), asker, Layout(4), ImageWorkers(CUTTER, 1, 60.0), 1)
        told: list[int] = []
        try:
            taken = server.take(page(7, picture(7)))
            answer = await server.serve(taken, told.append)
            assert answer.text
            with pytest.raises(AssertionError):  # handed over already
                taken.hand_over()
        finally:
            server.stop_work()
            await server.close_connections()
        return told

    with StandInServer(answer) as server:
        told = asyncio.run(ask(server.url))
    assert len(sent) == 4
    assert told == [sum(sent)]
