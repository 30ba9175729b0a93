"""Letterheads and forms: a label and its value are one block, whatever boxes the detector has drawn."""

from __future__ import annotations

from synthetic import A4, line

from tasks.infer.cpu.blocks import build_blocks
from tasks.infer.cpu.layout_detector import DetectedBox
from tasks.infer.cpu.lines import Line
from tasks.infer.cpu.regions import resolve_regions

LABELS = ["To:", "From:", "Date:"]
VALUES = ["Office of Public Works", "Institute of Hydrology", "3 February 2026"]


def form(labels: list[str], values: list[str], x: float = 150, pitch: float = 20) -> list[Line]:
    pairs = zip(labels, values, strict=True)
    return [
        each for i, (a, b) in enumerate(pairs) for each in (line(a, 60, 100 + pitch * i), line(b, x, 100 + pitch * i))
    ]


def texts(lines: list[Line], *detected: DetectedBox) -> set[str]:
    blocks = build_blocks(lines, resolve_regions(detected, lines, *A4))
    return {" / ".join(row.text for row in block.lines) for block in blocks}


def test_labels_and_values_boxed_as_two_columns_are_read_in_rows():
    columns = DetectedBox("text", 0.9, 0.09, 0.11, 0.17, 0.19), DetectedBox("text", 0.9, 0.24, 0.11, 0.5, 0.19)
    assert texts(form(LABELS, VALUES), *columns) == {f"{a} {b}" for a, b in zip(LABELS, VALUES, strict=True)}


def test_a_value_may_go_on_in_the_next_line():
    lines = [*form(LABELS[:2], VALUES[:2], pitch=24), line("Old Harbour", 150, 112)]
    assert texts(lines) == {"To: Office of Public Works / Old Harbour", "From: Institute of Hydrology"}


def test_one_label_is_not_enough():
    assert texts(form(LABELS[:1], VALUES[:1])) == {LABELS[0], VALUES[0]}


def test_values_that_are_not_aligned_are_not_paired():
    lines = [*form(LABELS[:1], VALUES[:1]), line(LABELS[1], 60, 120), line(VALUES[1], 190, 120)]
    assert texts(lines) >= set(LABELS[:2])


def test_labels_in_a_table_stay_in_the_table():
    table = DetectedBox("table", 0.9, 0.05, 0.1, 0.9, 0.3)
    lines = form(LABELS, VALUES)
    assert texts(lines, table) == {" / ".join(row.text for row in lines)}


def test_gaps_inside_one_line_count_too():
    rows = [
        Line(f"{a} rest", 60, 100 + 14 * i, 200, 112 + 14 * i, 10, False, (60, 60 + 5 * len(a), 150, 200))
        for i, a in enumerate(LABELS)
    ]
    assert texts(rows) == {f"{a} rest" for a in LABELS}
