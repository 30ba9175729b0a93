"""Ways of asking a model beyond the plain one, as a user calls them: questions, streams, GOT's service, secrets."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from plain_pdf import write_pdf
from stand_in_server import Asked, Said, StandInServer

pytestmark = pytest.mark.integration


@pytest.fixture
def document(tmp_path) -> Path:
    write_pdf(tmp_path / "in" / "one.pdf", pages=3)
    return tmp_path / "in" / "one.pdf"


def sql(pagelake, lake: Path, query: str) -> list[dict[str, object]]:
    ended = pagelake("sql", query, "--lake", lake, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout or "[]")


def test_a_page_that_the_model_never_reads_well_is_read_by_the_last_resort(pagelake, document, tmp_path):
    with StandInServer(lambda _: Said("la la", "repetition")) as server:
        ended = pagelake(
            "ingest", document, "--lake", tmp_path / "lake", "--model", "dots.ocr", "--endpoint", server.url
        )
    assert ended.returncode == 0, ended.stderr
    rows = sql(pagelake, tmp_path / "lake", "SELECT model, step, status, tried FROM responses")
    assert {(row["model"], row["step"], row["status"]) for row in rows} == {("dots.ocr", "cpu-layout", "looped")}
    assert all(row["tried"][-1] == "cpu-layout: ok" for row in rows)  # ty: ignore[not-subscriptable]
    elements = sql(pagelake, tmp_path / "lake", "SELECT model, read_by, text FROM elements")
    assert {(row["model"], row["read_by"]) for row in elements} == {("dots.ocr", "cpu-layout")}
    assert any("page" in str(row["text"]).lower() for row in elements)


def test_gots_service_is_asked_in_its_own_words(pagelake, document, tmp_path):
    bodies: list[dict[str, object]] = []

    def answer(asked: Asked) -> Said:
        assert asked.is_got
        bodies.append(asked.body)
        return Said("# A page\n\n\\(x^2\\)")

    with StandInServer(answer) as server:
        options = ("--model", "got-ocr2-format", "--endpoint", server.url)
        ended = pagelake("ingest", document, "--lake", tmp_path / "lake", *options)
    assert ended.returncode == 0, ended.stderr
    assert {body["type"] for body in bodies} == {"format"}
    assert str(bodies[0]["image_file"]).startswith("data:image/jpeg;base64,")
    assert "messages" not in bodies[0]
    [count] = sql(pagelake, tmp_path / "lake", "SELECT count(*) AS n FROM responses WHERE status = 'ok'")
    assert count["n"] == 3


def test_a_question_is_asked_and_is_part_of_the_configuration(pagelake, document, tmp_path):
    asked_for: list[str] = []

    def answer(asked: Asked) -> Said:
        content = asked.body["messages"][0]["content"]
        asked_for.extend(part["text"] for part in content if part["type"] == "text")
        return Said("forty-two")

    with StandInServer(answer) as server:
        for query in ("How many?", "Who?"):
            options = ("--model", "pp-docbee", "--endpoint", server.url, "--query", query)
            assert pagelake("ingest", document, "--lake", tmp_path / "lake", *options).returncode == 0
    assert set(asked_for) == {"How many?", "Who?"}
    [counts] = sql(pagelake, tmp_path / "lake", "SELECT count(DISTINCT config) AS c, count(*) AS n FROM responses")
    assert counts == {"c": 2, "n": 6}


def test_a_question_to_a_model_that_takes_none_is_a_wrong_command(pagelake, document, tmp_path):
    ended = pagelake("ingest", document, "--lake", tmp_path / "lake", "--query", "Who?")
    assert ended.returncode == 2 and "pp-docbee" in ended.stderr
    assert not (tmp_path / "lake").exists()


def test_an_engine_that_cannot_run_the_model_is_a_wrong_command(pagelake, document, tmp_path):
    options = ("--model", "got-ocr2", "--engine", "chat", "--endpoint", "http://127.0.0.1:1/v1")
    ended = pagelake("ingest", document, "--lake", tmp_path / "lake", *options)
    assert ended.returncode == 2 and "--engine got" in ended.stderr


@pytest.mark.parametrize("endpoint", ["http://user:hunter2secret@127.0.0.1:1/v1", "localhost:8000", ""])
def test_an_address_that_cannot_be_used_is_told_before_prefect_sees_it(pagelake, document, tmp_path, endpoint):
    ended = pagelake("ingest", document, "--lake", tmp_path / "lake", "--model", "dots.ocr", "--endpoint", endpoint)
    assert ended.returncode == 2 and "hunter2secret" not in ended.stderr
    assert ended.stderr.count("\n") == 1  # no run was begun
    assert not (tmp_path / "lake").exists()


def test_parse_prints_what_the_model_writes_while_it_writes(pagelake, document):
    text = json.dumps([{"bbox": [0, 0, 100, 50], "category": "Text", "text": "some words to come one by one"}])
    with StandInServer(lambda _: Said(text)) as server:
        ended = pagelake("parse", document, "--model", "dots.ocr", "--endpoint", server.url, "--stream")
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    deltas, pages = (
        [line["delta"] for line in lines if "delta" in line],
        [line for line in lines if "delta" not in line],
    )
    assert [page["page_number"] for page in pages] == [1, 2, 3]
    assert pages[0]["usage"] == {"prompt_tokens": 100, "completion_tokens": len(text.split())}
    for page in pages:
        assert "".join(delta["text"] for delta in deltas if delta["page_number"] == page["page_number"]) == text


def test_the_key_may_come_from_a_prefect_secret(pagelake, prefect_environment, document, tmp_path):
    save = "from prefect.blocks.system import Secret; Secret(value=' sk-from-a-block\\n').save('our-key')"
    subprocess.run([sys.executable, "-c", save], env=prefect_environment, check=True, timeout=120)
    keys: list[str | None] = []

    def answer(asked: Asked) -> Said:
        keys.append(asked.headers.get("authorization"))
        return Said("[]")

    with StandInServer(answer) as server:
        options = ("--lake", tmp_path / "lake", "--model", "dots.ocr", "--endpoint", server.url)
        assert pagelake("ingest", document, *options, "--api-key-secret", "our-key").returncode == 0
        missing = pagelake("ingest", document, *options, "--dpi", "72", "--api-key-secret", "not-there")
    assert set(keys) == {"Bearer sk-from-a-block"}
    assert missing.returncode == 2
    assert "not-there" in missing.stderr.splitlines()[-1] and "Traceback" not in missing.stderr
    for file in (file for file in (tmp_path / "lake").rglob("*") if file.is_file()):
        assert b"sk-from-a-block" not in file.read_bytes()
