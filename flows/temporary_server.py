"""Prefect's temporary server, started without our credentials.

Where no Prefect API is configured Prefect starts a server of its own, with a copy of the whole environment: storage
keys, the key of a chat server, the password of documents. It needs none of them.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager, suppress

from tasks.isolate_worker import PLAIN_VARIABLES
from tasks.orphans import OWNER_VARIABLE

_ALSO_PLAIN = {OWNER_VARIABLE, "DO_NOT_TRACK", "NO_COLOR"}


def start_without_credentials() -> None:
    """Start it, if Prefect would. It serves this process until its end."""
    from prefect.client.orchestration import get_client

    with only_plain_environment(), suppress(ValueError):  # no server may be started: the flow's first request says so
        get_client(sync_client=True)


@contextmanager
def only_plain_environment() -> Generator[None]:
    """Without the variables that a server has no use for, while the block runs. For a process of one thread."""
    withheld = {name: value for name, value in os.environ.items() if not _is_plain(name)}
    for name in withheld:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(withheld)


def _is_plain(name: str) -> bool:
    if name == "PREFECT_API_KEY":
        return False
    return name in PLAIN_VARIABLES or name in _ALSO_PLAIN or name.startswith(("PREFECT_", "PYTHON", "XDG_"))
