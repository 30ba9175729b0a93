"""Processes that outlived the pagelake that started them: whose they are, which owners are gone, and how to end them.

What pagelake starts inherits a mark in its environment: its owner's process number, and when that process started,
since numbers are used again. Folders of temporary files get the same mark in a file. Nothing here knows what the
processes do; who starts some decides which it may end. Processes of others, and those of an owner that lives, are never
touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import psutil

OWNER_VARIABLE = "PAGELAKE_OWNER"

_OWNER_FILE = "owner"
_END_TIMEOUT_S = 5.0
"""How long a process that got SIGKILL may take to be gone."""


def owner_mark() -> str:
    """What `OWNER_VARIABLE` holds in the processes of this one."""
    pid = os.getpid()
    return f"{pid}:{_started_at(pid)}"


def mark_as_owner() -> None:
    """Let every process that this one starts from now on, and that inherits its environment, carry its mark."""
    os.environ[OWNER_VARIABLE] = owner_mark()


def orphans(kind: str) -> list[psutil.Process]:
    """Processes with the variable `kind` in their environment whose owner is gone."""
    return [
        process
        for process, variables in _environments()
        if kind in variables and _owner_is_gone(variables.get(OWNER_VARIABLE, ""))
    ]


def processes_with(variable: str, value: str) -> list[psutil.Process]:
    """Processes in whose environment `variable` has this value."""
    return [process for process, variables in _environments() if variables.get(variable) == value]


def end(processes: list[psutil.Process], patience_s: float) -> None:
    """End processes: SIGTERM, `patience_s` later SIGKILL; wait until they are gone."""
    for process in processes:
        with suppress(psutil.Error):
            process.terminate()
    _, stubborn = psutil.wait_procs(processes, patience_s)
    for process in stubborn:
        with suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(stubborn, _END_TIMEOUT_S)


def mark_folder(folder: Path) -> None:
    """Say in `folder` that it is this process's."""
    (folder / _OWNER_FILE).write_text(f"{owner_mark()}\n{_namespace(os.getpid())}\n")


def is_of_the_gone(folder: Path) -> bool:
    """Whether the process that marked `folder` is no more, as far as can be seen from here."""
    try:
        mark, _, namespace = (folder / _OWNER_FILE).read_text().strip().partition("\n")
    except (OSError, ValueError):
        return False
    return namespace == str(_namespace(os.getpid())) and _owner_is_gone(mark)


def _environments() -> Iterator[tuple[psutil.Process, Mapping[str, str]]]:
    """Every process whose environment we may read, and whose number means to us what it means to itself."""
    own_namespace = _namespace(os.getpid())
    for process in psutil.process_iter():
        try:
            variables = process.environ()
        except (psutil.Error, OSError):  # gone meanwhile, or somebody else's
            continue
        if _namespace(process.pid) == own_namespace:
            yield process, variables


def _owner_is_gone(mark: str) -> bool:
    """Without a mark that can be read, an owner is not gone."""
    pid, _, started_at = mark.partition(":")
    return pid.isdigit() and started_at.isdigit() and _started_at(int(pid)) != int(started_at)


def _started_at(pid: int) -> int | None:
    """When a living process started, in the kernel's ticks since boot; None for one that is no more."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def _namespace(pid: int) -> str | None:
    """Numbers of processes mean something only inside one PID namespace: a container's differ from its host's."""
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return None
