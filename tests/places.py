"""Where things are that tests read, and the type of the fixture that runs the command line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

SHARED = Path(__file__).parents[2] / "shared"
"""Documents and ground truth beside some checkouts."""

SAMPLES = Path(__file__).parent / "samples"
"""Documents that the project ships."""

Cli = Callable[..., subprocess.CompletedProcess[str]]
