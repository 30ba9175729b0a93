"""A collection beside a lake: what must be read, what is known, and where each document lies.

The one place that holds a listing and the lake's `sources` at the same time; it grows while batches are read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from tasks.discover.changes import Batch, compare, cut_batches, documents_by_batch, locked_documents, read_seen
from tasks.discover.listing import list_collection
from tasks.lake.storage import LakeFolder


@dataclass(slots=True)
class Collection:
    """`batches` are the objects to be read; the other fields are what the stages need to know of the rest."""

    objects: int
    batches: tuple[Batch, ...]
    seen_before: frozenset[str]
    uris: dict[str, str]
    """Where each document of the collection lies, by doc_id: also the documents whose pages are wanted."""
    _documents: dict[str, set[str]] = field(repr=False)
    _locked: frozenset[str] = field(repr=False)

    @classmethod
    def compare(cls, lake: LakeFolder, sources: Sequence[str], *, limit: int | None, password: str | None) -> Self:
        """List `sources` and subtract what the lake has seen.

        Raises:
            UsageError: a source names nothing, or cannot be listed.
        """
        listing = list_collection(sources, lake_url=lake.url)[:limit]
        locked = locked_documents(lake) if password else frozenset()
        changes = compare(listing, read_seen(lake), locked)
        return cls(
            objects=len(listing),
            batches=tuple(cut_batches(changes.pending, password)),
            seen_before=changes.known,
            uris={doc_id: uri for uri, doc_id in reversed(changes.unchanged.items())},
            _documents=documents_by_batch(lake),
            _locked=locked,
        )

    @property
    def pending(self) -> int:
        """Objects that must be read."""
        return sum(len(batch.objects) for batch in self.batches)

    def known_documents(self, *, besides: Batch) -> set[str]:
        """Documents that other batches brought in. Those that only asked for a password are not known yet."""
        others = (ids for name, ids in self._documents.items() if name != besides.name)
        return set().union(*others) - self._locked

    def batch_was_read(self, batch: Batch, found: Mapping[str, str], brought_in: set[str]) -> None:
        """Take in what a batch turned out to hold: `found` is doc_id by uri."""
        self._documents[batch.name] = brought_in
        for uri, doc_id in found.items():
            self.uris.setdefault(doc_id, uri)

    def older_batches(self) -> list[str]:
        """Names of the batches that were in the lake before, and are not read again now."""
        now = {batch.name for batch in self.batches}
        return sorted(name for name in self._documents if name not in now)

    def sentence(self) -> str:
        """Such as "1,000 objects, 12 of them new or changed"."""
        if not self.pending:
            return f"{self.objects:,} objects, all of them known and unchanged"
        return f"{self.objects:,} objects, {self.pending:,} of them new or changed"
