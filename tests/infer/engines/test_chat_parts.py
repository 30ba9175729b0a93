"""The chat engine's parts by themselves: body, replies, addresses, window, retries, and when an engine is gone."""

from __future__ import annotations

import asyncio
import json
import threading
from contextlib import suppress
from datetime import UTC, datetime
from heapq import heappop, heappush
from random import Random

import pyarrow as pa
import pytest
from asked_pages import Recipe, page, step
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import UsageError
from tasks.infer.engines.chat_body import ChatBody, PageImage, image_of
from tasks.infer.engines.chat_reply import MESSAGE_CHARACTERS, Reply, StreamedReply, bounded, failure_of, read_reply
from tasks.infer.engines.dialect import CHAT
from tasks.infer.engines.endpoint import api_url, usable_key
from tasks.infer.engines.retry import EngineGone, EngineHealth, RequestFailed, Tries, Trouble, retry_after_s
from tasks.infer.engines.window import FIRST_LIMIT, FIRST_LIMIT_WITHOUT_QUEUE, AdaptiveLimit, Room
from tasks.lake.schemas import RESPONSES


def test_a_body_is_the_json_that_an_encoder_would_write():
    async def joined(body: ChatBody) -> bytes:
        return b"".join([piece async for piece in body])

    image = PageImage(b"aGVsbG8=", "jpeg", (10, 20))
    question, body = step(), ChatBody(CHAT, "m", step(), image)
    data = asyncio.run(joined(body))
    messages = question.messages("data:image/jpeg;base64,aGVsbG8=", (10, 20))
    assert json.loads(data) == {"model": "m", "messages": messages, **question.sampling}
    assert len(body) == len(data)


def test_stored_bytes_are_sent_where_size_and_format_fit():
    assert isinstance(image_of(page(1), Recipe(side=96, image_format="png")), PageImage)
    assert not isinstance(image_of(page(1), Recipe(side=95)), PageImage)
    assert not isinstance(image_of(page(1), Recipe(image_format="jpeg")), PageImage)


@pytest.mark.parametrize(
    ("choice", "text"),
    [
        ({"message": {"content": "said"}}, "said"),
        ({"message": {"content": None}}, ""),
        ({"message": {"content": [{"type": "text", "text": "sa"}, {"type": "text", "text": "id"}]}}, "said"),
        ({"text": "said"}, "said"),
        ({"message": {"content": "sa\ud800id"}}, "sa\ufffdid"),
        ({"message": {"content": "said", "reasoning_content": "thought"}}, "said"),
        ({"message": {"content": [{"type": "thinking", "text": None}, {"text": "said"}]}}, "said"),
    ],
)
def test_a_completion_is_read_in_the_shapes_that_servers_have(choice, text):
    reply = read_reply(json.dumps({"choices": [choice | {"finish_reason": "stop"}]}).encode())
    assert (reply.text, reply.finish_reason, reply.completion_tokens) == (text, "stop", None)


@pytest.mark.parametrize(
    ("told", "tokens"),
    [(7, 7), (7.0, 7), (2**63 - 1, 2**63 - 1), *((wrong, None) for wrong in (2**63, -1, 1.5, "7", True, [7], None))],
)
def test_a_count_that_is_none_costs_no_text(told, tokens):
    choices = [{"message": {"content": "said"}, "finish_reason": {"type": "stop"}}]
    reply = read_reply(json.dumps({"choices": choices, "usage": {"prompt_tokens": told}}).encode())
    assert (reply.text, reply.prompt_tokens, reply.finish_reason) == ("said", tokens, None)


@pytest.mark.parametrize("usage", [[], "many", 3])
def test_a_usage_that_is_none_costs_no_text(usage):
    body = json.dumps({"choices": [{"text": "said"}], "usage": usage}).encode()
    assert read_reply(body).text == "said"


def test_bytes_that_are_no_text_spoil_one_character():
    assert read_reply(b'\xef\xbb\xbf{"choices": [{"message": {"content": "sa\xffid"}}]}').text == "sa\ufffdid"


_WHATEVER = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(exclude_categories=[])),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.fixed_dictionaries(
            {},
            optional=dict.fromkeys(("choices", "message", "content", "text", "reasoning", "error", "code"), inner),
        )
    ),
    max_leaves=20,
)
_COUNTS = st.fixed_dictionaries({}, optional=dict.fromkeys(("prompt_tokens", "completion_tokens"), _WHATEVER))
_CHOICE = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("text", "finish_reason"), _WHATEVER),
        **dict.fromkeys(("message", "delta"), st.fixed_dictionaries({"content": _WHATEVER}) | _WHATEVER),
    },
)
_COMPLETION = st.fixed_dictionaries({"choices": st.lists(_CHOICE, max_size=2), "usage": _COUNTS | _WHATEVER})


