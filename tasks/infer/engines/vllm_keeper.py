"""The parent of a vLLM server: it lives exactly as long as pagelake wants, and then ends everything below itself.

Started by `vllm_process` as `python -I -S vllm_keeper.py FD COMMAND…`, in a session of its own; standard library only.
Nothing here knows vLLM: any server that starts processes will do. The ideas:

- FD is one end of a socket pair. When pagelake ends, however it ends, the other end closes: that is the order to stop.
- vLLM's engine processes may outlive their parent, in other groups or sessions. The keeper is their subreaper: whatever
  is orphaned below it becomes its child, so it finds all of them, and it knows when none is left.
- If the keeper itself is killed, the kernel sends SIGTERM to the server, and whoever holds the other end sweeps up.

It says on FD "started PID" and, as soon as the server has ended, "ended STATUS" (128 + the signal's number where one
killed it), which is also what it exits with once nothing is left.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

SERVER_GRACE_S = 5.0
"""For the server to end its own processes after SIGTERM."""

REST_GRACE_S = 2.0
"""For what it left behind, after another SIGTERM; then SIGKILL."""

_SET_PARENT_DEATH_SIGNAL, _SET_CHILD_SUBREAPER = 1, 36
_POLL_S = 0.05

_libc = ctypes.CDLL(None, use_errno=True)


class Keeper:
    """One server and everything below it."""

    def __init__(self, lifeline: socket.socket, command: list[str]) -> None:
        self._lifeline, self._signals = lifeline, _signals_as_bytes()
        _prctl(_SET_CHILD_SUBREAPER, 1)
        own = os.getpid()
        self._server = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=lambda: _end_with(own))
        self._say(f"started {self._server.pid}")

    def run(self) -> int:
        """Wait until the server ends or is no longer wanted, end what is left; answers the server's exit status."""
        self._reap()
        while self._serves():
            ready, _, _ = select.select([self._lifeline, self._signals], [], [])
            self._reap()
            if self._lifeline in ready or _told_to_stop(self._signals):
                _kill(self._server.pid, signal.SIGTERM)
                self._wait_while(self._serves, SERVER_GRACE_S)
                break
        for pid in _below(os.getpid()):
            _kill(pid, signal.SIGTERM)
        self._wait_while(self._reap, REST_GRACE_S)
        while self._reap():
            for pid in _below(os.getpid()):
                _kill(pid, signal.SIGKILL)
            time.sleep(_POLL_S)
        return _status(self._server.returncode)

    def _serves(self) -> bool:
        return self._server.returncode is None

    def _wait_while(self, condition: Callable[[], bool], timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        while condition() and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            self._reap()

    def _reap(self) -> bool:
        """Take note of all that have ended; False when nothing is left below."""
        with suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return True
                if pid == self._server.pid:
                    self._server.returncode = os.waitstatus_to_exitcode(status)
                    self._say(f"ended {_status(self._server.returncode)}")
        return False

    def _say(self, line: str) -> None:
        with suppress(OSError):  # nobody listens any more
            self._lifeline.sendall(line.encode() + b"\n")


def _below(ancestor: int) -> list[int]:
    """All living descendants of a process."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            with suppress(OSError):  # it ended meanwhile
                state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents[int(folder.name)] = int(parent)
    found = [ancestor]
    for pid in found:  # grows while we walk
        found += [child for child, parent in parents.items() if parent == pid]
    return found[1:]


def _kill(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _signals_as_bytes() -> int:
    """A descriptor that brings the number of every signal that we get, so that one select waits for everything."""
    reader, writer = os.pipe()
    for end in (reader, writer):
        os.set_blocking(end, False)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _told_to_stop(signals: int) -> bool:
    try:
        numbers = os.read(signals, 4096)
    except BlockingIOError:
        return False
    return any(number != signal.SIGCHLD for number in numbers)


def _end_with(keeper: int) -> None:
    """In the server, before it becomes one: have the kernel end it with the keeper."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != keeper:
        os._exit(1)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0):
        error = ctypes.get_errno()
        raise OSError(error, f"prctl({option}): {os.strerror(error)}")


def _status(code: int) -> int:
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as own_end:
        own_end.set_inheritable(False)
        sys.exit(Keeper(own_end, sys.argv[2:]).run())
