"""The body of a reply as it comes: whole, or as server-sent events that bring a piece of text each. Both bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
from httpx_sse import EventSource, SSEError

from tasks.infer.engines.chat_reply import Reply, StreamedReply
from tasks.infer.engines.retry import RequestFailed, Trouble

LARGEST_REPLY_BYTES = 32 << 20
_END = "[DONE]"
_AS_EVENTS = {"Content-Type": "text/event-stream; charset=utf-8-sig"}
"""Events are UTF-8 whatever a server says, and may begin with a byte order mark."""


def is_stream(response: httpx.Response) -> bool:
    """Whether the server does stream; not all that are asked to do."""
    return response.headers.get("content-type", "").startswith("text/event-stream")


async def read_stream(response: httpx.Response, on_text: Callable[[str], None]) -> Reply:
    """The reply, once it is complete; `on_text` is called with each piece of its text.

    Raises:
        RequestFailed: it broke off, tells an error, or is too long.
    """
    reply, told_end = StreamedReply(), False
    copy = httpx.Response(httpx.codes.OK, headers=_AS_EVENTS, content=_events_of(response))
    try:
        async for event in EventSource(copy).aiter_sse():
            data = event.data.strip()
            if told_end := data == _END:
                break
            if data and (text := reply.add(data)):
                on_text(text)
    except SSEError as error:
        raise RequestFailed(Trouble.FAILED, f"the stream cannot be read: {error}", status=200) from None
    return reply.whole(told_end=told_end)


async def _events_of(response: httpx.Response) -> AsyncIterator[bytes]:
    """A stream's bytes, counted before anybody looks for the end of a line in them."""
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > LARGEST_REPLY_BYTES:
            raise _too_long()
        yield part
    yield b"\n\n"  # some servers leave out the empty line after the last event


async def read_bounded(response: httpx.Response) -> bytes:
    """The whole body.

    Raises:
        RequestFailed: it is too long.
    """
    data = bytearray()
    async for part in response.aiter_bytes():
        data += part
        if len(data) > LARGEST_REPLY_BYTES:
            raise _too_long()
    return bytes(data)


def _too_long() -> RequestFailed:
    return RequestFailed(Trouble.FAILED, f"the answer is longer than {LARGEST_REPLY_BYTES >> 20} MB")
