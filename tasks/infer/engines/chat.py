"""The engine of endpoints: servers that somebody runs, spoken to as OpenAI's chat completions, or in another dialect.

What a model wants is in a `ChatRecipe`; pages are fed in `loop_engine`, become requests in `whole_pages`, are asked in
`chat_asker`; how a request is sent is in `endpoint`, what is sent again in `retry`, how much is on its way in `window`.
Here the parts are put together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from pydantic import SecretStr

from tasks.errors import UsageError
from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.chat_asker import PageAsker
from tasks.infer.engines.chat_body import RESIZER
from tasks.infer.engines.chat_recipe import ChatRecipe
from tasks.infer.engines.contract import Delta
from tasks.infer.engines.dialect import CHAT, Dialect
from tasks.infer.engines.endpoint import Endpoint, Timeouts, api_url
from tasks.infer.engines.gate import Gate, ServerWatch
from tasks.infer.engines.image_workers import ImageWorkers
from tasks.infer.engines.loop_engine import ChatLimits, LoopEngine
from tasks.infer.engines.retry import EngineHealth
from tasks.infer.engines.whole_pages import LastResort, WholePages


class ChatEngine(LoopEngine):
    """Endpoints of one served model. See `contract.Engine` for what is promised.

    Args:
        endpoints: Bases of APIs, such as "http://127.0.0.1:8000/v1"; each request goes to the least busy.
        model: The name under which the endpoints serve the model.
        recipe: How the model is asked.
        workers: Processes that resize images; none is started for a recipe that takes them as they are stored.
        last_resort: Reads the pages that the model could not; the engine closes it.
        on_delta: Called on the engine's thread with every piece of text while it is written; must be quick.

    Raises:
        UsageError: an endpoint's address cannot be used.
    """

    def __init__(
        self,
        endpoints: Sequence[str],
        *,
        model: str,
        recipe: ChatRecipe,
        workers: int,
        api_key: SecretStr | None = None,
        limits: ChatLimits | None = None,
        random: Random | None = None,
        dialect: Dialect = CHAT,
        watch: ServerWatch | None = None,
        last_resort: LastResort | None = None,
        on_delta: Callable[[Delta], None] | None = None,
    ) -> None:
        limits, busy = limits or ChatLimits(), BusyMeter()
        asker = page_asker(
            endpoints,
            model=model,
            api_key=api_key,
            limits=limits,
            random=random,
            dialect=dialect,
            watch=watch,
            on_delta=on_delta,
            busy=busy,
        )
        resizers = ImageWorkers(RESIZER, workers, limits.resize_timeout_s)
        super().__init__(WholePages(recipe, asker, resizers, last_resort), limits, busy)


def page_asker(
    endpoints: Sequence[str],
    *,
    model: str,
    api_key: SecretStr | None,
    limits: ChatLimits,
    busy: BusyMeter,
    random: Random | None = None,
    dialect: Dialect = CHAT,
    watch: ServerWatch | None = None,
    on_delta: Callable[[Delta], None] | None = None,
) -> PageAsker:
    """What asks these endpoints; the arguments are those of `ChatEngine`.

    Raises:
        UsageError: an endpoint's address cannot be used.
    """
    if not endpoints:
        raise UsageError("The chat engine needs an endpoint, such as --endpoint http://127.0.0.1:8000/v1.")
    timeouts = Timeouts(limits.request_timeout_s, limits.connect_timeout_s)
    servers = [
        Endpoint(api_url(base, dialect.path), dialect.path, api_key, timeouts, limits.requests) for base in endpoints
    ]
    names = tuple(server.name for server in servers)
    return PageAsker(
        model,
        dialect=dialect,
        endpoints=servers,
        largest_window=limits.requests,
        health=EngineHealth(
            names, seconds=limits.gone_after_s, failures=limits.gone_after_failures, watched=watch is not None
        ),
        gate=Gate(watch),
        busy=busy,
        random=random or Random(),  # noqa: S311 - spreads retries
        on_delta=on_delta,
    )
