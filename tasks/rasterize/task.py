"""The Prefect task of this stage: one run of it renders one shard."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tasks.isolate import WorkerPool
from tasks.lake.runs import UnitOfWork
from tasks.lake.shards import Shard
from tasks.lake.storage import LakeFolder
from tasks.rasterize.rasterize import RenderSettings
from tasks.rasterize.shard import rasterize_shard
from tasks.stage_task import stage_task


@stage_task("rasterize")
def rasterize(
    unit: Shard,
    *,
    lake: LakeFolder,
    uris: Mapping[str, str],
    pool: WorkerPool,
    settings: RenderSettings,
    password: str | None,
    again: bool,
    run_id: str,
    on_page: Callable[[], None],
) -> UnitOfWork:
    """Render every page of a shard and write its file of `pages`."""
    started, now = time.monotonic(), datetime.now(UTC)
    rasterize_shard(
        lake, unit, uris=uris, pool=pool, settings=settings, password=password, again=again, on_page=on_page
    )
    return UnitOfWork(
        run_id, "rasterize", unit.name, now, time.monotonic() - started, unit.pages, peak_memory=pool.peak_memory_bytes
    )
