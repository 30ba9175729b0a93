"""What a user is told where Prefect has no server: a sentence, and what to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from places import SAMPLES

pytestmark = pytest.mark.integration

PAGELAKE = "from flows.cli import main; main()"


def ingest(folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run by itself, with a Prefect of its own: nothing is configured but what is given."""
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    own = {"PREFECT_HOME": str(folder / "prefect"), "DO_NOT_TRACK": "1", "NO_COLOR": "1"}
    return subprocess.run(
        [sys.executable, "-c", PAGELAKE, "ingest", SAMPLES / "two-columns.pdf", "--lake", folder / "lake"],
        env=plain | own | environment,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({"PREFECT_API_URL": "http://127.0.0.1:9/api"}, ["http://127.0.0.1:9/api", "PREFECT_API_URL"]),
        (
            {
                "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "1",
                "PREFECT_SERVER_DATABASE_CONNECTION_URL": "no:url",
            },
            ["temporary server", "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"],
        ),
        ({"PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false"}, ["PREFECT_API_URL"]),
    ],
    ids=["nobody-listens", "does-not-start", "may-not-start"],
)
def test_without_a_server_the_user_is_told_what_to_do(tmp_path, environment, told):
    ended = ingest(tmp_path, **environment)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    [sentence] = [line for line in ended.stderr.splitlines() if line.startswith("pagelake: ")]
    assert all(word in sentence for word in told), sentence
