"""Prefect settings that a newcomer should not have to know. `flows` imports this first.

Only defaults: an environment variable that is set, to anything, wins. With no API configured Prefect starts a
temporary server; on a busy machine that takes longer than the 20 seconds it is given by default, and its telemetry
prints a traceback where there is no network.
"""

from __future__ import annotations

import os

DEFAULTS = {
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "180",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
}

for _name, _value in DEFAULTS.items():
    os.environ.setdefault(_name, _value)
