"""Answer a stream partly here and partly elsewhere, and keep its order: one small routing function."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")
Request = TypeVar("Request")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Known(Generic[Result]):
    """The results of an item that need no asking."""

    results: Sequence[Result]


def in_order(
    items: Iterable[Item],
    route: Callable[[Item], Known[Result] | Request],
    elsewhere: Callable[[Iterable[Request]], Iterator[Result]],
    count: Callable[[Item], int] = lambda _: 1,
) -> Iterator[tuple[Item, Result]]:
    """Every item with each of its results, in the order of `items`.

    Args:
        items: Taken only as fast as `elsewhere` takes its requests.
        route: The item's results if they are known already, else what to ask elsewhere.
        elsewhere: Takes the requests and yields, in order, `count(item)` results for each.
        count: How many results `elsewhere` gives for an item.
    """
    waiting: deque[tuple[Item, Known[Result] | None]] = deque()

    def requests() -> Iterator[Request]:
        for item in items:
            routed = route(item)
            if isinstance(routed, Known):
                waiting.append((item, routed))
            else:
                waiting.append((item, None))
                yield routed

    def known_first() -> Iterator[tuple[Item, Result]]:
        while waiting and (known := waiting[0][1]) is not None:
            item, _ = waiting.popleft()
            yield from ((item, result) for result in known.results)

    left = 0
    for result in elsewhere(requests()):
        if left == 0:
            yield from known_first()
            left = count(waiting[0][0])
        yield waiting[0][0], result
        left -= 1
        if left == 0:
            waiting.popleft()
    yield from known_first()
