"""Find the engine that a profile asks for, and tell it what the user said. The one place that knows both halves."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import SecretStr

from tasks.errors import UsageError
from tasks.infer.engine_options import EngineName, EngineOptions
from tasks.infer.engines.chat import ChatEngine
from tasks.infer.engines.contract import Delta, Engine
from tasks.infer.engines.cpu import CpuEngine
from tasks.infer.engines.dialect import CHAT, GOT
from tasks.infer.engines.endpoint import api_key_from_environment
from tasks.infer.engines.loop_engine import ChatLimits
from tasks.infer.last_resort import CpuLastResort
from tasks.infer.models import fallback_of, find_profile
from tasks.infer.models.chat_profile import ChatProfile
from tasks.infer.models.cut_out_profile import CutOutProfile
from tasks.infer.models.recipe import ProfileRecipe
from tasks.infer.open_cut_outs import open_cut_outs
from tasks.infer.profile import Profile

API_KEY_VARIABLE = "PAGELAKE_API_KEY"
"""Where the key of endpoints is taken from. It is sent to them, and stored and logged nowhere."""


def check_engine(model: str, options: EngineOptions) -> None:
    """Tell at once, before anything is made or started, that a model and what was said of its engine do not fit.

    Raises:
        UsageError: no such model, an engine that cannot run it, no endpoint where one is needed, or one too many.
    """
    engine_of(find_profile(model, options.query), options)


def engine_of(profile: Profile, options: EngineOptions) -> EngineName:
    """The engine that shall run `profile`.

    Raises:
        UsageError: as `check_engine`.
    """
    if not isinstance(profile, ChatProfile):
        if options.endpoint or options.engine not in (None, "cpu"):
            raise UsageError(f"{profile.name} runs on this machine's CPU and takes no --endpoint or other --engine.")
        return "cpu"
    name = options.engine or profile.engine
    if name != profile.engine:
        raise UsageError(f"{profile.name} is asked by --engine {profile.engine}, not by {name}.")
    if not options.endpoint:
        raise UsageError(f"{profile.name} needs a server: give --endpoint, such as http://127.0.0.1:8000/v1.")
    return name


def open_engine(
    profile: Profile,
    options: EngineOptions,
    *,
    workers: int,
    page_timeout_s: float = 60.0,
    api_key: SecretStr | None = None,
    on_delta: Callable[[Delta], None] | None = None,
) -> Engine:
    """The engine that runs `profile`; it starts nothing before the first page comes.

    Args:
        workers: Processes, for an engine that needs some.
        page_timeout_s: For an answer of this machine's CPU.
        api_key: For endpoints; by default what `PAGELAKE_API_KEY` holds.
        on_delta: Called with every piece of text while it is written, where the engine streams.

    Raises:
        UsageError: as `check_engine`, or an endpoint's address cannot be used.
    """
    name = engine_of(profile, options)
    if name == "cpu":
        return CpuEngine(workers, page_timeout_s=page_timeout_s)
    assert isinstance(profile, ChatProfile)
    served_name = options.served_name or profile.served_name or profile.name
    key = api_key or api_key_from_environment(API_KEY_VARIABLE)
    limits = ChatLimits(request_timeout_s=options.answer_timeout_s)
    if isinstance(profile, CutOutProfile):
        return open_cut_outs(
            profile,
            options.endpoint,
            served_name=served_name,
            workers=workers,
            page_timeout_s=page_timeout_s,
            api_key=key,
            limits=limits,
        )
    return ChatEngine(
        options.endpoint,
        model=served_name,
        recipe=ProfileRecipe(profile, fallback_of(profile)),
        workers=workers,
        api_key=key,
        limits=limits,
        dialect=GOT if name == "got" else CHAT,
        last_resort=CpuLastResort(workers, page_timeout_s) if profile.last_resort else None,
        on_delta=on_delta,
    )
