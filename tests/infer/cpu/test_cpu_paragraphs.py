"""Where paragraphs end, and how their lines become Markdown."""

from __future__ import annotations

import pytest
from synthetic import line

from tasks.infer.cpu.markdown import as_markdown, join_lines, vocabulary_of
from tasks.infer.cpu.paragraphs import split_into_paragraphs, starts_list_item


def starts(*rows) -> list[str]:
    return [paragraph[0].text for paragraph in split_into_paragraphs(rows)]


def test_a_first_line_indent_starts_a_paragraph():
    rows = [line(f"line {i} of some text", 62 if i == 3 else 50, 100 + 12 * i, width=200) for i in range(6)]
    assert starts(*rows) == ["line 0 of some text", "line 3 of some text"]


def test_a_wide_gap_starts_a_paragraph():
    rows = [line(f"line {i} of some text", 50, 100 + 12 * i + (8 if i > 2 else 0), width=200) for i in range(6)]
    assert starts(*rows) == ["line 0 of some text", "line 3 of some text"]


def test_a_sentence_that_ends_early_ends_a_paragraph():
    rows = [
        line("a full line of text that runs on", 50, 100, width=200),
        line("and ends here.", 50, 112, width=80),
        line("Another paragraph of full width it is", 50, 124, width=200),
    ]
    assert starts(*rows) == [rows[0].text, rows[2].text]


def test_hanging_indents_are_cut_at_the_margin():
    rows = [
        line(f"entry {i} in a list of references", 50 if i in (0, 2, 5) else 62, 100 + 12 * i, width=200)
        for i in range(7)
    ]
    assert starts(*rows) == [rows[0].text, rows[2].text, rows[5].text]


def test_each_list_item_is_its_own():
    rows = [
        line("• first item that is long enough to", 50, 100, width=200),
        line("run over", 60, 112),
        line("• second item", 50, 124),
        line("• third item", 50, 136),
    ]
    assert starts(*rows) == [rows[0].text, rows[2].text, rows[3].text]


def test_numbers_that_count_on_start_items():
    rows = [line("1. Vorlagen im ganzen Hause", 50, 100), line("2. Prozessgestützt arbeiten alle", 50, 112)]
    assert len(starts(*rows)) == 2


def test_a_wide_gap_in_a_short_run_starts_a_paragraph():
    rows = [line(f"line {i} of some text", 50, y, width=200) for i, y in enumerate((100, 112, 132))]
    assert starts(*rows) == [rows[0].text, rows[2].text]


def test_items_inside_a_list_with_hanging_indents_are_their_own():
    texts = ["1. Choose one:", "a) the first,", "b) the second,", "2. Go on with it", "and then stop"]
    rows = [line(text, 50 if text[0].isdigit() else 62, 100 + 12 * i) for i, text in enumerate(texts)]
    assert starts(*rows) == texts[:4]


def test_a_number_inside_a_sentence_does_not():
    rows = [
        line("a sentence that goes on to the year", 50, 100, width=200),
        line("12. May it was then", 50, 112, width=200),
    ]
    assert len(starts(*rows)) == 1


@pytest.mark.parametrize(
    "text", ["• item", "- item", "1. item", "(2) item", "b) item", "[12] item", "\uf0b7 item", "●item"]
)
def test_what_starts_a_list_item(text):
    assert starts_list_item(text)


@pytest.mark.parametrize("text", ["item", "1.5 million", "-5 degrees", "A. Smith went", "on the way"])
def test_what_does_not(text):
    assert not starts_list_item(text)


@pytest.mark.parametrize(
    ("lines", "joined"),
    [
        (["the convolu-", "tional layer"], "the convolutional layer"),
        (["a self-", "supervised model"], "a self-supervised model"),
        (["the Anti-", "Counterfeiting act"], "the Anti-Counterfeiting act"),
        (["pages 12-", "14 of it"], "pages 12- 14 of it"),
        (["一行中文", "接着写"], "一行中文接着写"),
        (["soft\u00ad", "ware"], "software"),
        (["plain", "words"], "plain words"),
    ],
)
def test_lines_of_a_paragraph_become_one(lines, joined):
    assert join_lines(lines) == joined


def test_a_hyphen_stays_where_the_page_writes_the_word_with_one():
    assert join_lines(["a cold-", "start"], vocabulary_of(["the cold-start problem"])) == "a cold-start"
    assert join_lines(["a self-", "ish act"], vocabulary_of(["selfish people"])) == "a selfish act"


@pytest.mark.parametrize(
    ("category", "text", "markdown"),
    [
        ("Title", "A title", "# A title"),
        ("Section-header", "1 Introduction", "## 1 Introduction"),
        ("List-item", "• an item", "- an item"),
        ("List-item", "3) an item", "3. an item"),
        ("List-item", "[7] Knuth", "- [7] Knuth"),
        ("Text", "5 * 3 # not escaped_here", "5 * 3 # not escaped_here"),
    ],
)
def test_markdown_of_categories(category, text, markdown):
    assert as_markdown(category, [text]) == markdown
