"""Read a batch of new objects: hash each, look into it, and write its rows of `documents` and `sources`.

`documents` is also the plan of the work to come: shards are cut from its rows in their order (`tasks.lake.shards`), so
a batch's file holds exactly the contents that no other batch brought in. The `sources` file is written last and makes
the batch count as seen. What looks into a document is passed in: it belongs to the stage that renders.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from tasks.discover.changes import Batch
from tasks.discover.listing import FoundObject
from tasks.errors import DocumentError
from tasks.lake.schemas import DOCUMENTS, SOURCES
from tasks.lake.storage import LakeFolder
from tasks.objects import local_copy


class DocumentFacts(Protocol):
    """What a look into a document tells."""

    @property
    def media_type(self) -> str: ...
    @property
    def page_count(self) -> int: ...
    @property
    def title(self) -> str | None: ...
    @property
    def author(self) -> str | None: ...


Inspect = Callable[[Path], DocumentFacts]
"""Looks into a local file; raises DocumentError when it is not a readable document."""


@dataclass(frozen=True, slots=True)
class ReadObject:
    """One object after it was read: what `documents` and `sources` say of it. Without doc_id it could not be read."""

    found: FoundObject
    doc_id: str | None
    size: int | None = None
    facts: DocumentFacts | None = None
    error: DocumentError | None = None


def read_batch(batch: Batch, inspect: Inspect, *, known: Collection[str], threads: int) -> list[ReadObject]:
    """Read every object of a batch, `threads` at a time, in the batch's order.

    Contents in `known` are hashed but not looked into again.
    """

    def read(found: FoundObject) -> ReadObject:
        return _read_object(found, inspect, known)

    with ThreadPoolExecutor(threads, thread_name_prefix="discover") as executor:
        return list(executor.map(read, batch.objects))


def _read_object(found: FoundObject, inspect: Inspect, known: Collection[str]) -> ReadObject:
    try:
        with local_copy(found.uri) as copy:
            if copy.doc_id in known:
                return ReadObject(found, copy.doc_id, copy.size)
            try:
                return ReadObject(found, copy.doc_id, copy.size, inspect(copy.path))
            except DocumentError as error:
                return ReadObject(found, copy.doc_id, copy.size, error=error)
    except DocumentError as error:
        return ReadObject(found, None, error=error)


def write_batch(
    lake: LakeFolder,
    batch: Batch,
    read: list[ReadObject],
    *,
    known: Collection[str],
    seen_before: frozenset[str],
    seen_at: datetime,
    run_id: str,
) -> set[str]:
    """Write the batch's rows and answer the ids of the documents it brought in."""
    new = {r.doc_id: r for r in reversed(read) if r.doc_id is not None and r.doc_id not in known}
    in_order = [r for r in read if r.doc_id is not None and new.get(r.doc_id) is r]
    documents = [_document_row(r) for r in in_order]
    sources = [_source_row(r, "changed" if r.found.uri in seen_before else "added", seen_at, run_id) for r in read]
    lake.write_table(f"documents/{batch.name}.parquet", pa.Table.from_pylist(documents, DOCUMENTS))
    lake.write_table(f"sources/{batch.name}.parquet", pa.Table.from_pylist(sources, SOURCES))
    return set(new)


def _document_row(read: ReadObject) -> dict[str, object]:
    facts, error = read.facts, read.error
    return {
        "doc_id": read.doc_id,
        "media_type": facts.media_type if facts else None,
        "bytes": read.size,
        "page_count": facts.page_count if facts else None,
        "title": facts.title if facts else None,
        "author": facts.author if facts else None,
        "status": "failed" if error else "ok",
        "error_kind": error.kind if error else None,
        "error": str(error) if error else None,
    }


def _source_row(read: ReadObject, event: str, seen_at: datetime, run_id: str) -> dict[str, object]:
    unread = read.error if read.doc_id is None else None
    return {
        "uri": read.found.uri,
        "seen_at": seen_at,
        "event": event,
        "size": read.found.size,
        "etag": read.found.etag,
        "modified_at": read.found.modified_at,
        "doc_id": read.doc_id,
        "run_id": run_id,
        "error_kind": unread.kind if unread else None,
        "error": str(unread) if unread else None,
    }
