"""A run that is killed at any moment and run again ends like one that was not."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from lake_contents import contents, differences
from plain_pdf import write_pdf

pytestmark = pytest.mark.integration

SMALL_SHARDS = Path(__file__).with_name("small_shards.py")
KILLS = 5


@pytest.fixture(scope="module")
def collection(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("collection")
    for number in range(7):
        write_pdf(folder / f"{number}.pdf", pages=1 + 4 * number % 11)
    write_pdf(folder / "locked.pdf", pages=1, password="secret")
    (folder / "same again.pdf").write_bytes((folder / "5.pdf").read_bytes())
    (folder / "notes.txt").write_text("not a document")
    return folder


def start(collection: Path, lake: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, SMALL_SHARDS, "ingest", collection, "--lake", lake, "--dpi", "50"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        stdin=subprocess.DEVNULL,
        start_new_session=True,
    )


def finish(collection: Path, lake: Path, environment: dict[str, str]) -> str:
    process = start(collection, lake, environment)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return out


@pytest.fixture(scope="module")
def undisturbed(collection, tmp_path_factory, prefect_environment):
    lake = tmp_path_factory.mktemp("undisturbed") / "lake"
    finish(collection, lake, prefect_environment)
    return contents(lake)


def wait_for_stages(process: subprocess.Popen[str], stages: int) -> None:
    """Return when so many stages of so many shards have been logged as done."""
    assert process.stderr is not None
    while stages > 0 and (line := process.stderr.readline()):
        stages -= "Finished in state Completed()" in line


def children_of(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@pytest.mark.slow
def test_sigkill_at_any_moment_changes_nothing_in_the_end(collection, undisturbed, tmp_path, prefect_environment):
    lake, chance = tmp_path / "lake", random.Random(7)
    workers: list[psutil.Process] = []
    for _ in range(KILLS):
        process = start(collection, lake, prefect_environment)
        wait_for_stages(process, chance.randint(1, 8))
        time.sleep(chance.uniform(0.0, 0.5))
        workers += children_of(process.pid)
        process.kill()
        process.communicate()
    finish(collection, lake, prefect_environment)
    assert not differences(contents(lake), undisturbed)
    assert not psutil.wait_procs(workers, timeout=10)[1], "workers outlived the run that was killed"
    assert not list((lake / "_unfinished").iterdir())


@pytest.mark.slow
def test_workers_that_are_killed_cost_nothing(collection, undisturbed, tmp_path, prefect_environment):
    process = start(collection, tmp_path / "lake", prefect_environment)
    chance, killed = random.Random(11), 0
    while process.poll() is None:
        workers = [p for p in children_of(process.pid) if "tasks.isolate_child" in " ".join(_command_line(p))]
        if workers and killed < 3:
            chance.choice(workers).kill()
            killed += 1
        time.sleep(0.5)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert killed
    assert not differences(contents(tmp_path / "lake"), undisturbed)


def _command_line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_second_run_does_nothing_and_says_so(collection, tmp_path, prefect_environment):
    lake = tmp_path / "lake"
    finish(collection, lake, prefect_environment)
    before = {file: file.stat().st_mtime_ns for file in lake.rglob("*.parquet")}
    assert "Nothing to do" in finish(collection, lake, prefect_environment)
    assert {file: file.stat().st_mtime_ns for file in lake.rglob("*.parquet")} == before


def test_ctrl_c_stops_within_seconds_and_the_next_run_goes_on(collection, undisturbed, tmp_path, prefect_environment):
    lake = tmp_path / "lake"
    process = start(collection, lake, prefect_environment)
    wait_for_stages(process, 5)
    workers = children_of(process.pid)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=15)
    assert process.returncode == 130, err
    assert "run the same command again" in err
    assert not psutil.wait_procs(workers, timeout=5)[1]
    finish(collection, lake, prefect_environment)
    assert not differences(contents(lake), undisturbed)


@pytest.mark.slow
def test_the_temporary_server_of_a_killed_run_is_ended_by_the_next(collection, tmp_path, prefect_environment):
    environment = {name: value for name, value in prefect_environment.items() if name != "PREFECT_API_URL"}
    environment["PREFECT_HOME"] = str(tmp_path / "home")
    process = start(collection, tmp_path / "lake", environment)
    wait_for_stages(process, 1)
    [server] = [child for child in children_of(process.pid) if "uvicorn" in _command_line(child)]
    process.kill()
    process.wait()  # not communicate(): the server holds the other end of its output open
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    assert server.is_running()
    finish(collection, tmp_path / "lake", environment)
    assert not server.is_running()
