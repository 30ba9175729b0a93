"""The chat engine against a stand-in server: what is sent, what is kept, and what a shard goes through."""

from __future__ import annotations

import io
import logging
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from asked_pages import Recipe, number_of, page, picture, say_number, step
from PIL import Image
from pydantic import SecretStr
from stand_in_server import FAULTS, Asked, Said, StandInServer

from tasks.infer.engines import chat_asker
from tasks.infer.engines.chat import ChatEngine
from tasks.infer.engines.chat_recipe import ChatRecipe
from tasks.infer.engines.loop_engine import PREPARED_AHEAD, ChatLimits
from tasks.infer.engines.retry import EngineGone
from tasks.infer.infer import infer_shard
from tasks.infer.models.cpu_layout import PROFILE
from tasks.lake.pages import write_pages
from tasks.lake.storage import LakeFolder

QUICK = ChatLimits(requests=16, request_timeout_s=0.5, gone_after_s=1.0, gone_after_failures=4)
KEY = "sk-never-to-be-seen"


def engine_at(
    *endpoints: str, recipe: ChatRecipe | None = None, limits: ChatLimits = QUICK, key: str | None = None
) -> ChatEngine:
    secret = SecretStr(key) if key else None
    return ChatEngine(endpoints, model="m", recipe=recipe or Recipe(), workers=1, limits=limits, api_key=secret)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pages(count: int):
    return (page(number) for number in range(1, count + 1))


def said_about(number: int) -> str:
    return f'{{"page": {number}}}'


def test_the_request_is_what_the_recipe_says_and_the_image_is_as_stored():
    seen: list[Asked] = []

    def remember(asked: Asked) -> Said:
        seen.append(asked)
        return Said("ok")

    with StandInServer(remember) as server, engine_at(server.url, key=KEY) as engine:
        [answer] = engine.answer([page(7)])
    assert seen[0].body["model"] == "m" and seen[0].body["max_tokens"] == 64
    assert seen[0].body["messages"][0]["content"][1]["text"] == "Read (96, 96)."
    assert seen[0].image == picture(7)
    assert seen[0].headers["authorization"] == f"Bearer {KEY}"
    assert (answer.text, answer.step, answer.tried) == ("ok", "read", ("read: ok",))
    assert (answer.prompt_tokens, answer.completion_tokens) == (100, 1)
    assert engine.peak_memory_bytes == 0  # no process was needed


@pytest.mark.parametrize("image_format", ["jpeg", "png"])
def test_an_image_is_resized_and_encoded_as_the_recipe_says(image_format):
    seen: list[Asked] = []

    def remember(asked: Asked) -> Said:
        seen.append(asked)
        return Said("ok")

    recipe = Recipe(side=48, image_format=image_format)
    with StandInServer(remember) as server, engine_at(server.url, recipe=recipe) as engine:
        assert [answer.text for answer in engine.answer([page(200)])] == ["ok"]
        assert engine.peak_memory_bytes > 0
    with Image.open(io.BytesIO(seen[0].image)) as image:
        assert (image.size, image.format) == ((48, 48), image_format.upper())
    assert abs(number_of(seen[0]) - 200) <= 3
    assert seen[0].body["messages"][0]["content"][1]["text"] == "Read (48, 48)."


@pytest.mark.parametrize("fault", sorted(set(FAULTS) - {"broken-stream"}))
def test_a_tenth_of_the_requests_fails(fault):
    limits = replace(QUICK, request_timeout_s=1.0 if fault == "hang" else 60.0)
    with (
        StandInServer(say_number, faults={fault: 0.1}, seed=3) as server,
        engine_at(server.url, limits=limits) as engine,
    ):
        answers = list(engine.answer(pages(60)))
    assert [answer.page_number for answer in answers] == list(range(1, 61))
    assert server.struck[fault] > 0
    unharmed = [answer for answer in answers if answer.text == said_about(answer.page_number)]
    if fault in ("400", "length", "loop"):  # the only step there is; nothing to ask again
        assert len(unharmed) == 60 - server.struck[fault]
    else:
        assert len(unharmed) == 60
        attempts = sum(answer.attempts for answer in answers)
        assert attempts == server.requests
        # A slow machine may take others for hanging, too.
        assert attempts >= 60 + server.struck[fault] if fault == "hang" else attempts == 60 + server.struck[fault]


def test_all_faults_together_over_two_shards_at_once():
    faults = dict.fromkeys(FAULTS, 0.1 / len(FAULTS))
    recipe = Recipe(steps=(step(), step("again", temperature=0.2), step("plain")))
    with (
        StandInServer(say_number, faults=faults, seed=5, latency_s=0.01) as server,
        engine_at(server.url, recipe=recipe) as engine,
    ):
        shards = [[page(n) for n in range(1, 151)], [page(n) for n in range(151, 301)]]
        with ThreadPoolExecutor(2) as executor:
            one, other = executor.map(lambda shard: [(a.page_number, a.text) for a in engine.answer(shard)], shards)
    both = one + other
    assert [number for number, _ in both] == list(range(1, 301))
    refused = server.struck["400"]
    assert sum(text == said_about(number) for number, text in both) >= 300 - refused
    assert server.most_in_flight <= QUICK.requests
    assert len(server.struck) >= 10


