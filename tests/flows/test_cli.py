"""The command line as a user calls it."""

from __future__ import annotations

import csv
import io
import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from places import SAMPLES, Cli
from plain_pdf import write_pdf

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def sample_lake(pagelake: Cli, tmp_path_factory) -> Path:
    lake = tmp_path_factory.mktemp("cli") / "sample lake"
    ended = pagelake("ingest", SAMPLES, "--lake", lake, "--dpi", "100")
    assert ended.returncode == 0, ended.stderr
    assert "No failures." in ended.stdout.splitlines()[-1]
    return lake


def rows(pagelake: Cli, lake: Path, query: str) -> list[dict[str, object]]:
    ended = pagelake("sql", query, "--lake", lake, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout or "[]")


def test_every_sample_ends_as_elements(pagelake, sample_lake):
    query = (
        "SELECT parse_filename(uri) AS name, count(*) AS elements FROM elements "
        "JOIN document_uris USING (doc_id) GROUP BY name"
    )
    assert {str(row["name"]) for row in rows(pagelake, sample_lake, query)} == {f.name for f in SAMPLES.iterdir()}


def test_what_the_samples_say_is_found(pagelake, sample_lake):
    found = rows(pagelake, sample_lake, "SELECT DISTINCT category FROM elements")
    assert {"Title", "Section-header", "Text", "List-item", "Table", "Caption"} <= {row["category"] for row in found}
    [table] = rows(
        pagelake,
        sample_lake,
        "SELECT text, text_format FROM elements WHERE category = 'Table' AND contains(text, 'colspan') LIMIT 1",
    )
    assert table["text_format"] == "html"


def test_the_catalog_opens_from_another_directory(sample_lake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with duckdb.connect(str(sample_lake / "lake.duckdb"), read_only=True) as catalog:
        [(count,)] = catalog.sql("SELECT count(*) FROM elements").fetchall()
    assert count > 50


def test_csv_json_and_parquet(pagelake, sample_lake, tmp_path):
    query = "SELECT page_number, text FROM elements ORDER BY ALL LIMIT 3"
    as_csv = pagelake("sql", query, "--lake", sample_lake, "--format", "csv").stdout
    as_json = rows(pagelake, sample_lake, query)
    assert [dict(row) for row in csv.DictReader(io.StringIO(as_csv))] == [
        {"page_number": str(row["page_number"]), "text": row["text"]} for row in as_json
    ]
    file = tmp_path / "answer.parquet"
    assert pagelake("sql", query, "--lake", sample_lake, "--format", "parquet", "--output", file).returncode == 0
    assert len(duckdb.read_parquet(str(file)).fetchall()) == 3


def test_a_redirected_answer_leaves_what_the_file_held_before(pagelake, sample_lake, tmp_path, prefect_environment):
    out = tmp_path / "out"
    out.write_text("before\n")
    command = (
        f'exec "{Path(sys.executable).with_name("pagelake")}" sql "SELECT 1 AS n" --format csv --lake "{sample_lake}"'
    )
    subprocess.run(["sh", "-c", f"{command} >> {out}"], env=prefect_environment, check=True)
    assert out.read_text() == "before\nn\n1\n"


def test_status(pagelake, sample_lake):
    text = pagelake("status", "--lake", sample_lake).stdout
    assert "9 ok" in text
    assert "0 pages left to read" in text
    assert "No failures." in text


def test_parse_prints_a_line_per_page_and_needs_no_prefect(pagelake, tmp_path):
    document = write_pdf(tmp_path / "three.pdf", pages=3)
    ended = pagelake("parse", document, PREFECT_API_URL="http://127.0.0.1:9/api")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["page_number"] for line in lines] == [1, 2, 3]
    assert "three page 2" in lines[1]["elements"][0]["text"]
    assert lines[1]["elements"][0]["text_layer_agreement"] == 1.0


