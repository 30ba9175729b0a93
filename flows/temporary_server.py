"""Prefect's server: the one that is configured must answer, the temporary one is started without our credentials.

Where no Prefect API is configured Prefect starts a server of its own, with a copy of the whole environment: storage
keys, the key of a chat server, the password of documents. It needs none of them.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager

import httpx

from tasks.errors import PagelakeError
from tasks.isolate_worker import PLAIN_VARIABLES
from tasks.orphans import OWNER_VARIABLE

_LONGEST_PROBLEM = 500
_ALSO_PLAIN = {OWNER_VARIABLE, "DO_NOT_TRACK", "NO_COLOR"}


class PrefectUnusable(PagelakeError):
    """Prefect has no server to keep the run's state in."""

    def __init__(self, problem: object, advice: str) -> None:
        self.problem = " ".join(str(problem).split())[:_LONGEST_PROBLEM].rstrip(".")
        super().__init__(f"{self.problem}. {advice}")


def start_without_credentials() -> None:
    """Start it, if Prefect would. It serves this process until its end.

    Raises:
        PrefectUnusable: it does not start, or none may be started and none is configured.
    """
    from prefect.client.orchestration import get_client

    try:
        with only_plain_environment():
            get_client(sync_client=True)
    except ValueError as error:
        raise PrefectUnusable(error, "Or let it start one: PREFECT_SERVER_ALLOW_EPHEMERAL_MODE=true.") from None
    except (RuntimeError, httpx.HTTPError) as error:
        raise PrefectUnusable(
            f"Prefect's temporary server did not start: {error}",
            "Give it longer with PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS, or run one by "
            "`prefect server start` and name it in PREFECT_API_URL.",
        ) from None


def check_server() -> None:
    """See that Prefect's server answers, and speaks our version's language, before a flow needs it.

    Raises:
        PrefectUnusable: it does not.
    """
    from prefect.client.orchestration import get_client
    from prefect.exceptions import PrefectHTTPStatusError

    try:
        with get_client(sync_client=True) as client:
            client.raise_for_api_version_mismatch()
    except (RuntimeError, PrefectHTTPStatusError) as error:
        raise PrefectUnusable(
            f"Prefect's server cannot be used: {error}",
            "Start it, or correct PREFECT_API_URL; without an address pagelake has a temporary server started.",
        ) from None


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