def test_a_refusal_is_not_repeated_and_says_what_the_server_said():
    def refuse(asked: Asked) -> Said:
        return (
            Said("", status=400, error="too many \x1b[31m pixels " + "x" * 5000)
            if number_of(asked) == 2
            else Said("ok")
        )

    with StandInServer(refuse) as server, engine_at(server.url) as engine:
        first, second, third = engine.answer(pages(3))
    assert server.requests == 3
    assert first.text == third.text == "ok"
    assert second.error_kind == "refused" and second.attempts == 1
    assert second.error is not None and "HTTP 400: too many" in second.error
    assert len(second.error) < 700 and "\x1b" not in second.error


def test_a_page_that_always_fails_is_given_up():
    def fail(asked: Asked) -> Said:
        return Said("", status=500, error="boom") if number_of(asked) == 2 else Said("ok")

    with StandInServer(fail) as server, engine_at(server.url) as engine:
        _, second, _ = engine.answer(pages(3))
    assert (second.attempts, server.requests) == (5, 7)
    assert second.error is not None and "boom" in second.error and "asked 5 times" in second.error


def test_a_page_that_always_hangs_is_a_timeout():
    limits = ChatLimits(requests=4, request_timeout_s=0.1)
    with StandInServer(faults={"hang": 1.0}) as server, engine_at(server.url, limits=limits) as engine:
        [answer] = engine.answer(pages(1))
    assert (answer.error_kind, answer.attempts) == ("timeout", 3)


def by_step(said: dict[str, Said]):
    return lambda asked: said[asked.body["step"]]


LADDER = Recipe(steps=(step("read"), step("again"), step("plain")))


def test_the_next_step_is_taken_until_one_ends_well():
    said = {"read": Said("a a a", "repetition"), "again": Said("half of it", "length"), "plain": Said("all of it")}
    with StandInServer(by_step(said)) as server, engine_at(server.url, recipe=LADDER) as engine:
        [answer] = engine.answer(pages(1))
    assert (answer.text, answer.step, answer.attempts) == ("all of it", "plain", 3)
    assert answer.tried == ("read: looped", "again: truncated", "plain: ok")


def test_where_no_step_ends_well_the_best_is_kept():
    said = {
        "read": Said("a a a", "repetition"),
        "again": Said("half of it", "length"),
        "plain": Said("", status=400, error="no"),
    }
    with StandInServer(by_step(said)) as server, engine_at(server.url, recipe=LADDER) as engine:
        [answer] = engine.answer(pages(1))
    assert (answer.text, answer.finish_reason, answer.step) == ("half of it", "length", "again")
    assert answer.tried[-1] == "plain: failed" and answer.error_kind is None


def test_requests_in_flight_are_bounded_by_count_and_by_bytes():
    def large(number: int):
        return page(number, image=picture(number) + bytes(100_000))

    limits = ChatLimits(requests=8, size_bytes=500_000)
    with StandInServer(latency_s=0.02) as server, engine_at(server.url, limits=limits) as engine:
        assert len(list(engine.answer(large(number) for number in range(1, 41)))) == 40
        assert server.most_bytes_in_flight <= 500_000
        assert 1 < server.most_in_flight <= 3
    with StandInServer(latency_s=0.02) as server, engine_at(server.url, limits=ChatLimits(requests=8)) as engine:
        assert len(list(engine.answer(pages(60)))) == 60
        assert server.most_in_flight == 8
    assert PREPARED_AHEAD > 0


def test_a_page_larger_than_the_window_goes_alone():
    limits = ChatLimits(requests=8, size_bytes=50)
    with StandInServer(latency_s=0.01) as server, engine_at(server.url, limits=limits) as engine:
        assert len(list(engine.answer(pages(5)))) == 5
    assert server.most_in_flight == 1


def test_retry_after_is_honoured():
    with (
        StandInServer(faults={"429": 1.0}, retry_after="1", only_once=True) as server,
        engine_at(server.url) as engine,
    ):
        started = time.monotonic()
        [answer] = engine.answer(pages(1))
    assert answer.attempts == 2
    assert 1.0 <= time.monotonic() - started < 3


def test_endpoints_share_the_work_and_one_may_be_down():
    with StandInServer(latency_s=0.02) as one, StandInServer(latency_s=0.02) as other:
        nobody = f"http://127.0.0.1:{free_port()}/v1"
        with engine_at(one.url, nobody, other.url) as engine:
            answers = list(engine.answer(pages(80)))
    assert all(answer.text == "instant" for answer in answers)
    assert one.requests + other.requests == 80
    assert min(one.requests, other.requests) >= 30