def test_a_password_opens_a_pdf_and_is_stored_nowhere(pagelake, tmp_path, prefect_environment):
    write_pdf(tmp_path / "in" / "locked.pdf", pages=2, password="open-sesame-4711")
    lake = tmp_path / "lake"
    assert "1 failures (encrypted 1)" in pagelake("ingest", tmp_path / "in", "--lake", lake).stdout
    wrong = pagelake("ingest", tmp_path / "in", "--lake", lake, "--password", "wrong-4711")
    assert "password_wrong" in wrong.stdout
    ended = pagelake("ingest", tmp_path / "in", "--lake", lake, "--password", "open-sesame-4711")
    assert ended.returncode == 0, ended.stderr
    assert "2 pages read" in ended.stdout
    assert "No failures." in ended.stdout
    home = Path(prefect_environment["PREFECT_HOME"])
    for folder in (lake, home):
        for file in (f for f in folder.rglob("*") if f.is_file()):
            assert b"sesame-4711" not in file.read_bytes(), file


def test_files_that_are_no_documents_are_named_and_do_not_stop_the_run(pagelake, tmp_path):
    write_pdf(tmp_path / "in" / "good.pdf", pages=1)
    (tmp_path / "in" / "empty.pdf").write_bytes(b"")
    (tmp_path / "in" / "notes.txt").write_text("hello")
    (tmp_path / "in" / "cut.pdf").write_bytes((tmp_path / "in" / "good.pdf").read_bytes()[:200])
    lake = tmp_path / "lake"
    ended = pagelake("ingest", tmp_path / "in", "--lake", lake)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    found = rows(pagelake, lake, "SELECT parse_filename(uri) AS name, error_kind FROM failures ORDER BY name")
    assert [(row["name"], row["error_kind"]) for row in found] == [
        ("cut.pdf", "corrupt"),
        ("empty.pdf", "empty"),
        ("notes.txt", "not_a_document"),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ingest", "nothing/here", "--lake", "lake"], "Nothing found at nothing/here"),
        (["ingest", "s4://bucket", "--lake", "lake"], "s4"),
        (["ingest", str(SAMPLES)], "--lake"),
        (["ingest", str(SAMPLES), "--lake", "lake", "--model", "no-such-model"], "no-such-model"),
        (["ingest", str(SAMPLES), "--lake", "lake", "--dpi", "0"], "--dpi"),
        (["parse", "no-such-file.pdf"], "no-such-file.pdf"),
        (["nonsense"], "nonsense"),
    ],
)
def test_a_wrong_command_is_one_message_and_status_2_and_makes_nothing(pagelake, tmp_path, arguments, message):
    ended = pagelake(*(str(tmp_path / "lake") if argument == "lake" else argument for argument in arguments))
    assert ended.returncode == 2
    assert not (tmp_path / "lake").exists()
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_lake_that_is_not_there_or_a_wrong_query(pagelake, sample_lake, tmp_path):
    missing = pagelake("sql", "SELECT 1", "--lake", tmp_path / "none")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "there is no lake here" in missing.stderr
    wrong = pagelake("sql", "SELECT nonsense FROM elements", "--lake", sample_lake)
    assert wrong.returncode == 2
    assert "nonsense" in wrong.stderr
    assert "Traceback" not in wrong.stderr


def test_parse_of_something_unreadable_is_one_line(pagelake, tmp_path):
    (tmp_path / "notes.txt").write_text("hello")
    ended = pagelake("parse", tmp_path / "notes.txt")
    assert ended.returncode == 1
    assert ended.stderr.startswith("pagelake: ")
    assert len(ended.stderr.splitlines()) == 1


def test_a_lake_that_cannot_be_written_is_a_clear_message(pagelake, tmp_path):
    write_pdf(tmp_path / "in" / "good.pdf", pages=1)
    (tmp_path / "file").write_text("in the way")
    ended = pagelake("ingest", tmp_path / "in", "--lake", tmp_path / "file")
    assert ended.returncode == 1
    assert [line for line in ended.stderr.splitlines() if line.startswith("pagelake: Lake ")]
    assert "Traceback" not in ended.stderr


def test_every_command_has_help_with_an_explanation(pagelake):
    for command in ("ingest", "sql", "status", "parse"):
        ended = pagelake(command, "--help")
        assert ended.returncode == 0
        assert len(ended.stdout.splitlines()) > 8


def test_parquet_is_not_printed_to_a_terminal(sample_lake, prefect_environment):
    terminal, other_end = pty.openpty()
    ended = subprocess.run(
        [Path(sys.executable).with_name("pagelake"), "sql", "SELECT 1", "--format", "parquet", "--lake", sample_lake],
        env=prefect_environment,
        stdout=other_end,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(other_end)
    os.close(terminal)
    assert ended.returncode == 2
    assert "not for terminals" in ended.stderr
