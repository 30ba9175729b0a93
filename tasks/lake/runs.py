"""The `runs` table: what each unit of work took. Written when the unit is done; a lost row loses no data."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import pyarrow as pa

from tasks.lake.schemas import RUNS
from tasks.lake.storage import LakeFolder


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """One stage on one shard (for `discover`: on one batch)."""

    run_id: str
    stage: str
    shard: str
    started_at: datetime
    seconds: float
    pages: int
    tokens: int | None = None
    busy_fraction: float | None = None
    peak_memory: int | None = None


def record_units(lake: LakeFolder, name: str, units: Sequence[UnitOfWork]) -> None:
    """Write the units as the file `name` of the table."""
    rows = [asdict(unit) | {"host": socket.gethostname()} for unit in units]
    lake.write_table(f"runs/{name}.parquet", pa.Table.from_pylist(rows, RUNS))
