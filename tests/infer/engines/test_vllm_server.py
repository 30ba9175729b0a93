"""A vLLM server of our own: whatever happens to it, to its keeper or to us, it serves again or leaves nothing behind.

What plays vLLM is in `fake_vllm`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from fake_server import FAKE, Fake, wait_until

from tasks.errors import UsageError
from tasks.infer.engines.vllm_command import VllmLaunch
from tasks.infer.engines.vllm_server import VllmFailed, VllmLimits, VllmServer
from tasks.isolate import PoolClosed

pytestmark = pytest.mark.integration

QUICK = VllmLimits(deaths_in_a_row=3, look_pause_s=0.05, restart_pause_s=0.05, progress_pause_s=0.2)
ROOT = Path(__file__).parents[3]


def keeper_of(life: dict) -> int:
    parent = psutil.Process(life["pid"]).parent()
    assert parent
    return parent.pid


def get(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=5) as answer:
        return answer.read()


def test_it_starts_and_is_ready_when_it_is_healthy(fake):
    with VllmServer(fake.plays({"delay_s": 0.3}), limits=QUICK) as server:
        assert not server.is_ready
        assert server.wait_ready(30)
        assert server.is_ready
        assert get(server.endpoint.removesuffix("/v1") + "/health") == b""
        wait_until(lambda: server.metrics)
        assert server.metrics.running == 1
        assert server.metrics.kv_cache_usage == 0.25
        wait_until(lambda: server.peak_memory_bytes > 1 << 20)
        arguments = fake.life()["arguments"]
    assert server.endpoint == f"http://127.0.0.1:{fake.life()['port']}/v1"
    assert arguments[arguments.index("--host") + 1] == "127.0.0.1"
    assert not server.is_ready
    assert list(fake.folder.glob("pagelake-vllm-*")) == []


def test_nothing_of_ours_reaches_it(fake, monkeypatch):
    secrets = {"PAGELAKE_API_KEY": "a", "PAGELAKE_PASSWORD": "b", "PREFECT_API_KEY": "c", "VLLM_API_KEY": "d"}
    for name, value in (secrets | {"HF_TOKEN": "hub"}).items():
        monkeypatch.setenv(name, value)
    with VllmServer(fake.plays({}), limits=QUICK) as server:
        server.wait_ready(30)
        life = fake.life()
        keeper = psutil.Process(keeper_of(life)).environ()
    assert not secrets.keys() & (life["environment"].keys() | keeper.keys())
    assert life["environment"]["HF_TOKEN"] == "hub"
    assert life["environment"]["VLLM_NO_USAGE_STATS"] == "1"
    assert life["sockets"] == []


@pytest.mark.parametrize("victim", ["server", "engine and server", "keeper"])
def test_it_is_started_again_at_the_same_address_when_it_dies(fake, victim):
    with VllmServer(fake.plays({"stubborn": victim != "keeper"}, {}), limits=QUICK) as server:
        server.wait_ready(30)
        first = fake.life()
        if victim == "keeper":
            os.kill(keeper_of(first), signal.SIGKILL)
        else:
            if victim == "engine and server":
                os.kill(first["engine"], signal.SIGKILL)
            os.kill(first["pid"], signal.SIGKILL)
        wait_until(lambda: not server.is_ready)
        assert server.wait_ready(30)
        second = fake.life(2)
        assert second["port"] == first["port"]
        assert not psutil.pid_exists(first["pid"])
        assert not psutil.pid_exists(first["engine"])
        assert server.life == 1


def test_the_engine_of_a_killed_server_is_gone_before_the_next_one_starts(fake):
    with VllmServer(fake.plays({"stubborn": True}, {}), limits=QUICK) as server:
        server.wait_ready(30)
        first = fake.life()
        os.kill(first["pid"], signal.SIGKILL)
        wait_until(lambda: not server.is_ready)
        while psutil.pid_exists(first["engine"]):
            assert len(fake.processes()) <= 2  # the keeper and the engine
        assert len(fake.lives()) == 1
        wait_until(lambda: server.life == 1)
        server.wait_ready(30)


def test_a_first_start_that_fails_is_told_at_once_and_with_the_reason(fake):
    play = {"say": ["INFO: loading", "ValueError: the needle is broken"], "fail": 1}
    with VllmServer(fake.plays(play), limits=QUICK) as server:
        with pytest.raises(VllmFailed, match="some/model does not start: ValueError: the needle is broken") as failure:
            server.wait_ready()
        assert failure.value is server.failure
    assert len(fake.lives()) == 1
    assert "the needle is broken" in failure.value.log.read_text()
    assert (failure.value.log.parent / "named").exists()


def test_it_is_given_up_after_three_deaths_without_an_answer(fake):
    with VllmServer(fake.plays({}, {"say": ["RuntimeError: no more"], "fail": 1}), limits=QUICK) as server:
        server.wait_ready(30)
        os.kill(fake.life()["pid"], signal.SIGKILL)
        wait_until(lambda: not server.is_ready)
        with pytest.raises(VllmFailed, match=r"died 3 times without an answer.*RuntimeError: no more"):
            server.wait_ready()
    assert len(fake.lives()) == 3


def test_an_answer_between_two_deaths_makes_them_count_less(fake):
    limits = VllmLimits(deaths_in_a_row=2, look_pause_s=0.05, restart_pause_s=0.05)
    with VllmServer(fake.plays({}), limits=limits) as server:
        for number in range(1, 5):
            server.wait_ready(30)
            server.answered()
            os.kill(fake.life(number)["pid"], signal.SIGKILL)
            wait_until(lambda: not server.is_ready)
        assert server.wait_ready(30)
        os.kill(fake.life(5)["pid"], signal.SIGKILL)
        wait_until(lambda: not server.is_ready)
        with pytest.raises(VllmFailed, match="died 2 times without an answer"):
            server.wait_ready()


def test_an_engine_that_hangs_is_started_again(fake):
    limits = VllmLimits(stall_s=2, look_pause_s=0.05, restart_pause_s=0.05)
    with VllmServer(fake.plays({"stall": True}, {}), limits=limits) as server:
        server.wait_ready(30)
        wait_until(lambda: server.life == 1)
        assert server.wait_ready(30)
        assert len(fake.lives()) == 2


def test_a_server_without_figures_hangs_when_it_has_work_and_answers_nothing_any_more(fake):
    limits = VllmLimits(stall_s=2, look_pause_s=0.05, restart_pause_s=0.05)
    has_work = False
    with VllmServer(fake.plays({"tells": False}), limits=limits, has_work=lambda: has_work) as server:
        server.wait_ready(30)
        time.sleep(3)
        assert server.life == 0
        has_work = True
        for _ in range(30):
            server.answered()
            time.sleep(0.1)
        assert server.life == 0
        wait_until(lambda: server.life == 1)


def test_a_server_that_says_nothing_for_long_is_given_up(fake):
    limits = VllmLimits(silence_s=4)
    launch = fake.plays({"delay_s": 60, "say": ["Loading weights"]})
    said = "nothing new for long; last: Loading weights"
    with VllmServer(launch, limits=limits) as server, pytest.raises(VllmFailed, match=said):
        server.wait_ready()


def test_progress_is_told_while_it_starts(fake):
    told: list[str] = []
    line = "(EngineCore pid=7) INFO 11-21 12:00:00 [loader.py:3] Loading weights with hf_abcdefghijkl"
    with VllmServer(fake.plays({"delay_s": 1.5, "say": [line]}), limits=QUICK, progress=told.append) as server:
        server.wait_ready(30)
    assert any("Loading weights with hf_***" in sentence for sentence in told[:-1])
    assert told[-1].startswith("vLLM is ready after")


def test_close_while_it_starts_ends_it_and_wakes_who_waits(fake):
    server = VllmServer(fake.plays({"delay_s": 60}), limits=QUICK)
    server.start()
    fake.life()
    server.close()
    server.close()
    assert fake.processes() == []
    with pytest.raises(PoolClosed):
        server.wait_ready()


def test_a_server_that_ignores_sigterm_is_ended_too(fake):
    with VllmServer(fake.plays({"stubborn": True}), limits=QUICK) as server:
        server.wait_ready(30)
    assert fake.processes() == []


def test_a_server_never_started_leaves_nothing(fake):
    server = VllmServer(fake.plays({}), limits=QUICK)
    server.close()
    server.start()
    with pytest.raises(PoolClosed):
        server.wait_ready()
    assert fake.lives() == []
    assert list(fake.folder.glob("pagelake-vllm-*")) == []


def test_two_servers_at_once_have_addresses_of_their_own(fake, tmp_path):
    (tmp_path / "other").mkdir()
    other = Fake(tmp_path / "other")
    with VllmServer(fake.plays({}), limits=QUICK) as one, VllmServer(other.plays({}), limits=QUICK) as two:
        assert one.wait_ready(30)
        assert two.wait_ready(30)
        assert one.endpoint != two.endpoint
        assert len(fake.processes()) == len(other.processes()) == 3
    assert other.processes() == []


OWNER = """
import json, os, sys, time
from pathlib import Path
from tasks.infer.engines.vllm_command import VllmLaunch
from tasks.infer.engines.vllm_server import VllmServer
server = VllmServer(VllmLaunch("some/model", "tiny", environment={"FAKE_VLLM": sys.argv[1]}))
server.start()
if sys.argv[2] == "ready":
    server.wait_ready()
