"""What a lake holds, what failed in it and what is left to do, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from tasks.errors import ANSWER_KINDS, DOCUMENT_KINDS, INCOMPLETE_KINDS, PAGE_KINDS
from tasks.lake.catalog import LakeStatus
from tasks.report.foreign_text import for_terminal

_ADVICE = {"discover": DOCUMENT_KINDS, "documents": DOCUMENT_KINDS, "rasterize": PAGE_KINDS, "infer": ANSWER_KINDS}


def as_text(url: str, status: LakeStatus) -> str:
    """One paragraph a table; failures come with what to do about each kind."""
    return "\n".join([f"Lake {url}", *_contents(status), *_models(status), *_failures(status)])


def _contents(status: LakeStatus) -> Iterator[str]:
    objects = status.objects[0]
    yield f"  objects    {objects['objects']:,} ({objects['bytes']:,} bytes) holding {objects['documents']:,} documents"
    yield f"  documents  {_counts(status.documents, 'status', 'documents')}"
    for render, rows in groupby(status.pages, lambda row: row["render"]):
        yield f"  pages      {_counts(list(rows), 'status', 'pages')} at {render}"


def _models(status: LakeStatus) -> Iterator[str]:
    for row in status.left_to_do:
        key = (row["model"], row["config"])
        answers = [r for r in status.responses if (r["model"], r["config"]) == key]
        elements = [r for r in status.elements if (r["model"], r["config"]) == key]
        yield f"Model {row['model']} (config {row['config']})"
        yield f"  answers    {_counts(answers, 'status', 'pages')}; {row['pages_left']:,} pages left to read"
        if elements:
            yield f"  elements   {_counts(elements, 'category', 'elements')}"


def _failures(status: LakeStatus) -> Iterator[str]:
    failed = [row for row in status.failures if row["error_kind"] not in INCOMPLETE_KINDS]
    incomplete = [row for row in status.failures if row["error_kind"] in INCOMPLETE_KINDS]
    yield from _listed("Failures", failed) if failed else ["No failures."]
    if incomplete:
        yield from _listed("Incomplete pages", incomplete)
    if status.failures:
        yield "Each one: SELECT * FROM failures"


def _listed(title: str, rows: list[dict[str, Any]]) -> Iterator[str]:
    yield f"{title}: {sum(row['failures'] for row in rows):,}"
    for row in rows:
        advice = _ADVICE[row["stage"]].get(row["error_kind"], "")
        yield f"  {row['failures']:,} x {row['error_kind']} ({row['stage']}): {advice}"
        yield f"      such as {for_terminal(row['example'] or 'a document without a name')}"


def _counts(rows: list[dict[str, Any]], label: str, count: str) -> str:
    totals: dict[str, int] = {}
    for row in rows:
        totals[row[label]] = totals.get(row[label], 0) + row[count]
    return ", ".join(f"{total:,} {name}" for name, total in totals.items()) or "none"
