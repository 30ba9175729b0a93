"""Find the engine that a profile asks for, and tell it what the user said. The one place that knows both halves."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from pydantic import SecretStr

from tasks.errors import UsageError
from tasks.infer.engine_options import EngineName, EngineOptions
from tasks.infer.engines.chat import ChatEngine
from tasks.infer.engines.contract import Delta, Engine
from tasks.infer.engines.cpu import CpuEngine
from tasks.infer.engines.dialect import CHAT, GOT
from tasks.infer.engines.endpoint import api_url, usable_key
from tasks.infer.engines.gate import ServerWatch
from tasks.infer.engines.loop_engine import ChatLimits
from tasks.infer.engines.vllm import VllmEngine
from tasks.infer.engines.vllm_command import VllmLaunch, find_vllm, server_command
from tasks.infer.engines.vllm_environment import server_environment
from tasks.infer.last_resort import CpuLastResort
from tasks.infer.models import fallback_of, find_profile
from tasks.infer.models.chat_profile import ChatProfile
from tasks.infer.models.cut_out_profile import CutOutProfile
from tasks.infer.models.recipe import ProfileRecipe
from tasks.infer.models.vllm_needs import unmet_need
from tasks.infer.open_cut_outs import open_cut_outs
from tasks.infer.profile import Profile

DIALECTS = {"chat": CHAT, "got": GOT}

API_KEY_VARIABLE = "PAGELAKE_API_KEY"
"""Where the key of endpoints is taken from. It is sent to them, and stored and logged nowhere."""


def check_engine(model: str, options: EngineOptions) -> None:
    """Tell at once, before anything is made or started, that a model and what was said of its engine do not fit.

    Raises:
        UsageError: no such model, an engine that cannot run it, no endpoint where one is needed, or one too many, no
            vLLM to start.
    """
    engine_of(profile_for(model, options), options)


def profile_for(model: str, options: EngineOptions) -> Profile:
    """The profile with all that the user said of it.

    Raises:
        UsageError: as `models.find_profile`.
    """
    return find_profile(
        model, query=options.query, region=options.region, weights=options.model_path, vllm_args=options.vllm_arg
    )


def engine_of(profile: Profile, options: EngineOptions) -> EngineName:
    """The engine that shall run `profile`.

    Raises:
        UsageError: as `check_engine`.
    """
    if not isinstance(profile, ChatProfile):
        given = [*options.given_to_endpoints(), *options.given_to_vllm()]
        if options.engine not in (None, "cpu"):
            given.append("--engine")
        if given:
            raise UsageError(f"{profile.name} runs on this machine's CPU and takes no {', '.join(given)}.")
        return "cpu"
    name = options.engine or ("vllm" if options.model_path else profile.engine)
    if name == "vllm":
        _check_own_server(profile, options)
        return name
    if name != profile.engine:
        raise UsageError(f"{profile.name} is asked by --engine {profile.engine}, not by {name}.")
    if options.given_to_vllm():
        raise UsageError(f"{', '.join(options.given_to_vllm())}: for --engine vllm only, which starts a server itself.")
    if not options.endpoint:
        itself = ", or --engine vllm to start one here" if profile.vllm else ""
        raise UsageError(f"{profile.name} needs a server: give --endpoint, such as http://127.0.0.1:8000/v1{itself}.")
    for endpoint in options.endpoint:
        api_url(endpoint, DIALECTS[name].path)
    return name


def open_engine(
    profile: Profile,
    options: EngineOptions,
    *,
    workers: int,
    page_timeout_s: float = 60.0,
    api_key: SecretStr | None = None,
    on_delta: Callable[[Delta], None] | None = None,
    tell: Callable[[str], None] | None = None,
) -> Engine:
    """The engine that runs `profile`; it starts nothing before the first page comes.

    Args:
        workers: Processes, for an engine that needs some.
        page_timeout_s: For an answer of this machine's CPU.
        api_key: For endpoints; by default what `PAGELAKE_API_KEY` holds.
        on_delta: Called with every piece of text while it is written, where the engine streams.
        tell: Gets a sentence now and then from an engine that takes minutes to start.

    Raises:
        UsageError: as `check_engine`, or an endpoint's address cannot be used.
    """
    name = engine_of(profile, options)
    if name == "cpu":
        return CpuEngine(workers, page_timeout_s=page_timeout_s)
    assert isinstance(profile, ChatProfile)
    served_name = options.served_name or profile.served_name or profile.name
    limits = ChatLimits(request_timeout_s=options.answer_timeout_s)

    def asking(endpoints: Sequence[str], key: SecretStr | None, watch: ServerWatch | None) -> Engine:
        if isinstance(profile, CutOutProfile):
            return open_cut_outs(
                profile,
                endpoints,
                served_name=served_name,
                workers=workers,
                page_timeout_s=page_timeout_s,
                api_key=key,
                limits=limits,
                watch=watch,
            )
        return ChatEngine(
            endpoints,
            model=served_name,
            recipe=ProfileRecipe(profile, fallback_of(profile)),
            workers=workers,
            api_key=key,
            limits=limits,
            dialect=DIALECTS.get(name, CHAT),
            watch=watch,
            last_resort=CpuLastResort(workers, page_timeout_s) if profile.last_resort else None,
            on_delta=on_delta,
        )

    if name == "vllm":
        launch = _launch(profile, options, served_name)
        return VllmEngine(launch, lambda endpoint, watch: asking([endpoint], None, watch), tell=tell)
    from_environment = usable_key(os.environ.get(API_KEY_VARIABLE, ""), API_KEY_VARIABLE)
    return asking(options.endpoint, api_key or from_environment, None)


def _check_own_server(profile: ChatProfile, options: EngineOptions) -> None:
    if profile.vllm is None:
        raise UsageError(f"vLLM does not run {profile.name}; it is asked by --engine {profile.engine}.")
    if options.endpoint or options.served_name or options.api_key_secret:
        raise UsageError("--engine vllm asks the server that it starts: no --endpoint, --served-name or key.")
    server_command(find_vllm(), _launch(profile, options, profile.name), port=0)  # made for what it refuses
    environment, args = server_environment(profile.vllm.environment, {}), (*profile.vllm.args, *options.vllm_arg)
    if unmet := unmet_need(profile.vllm.needs, find_vllm().version, args, environment):
        raise UsageError(unmet)


def _launch(profile: ChatProfile, options: EngineOptions, served_name: str) -> VllmLaunch:
    assert profile.vllm is not None
    return VllmLaunch(
        options.model_path or profile.vllm.model_id,
        served_name,
        profile.vllm.args,
        profile.vllm.environment,
        options.vllm_arg,
        options.tensor_parallel_size,
        options.data_parallel_size,
    )
