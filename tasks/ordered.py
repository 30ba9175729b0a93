"""Answer a stream partly here and partly elsewhere, and keep its order: one small routing function."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Kept = TypeVar("Kept")
Request = TypeVar("Request")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Known(Generic[Result]):
    """The results of an item that need no asking."""

    results: Sequence[Result]


def in_order(
    items: Iterable[Item],
    keep: Callable[[Item], Kept],
    route: Callable[[Item], Known[Result] | Request],
    elsewhere: Callable[[Iterable[Request]], Iterator[Result]],
    count: Callable[[Item], int] = lambda _: 1,
) -> Iterator[tuple[Kept, Result]]:
    """What is kept of every item, with each of the item's results, in the order of `items`.

    Args:
        items: Taken only as fast as `elsewhere` takes its requests.
        keep: What to remember of an item until its results are there; items may be large.
        route: The item's results if they are known already, else what to ask elsewhere.
        elsewhere: Takes the requests and yields, in order, `count(item)` results for each.
        count: How many results `elsewhere` gives for an item.
    """
    waiting: deque[tuple[Kept, Known[Result] | None, int]] = deque()

    def requests() -> Iterator[Request]:
        for item in items:
            routed = route(item)
            known = routed if isinstance(routed, Known) else None
            waiting.append((keep(item), known, count(item)))
            if not isinstance(routed, Known):
                yield routed

    def known_first() -> Iterator[tuple[Kept, Result]]:
        while waiting and (known := waiting[0][1]) is not None:
            kept, _, _ = waiting.popleft()
            yield from ((kept, result) for result in known.results)

    left = 0
    for result in elsewhere(requests()):
        if left == 0:
            yield from known_first()
            left = waiting[0][2]
        yield waiting[0][0], result
        left -= 1
        if left == 0:
            waiting.popleft()
    yield from known_first()
