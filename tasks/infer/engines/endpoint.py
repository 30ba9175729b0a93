"""The addresses that answer chat requests: one connection pool and one adaptive limit each, and whose turn it is.

Nothing here knows pages or retries. `Endpoint.post` sends one request; `Balancer.turn` waits for the endpoint with the
fewest requests that may take another. All of it lives on one event loop.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_address

import httpx
from pydantic import SecretStr

from tasks.errors import UsageError
from tasks.infer.engines.chat_body import ChatBody
from tasks.infer.engines.chat_reply import Reply, bounded, failure_of, read_reply
from tasks.infer.engines.chat_stream import is_stream, read_bounded, read_stream
from tasks.infer.engines.queue_watch import QueueWatch, metrics_url
from tasks.infer.engines.retry import RequestFailed, Trouble, retry_after_s
from tasks.infer.engines.window import AdaptiveLimit

CONNECT_TIMEOUT_S = 10.0

_KEEP_ALIVE_S = 4.0
"""uvicorn closes idle connections after 5 s; one that is used at that moment breaks."""

_SHORTEST_BREAK_S, _LONGEST_BREAK_S = 0.1, 10.0


@dataclass(frozen=True, slots=True)
class Timeouts:
    """`request_s` is the whole of one request, from the first byte sent to the last received."""

    request_s: float
    connect_s: float = CONNECT_TIMEOUT_S


def usable_key(key: str, source: str) -> SecretStr | None:
    """A key as it can be sent, without blanks around it; None where there is none.

    Raises:
        UsageError: no header can carry it. `source`, where it came from, is told, the key is not.
    """
    key = key.strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"The API key in {source} holds characters that no header can carry.")
    return SecretStr(key) if key else None


def api_url(endpoint: str, path: str) -> httpx.URL:
    """Where the requests to `endpoint` go, which is the base of an API ("http://127.0.0.1:8000/v1"), or base and path.

    Raises:
        UsageError: it is no address, or carries what would end in logs and tables.
    """
    try:
        url = httpx.URL(endpoint)
    except (httpx.InvalidURL, TypeError):
        url = httpx.URL("")
    if url.scheme not in ("http", "https") or not url.host:
        raise UsageError("An endpoint must be the http(s) URL of a chat API, such as http://127.0.0.1:8000/v1.")
    if url.userinfo or url.query or url.fragment:
        raise UsageError(
            f"The endpoint at {url.host} has a user, a password or parameters in its URL, which would be stored with "
            "the run. Give the plain URL, and the key in an environment variable."
        )
    base = url.path.rstrip("/").removesuffix(path)
    return url.copy_with(path=base + path)


class Endpoint:
    """One server. `in_flight` and `closed_until` are the balancer's."""

    def __init__(
        self, url: httpx.URL, path: str, api_key: SecretStr | None, timeouts: Timeouts, largest_window: int
    ) -> None:
        self.name = str(url).removesuffix(path)
        self.limit = AdaptiveLimit(largest_window)
        self.in_flight, self.closed_until = 0, 0.0
        self._url, self._timeouts = url, timeouts
        self._breaks = 0
        secret = api_key.get_secret_value() if api_key else ""
        self._key_forms = _forms(secret) if secret else ()
        key = {"Authorization": f"Bearer {secret}"} if secret else {}
        self._client = httpx.AsyncClient(
            headers={"Content-Type": "application/json", **key},
            timeout=httpx.Timeout(None, connect=timeouts.connect_s),
            limits=httpx.Limits(max_connections=None, keepalive_expiry=_KEEP_ALIVE_S),
            trust_env=not _is_this_machine(url.host),  # a proxy from the environment cannot reach our loopback
        )
        self._queue = QueueWatch(self._client, metrics_url(url, path), self._note_queue)

    async def post(self, body: ChatBody, on_text: Callable[[str], None] | None = None) -> Reply:
        """Send one request; its failure decides how long this endpoint rests, and how much it is given at once.

        With `on_text`, which is called with every piece of text as it comes, the body must ask for a stream.

        Raises:
            RequestFailed: there is no completion.
        """
        loop = asyncio.get_running_loop()
        started_at = loop.time()
        self._queue.start()
        try:
            reply = await self._exchange(body, on_text)
        except RequestFailed as failure:
            self._learn_from(failure, started_at, loop.time())
            raise
        self._breaks = 0
        self.limit.answered(fast=loop.time() - started_at < self._timeouts.request_s / 2)
        return reply

    async def close(self) -> None:
        await self._queue.close()
        with suppress(httpx.HTTPError, OSError):
            await self._client.aclose()

    async def _exchange(self, body: ChatBody, on_text: Callable[[str], None] | None) -> Reply:
        try:
            async with asyncio.timeout(self._timeouts.request_s):
                return await self._send(body, on_text)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise RequestFailed(Trouble.UNREACHABLE, self._safe(f"no connection to {self.name}: {error}")) from None
        except (TimeoutError, httpx.TimeoutException):
            raise RequestFailed(Trouble.TIMEOUT, f"no answer within {self._timeouts.request_s:g} s") from None
        except httpx.HTTPError as error:
            told = str(error) or type(error).__name__
            raise RequestFailed(Trouble.FAILED, self._safe(f"the connection broke: {told}")) from None

    async def _send(self, body: ChatBody, on_text: Callable[[str], None] | None) -> Reply:
        length = {"Content-Length": str(len(body))}
        try:
            async with self._client.stream("POST", self._url, content=body, headers=length) as response:
                if on_text is not None and response.status_code == httpx.codes.OK and is_stream(response):
                    return await read_stream(response, on_text)
                data = await read_bounded(response)
            if response.status_code != httpx.codes.OK:
                raise failure_of(response.status_code, data, retry_after_s(response.headers.get("Retry-After")))
            reply = read_reply(data)
        except RequestFailed as failure:
            failure.message = self._safe(failure.message)
            raise
        if on_text is not None:  # a server that does not stream
            on_text(reply.text)
        return reply

    def _note_queue(self, waiting: int) -> None:
        self.limit.waiting_inside = waiting

    def _learn_from(self, failure: RequestFailed, started_at: float, now: float) -> None:
        if failure.by_overload:
            self.limit.overloaded(started_at, now)
        if failure.trouble is Trouble.UNREACHABLE and started_at >= self.closed_until:  # not of the same burst
            self._breaks += 1
            rest_s = min(_LONGEST_BREAK_S, _SHORTEST_BREAK_S * 2 ** min(self._breaks - 1, 16))
            self.closed_until = now + rest_s
        if failure.retry_after_s is not None:
            self.closed_until = max(self.closed_until, now + failure.retry_after_s)

    def _safe(self, message: str) -> str:
        """A message as a row may hold it: some servers repeat the key that they refuse. First the key, then the length:
        half a key is one too."""
        for form in self._key_forms:
            message = message.replace(form, "***")
        return bounded(message)


