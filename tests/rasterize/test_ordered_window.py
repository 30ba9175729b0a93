"""Results in order, errors at their place, no more waiting than allowed."""

from __future__ import annotations

import threading
import time

import pytest

from tasks.rasterize.ordered_window import OrderedWindow


def numbers_below(request, put):
    for number in range(request):
        put((request, number), 10)


def test_results_come_in_the_order_of_the_requests():
    def slow_first(request, put):
        time.sleep(0.1 if request == 1 else 0)
        put(request, 1)

    with OrderedWindow(slow_first, threads=3, max_ahead=10, max_bytes=100) as window:
        assert list(window.results((number, 1) for number in (1, 2, 3, 4))) == [1, 2, 3, 4]


def test_a_window_smaller_than_one_result_still_gets_on():
    with OrderedWindow(numbers_below, threads=2, max_ahead=1, max_bytes=1) as window:
        assert len(list(window.results((number, number) for number in (5, 0, 7, 3)))) == 15


def test_waiting_bytes_are_bounded():
    made, released = [], threading.Event()

    def first_is_late(request, put):
        if request == 0:
            released.wait(10)
            return
        for number in range(50):
            put(number, 10)
            made.append(number)

    with OrderedWindow(first_is_late, threads=2, max_ahead=10, max_bytes=100) as window:
        results = window.results((number, 1) for number in (0, 1))
        threading.Timer(0.3, released.set).start()
        assert next(results) == 0
        assert len(made) <= 12
        assert len(list(results)) == 49


def test_an_error_is_raised_where_its_results_would_come():
    def fails_at_two(request, put):
        put(request, 1)
        if request == 2:
            raise LookupError("two")

    with OrderedWindow(fails_at_two, threads=2, max_ahead=10, max_bytes=100) as window:
        results = window.results((number, 1) for number in (1, 2, 3))
        assert [next(results), next(results)] == [1, 2]
        with pytest.raises(LookupError, match="two"):
            next(results)


def test_threads_end_with_the_window():
    before = threading.active_count()
    with OrderedWindow(numbers_below, threads=4, max_ahead=100, max_bytes=20) as window:
        next(window.results((50, 1) for _ in range(20)))
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before
