"""Temporary Prefect servers that outlived their run: one whose process was killed cannot stop the server it started.

Prefect's server inherits our environment, so a mark in it tells whose it is. Processes of others are never touched.
"""

from __future__ import annotations

import os
from pathlib import Path

import psutil

OWNER_VARIABLE = "PAGELAKE_OWNER_PID"
_SERVER_VARIABLE = "PREFECT__SERVER_EPHEMERAL"
"""Set by Prefect for the servers that it starts on its own."""


def mark_as_owner() -> None:
    """Let every process that this one starts from now on carry its number."""
    os.environ[OWNER_VARIABLE] = str(os.getpid())


def end_orphans() -> int:
    """End the temporary servers of pagelake runs that are no more; answers how many."""
    orphans = [process for process in psutil.process_iter() if _is_orphan(process)]
    for process in orphans:
        process.terminate()
    return len(orphans)


def _is_orphan(process: psutil.Process) -> bool:
    try:
        environment = process.environ()
    except psutil.Error:  # gone meanwhile, or somebody else's
        return False
    owner = environment.get(OWNER_VARIABLE, "")
    if _SERVER_VARIABLE not in environment or not owner.isdigit() or psutil.pid_exists(int(owner)):
        return False
    return _namespace(process.pid) == _namespace(os.getpid())


def _namespace(pid: int) -> str | None:
    """Numbers of processes mean something only inside one PID namespace: a container's differ from its host's."""
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return None
