"""Run the `ingest` flow for the command line: check what can be checked at once, run, tell what came of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from flows.orphans import end_orphans, mark_as_owner
from tasks.discover.listing import check_source
from tasks.errors import Interrupted, PagelakeError
from tasks.lake.storage import LakeFolder
from tasks.report.summary import RunSummary, as_text

if TYPE_CHECKING:
    from prefect.states import State


class RunFailed(PagelakeError):
    """The flow could not finish; the message is its last state's."""


def run_ingest(source: list[str], lake: str, **options: Any) -> str:  # noqa: ANN401  # the flow checks its own parameters
    """Run the flow in this process and answer the text for the end of the run.

    Raises:
        UsageError: a source or the lake cannot be opened.
        RunFailed: the flow could not finish.
        Interrupted: Ctrl-C.
    """
    LakeFolder.open(lake)
    for one in source:
        check_source(one)
    end_orphans()
    mark_as_owner()
    from flows.ingest import ingest  # importing Prefect takes seconds; a wrong command should be told at once

    run = cast("Callable[..., State[RunSummary]]", ingest)
    try:
        state = run(source, lake, **options, return_state=True)
    except KeyboardInterrupt:
        raise Interrupted from None
    if not state.is_completed():
        raise RunFailed(state.message or f"the run ended as {state.name}")
    return as_text(state.result())
