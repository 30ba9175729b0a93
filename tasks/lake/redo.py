"""What there is to do again: renders, and shards with rows that failed in a way worth another try."""

from __future__ import annotations

from collections.abc import Collection

from tasks.lake.storage import LakeFolder
from tasks.lake.tables import NO_PARTITION, RENDER

NOT_RENDERED = "page_not_rendered"
"""An answer that failed because its page had. It is worth another try as soon as any page may have an image now."""


def renders(lake: LakeFolder) -> list[str]:
    """The renders that the lake holds pages of."""
    names = [name.removeprefix(RENDER) for name in lake.subfolders("pages") if name.startswith(RENDER)]
    return [name for name in names if name != NO_PARTITION]


def has_failures(lake: LakeFolder, file: str, kinds: Collection[str]) -> bool:
    """Whether a file of `pages` or `responses` holds a row with one of these kinds and nothing whole to show for it.
    Reads two small columns."""
    rows = lake.read_table(file, ["status", "error_kind"]).to_pylist()
    return any(row["error_kind"] in kinds and row["status"] != "ok" for row in rows)
