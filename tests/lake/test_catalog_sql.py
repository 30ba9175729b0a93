"""What the lake's views and macros answer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest
from small_lake import CPU, DOTS, connect, element, fill, new_lake, write_rows

from tasks.lake.catalog import lake_status
from tasks.lake.schemas import TABLES
from tasks.lake.storage import LakeFolder


@pytest.fixture
def lake(tmp_path: Path) -> LakeFolder:
    lake = new_lake(str(tmp_path / "lake"))
    fill(lake)
    return lake


@pytest.fixture
def con(lake: LakeFolder) -> Iterator[duckdb.DuckDBPyConnection]:
    with closing(connect(lake)) as connection:
        yield connection


def test_objects_are_the_latest_row_of_each_uri_and_no_removed_ones(con):
    found = con.execute("SELECT uri, doc_id FROM objects ORDER BY uri").fetchall()
    assert found == [
        ("s3://b/Report.pdf", "aaa"),
        ("s3://b/copy of report.pdf", "aaa"),
        ("s3://b/locked.pdf", "lll"),
        ("s3://b/scan.png", "bbb"),
        ("s3://b/secret.pdf", None),
    ]
    assert con.execute("SELECT count(*) FROM sources").fetchall() == [(8,)]


def test_a_document_has_one_uri_that_still_holds_it_or_else_one_that_did(con):
    found = con.execute("SELECT doc_id, uri, present FROM document_uris ORDER BY doc_id").fetchall()
    assert found == [
        ("aaa", "s3://b/Report.pdf", True),
        ("bbb", "s3://b/scan.png", True),
        ("ggg", "s3://b/gone.pdf", False),
        ("lll", "s3://b/locked.pdf", True),
        ("old", "s3://b/Report.pdf", False),
    ]


def test_a_document_tried_again_counts_once_and_as_read(con):
    found = con.execute("SELECT doc_id, status, error_kind FROM documents ORDER BY doc_id").fetchall()
    assert found == [
        ("aaa", "ok", None),
        ("bbb", "ok", None),
        ("ggg", "failed", "corrupt"),
        ("lll", "failed", "encrypted"),
    ]


def test_a_document_says_how_many_of_its_pages_could_not_be_rendered(con):
    found = con.execute("SELECT doc_id, pages_failed FROM documents ORDER BY doc_id").fetchall()
    assert found == [("aaa", 1), ("bbb", 0), ("ggg", 0), ("lll", 0)]


def test_pages_know_their_render_and_keep_all_columns(con):
    assert con.sql("FROM pages").columns == [*TABLES["pages"].names, "render"]
    found = con.execute("SELECT DISTINCT render, typeof(render) FROM pages ORDER BY render").fetchall()
    assert found == [("200dpi-jpeg", "VARCHAR"), ("72dpi-png", "VARCHAR")]


@pytest.mark.parametrize("table", ["responses", "elements"])
def test_a_config_that_looks_like_a_number_stays_text(con, table):
    found = con.execute(f"SELECT DISTINCT model, config, typeof(config) FROM {table} ORDER BY model").fetchall()
    assert found == [("cpu-layout", "12345678", "VARCHAR"), ("dots.ocr", "0e10", "VARCHAR")]


def test_only_the_files_of_the_model_asked_for_are_opened(con):
    plan = con.execute("EXPLAIN ANALYZE SELECT text FROM elements WHERE model = 'dots.ocr'").fetchall()[0][1]
    assert "1/3" in plan


def test_failures_say_why_anything_of_the_collection_could_not_be_read(con):
    found = con.execute("SELECT * FROM failures ORDER BY ALL").fetchall()
    assert found == [
        ("discover", "s3://b/secret.pdf", None, None, None, "unreadable_source", "no"),
        ("documents", "s3://b/locked.pdf", "lll", None, None, "encrypted", "password, please"),
        ("infer", "s3://b/scan.png", "bbb", 1, "cpu-layout", "timeout", "slow"),
        ("rasterize", "s3://b/Report.pdf", "aaa", 2, None, "render_timeout", "too slow"),
    ]


def test_a_failed_document_that_no_source_mentions_is_still_a_failure(lake):
    write_rows(
        lake, "documents/lost", [{"doc_id": "xxx", "status": "failed", "error_kind": "empty", "error": "0 bytes"}]
    )
    with closing(connect(lake)) as con:
        assert con.execute("SELECT uri, stage FROM failures WHERE doc_id = 'xxx'").fetchall() == [(None, "documents")]


def test_boxes_in_pixels_and_fractions_for_each_render(con):
    query = (
        "SELECT COLUMNS('.*_pixels|.*_fraction') FROM elements_located WHERE category = 'Page-header' AND render = ?"
    )
    assert con.execute(query, ["200dpi-jpeg"]).fetchall() == [(200, 275, 850, 550, 72 / 612, 0.125, 0.5, 0.25)]
    assert con.execute(query, ["72dpi-png"]).fetchall() == [(72, 99, 306, 198, 72 / 612, 0.125, 0.5, 0.25)]
    assert con.execute("SELECT DISTINCT uri FROM elements_located").fetchall() == [("s3://b/Report.pdf",)]


def test_box_macros(con):
    assert con.execute("SELECT to_pixels(306, 612, 1700), to_fraction(198, 792)").fetchall() == [(850.0, 0.25)]


PAGE = """\
# On Lakes

