"""A server that speaks OpenAI's chat completions and holds no model: it replays answers, and misbehaves on demand.

Asked for a stream, it streams; at a path that ends in /ocr it speaks as GOT-OCR2's service does.

In a test, inside the test's process:

    with StandInServer(answer=lambda request: Said("hello"), faults={"503": 0.05}, seed=1) as server:
        ... ask server.url ...
        assert server.requests == 7

For a benchmark, as a process of its own; the first line it prints is its URL:

    python tests/stand_in_server.py [--latency 0.5] [--fault 503=0.05 ...] [--text-file answer.txt]

It reads HTTP by itself, and no more of it than a client of this API sends, because no server framework can break off a
connection in the middle of an answer, and because it must not be what a benchmark measures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import threading
from base64 import b64decode
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

FAULTS = {
    "reset": "the connection is reset before an answer",
    "cut": "the connection is reset in the middle of the answer",
    "hang": "no answer, ever",
    "429": "too many requests, with Retry-After",
    "503": "unavailable, with Retry-After",
    "500": "an error of the server",
    "400": "the request is refused",
    "garbage": "200 with a body that is not JSON",
    "hollow": "200 with JSON that is no completion",
    "abort": "200, finish_reason abort",
    "broken-stream": "a stream that ends in the middle; nothing where no stream was asked for",
    "length": "200, half the text, finish_reason length",
    "loop": "200, the text over and over, finish_reason repetition",
}


@dataclass(frozen=True, slots=True)
class Said:
    """What the stand-in answers to one request."""

    text: str
    finish_reason: str = "stop"
    status: int = 200
    error: str = ""
    """With a status other than 200: the message."""


@dataclass(frozen=True)
class Asked:
    """One request. The body is parsed only for those who ask."""

    path: str
    headers: Mapping[str, str]
    raw: bytes = field(repr=False)

    @cached_property
    def body(self) -> dict[str, Any]:
        return json.loads(self.raw)

    @cached_property
    def image(self) -> bytes:
        """The bytes of the first image."""
        if self.is_got:
            url = self.body["image_file"]
        else:
            parts = [part for message in self.body["messages"] for part in message["content"]]
            url = next(part["image_url"]["url"] for part in parts if part["type"] == "image_url")
        return b64decode(url.partition(";base64,")[2], validate=True)

    @property
    def is_got(self) -> bool:
        return self.path.endswith("/ocr")

    @property
    def image_key(self) -> str:
        return sha256(self.image).hexdigest()


class StandInServer:
    """Answers on a free port of the loopback. What it counts is read when a test is done.

    Args:
        answer: From a request to what is said; or None, which says "instant" and does not even look at the request.
        faults: Probabilities of `FAULTS`; at most one strikes a request, by `seed`.
        latency_s: Between a request and its answer.
        retry_after: The header that goes with 429 and 503; None sends none.
        only_once: A request that was struck (known by its body) is spared from then on.
        port: 0 takes a free one.
    """

    def __init__(
        self,
        answer: Callable[[Asked], Said] | None = None,
        *,
        faults: Mapping[str, float] | None = None,
        seed: int = 0,
        latency_s: float = 0.0,
        retry_after: str | None = "0",
        only_once: bool = False,
        port: int = 0,
    ) -> None:
        unknown = set(faults or {}) - set(FAULTS)
        assert not unknown, f"no such faults: {unknown}"
        self.answer, self.faults, self.latency_s, self.retry_after = answer, dict(faults or {}), latency_s, retry_after
        self.only_once, self._port = only_once, port
        self.requests, self.in_flight, self.most_in_flight = 0, 0, 0
        self.most_bytes_in_flight, self.bytes_in_flight = 0, 0
        self.struck: Counter[str] = Counter()
        self.metrics: str | None = None
        """What the server tells about itself; None: it has no such page."""
        self.url = ""
        self._random, self._spared = random.Random(seed), set[bytes]()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._connections: set[_Connection] = set()

    def __enter__(self) -> Self:
        started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(started.set)), name="stand-in")
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *exc: object) -> None:
        assert self._loop
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    async def serve_forever(self) -> None:
        await self._serve(lambda: print(self.url, flush=True))

    async def _serve(self, started: Callable[[], None]) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self._port)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        started()
        await self._over.wait()
        server.close()
        for _ in range(5):  # a connection that is being accepted is there a moment later
            for connection in list(self._connections):
                connection.abort()
            await asyncio.sleep(0)

    def fault_of(self, asked: Asked) -> str | None:
        dice, key = self._random.random(), sha256(asked.raw).digest() if self.only_once else b""
        for fault, probability in self.faults.items():
            dice -= probability
            if dice < 0 and key not in self._spared:
                self.struck[fault] += 1
                if self.only_once:
                    self._spared.add(key)
                return fault
        return None


class _Connection(asyncio.Protocol):
    """One client's connection: requests with a Content-Length, one after the other."""

    def __init__(self, server: StandInServer) -> None:
        self._server = server
        self._pieces: list[bytes] = []
        self._size = self._wanted = 0
        self._headers: dict[str, str] = {}
        self._path = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server._connections.discard(self)

    def abort(self) -> None:
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._pieces.append(data)
        self._size += len(data)
        if not self._wanted:
            seen = b"".join(self._pieces)
            head, end, _ = seen.partition(b"\r\n\r\n")
            if not end:
                return
            first, *lines = head.decode("latin-1").split("\r\n")
            self._path = first.split(" ")[1]
            self._headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
            self._head_size = len(head) + 4
            self._wanted = self._head_size + int(self._headers.get("content-length", 0))
        if self._size >= self._wanted:
            raw = b"".join(self._pieces)[self._head_size : self._wanted]
            self._pieces, self._size, self._wanted = [], 0, 0
            self._begin(Asked(self._path, self._headers, raw))

    def _begin(self, asked: Asked) -> None:
        server = self._server
        if asked.path.endswith("/metrics"):
            self._write(404 if server.metrics is None else 200, server.metrics or "", {"Content-Type": "text/plain"})
            return
        server.requests += 1
        server.in_flight += 1
        server.bytes_in_flight += len(asked.raw)
        server.most_in_flight = max(server.most_in_flight, server.in_flight)
        server.most_bytes_in_flight = max(server.most_bytes_in_flight, server.bytes_in_flight)
        if server.latency_s:
            asyncio.get_running_loop().call_later(server.latency_s, self._finish, asked)
        else:
            self._finish(asked)

    def _finish(self, asked: Asked) -> None:
        self._server.in_flight -= 1
        self._server.bytes_in_flight -= len(asked.raw)
        fault = self._server.fault_of(asked)
        if fault == "reset":
            self.abort()
        elif fault == "cut":
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n" + b'{"choices": [{"mess')
            asyncio.get_running_loop().call_later(0.01, self.abort)
        elif fault in ("429", "503", "500", "400"):
            message = {"error": {"message": f"told to answer {fault}", "code": int(fault)}}
            again = {"Retry-After": self._server.retry_after} if self._server.retry_after and fault > "4" else {}
            self._write(int(fault), json.dumps(message), again if fault in ("429", "503") else {})
        elif fault == "garbage":
            self._write(200, "<html>\x00 not what you asked for")
        elif fault == "hollow":
            self._write(200, json.dumps({"logId": "1", "errorMsg": "nothing to say"}))
        elif fault != "hang":
            self._say(asked, fault)

    def _say(self, asked: Asked, fault: str | None) -> None:
        said = self._server.answer(asked) if self._server.answer else Said("instant")
        if said.status != 200:
            self._write(said.status, json.dumps({"error": {"message": said.error}}))
            return
        text, reason = said.text, said.finish_reason
        if fault == "length":
            text, reason = text[: len(text) // 2], "length"
        elif fault == "loop":
            text, reason = text * 50, "repetition"
        elif fault == "abort":
            text, reason = "", "abort"
        usage = {"prompt_tokens": 100, "completion_tokens": len(text.split()) or 1}
        if self._server.answer and asked.body.get("stream"):
            self._stream(text, reason, usage, broken=fault == "broken-stream")
        elif asked.is_got:
            choice = {"index": 0, "text": text, "finish_reason": reason}
            self._write(200, json.dumps({"object": "text_completion", "choices": [choice], "usage": usage}))
        else:
            choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": reason}
            self._write(200, json.dumps({"object": "chat.completion", "choices": [choice], "usage": usage}))

    def _stream(self, text: str, reason: str, usage: Mapping[str, int], *, broken: bool) -> None:
        """Server-sent events: a word each, the finish reason, the usage. Broken: half of them, and no more."""
        words = text.split(" ")
        deltas = [word if index == 0 else " " + word for index, word in enumerate(words)]
        events: list[dict[str, object]] = [
            {"choices": [{"index": 0, "delta": {"content": delta}, "finish_reason": None}]} for delta in deltas
        ]
        events += [{"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}, {"choices": [], "usage": usage}]
        if broken:
            events = events[: len(deltas) // 2]
        data = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + ("" if broken else "data: [DONE]\n\n")
        self._write(200, data, {"Content-Type": "text/event-stream"})

    def _write(self, status: int, body: str, headers: Mapping[str, str] | None = None) -> None:
        data = body.encode()
        told = {"Content-Type": "application/json", "Content-Length": len(data), **(headers or {})}
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in told.items())]
        if not self._transport.is_closing():
            self._transport.write("\r\n".join(lines).encode() + b"\r\n\r\n" + data)


def main() -> None:
    parser = argparse.ArgumentParser(description="A chat server without a model.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0, metavar="SECONDS")
    parser.add_argument("--fault", action="append", default=[], metavar="NAME=PROBABILITY", help=", ".join(FAULTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--text-file", type=Path, help="what is answered to every request")
    options = parser.parse_args()
    faults = {name: float(probability) for name, _, probability in (f.partition("=") for f in options.fault)}
    text = options.text_file.read_text() if options.text_file else None
    server = StandInServer(
        (lambda _: Said(text)) if text is not None else None,
        faults=faults,
        seed=options.seed,
        latency_s=options.latency,
        port=options.port,
    )
    asyncio.run(server.serve_forever())


if __name__ == "__main__":
    main()
