"""Run the failures of a lake again: documents that did not open, pages that were not rendered or not read."""

from __future__ import annotations

import os
from dataclasses import replace
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
from tasks.lake.redo import renders
from tasks.lake.storage import LakeFolder
from tasks.rasterize.messages import RenderSettings
from tasks.report.summary import RunSummary


@flow(name="retry", flow_run_name="retry {lake}", task_runner=RUNNER)
def retry(
    lake: str,
    kind: list[str] | None = None,
    model: str = DEFAULT_MODEL,
    render: str | None = None,
    dpi: Annotated[float, Field(gt=0, le=1200)] | None = None,
    workers: Annotated[int, Field(ge=1)] | None = None,
    page_timeout_s: Annotated[float, Field(gt=0)] = 60,
    engine: EngineOptions | None = None,
) -> RunSummary:
    """Run the failures of a lake again, and whatever else of it is not done. What is good is not touched.

    Args:
        lake: Where the lake is: a folder or an fsspec URL.
        kind: Only failures with these error kinds; by default all.
        model: Whose failures.
        render: Whose failures, where the lake holds its pages rendered in several ways: a name such as 200dpi-jpeg95.
        dpi: Pixels per inch for the pages that could not be rendered; by default as before.
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
        settings = replace(RenderSettings.of_render(_render(folder, render)), page_timeout_s=page_timeout_s)
        collection = Collection.of_failures(folder, kinds, attempt=attempt)
        processes = workers or os.cpu_count() or 1
        return run_line(folder, collection, model, settings, password, kinds, options, processes, retry_dpi=dpi)

    return ending_cleanly(work)


def _render(lake: LakeFolder, wanted: str | None) -> str:
    known = renders(lake)
    if wanted is None and len(known) > 1:
        raise UsageError(f"The lake holds its pages in several renders: say which by --render, {' or '.join(known)}.")
    if wanted is not None and wanted not in known:
        raise UsageError(f"The lake holds no render {wanted!r}. It holds: {', '.join(known) or 'none'}.")
    return wanted or (known or [RenderSettings().render_id])[0]
