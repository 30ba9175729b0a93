"""CSV for spreadsheets: nothing that a document or a model said is computed there, when asked for."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_lake import element, new_lake, write_rows

from tasks.lake.formulas import FORMULA_MARKS
from tasks.lake.query import export
from tasks.lake.storage import LakeFolder

DANGEROUS = [
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "\uff1d1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("x";"y")',
]
HARMLESS = ["", "a=b", "'=1", " =1", "1", 'Text, "quoted"\nand = so on', "湖"]
ELEMENTS = "elements/model=cpu-layout/config=12345678/s"


@pytest.fixture(scope="module")
def lake(tmp_path_factory) -> LakeFolder:
    lake = new_lake(str(tmp_path_factory.mktemp("formulas")))
    write_rows(lake, ELEMENTS, [element(n, "Text", text) for n, text in enumerate([*DANGEROUS, *HARMLESS, None])])
    return lake


def as_csv(lake: LakeFolder, query: str, *, escape_formulas: bool = True) -> list[list[str]]:
    out = io.BytesIO()
    export(lake, query, "csv", out, escape_formulas=escape_formulas)
    return list(csv.reader(io.StringIO(out.getvalue().decode(), newline="")))


def test_formulas_are_escaped_and_nothing_else(lake):
    _, *rows = as_csv(lake, "SELECT text FROM elements ORDER BY element_index")
    assert [row[0] if row else "" for row in rows] == [*(f"'{text}" for text in DANGEROUS), *HARMLESS, ""]


def test_by_default_cells_are_as_they_are(lake):
    _, *rows = as_csv(lake, "SELECT text FROM elements ORDER BY element_index", escape_formulas=False)
    assert [row[0] if row else "" for row in rows] == [*DANGEROUS, *HARMLESS, ""]


@pytest.mark.parametrize("number", ["-1", "-1.5::DOUBLE", "-1.50::DECIMAL(5,2)", "-1::HUGEINT"])
def test_numbers_stay_numbers(lake, number):
    assert as_csv(lake, f"SELECT {number} AS n")[1][0].startswith("-1")


@pytest.mark.parametrize("value", ["'=1'::BLOB", "'=1'::ENUM('=1')", "INTERVAL '-1 day'", "'-1'::JSON"])
def test_whatever_prints_like_a_formula_is_escaped(lake, value):
    assert as_csv(lake, f"SELECT {value} AS cell")[1][0].startswith("'")


def test_names_of_columns_are_cells_too(lake):
    [header, _] = as_csv(lake, """SELECT 1 AS "=1+1", 'x' AS "@a", 2 AS "plain, ""quoted\"\"" """)
    assert header == ["'=1+1", "'@a", 'plain, "quoted"']


@given(st.lists(st.text(max_size=5), min_size=1, max_size=5))
def test_no_cell_begins_like_a_formula_and_no_text_is_lost(lake, texts):
    values = ", ".join("('" + text.replace("'", "''") + "')" for text in texts if "\0" not in text) or "('')"
    query = f"SELECT text, 'x' AS other FROM (VALUES {values}) AS said(text)"
    plain, escaped = (as_csv(lake, query, escape_formulas=wanted) for wanted in (False, True))
    for (before, _), (after, _) in zip(plain[1:], escaped[1:], strict=True):
        assert not after.startswith(FORMULA_MARKS)
        assert after in (before, f"'{before}")


def test_a_file_is_escaped_too(lake, tmp_path: Path):
    export(lake, "SELECT '=1' AS a", "csv", tmp_path / "out.csv", escape_formulas=True)
    assert (tmp_path / "out.csv").read_text() == "a\n'=1\n"
