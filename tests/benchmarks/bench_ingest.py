"""Measure the whole line: python tests/benchmarks/bench_ingest.py FOLDER [pagelake ingest options]

Runs `pagelake ingest` on a new lake, as a user does, and prints what it took: seconds in all and from the flow's first
page on, pages/s by the run's own count, and the peak memory of the whole tree of processes (temporary Prefect server
included), as the sum of resident sizes and, where shared pages are counted once, of proportional sizes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
import psutil

SAMPLE_EVERY_S = 0.5
MEGABYTE = 1 << 20


def main(folder: str, *options: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        print(ingest(folder, Path(scratch, "lake"), *options))
        with duckdb.connect(str(Path(scratch, "lake", "lake.duckdb")), read_only=True) as catalog:
            catalog.sql(
                "SELECT stage, count(*) AS units, sum(pages) AS pages, round(sum(seconds), 1) AS unit_seconds, "
                "round(avg(busy_fraction), 3) AS busy_fraction, max(peak_memory) >> 20 AS largest_worker_mb "
                "FROM runs GROUP BY stage ORDER BY min(started_at)"
            ).show(max_width=120)


def ingest(folder: str, lake: Path, *options: str) -> str:
    """Run it, print time and memory, answer what it printed."""
    command = [Path(sys.executable).with_name("pagelake"), "ingest", folder, "--lake", lake, *options]
    started = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    resident, proportional = watch(process)
    out, _ = process.communicate()
    print(f"{time.monotonic() - started:.1f} s in all, exit status {process.returncode}")
    print(f"peak memory of the tree: {resident / MEGABYTE:,.0f} MB resident,", end=" ")
    print(f"{proportional / MEGABYTE:,.0f} MB with shared pages counted once")
    return out


def watch(process: subprocess.Popen[str]) -> tuple[int, int]:
    """Peak bytes of the tree until the process ends."""
    root, resident, proportional = psutil.Process(process.pid), 0, 0
    while process.poll() is None:
        sizes = [memory_of(one) for one in tree(root)]
        resident = max(resident, sum(rss for rss, _ in sizes))
        proportional = max(proportional, sum(pss for _, pss in sizes))
        time.sleep(SAMPLE_EVERY_S)
    return resident, proportional


def tree(root: psutil.Process) -> list[psutil.Process]:
    try:
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def memory_of(process: psutil.Process) -> tuple[int, int]:
    try:
        sizes = process.memory_full_info()
    except psutil.Error:
        return 0, 0
    return sizes.rss, sizes.pss


if __name__ == "__main__":
    main(*sys.argv[1:])