def assert_it_can_be_stored(reply: Reply) -> None:
    row = {name: getattr(reply, name) for name in ("text", "finish_reason", "prompt_tokens", "completion_tokens")}
    stored = pa.Table.from_pylist([row], schema=pa.schema([RESPONSES.field(name) for name in row]))
    assert stored.to_pylist() == [row]


@given(_WHATEVER | _COMPLETION, st.booleans())
def test_whatever_a_server_says_is_a_failure_or_can_be_stored(said, ascii_only):
    text = json.dumps(said, ensure_ascii=ascii_only)
    with suppress(RequestFailed):
        assert_it_can_be_stored(read_reply(text.encode(errors="surrogatepass")))
    with suppress(RequestFailed):
        streamed = StreamedReply()
        streamed.add(text).encode()
        assert_it_can_be_stored(streamed.whole(told_end=True))


def test_thoughts_alone_are_no_blank_page():
    thought = {"message": {"content": None, "reasoning_content": "Let me see."}, "finish_reason": "stop"}
    with pytest.raises(RequestFailed, match="thinking") as raised:
        read_reply(json.dumps({"choices": [thought]}).encode())
    assert raised.value.trouble is Trouble.REFUSED  # to ask again would bring the same
    streamed = StreamedReply()
    streamed.add(json.dumps({"choices": [{"delta": {"content": "", "reasoning": "Let me see."}}]}))
    with pytest.raises(RequestFailed, match="thinking"):
        streamed.whole(told_end=True)


@pytest.mark.parametrize(
    ("body", "trouble"),
    [
        (b"", Trouble.FAILED),
        (b"\xff\xfe", Trouble.FAILED),
        (b"[" * 100_000, Trouble.FAILED),
        (b'{"choices": []}', Trouble.FAILED),
        (b'{"choices": [{"finish_reason": "abort"}]}', Trouble.FAILED),
        (b'{"errorCode": 422, "errorMsg": "no such file"}', Trouble.REFUSED),
        (b'{"errorCode": 503, "errorMsg": "busy"}', Trouble.OVERLOADED),
    ],
)
def test_a_body_without_a_completion_is_a_failure(body, trouble):
    with pytest.raises(RequestFailed) as raised:
        read_reply(body)
    assert raised.value.trouble is trouble


def test_statuses_and_messages():
    assert failure_of(404, b'{"error": {"message": "no model"}}').message == "HTTP 404: no model"
    assert failure_of(404, b'{"detail": "Not Found"}').message == "HTTP 404: Not Found"
    assert failure_of(500, b"").message == "HTTP 500"
    assert [failure_of(status, b"").trouble for status in (400, 429, 500, 503)] == [
        Trouble.REFUSED,
        Trouble.OVERLOADED,
        Trouble.FAILED,
        Trouble.OVERLOADED,
    ]
    assert len(bounded(failure_of(400, b"x" * 10_000).message)) <= MESSAGE_CHARACTERS


def test_addresses():
    assert str(api_url("http://h:8000/v1/", CHAT.path)) == "http://h:8000/v1/chat/completions"
    assert str(api_url("http://h:8000", CHAT.path)) == "http://h:8000/chat/completions"
    assert str(api_url("https://h/v1/chat/completions", CHAT.path)) == "https://h/v1/chat/completions"
    for wrong in ("", "h:8000/v1", "ftp://h/v1", "http://", "http://h:port/", "http://user:secret@h/v1"):
        with pytest.raises(UsageError) as raised:
            api_url(wrong, CHAT.path)
        assert "secret" not in str(raised.value)
    with pytest.raises(UsageError):
        api_url("http://h/v1?key=secret", CHAT.path)


def test_a_key_is_one_that_a_header_can_carry():
    assert usable_key(" \n", "HERE") is None
    key = usable_key(" sk-1\n", "HERE")
    assert key is not None and key.get_secret_value() == "sk-1" and "sk-1" not in repr(key)
    for wrong in ("sk-\u00e9", "sk-1\nsk-2", "sk-\t1"):
        with pytest.raises(UsageError, match="HERE") as raised:
            usable_key(wrong, "HERE")
        assert "sk-" not in str(raised.value)


def test_retry_after_is_a_number_or_a_date():
    now = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
    assert retry_after_s("2.5") == 2.5
    assert retry_after_s("Sat, 21 Nov 2026 12:00:07 GMT", now) == 7
    assert retry_after_s("Sat, 21 Nov 2026 11:00:00 GMT", now) == 0
    assert retry_after_s("1e9") == 300
    assert [retry_after_s(bad) for bad in (None, "", "soon", "nan", "-")] == [None] * 5


