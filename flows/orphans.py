"""Temporary Prefect servers that outlived their run: one whose process was killed cannot stop the server it started.

Prefect's server inherits our environment, so the mark of `tasks.orphans` tells whose it is.
"""

from __future__ import annotations

from contextlib import suppress

import psutil

from tasks.orphans import mark_as_owner, orphans

__all__ = ["end_orphans", "mark_as_owner"]

_SERVER_VARIABLE = "PREFECT__SERVER_EPHEMERAL"
"""Set by Prefect for the servers that it starts on its own."""


def end_orphans() -> int:
    """Tell the temporary servers of pagelake runs that are no more to end; answers how many. Nobody waits for them."""
    found = orphans(_SERVER_VARIABLE)
    for process in found:
        with suppress(psutil.Error):
            process.terminate()
    return len(found)