def test_an_engine_that_comes_back_has_lost_no_page():
    port = free_port()
    limits = ChatLimits(requests=16, gone_after_s=30)
    with engine_at(f"http://127.0.0.1:{port}/v1", limits=limits) as engine:
        answers: list[str | None] = []
        shard = threading.Thread(target=lambda: answers.extend(a.text for a in engine.answer(pages(20))))
        shard.start()
        time.sleep(0.5)
        with StandInServer(port=port):
            shard.join(30)
    assert answers == ["instant"] * 20


@pytest.mark.parametrize("how", ["nobody listens", "nothing is ever answered", "unavailable"])
def test_an_engine_that_is_gone_stops_the_run_and_leaves_no_half_shard(tmp_path, how):
    lake = LakeFolder.open(str(tmp_path))
    write_pages(lake, "pages/render=r/s.parquet", pages(40))
    faults = {"nobody listens": {}, "nothing is ever answered": {"hang": 1.0}, "unavailable": {"503": 1.0}}[how]
    with StandInServer(faults=faults) as server:
        url = f"http://127.0.0.1:{free_port()}/v1" if how == "nobody listens" else server.url
        with engine_at(url) as engine:
            started = time.monotonic()
            with pytest.raises(EngineGone, match="is gone") as raised:
                infer_shard(lake, "s", profile=PROFILE, engine=engine, render_id="r", run_id="run")
            assert time.monotonic() - started < 10
            with pytest.raises(EngineGone):
                list(engine.answer(pages(1)))
    assert url in str(raised.value)
    assert not list(tmp_path.rglob("responses/**/*.parquet"))


def test_an_endpoint_that_refuses_everything_stops_the_run():
    def unknown(_: Asked) -> Said:
        return Said("", status=404, error="The model `m` does not exist.")

    with (
        StandInServer(unknown) as server,
        engine_at(server.url) as engine,
        pytest.raises(EngineGone, match="does not exist"),
    ):
        list(engine.answer(pages(40)))


def test_the_key_is_nowhere_but_in_the_header(caplog):
    def repeat_the_key(asked: Asked) -> Said:
        return Said("", status=400 if number_of(asked) == 1 else 500, error=asked.headers["authorization"])

    with caplog.at_level(logging.DEBUG), StandInServer(repeat_the_key) as server:
        with engine_at(server.url, key=KEY) as engine:
            answers = list(engine.answer(pages(2)))
            assert KEY not in repr(vars(engine))
        gone = StandInServer(lambda asked: Said("", status=401, error=asked.headers["authorization"]))
        with gone, engine_at(gone.url, key=KEY) as engine, pytest.raises(EngineGone) as raised:
            list(engine.answer(pages(40)))
    assert all(answer.error and "***" in answer.error for answer in answers)
    assert Counter(KEY in str(answer) for answer in answers) == {False: 2}
    assert KEY not in str(raised.value) and KEY not in repr(raised.value.__dict__)
    assert KEY not in caplog.text


@pytest.mark.parametrize("before", [0, 450, 475, 490, 499, 1980, 1995])
def test_no_part_of_the_key_is_told_wherever_a_message_is_cut(before):
    said = "x" * before + KEY
    with (
        StandInServer(lambda _: Said("", status=400, error=said)) as server,
        engine_at(server.url, key=KEY) as engine,
    ):
        [answer] = engine.answer([page(1)])
    assert answer.error and "sk-" not in answer.error and "never" not in answer.error


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_key_that_expires_in_the_middle_stops_the_run(status):
    answered = 0

    def expire(asked: Asked) -> Said:
        nonlocal answered
        answered += 1
        return Said("ok") if answered <= 20 else Said("", status=status, error="the key has expired")

    with (
        StandInServer(expire) as server,
        engine_at(server.url, limits=replace(QUICK, request_timeout_s=30)) as engine,
        pytest.raises(EngineGone, match="expired"),
    ):
        list(engine.answer(pages(200)))
    assert server.requests < 80


def test_a_way_of_asking_that_a_server_always_refuses_stops_the_run():
    with (
        StandInServer(lambda _: Said("", status=400, error="use max_completion_tokens")) as server,
        engine_at(server.url, limits=replace(QUICK, request_timeout_s=30)) as engine,
        pytest.raises(EngineGone, match="max_completion_tokens"),
    ):
        list(engine.answer(pages(200)))


def test_a_server_behind_a_proxy_that_goes_away_stops_the_run_before_a_page_is_blamed(monkeypatch):
    monkeypatch.setattr(chat_asker, "ANSWERS_LATELY_S", 0.5)
    answered = 0

    def go_away(asked: Asked) -> Said:
        nonlocal answered
        answered += 1
        return Said("ok") if answered <= 20 else Said("", status=502, error="bad gateway")

    limits = replace(QUICK, request_timeout_s=30, gone_after_s=15, gone_after_failures=16)
    with StandInServer(go_away) as server, engine_at(server.url, limits=limits) as engine:
        answers = engine.answer(pages(60))
        with pytest.raises(EngineGone, match="bad gateway"):
            assert all(answer.text == "ok" for answer in answers)
