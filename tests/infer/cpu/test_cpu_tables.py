"""Tables as HTML: ruled and unruled, with cells over several columns and rows, and the finding of tables by rules."""

from __future__ import annotations

import re

import numpy as np
from PIL import Image, ImageDraw
from synthetic import A4, draw_lines, line, page_of, text_line

from tasks.infer.cpu.geometry import Box
from tasks.infer.cpu.lines import from_text_layer
from tasks.infer.cpu.page_image import PageImage
from tasks.infer.cpu.regions import Region
from tasks.infer.cpu.rulings import Ruling, find_rulings, without_strokes
from tasks.infer.cpu.table_finder import complete_tables, ruled_grids
from tasks.infer.cpu.tables import table_html

BOX = Box(50, 100, 350, 180)


def cells(html: str) -> list[list[str]]:
    return [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]


def grid(rows: list[list[str]], x0: float = 55, y0: float = 104, pitch: float = 20):
    return [
        line(text, x0 + 100 * c, y0 + pitch * r) for r, row in enumerate(rows) for c, text in enumerate(row) if text
    ]


def rulings(rows: int, columns: int) -> tuple[list[Ruling], list[Ruling]]:
    horizontal = [Ruling(100 + 20 * r, 50, 50 + 100 * columns) for r in range(rows + 1)]
    vertical = [Ruling(50 + 100 * c, 100, 100 + 20 * rows) for c in range(columns + 1)]
    return horizontal, vertical


ROWS = [["Item", "Amount", "Price"], ["Nuts", "12", "3.50"], ["Bolts", "7", "1.20"], ["Total", "19", "4.70"]]


def test_an_unruled_table_has_its_columns_from_white_space():
    assert cells(table_html(grid(ROWS), BOX)) == ROWS


def test_an_empty_cell_stays_empty():
    rows = [*ROWS[:2], ["Bolts", "", "1.20"], ROWS[3]]
    assert cells(table_html(grid(rows), BOX)) == rows


def test_a_head_over_two_columns_spans_them():
    head = [line("Both of them together", 150, 84)]
    html = table_html([*head, *grid(ROWS)], Box(50, 80, 350, 180))
    assert '<td colspan="2">Both of them together</td>' in html
    assert cells(html)[1:] == ROWS


def test_a_ruled_table_keeps_wrapped_text_in_one_cell():
    rows = [*grid([["Item", "Amount"], ["Nuts and", "12"]]), line("bolts", 55, 136), line("14", 155, 150)]
    horizontal = [Ruling(y, 50, 250) for y in (100, 120, 149, 165)]
    vertical = [Ruling(x, 100, 165) for x in (50, 150, 250)]
    html = table_html(rows, Box(50, 100, 250, 165), horizontal, vertical)
    assert cells(html) == [["Item", "Amount"], ["Nuts and bolts", "12"], ["", "14"]]


def test_a_missing_ruling_joins_columns_and_rows():
    horizontal, _ = rulings(3, 3)
    horizontal[1] = Ruling(120, 150, 350)  # the first column runs over two rows
    vertical = [Ruling(50, 100, 160), Ruling(150, 100, 160), Ruling(250, 120, 160), Ruling(350, 100, 160)]
    rows = [line("Name", 60, 104), line("Both", 160, 104), line("a", 160, 124), line("b", 260, 124)]
    rows += [line("x", 60, 144), line("y", 160, 144), line("z", 260, 144)]
    html = table_html(rows, Box(50, 100, 350, 160), horizontal, vertical)
    assert '<td rowspan="2">Name</td>' in html
    assert '<td colspan="2">Both</td>' in html
    assert cells(html)[2] == ["x", "y", "z"]


def test_text_is_escaped():
    assert "a &lt;b&gt; &amp; c" in table_html([line("a <b> & c", 55, 104)], BOX)


def test_no_text_no_table():
    assert table_html([], BOX) == ""


