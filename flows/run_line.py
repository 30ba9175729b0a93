"""What the flows that work on a lake share: open the processes, send everything down the line, publish, end cleanly."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import Any, cast

from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner

from flows.api_key import api_key_from_block
from flows.line import Line
from flows.publish import publish
from tasks.discover.collection import Collection as DocumentCollection
from tasks.errors import PagelakeError
from tasks.infer.engine_options import EngineOptions
from tasks.infer.open_engine import open_engine, profile_for
from tasks.lake.storage import LakeFolder
from tasks.rasterize.messages import RenderSettings
from tasks.rasterize.rasterize import open_renderers
from tasks.report.summary import RunSummary, as_text

PASSWORD_VARIABLE = "PAGELAKE_PASSWORD"  # noqa: S105  # the name of a variable, not a password
"""Where the password of encrypted PDFs is taken from: Prefect stores the parameters of a flow, and must not see it."""

TASK_THREADS = 16
"""More than all tasks of `line.SHARDS_IN_FLIGHT` shards, since a task that waits for another occupies a thread."""

RUNNER = cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=TASK_THREADS))


def run_line(
    lake: LakeFolder,
    collection: DocumentCollection,
    model: str,
    settings: RenderSettings,
    password: str | None,
    retry_kinds: Collection[str],
    engine: EngineOptions,
    workers: int,
    retry_dpi: float | None = None,
) -> RunSummary:
    """Do all that the collection needs and answer what came of it.

    Raises:
        PagelakeError: it could not be finished; what is done stays in the lake.
    """
    started, log = time.monotonic(), get_run_logger()
    profile = profile_for(model, engine)
    key = api_key_from_block(engine.api_key_secret) if engine.api_key_secret else None
    log.info(collection.sentence())
    with (
        open_renderers(workers) as renderers,
        open_engine(
            profile, engine, workers=workers, page_timeout_s=settings.page_timeout_s, api_key=key, tell=log.info
        ) as opened,
    ):
        run_id = str(flow_run.id)
        line = Line(lake, profile, settings, renderers, opened, run_id, password, retry_kinds, retry_dpi, log)
        for batch in collection.batches:
            line.discover(batch, collection)
        line.catch_up(collection)
        line.finish()
    summary = publish(line, collection, started)
    log.info(as_text(summary).splitlines()[0])
    return summary


def ending_cleanly(work: Callable[[], RunSummary]) -> RunSummary:
    """Run `work`; an error of ours ends the flow with its message as a failed state, without a traceback."""
    try:
        return work()
    except PagelakeError as error:
        # Prefect takes a state for a result
        return cast("RunSummary", Failed(name=type(error).__name__, message=str(error)))
