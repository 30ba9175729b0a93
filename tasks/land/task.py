"""The Prefect task of this stage: one run of it lands one shard, and records what the shard's stages took."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from tasks.lake.runs import UnitOfWork, record_units
from tasks.lake.shards import Shard
from tasks.lake.storage import LakeFolder
from tasks.land.land import ReadPageAnswer, land_shard
from tasks.stage_task import stage_task


@stage_task("land")
def land(
    unit: Shard,
    earlier: Sequence[UnitOfWork],
    *,
    lake: LakeFolder,
    model: str,
    config: str,
    render_id: str,
    read_answer: ReadPageAnswer,
    run_id: str,
) -> Counter[str]:
    """Write the shard's elements; answers how many there are of each category."""
    started, now = time.monotonic(), datetime.now(UTC)
    found = land_shard(lake, unit.name, model=model, config=config, render_id=render_id, read_answer=read_answer)
    took = UnitOfWork(run_id, "land", unit.name, now, time.monotonic() - started, unit.pages)
    record_units(lake, f"{run_id}-{unit.name}", [*earlier, took])
    return found
