"""A run is given a password and a key; afterwards neither is anywhere: lake, logs, Prefect's database and artifacts.

While it runs no process but its own has them. The server that is asked repeats the key in its errors, as some do.
"""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from plain_pdf import write_pdf
from stand_in_server import Asked, Said, StandInServer

from flows.temporary_server import only_plain_environment

pytestmark = pytest.mark.integration

PASSWORD, KEY = "open-sesame-4711", "sk-very-secret-0815"
SECRETS = (PASSWORD, KEY)
LOOK_EVERY_S = 0.1


def repeat_the_key(asked: Asked) -> Said:
    """Refuse every other page, with the key in the message."""
    key = asked.headers.get("authorization", "")
    if asked.image_key < "8":
        return Said("", status=400, error=f"the key {key} may not do this ({key.removeprefix('Bearer ')})")
    return Said(json.dumps([{"bbox": [0, 0, 9, 9], "category": "Text", "text": "fine"}]))


class Watched:
    """A run of the command line with its children looked at all the while."""

    def __init__(self, command: list[str], environment: dict[str, str]) -> None:
        self.children: dict[int, str] = {}
        with subprocess.Popen(
            command,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        ) as process:
            assert process.stdout
            while process.poll() is None:
                self._look_at_children_of(process.pid)
                time.sleep(LOOK_EVERY_S)
            self.output = process.stdout.read()
        self.returncode = process.returncode

    def _look_at_children_of(self, pid: int) -> None:
        try:
            for child in psutil.Process(pid).children(recursive=True):
                seen = " ".join(child.cmdline()) + json.dumps(child.environ())
                self.children[child.pid] = self.children.get(child.pid, "") + seen
        except psutil.Error:
            pass


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> tuple[Path, list[Watched]]:
    """What two runs left behind, and the runs: one was told its password by the environment, one by an option."""
    scratch = tmp_path_factory.mktemp("secrets")
    for number in range(4):
        write_pdf(scratch / "in" / f"{number}.pdf", pages=2)
    write_pdf(scratch / "in" / "locked.pdf", pages=2, password=PASSWORD)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    environment |= {"PREFECT_HOME": str(scratch / "prefect"), "PREFECT_LOGGING_LEVEL": "DEBUG", "NO_COLOR": "1"}
    environment |= {"PAGELAKE_API_KEY": KEY, "AWS_SECRET_ACCESS_KEY": KEY}
    pagelake = str(Path(sys.executable).with_name("pagelake"))
    with StandInServer(answer=repeat_the_key) as server:
        command = [pagelake, "ingest", str(scratch / "in"), "--model", "dots.ocr", "--endpoint", server.url, "--lake"]
        runs = [
            Watched([*command, str(scratch / "lake")], environment | {"PAGELAKE_PASSWORD": PASSWORD}),
            Watched([*command, str(scratch / "other lake"), "--password", PASSWORD], environment),
        ]
    for number, one in enumerate(runs):
        assert one.returncode == 0, one.output
        assert "10 pages read" in one.output
        (scratch / f"output-{number}.log").write_text(one.output)
    return scratch, runs


def test_no_file_holds_a_secret(run):
    scratch, _ = run
    files = [file for file in scratch.rglob("*") if file.is_file() and scratch / "in" not in file.parents]
    assert {"prefect.db", "lake.duckdb"} <= {file.name for file in files}
    for file in files:
        data = file.read_bytes()
        assert not [secret for secret in SECRETS if secret.encode() in data], file


def test_no_table_of_the_lake_holds_a_secret(run):
    scratch, _ = run
    texts = 0
    for file in scratch.rglob("*.parquet"):
        with file.open("rb") as opened:
            table = pq.ParquetFile(opened).read()
        for column in table.columns:
            values = column.to_pylist() if not pa.types.is_binary(column.type) else []
            texts += len(values)
            assert not [secret for secret in SECRETS if secret in json.dumps(values, default=str)], file
    assert texts > 1000


def test_the_error_that_repeated_the_key_is_kept_without_it(run):
    scratch, _ = run
    [file] = (scratch / "lake" / "responses").glob("model=*/config=*/[!_]*.parquet")
    with file.open("rb") as opened:
        errors = [error for error in pq.ParquetFile(opened).read(["error"])["error"].to_pylist() if error]
    assert errors
    assert all("the key Bearer *** may not do this (***)" in error for error in errors)


def test_prefects_database_holds_runs_logs_and_artifacts_but_no_secret(run):
    scratch, _ = run
    with sqlite3.connect(scratch / "prefect" / "prefect.db") as database:
        said = "\n".join(database.iterdump())
    database.close()
    for table in ("flow_run", "log", "artifact"):
        assert f'INSERT INTO "{table}"' in said
    assert not [secret for secret in SECRETS if secret in said]


def test_no_child_knows_a_secret(run):
    _, runs = run
    for one in runs:
        seen = list(one.children.values())
        assert any("uvicorn" in child for child in seen)
        assert any("tasks.isolate_child" in child for child in seen)
        assert not [secret for secret in SECRETS for child in seen if secret in child]


def test_the_environment_comes_back(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    before = dict(os.environ)
    with only_plain_environment():
        assert "AWS_SECRET_ACCESS_KEY" not in os.environ
        assert os.environ["PATH"] == before["PATH"]
    assert dict(os.environ) == before
