"""A lake of a few rows with something of everything: changed and removed objects, retries, all sorts of failures."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pyarrow as pa

from tasks.lake.catalog import open_catalog, write_schema_files
from tasks.lake.schemas import TABLES
from tasks.lake.storage import LakeFolder

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CPU = {"model": "cpu-layout", "config": "12345678"}
DOTS = {"model": "dots.ocr", "config": "0e10"}


def write_rows(lake: LakeFolder, name: str, rows: list[dict[str, Any]]) -> None:
    lake.write_table(f"{name}.parquet", pa.Table.from_pylist(rows, schema=TABLES[name.split("/")[0]]))


def element(index: int, category: str, text: str | None, **other: Any) -> dict[str, Any]:
    box = {"x0": 72.0, "y0": 99.0 + index, "x1": 306.0, "y1": 198.0 + index}
    key = {"doc_id": "aaa", "page_number": 1, "element_index": index, **CPU}
    return key | box | {"category": category, "text": text, "text_format": "markdown"} | other


def fill(lake: LakeFolder) -> None:
    """Two documents that can be read, three that cannot, two models, two renders, something of every failure."""
    _fill_sources(lake)
    _fill_documents(lake)
    _fill_pages(lake)
    _fill_responses(lake)
    _fill_elements(lake)
    write_rows(lake, "runs/first-infer", [{"run_id": "r", "stage": "infer", "shard": "first-00000", "started_at": NOW}])


def _fill_sources(lake: LakeFolder) -> None:
    write_rows(
        lake,
        "sources/first",
        [
            {"uri": "s3://b/Report.pdf", "seen_at": NOW, "event": "added", "size": 100, "doc_id": "old"},
            {"uri": "s3://b/copy of report.pdf", "seen_at": NOW, "event": "added", "size": 90, "doc_id": "aaa"},
            {"uri": "s3://b/gone.pdf", "seen_at": NOW, "event": "added", "size": 7, "doc_id": "ggg"},
            {"uri": "s3://b/locked.pdf", "seen_at": NOW, "event": "added", "size": 8, "doc_id": "lll"},
            {"uri": "s3://b/scan.png", "seen_at": NOW, "event": "added", "size": 9, "doc_id": "bbb"},
            {
                "uri": "s3://b/secret.pdf",
                "seen_at": NOW,
                "event": "added",
                "error_kind": "unreadable_source",
                "error": "no",
            },
        ],
    )
    later = NOW + timedelta(days=1)
    write_rows(
        lake,
        "sources/second",
        [
            {"uri": "s3://b/Report.pdf", "seen_at": later, "event": "changed", "size": 90, "doc_id": "aaa"},
            {"uri": "s3://b/gone.pdf", "seen_at": later, "event": "removed"},
        ],
    )


def _fill_documents(lake: LakeFolder) -> None:
    write_rows(
        lake,
        "documents/first",
        [
            {"doc_id": "aaa", "media_type": "application/pdf", "page_count": 2, "title": "On lakes", "status": "ok"},
            {"doc_id": "bbb", "status": "failed", "error_kind": "encrypted", "error": "password, please"},
            {"doc_id": "ggg", "status": "failed", "error_kind": "corrupt", "error": "cut off"},
            {"doc_id": "lll", "status": "failed", "error_kind": "encrypted", "error": "password, please"},
        ],
    )
    write_rows(lake, "documents/again", [{"doc_id": "bbb", "media_type": "image/png", "page_count": 1, "status": "ok"}])


def _fill_pages(lake: LakeFolder) -> None:
    page = {"width": 612.0, "height": 792.0, "image": b"\xff\xd8", "image_format": "jpeg", "status": "ok"}
    failed = {"status": "failed", "error_kind": "render_timeout", "error": "too slow"}
    for render, width, height in (("200dpi-jpeg", 1700, 2200), ("72dpi-png", 612, 792)):
        size = {"image_width": width, "image_height": height}
        write_rows(
            lake,
            f"pages/render={render}/first-00000",
            [
                {"doc_id": "aaa", "page_number": 1, **page, **size},
                {"doc_id": "aaa", "page_number": 2, **failed},
                {"doc_id": "bbb", "page_number": 1, **page, **size},
            ],
        )


def _fill_responses(lake: LakeFolder) -> None:
    write_rows(
        lake,
        "responses/model=cpu-layout/config=12345678/first-00000",
        [
            {"doc_id": "aaa", "page_number": 1, **CPU, "status": "ok"},
            {"doc_id": "aaa", "page_number": 2, **CPU, "status": "failed", "error_kind": "page_not_rendered"},
            {"doc_id": "bbb", "page_number": 1, **CPU, "status": "failed", "error_kind": "timeout", "error": "slow"},
        ],
    )
    dots_answer = {"doc_id": "aaa", "page_number": 1, **DOTS, "status": "ok"}
    write_rows(lake, "responses/model=dots.ocr/config=0e10/first-00000", [dots_answer])


def _fill_elements(lake: LakeFolder) -> None:
    write_rows(
        lake,
        "elements/model=cpu-layout/config=12345678/first-00000",
        [
            element(0, "Page-header", "Running head"),
            element(2, "Section-header", "1 Fish"),
            element(1, "Title", "On Lakes"),
            element(3, "Text", "The deep\nLake of pages is 100% clear."),
            element(4, "List-item", "first"),
            element(5, "List-item", "2. second"),
            element(6, "Formula", "a^2", text_format="latex"),
            element(7, "Formula", "$b$", text_format="latex"),
            element(8, "Picture", None),
            element(9, "Page-footer", "1"),
            element(0, "Text", "Second page.", page_number=2),
        ],
    )
    write_rows(lake, "elements/model=dots.ocr/config=0e10/first-00000", [element(0, "Title", "# On Lakes", **DOTS)])


def new_lake(url: str) -> LakeFolder:
    lake = LakeFolder.open(url)
    write_schema_files(lake)
    return lake


def connect(lake: LakeFolder) -> duckdb.DuckDBPyConnection:
    return open_catalog(lake)