print("now", flush=True)
time.sleep(600)
"""


@pytest.fixture
def owner(fake) -> Iterator[Callable[[str], subprocess.Popen[str]]]:
    """Another process that opens a server."""
    started = []

    def open_one(until: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", OWNER, str(fake.folder), until]
        paths = os.pathsep.join([str(FAKE), str(ROOT)])
        environment = os.environ | {"PYTHONPATH": paths}
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True)
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "now\n"
        return process

    yield open_one
    for process in started:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("until", ["ready", "started"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_nothing_is_left_when_pagelake_is_ended(fake, owner, number, until):
    fake.plays({"stubborn": number == signal.SIGKILL, "delay_s": 0 if until == "ready" else 60})
    process = owner(until)
    fake.life()
    process.send_signal(number)
    process.wait(30)
    wait_until(lambda: not fake.processes(), timeout_s=30)


def test_what_a_dead_owner_left_is_ended_and_what_a_living_one_has_is_not(fake, owner, tmp_path):
    fake.plays({"stubborn": True}, {})
    dead = owner("ready")
    orphaned = fake.life()
    living = owner("ready")
    kept = fake.life(2)
    # The worst case: owner and keeper are killed at the same moment, and the server with them.
    for pid in (keeper_of(orphaned), dead.pid, orphaned["pid"]):
        os.kill(pid, signal.SIGKILL)
    dead.wait()
    assert psutil.pid_exists(orphaned["engine"])
    assert len(list(tmp_path.glob("pagelake-vllm-*"))) == 2
    (tmp_path / "other").mkdir()
    with VllmServer(Fake(tmp_path / "other").plays({}), limits=QUICK) as server:
        server.wait_ready(30)
        assert not psutil.pid_exists(orphaned["engine"])
        assert psutil.Process(kept["pid"]).is_running()
        assert psutil.Process(kept["engine"]).is_running()
    assert len(list(tmp_path.glob("pagelake-vllm-*"))) == 1
    living.kill()
    living.wait()
    wait_until(lambda: not fake.processes(), timeout_s=30)


def test_without_vllm_the_user_is_told_how_to_get_it(monkeypatch):
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setenv("PAGELAKE_VLLM_PYTHON", sys.executable)
    with pytest.raises(UsageError, match=r"pip install 'pagelake\[vllm\]'.*PAGELAKE_VLLM_PYTHON"):
        VllmServer(VllmLaunch("some/model", "tiny"))


def test_an_interpreter_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv("PAGELAKE_VLLM_PYTHON", "/nowhere/python")
    with pytest.raises(UsageError, match=r"/nowhere/python.*cannot be run: No such file"):
        VllmServer(VllmLaunch("some/model", "tiny"))
