"""The body of a reply as it comes: whole, or as server-sent events that bring a piece of text each. Both bounded."""

from __future__ import annotations

from collections.abc import Callable

import httpx
from httpx_sse import EventSource, SSEError

from tasks.infer.engines.chat_reply import Reply, StreamedReply
from tasks.infer.engines.retry import RequestFailed, Trouble

LARGEST_REPLY_BYTES = 32 << 20
_END = "[DONE]"


def is_stream(response: httpx.Response) -> bool:
    """Whether the server does stream; not all that are asked to do."""
    return response.headers.get("content-type", "").startswith("text/event-stream")


async def read_stream(response: httpx.Response, on_text: Callable[[str], None]) -> Reply:
    """The reply, once it is complete; `on_text` is called with each piece of its text.

    Raises:
        RequestFailed: it broke off, tells an error, or is too long.
    """
    reply, size = StreamedReply(), 0
    try:
        async for event in EventSource(response).aiter_sse():
            size += len(event.data)
            if size > LARGEST_REPLY_BYTES:
                raise _too_long()
            if event.data == _END:
                break
            if text := reply.add(event.data):
                on_text(text)
    except SSEError as error:
        raise RequestFailed(Trouble.FAILED, f"the stream cannot be read: {error}", status=200) from None
    return reply.whole()


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
