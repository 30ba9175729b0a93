"""Objects out of JSON that may be broken anywhere: cut off, commas missing, quotes and backslashes not escaped.

Where an object is well formed, the standard library reads it; where it is not, it is read field by field, up to where
the next object starts. So one broken object never costs its neighbours, and nothing is ever guessed about a sound one.

Why no library: json-repair 0.64 keeps all 818 complete objects of dots.ocr's recorded answer cut at every 50th byte.
But of the same answer behind a sentence with a bracket in it it keeps none (0 of 17), of a text with quotes in it only
what stands before the first one; it turns LaTeX's `\\beta` and `\\theta` into a backspace and a tab, takes 146 ms for a
loop of 200 objects (this module: 11 ms), and raises RecursionError on nested brackets.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

KEYS = (
    "bbox|box|bbox_2d|block_bbox|coordinate|category|label|block_label|type|"
    "text|content|block_content|confidence|score|block_id|block_order"
)
"""What an element's object may start with: dots.ocr's names and those of its relatives."""

_START_OR_KEY = re.compile(rf"""\{{?\s*(?P<quote>["'])(?:{KEYS})(?P=quote)\s*:""")
"""After an object's end, where the opening brace of the next one may be missing."""
_START = re.compile(rf"""\{{\s*(?P<quote>["'])(?:{KEYS})(?P=quote)\s*:""")
_KEY = re.compile(r"""[\s,]*(?P<quote>["'])(?P<name>\w{1,40})(?P=quote)\s*:\s*""")
_KNOWN_KEY = re.compile(rf"""(?P<quote>["'])(?:{KEYS})(?P=quote)\s*:""")
_SCALAR = re.compile(r"[^,}\]\s]+")
_LIST = re.compile(r"\[[^\]{}\"]*\](?:\s*\])*")
_END_OF_OBJECT = re.compile(r"[\s,]*\}")
_CLOSES = {
    quote: re.compile(
        rf"{quote}\s*(?:,?\s*[}}\]]|,\s*{quote}\w{{1,40}}{quote}\s*:|(?:,\s*(?:{quote}\w{{0,40}}{quote}?)?)?\Z)"
    )
    for quote in ('"', "'")
}
"""A quote ends a string when an object's end, another key or the end of the answer follows; others belong to it."""
_TORN = re.compile(r"""["']?[^\w"'<>{}\]]{0,3}(?P<brace>\})[\s,]*\Z""")
_TORN_AT_END = re.compile(r"""["']?[^\w"'<>{}\]]{0,3}(?P<brace>\})\s*\]\s*\Z""")
"""Where an object ends whose last string has no proper end; at the end of the answer only with the list's bracket."""
_ESCAPE = re.compile(r"\\(?:u(?P<hex>[0-9a-fA-F]{4})|(?P<sign>.)|\Z)", re.DOTALL)
_SIGNS = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", '"': '"', "'": "'", "/": "/", "\\": "\\"}

_DECODER = json.JSONDecoder(strict=False)


class FoundObject(NamedTuple):
    """An object, where it ends, whether it is well formed, and whether its closing brace is there."""

    fields: dict[str, object]
    end: int
    sound: bool
    closed: bool


def find_objects(text: str) -> Iterator[FoundObject]:
    """Every object of an element in the text, in order."""
    start = _START.search(text)
    while start is not None:
        found = _sound_object(text, start.start())
        if found is None:
            following = _START.search(text, start.end())
            first_key = start.start() + start[0].startswith("{")
            found = _broken_object(text, first_key, following.start() if following else len(text))
        yield found
        start = _START_OR_KEY.search(text, found.end)


def _sound_object(text: str, start: int) -> FoundObject | None:
    """The object that starts here, if it is well formed."""
    if text[start] != "{":
        return None
    try:
        fields, end = _DECODER.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None
    return FoundObject(fields, end, sound=True, closed=True)


def _broken_object(text: str, position: int, limit: int) -> FoundObject:
    """Field by field, as far as fields are legible."""
    fields: dict[str, object] = {}
    while key := _KEY.match(text, position, limit):
        value, position = _value(text, key.end(), limit)
        if value is not None:
            fields.setdefault(key["name"], value)
        if position >= limit:
            break
        if not _KEY.match(text, position, limit):
            end = _END_OF_OBJECT.match(text, position, limit)
            if end is not None:
                return FoundObject(fields, end.end(), sound=False, closed=True)
            following = _KNOWN_KEY.search(text, position, limit)
            if following is None:
                closed = limit < len(text) or "}" in text[position:limit]
                return FoundObject(fields, limit, sound=False, closed=closed)
            position = following.start()
    return FoundObject(fields, limit, sound=False, closed=limit < len(text))


def _value(text: str, position: int, limit: int) -> tuple[object, int]:
    """The value that starts here and where it ends; None for one that is not legible."""
    first = text[position : position + 1]
    if first in _CLOSES:
        return _string(text, position + 1, limit, first)
    if first == "[":
        numbers = _LIST.match(text, position, limit)
        return (numbers[0], numbers.end()) if numbers else (None, position + 1)
    scalar = _SCALAR.match(text, position, limit)
    return (scalar[0], scalar.end()) if scalar else (None, position)


def _string(text: str, position: int, limit: int, quote: str) -> tuple[str, int]:
    """A string up to the quote that ends it, or to the limit where there is none."""
    at = position
    while (at := text.find(quote, at, limit)) >= 0:
        if not _is_escaped(text, position, at) and _CLOSES[quote].match(text, at, limit):
            return unescape(text[position:at]), at + 1
        at += 1
    torn = (_TORN_AT_END if limit == len(text) else _TORN).search(text, position, limit)
    end = torn.start() if torn else limit
    return unescape(text[position:end]), torn.start("brace") if torn else limit


def _is_escaped(text: str, start: int, at: int) -> bool:
    """Whether an odd number of backslashes stands right before this character of the string that begins at `start`."""
    before = at
    while before > start and text[before - 1] == "\\":
        before -= 1
    return (at - before) % 2 == 1


def unescape(raw: str) -> str:
    """The string that JSON's escapes stand for; a backslash that escapes nothing stays, as LaTeX's do."""
    if "\\" not in raw:
        return raw
    unescaped_latex = any(m["hex"] is None and m["sign"] not in _SIGNS for m in _ESCAPE.finditer(raw))

    def sign(escape: re.Match[str]) -> str:
        if escape["hex"]:
            return chr(int(escape["hex"], 16))
        if unescaped_latex and escape["sign"] == "\\" and not raw[escape.end() : escape.end() + 1].isalpha():
            return escape[0]
        return _SIGNS.get(escape["sign"] or "", escape[0])

    return restore_commands(_ESCAPE.sub(sign, raw), certain=unescaped_latex)


_COMMAND_TAILS = {
    "\b": "[a-zA-Z]",
    "\f": "[a-zA-Z]",
    "\t": r"(?:heta|imes|ext|au\b|ilde|op\b|frac|riangle|anh?\b|o\b)",
    "\r": r"(?:ho\b|ight|angle|m\b|floor|ceil|aise)",
    "\n": r"(?:abla|eq\b|otin|ot\b|u\b|eg\b|exists|subset|mid\b|parallel|rightarrow)",
}
_LETTER = {"\b": "b", "\f": "f", "\t": "t", "\r": "r", "\n": "n"}
_CERTAIN = re.compile("[\b\f](?=[a-zA-Z])|\t(?=heta|imes|ext[a-z]*\\{|frac)|\r(?=ho\\b|ight|angle)|\n(?=abla\\b)")
_LINE_END = re.compile(r"\\(?![a-zA-Z])")
_LIKELY = re.compile("|".join(f"{control}(?={tail})" for control, tail in _COMMAND_TAILS.items()))


def restore_commands(text: str, certain: bool = False) -> str:
    """LaTeX commands whose backslash JSON took for an escape: a backspace before `eta` was `\\beta`.

    One sure sign (or `certain`, from elsewhere) means that the model escaped nothing here, and then the less sure ones
    count too: a line break before `u` was `\\nu`, and a backslash before no letter was the two of a line's end.
    """
    if not certain:
        if not _CERTAIN.search(text):
            return text
        text = _LINE_END.sub(r"\\\\", text)
    return _LIKELY.sub(lambda control: "\\" + _LETTER[control[0]], text)
