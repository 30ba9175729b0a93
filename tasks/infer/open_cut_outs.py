"""Open the engine of a model that reads cut-outs, with cpu-layout on this machine to find the boxes."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import SecretStr

from tasks.infer.engines.cpu import CpuEngine
from tasks.infer.engines.cut_outs import CutOutEngine
from tasks.infer.engines.gate import ServerWatch
from tasks.infer.engines.loop_engine import ChatLimits
from tasks.infer.models.cut_out_planner import CutOutPlanner
from tasks.infer.models.cut_out_profile import CutOutProfile


def open_cut_outs(
    profile: CutOutProfile,
    endpoints: Sequence[str],
    *,
    served_name: str,
    workers: int,
    page_timeout_s: float,
    api_key: SecretStr | None,
    limits: ChatLimits,
    watch: ServerWatch | None = None,
) -> CutOutEngine:
    """The engine; it starts nothing before the first page comes. Nothing is streamed: pieces of many cut-outs in turns
    would make no text.

    Raises:
        UsageError: an endpoint's address cannot be used.
    """
    return CutOutEngine(
        endpoints,
        model=served_name,
        recipe=CutOutPlanner(profile),
        layout=CpuEngine(workers, page_timeout_s=page_timeout_s),
        workers=workers,
        api_key=api_key,
        limits=limits,
        watch=watch,
    )
