"""Measure hostile files: python tests/benchmarks/bench_hostile.py [FOLDER] [pagelake ingest options]

First all of them in one `pagelake ingest`: seconds, peak memory of the whole tree of processes, what became of the
documents and pages. Then each file alone in one rendering process: the slowest ones, and those that took most memory.
FOLDER is by default the shared collection of hostile files.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
from bench_ingest import MEGABYTE, ingest

from tasks.errors import DocumentError
from tasks.rasterize.inspect import inspect_document
from tasks.rasterize.rasterize import LocalSpan, RenderSettings, open_renderers, rasterize_pages

SHARED = Path(__file__).parents[3] / "shared" / "data" / "hostile" / "files"
SHOWN = 8


@dataclass(frozen=True)
class Alone:
    """What one file took on its own."""

    name: str
    seconds: float
    peak_memory_bytes: int
    became: str


def main(folder: str = str(SHARED), *options: str) -> None:
    if not Path(folder).is_dir():
        sys.exit(f"There is no folder {folder}.")
    together(folder, *options)
    files = sorted(file for file in Path(folder).rglob("*") if file.is_file())
    results = [alone(file) for file in files]
    print(f"{len(results)} files, each alone: {sum(one.seconds for one in results):.0f} s")
    for title, key in (("slowest", lambda one: one.seconds), ("largest", lambda one: one.peak_memory_bytes)):
        print(f"{title}:")
        for one in sorted(results, key=key, reverse=True)[:SHOWN]:
            print(f"  {one.seconds:6.1f} s {one.peak_memory_bytes / MEGABYTE:6,.0f} MB  {one.became:<20} {one.name}")


def together(folder: str, *options: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        lake = Path(scratch, "lake")
        print(ingest(folder, lake, *options).splitlines()[-1])
        with duckdb.connect(str(lake / "lake.duckdb"), read_only=True) as catalog:
            catalog.sql(
                "SELECT 'document' AS what, status, error_kind, count(*) AS n FROM documents GROUP BY ALL UNION ALL "
                "SELECT 'page', status, error_kind, count(*) FROM pages GROUP BY ALL ORDER BY ALL"
            ).show(max_rows=100)


def alone(file: Path) -> Alone:
    settings, started = RenderSettings(), time.monotonic()
    with open_renderers(1) as pool:
        try:
            facts = inspect_document(pool, str(file), None, settings.page_timeout_s)
            span = LocalSpan("doc", str(file), facts.media_type, 1, min(facts.page_count, 100))
            kinds = {page.error_kind or "ok" for page in rasterize_pages(pool, [span], settings)}
        except DocumentError as error:
            kinds = {error.kind}
        seconds = time.monotonic() - started
        return Alone(file.name, seconds, pool.peak_memory_bytes, ", ".join(sorted(kinds)))


if __name__ == "__main__":
    main(*sys.argv[1:])
