"""Text while it is written: from a server that streams, one that does not, and one that breaks off."""

from __future__ import annotations

from collections import defaultdict

import pytest
from asked_pages import Recipe, page, say_number, step
from stand_in_server import Asked, Said, StandInServer

from tasks.infer.engines.chat import ChatEngine
from tasks.infer.engines.contract import Delta
from tasks.infer.engines.dialect import CHAT, GOT, Dialect
from tasks.infer.engines.loop_engine import ChatLimits

WORDS = "one two three four five six"


def listened_to(server: StandInServer, *, pages: int, dialect: Dialect = CHAT, recipe: Recipe | None = None):
    """The answers, and the deltas by page."""
    heard: defaultdict[int, list[Delta]] = defaultdict(list)
    with ChatEngine(
        [server.url],
        model="m",
        recipe=recipe or Recipe(),
        workers=1,
        limits=ChatLimits(requests=4, request_timeout_s=5),
        dialect=dialect,
        on_delta=lambda delta: heard[delta.page_number].append(delta),
    ) as engine:
        return list(engine.answer(page(number) for number in range(1, pages + 1))), heard


def test_the_pieces_of_a_page_are_its_answer():
    with StandInServer(lambda asked: Said(WORDS)) as server:
        answers, heard = listened_to(server, pages=6)
    for answer in answers:
        pieces = heard[answer.page_number]
        assert "".join(piece.text for piece in pieces) == answer.text == WORDS
        assert len(pieces) == len(WORDS.split()) and {(p.step, p.attempt) for p in pieces} == {("read", 1)}
        assert (answer.finish_reason, answer.completion_tokens, answer.prompt_tokens) == ("stop", 6, 100)


def test_a_stream_that_breaks_off_is_asked_for_again_and_the_pieces_say_so():
    with StandInServer(lambda asked: Said(WORDS), faults={"broken-stream": 0.5}, seed=3, only_once=True) as server:
        answers, heard = listened_to(server, pages=12)
    assert server.struck["broken-stream"] > 2
    assert {answer.text for answer in answers} == {WORDS}
    twice = [answer for answer in answers if answer.attempts == 2]
    assert len(twice) == server.struck["broken-stream"]
    for answer in twice:
        first, second = (
            "".join(piece.text for piece in heard[answer.page_number] if piece.attempt == attempt) for attempt in (1, 2)
        )
        assert WORDS.startswith(first) and first != second == WORDS


def test_a_server_that_does_not_stream_is_heard_at_its_end():
    with StandInServer() as server:  # it looks at no request
        answers, heard = listened_to(server, pages=2)
    assert [answer.text for answer in answers] == ["instant", "instant"]
    assert [[piece.text for piece in heard[number]] for number in (1, 2)] == [["instant"], ["instant"]]


def test_the_step_is_told_with_each_piece():
    def loop_first(asked: Asked) -> Said:
        return Said("again and", "repetition") if asked.body["step"] == "read" else Said("well said")

    recipe = Recipe(steps=(step(), step("plain")))
    with StandInServer(loop_first) as server:
        _, heard = listened_to(server, pages=1, recipe=recipe)
    assert [(piece.step, piece.attempt) for piece in heard[1]] == [("read", 1), ("read", 1), ("plain", 2), ("plain", 2)]


def test_a_service_that_cannot_stream_is_not_asked_to():
    bodies: list[dict[str, object]] = []

    def remember(asked: Asked) -> Said:
        bodies.append(asked.body)
        return say_number(asked)

    with StandInServer(remember) as server:
        _, heard = listened_to(server, pages=1, dialect=GOT)
    assert "stream" not in bodies[0] and not heard


@pytest.mark.parametrize("text", ["", '\u2028 line\u2029 ends \x85 inside\r\n and {"data": 1}\n\ndata: not an event'])
def test_any_text_comes_through_as_it_is(text):
    with StandInServer(lambda asked: Said(text)) as server:
        [answer], _ = listened_to(server, pages=1)
    assert answer.text == text
