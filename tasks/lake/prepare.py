"""Make sure that there is a lake: its tables' empty files, its catalog, and no leftovers of killed processes."""

from __future__ import annotations

from tasks.lake.catalog import check_is_there, write_catalog, write_schema_files
from tasks.lake.storage import LakeFolder


def prepare_lake(url: str, *, must_exist: bool = False) -> LakeFolder:
    """Open the lake at `url`, making it if there is none, unless it `must_exist`.

    Raises:
        UsageError: `url` cannot be opened.
        LakeError: the lake cannot be written, or is not there.
    """
    lake = LakeFolder.open(url)
    if must_exist:
        check_is_there(lake)
    lake.sweep_unfinished()
    write_schema_files(lake)
    write_catalog(lake)
    return lake
