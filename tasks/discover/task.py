"""The Prefect task of this stage: one run of it reads one batch of new objects."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from tasks.discover.changes import Batch
from tasks.discover.discover import Inspect, read_batch, write_batch
from tasks.lake.runs import UnitOfWork, record_units
from tasks.lake.storage import LakeFolder
from tasks.stage_task import stage_task


@stage_task("discover")
def discover(
    unit: Batch,
    *,
    lake: LakeFolder,
    inspect: Inspect,
    known: frozenset[str],
    seen_before: frozenset[str],
    threads: int,
    run_id: str,
) -> tuple[dict[str, str], set[str]]:
    """Read a batch of objects and write its rows.

    Answers the doc_id of every object by its uri, and the ids of the documents that the batch brought in.
    """
    started, now = time.monotonic(), datetime.now(UTC)
    read = read_batch(unit, inspect, known=known, threads=threads)
    new = write_batch(lake, unit, read, known=known, seen_before=seen_before, seen_at=now, run_id=run_id)
    pages = sum(r.facts.page_count for r in read if r.facts)
    took = UnitOfWork(run_id, "discover", unit.name, now, time.monotonic() - started, pages)
    record_units(lake, f"{run_id}-discover-{unit.name}", [took])
    return {r.found.uri: r.doc_id for r in read if r.doc_id}, new
