"""Answer a stream partly here and partly elsewhere, and keep its order: one small routing function."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    items: Iterable[Item],
    *,
    here: Callable[[Item], Iterable[Result] | None],
    elsewhere: Callable[[Iterable[Item]], Iterator[Result]],
    count: Callable[[Item], int] = lambda _: 1,
) -> Iterator[tuple[Item, Result]]:
    """Every item with each of its results, in the order of `items`.

    Args:
        items: Taken only as fast as `elsewhere` takes them.
        here: The item's results if they are known already, else None.
        elsewhere: Takes the other items and yields, in order, `count(item)` results for each.
        count: How many results `elsewhere` gives for an item.
    """
    waiting: deque[tuple[Item, Iterable[Result] | None]] = deque()

    def others() -> Iterator[Item]:
        for item in items:
            known = here(item)
            waiting.append((item, known))
            if known is None:
                yield item

    def known_first() -> Iterator[tuple[Item, Result]]:
        while waiting and waiting[0][1] is not None:
            item, known = waiting.popleft()
            yield from ((item, result) for result in known or ())

    left = 0
    for result in elsewhere(others()):
        if left == 0:
            yield from known_first()
            left = count(waiting[0][0])
        yield waiting[0][0], result
        left -= 1
        if left == 0:
            waiting.popleft()
    yield from known_first()
