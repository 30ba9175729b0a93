"""Fuzz one target for as long as you like: python tests/fuzz/run.py TARGET [-max_total_time=600] [CORPUS …]

Needs atheris, which is no dependency of pagelake: pip install atheris. What follows the target goes to libFuzzer. An
input that breaks a promise is written to crash-…: shrink it with -minimize_crash=1, put it into test_fuzz_targets.py,
and mend what it found.
"""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

try:
    atheris = import_module("atheris")
except ImportError:
    sys.exit("atheris is not installed: pip install atheris")

with atheris.instrument_imports(include=["tasks"]):
    from targets import TARGETS


def main() -> None:
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"{__doc__}\nTargets: {', '.join(TARGETS)}")
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup([sys.argv[0], "-timeout=20", "-rss_limit_mb=2048", *sys.argv[1:]], target)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
