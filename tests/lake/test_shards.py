"""Shards depend on the documents' order and sizes alone, and no page is left out or taken twice."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.lake.shards import SHARD_PAGES, Span, cut_shards

documents = st.lists(st.integers(1, 3 * SHARD_PAGES), max_size=20)


def spans(page_counts: list[int]) -> list[Span]:
    return [Span(f"doc{n}", "application/pdf", 1, count) for n, count in enumerate(page_counts)]


@given(documents)
def test_every_page_is_in_exactly_one_shard_in_order(page_counts):
    shards = list(cut_shards("b", spans(page_counts)))
    cut = [(s.doc_id, n) for shard in shards for s in shard.spans for n in range(s.first_page, s.last_page + 1)]
    assert cut == [(f"doc{n}", page) for n, count in enumerate(page_counts) for page in range(1, count + 1)]


@given(documents)
def test_all_shards_are_full_but_the_last(page_counts):
    sizes = [shard.pages for shard in cut_shards("b", spans(page_counts))]
    assert all(size == SHARD_PAGES for size in sizes[:-1])
    assert all(0 < size <= SHARD_PAGES for size in sizes)


@given(documents, st.integers(0, 20))
def test_more_documents_at_the_end_leave_full_shards_as_they_were(page_counts, more):
    before = list(cut_shards("b", spans(page_counts)))
    after = list(cut_shards("b", spans(page_counts + [7] * more)))
    assert after[: max(len(before) - 1, 0)] == before[:-1]
