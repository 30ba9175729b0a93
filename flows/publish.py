"""The end of a run: ask the lake what it holds now, and leave it in the Prefect UI. Not a flow of its own."""

from __future__ import annotations

import time
from contextlib import closing

from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.line import Line
from tasks.discover.collection import Collection
from tasks.lake.catalog import LakeStatus, failure_rows, lake_status, open_catalog
from tasks.report.summary import RunSummary, as_markdown, failures_table

FAILURES_SHOWN = 500
"""Rows of the failures artifact; the rest is one SELECT away."""


def publish(line: Line, collection: Collection, started: float) -> RunSummary:
    """Write the run's artifacts: a summary, and a table of failures when there are any."""
    lake = line.lake
    with closing(open_catalog(lake)) as catalog:
        summary = _summary(line, collection, lake_status(catalog), time.monotonic() - started)
        failures = failure_rows(catalog, FAILURES_SHOWN) if summary.failures else []
    create_markdown_artifact(as_markdown(summary), key="ingest-summary", description=f"What came of {line.run_id}")
    if failures:
        create_table_artifact(
            failures_table(failures), key="ingest-failures", description="What could not be read, and what to do"
        )
    return summary


def _summary(line: Line, collection: Collection, status: LakeStatus, seconds: float) -> RunSummary:
    mine = [row for row in status.elements if (row["model"], row["config"]) == (line.profile.name, line.config)]
    return RunSummary(
        lake=line.lake.url,
        model=line.profile.name,
        config=line.config,
        objects=collection.objects,
        new_objects=collection.pending,
        shards=line.shards,
        pages_rendered=line.progress.rendered,
        pages_read=line.progress.read,
        seconds=seconds,
        pages_per_second=line.progress.pages_per_second,
        documents=sum(row["documents"] for row in status.documents if row["status"] == "ok"),
        pages=sum(row["pages"] for row in status.pages),
        categories={row["category"]: row["elements"] for row in mine},
        failures=status.failures,
    )
