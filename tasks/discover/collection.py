"""A collection beside a lake: what must be read, what is known, and where each document lies.

The one place that holds a listing and the lake's `sources` at the same time; it grows while batches are read.
"""

from __future__ import annotations

from collections.abc import Collection as Items
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from tasks.discover.changes import Batch, SeenObject, compare, cut_batches, failed_documents, read_seen
from tasks.discover.listing import FoundObject, list_collection
from tasks.errors import PASSWORD_KINDS
from tasks.lake.storage import LakeFolder


@dataclass(slots=True)
class Collection:
    """`batches` are the objects to be read, `wanted` the documents whose pages are to be done."""

    objects: int
    batches: tuple[Batch, ...]
    seen_before: frozenset[str]
    wanted: set[str]
    _uris: dict[str, str] = field(repr=False)
    _again: frozenset[str] = field(repr=False)
    _documents: dict[str, set[str]] = field(repr=False, default_factory=dict)
    _known: set[str] = field(repr=False, default_factory=set)

    @classmethod
    def compare(cls, lake: LakeFolder, sources: Sequence[str], *, limit: int | None, password: str | None) -> Self:
        """List `sources` and subtract what the lake has seen.

        Raises:
            UsageError: a source names nothing, or cannot be listed.
        """
        listing = list_collection(sources, lake_url=lake.url)[:limit]
        again = failed_documents(lake, PASSWORD_KINDS) if password else frozenset()
        return cls._beside(read_seen(lake), listing, again, "with password" if password else "")

    @classmethod
    def of_failures(cls, lake: LakeFolder, kinds: Items[str], *, attempt: str) -> Self:
        """All that the lake has seen, with the documents to be read again that failed in one of these ways."""
        seen = read_seen(lake)
        listing = [FoundObject(uri, known.size, known.etag, known.modified_at) for uri, known in sorted(seen.items())]
        return cls._beside(seen, listing, failed_documents(lake, kinds), attempt)

    @classmethod
    def _beside(
        cls, seen: Mapping[str, SeenObject], listing: Sequence[FoundObject], again: frozenset[str], attempt: str
    ) -> Self:
        changes = compare(listing, seen, again)
        everywhere = {known.doc_id: uri for uri, known in seen.items() if known.doc_id is not None}
        return cls(
            objects=len(listing),
            batches=tuple(cut_batches(changes.pending, attempt)),
            seen_before=changes.known,
            wanted=set(changes.unchanged.values()),
            # A shard may hold documents of other collections too: they are rendered with it.
            _uris=everywhere | {doc_id: uri for uri, doc_id in changes.unchanged.items()},
            _again=again,
        )

    @property
    def pending(self) -> int:
        """Objects that must be read."""
        return sum(len(batch.objects) for batch in self.batches)

    def uris(self, doc_ids: Items[str]) -> dict[str, str]:
        """Where these documents lie, as far as the lake knows."""
        return {doc_id: self._uris[doc_id] for doc_id in doc_ids if doc_id in self._uris}

    def known_documents(self, lake: LakeFolder, *, besides: Batch) -> frozenset[str]:
        """Documents that other batches brought in, up to this moment: another run may be adding to the lake.

        Those that are tried again are not known yet.
        """
        for name in lake.parquet_files("documents"):
            if name not in self._documents:
                doc_ids = lake.read_table(f"documents/{name}.parquet", ["doc_id"])["doc_id"].to_pylist()
                self._take_in(name, set(doc_ids))
        return frozenset(self._known - self._documents.get(besides.name, set()) - self._again)

    def batch_was_read(self, batch: Batch, found: Mapping[str, str], brought_in: set[str]) -> None:
        """Take in what a batch turned out to hold: `found` is doc_id by uri."""
        self._take_in(batch.name, brought_in)
        for uri, doc_id in found.items():
            self._uris[doc_id] = uri
            self.wanted.add(doc_id)

    def _take_in(self, batch: str, doc_ids: set[str]) -> None:
        self._documents[batch] = doc_ids
        self._known |= doc_ids

    def older_batches(self, lake: LakeFolder) -> list[str]:
        """Names of the batches that are in the lake beside those that this run has read."""
        now = {batch.name for batch in self.batches}
        return [name for name in lake.parquet_files("documents") if name not in now]

    def sentence(self) -> str:
        """Such as "1,000 objects, 12 of them new or changed"."""
        if not self.objects:
            return "0 objects found"
        if not self.pending:
            return f"{self.objects:,} objects, all of them known and unchanged"
        return f"{self.objects:,} objects, {self.pending:,} of them new or changed"
