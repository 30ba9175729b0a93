"""Temporary Prefect servers that outlived their run: one whose process was killed cannot stop the server it started.

Prefect's server inherits our environment, so a mark in it tells whose it is. Processes of others are never touched.
"""

from __future__ import annotations

import os

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
    return _SERVER_VARIABLE in environment and owner.isdigit() and not psutil.pid_exists(int(owner))
