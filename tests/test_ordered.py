"""The router that answers some items here and sends the others elsewhere keeps their order."""

from collections.abc import Iterable, Iterator

from hypothesis import given
from hypothesis import strategies as st

from tasks.ordered import Known, in_order


@given(st.lists(st.tuples(st.booleans(), st.integers(1, 3)), max_size=12), st.integers(1, 4))
def test_results_come_in_the_order_of_the_items_however_far_the_other_side_reads_ahead(items, window):
    def elsewhere(others: Iterable[tuple[bool, int]]) -> Iterator[str]:
        ahead: list[tuple[bool, int]] = []
        for other in others:
            ahead.append(other)
            if len(ahead) == window:
                yield from answers(ahead.pop(0))
        for other in ahead:
            yield from answers(other)

    def answers(item: tuple[bool, int]) -> list[str]:
        return ["there"] * item[1]

    given_items = list(items)
    results = list(
        in_order(
            given_items,
            keep=lambda item: item,
            route=lambda item: Known(["here"] * item[1]) if item[0] else item,
            elsewhere=elsewhere,
            count=lambda item: item[1],
        )
    )
    expected = [(item, "here" if item[0] else "there") for item in given_items for _ in range(item[1])]
    assert results == expected
