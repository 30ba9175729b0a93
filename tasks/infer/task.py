"""The Prefect task of this stage: one run of it asks a model about one shard."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, datetime

from tasks.infer.engines.contract import Engine
from tasks.infer.infer import infer_shard
from tasks.infer.profile import Profile
from tasks.lake.runs import UnitOfWork
from tasks.lake.shards import Shard
from tasks.lake.storage import LakeFolder
from tasks.stage_task import stage_task


@stage_task("infer")
def infer(
    unit: Shard,
    *,
    lake: LakeFolder,
    profile: Profile,
    engine: Engine,
    render_id: str,
    run_id: str,
    again: Collection[str],
    on_page: Callable[[], None],
) -> UnitOfWork:
    """Answer every page of a rendered shard and write its file of `responses`."""
    started, now = time.monotonic(), datetime.now(UTC)
    done = infer_shard(
        lake,
        unit.name,
        profile=profile,
        engine=engine,
        render_id=render_id,
        run_id=run_id,
        again=again,
        on_page=on_page,
    )
    return UnitOfWork(
        run_id,
        "infer",
        unit.name,
        now,
        time.monotonic() - started,
        done.pages,
        done.tokens,
        done.busy_fraction,
        engine.peak_memory_bytes,
    )
