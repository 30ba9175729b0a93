"""Which processes are whose, and which are nobody's any more."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from tasks.orphans import OWNER_VARIABLE, end, orphans, owner_mark, processes_with

KIND = "PAGELAKE_TEST_KIND"
pytestmark = pytest.mark.integration


@pytest.fixture
def sleeper() -> Iterator[object]:
    started: list[subprocess.Popen[bytes]] = []

    def start(**environment: str) -> int:
        process = subprocess.Popen(["sleep", "600"], env=environment)
        started.append(process)
        while not psutil.Process(process.pid).environ():  # for a moment after it has begun, it shows none
            pass
        return process.pid

    yield start
    for process in started:
        process.kill()
        process.wait()


def found(kind: str = KIND) -> set[int]:
    return {process.pid for process in orphans(kind)}


@pytest.fixture
def mark_of_the_dead() -> str:
    """The mark of a process that was, and is no more."""
    code = "from tasks.orphans import owner_mark; print(owner_mark())"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def test_those_of_a_dead_owner_are_orphans_and_no_others(sleeper, mark_of_the_dead):
    orphan = sleeper(**{KIND: "1", OWNER_VARIABLE: mark_of_the_dead})
    sleeper(**{KIND: "1", OWNER_VARIABLE: owner_mark()})
    sleeper(**{OWNER_VARIABLE: mark_of_the_dead})
    sleeper(**{KIND: "1"})
    sleeper(**{KIND: "1", OWNER_VARIABLE: "nonsense"})
    assert found() == {orphan}


def test_a_number_that_was_used_again_is_not_its_first_owner(sleeper):
    pid, _, started_at = owner_mark().partition(":")
    orphan = sleeper(**{KIND: "1", OWNER_VARIABLE: f"{pid}:{int(started_at) - 1}"})
    assert found() == {orphan}


def test_an_owner_that_is_a_zombie_is_gone(sleeper):
    code = "from tasks.orphans import owner_mark; print(owner_mark(), flush=True)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout
        mark = owner.stdout.read().strip()
        os.waitid(os.P_PID, owner.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.Process(owner.pid).status() == psutil.STATUS_ZOMBIE
        orphan = sleeper(**{KIND: "1", OWNER_VARIABLE: mark})
        assert found() == {orphan}


def test_end_leaves_none_even_of_those_that_ignore_sigterm(mark_of_the_dead):
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); time.sleep(600)"
    environment = os.environ | {KIND: "stubborn", OWNER_VARIABLE: mark_of_the_dead}
    with subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE) as stubborn:
        assert stubborn.stdout
        stubborn.stdout.readline()
        end(processes_with(KIND, "stubborn"), patience_s=0.1)
        assert processes_with(KIND, "stubborn") == []
