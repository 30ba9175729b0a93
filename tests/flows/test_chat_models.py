"""A vision-language model behind a chat endpoint, through the whole line, as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from places import Cli
from plain_pdf import write_pdf
from stand_in_server import Asked, Said, StandInServer

pytestmark = pytest.mark.integration

# The pages are 200 x 200 points; at 100 dpi the stored picture has 278 pixels a side, and dots.ocr's processor makes
# 280 of them. A box in the middle half of what the model sees is a box in the middle half of the page.
ELEMENTS = [
    {"bbox": [70, 70, 210, 210], "category": "Section-header", "text": "## A heading"},
    {"bbox": [0, 210, 280, 280], "category": "Table", "text": "<table><tr><td>1</td></tr></table>"},
]
KEY = "sk-very-secret-4711"


@pytest.fixture
def folder(tmp_path) -> Path:
    for number in range(3):
        write_pdf(tmp_path / "in" / f"{number}.pdf", pages=5)
    return tmp_path / "in"


def ingest(pagelake: Cli, folder: Path, lake: Path, server: StandInServer, *more: str, **environment: str) -> str:
    ended = pagelake("ingest", folder, "--lake", lake, "--dpi", "100", "--endpoint", server.url, *more, **environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def sql(pagelake: Cli, lake: Path, query: str) -> list[dict[str, object]]:
    ended = pagelake("sql", query, "--lake", lake, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout or "[]")


def test_two_models_over_one_lake(pagelake, folder, tmp_path):
    lake = tmp_path / "lake"
    assert pagelake("ingest", folder, "--lake", lake, "--dpi", "100").returncode == 0
    pictures = {file: file.stat().st_mtime_ns for file in (lake / "pages").rglob("*.parquet")}
    with StandInServer(answer=lambda _: Said(json.dumps(ELEMENTS))) as server:
        text = ingest(pagelake, folder, lake, server, "--model", "dots.ocr", PAGELAKE_API_KEY=KEY)
        assert "15 pages read by dots.ocr" in text
        assert "0 pages rendered" in text
        assert server.requests == 15
        assert "Nothing to do" in ingest(pagelake, folder, lake, server, "--model", "dots.ocr")
        assert server.requests == 15
    assert {file: file.stat().st_mtime_ns for file in (lake / "pages").rglob("*.parquet")} == pictures
    counts = sql(pagelake, lake, "SELECT model, count(*) AS n FROM elements GROUP BY ALL ORDER BY ALL")
    assert [row["model"] for row in counts] == ["cpu-layout", "dots.ocr"]
    query = "SELECT DISTINCT category, x0, y0, x1, y1, text_format FROM elements WHERE model = 'dots.ocr' ORDER BY y0"
    boxes = sql(pagelake, lake, query)
    assert [row["text_format"] for row in boxes] == ["markdown", "html"]
    assert [boxes[0][edge] for edge in ("x0", "y0", "x1", "y1")] == pytest.approx([50, 50, 150, 150])
    for file in (file for file in lake.rglob("*") if file.is_file()):
        assert KEY.encode() not in file.read_bytes()


def test_every_page_ends_as_a_row_whatever_the_server_does(pagelake, folder, tmp_path):
    lake = tmp_path / "lake"
    faults = dict.fromkeys(("reset", "cut", "429", "503", "500", "400", "garbage", "hollow", "length", "loop"), 0.02)
    with StandInServer(answer=lambda _: Said(json.dumps(ELEMENTS)), faults=faults, seed=3) as server:
        ingest(pagelake, folder, lake, server, "--model", "dots.ocr")
    rows = sql(pagelake, lake, "SELECT doc_id, page_number, status, error_kind FROM responses")
    assert len(rows) == 15
    assert len({(row["doc_id"], row["page_number"]) for row in rows}) == 15
    assert all(row["status"] in {"ok", "repaired", "truncated", "looped", "unparsed", "failed"} for row in rows)
    assert all(row["error_kind"] for row in rows if row["status"] == "failed")


def test_a_page_that_loops_is_read_by_the_plain_prompt_and_says_so(pagelake, folder, tmp_path):
    def answer(asked: Asked) -> Said:
        prompt = json.dumps(asked.body["messages"])
        if "Extract the text content" in prompt:
            return Said("Only the text.")
        return Said(json.dumps(ELEMENTS[0]) * 3, "repetition")

    lake = tmp_path / "lake"
    with StandInServer(answer=answer) as server:
        ingest(pagelake, folder, lake, server, "--model", "dots.ocr", "--limit", "1")
    rows = sql(pagelake, lake, "SELECT step, tried, attempts, status FROM responses ORDER BY page_number")
    assert {row["step"] for row in rows} == {"dots.ocr-text"}
    assert rows[0]["attempts"] == 3
    assert rows[0]["tried"] == ["dots.ocr: looped", "dots.ocr/again: looped", "dots.ocr-text: ok"]
    [element] = sql(pagelake, lake, "SELECT DISTINCT text, category, x1 FROM elements")
    assert element == {"text": "Only the text.", "category": "Text", "x1": 200.0}


def test_pages_that_loop_are_told_and_can_be_asked_again_without_losing_what_was_read(pagelake, folder, tmp_path):
    looping, lake = Said(json.dumps(ELEMENTS[0]) * 50, "repetition"), tmp_path / "lake"
    with StandInServer(answer=lambda _: looping) as server:
        text = ingest(pagelake, folder, lake, server, "--model", "dots.ocr", "--limit", "1")
    assert "No failures, 5 pages incomplete (looped 5)" in text.splitlines()[-1]
    assert "Incomplete pages: 5" in pagelake("status", "--lake", lake).stdout
    before = sql(pagelake, lake, "FROM elements ORDER BY ALL")
    assert before
    arguments = ("--lake", lake, "--dpi", "100", "--model", "dots.ocr", "--kind", "looped", "--endpoint")
    with StandInServer(answer=lambda _: Said("", status=400, error="too large")) as server:
        assert pagelake("retry", *arguments, server.url).returncode == 0
        assert server.requests
    assert sql(pagelake, lake, "FROM elements ORDER BY ALL") == before
    with StandInServer(answer=lambda _: Said(json.dumps(ELEMENTS))) as server:
        assert "No failures." in pagelake("retry", *arguments, server.url).stdout
        assert server.requests == 5
    assert len(sql(pagelake, lake, "FROM elements")) == 10


def test_a_server_that_is_not_there_stops_the_run_and_the_lake_goes_on_later(pagelake, folder, tmp_path):
    lake = tmp_path / "lake"
    with StandInServer(answer=lambda _: Said("[]")) as server:
        url = server.url
    ended = pagelake(
        "ingest", folder, "--lake", lake, "--model", "dots.ocr", "--endpoint", url, "--answer-timeout", "2"
    )
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert url.split("//")[1].split("/")[0] in ended.stderr.splitlines()[-1] or "endpoint" in ended.stderr
    with StandInServer(answer=lambda _: Said("[]")) as server:
        assert "15 pages read by dots.ocr" in ingest(
            pagelake, folder, lake, server, "--model", "dots.ocr", "--dpi", "200"
        )


def test_a_profile_from_a_file(pagelake, folder, tmp_path):
    file = tmp_path / "models.toml"
    file.write_text('[models.invoices]\nbase = "dots.ocr-text"\nprompt = "The invoice number?"\nserved_name = "dots"\n')
    prompts, names = [], []

    def answer(asked: Asked) -> Said:
        prompts.append(json.dumps(asked.body["messages"]))
        names.append(asked.body["model"])
        return Said("4711")

    with StandInServer(answer=answer) as server:
        arguments = ("--model", "invoices", "--limit", "1")
        ingest(pagelake, folder, tmp_path / "lake", server, *arguments, PAGELAKE_MODELS=str(file))
    assert all("The invoice number?" in prompt for prompt in prompts)
    assert set(names) == {"dots"}
    assert "invoices" in pagelake("models", PAGELAKE_MODELS=str(file)).stdout


def test_parse_with_a_chat_model(pagelake, folder):
    with StandInServer(answer=lambda _: Said(json.dumps(ELEMENTS))) as server:
        ended = pagelake("parse", folder / "0.pdf", "--model", "dots.ocr", "--endpoint", server.url)
    assert ended.returncode == 0, ended.stderr
    lines = [json.loads(line) for line in ended.stdout.splitlines()]
    assert [line["page_number"] for line in lines] == [1, 2, 3, 4, 5]
    assert [element["category"] for element in lines[0]["elements"]] == ["Section-header", "Table"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "dots.ocr"], "--endpoint"),
        (["--model", "nonsense"], "nonsense"),
        (["--model", "cpu-layout", "--endpoint", "http://127.0.0.1:1/v1"], "takes no --endpoint"),
    ],
)
def test_a_model_and_an_endpoint_that_do_not_fit_are_a_wrong_command(pagelake, folder, tmp_path, arguments, message):
    ended = pagelake("ingest", folder, "--lake", tmp_path / "lake", *arguments)
    assert ended.returncode == 2
    assert not (tmp_path / "lake").exists()
    assert message in ended.stderr
