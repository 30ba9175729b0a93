"""How a plain function becomes a Prefect task here: never cached, and our own errors end it without a traceback.

The lake knows what is done, so Prefect need not remember results; its cache would only hash arguments for nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import TypeVar, cast

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Failed

from tasks.errors import PagelakeError

R = TypeVar("R")


def stage_task(name: str) -> Callable[[Callable[..., R]], Task[..., R]]:
    """Decorate a function whose first parameter, `unit`, has a `name`: task runs are called "<name> <unit name>"."""

    def decorate(function: Callable[..., R]) -> Task[..., R]:
        @wraps(function)
        def run(*args: object, **kwargs: object) -> R:
            try:
                return function(*args, **kwargs)
            except PagelakeError as error:
                return cast("R", Failed(message=str(error), data=error))  # Prefect takes a state for a result

        return task(name=name, task_run_name=f"{name} {{unit.name}}", cache_policy=NO_CACHE, persist_result=False)(run)

    return decorate
