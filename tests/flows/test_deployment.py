"""prefect.yaml deploys, and a worker runs what it deployed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from plain_pdf import write_pdf

pytestmark = [pytest.mark.integration, pytest.mark.slow]

ROOT = Path(__file__).parents[2]


def test_a_worker_runs_the_deployed_ingest(prefect_environment, tmp_path):
    write_pdf(tmp_path / "in" / "two.pdf", pages=2)
    environment = prefect_environment | {
        "PAGELAKE_HOME": str(ROOT),
        "PATH": f"{Path(sys.executable).parent}:{prefect_environment['PATH']}",
    }

    def prefect(*arguments: str) -> str:
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        ended = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout + ended.stderr

    prefect("work-pool", "create", "cpu", "--type", "process")
    prefect("deploy", "--all")
    lake = tmp_path / "lake"
    parameters = [f'--param=source=["{tmp_path}/in"]', f"--param=lake={lake}"]
    prefect("deployment", "run", "ingest/nightly", *parameters)
    log = prefect("worker", "start", "--pool", "cpu", "--run-once")
    assert "Finished in state Completed()" in log
    assert [f for f in (lake / "elements").rglob("*.parquet") if not f.name.startswith("_")]
