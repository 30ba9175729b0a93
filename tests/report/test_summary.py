"""The last line of a run counts what failed, and apart from it what was read as far as it went."""

from __future__ import annotations

from typing import Any

import pytest

from tasks.report.summary import RunSummary, as_text


def summary(*failures: tuple[str, int]) -> RunSummary:
    figures: dict[str, Any] = dict.fromkeys(("objects", "new_objects", "shards", "pages_rendered", "pages_read"), 1)
    return RunSummary(
        lake="lake",
        model="m",
        config="c",
        seconds=1.0,
        pages_per_second=None,
        documents=1,
        pages=1,
        categories={},
        failures=[{"error_kind": kind, "failures": count} for kind, count in failures],
        **figures,
    )


@pytest.mark.parametrize(
    ("failures", "line"),
    [
        ([], "No failures."),
        ([("empty", 2), ("timeout", 1), ("empty", 1)], "4 failures (empty 3, timeout 1): pagelake status --lake lake"),
        ([("looped", 2)], "No failures, 2 pages incomplete (looped 2): pagelake status --lake lake"),
        (
            [("looped", 1), ("unparsed", 1), ("truncated", 3)],
            "1 failures (unparsed 1), 4 pages incomplete (looped 1, truncated 3): pagelake status --lake lake",
        ),
    ],
)
def test_the_last_line(failures, line):
    told = summary(*failures)
    assert as_text(told).splitlines()[-1] == line
    assert told.failed + told.incomplete == sum(count for _, count in failures)
