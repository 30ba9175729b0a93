"""A vLLM to start, for tests that have none."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_server import FAKE, Fake


@pytest.fixture
def fake(tmp_path, monkeypatch) -> Iterator[Fake]:
    here = Path(__file__).parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (FAKE, here, here.parents[1]))))
    monkeypatch.setenv("PAGELAKE_VLLM_PYTHON", sys.executable)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    played = Fake(tmp_path)
    yield played
    left = played.processes()
    for process in left:
        process.kill()
    assert left == []
