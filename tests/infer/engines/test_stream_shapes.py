"""Streams as servers send them: without an end, a reason or a choice, in other words, or far too long."""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterable

import httpx
import pytest

from tasks.infer.engines.chat_reply import Reply
from tasks.infer.engines.chat_stream import LARGEST_REPLY_BYTES, read_stream
from tasks.infer.engines.retry import RequestFailed

DONE = "data: [DONE]\n\n"


def event(said: object) -> str:
    return f"data: {json.dumps(said)}\n\n"


def chunk(text: str | None = None, finish_reason: str | None = None) -> str:
    return event({"choices": [{"delta": {} if text is None else {"content": text}, "finish_reason": finish_reason}]})


def read(*parts: str | bytes) -> tuple[Reply, list[str]]:
    """The reply of a stream, and the pieces of text that were told on the way."""
    return read_parts(part.encode() if isinstance(part, str) else part for part in parts)


def read_parts(parts: Iterable[bytes]) -> tuple[Reply, list[str]]:
    async def content() -> AsyncIterator[bytes]:
        for part in parts:
            yield part

    heard: list[str] = []
    response = httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=content())
    return asyncio.run(read_stream(response, heard.append)), heard


@pytest.mark.parametrize(
    "events",
    [
        (chunk("one "), chunk("two"), chunk(finish_reason="stop"), DONE),
        (chunk("one "), chunk("two", "stop")),
        (chunk("one "), chunk("two", "stop").rstrip("\n")),
        (chunk("one "), chunk("two"), DONE.rstrip("\n")),
        (chunk("one "), event({"id": "x", "object": "ping"}), chunk("two"), DONE),
        (chunk("one "), event({"choices": None, "usage": None}), chunk("two"), DONE),
        ("data: \n\n", "data\n\n", ": still here\n\n", chunk("one "), chunk("two"), DONE),
        (event({"choices": [{"text": "one "}]}), event({"choices": [{"text": "two", "finish_reason": "stop"}]}), DONE),
        (event({"choices": [{"message": {"content": "one two"}, "finish_reason": "stop"}]}), DONE),
        (chunk("one "), chunk("two"), event({"choices": [{"message": {"content": "one two"}}]}), DONE),
        (b"\xef\xbb\xbf", chunk("one "), chunk("two"), DONE),
        (chunk("one ").replace("\n", "\r\n"), chunk("two").replace("\n", "\r\n"), DONE.replace("\n", "\r\n")),
    ],
)
def test_a_stream_is_read_in_the_shapes_that_servers_have(events):
    reply, heard = read(*events)
    assert reply.text == "".join(heard) == "one two"
    assert reply.finish_reason in ("stop", None)


def test_the_usage_is_that_of_the_last_chunk_that_has_one():
    usage = event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4.0}})
    reply, _ = read(chunk("a", "stop"), usage, event({"choices": [], "usage": None}), DONE)
    assert (reply.prompt_tokens, reply.completion_tokens) == (3, 4)


@pytest.mark.parametrize(
    ("events", "told"),
    [
        ((chunk("one "),), "broke off"),
        ((), "broke off"),
        ((chunk("one "), event({"error": {"message": "the engine died", "code": 500}}), DONE), "the engine died"),
        ((chunk("one "), event({"error": {"type": "unknown"}}), DONE), "not a chat completion"),
        ((event({"message": "no such model", "code": 404}), DONE), "no such model"),
        ((event("one"), DONE), "not a chat completion"),
        ((chunk("one ", "abort"), DONE), "gave up"),
    ],
)
def test_a_stream_that_ends_badly_is_a_failure(events, told):
    with pytest.raises(RequestFailed, match=told):
        read(*events)


@pytest.mark.parametrize("begin", [b"data: ", b": ", b""])
def test_a_line_without_an_end_is_bounded(begin):
    part, sent = b"a" * (1 << 20), 0

    def endless() -> Iterable[bytes]:
        nonlocal sent
        yield begin
        while sent < 8 * LARGEST_REPLY_BYTES:
            sent += len(part)
            yield part

    tracemalloc.start()
    try:
        with pytest.raises(RequestFailed, match="longer than"):
            read_parts(endless())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sent <= LARGEST_REPLY_BYTES + len(part)
    assert peak < 3 * LARGEST_REPLY_BYTES
