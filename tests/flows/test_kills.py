"""A run that is killed at any moment and run again ends like one that was not."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path

import psutil
import pytest
from kill_loop import KillLoop, children_of, command_line, finish, make_collection, start, wait_for_stages
from lake_contents import contents, differences

pytestmark = pytest.mark.integration

KILLS = 5


@pytest.fixture(scope="module")
def collection(tmp_path_factory) -> Path:
    return make_collection(tmp_path_factory.mktemp("collection"))


@pytest.fixture(scope="module")
def undisturbed(collection, tmp_path_factory, prefect_environment):
    lake = tmp_path_factory.mktemp("undisturbed") / "lake"
    finish(collection, lake, prefect_environment)
    return contents(lake)


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
def test_ten_kills_of_whatever_runs_change_nothing(collection, tmp_path, prefect_environment):
    loop = KillLoop(collection, tmp_path, prefect_environment, seed=3)
    assert not loop.go(10)
    assert loop.struck.total() >= 10


@pytest.mark.slow
def test_workers_that_are_killed_cost_nothing(collection, undisturbed, tmp_path, prefect_environment):
    process = start(collection, tmp_path / "lake", prefect_environment)
    chance, killed = random.Random(11), 0
    while process.poll() is None:
        workers = [p for p in children_of(process.pid) if "tasks.isolate_child" in command_line(p)]
        if workers and killed < 3:
            chance.choice(workers).kill()
            killed += 1
        time.sleep(0.5)
    _, err = process.communicate()
    assert process.returncode == 0, err
    assert killed
    assert not differences(contents(tmp_path / "lake"), undisturbed)


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
    [server] = [child for child in children_of(process.pid) if "uvicorn" in command_line(child)]
    process.kill()
    process.wait()  # not communicate(): the server holds the other end of its output open
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    process.stderr.close()
    assert server.is_running()
    finish(collection, tmp_path / "lake", environment)
    assert not server.is_running()
