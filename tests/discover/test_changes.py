"""What must be read follows from the listing and the lake alone, and batches do not depend on how far a run came."""

from dataclasses import replace
from datetime import UTC, datetime
from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from tasks.discover import changes
from tasks.discover.changes import SeenObject, compare, cut_batches
from tasks.discover.listing import FoundObject

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def found(n: int, **other) -> FoundObject:
    return replace(FoundObject(f"file:///{n:05}", n, None, DAY), **other)


def seen(n: int, doc_id: str | None = "d") -> SeenObject:
    return SeenObject(n, None, DAY, doc_id)


def test_new_changed_and_unread_objects_are_pending_and_others_are_not():
    listing = [found(1), found(2), found(3, size=99), found(4, modified_at=None), found(5, etag="x"), found(6)]
    known = {found(n).uri: seen(n) for n in (2, 3, 4, 5)} | {found(6).uri: seen(6, doc_id=None)}
    outcome = compare(listing, known)
    assert [f.uri for f in outcome.pending] == [f"file:///0000{n}" for n in (1, 3, 4, 5, 6)]
    assert outcome.unchanged == {"file:///00002": "d"}
    assert outcome.known == {f"file:///0000{n}" for n in (3, 4, 5, 6)}


def test_documents_that_asked_for_a_password_are_pending_when_one_is_given():
    listing, known = [found(1)], {found(1).uri: seen(1, "locked")}
    assert not compare(listing, known).pending
    assert compare(listing, known, frozenset({"locked"})).pending == listing


@given(st.integers(0, 40), st.sets(st.integers(0, 12)))
def test_a_run_that_was_killed_cuts_the_batches_that_an_undisturbed_one_cuts(objects, done):
    with mock.patch.object(changes, "BATCH_OBJECTS", 4):
        listing = [found(n) for n in range(objects)]
        whole = list(cut_batches(listing))
        finished = [batch for n, batch in enumerate(whole) if n in done and len(batch.objects) == 4]
        known = {f.uri: seen(f.size or 0) for batch in finished for f in batch.objects}
        again = list(cut_batches(compare(listing, known).pending))
    assert again == [batch for batch in whole if batch not in finished]
