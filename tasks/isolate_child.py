"""The child's side of `isolate`: take a request, run the handler, write its answers; nothing else.

Started as `python -m tasks.isolate_child HANDLER LIFELINE_FD MEMORY_LIMIT`. The frames of the two pipes are defined
here too. Whatever a library prints goes to stderr, of which the parent keeps the last lines.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import pickle
import resource
import select
import signal
import struct
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from typing import BinaryIO

HEADER = struct.Struct("!cQQ")
"""Before each frame: its kind, the payload's length, the sender's peak memory in bytes."""

Handler = Callable[[object], Iterator[object]]


class Kind(bytes, Enum):
    """What a frame is. The first two go to the child, the others come from it."""

    REQUEST = b"R"
    CANCEL = b"C"
    ANSWER = b"A"
    DONE = b"D"
    FAILED = b"F"
    OUT_OF_MEMORY = b"M"


def frame(kind: Kind, payload: bytes = b"", peak_memory_bytes: int = 0) -> bytes:
    return HEADER.pack(kind.value, len(payload), peak_memory_bytes) + payload


def peak_memory_of(process: int | str) -> int:
    """Largest resident memory of a living process in bytes, 0 if it cannot be told.

    Not getrusage: its maximum includes that of the parent, whose memory a process shares until it has started.
    """
    try:
        with open(f"/proc/{process}/status", "rb") as status:  # noqa: PTH123 - once per answer, and Path is slow
            lines = status.read().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) << 10 for line in lines if line.startswith(b"VmHWM:")), 0)


def main(handler_name: str, lifeline: int, memory_limit_bytes: int) -> None:
    _die_with_parent(lifeline)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if memory_limit_bytes:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_limit_bytes, memory_limit_bytes))
    requests, answers = _take_pipes()
    try:
        handler = _load(handler_name)
    except Exception as error:
        _send(answers, Kind.FAILED, (type(error).__name__, f"{handler_name} cannot be loaded: {error}"))
        return
    _send(answers, Kind.DONE)
    while received := _read_frame(requests):
        kind, payload = received
        if kind == Kind.REQUEST:  # a CANCEL that comes after the last answer has nothing left to cancel
            _answer(handler, payload, requests, answers)


def _answer(handler: Handler, payload: bytes, requests: BinaryIO, answers: int) -> None:
    try:
        for answer in handler(pickle.loads(payload)):  # noqa: S301 - written by our own parent
            _send(answers, Kind.ANSWER, answer)
            if select.select([requests], [], [], 0)[0]:
                # The parent sends nothing but a CANCEL while it is owed answers, or has gone.
                break
    except MemoryError:
        _send(answers, Kind.OUT_OF_MEMORY)
        os._exit(1)  # what is left of the libraries' state is not worth trusting
    except Exception as error:
        _send(answers, Kind.FAILED, (type(error).__name__, str(error)))
    else:
        _send(answers, Kind.DONE)


def _die_with_parent(lifeline: int) -> None:
    """Have the kernel send SIGIO, which kills, once the parent's end of the pipe is closed.

    It works while a library computes and holds the interpreter's lock, where a thread that watches the pipe would not
    run. PR_SET_PDEATHSIG would also fire when the parent's *thread* ends that started us.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)
    if select.select([lifeline], [], [], 0)[0]:  # the parent was gone before we listened
        os._exit(1)


def _take_pipes() -> tuple[BinaryIO, int]:
    """Move the two pipes away from where libraries print and read."""
    requests, answers = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return os.fdopen(requests, "rb", buffering=0), answers


def _load(name: str) -> Handler:
    module, _, function = name.partition(":")
    return getattr(importlib.import_module(module), function)


def _send(pipe: int, kind: Kind, payload: object = None) -> None:
    data = b"" if payload is None and kind != Kind.ANSWER else pickle.dumps(payload, protocol=5)
    view = memoryview(frame(kind, data, peak_memory_of("self")))
    while view:
        view = view[os.write(pipe, view) :]


def _read_frame(pipe: BinaryIO) -> tuple[Kind, bytes] | None:
    """The next frame; None when the parent has closed the pipe."""
    header = _read_exactly(pipe, HEADER.size)
    if header is None:
        return None
    kind, length, _ = HEADER.unpack(header)
    payload = _read_exactly(pipe, length)
    return None if payload is None else (Kind(kind), payload)


def _read_exactly(pipe: BinaryIO, size: int) -> bytes | None:
    data = bytearray()
    while len(data) < size:
        part = pipe.read(size - len(data))
        if not part:
            return None
        data += part
    return bytes(data)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
