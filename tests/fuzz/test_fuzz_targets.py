"""The targets of the fuzzers, on random bytes, on what once broke them, and on pieces that look like the real thing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from targets import TARGETS

PIECES = [
    *(
        b"\x00",
        b"\x01",
        b"\x02",
        b"\x03",
        b'{"bbox": [1, 2, 3, 4], "category": "Text", "text": "',
        b'"}',
        b"[",
        b"]",
        b"{",
    ),
    *(b"<|ref|>", b"<|/ref|>", b"<|det|>[[1, 2, 3, 4]]<|/det|>", b"<table>", b"<fcel>", b"<nl>", b"\\ud800", b"1e999"),
    *(
        b"::",
        b"://",
        b"..",
        b"%2F",
        b"%",
        b"?",
        b"#",
        b"file:",
        b"zip://",
        b"\xff",
        b"\n",
        "\u202e".encode(),
        b"~",
        b"*",
    ),
    *(b'{"choices": [{"message": {"content": "', b'"}}]}', b'{"error": {"message": ', b"\x1b[31m", b"`", b"|", b"]("),
]
INPUTS = st.one_of(st.binary(max_size=600), st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join))

FOUND = [
    ("lines", b"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x01"),  # a character beyond Unicode
    ("lines", b"\xff\0\0\0\0\0\0\0\xff\xff\xff\xff\xa2"),  # a font size that is no number
]
"""What fuzzing found, shrunk."""


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=150)
@given(data=INPUTS)
def test_promises_hold_for_any_bytes(target, data):
    TARGETS[target](data)


@pytest.mark.parametrize(("target", "data"), FOUND)
def test_what_was_found_once_stays_mended(target, data):
    TARGETS[target](data)
