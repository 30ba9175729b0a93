"""The options by which a command is told how to reach a model: once, for every command that takes them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from tasks.errors import UsageError
from tasks.infer.engine_options import EngineName, EngineOptions, option_name

_REACHED = "How the model is reached"
_OWN_SERVER = "A vLLM server of our own (--engine vllm)"


def _options(
    engine: Annotated[
        EngineName | None,
        typer.Option(
            help="vllm starts a server here; chat and got ask --endpoint; cpu needs none. Default: what the model and "
            "the other options imply.",
            rich_help_panel=_REACHED,
        ),
    ] = None,
    endpoint: Annotated[
        list[str] | None,
        typer.Option(
            help="An API that serves the model, such as http://127.0.0.1:8000/v1. Several share the work. Its key, if "
            "any, is taken from PAGELAKE_API_KEY.",
            rich_help_panel=_REACHED,
        ),
    ] = None,
    served_name: Annotated[
        str | None,
        typer.Option(help="The name under which it serves it, if not the model's own.", rich_help_panel=_REACHED),
    ] = None,
    answer_timeout_s: Annotated[
        float,
        typer.Option(
            "--answer-timeout", min=1, help="Seconds that a server may take for one answer.", rich_help_panel=_REACHED
        ),
    ] = 600,
    query: Annotated[
        str | None,
        typer.Option(help="The question, for a model that answers one (pp-docbee).", rich_help_panel=_REACHED),
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            metavar="LEFT,UPPER,RIGHT,LOWER",
            help="The part to read, as fractions of the page's sides, for a model that reads one (dots.ocr-region).",
            rich_help_panel=_REACHED,
        ),
    ] = None,
    api_key_secret: Annotated[
        str | None,
        typer.Option(help="Prefect Secret block with the endpoints' key, instead.", rich_help_panel=_REACHED),
    ] = None,
    model_path: Annotated[
        str | None,
        typer.Option(
            help="Folder or hub id of the weights, if not the published ones; implies --engine vllm. Answers of other "
            "weights are kept apart; a folder goes by what is in it.",
            rich_help_panel=_OWN_SERVER,
        ),
    ] = None,
    tensor_parallel_size: Annotated[
        int, typer.Option(min=1, help="GPUs that share one copy of the model.", rich_help_panel=_OWN_SERVER)
    ] = 1,
    data_parallel_size: Annotated[
        int, typer.Option(min=1, help="Copies of the model.", rich_help_panel=_OWN_SERVER)
    ] = 1,
    vllm_arg: Annotated[
        list[str] | None,
        typer.Option(
            help="An argument of vllm serve, such as --vllm-arg=--max-model-len=16384; may be repeated.",
            rich_help_panel=_OWN_SERVER,
        ),
    ] = None,
) -> None:
    """Only its parameters count: they are the fields of `EngineOptions`."""


def takes_engine_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options in the place of its parameter `engine`, which gets what was made of them."""
    own = inspect.signature(_options, eval_str=True).parameters
    others = inspect.signature(command, eval_str=True).parameters
    parameters = [parameter for name, parameter in others.items() if name != "engine"] + list(own.values())

    @functools.wraps(command)
    def with_options(**given: Any) -> None:  # noqa: ANN401  # whatever the command line says
        said = {name: value for name in own if (value := given.pop(name)) is not None}
        command(**given, engine=_checked(said))

    # The command line is made from these.
    with_options.__signature__ = inspect.Signature(parameters)  # ty: ignore[missing-attribute]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options


def _checked(said: dict[str, Any]) -> EngineOptions:
    try:
        return EngineOptions.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        option = option_name(str(first["loc"][0]))
        raise UsageError(f"{option}: {first['msg'].removeprefix('Value error, ')}.") from None
