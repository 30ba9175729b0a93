"""Text from outside is shown as it is: in a terminal, and where Markdown is read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from tasks.report.foreign_text import for_markdown, for_terminal
from tasks.report.summary import failures_table

READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def shown(markdown: str) -> list[tuple[str, str]]:
    """Types and contents of what a Markdown reader makes of a text."""
    [paragraph] = [token for token in READER.parse(markdown) if token.children is not None]
    return [(token.type, token.content) for token in paragraph.children or ()]


@given(st.text())
def test_a_terminal_gets_one_printable_line(text):
    assert for_terminal(text).isprintable()


@pytest.mark.parametrize(
    "name",
    [
        "file:///in/_draft_ *final* [click](javascript:alert(1)).pdf",
        "<img src=x onerror=alert(1)>.pdf",
        "![](http://elsewhere/pixel.png)",
        "a | b ~~c~~ `d` &lt; $e$ \\(",
        "# no heading",
        "- no list",
        "1. no list",
        "+ no list",
        "===",
        "---",
        "> no quote",
    ],
)
def test_markdown_shows_a_name_as_it_is(name):
    tokens = shown(for_markdown(name))
    assert {kind for kind, _ in tokens} <= {"text", "text_special"}
    assert "".join(content for _, content in tokens) == name


@given(st.text(st.characters(codec="utf-8"), min_size=1).filter(lambda text: for_terminal(text).strip()))
def test_markdown_shows_any_text_as_one_line_of_text(text):
    tokens = READER.parse(for_markdown(text))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in tokens[1].children or ()} <= {"text", "text_special"}


def test_a_row_of_failures_keeps_our_own_words():
    [row] = failures_table([{"uri": "a_b", "error": "<b>", "error_kind": "page_corrupt", "page_number": 1}])
    assert row == {"uri": "a\\_b", "error": "\\<b\\>", "error_kind": "page_corrupt", "page_number": 1}
