"""What came of a run, as figures, as text for a terminal and as Markdown for the Prefect UI."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import Any

from tasks.errors import INCOMPLETE_KINDS
from tasks.report.foreign_text import for_markdown


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The figures of one run and, after it, of the lake.

    `new_objects`, `shards`, `pages_rendered`, `pages_read` (failed ones included) and `seconds` are of this run; the
    rest is what the lake holds now: documents (readable ones), pages, elements of this model and config by category,
    failures by stage and kind.
    """

    lake: str
    model: str
    config: str
    objects: int
    new_objects: int
    shards: int
    pages_rendered: int
    pages_read: int
    seconds: float
    pages_per_second: float | None
    documents: int
    pages: int
    categories: dict[str, int]
    failures: list[dict[str, Any]] = field(repr=False)

    @property
    def did_nothing(self) -> bool:
        return not (self.new_objects or self.shards)

    @property
    def failed(self) -> int:
        return _total(_by_kind(self.failures, incomplete=False))

    @property
    def incomplete(self) -> int:
        """Pages whose answer was read as far as it went."""
        return _total(_by_kind(self.failures, incomplete=True))


def as_text(summary: RunSummary) -> str:
    """A few lines for the end of a run; the last one counts the failures."""
    rate = f", {summary.pages_per_second:.1f} pages/s" if summary.pages_per_second else ""
    done = (
        _nothing(summary)
        if summary.did_nothing
        else f"{summary.new_objects:,} objects read, {summary.pages_rendered:,} pages rendered, "
        f"{summary.pages_read:,} pages read by {summary.model} in {summary.seconds:.0f} s{rate}."
    )
    lake = shlex.quote(summary.lake)
    elements = ", ".join(f"{category} {count:,}" for category, count in summary.categories.items())
    return "\n".join(
        [
            done,
            f"Lake {summary.lake}: {summary.documents:,} documents, {summary.pages:,} pages, "
            f"{sum(summary.categories.values()):,} elements of {summary.model}.",
            *([f"Elements: {elements}."] if elements else []),
            f'Look next: pagelake sql "SELECT category, text FROM elements LIMIT 10" --lake {lake}',  # noqa: S608
            _failures_line(summary),
        ]
    )


def _nothing(summary: RunSummary) -> str:
    if not summary.objects:
        return "Nothing to do: 0 objects found."
    return "Nothing to do: everything is in the lake already."


def _failures_line(summary: RunSummary) -> str:
    failed, incomplete = (_by_kind(summary.failures, incomplete=wanted) for wanted in (False, True))
    if not summary.failures:
        return "No failures."
    parts = [f"{_total(failed):,} failures ({_listed(failed)})" if failed else "No failures"]
    if incomplete:
        parts.append(f"{_total(incomplete):,} pages incomplete ({_listed(incomplete)})")
    return f"{', '.join(parts)}: pagelake status --lake {shlex.quote(summary.lake)}"


def _by_kind(failures: list[dict[str, Any]], *, incomplete: bool) -> dict[str, int]:
    kinds: dict[str, int] = {}
    for row in failures:
        if (row["error_kind"] in INCOMPLETE_KINDS) == incomplete:
            kinds[row["error_kind"]] = kinds.get(row["error_kind"], 0) + int(row["failures"])
    return kinds


def _total(kinds: dict[str, int]) -> int:
    return sum(kinds.values())


def _listed(kinds: dict[str, int]) -> str:
    return ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())


def as_markdown(summary: RunSummary) -> str:
    """The same for Prefect's artifact page."""
    categories = "\n".join(
        f"| {for_markdown(category)} | {count:,} |" for category, count in summary.categories.items()
    )
    rate = f"{summary.pages_per_second:.1f}" if summary.pages_per_second else "unknown"
    return f"""# {for_markdown(summary.model)} → {for_markdown(summary.lake)}

| this run | |
| --- | --- |
| objects listed | {summary.objects:,} |
| objects read | {summary.new_objects:,} |
| pages rendered | {summary.pages_rendered:,} |
| pages read | {summary.pages_read:,} |
| seconds | {summary.seconds:.0f} |
| pages per second | {rate} |

| the lake now | |
| --- | --- |
| documents | {summary.documents:,} |
| pages | {summary.pages:,} |
| failures | {summary.failed:,} |
| incomplete pages | {summary.incomplete:,} |

| category | elements |
| --- | --- |
{categories}
"""


def failures_table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `failures` for Prefect's artifact page, which takes every text in a cell for Markdown."""
    ours = ("stage", "error_kind")
    return [{k: for_markdown(v) if isinstance(v, str) and k not in ours else v for k, v in row.items()} for row in rows]
