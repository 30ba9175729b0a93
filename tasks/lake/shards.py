"""Shards: which pages make one file of `pages`, and so one unit of work and of resumption.

Shards are cut from a batch's file of `documents`, in the order of its rows, every `SHARD_PAGES` pages. The cut depends
on nothing else: whoever cuts again, at any time, gets the same shards under the same names.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from tasks.lake.storage import LakeFolder

SHARD_PAGES: int = 128
"""Pages a shard: some 64 MB at 200 dpi, and at most as much work is lost when a process dies."""

ROW_GROUP_PAGES = 32
"""Pages a row group at most, what a reader must hold at once."""

ROW_GROUP_BYTES = 64 << 20
"""A row group ends earlier when its pictures are larger than this together."""


@dataclass(frozen=True, slots=True)
class Span:
    """Consecutive pages of one document, numbered from 1, both ends included."""

    doc_id: str
    media_type: str
    first_page: int
    last_page: int

    @property
    def pages(self) -> int:
        return self.last_page - self.first_page + 1


@dataclass(frozen=True, slots=True)
class Shard:
    """One unit of work: its name is the file's name in `pages`, `responses` and `elements`."""

    name: str
    spans: tuple[Span, ...]

    @property
    def pages(self) -> int:
        return sum(span.pages for span in self.spans)


def read_shards(lake: LakeFolder, batch: str, wanted: Collection[str] | None = None) -> list[Shard]:
    """The shards of one batch; only those that hold a document of `wanted`, if given."""
    columns = ["doc_id", "media_type", "page_count", "status"]
    rows = lake.read_table(f"documents/{batch}.parquet", columns).to_pylist()
    documents = (Span(r["doc_id"], r["media_type"], 1, r["page_count"]) for r in rows if r["status"] == "ok")
    shards = cut_shards(batch, documents)
    return [s for s in shards if wanted is None or any(span.doc_id in wanted for span in s.spans)]


def cut_shards(batch: str, documents: Iterable[Span]) -> Iterator[Shard]:
    """Cut whole documents into shards of exactly `SHARD_PAGES` pages, the last one aside."""
    index, spans, room = 0, [], SHARD_PAGES
    for document in documents:
        first = document.first_page
        while first <= document.last_page:
            last = min(document.last_page, first + room - 1)
            spans.append(Span(document.doc_id, document.media_type, first, last))
            room -= last - first + 1
            first = last + 1
            if room == 0:
                yield Shard(f"{batch}-{index:05d}", tuple(spans))
                index, spans, room = index + 1, [], SHARD_PAGES
    if spans:
        yield Shard(f"{batch}-{index:05d}", tuple(spans))
