"""Children that hang, crash, eat memory, talk too much or lose their parent; the pool must outlive them all."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from tasks.errors import WorkerDied
from tasks.isolate import PoolClosed, WorkerFailed, WorkerPool, WorkerUnusable

HANDLER = (f"{__package__}." if __package__ else "") + "isolate_handlers:act"


@pytest.fixture
def pool():
    before = set(psutil.Process().children())  # pools and servers of other tests may still be open
    with WorkerPool(HANDLER, 1, memory_limit_bytes=1 << 30, name="test") as pool:
        yield pool
    assert not set(psutil.Process().children()) - before


def ask(pool, *request, timeout_s=30.0):
    return list(pool.run(request, timeout_s))


def wait_until_gone(pid, seconds=5.0):
    deadline = time.monotonic() + seconds
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, f"process {pid} is still there"
        time.sleep(0.02)


def test_answers_come_in_order_from_one_process_that_stays(pool):
    assert ask(pool, "count", 5) == [0, 1, 2, 3, 4]
    assert ask(pool, "pid") == ask(pool, "pid") != [os.getpid()]


def test_megabytes_go_both_ways(pool):
    value = os.urandom(20_000_000)
    assert ask(pool, "echo", value) == [value]


def test_nothing_starts_before_it_is_needed():
    before = len(psutil.Process().children())
    with WorkerPool(HANDLER, 4) as pool:
        answers = pool.run(("pid",), 10)
        assert len(psutil.Process().children()) == before
        next(answers)
        assert len(psutil.Process().children()) == before + 1


def test_an_exception_comes_back_and_the_worker_lives_on(pool):
    (pid,) = ask(pool, "pid")
    answers = pool.run(("fail", "no such page"), 10)
    assert next(answers) == "before"
    with pytest.raises(WorkerFailed, match="LookupError: no such page") as caught:
        next(answers)
    assert caught.value.type_name == "LookupError"
    assert ask(pool, "pid") == [pid]


@pytest.mark.parametrize(
    ("request_", "reason", "words"),
    [
        (("kill_self", signal.SIGSEGV), "crash", "SIGSEGV"),
        (("kill_self", signal.SIGKILL), "memory", "killed from outside"),
        (("leave", 3), "crash", "exit status 3"),
        (("eat", 2 << 30), "memory", "memory limit"),
        (("last_words",), "crash", "the needle is broken"),
    ],
)
def test_a_death_is_reported_with_its_reason_and_the_worker_is_replaced(pool, request_, reason, words):
    (pid,) = ask(pool, "pid")
    with pytest.raises(WorkerDied, match=words) as caught:
        ask(pool, *request_)
    assert caught.value.reason == reason
    wait_until_gone(pid)
    assert ask(pool, "pid") != [pid]


def test_a_worker_that_hangs_is_killed_even_if_it_holds_the_interpreters_lock(pool):
    answers = pool.run(("hang_in_c",), 0.5, first_timeout_s=30)
    pid = next(answers)
    with pytest.raises(WorkerDied, match=r"no answer within 0\.5 s") as caught:
        next(answers)
    assert caught.value.reason == "timeout"
    wait_until_gone(pid)
    assert ask(pool, "count", 1) == [0]


def test_the_limit_is_for_each_answer_and_another_one_for_the_first(pool):
    assert ask(pool, "count", 4, 0.2, timeout_s=0.6) == [0, 1, 2, 3]
    with pytest.raises(WorkerDied):
        list(pool.run(("count", 1, 5.0), 10, first_timeout_s=0.2))


@pytest.mark.parametrize("pause_s", [0.0, 0.3])
def test_an_abandoned_request_does_not_poison_the_next(pool, pause_s):
    (pid,) = ask(pool, "pid")
    answers = pool.run(("count", 1_000_000, pause_s), 10)
    assert next(answers) == 0
    answers.close()
    assert ask(pool, "pid") == [pid]
    assert ask(pool, "count", 2) == [0, 1]


def test_an_abandoned_request_that_fails_does_not_poison_the_next(pool):
    answers = pool.run(("fail", "too late"), 10)
    next(answers)
    answers.close()
    assert ask(pool, "count", 2) == [0, 1]


def test_an_abandoned_worker_that_hangs_is_replaced(pool):
    answers = pool.run(("hang_in_c",), 0.5, first_timeout_s=2)
    pid = next(answers)
    time.sleep(0.3)  # else it may hear in time that nobody wants the rest
    answers.close()
    assert ask(pool, "pid") != [pid]


def test_a_worker_that_died_while_idle_is_replaced_in_silence(pool):
    (pid,) = ask(pool, "pid")
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    assert ask(pool, "count", 2) == [0, 1]


def test_threads_share_the_workers_and_each_gets_its_own_answers():
    results = {}
    with WorkerPool(HANDLER, 2, name="test") as pool:

        def work(number):
            results[number] = ask(pool, "count", number)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(pool._all) <= 2
    assert results == {number: list(range(number)) for number in range(12)}


def test_prints_of_a_library_disturb_nothing(pool, capfd):
    assert ask(pool, "chatter", 20_000) == ["said"]
    assert capfd.readouterr() == ("", "")


CREDENTIALS = [
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_CONFIG_FILE"),
    *("PAGELAKE_PASSWORD", "PAGELAKE_API_KEY", "PREFECT_API_KEY", "PREFECT_API_URL", "PREFECT_API_AUTH_STRING"),
    *("AZURE_STORAGE_CONNECTION_STRING", "GOOGLE_APPLICATION_CREDENTIALS", "FSSPEC_S3", "OPENAI_API_KEY", "HF_TOKEN"),
    *("DATABASE_URL", "SOME_SECRET", "SOME_PASSWORD", "SOME_TOKEN", "NETRC", "HTTPS_PROXY", "SSH_AUTH_SOCK"),
]


def test_the_child_sees_no_credentials(pool, monkeypatch):
    for name in CREDENTIALS:
        monkeypatch.setenv(name, "hunter2")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    (seen,) = ask(pool, "environment")
    assert not seen.keys() & set(CREDENTIALS)
    assert not [name for name, value in seen.items() if "hunter2" in value]
    assert seen["OMP_NUM_THREADS"] == "3"


def test_a_handler_that_cannot_be_imported_is_named():
    with WorkerPool("tasks.no_such_module:act", 1) as pool:
        for _ in range(2):
            with pytest.raises(WorkerUnusable, match="no_such_module"):
                ask(pool, "pid")


def test_last_words_are_those_of_the_request_that_failed(pool):
    ask(pool, "chatter", 3)
    with pytest.raises(WorkerDied) as caught:
        ask(pool, "last_words")
    assert caught.value.detail.endswith("its last words: the needle is broken")


def test_peak_memory_is_that_of_the_largest_worker_ever(pool):
    ask(pool, "pid")
    small = pool.peak_memory_bytes
    ask(pool, "eat", 200 << 20)
    assert small < 100 << 20
    assert 200 << 20 < pool.peak_memory_bytes < 300 << 20


def test_close_ends_busy_workers_and_may_be_repeated():
    pool = WorkerPool(HANDLER, 2, name="test")
    answers = pool.run(("hang_in_c",), 60)
    pid = next(answers)
    threading.Timer(0.2, pool.close).start()
    with pytest.raises(PoolClosed):
        next(answers)
    pool.close()
    wait_until_gone(pid)
    with pytest.raises(PoolClosed):
        next(pool.run(("pid",), 1))


@pytest.mark.integration
@pytest.mark.parametrize("busy", ["hang_in_c", "count"])
def test_children_vanish_when_the_parent_is_killed(busy):
    program = f"""if True:
        import time
        from tasks.isolate import WorkerPool
        answers = WorkerPool({HANDLER!r}, 1).run(({busy!r},) if {busy!r} == 'hang_in_c' else ('pid',), 100)
        print(next(answers), flush=True)
        time.sleep(100)
    """
    paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    parent = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths}
    )
    with parent:
        assert parent.stdout
        pid = int(parent.stdout.readline())
        assert psutil.pid_exists(pid)
        parent.kill()
    wait_until_gone(pid)


def test_interrupting_the_group_does_not_reach_the_children(pool):
    (pid,) = ask(pool, "pid")
    assert os.getpgid(pid) != os.getpgid(0)
    os.kill(pid, signal.SIGINT)
    assert ask(pool, "pid") == [pid]


def test_many_requests_leave_no_descriptors_behind():
    def descriptors():
        return len(list(Path("/proc/self/fd").iterdir()))

    before = descriptors()
    with WorkerPool(HANDLER, 1, name="test") as pool:
        for _ in range(3):
            with pytest.raises(WorkerDied):
                ask(pool, "leave", 1)
        ask(pool, "pid")
        assert list(itertools.islice(pool.run(("count", 5), 10), 2)) == [0, 1]
    assert descriptors() == before