def test_rulings_are_found_in_pixels():
    picture = Image.new("L", (800, 600), 255)
    draw = ImageDraw.Draw(picture)
    draw.rectangle([100, 100, 700, 500], outline=0, width=2)
    draw.line([100, 300, 700, 300], fill=60, width=1)
    draw.line([100, 400, 120, 400], fill=0, width=2)  # too short
    draw.rectangle([300, 50, 420, 60], fill=0)  # too thick
    horizontal, vertical = find_rulings(np.asarray(picture), Box(10, 20, 410, 320), 0.5)
    assert [round(r.at) for r in horizontal] == [70, 170, 270]
    assert [round(r.at) for r in vertical] == [60, 360]
    assert all(abs(r.start - 60) < 6 and abs(r.end - 360) < 6 for r in horizontal)


def ruled_page():
    rows = [text_line(text, 105 + 100 * c, 304 + 20 * r) for r, row in enumerate(ROWS) for c, text in enumerate(row)]
    picture = draw_lines(rows, A4)
    draw = ImageDraw.Draw(picture)
    for r in range(5):
        draw.line([200, 600 + 40 * r, 800, 600 + 40 * r], fill="black", width=2)
    for c in range(4):
        draw.line([200 + 200 * c, 600, 200 + 200 * c, 760], fill="black", width=2)
    return page_of(rows, image=picture)


def test_a_ruled_table_that_the_detector_missed_is_found():
    page = ruled_page()
    found = complete_tables([], from_text_layer(page.text_layer), PageImage(page))
    assert [region.label for region in found] == ["table"]
    assert abs(found[0].x0 - 100) < 6 and abs(found[0].y1 - 380) < 6


def test_a_figure_that_is_a_ruled_table_becomes_one():
    page = ruled_page()
    figure = Region("figure", 0.9, 90, 290, 410, 390)
    found = complete_tables([figure], from_text_layer(page.text_layer), PageImage(page))
    assert [region.label for region in found] == ["table"]


def test_columns_of_figures_without_any_line_are_a_table():
    rows = [text_line(text, 105 + 100 * c, 304 + 14 * r) for r, row in enumerate(ROWS) for c, text in enumerate(row)]
    page = page_of(rows)
    found = complete_tables([], from_text_layer(page.text_layer), PageImage(page))
    assert [region.label for region in found] == ["table"]


def test_a_column_beside_the_detectors_box_is_taken_in():
    rows = [text_line(text, 105 + 100 * c, 304 + 14 * r) for r, row in enumerate(ROWS) for c, text in enumerate(row)]
    page = page_of(rows)
    cut = Region("table", 0.9, 160, 300, 420, 362)
    found = complete_tables([cut], from_text_layer(page.text_layer), PageImage(page))
    assert len(found) == 1 and found[0].x0 <= 105


def test_strokes_of_letters_are_no_rulings():
    row = text_line("汉字汉字", 100, 100, 12, width=48)
    lines = from_text_layer([row])
    stroke, column = Ruling(at=112, start=101, end=113), Ruling(at=112, start=60, end=200)
    dash, rule = Ruling(at=107, start=102, end=140), Ruling(at=107, start=60, end=300)
    assert without_strokes([dash, rule], [stroke, column], lines) == ([rule], [column])
    beside = Ruling(at=90, start=101, end=113)
    assert without_strokes([], [beside], lines) == ([], [beside])


def test_what_light_letters_in_two_lines_leave_of_their_ground_is_no_ruling():
    lines = from_text_layer([text_line("Sample", 100, 100, 10), text_line("unit", 105, 111, 10)])
    across, column = Ruling(at=112, start=102, end=122), Ruling(at=112, start=80, end=160)
    assert without_strokes([], [across, column], lines) == ([], [column])


def test_a_stroke_that_touches_the_lines_of_a_notebook_makes_no_grid():
    lines = from_text_layer([text_line("a line of notes in a notebook", 60, 88 + 20 * i, width=250) for i in range(10)])
    rules = [Ruling(at=100 + 20 * i, start=50, end=400) for i in range(10)]
    edges = [Ruling(at=x, start=100, end=280) for x in (50, 400)]
    assert ruled_grids(rules, [*edges, Ruling(at=200, start=100, end=112)], lines) == []
    assert ruled_grids(rules, [*edges, Ruling(at=200, start=100, end=280)], lines) == [Box(50, 100, 400, 280)]
