"""The main job: bring a lake up to date with a collection. Order only; the work is in `tasks`.

On one machine the whole line runs in this process and its workers: while a shard is being read, the next is rendered
and the next batch of objects is discovered.
"""

from __future__ import annotations

import os
import time
from typing import Annotated, Any, cast

from prefect import flow
from prefect.futures import PrefectFuture
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Failed
from prefect.task_runners import TaskRunner, ThreadPoolTaskRunner
from pydantic import Field

from flows.line import Line
from flows.publish import publish
from tasks.discover.collection import Collection
from tasks.errors import PagelakeError
from tasks.infer.engines import open_engine
from tasks.infer.models import DEFAULT_MODEL, ModelName, find_profile
from tasks.lake.prepare import prepare_lake
from tasks.rasterize.messages import ImageFormat, RenderSettings
from tasks.rasterize.rasterize import open_renderers
from tasks.report.summary import RunSummary, as_text

PASSWORD_VARIABLE = "PAGELAKE_PASSWORD"  # noqa: S105  # the name of a variable, not a password
"""Where the password of encrypted PDFs is taken from: Prefect stores the parameters of a flow, and must not see it."""

TASK_THREADS = 16
"""More than all tasks of `line.SHARDS_IN_FLIGHT` shards, since a task that waits for another occupies a thread."""


def _run_name() -> str:
    given = flow_run.parameters
    return f"{', '.join(given['source'])} → {given['lake']}"


_runner = cast("TaskRunner[PrefectFuture[Any]]", ThreadPoolTaskRunner(max_workers=TASK_THREADS))


@flow(name="ingest", flow_run_name=_run_name, task_runner=_runner)
def ingest(
    source: list[str],
    lake: str,
    model: ModelName = DEFAULT_MODEL,
    dpi: Annotated[float, Field(gt=0, le=1200)] = 200,
    image_format: ImageFormat = "jpeg",
    limit: Annotated[int, Field(ge=1)] | None = None,
    workers: Annotated[int, Field(ge=1)] | None = None,
    page_timeout_s: Annotated[float, Field(gt=0)] = 60,
) -> RunSummary:
    """Bring a lake up to date with a collection: discover, rasterize, read every page, land its elements.

    Run it again at any time: what is in the lake already is not read, rendered or asked about again.

    Args:
        source: What to read: files, folders, globs or fsspec URLs.
        lake: Where the lake is, or shall be: a folder or an fsspec URL.
        model: Which model reads the pages.
        dpi: Pixels per inch of the page images.
        image_format: JPEG (quality 95) or PNG.
        limit: Take only the first so many objects of the collection, in the order of their names.
        workers: Processes that render, and as many that read; by default one per core.
        page_timeout_s: Seconds that rendering or reading one page may take.
    """
    settings = RenderSettings(dpi=dpi, image_format=image_format, page_timeout_s=page_timeout_s)
    try:
        return _bring_up_to_date(source, lake, model, settings, limit, workers or os.cpu_count() or 1)
    except PagelakeError as error:
        return cast("RunSummary", Failed(message=str(error)))  # Prefect takes a state for a result


def _bring_up_to_date(
    source: list[str], url: str, model: str, settings: RenderSettings, limit: int | None, workers: int
) -> RunSummary:
    started, run_id, log = time.monotonic(), str(flow_run.id), get_run_logger()
    profile, password = find_profile(model), os.environ.get(PASSWORD_VARIABLE)
    lake = prepare_lake(url)
    collection = Collection.compare(lake, source, limit=limit, password=password)
    log.info(collection.sentence())
    with (
        open_renderers(workers) as renderers,
        open_engine(profile, workers=workers, page_timeout_s=settings.page_timeout_s) as engine,
    ):
        line = Line(lake, profile, settings, renderers, engine, run_id, password, log)
        for batch in collection.batches:
            line.discover(batch, collection)
        line.catch_up(collection)
        line.finish()
    summary = publish(line, collection, started)
    log.info(as_text(summary).splitlines()[0])
    return summary
