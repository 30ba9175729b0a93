"""One child process of a `WorkerPool`, seen from the parent: its pipes, its limits, and why it died.

What the pool promises (queues, replacement, closing) is in `isolate`; what the child does is in `isolate_child`.
"""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import pickle
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator

from tasks.errors import PagelakeError, WorkerDied
from tasks.isolate_child import HEADER, Kind, frame, peak_memory_of

START_TIMEOUT_S = 120.0
"""How long a child may take to import its handler; first imports from a cold disk are slow."""

_EXIT_TIMEOUT_S = 5.0
"""How long a child that has closed its pipe may take to be gone, before it is killed."""

PLAIN_VARIABLES = (
    *("PATH", "HOME", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "VIRTUAL_ENV"),
    *("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "MALLOC_ARENA_MAX"),
    *("CUDA_VISIBLE_DEVICES", "FONTCONFIG_FILE", "FONTCONFIG_PATH"),
)
"""The environment variables that a child sees: none that may hold a credential."""

_STDERR_LINES_KEPT = 8
_READ_SIZE = 1 << 20
_DEATHS_BY_ALLOCATION = {signal.SIGABRT, signal.SIGSEGV, signal.SIGILL, signal.SIGTRAP, signal.SIGBUS}
_OUT_OF_MEMORY_WORDS = ("bad_alloc", "out of memory", "memoryerror", "cannot allocate")


class WorkerFailed(PagelakeError):
    """The handler raised. `type_name` and `message` are the exception's; the worker lives on."""

    def __init__(self, type_name: str, message: str) -> None:
        self.type_name, self.message = type_name, message
        super().__init__(f"{type_name}: {message}" if message else type_name)


class WorkerUnusable(PagelakeError):
    """A child does not even start: the installation is broken or the machine has no room. No work can be blamed."""

    def __init__(self, name: str, problem: str) -> None:
        self.name, self.problem = name, problem
        super().__init__(f"A {name} process cannot be started: {problem}")


class Worker:
    """One child and its pipes. Used by one thread at a time; only `end` may come from another."""

    def __init__(self, handler: str, memory_limit_bytes: int | None, name: str) -> None:
        self._name = name
        self._memory_limit_bytes = memory_limit_bytes
        # Nothing is ever written to it: the kernel signals the child when our end closes, which dying does too.
        lifeline, self._lifeline = os.pipe()
        command = [sys.executable, "-P", "-m", "tasks.isolate_child", handler, str(lifeline)]
        self._process = subprocess.Popen(
            [*command, str(memory_limit_bytes or 0)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env=_child_environment(),
            pass_fds=(lifeline,),
            start_new_session=True,  # the terminal's Ctrl-C is for the parent, who ends its children
        )
        os.close(lifeline)
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._requests = self._process.stdin.fileno()
        self._answers = self._process.stdout.fileno()
        self._stderr = self._process.stderr.fileno()
        for pipe in (self._requests, self._answers, self._stderr):
            os.set_blocking(pipe, False)
        with contextlib.suppress(OSError):  # a page is larger than the usual 64 KiB; not granted when many have asked
            fcntl.fcntl(self._answers, fcntl.F_SETPIPE_SZ, _READ_SIZE)
        self._end_lock = threading.Lock()
        self._ended = self._busy = False
        self._received = bytearray()
        self._stderr_open = True
        self._stderr_lines: deque[str] = deque(maxlen=_STDERR_LINES_KEPT)
        self._patience_s = 0.0
        # The kernel's figure for a child begins with what its parent had when it was started.
        self._largest_of_parent = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
        self._largest_seen_by_kernel = 0
        self.peak_memory_bytes = 0

    @property
    def alive(self) -> bool:
        return not self._ended

    def wait_until_ready(self, timeout_s: float) -> None:
        try:
            self._receive(timeout_s)
        except (WorkerDied, WorkerFailed) as error:
            raise WorkerUnusable(self._name, str(error)) from error

    def begin(self, request: object) -> bool:
        """Send a request, after what is left of an abandoned one. False when the child is no longer there."""
        try:
            while self._busy:
                with contextlib.suppress(WorkerFailed):
                    self._receive(self._patience_s)
            self._drain_stderr()
            self._stderr_lines.clear()
            self._send(frame(Kind.REQUEST, pickle.dumps(request, protocol=5)), START_TIMEOUT_S)
        except (WorkerDied, OSError):
            return False
        self._busy = True
        return True

    def answers(self, first_timeout_s: float, timeout_s: float) -> Iterator[object]:
        self._patience_s = max(first_timeout_s, timeout_s)
        limit_s = first_timeout_s
        while True:
            kind, answer = self._receive(limit_s)
            if kind == Kind.DONE:
                return
            yield answer
            limit_s = timeout_s

    def cancel(self) -> bool:
        """Tell a child whose answers nobody wants any more to stop before the next one. False: it cannot be told."""
        if not self._busy:
            return True
        try:
            self._send(frame(Kind.CANCEL), 1.0)
        except (WorkerDied, OSError):
            return False
        return True

    def end(self) -> None:
        """Kill the child and wait until it is gone. Its pipes stay open for the thread that uses them."""
        with self._end_lock:
            if self._ended:
                return
            self.peak_memory_bytes = max(self.peak_memory_bytes, peak_memory_of(self._process.pid))
            os.kill(self._process.pid, signal.SIGKILL)  # a process that has ended stays, as a zombie, until wait4
            _, status, usage = os.wait4(self._process.pid, 0)
            self._process.returncode = os.waitstatus_to_exitcode(status)
            self._largest_seen_by_kernel = usage.ru_maxrss << 10
            self._ended = True

    def close_pipes(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe
            with contextlib.suppress(OSError):
                pipe.close()
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    def died(self, detail: str, reason: str | None = None) -> WorkerDied:
        """Make sure that the child is dead, and say why."""
        self.end()
        self._drain_stderr()
        said = " | ".join(self._stderr_lines)
        if reason is None:
            reason = self._reason(said)
        text = f"{self._name}: {detail}"
        return WorkerDied(reason, f"{text}; its last words: {said}" if said else text)

    def _reason(self, said: str) -> str:
        code = self._process.returncode
        if any(word in said.lower() for word in _OUT_OF_MEMORY_WORDS):
            return "memory"
        # C++ libraries abort when they get no memory. A buffer that doubles fails from a third of the limit on.
        near_limit = max(0.3 * (self._memory_limit_bytes or math.inf), self._largest_of_parent)
        large = self._largest_seen_by_kernel > near_limit
        return "memory" if large and -code in _DEATHS_BY_ALLOCATION else "crash"

    def _send(self, data: bytes, timeout_s: float) -> None:
        deadline = time.monotonic() + timeout_s
        view = memoryview(data)
        while view:
            if not self._wait(self._requests, select.POLLOUT, deadline):
                raise self.died(f"took no request for {timeout_s:g} s", "timeout")
            with contextlib.suppress(BlockingIOError):
                view = view[os.write(self._requests, view[:_READ_SIZE]) :]

    def _receive(self, timeout_s: float) -> tuple[Kind, object]:
        """The next answer, or that there is none left; what went wrong is raised."""
        deadline = time.monotonic() + timeout_s
        kind, payload = self._read_frame(deadline, timeout_s)
        if kind == Kind.ANSWER:
            return kind, pickle.loads(payload)  # noqa: S301 - written by our own child
        self._busy = False
        if kind == Kind.FAILED:
            raise WorkerFailed(*pickle.loads(payload))  # noqa: S301
        if kind == Kind.OUT_OF_MEMORY:
            raise self.died("reached its memory limit", "memory")
        return kind, None

    def _read_frame(self, deadline: float, timeout_s: float) -> tuple[Kind, bytearray]:
        while (size := self._frame_size()) is None or len(self._received) < size:
            if not self._wait(self._answers, select.POLLIN, deadline):
                raise self.died(f"no answer within {timeout_s:g} s", "timeout")
            if not self._fill():
                raise self._unexpected_end()
        kind, _, peak = HEADER.unpack_from(self._received)
        self.peak_memory_bytes = max(self.peak_memory_bytes, peak)
        payload = self._received[HEADER.size : size]
        del self._received[:size]
        return Kind(kind), payload

    def _frame_size(self) -> int | None:
        """Bytes of the frame that is coming in, None while its header is not there."""
        if len(self._received) < HEADER.size:
            return None
        return HEADER.size + HEADER.unpack_from(self._received)[1]

    def _fill(self) -> bool:
        """Read what is there. False at the end: the child has closed its side."""
        try:
            data = os.read(self._answers, _READ_SIZE)
        except BlockingIOError:
            return True
        self._received += data
        return bool(data)

    def _unexpected_end(self) -> WorkerDied:
        # The pipe closes a moment before the process is gone; its own exit code is worth that moment.
        deadline = time.monotonic() + _EXIT_TIMEOUT_S
        while not self._ended and time.monotonic() < deadline and not self._has_exited():
            time.sleep(0.005)
        self.end()
        code = self._process.returncode
        if code == -signal.SIGKILL:
            return self.died("killed from outside, as the kernel does when memory runs out", "memory")
        return self.died(f"ended with {signal.Signals(-code).name if code < 0 else f'exit status {code}'}")

    def _has_exited(self) -> bool:
        try:
            return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
        except ChildProcessError:
            return True

    def _wait(self, pipe: int, event: int, deadline: float) -> bool:
        """Until a pipe is ready, keeping stderr empty meanwhile. False at the deadline."""
        while True:
            poll = select.poll()  # select() refuses descriptors over 1023, which a busy parent may have
            poll.register(pipe, event)
            if self._stderr_open:
                poll.register(self._stderr, select.POLLIN)
            left_s = deadline - time.monotonic()
            ready = dict(poll.poll(max(0, left_s * 1000)))
            if self._stderr in ready:
                self._drain_stderr()
            if pipe in ready:
                return True
            if left_s <= 0:
                return False

    def _drain_stderr(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            while self._stderr_open:
                data = os.read(self._stderr, 1 << 16)
                self._stderr_open = bool(data)
                lines = data.decode(errors="replace").splitlines()
                self._stderr_lines.extend(line.strip()[:300] for line in lines if line.strip())


def _child_environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in PLAIN_VARIABLES if name in os.environ}
    # The child finds what we find, wherever it is started from.
    paths = [path for path in sys.path if path]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