@dataclass(frozen=True, slots=True)
class _Waiting:
    place: asyncio.Future[Endpoint]
    alone: bool


class Balancer:
    """Hands out endpoints, first come first served, `largest_window` requests at once over all of them."""

    def __init__(self, endpoints: Sequence[Endpoint], largest_window: int) -> None:
        self._endpoints, self._largest_window = endpoints, largest_window
        self._waiting: deque[_Waiting] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._alone = False

    @asynccontextmanager
    async def turn(self, *, again: bool, alone: bool = False) -> AsyncGenerator[Endpoint]:
        """An endpoint for one request. A page that is asked `again` goes before those that never were: the answers
        leave in order, and others wait for it. One that is to be `alone` has no other beside it."""
        place = asyncio.get_running_loop().create_future()
        if again:
            self._waiting.appendleft(_Waiting(place, alone))
        else:
            self._waiting.append(_Waiting(place, alone))
        self._hand_out()
        try:
            endpoint = await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._take_back(place.result())
            raise
        try:
            yield endpoint
        finally:
            self._take_back(endpoint)

    def _take_back(self, endpoint: Endpoint) -> None:
        endpoint.in_flight -= 1
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting:
            if self._waiting[0].place.done():  # it was cancelled
                self._waiting.popleft()
                continue
            endpoint = self._freest(alone=self._waiting[0].alone)
            if endpoint is None:
                return
            endpoint.in_flight += 1
            next_one = self._waiting.popleft()
            self._alone = next_one.alone
            next_one.place.set_result(endpoint)

    def _freest(self, *, alone: bool) -> Endpoint | None:
        in_flight = sum(endpoint.in_flight for endpoint in self._endpoints)
        if in_flight >= self._largest_window or (in_flight and (alone or self._alone)):
            return None
        now = asyncio.get_running_loop().time()
        open_ = [endpoint for endpoint in self._endpoints if endpoint.closed_until <= now]
        free = [endpoint for endpoint in open_ if endpoint.in_flight < endpoint.limit.requests]
        if len(open_) < len(self._endpoints):
            self._wake_at(min(e.closed_until for e in self._endpoints if e.closed_until > now))
        return min(free, key=lambda endpoint: endpoint.in_flight, default=None)

    def _wake_at(self, when: float) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_at(when, self._hand_out)


def _forms(key: str) -> tuple[str, ...]:
    """The key as it may stand in a message: as it is, quoted by Python, in JSON. Longer ones first."""
    forms = {key, repr(key)[1:-1], json.dumps(key)[1:-1], repr(key.encode())[2:-1]}
    return tuple(sorted(forms, key=len, reverse=True))


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
