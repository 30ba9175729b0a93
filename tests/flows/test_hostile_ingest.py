"""The whole hostile collection in one run: every file ends as its manifest says, no process grows large."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from tasks.errors import ALL_KINDS
from tasks.rasterize.rasterize import WORKER_MEMORY_BYTES

pytestmark = [pytest.mark.integration, pytest.mark.slow]

PAGE_TIMEOUT_S = 10
PAGES_TRIED = 3
"""The manifest knows the first pages of each file."""

FINE = {"ok", "too_large_scaled"}
DEADLY = ("timeout", "memory", "crash", "exception:DecompressionBomb")
"""Outcomes that change places from one machine and limit to another: a row that says why, or pages, are both right."""


@dataclass(frozen=True)
class Outcome:
    """What the lake says of one file: its kind of failure, or what became of its first pages."""

    error_kind: str | None
    pages: frozenset[str]

    @property
    def is_fine(self) -> bool:
        return self.error_kind is None and bool(self.pages) and self.pages <= FINE

    @property
    def says_why(self) -> bool:
        return self.error_kind in ALL_KINDS or (bool(self.pages - FINE) and self.pages <= ALL_KINDS | FINE)


@pytest.fixture(scope="module")
def hostile(shared_data: Path) -> Path:
    return shared_data / "hostile"


@pytest.fixture(scope="module")
def lake(hostile, pagelake, tmp_path_factory) -> duckdb.DuckDBPyConnection:
    folder = tmp_path_factory.mktemp("hostile") / "lake"
    options = ("--dpi", "100", "--page-timeout", PAGE_TIMEOUT_S)
    ended = pagelake("ingest", hostile / "files", "--lake", folder, *options, timeout_s=1200)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    return duckdb.connect(str(folder / "lake.duckdb"), read_only=True)


def outcomes(lake: duckdb.DuckDBPyConnection) -> dict[str, Outcome]:
    pages: dict[str, set[str]] = {}
    query = "SELECT doc_id, coalesce(error_kind, status) FROM pages WHERE page_number <= ?"
    for doc_id, became in lake.execute(query, [PAGES_TRIED]).fetchall():
        pages.setdefault(doc_id, set()).add(became)
    query = """SELECT parse_filename(uri), objects.doc_id, coalesce(documents.error_kind, objects.error_kind)
        FROM objects LEFT JOIN documents USING (doc_id)"""
    return {
        name: Outcome(kind, frozenset(pages.get(doc_id, ()))) for name, doc_id, kind in lake.execute(query).fetchall()
    }


def test_every_file_ends_as_its_manifest_says(hostile, lake):
    with (hostile / "MANIFEST.tsv").open(newline="") as manifest:
        known = {row["file"]: row for row in csv.DictReader(manifest, delimiter="\t")}
    found = outcomes(lake)
    assert found.keys() == known.keys()
    wrong = []
    for name, row in known.items():
        said = row["pypdfium2_render"] if row["kind"] == "pdf" else row["pillow"]
        outcome = found[name]
        right = outcome.is_fine if said == "ok" else outcome.says_why
        if not (right or (said.startswith(DEADLY) and outcome.is_fine)):
            wrong.append(f"{name}: {outcome}, but the manifest says {said}")
    assert not wrong, "\n".join(wrong)


def test_every_page_of_every_readable_document_has_a_row_and_an_answer(lake):
    [(promised,)] = lake.execute("SELECT sum(page_count) FROM documents WHERE status = 'ok'").fetchall()
    for table in ("pages", "responses"):
        query = f"SELECT count(*), count(DISTINCT (doc_id, page_number)) FROM {table}"
        assert lake.execute(query).fetchall() == [(promised, promised)]


def test_no_process_was_larger_than_it_may_be(lake):
    peaks = dict(lake.execute("SELECT stage, max(peak_memory) FROM runs GROUP BY stage").fetchall())
    assert peaks["rasterize"] <= WORKER_MEMORY_BYTES
    assert peaks["infer"] <= 1 << 30
