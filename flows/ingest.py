"""The main job: bring a lake up to date with a collection. Order only; the work is in `tasks`.

On one machine the whole line runs in this process and its workers: while a shard is being read, the next is rendered
and the next batch of objects is discovered.
"""

from __future__ import annotations

import os
from typing import Annotated

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from flows.run_line import PASSWORD_VARIABLE, RUNNER, ending_cleanly, run_line
from tasks.discover.collection import Collection
from tasks.discover.listing import check_source
from tasks.errors import PASSWORD_KINDS
from tasks.infer.engine_options import EngineOptions
from tasks.infer.models import DEFAULT_MODEL
from tasks.infer.open_engine import check_engine
from tasks.lake.prepare import prepare_lake
from tasks.rasterize.messages import ImageFormat, RenderSettings
from tasks.report.summary import RunSummary


def _run_name() -> str:
    given = flow_run.parameters
    return f"{', '.join(given['source'])} → {given['lake']}"


@flow(name="ingest", flow_run_name=_run_name, task_runner=RUNNER)
def ingest(
    source: list[str],
    lake: str,
    model: str = DEFAULT_MODEL,
    dpi: Annotated[float, Field(gt=0, le=1200)] = 200,
    image_format: ImageFormat = "jpeg",
    limit: Annotated[int, Field(ge=1)] | None = None,
    workers: Annotated[int, Field(ge=1)] | None = None,
    page_timeout_s: Annotated[float, Field(gt=0)] = 60,
    engine: EngineOptions | None = None,
) -> RunSummary:
    """Bring a lake up to date with a collection: discover, rasterize, read every page, land its elements.

    Run it again at any time: what is in the lake already is not read, rendered or asked about again.

    Args:
        source: What to read: files, folders, globs or fsspec URLs.
        lake: Where the lake is, or shall be: a folder or an fsspec URL.
        model: Which model reads the pages; `pagelake models` lists them.
        dpi: Pixels per inch of the page images.
        image_format: JPEG (quality 95) or PNG.
        limit: Take only the first so many objects of the collection, in the order of their names.
        workers: Processes that render, and as many that read; by default one per core.
        page_timeout_s: Seconds that rendering a page may take, and reading it on this machine.
        engine: How the model is reached; nothing is needed for one that runs on this machine's CPU.
    """
    password = os.environ.get(PASSWORD_VARIABLE)

    def work() -> RunSummary:
        options = engine or EngineOptions()
        check_engine(model, options)
        for one in source:
            check_source(one)
        folder = prepare_lake(lake)
        collection = Collection.compare(folder, source, limit=limit, password=password)
        settings = RenderSettings(dpi=dpi, image_format=image_format, page_timeout_s=page_timeout_s)
        kinds = PASSWORD_KINDS if password else ()
        return run_line(folder, collection, model, settings, password, kinds, options, workers or os.cpu_count() or 1)

    return ending_cleanly(work)
