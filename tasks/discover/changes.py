"""Subtract what the lake has seen from what the storage lists. No object is opened, no clock is read.

Work is cut into batches of a fixed number of objects, in the order of the listing. A batch is named by what is in it,
so a run that was killed, and two runs side by side, cut the same batches and write the same files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from tasks.discover.listing import FoundObject
from tasks.lake.storage import LakeFolder

BATCH_OBJECTS: int = 256
"""Objects a batch: enough that a collection of one-page images fills a shard, few enough to begin rendering early."""


@dataclass(frozen=True, slots=True)
class SeenObject:
    """What the lake knows of an object: the latest row of `sources` about its uri."""

    size: int | None
    etag: str | None
    modified_at: datetime | None
    doc_id: str | None


@dataclass(frozen=True, slots=True)
class Changes:
    """The outcome of comparing a listing with the lake."""

    pending: list[FoundObject]
    unchanged: dict[str, str] = field(repr=False)
    """Uri to doc_id of the objects that need not be read."""
    known: frozenset[str] = field(repr=False)
    """Uris of pending objects that were seen before: they changed, or could not be read last time."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Objects that are read together and become one file of `documents` and one of `sources`."""

    name: str
    objects: tuple[FoundObject, ...]


def compare(
    listing: Sequence[FoundObject], seen: Mapping[str, SeenObject], again: frozenset[str] = frozenset()
) -> Changes:
    """Which objects must be read.

    An object is read when it is new, when its size, etag or modification time changed, when it could not be read the
    last time, or when its document is in `again`: those that failed in a way that may be cured now.
    """
    pending, unchanged = [], {}
    for found in listing:
        before = seen.get(found.uri)
        if before is None or before.doc_id is None or before.doc_id in again or _differs(found, before):
            pending.append(found)
        else:
            unchanged[found.uri] = before.doc_id
    return Changes(pending, unchanged, frozenset(f.uri for f in pending if f.uri in seen))


def cut_batches(pending: Sequence[FoundObject], attempt: str = "") -> Iterator[Batch]:
    """Cut pending objects into named batches. `attempt` tells batches of the same objects apart that try new things."""
    for start in range(0, len(pending), BATCH_OBJECTS):
        objects = tuple(pending[start : start + BATCH_OBJECTS])
        text = "\n".join(repr((o.uri, o.size, o.etag, str(o.modified_at))) for o in objects)
        yield Batch(sha256(f"{text}\n{attempt}".encode()).hexdigest()[:16], objects)


def read_seen(lake: LakeFolder) -> dict[str, SeenObject]:
    """The latest row of `sources` for every uri."""
    latest: dict[str, tuple[object, SeenObject]] = {}
    for name in lake.parquet_files("sources"):
        for row in lake.read_table(f"sources/{name}.parquet").to_pylist():
            seen_at, uri = row["seen_at"], row["uri"]
            if uri not in latest or latest[uri][0] <= seen_at:
                latest[uri] = (seen_at, SeenObject(row["size"], row["etag"], row["modified_at"], row["doc_id"]))
    return {uri: seen for uri, (_, seen) in latest.items()}


def failed_documents(lake: LakeFolder, kinds: Collection[str]) -> frozenset[str]:
    """Documents that are in the lake only as rows that say they failed in one of these ways."""
    ok: set[str] = set()
    failed: set[str] = set()
    for name in lake.parquet_files("documents"):
        table = lake.read_table(f"documents/{name}.parquet", ["doc_id", "status", "error_kind"])
        for row in table.to_pylist():
            if row["status"] == "ok":
                ok.add(row["doc_id"])
            elif row["error_kind"] in kinds:
                failed.add(row["doc_id"])
    return frozenset(failed - ok)


def _differs(found: FoundObject, before: SeenObject) -> bool:
    return (found.size, found.etag, found.modified_at) != (before.size, before.etag, before.modified_at)
