"""Find the engine that a profile asks for, and tell it what the user said. The one place that knows both halves."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr

from tasks.errors import UsageError
from tasks.infer.engines.chat import ChatEngine, ChatLimits
from tasks.infer.engines.contract import Engine
from tasks.infer.engines.cpu import CpuEngine
from tasks.infer.models import fallback_of, find_profile
from tasks.infer.models.chat_profile import ChatProfile
from tasks.infer.models.recipe import ProfileRecipe
from tasks.infer.profile import Profile

API_KEY_VARIABLE = "PAGELAKE_API_KEY"
"""Where the key of chat endpoints is taken from. It is sent to them, and stored and logged nowhere."""


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """What a user may say about an engine.

    `workers` are processes, for an engine that needs some; `endpoints` bases of chat APIs, such as
    "http://127.0.0.1:8000/v1"; `served_name` the name under which they serve the model, when it is not the profile's.
    """

    workers: int
    page_timeout_s: float = 60.0
    endpoints: Sequence[str] = ()
    served_name: str | None = None
    answer_timeout_s: float = 600.0


def check_engine(model: str, endpoints: Sequence[str]) -> None:
    """Tell at once, before anything is made or started, that a model and its endpoints do not fit.

    Raises:
        UsageError: no such model, no endpoint for one that needs one, or one for a model that has no use for it.
    """
    profile = find_profile(model)
    if not isinstance(profile, ChatProfile) and endpoints:
        raise UsageError(f"{model} runs on this machine's CPU and takes no --endpoint.")
    if isinstance(profile, ChatProfile) and not endpoints:
        raise UsageError(f"{model} needs a server: give --endpoint, such as http://127.0.0.1:8000/v1.")


def open_engine(profile: Profile, options: EngineOptions) -> Engine:
    """The engine that runs `profile`; it starts nothing before the first page comes.

    Raises:
        UsageError: as `check_engine`, or an endpoint's address cannot be used.
    """
    check_engine(profile.name, options.endpoints)
    if not isinstance(profile, ChatProfile):
        return CpuEngine(options.workers, page_timeout_s=options.page_timeout_s)
    key = os.environ.get(API_KEY_VARIABLE)
    return ChatEngine(
        options.endpoints,
        model=options.served_name or profile.served_name or profile.name,
        recipe=ProfileRecipe(profile, fallback_of(profile)),
        workers=options.workers,
        api_key=SecretStr(key) if key else None,
        limits=ChatLimits(request_timeout_s=options.answer_timeout_s),
    )
