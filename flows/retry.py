"""Run the failures of a lake again: documents that did not open, pages that were not rendered or not read."""

from __future__ import annotations

import os
from typing import Annotated

from prefect import flow
from pydantic import Field

from flows.run_line import PASSWORD_VARIABLE, RUNNER, ending_cleanly, run_line
from tasks.discover.collection import Collection
from tasks.errors import ALL_KINDS, UsageError
from tasks.infer.engine_options import EngineOptions
from tasks.infer.models import DEFAULT_MODEL
from tasks.infer.open_engine import check_engine
from tasks.lake.prepare import prepare_lake
from tasks.rasterize.messages import ImageFormat, RenderSettings
from tasks.report.summary import RunSummary


@flow(name="retry", flow_run_name="retry {lake}", task_runner=RUNNER)
def retry(
    lake: str,
    kind: list[str] | None = None,
    model: str = DEFAULT_MODEL,
    dpi: Annotated[float, Field(gt=0, le=1200)] = 200,
    image_format: ImageFormat = "jpeg",
    workers: Annotated[int, Field(ge=1)] | None = None,
    page_timeout_s: Annotated[float, Field(gt=0)] = 60,
    engine: EngineOptions | None = None,
) -> RunSummary:
    """Run the failures of a lake again, and whatever else of it is not done. What is good is not touched.

    Args:
        lake: Where the lake is: a folder or an fsspec URL.
        kind: Only failures with these error kinds; by default all.
        model: Whose failures.
        dpi: The render whose failures: pixels per inch of the page images.
        image_format: The render whose failures: JPEG (quality 95) or PNG.
        workers: Processes that render, and as many that read; by default one per core.
        page_timeout_s: Seconds that rendering a page may take, and reading it on this machine.
        engine: How the model is reached; nothing is needed for one that runs on this machine's CPU.
    """
    password = os.environ.get(PASSWORD_VARIABLE)

    def work() -> RunSummary:
        options = engine or EngineOptions()
        check_engine(model, options)
        if unknown := set(kind or ()) - ALL_KINDS:
            raise UsageError(f"Unknown error kind {', '.join(sorted(unknown))}. Known: {', '.join(sorted(ALL_KINDS))}.")
        kinds = frozenset(kind or ALL_KINDS)
        folder = prepare_lake(lake, must_exist=True)
        # Another attempt under the same conditions writes the same files; under others it must not replace them.
        attempt = f"retry {sorted(kinds)} {bool(password)} {page_timeout_s:g}"
        collection = Collection.of_failures(folder, kinds, attempt=attempt)
        settings = RenderSettings(dpi=dpi, image_format=image_format, page_timeout_s=page_timeout_s)
        return run_line(folder, collection, model, settings, password, kinds, options, workers or os.cpu_count() or 1)

    return ending_cleanly(work)
