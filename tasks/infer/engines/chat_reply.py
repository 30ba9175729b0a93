"""What a chat server says, read: a completion, or an error that is told in one of the shapes servers have for it.

Everything here came from outside: it is validated, bounded, and never trusted with more than being text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from pydantic import BaseModel, Field, ValidationError

from tasks.infer.engines.retry import RequestFailed, Trouble

MESSAGE_CHARACTERS = 500
"""Of a server's error message, what a row keeps; four times that is looked at."""

_OVERLOADED = frozenset({429, 502, 503, 504})
_GIVEN_UP_BY_SERVER = frozenset({"abort", "error"})


@dataclass(frozen=True, slots=True)
class Reply:
    """A completion, of which tokens may be unknown."""

    text: str
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Part(BaseModel):
    text: str = ""


class _Message(BaseModel):
    content: str | list[_Part] | None = None


class _Choice(BaseModel):
    message: _Message | None = None
    text: str | None = None  # where the server completes text instead of a chat
    finish_reason: str | None = None


class _Completion(BaseModel):
    choices: list[_Choice] = Field(min_length=1)
    usage: _Usage | None = None


class _ChunkChoice(BaseModel):
    delta: _Message | None = None
    finish_reason: str | None = None


class _Chunk(BaseModel):
    choices: list[_ChunkChoice]  # empty in the one that brings the usage
    usage: _Usage | None = None


def read_reply(body: bytes) -> Reply:
    """The completion in the body of a 200.

    Raises:
        RequestFailed: it holds none.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError:
        raise _no_completion(body) from None
    choice, usage = completion.choices[0], completion.usage or _Usage()
    _refuse_if_given_up(choice.finish_reason)
    text = (_text_of(choice.message) if choice.message else choice.text) or ""
    return Reply(text, choice.finish_reason, usage.prompt_tokens, usage.completion_tokens)


class StreamedReply:
    """A completion that comes in chunks."""

    def __init__(self) -> None:
        self._texts, self._usage = list[str](), _Usage()
        self._finish_reason: str | None = None

    def add(self, chunk: str) -> str:
        """Take one chunk in; answers its text.

        Raises:
            RequestFailed: it is none, or an error.
        """
        try:
            read = _Chunk.model_validate_json(chunk)
        except ValidationError:
            raise _no_completion(chunk.encode()) from None
        self._usage = read.usage or self._usage
        if not read.choices:
            return ""
        self._finish_reason = read.choices[0].finish_reason or self._finish_reason
        text = _text_of(read.choices[0].delta)
        self._texts.append(text)
        return text

    def whole(self) -> Reply:
        """The completion, after the last chunk.

        Raises:
            RequestFailed: it was not the last one, or the server gave up.
        """
        if self._finish_reason is None:
            raise RequestFailed(Trouble.FAILED, "the stream broke off before its end", status=200)
        _refuse_if_given_up(self._finish_reason)
        usage = self._usage
        return Reply("".join(self._texts), self._finish_reason, usage.prompt_tokens, usage.completion_tokens)


def _text_of(message: _Message | None) -> str:
    content = message.content if message else None
    return "".join(part.text for part in content) if isinstance(content, list) else content or ""


def _refuse_if_given_up(finish_reason: str | None) -> None:
    if finish_reason in _GIVEN_UP_BY_SERVER:
        raise RequestFailed(Trouble.FAILED, f"the server gave up (finish_reason {finish_reason})", status=200)


def failure_of(status: int, body: bytes, retry_after_s: float | None = None) -> RequestFailed:
    """What a status other than 200 means."""
    message, _ = _told(body)
    text = f"HTTP {status}: {message}" if message else f"HTTP {status}"
    return RequestFailed(trouble_of(status), text, status=status, retry_after_s=retry_after_s)


def trouble_of(status: int) -> Trouble:
    if status in _OVERLOADED:
        return Trouble.OVERLOADED
    return Trouble.FAILED if status >= 500 else Trouble.REFUSED


def bounded(message: str) -> str:
    """One line of printable text that is not too long for a row."""
    line = "".join(c if c.isprintable() else " " for c in message[: 4 * MESSAGE_CHARACTERS])
    line = " ".join(line.split())
    return line if len(line) <= MESSAGE_CHARACTERS else f"{line[: MESSAGE_CHARACTERS - 2]} …"


def _no_completion(body: bytes) -> RequestFailed:
    """A 200 without a completion: some servers send their errors so, with a status of their own inside."""
    message, code = _told(body)
    if code is not None and 400 <= code < 600:
        return RequestFailed(trouble_of(code), f"HTTP 200 with error {code}: {message}", status=code)
    return RequestFailed(Trouble.FAILED, f"the answer is not a chat completion: {message}", status=200)


def _told(body: bytes) -> tuple[str, int | None]:
    """The message, and the code where there is one, of an error in any of the usual shapes."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return body[: 4 * MESSAGE_CHARACTERS].decode(errors="replace"), None
    error = said.get("error", said) if isinstance(said, dict) else said
    if not isinstance(error, dict):
        return str(error)[: 4 * MESSAGE_CHARACTERS], None
    message = next((error[key] for key in ("message", "errorMsg", "detail") if error.get(key)), "")
    code = error.get("errorCode", error.get("code"))
    return str(message)[: 4 * MESSAGE_CHARACTERS], code if isinstance(code, int) else None
