"""What is fuzzed: functions that take bytes and raise when a promise is broken. They run under hypothesis and atheris.

The promises: no reader raises, whatever it reads; what it gives fits into the lake and lies inside the page; a name
becomes a uri that opens as that name again, inside the folder where it was found.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import fsspec
import numpy as np

from tasks.errors import UsageError
from tasks.infer.answers.contract import Space
from tasks.infer.answers.layout_json import read_layout_json
from tasks.infer.answers.page_text import read_formatted_page, read_page_text
from tasks.infer.answers.tagged_text import read_located_text, read_tagged_text
from tasks.infer.engines.chat_reply import MESSAGE_CHARACTERS, bounded, failure_of, read_reply
from tasks.infer.engines.retry import RequestFailed
from tasks.infer.models import all_profiles
from tasks.infer.models.paddleocr_vl import read_cut_out
from tasks.infer.profile import PageSize
from tasks.lake.rows import TextLine
from tasks.land.agreement import text_layer_agreement
from tasks.objects import OpenedUrl, open_nameable, open_object
from tasks.rasterize import text_layer
from tasks.report.foreign_text import for_markdown, for_terminal

Codes = np.ndarray[tuple[int], np.dtype[np.uint32]]
Numbers = np.ndarray[tuple[int, int], np.dtype[np.float64]]
Bytes = np.ndarray[tuple[int, int], np.dtype[np.uint8]]

SPACE = Space(600.0, 800.0)
PAGE = PageSize(600.0, 800.0, 1200, 1600)
STATUSES = {"ok", "repaired", "truncated", "looped", "unparsed"}
READERS = [read_layout_json, read_tagged_text, read_located_text, read_page_text, read_formatted_page, read_cut_out]


def text_of(data: bytes) -> str:
    """Any text that Python can hold, halves of surrogate pairs included."""
    return data.decode("utf-8", "surrogateescape")


def answers(data: bytes) -> None:
    """Each reader of model answers, chosen by the first byte."""
    read = READERS[data[0] % len(READERS)] if data else READERS[0]
    answer = read(text_of(data[1:]), SPACE)
    assert answer.status in STATUSES
    for element in answer.elements:
        assert 0 <= element.box.x0 <= element.box.x1 <= SPACE.width
        assert 0 <= element.box.y0 <= element.box.y1 <= SPACE.height
        (element.text + element.label).encode()


def profiles(data: bytes) -> None:
    """What each model's profile makes of an answer, down to the elements that are landed."""
    known = sorted(all_profiles().items())
    _, profile = known[data[0] % len(known)] if data else known[0]
    reason = ("stop", "length", "repetition", None)[data[1] % 4] if len(data) > 1 else None
    read = profile.read_answer(text_of(data[2:]), PAGE, reason)
    assert read.status in STATUSES
    words = TextLine("some words", 10.0, 10.0, 90.0, 20.0, 10.0, False)
    for element in read.elements:
        assert 0 <= element.x0 <= element.x1 <= PAGE.width
        assert 0 <= element.y0 <= element.y1 <= PAGE.height
        json.dumps([element.text, element.raw_category]).encode()
        agreement = text_layer_agreement(element, [words])
        assert agreement is None or 0 <= agreement <= 1


def replies(data: bytes) -> None:
    """The body that a chat server sends, with 200 and with an error."""
    try:
        reply = read_reply(data)
        (reply.text + (reply.finish_reason or "")).encode()
    except RequestFailed as failure:
        assert len(bounded(failure.message)) <= MESSAGE_CHARACTERS
    said = bounded(failure_of(500, data).message)
    assert len(said) <= MESSAGE_CHARACTERS
    assert said.isprintable()


def uris(data: bytes) -> None:
    """A name in a local folder, in memory, and in an archive becomes a uri that opens as that name."""
    name = text_of(data.replace(b"\0", b"")).strip("/")
    if not name or any(part in ("", ".", "..") for part in name.split("/")):
        return
    for url, path in (("/some folder", f"/some folder/{name}"), ("memory://bucket", f"/bucket/{name}")):
        opened = open_nameable(url)
        _comes_back(opened, path)
    chained = OpenedUrl(fsspec.filesystem("file"), "/x.zip", "zip://", "::file:///x.zip")
    try:
        chained.uri(name).encode()
    except UsageError as error:
        str(error).encode()


def _comes_back(opened: OpenedUrl, path: str) -> None:
    uri = opened.uri(path)
    uri.encode()
    fs, found = open_object(uri)
    assert type(fs) is type(opened.fs)
    assert found == path, (uri, found)


_NUMBERS = np.array([0.0, -1.0, 1e-9, 1e9, 1e30, np.inf, -np.inf, np.nan])
_BYTES_OF_CHARACTER = 12


def lines(data: bytes) -> None:
    """Characters with codes, boxes, sizes and directions of any sort, made into lines of the text layer."""
    count = min(len(data) // _BYTES_OF_CHARACTER, 200)
    if not count:
        return
    table = np.frombuffer(data[: count * _BYTES_OF_CHARACTER], dtype=np.uint8).reshape(count, _BYTES_OF_CHARACTER)
    codes = table[:, :4].copy().view(np.uint32).ravel()
    numbers = table[:, 4:10].astype(np.float64)
    odd = table[:, 11] > 250
    numbers[odd] = _NUMBERS[table[odd, 4:10] % len(_NUMBERS)]
    with np.errstate(all="ignore"):
        found = text_layer._build_lines(_characters(codes, numbers, table))
    for line in found:
        line.text.encode()
        assert line.text


def _characters(codes: Codes, numbers: Numbers, table: Bytes) -> text_layer._Characters:
    angle = numbers[:, 5] / 40
    return text_layer._Characters(
        codes=np.where(table[:, 11] % 2, codes, codes % 0x300),
        boxes=np.hstack([numbers[:, :2] * 2, numbers[:, :2] * 2 + numbers[:, 2:4] / 9]),
        direction=np.stack([np.cos(angle), np.sin(angle)], axis=1),
        size=numbers[:, 4] / 10,
        bold=table[:, 10] % 2 > 0,
        space_before=table[:, 10] // 2 % 2 > 0,
        newline_before=table[:, 10] // 4 % 2 > 0,
    )


def shown(data: bytes) -> None:
    """Text that is shown in a terminal and in Markdown."""
    text = text_of(data)
    assert for_terminal(text).isprintable()
    assert "\n" not in for_markdown(text)


TARGETS: dict[str, Callable[[bytes], None]] = {
    "answers": answers,
    "profiles": profiles,
    "replies": replies,
    "uris": uris,
    "lines": lines,
    "shown": shown,
}
