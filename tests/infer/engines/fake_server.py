"""A vLLM server that is played: what plays it is in `fake_vllm`, and is found where the real one would be."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

from tasks.infer.engines.vllm_command import VllmLaunch

FAKE = Path(__file__).with_name("fake_vllm")


@dataclass
class Fake:
    """The fake vLLM of one test: what it is to play, and the lives that it had."""

    folder: Path

    def plays(self, *script: dict) -> VllmLaunch:
        (self.folder / "script.json").write_text(json.dumps(script))
        return VllmLaunch("some/model", "tiny", environment={"FAKE_VLLM": str(self.folder)})

    def life(self, number: int = 1) -> dict:
        path = self.folder / f"life-{number}.json"
        wait_until(path.exists)
        return json.loads(path.read_text())

    def lives(self) -> list[dict]:
        return [json.loads(path.read_text()) for path in sorted(self.folder.glob("life-*.json"))]

    def processes(self) -> list[psutil.Process]:
        """All that carry this test's folder in their environment: keepers, servers, engines."""
        found = []
        for process in psutil.process_iter():
            try:
                if process.environ().get("FAKE_VLLM") == str(self.folder):
                    found.append(process)
            except psutil.Error:
                continue
        return found


def wait_until(condition: Callable[[], object], timeout_s: float = 30) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)
