"""Headings, lists, footnotes, captions, running heads: what the text shows decides."""

from __future__ import annotations

import pytest
from synthetic import line

from tasks.infer.cpu.blocks import Block
from tasks.infer.cpu.categories import PageStyle, categorize
from tasks.infer.cpu.geometry import bounding_box

STYLE = PageStyle(body_size=10, body_bold=False, width=595, height=842, page_number=1)
BODY = "ordinary text of the page that goes on for a while and ends somewhere."


def block(text: str, y0: float, size: float = 10, bold: bool = False, label: str = "loose", x0: float = 60) -> Block:
    row = line(text, x0, y0, size, bold)
    return Block(label, None, *bounding_box([row]), (row,))


def category(target: Block, *others: Block, style: PageStyle = STYLE) -> str:
    body = [block(BODY, y, label="text") for y in (150, 250, 600, 720)]
    return categorize([*others, target, *body], style)[len(others)]


def test_larger_and_bold_is_a_heading():
    assert category(block("Materials and methods", 300, 12, bold=True)) == "Section-header"


def test_bold_in_body_size_is_a_heading():
    assert category(block("Materials and methods", 300, 10, bold=True)) == "Section-header"


def test_the_detectors_title_is_a_heading_even_in_plain_type():
    assert category(block("Materials and methods", 300, label="title")) == "Section-header"


def test_a_numbered_heading_is_no_list_item():
    assert category(block("3 Results", 300, 12, bold=True)) == "Section-header"


def test_a_plain_line_is_text():
    assert category(block("Materials and methods", 300)) == "Text"


def test_the_largest_heading_of_the_first_page_is_the_title():
    assert category(block("On the Shape of Things", 80, 18, bold=True), block("Abstract", 120, 12, True)) == "Title"


def test_a_later_page_has_no_title():
    later = PageStyle(10, False, 595, 842, page_number=2)
    assert category(block("On the Shape of Things", 120, 18, bold=True), style=later) == "Section-header"


def test_bullets_and_numbers_are_list_items():
    assert category(block("• apples", 300)) == "List-item"
    assert category(block("(2) pears", 300)) == "List-item"


def test_small_print_with_a_mark_at_the_foot_is_a_footnote():
    assert category(block("1 See the appendix for more.", 750, 8)) == "Footnote"
    assert category(block("* Corresponding author.", 750, 8)) == "Footnote"


def test_small_print_in_the_middle_is_not():
    assert category(block("1 See the appendix for more.", 300, 8)) != "Footnote"


def test_captions_say_what_they_are():
    for text in ("Figure 3: A curve", "Table 1. Numbers", "Fig. 2. A map", "图 1: 结构", "Abbildung 4: Ein Bild"):
        assert category(block(text, 300)) == "Caption", text


def test_a_sentence_about_a_figure_is_text():
    assert category(block("Figure 3 shows that the curve rises.", 300)) == "Text"


def test_the_wording_under_a_lone_label_belongs_to_the_caption():
    assert category(block("Costs by item", 300, 10, True), block("Table 1", 287, 10, True)) == "Caption"


def test_a_page_number_is_a_footer_and_a_running_head_a_header():
    assert category(block("17", 800)) == "Page-footer"
    assert category(block("Page 3 of 12", 800)) == "Page-footer"
    assert category(block("Journal of Examples, vol. 3", 30, 9)) == "Page-header"


def test_the_detectors_header_set_large_is_a_heading():
    assert category(block("ANNUAL REPORT", 60, 16, True, label="header")) in ("Title", "Section-header")


def test_mathematics_is_a_formula():
    assert category(block("a + b = c (3)", 300)) == "Formula"


def test_containers_keep_their_class():
    for label, name in (("table", "Table"), ("figure", "Picture"), ("equation", "Formula")):
        assert category(Block(label, 0.9, 60, 300, 300, 400)) == name


@pytest.mark.parametrize("text", ["二、怎样提问", "第三章 财务摘要", "十二、结论"])
def test_a_chinese_number_makes_a_short_line_a_heading(text):
    assert category(block(text, 300)) == "Section-header"


def test_a_chinese_number_before_a_sentence_does_not():
    assert category(block("二、怎样提问，下面再说。", 300)) == "List-item"
    assert category(block("第三章介绍了这个系统，以及它的用法。", 300)) == "Text"


def test_chinese_numbers_right_under_one_another_are_a_list():
    assert category(block("二、苹果", 300), block("一、香蕉", 288)) == "List-item"


def test_what_the_detector_calls_a_caption_is_one():
    assert category(block("Water levels at four stations", 300, label="table_caption")) == "Caption"


def test_a_paragraph_is_no_caption_whatever_the_detector_says():
    text = "The table has no lines. It compares the steps of a pipeline."
    assert category(block(text, 300, label="table_caption")) == "Text"
    assert category(block(text, 300, size=8, label="table_caption")) == "Caption"


def test_text_beyond_a_tables_caption_is_no_caption():
    table = Block("table", 0.9, 60, 340, 400, 400)
    near, far = block("Table 1: Levels", 320), block("ordinary text before the table", 300, label="table_caption")
    assert category(far, near, table) == "Text"


def test_small_print_with_a_mark_is_a_footnote_even_in_the_margin():
    assert category(block("* The institute is invented.", 790, 8)) == "Footnote"
    assert category(block("2 See the book by Smith.", 790, 8)) == "Footnote"
    assert category(block("* The institute is invented.", 790, 8, label="footer")) == "Page-footer"
    assert category(block("12 Annual report", 790, 8)) == "Page-footer"
    assert category(block("12", 790, 8)) == "Page-footer"
