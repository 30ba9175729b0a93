"""What a test needs to start a real vLLM: the interpreter, the environment variables, a tiny model and its flags.

Starting is not done here: pagelake's own engine does that in its tests, and test_real_vllm with its own hands.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from real_vllm.environment import HERE, SHIM

MODEL_TIMEOUT_S = 120
FLAGS = (
    "--enforce-eager",
    "--dtype=bfloat16",
    "--max-model-len=4096",
    "--max-num-seqs=8",
    f"--kv-cache-memory-bytes={256 << 20}",
    '--limit-mm-per-prompt={"image":1}',
    # The default backend lets raw control characters into JSON's strings.
    '--structured-outputs-config={"backend":"guidance","disable_any_whitespace":true}',
)
"""For a small machine: little memory, no compiling. They go behind a profile's own, so that they win."""

SMALL_PICTURES = '--mm-processor-kwargs={"max_pixels":602112}'
"""For tests only: 768 visual tokens at most, so that every page fits into 4,096 with its answer."""

MODEL_FLAGS: Mapping[str, tuple[str, ...]] = {
    "dots_ocr": ("--trust-remote-code", SMALL_PICTURES),
    "deepseek_ocr": ("--load-format=dummy",),
    # With --trust-remote-code, vLLM expects the image processor that the published repository brings with it.
    "paddleocr_vl": ("--load-format=dummy", "--no-trust-remote-code", SMALL_PICTURES),
}


@dataclass(frozen=True, slots=True)
class TinyModel:
    """A checkpoint and the flags that it is served with."""

    path: Path
    flags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RealVllm:
    """A real vLLM that can be started, as `python -m vllm.entrypoints.cli.main serve` or by `vllm` beside `python`.

    `variables` are to be set beside those of the test's own process. `folder` is the test session's: models, caches.
    """

    python: Path
    variables: Mapping[str, str]
    folder: Path

    def model(self, kind: str) -> TinyModel:
        """A tiny model of one of the kinds that `MODEL_FLAGS` names; written when it is first asked for."""
        path = self.folder / kind
        if not path.exists():
            being_written = self.folder / f"{kind}.being-written"
            subprocess.run(
                [self.python, HERE / "tiny_model.py", kind, being_written],
                env=os.environ | dict(self.variables),
                timeout=MODEL_TIMEOUT_S,
                check=True,
            )
            being_written.rename(path)
        return TinyModel(path, FLAGS + MODEL_FLAGS[kind])


def real_vllm_in(python: Path, folder: Path) -> RealVllm:
    """A real vLLM whose caches and models lie in `folder`."""
    variables = {
        "PYTHONPATH": str(SHIM),
        "HF_HUB_OFFLINE": "1",
        "HF_HOME": str(folder / "hub"),
        "VLLM_CACHE_ROOT": str(folder / "cache"),
        "VLLM_NO_USAGE_STATS": "1",
        "OMP_NUM_THREADS": "1",  # with more, two cores wait for each other: 10 to 20 times slower
    }
    return RealVllm(python, variables, folder)
