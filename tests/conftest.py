"""Fixtures that several folders share: a real Prefect server, the command line, a real vLLM, data beside a checkout."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from places import SHARED, Cli
from real_vllm import environment
from real_vllm.serving import RealVllm, real_vllm_in

settings.register_profile("pagelake", deadline=None)  # these machines are shared: a slow example is no failure
settings.load_profile("pagelake")

SERVER_START_S = 180


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with a real vLLM come last: its environment is made while the others run."""
    items.sort(key=lambda item: item.get_closest_marker("vllm") is not None)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Documents and ground truth that lie beside some checkouts and may not be shipped with the project."""
    if not (SHARED / "data").is_dir():
        pytest.skip("the shared test data is not beside this checkout")
    return SHARED / "data"


@pytest.fixture(scope="session")
def prefect_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a process that talks to a Prefect server of this test session."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    home = tmp_path_factory.mktemp("prefect")
    environment = os.environ | {
        "PREFECT_HOME": str(home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "NO_COLOR": "1",
        "COLUMNS": "160",
    }
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        _wait_until_healthy(f"http://127.0.0.1:{port}/api/health", server, home / "server.log")
        yield environment | {"PREFECT_API_URL": f"http://127.0.0.1:{port}/api"}
    finally:
        os.killpg(server.pid, 9)
        server.wait()


def _wait_until_healthy(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + SERVER_START_S
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the Prefect server did not start:\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def pagelake(prefect_environment: dict[str, str]) -> Cli:
    """Run the command line as a user does; answers the ended process with its text output."""

    def run(*arguments: object, timeout_s: float = 300, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [Path(sys.executable).with_name("pagelake"), *map(str, arguments)],
            env=prefect_environment | environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            stdin=subprocess.DEVNULL,
            check=False,
        )

    return run


@pytest.fixture(scope="session")
def real_vllm(tmp_path_factory: pytest.TempPathFactory) -> RealVllm:
    """A vLLM that runs on this machine's processor, in an environment of its own; see real_vllm/environment.py."""
    if environment.left_out():
        pytest.skip("PAGELAKE_TEST_VLLM=0 leaves out the tests with a real vLLM")
    try:
        python = environment.ensure()
    except environment.EnvironmentUnusable as problem:
        give_up = pytest.fail if environment.required() else pytest.skip
        give_up(f"the environment for a real vLLM cannot be made: {problem}")
    return real_vllm_in(python, tmp_path_factory.mktemp("vllm"))