## 1 Fish

The deep
Lake of pages is 100% clear.

- first

2. second

$$
a^2
$$

$b$"""


def test_page_markdown_is_in_reading_order_without_headers_and_footers(con):
    found = con.execute("FROM page_markdown('aaa', 1)").fetchall()
    assert found == [("cpu-layout", "12345678", PAGE), ("dots.ocr", "0e10", "# On Lakes")]
    assert con.execute("FROM page_markdown('aaa', 7)").fetchall() == []


def test_document_markdown_joins_the_pages(con):
    found = con.execute("SELECT markdown FROM document_markdown('aaa') WHERE model = 'cpu-layout'").fetchall()
    assert found == [(PAGE + "\n\nSecond page.",)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("• dot", "• dot"), ("(a) letter", "(a) letter"), ("iv. roman", "iv. roman"), ("-dash", "- -dash"), ("  ", None)],
)
def test_list_items_keep_the_mark_they_have(con, text, expected):
    assert con.execute("SELECT element_markdown('List-item', ?, 'markdown')", [text]).fetchall() == [(expected,)]


@pytest.mark.parametrize("words", ["lake PAGES", "  pages   lake ", "100% clear", "clear clear.", "deep clear."])
def test_search_finds_all_words_in_any_order_and_case(con, words):
    found = con.execute("SELECT uri, page_number, category, snippet FROM search(?)", [words]).fetchall()
    assert found == [("s3://b/Report.pdf", 1, "Text", "The deep Lake of pages is 100% clear.")]


@pytest.mark.parametrize("words", ["lake ocean", "", "  ", "l%e"])
def test_search_finds_nothing_else(con, words):
    assert con.execute("FROM search(?)", [words]).fetchall() == []


def test_a_snippet_is_the_surroundings_of_the_first_hit(lake):
    text = "word " * 100 + "needle" + " word" * 100
    write_rows(lake, "elements/model=m/config=c/x", [element(0, "Text", text, model="m", config="c")])
    with closing(connect(lake)) as con:
        [(snippet,)] = con.execute("SELECT snippet FROM search('NEEDLE')").fetchall()
    assert "needle" in snippet
    assert len(snippet) <= 200


def test_find_document_by_a_part_of_its_uri(con):
    found = con.execute("SELECT uri, doc_id, page_count, title FROM find_document('REPORT')").fetchall()
    assert found == [("s3://b/Report.pdf", "aaa", 2, "On lakes"), ("s3://b/copy of report.pdf", "aaa", 2, "On lakes")]
    assert con.execute("SELECT status, error FROM find_document('secret')").fetchall() == [(None, "no")]


def test_everything_has_a_comment(con):
    views = con.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL").fetchall()
    macros = con.execute(
        "SELECT function_name FROM duckdb_functions() WHERE NOT internal AND comment IS NULL"
    ).fetchall()
    columns = con.execute("SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL")
    assert (views, macros, columns.fetchall()) == ([], [], [])


def test_status(con):
    status = lake_status(con)
    assert status.objects == [{"objects": 5, "bytes": 197, "documents": 3}]
    assert status.documents == [
        {"status": "ok", "error_kind": None, "documents": 2, "pages": 3},
        {"status": "failed", "error_kind": "corrupt", "documents": 1, "pages": 0},
        {"status": "failed", "error_kind": "encrypted", "documents": 1, "pages": 0},
    ]
    assert status.pages[0] == {"render": "200dpi-jpeg", "status": "ok", "pages": 2}
    assert status.responses[0] == {**CPU, "status": "failed", "pages": 2}
    assert status.elements[0] == {**CPU, "category": "Formula", "elements": 2}
    assert {row["error_kind"]: row["failures"] for row in status.failures} == {
        "encrypted": 1,
        "render_timeout": 1,
        "timeout": 1,
        "unreadable_source": 1,
    }
    assert status.left_to_do == [{**CPU, "pages": 3, "pages_left": 0}, {**DOTS, "pages": 3, "pages_left": 2}]
