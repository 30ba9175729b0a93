"""A loop's thread ends, with everything on it, whatever state that is in."""

from __future__ import annotations

import asyncio
import gc
import threading
import warnings

import anyio
import pytest

from tasks.infer.engines.loop_thread import LoopThread, cancel_all


async def nothing() -> None:
    pass


def test_it_ends_also_when_the_farewell_raises():
    before = set(threading.enumerate())
    thread = LoopThread("test")

    async def raises() -> None:
        raise OSError("no way to part")

    with pytest.raises(OSError, match="no way to part"):
        thread.close(raises())
    assert set(threading.enumerate()) == before
    assert thread.loop.is_closed()


def test_what_is_begun_while_others_end_is_ended_too():
    thread = LoopThread("test")
    ended, begun, kept = threading.Event(), threading.Event(), set[asyncio.Task[None]]()

    async def late() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    async def begins_another() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            kept.add(asyncio.create_task(late()))

    thread.submit(begins_another())
    assert begun.wait(10)
    thread.close(nothing())
    assert ended.is_set()


def test_what_was_about_to_begin_is_not_dropped_with_a_warning():
    """As a connection that is being made: httpx makes it in a task of its own."""

    async def connects() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(anyio.sleep, 60)

    async def main() -> None:
        host = asyncio.create_task(connects())
        await asyncio.sleep(0)
        tasks = cancel_all()
        assert len(tasks) == 2
        await asyncio.wait(tasks)
        assert host.cancelled()

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        asyncio.run(main())
        gc.collect()
    assert [str(warning.message) for warning in seen] == []
