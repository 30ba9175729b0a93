"""One life of a server under its keeper: started, watched without blocking, ended with everything below it.

What is run is a command like any other; how vLLM is called is in `vllm_command`, what a death means in `vllm_server`,
what the keeper does in `vllm_keeper`. The idea: whatever happens to the server, to its keeper or to us, somebody is
left who ends the rest. We and the keeper hold one end each of a socket pair. When ours closes, the keeper ends
everything below it; when the keeper's closes, we end what still carries this life's mark.
"""

from __future__ import annotations

import select
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import psutil

from tasks.infer.engines import vllm_keeper
from tasks.isolate_child import peak_memory_of
from tasks.orphans import OWNER_VARIABLE, end, orphans, owner_mark, processes_with

LIFE_VARIABLE = "PAGELAKE_VLLM_LIFE"
"""In the environment of a keeper and all below it: which life of which server they belong to."""

_KEEPER_TIMEOUT_S = vllm_keeper.SERVER_GRACE_S + vllm_keeper.REST_GRACE_S + 20.0
"""How long a keeper may take to end everything: what SIGKILL cannot end at once waits for a driver."""

_SWEEP_PATIENCE_S = 5.0
"""For what has no keeper any more, between SIGTERM and SIGKILL."""


def end_orphans() -> int:
    """End the servers of pagelake processes that are no more, and wait until they are gone; answers how many processes.

    Their keepers should have done so; this is for those whose keeper was killed too.
    """
    found = orphans(LIFE_VARIABLE)
    end(found, _SWEEP_PATIENCE_S)
    return len(found)


def life_marks() -> dict[str, str]:
    """Variables by which the processes of one life can be found, and whose they are."""
    return {OWNER_VARIABLE: owner_mark(), LIFE_VARIABLE: uuid.uuid4().hex}


class VllmProcess:
    """A server that runs until it dies or is told to end. Thread-safe but for `close`, which comes last.

    Args:
        command: What the keeper runs.
        environment: All of its environment, with `life_marks()` in it.
        log: A file that takes what it prints.
    """

    def __init__(self, command: list[str], environment: Mapping[str, str], log: Path) -> None:
        self._life = environment[LIFE_VARIABLE]
        self.log = log
        self._lock = threading.Lock()
        self._heard = b""
        self._keeper_is_silent = False
        self.peak_memory_bytes = 0
        self._lifeline, keepers_end = socket.socketpair()
        with keepers_end, log.open("wb") as output:
            self._keeper = subprocess.Popen(
                [sys.executable, "-I", "-S", vllm_keeper.__file__, str(keepers_end.fileno()), *command],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=(keepers_end.fileno(),),
                start_new_session=True,  # the terminal's Ctrl-C is for us, who end the server
            )
        self._lifeline.setblocking(False)

    @property
    def has_ended(self) -> bool:
        """Whether the server is dead, known at once and not only when the rest is cleared away."""
        with self._lock:
            self._listen()
            return self._keeper_is_silent or b"ended" in self._heard

    @property
    def exit_status(self) -> int | None:
        """The server's, as a shell tells it; None while it lives, or if its keeper was killed before it could say."""
        with self._lock:
            self._listen()
            words = self._heard.decode().split()
        return int(words[words.index("ended") + 1]) if "ended" in words[:-1] else None

    def wait_ended(self, timeout_s: float) -> bool:
        """Wait until the server has ended, `timeout_s` at most; whether it has."""
        deadline = time.monotonic() + timeout_s
        while not self.has_ended:
            poll = select.poll()  # select() refuses descriptors over 1023, which a busy process may have
            poll.register(self._lifeline, select.POLLIN)
            left_s = deadline - time.monotonic()
            if left_s <= 0 or not poll.poll(left_s * 1000):
                return self.has_ended
        return True

    def printed(self, size_bytes: int) -> str:
        """The last `size_bytes` of what it has printed so far."""
        with self.log.open("rb") as file:
            file.seek(max(0, self.log.stat().st_size - size_bytes))
            return file.read().decode(errors="replace")

    def sample_memory(self) -> None:
        """Bring `peak_memory_bytes` up to date: the largest resident memory that any process below the keeper had."""
        with suppress(psutil.Error):
            below = psutil.Process(self._keeper.pid).children(recursive=True)
            self.peak_memory_bytes = max([self.peak_memory_bytes, *(peak_memory_of(process.pid) for process in below)])

    def order_to_end(self) -> None:
        """Let the keeper end everything; may be called at any time, from any thread."""
        with suppress(OSError):
            self._lifeline.shutdown(socket.SHUT_WR)

    def close(self) -> bool:
        """End everything and wait until it is gone. False: something is left that even SIGKILL has not ended yet."""
        self.order_to_end()
        with suppress(subprocess.TimeoutExpired):
            self._keeper.wait(_KEEPER_TIMEOUT_S)
        end(processes_with(LIFE_VARIABLE, self._life), _SWEEP_PATIENCE_S)
        with suppress(subprocess.TimeoutExpired):
            self._keeper.wait(0)
        left = processes_with(LIFE_VARIABLE, self._life)
        with self._lock:
            self._listen()
            self._keeper_is_silent = True
            self._lifeline.close()
        return not left

    def _listen(self) -> None:
        while not self._keeper_is_silent:
            try:
                said = self._lifeline.recv(4096)
            except BlockingIOError:
                return
            except OSError:
                said = b""
            self._heard += said
            self._keeper_is_silent = not said
