"""What a chat server says, read: a completion, or an error that is told in one of the shapes servers have for it.

Everything here came from outside: it is validated, bounded, and never trusted with more than being text. What stands
beside the text may be missing or wrong: a good text is not lost for it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from tasks.infer.engines.retry import RequestFailed, Trouble

MESSAGE_CHARACTERS = 500
"""Of a server's error message, what a row keeps; four times that is looked at."""

_OVERLOADED = frozenset({429, 502, 503, 504})
_GIVEN_UP_BY_SERVER = frozenset({"abort", "error"})
_LARGEST_COUNT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Reply:
    """A completion, of which tokens may be unknown."""

    text: str
    finish_reason: str | None
    prompt_tokens: int | None
    completion_tokens: int | None


def _mended(text: object) -> object:
    """Text that UTF-8 can hold: JSON may name halves of surrogate pairs."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if isinstance(text, str) else text


def _count(value: object) -> int | None:
    """A count that a table can hold; whatever else is told is as good as none."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LARGEST_COUNT else None


_Text = Annotated[str, BeforeValidator(_mended)]
_Word = Annotated[str | None, BeforeValidator(lambda value: _mended(value) if isinstance(value, str) else None)]
_Count = Annotated[int | None, BeforeValidator(_count)]


class _Usage(BaseModel):
    prompt_tokens: _Count = None
    completion_tokens: _Count = None


class _Part(BaseModel):
    text: _Word = None


class _Message(BaseModel):
    content: _Text | list[_Part] | None = None
    reasoning_content: _Word = None
    reasoning: _Word = None  # the same, by another name

    @property
    def text(self) -> str:
        if isinstance(self.content, list):
            return "".join(part.text or "" for part in self.content)
        return self.content or ""

    @property
    def has_thoughts(self) -> bool:
        return bool((self.reasoning_content or self.reasoning or "").strip())


class _Choice(BaseModel):
    message: _Message | None = None
    delta: _Message | None = None  # in a stream
    text: _Text | None = None  # where the server completes text instead of a chat
    finish_reason: _Word = None


class _Completion(BaseModel):
    choices: list[_Choice]
    usage: Annotated[_Usage | None, BeforeValidator(lambda value: value if isinstance(value, dict) else None)] = None


def read_reply(body: bytes) -> Reply:
    """The completion in the body of a 200.

    Raises:
        RequestFailed: it holds none.
    """
    try:
        completion = _Completion.model_validate(_parsed(body))
    except (ValueError, RecursionError):
        raise _no_completion(body) from None
    if not completion.choices:
        raise _no_completion(body)
    choice, usage = completion.choices[0], completion.usage or _Usage()
    _refuse_if_given_up(choice.finish_reason)
    text = choice.message.text if choice.message else choice.text or ""
    _refuse_if_only_thought(text, thoughts=choice.message is not None and choice.message.has_thoughts)
    return Reply(text, choice.finish_reason, usage.prompt_tokens, usage.completion_tokens)


class StreamedReply:
    """A completion that comes in chunks."""

    def __init__(self) -> None:
        self._texts, self._usage = list[str](), _Usage()
        self._finish_reason: str | None = None
        self._comes_in_deltas = self._has_thoughts = False

    def add(self, chunk: str) -> str:
        """Take one chunk in; answers its text, which may be empty.

        Raises:
            RequestFailed: it is none, or an error.
        """
        body = chunk.encode(errors="replace")
        try:
            said = _parsed(body)
            if isinstance(said, dict) and not said.get("choices"):
                _refuse_if_error(said, body)
                said["choices"] = []  # it brings the usage, or keeps the connection open
            read = _Completion.model_validate(said)
        except (ValueError, RecursionError):
            raise _no_completion(body) from None
        self._usage = read.usage or self._usage
        if not read.choices:
            return ""
        self._finish_reason = read.choices[0].finish_reason or self._finish_reason
        text = self._piece_of(read.choices[0])
        self._texts.append(text)
        return text

    def whole(self, *, told_end: bool) -> Reply:
        """The completion, after the last chunk; `told_end`: the server said that it was the last one.

        Raises:
            RequestFailed: it was not, the server gave up, or the model wrote nothing but thoughts.
        """
        if self._finish_reason is None and not told_end:
            raise RequestFailed(Trouble.FAILED, "the stream broke off before its end", status=200)
        _refuse_if_given_up(self._finish_reason)
        text, usage = "".join(self._texts), self._usage
        _refuse_if_only_thought(text, thoughts=self._has_thoughts)
        return Reply(text, self._finish_reason, usage.prompt_tokens, usage.completion_tokens)

    def _piece_of(self, choice: _Choice) -> str:
        """The text of a chunk, wherever the server puts it. A whole message after deltas says the same once more."""
        message = choice.delta or (None if self._comes_in_deltas else choice.message)
        if message is None:
            return choice.text or ""
        self._has_thoughts |= message.has_thoughts
        self._comes_in_deltas |= bool(choice.delta and message.text)
        return message.text


def _refuse_if_error(said: dict[str, Any], body: bytes) -> None:
    if said.get("error") or _told(body) != ("", None):
        raise _no_completion(body)


def _refuse_if_given_up(finish_reason: str | None) -> None:
    if finish_reason in _GIVEN_UP_BY_SERVER:
        raise RequestFailed(Trouble.FAILED, f"the server gave up (finish_reason {finish_reason})", status=200)


def _refuse_if_only_thought(text: str, *, thoughts: bool) -> None:
    """An empty text is a blank page only where the model did not use up its words on thoughts."""
    if thoughts and not text.strip():
        told = (
            "the model wrote thoughts (reasoning_content) and no answer: switch its thinking off, or start the server "
            "without a reasoning parser"
        )
        raise RequestFailed(Trouble.REFUSED, told, status=200)


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
        said = _parsed(body)
    except (ValueError, RecursionError):
        return body[: 4 * MESSAGE_CHARACTERS].decode(errors="replace"), None
    error = (said.get("error") or said) if isinstance(said, dict) else said
    if not isinstance(error, dict):
        return str(error)[: 4 * MESSAGE_CHARACTERS], None
    message = next((error[key] for key in ("message", "errorMsg", "detail") if error.get(key)), "")
    code = error.get("errorCode", error.get("code"))
    return str(message)[: 4 * MESSAGE_CHARACTERS], code if isinstance(code, int) else None


def _parsed(body: bytes) -> Any:  # noqa: ANN401  # whatever it is
    """The JSON in it; bytes that are no UTF-8 spoil one character, not a page.

    Raises:
        ValueError: there is none.
        RecursionError: it is nested too deep.
    """
    return json.loads(body.decode("utf-8-sig", "replace"))
