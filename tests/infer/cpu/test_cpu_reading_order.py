"""Columns, spanning blocks, headers and footers in the order in which they are read."""

from __future__ import annotations

from tasks.infer.cpu.geometry import Box
from tasks.infer.cpu.reading_order import in_order, reading_order

LEFT, RIGHT = (50, 290), (310, 550)


def box(span: tuple[float, float], y0: float, y1: float) -> Box:
    return Box(span[0], y0, span[1], y1)


def order(*boxes: Box) -> list[int]:
    return [boxes.index(each) for each in in_order(boxes)]


def test_one_column_from_the_top():
    assert order(box((50, 550), 300, 400), box((50, 550), 100, 200)) == [1, 0]


def test_two_columns_left_first():
    assert order(box(LEFT, 100, 400), box(RIGHT, 100, 300), box(LEFT, 410, 700), box(RIGHT, 310, 700)) == [0, 2, 1, 3]


def test_a_gap_that_both_columns_share_does_not_part_them():
    assert order(box(LEFT, 100, 300), box(RIGHT, 100, 300), box(LEFT, 350, 700), box(RIGHT, 350, 700)) == [0, 2, 1, 3]


def test_a_title_over_both_columns_comes_first():
    assert order(box(LEFT, 150, 700), box(RIGHT, 150, 700), box((100, 500), 50, 100)) == [2, 0, 1]


def test_a_figure_over_both_columns_parts_what_is_above_from_what_is_below():
    above = box(LEFT, 100, 300), box(RIGHT, 100, 300)
    figure, caption = box((50, 550), 320, 450), box((60, 540), 455, 470)
    below = box(LEFT, 490, 700), box(RIGHT, 490, 700)
    assert order(*above, *below, figure, caption) == [0, 1, 4, 5, 2, 3]


def test_three_columns_under_a_heading():
    columns = [box((50 + 170 * i, 200 + 170 * i), 100, 700) for i in range(3)]
    assert order(columns[2], columns[0], box((50, 540), 40, 80), columns[1]) == [2, 1, 3, 0]


def test_a_footnote_is_read_at_the_end_of_its_own_column():
    assert order(box(LEFT, 100, 600), box(LEFT, 620, 700), box(RIGHT, 100, 700)) == [0, 1, 2]


def test_headers_come_first_and_footers_last_wherever_they_lie():
    boxes = [box((50, 550), 100, 700), box((500, 550), 780, 790), box((50, 120), 20, 30), box((500, 550), 20, 30)]
    assert reading_order(boxes, ["Text", "Page-footer", "Page-header", "Page-header"]) == [2, 3, 0, 1]


def test_a_heading_under_two_columns_goes_with_the_wide_text_below_it():
    boxes = [box(LEFT, 100, 300), box(RIGHT, 100, 300), box((50, 200), 310, 325), box((50, 550), 330, 700)]
    assert reading_order(boxes, ["Text", "Text", "Section-header", "Text"]) == [0, 1, 2, 3]


def test_overlapping_boxes_are_all_there():
    boxes = [box((50, 400), 100, 300), box((200, 550), 200, 500), box((60, 500), 150, 450)]
    assert sorted(order(*boxes)) == [0, 1, 2]


def test_nothing_to_order():
    assert reading_order([], []) == []
