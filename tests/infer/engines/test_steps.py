"""What is tried on a page beyond asking it once: without what the server refuses, and by somebody else at last."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import pytest
from asked_pages import Recipe, number_of, page, picture, step
from stand_in_server import Asked, Said, StandInServer

from tasks.infer.engines.chat import ChatEngine
from tasks.infer.engines.contract import Answer
from tasks.infer.engines.loop_engine import ChatLimits
from tasks.isolate import PoolClosed, WorkerUnusable
from tasks.lake.rows import Page

ONE_AT_A_TIME = ChatLimits(requests=1, request_timeout_s=5)


@dataclass
class Reads:
    """A last resort that says what it is told to."""

    said: str | Exception | None
    asked: list[Page] = field(default_factory=list)
    closed: bool = False
    name: str = "somebody"
    peak_memory_bytes: int = 0

    def answer(self, page: Page) -> Answer:
        self.asked.append(page)
        if isinstance(self.said, Exception):
            raise self.said
        return Answer(page.doc_id, page.page_number, self.said, "stop", 0.1)

    def characters(self, answer: Answer) -> int:
        return len(answer.text or "")

    def close(self) -> None:
        self.closed = True


def engine_at(server: StandInServer, recipe: Recipe, last_resort: Reads | None = None) -> ChatEngine:
    return ChatEngine([server.url], model="m", recipe=recipe, workers=1, limits=ONE_AT_A_TIME, last_resort=last_resort)


def with_extensions(**fields: object) -> Recipe:
    return Recipe(steps=(replace(step(), sampling=fields, extensions=frozenset({"vllm_xargs", "top_k"})),))


def refusing(*names: str):
    """A server that refuses requests with these fields."""

    def answer(asked: Asked) -> Said:
        known = [name for name in names if name in asked.body]
        return Said("", status=400, error=f"Extra inputs are not permitted: {known[0]}") if known else Said("read")

    return answer


def test_a_field_that_the_server_refuses_is_left_out_from_then_on():
    with (
        StandInServer(refusing("vllm_xargs")) as server,
        engine_at(server, with_extensions(vllm_xargs={"n": 3}, top_k=5)) as engine,
    ):
        [first], [second] = list(engine.answer([page(1)])), list(engine.answer([page(2)]))
    assert (first.text, second.text) == ("read", "read")
    assert (first.attempts, second.attempts, server.requests) == (2, 1, 3)
    assert first.tried == ("read without top_k, vllm_xargs: ok",)
    assert second.tried == ("read without vllm_xargs: ok",)  # top_k was never named
    assert first.step == second.step == "read"


def test_a_page_that_is_refused_for_itself_does_not_cost_the_others_their_fields():
    bodies: list[dict[str, object]] = []

    def refuse_the_first(asked: Asked) -> Said:
        bodies.append(asked.body)
        return Said("", status=400, error="the picture is too large") if number_of(asked) == 1 else Said("read")

    with (
        StandInServer(refuse_the_first) as server,
        engine_at(server, with_extensions(vllm_xargs={"n": 3})) as engine,
    ):
        [first], [second] = list(engine.answer([page(1)])), list(engine.answer([page(2)]))
    assert first.text is None and second.text == "read"
    assert ["vllm_xargs" in body for body in bodies] == [True, False, True]


def test_fields_are_not_given_up_for_a_refusal_that_may_be_chance():
    """The server refuses some pages at first, and never says why."""
    refusals = dict.fromkeys((1, 4), 1)
    bodies: list[dict[str, object]] = []

    def moody(asked: Asked) -> Said:
        number = number_of(asked)
        bodies.append(asked.body)
        if refusals.get(number, 0):
            refusals[number] -= 1
            return Said("", status=400, error="the picture cannot be decoded")
        return Said("read")

    recipe = with_extensions(vllm_xargs={"n": 3})
    with StandInServer(moody) as server, engine_at(server, recipe) as engine:
        texts = [answer.text for number in range(1, 7) for answer in engine.answer([page(number)])]
    assert texts == ["read"] * 6
    assert ["vllm_xargs" in body for body in bodies] == [True, False, True, True, True, False, True, True]


def test_fields_that_are_no_extensions_are_never_left_out():
    recipe = Recipe(steps=(step(vllm_xargs={}),))
    with StandInServer(refusing("vllm_xargs")) as server, engine_at(server, recipe) as engine:
        [answer] = engine.answer([page(1)])
    assert answer.text is None and server.requests == 1


def test_a_page_that_loops_to_the_end_is_read_by_the_last_resort():
    last = Reads("the page as somebody else reads it")
    recipe = Recipe(steps=(step(), step("plain")))
    with (
        StandInServer(lambda asked: Said("la la la", "repetition")) as server,
        engine_at(server, recipe, last) as engine,
    ):
        [answer] = engine.answer([page(7)])
    assert (answer.text, answer.step, answer.status) == (last.said, "somebody", "looped")
    assert answer.tried == ("read: looped", "plain: looped", "somebody: ok")
    assert answer.error_kind is None and answer.completion_tokens == 3
    [shown] = last.asked
    assert (shown.image, shown.image_format, shown.text_layer) == (picture(7), "png", page(7).text_layer)
    assert last.closed


def test_what_the_model_read_stays_where_there_is_more_of_it():
    last = Reads("less")
    with (
        StandInServer(lambda asked: Said("quite a lot", "length")) as server,
        engine_at(server, Recipe(), last) as engine,
    ):
        [answer] = engine.answer([page(1)])
    assert (answer.text, answer.step, answer.status) == ("quite a lot", "read", None)
    assert answer.tried == ("read: truncated", "somebody: ok")


def test_a_last_resort_that_fails_too_changes_nothing():
    last = Reads(None)
    with StandInServer(lambda asked: Said("cut", "length")) as server, engine_at(server, Recipe(), last) as engine:
        [answer] = engine.answer([page(1)])
    assert (answer.text, answer.tried) == ("cut", ("read: truncated", "somebody: failed"))


@pytest.mark.parametrize(("first", "second", "kept"), [(50, 5, "first"), (5, 50, "second")])
@pytest.mark.parametrize("reasons", [("length", "length"), ("length", "repetition"), ("repetition", "length")])
def test_of_answers_that_are_not_whole_the_one_with_more_to_read_is_kept(first, second, kept, reasons):
    def answer(asked: Asked) -> Said:
        first_step = asked.body["step"] == "first"
        return Said("x" * (first if first_step else second), reasons[0 if first_step else 1])

    recipe = Recipe(steps=(step("first"), step("second")))
    with StandInServer(answer) as server, engine_at(server, recipe) as engine:
        [answered] = engine.answer([page(1)])
    assert answered.step == kept


def test_a_last_resort_that_cannot_start_costs_no_page(caplog):
    last = Reads(WorkerUnusable("cpu engine", "no memory"))
    with StandInServer(lambda asked: Said("cut", "length")) as server, engine_at(server, Recipe(), last) as engine:
        answers = list(engine.answer([page(1), page(2)]))
    assert {(answer.text, answer.tried) for answer in answers} == {("cut", ("read: truncated", "somebody: failed"))}
    [told] = caplog.records
    assert "somebody" in told.getMessage() and "no memory" in told.getMessage()


def test_a_last_resort_that_is_closed_ends_the_run():
    last = Reads(PoolClosed("cpu engine"))
    with (
        StandInServer(lambda asked: Said("cut", "length")) as server,
        engine_at(server, Recipe(), last) as engine,
        pytest.raises(PoolClosed),
    ):
        list(engine.answer([page(1)]))


def test_good_pages_and_pages_without_any_answer_never_come_to_the_last_resort():
    last = Reads("something")

    def fail_the_second(asked: Asked) -> Said:
        return Said("", status=400, error="no") if number_of(asked) == 2 else Said("good")

    with StandInServer(fail_the_second) as server, engine_at(server, Recipe(), last) as engine:
        first, second = engine.answer([page(1), page(2)])
    assert first.text == "good" and second.text is None and last.asked == []
