"""What a lake holds apart from times and run ids: two runs that should end the same are compared by this."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

TIMES_AND_RUNS = {"seen_at", "run_id", "seconds", "attempts"}


def contents(lake: Path) -> dict[str, list[dict[str, Any]]]:
    """Rows by file name, for every table but `runs`."""
    files = sorted(file for file in lake.rglob("*.parquet") if file.relative_to(lake).parts[0] != "runs")
    return {str(file.relative_to(lake)): _rows(file) for file in files}


def _rows(file: Path) -> list[dict[str, Any]]:
    with file.open("rb") as opened:
        table = pq.ParquetFile(opened).read()
    return table.drop_columns([name for name in table.column_names if name in TIMES_AND_RUNS]).to_pylist()


def differences(found: dict[str, list[dict[str, Any]]], expected: dict[str, list[dict[str, Any]]]) -> list[str]:
    """What differs, a line each, short enough to read in a failed test."""
    lines = [f"only in one: {name}" for name in sorted(found.keys() ^ expected.keys())]
    for name in sorted(found.keys() & expected.keys()):
        if len(found[name]) != len(expected[name]):
            lines.append(f"{name}: {len(found[name])} rows instead of {len(expected[name])}")
        for number, (row, other) in enumerate(zip(found[name], expected[name], strict=False)):
            different = [key for key in row if row[key] != other.get(key)]
            lines += [f"{name} row {number} {key}: {row[key]!r:.150} != {other.get(key)!r:.150}" for key in different]
    return lines
