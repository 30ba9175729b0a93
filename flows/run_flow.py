"""Run a flow for the command line: in this process, ending in a text or in one of our errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from flows.orphans import end_orphans, mark_as_owner
from flows.temporary_server import check_server, start_without_credentials
from tasks.discover.listing import check_source
from tasks.errors import Interrupted, PagelakeError, UsageError
from tasks.infer.open_engine import check_engine
from tasks.lake.storage import LakeFolder
from tasks.report.summary import RunSummary, as_text

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.states import State


class RunFailed(PagelakeError):
    """The flow could not finish; the message is its last state's."""


def run_ingest(source: list[str], lake: str, **options: Any) -> str:  # noqa: ANN401  # the flow checks its parameters
    """Run the `ingest` flow and answer the text for its end.

    Raises:
        UsageError: a source or the lake cannot be opened.
        RunFailed: the flow could not finish.
        PrefectUnusable: it could not begin.
        Interrupted: Ctrl-C.
    """
    # Importing Prefect takes seconds; a wrong command should be told at once.
    LakeFolder.open(lake)
    check_engine(options["model"], options["engine"])
    for one in source:
        check_source(one)
    from flows.ingest import ingest

    return _run(ingest, source=source, lake=lake, **options)


def run_retry(lake: str, **options: Any) -> str:  # noqa: ANN401  # the flow checks its parameters
    """Run the `retry` flow and answer the text for its end. Raises as `run_ingest`."""
    LakeFolder.open(lake)
    check_engine(options["model"], options["engine"])
    from flows.retry import retry

    return _run(retry, lake=lake, **options)


def _run(flow: Flow[..., RunSummary], **parameters: Any) -> str:  # noqa: ANN401  # the flow checks its parameters
    end_orphans()
    mark_as_owner()
    try:
        start_without_credentials()
        check_server()
        state = cast("State[RunSummary]", flow(**parameters, return_state=True))
    except KeyboardInterrupt:
        raise Interrupted from None
    if state.is_completed():
        return as_text(state.result())
    if state.name == UsageError.__name__:
        raise UsageError(state.message or "")
    raise RunFailed(state.message or f"the run ended as {state.name}")
