"""A real vLLM, started by pagelake itself: real pages, forced JSON, killed midway, and nothing left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb
import psutil
import pytest
from places import SAMPLES
from real_vllm.serving import RealVllm

from tasks.infer.engines.vllm_process import LIFE_VARIABLE

pytestmark = [pytest.mark.vllm, pytest.mark.integration, pytest.mark.slow]

RUN_S = 900
CELL = """{ type = "object", additionalProperties = false, required = ["bbox", "category", "text"], properties = {
bbox = { type = "array", minItems = 4, maxItems = 4, items = { type = "integer", minimum = 0, maximum = 600 } },
category = { enum = ["Title", "Text", "Table"] }, text = { type = "string", maxLength = 40 } } }""".replace("\n", " ")
MODELS = f"""
[models.tiny]
base = "dots.ocr"
fallback = ""
last_resort = ""
[models.tiny.sampling]
temperature = 0.0
max_tokens = 400
[models.tiny.sampling.extra.response_format]
type = "json_schema"
json_schema = {{ name = "cells", schema = {{ type = "array", minItems = 1, maxItems = 3, items = {CELL} }} }}
"""


@pytest.fixture
def environment(real_vllm: RealVllm, prefect_environment: Mapping[str, str], tmp_path: Path) -> dict[str, str]:
    models = tmp_path / "models.toml"
    models.write_text(MODELS)
    return {
        **prefect_environment,
        **real_vllm.variables,
        "PAGELAKE_VLLM_PYTHON": str(real_vllm.python),
        "PAGELAKE_MODELS": str(models),
        "TMPDIR": str(tmp_path),
    }


@pytest.fixture
def ingest(real_vllm: RealVllm, environment: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`pagelake ingest` of the samples by a tiny dots.ocr, under way."""
    model = real_vllm.model("dots_ocr")
    command = [
        Path(sys.executable).with_name("pagelake"),
        "ingest",
        SAMPLES,
        "--lake",
        tmp_path / "lake",
        "--dpi",
        "60",
    ]
    command += ["--model", "tiny", "--engine", "vllm", "--model-path", model.path]
    command += [f"--vllm-arg={flag}" for flag in model.flags]
    with (tmp_path / "log").open("w") as log:
        run = subprocess.Popen(list(map(str, command)), env=environment, stdout=log, stderr=log, text=True)
    yield run
    run.kill()
    run.wait()
    wait_until(lambda: not servers_of(tmp_path), 60)


def servers_of(folder: Path) -> list[psutil.Process]:
    """Every process of a vLLM server that a run in this folder has started."""
    found = []
    for process in psutil.process_iter():
        try:
            variables = process.environ()
        except psutil.Error:
            continue
        if LIFE_VARIABLE in variables and variables.get("TMPDIR") == str(folder):
            found.append(process)
    return found


def wait_until(condition, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.2)


def engine_core(folder: Path) -> psutil.Process | None:
    return next((process for process in servers_of(folder) if "EngineCore" in process.name()), None)


def test_a_lake_is_read_by_a_real_vllm_that_is_killed_midway(ingest, tmp_path):
    def told() -> str:
        return (tmp_path / "log").read_text()

    wait_until(lambda: "vLLM is ready" in told() or ingest.poll() is not None, RUN_S)  # pages have waited for it
    victim = engine_core(tmp_path)
    assert victim is not None, told()[-3000:]
    os.kill(victim.pid, signal.SIGKILL)
    assert ingest.wait(RUN_S) == 0, told()[-3000:]
    assert servers_of(tmp_path) == []
    assert "started again" in told() and "Traceback" not in told()

    with duckdb.connect(str(tmp_path / "lake" / "lake.duckdb"), read_only=True) as lake:
        pages = lake.sql("SELECT doc_id, page_number FROM pages ORDER BY ALL").fetchall()
        rows = lake.sql("SELECT doc_id, page_number, status, text FROM responses ORDER BY ALL").fetchall()
        elements = lake.sql("SELECT count(*) FROM elements WHERE model = 'tiny'").fetchall()
    assert [row[:2] for row in rows] == pages
    assert len(pages) == len(set(pages)) >= 9
    assert {row[2] for row in rows} <= {"ok", "repaired"}  # random boxes have their corners in any order
    assert len({row[3] for row in rows}) > len(rows) / 2  # the answers depend on the pages
    assert sum(len(json.loads(row[3])) for row in rows) == elements[0][0]


def test_nothing_is_left_when_pagelake_is_killed(ingest, tmp_path):
    wait_until(lambda: engine_core(tmp_path) is not None or ingest.poll() is not None, RUN_S)
    assert ingest.poll() is None, (tmp_path / "log").read_text()[-3000:]
    ingest.kill()
    ingest.wait()
    wait_until(lambda: not servers_of(tmp_path), 60)
