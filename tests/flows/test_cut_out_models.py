"""PaddleOCR-VL, which reads cut-outs, through the whole line, as a user calls it: real files, a stand-in server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from places import SAMPLES, Cli
from stand_in_server import FAULTS, Asked, Said, StandInServer

pytestmark = pytest.mark.integration

SAID = {
    "OCR:": "words that the model read",
    "Table Recognition:": "<fcel>Station<fcel>Level<nl><fcel>Upper Lake<ecel><nl>",
    "Formula Recognition:": "\\[ \\sigma_\\mu \\]",
    "Chart Recognition:": "<fcel>year<fcel>sum<nl>",
}
STATUSES = {"ok", "repaired", "truncated", "looped", "unparsed", "failed"}


def prompt_of(asked: Asked) -> str:
    return asked.body["messages"][0]["content"][1]["text"]


def answer(asked: Asked) -> Said:
    return Said(SAID[prompt_of(asked)])


def ingest(pagelake: Cli, lake: Path, server: StandInServer, *more: object, source: Path = SAMPLES, **environment: str):
    arguments = ("--lake", lake, "--model", "paddleocr-vl", "--endpoint", server.url, "--dpi", "120")
    ended = pagelake("ingest", source, *arguments, *more, **environment)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def sql(pagelake: Cli, lake: Path, query: str) -> list[dict[str, object]]:
    ended = pagelake("sql", query, "--lake", lake, "--format", "json")
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout or "[]")


@pytest.mark.slow
def test_the_samples_box_by_box(pagelake, tmp_path):
    lake = tmp_path / "lake"
    names: set[str] = set()

    def remember(asked: Asked) -> Said:
        names.add(asked.body["model"])
        return answer(asked)

    with StandInServer(answer=remember) as server:
        ingest(pagelake, lake, server)
        requests = server.requests
        assert "Nothing to do" in ingest(pagelake, lake, server)
        assert server.requests == requests
    assert names == {"PaddleOCR-VL-0.9B"}
    assert pagelake("ingest", SAMPLES, "--lake", lake, "--dpi", "120").returncode == 0
    rows = sql(pagelake, lake, "SELECT status, attempts, error_kind FROM responses WHERE model = 'paddleocr-vl'")
    assert {(row["status"], row["error_kind"]) for row in rows} == {("ok", None)}
    assert sum(int(str(row["attempts"])) for row in rows) == requests
    by_category = """
        SELECT DISTINCT category, read_by, text_format, text FROM elements
        WHERE model = 'paddleocr-vl' AND category IN ('Table', 'Formula', 'Title') ORDER BY category
    """
    assert [(row["category"], row["read_by"], row["text_format"]) for row in sql(pagelake, lake, by_category)] == [
        ("Formula", "paddleocr-vl", "latex"),
        ("Table", "paddleocr-vl", "html"),
        ("Title", "paddleocr-vl", "markdown"),
    ]
    readers = sql(
        pagelake,
        lake,
        "SELECT DISTINCT category = 'Picture' AS p, read_by FROM elements WHERE config = "
        "(SELECT any_value(config) FROM elements WHERE model = 'paddleocr-vl')",
    )
    assert {(row["p"], row["read_by"]) for row in readers} <= {(False, "paddleocr-vl"), (True, "cpu-layout")}
    both = """
        SELECT model, list((doc_id, page_number, element_index, category, round(x0, 2), round(y1, 2)) ORDER BY ALL)
            AS boxes
        FROM elements GROUP BY model
    """
    one, other = sql(pagelake, lake, both)
    assert one["boxes"] == other["boxes"]
    [markdown] = sql(
        pagelake,
        lake,
        "SELECT markdown FROM markdown JOIN document_uris USING (doc_id) "
        "WHERE uri LIKE '%formula.pdf' AND model = 'paddleocr-vl'",
    )
    assert str(markdown["markdown"]).startswith("# words that the model read\n\n")
    assert "\n\n\\[ \\sigma_\\mu \\]\n\n" in str(markdown["markdown"])


@pytest.mark.slow
def test_faults_of_every_kind_end_in_rows_and_retry_asks_again_about_what_is_missing(pagelake, tmp_path):
    lake = tmp_path / "lake"
    faults = dict.fromkeys(set(FAULTS) - {"hang"}, 0.1 / (len(FAULTS) - 1)) | {"400": 0.05}
    with StandInServer(answer=answer, faults=faults, seed=4) as server:
        ingest(pagelake, lake, server)
    rows = sql(pagelake, lake, "SELECT doc_id, page_number, status, error_kind, error, text FROM responses")
    pages = sql(pagelake, lake, "SELECT count(*) AS n FROM pages")[0]["n"]
    assert len(rows) == len({(row["doc_id"], row["page_number"]) for row in rows}) == pages
    assert {row["status"] for row in rows} <= STATUSES
    incomplete = [row for row in rows if row["error_kind"]]
    missing = [row for row in incomplete if "cut-outs of the page were not answered" in str(row["error"])]
    assert missing and {row["error_kind"] for row in missing} <= {"refused", "engine_error", "timeout"}
    assert all(row["status"] in {"truncated", "looped"} for row in missing if row["text"])
    failures = sql(pagelake, lake, "SELECT page_number FROM failures WHERE stage = 'infer'")
    assert len(failures) == len(incomplete)
    boxes = sql(pagelake, lake, "SELECT count(*) AS n FROM elements")[0]["n"]
    with StandInServer(answer=answer) as server:
        ended = pagelake("retry", "--lake", lake, "--model", "paddleocr-vl", "--endpoint", server.url, "--dpi", "120")
        assert ended.returncode == 0, ended.stderr
    assert sql(pagelake, lake, "SELECT count(*) AS n FROM responses WHERE error_kind IS NOT NULL") == [{"n": 0}]
    assert sql(pagelake, lake, "SELECT count(*) AS n FROM elements")[0]["n"] == boxes


def test_a_loop_in_one_cut_out_has_cpu_layouts_text_there_and_nowhere_else(pagelake, tmp_path):
    lake = tmp_path / "lake"

    def looping(asked: Asked) -> Said:
        return Said("<fcel>a<nl>" * 3, "repetition") if prompt_of(asked).startswith("Table") else answer(asked)

    with StandInServer(answer=looping) as server:
        ingest(pagelake, lake, server, source=SAMPLES / "table.pdf")
    [row] = sql(pagelake, lake, "SELECT status, finish_reason, tried FROM responses")
    assert (row["status"], row["finish_reason"]) == ("looped", "repetition")
    assert "paddleocr-vl/again: 2 looped" in str(row["tried"])
    elements = sql(pagelake, lake, "SELECT category, read_by, text, text_layer_agreement AS a FROM elements")
    assert all(row["read_by"] == ("cpu-layout" if row["category"] == "Table" else "paddleocr-vl") for row in elements)
    tables = [row for row in elements if row["category"] == "Table"]
    assert len(tables) == 2 and all("<td" in str(row["text"]) and float(str(row["a"])) > 0.9 for row in tables)
    invented = [row for row in elements if row["category"] != "Table"]
    assert all(float(str(row["a"])) < 0.9 for row in invented)


def test_parse_with_charts_asked_for_in_a_file(pagelake, tmp_path):
    file = tmp_path / "models.toml"
    file.write_text(
        '[models.charts]\nbase = "paddleocr-vl"\nserved_name = "vl"\n'
        'cut_outs = { prompts = { Picture = "Chart Recognition:" } }\n'
    )
    prompts: list[str] = []

    def remember(asked: Asked) -> Said:
        prompts.append(prompt_of(asked))
        assert asked.body["model"] == "vl"
        return answer(asked)

    with StandInServer(answer=remember) as server:
        arguments = ("--model", "charts", "--endpoint", server.url)
        ended = pagelake("parse", SAMPLES / "two-columns.pdf", *arguments, PAGELAKE_MODELS=str(file))
    assert ended.returncode == 0, ended.stderr
    elements = [element for line in ended.stdout.splitlines() for element in json.loads(line)["elements"]]
    pictures = [element for element in elements if element["category"] == "Picture"]
    assert len(pictures) == prompts.count("Chart Recognition:") > 0
    assert {element["read_by"] for element in pictures} == {"charts"}
    assert len(elements) == len(prompts)
