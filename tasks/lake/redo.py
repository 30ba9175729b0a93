"""Which shards hold rows that failed in a way worth another try. Reads two small columns of a file."""

from __future__ import annotations

from collections.abc import Collection

from tasks.lake.storage import LakeFolder

NOT_RENDERED = "page_not_rendered"
"""An answer that failed because its page had. It is worth another try as soon as any page may have an image now."""


def has_failures(lake: LakeFolder, file: str, kinds: Collection[str]) -> bool:
    """Whether a file of `pages` or `responses` holds a row with one of these kinds and nothing whole to show for it."""
    rows = lake.read_table(file, ["status", "error_kind"]).to_pylist()
    return any(row["error_kind"] in kinds and row["status"] != "ok" for row in rows)