def test_the_limit_grows_with_fast_answers_and_halves_once_for_a_burst():
    limit = AdaptiveLimit(64)
    assert limit.requests == FIRST_LIMIT
    limit.answered(fast=False)
    assert limit.requests == FIRST_LIMIT
    for _ in range(100):
        limit.answered(fast=True)
    assert limit.requests == 64
    for _ in range(5):
        limit.overloaded(started_at=1.0, now=2.0)
    assert limit.requests == 32
    for _ in range(33):
        limit.answered(fast=True)
    assert limit.requests in (32, 33)  # now a whole round of answers adds one
    for at in range(3, 20):
        limit.overloaded(started_at=at, now=at)
    assert limit.requests == 1


def test_an_endpoint_that_tells_that_nothing_waits_is_given_more_at_first():
    limit = AdaptiveLimit(64)
    limit.waiting_inside = 3
    assert limit.requests == FIRST_LIMIT
    limit.waiting_inside = 0
    assert limit.requests == FIRST_LIMIT_WITHOUT_QUEUE
    limit.overloaded(started_at=1.0, now=2.0)
    limit.waiting_inside = 0
    assert limit.requests == FIRST_LIMIT_WITHOUT_QUEUE // 2
    limit.restarted()
    assert limit.requests == FIRST_LIMIT
    small = AdaptiveLimit(2)
    small.waiting_inside = 0
    assert small.requests == 2


def late_at_a_serial_server(limit: AdaptiveLimit, pages: int, page_s: float, timeout_s: float) -> int:
    """How many of `pages` requests come too late from a server that reads one after the other, given up or not."""
    now = free_at = 0.0
    started, leaving, late = 0, list[tuple[float, float]](), 0  # when each leaves us, and when it was sent
    while started < pages or leaving:
        while started < pages and len(leaving) < limit.requests:
            free_at = max(free_at, now) + page_s
            heappush(leaving, (min(free_at, now + timeout_s), now))
            started += 1
        now, sent_at = heappop(leaving)
        if now - sent_at < timeout_s:
            limit.answered(fast=now - sent_at < timeout_s / 2)
        else:
            late += 1
            limit.overloaded(sent_at, now)
    return late


@given(st.floats(0.01, 0.74), st.integers(1, 128))  # the first four are answered in half of the time
def test_a_server_that_reads_one_page_after_the_other_is_not_drowned(page_s, largest):
    assert late_at_a_serial_server(AdaptiveLimit(largest), pages=200, page_s=page_s, timeout_s=6.0) == 0


def test_room_waits_takes_and_closes():
    room = Room(2, 100)
    first, second = room.take(60, unless=lambda: False), room.take(40, unless=lambda: False)
    assert first and second
    assert room.take(1, unless=lambda: True) is None
    timer = threading.Timer(0.05, room.give_back, [first])
    timer.start()
    third = room.take(60, unless=lambda: False)
    timer.join()
    assert third and third.size_bytes == 60
    room.give_back(first)  # a second time changes nothing
    room.resize(first, 5)
    timer = threading.Timer(0.05, room.close, [KeyError("over")])
    timer.start()
    with pytest.raises(KeyError, match="over"):
        room.take(1, unless=lambda: False)
    timer.join()


def test_pauses_double_with_jitter_up_to_a_limit():
    tries, random = Tries(), Random(1)
    pauses = []
    for _ in range(11):
        assert tries.may_go_on_after(RequestFailed(Trouble.OVERLOADED, ""))
        pauses.append(tries.pause_s(random))
    assert 0.25 <= pauses[0] <= 0.5 and 0.5 <= pauses[1] <= 1.0
    assert max(pauses) <= 30
    assert not tries.may_go_on_after(RequestFailed(Trouble.OVERLOADED, ""))
    assert all(Tries().may_go_on_after(RequestFailed(Trouble.UNREACHABLE, "")) for _ in range(100))


def test_an_engine_is_gone_after_enough_failures_over_enough_time():
    now = 1000.0
    health = EngineHealth(("http://h/v1",), seconds=60, failures=3, clock=lambda: now)
    refused = RequestFailed(Trouble.UNREACHABLE, "connection refused")
    for _ in range(50):
        health.failed(refused, now)  # many, but in no time
    now += 61
    health.failed(RequestFailed(Trouble.FAILED, "HTTP 500", status=500), now)  # whoever answers that, lives
    for _ in range(2):
        health.failed(refused, now - 61)
    now += 59
    health.failed(refused, now)
    now += 1
    with pytest.raises(EngineGone, match=r"http://h/v1 is gone: 4 requests .* 60 s.*connection refused"):
        health.failed(refused, now)
