"""How pages get an answer. An engine knows transport and nothing of models.

`Engine` is the contract: pages in, one answer per page out, in the same order. `open_engine` finds one by name.
"""

from __future__ import annotations

from tasks.errors import UsageError
from tasks.infer.engines.contract import Engine
from tasks.infer.engines.cpu import CpuEngine
from tasks.infer.profile import ModelProfile

ENGINES = ("cpu",)


def open_engine(profile: ModelProfile, *, workers: int, page_timeout_s: float) -> Engine:
    """The engine that runs `profile`; it starts its processes when the first page comes.

    Raises:
        UsageError: no engine of that name.
    """
    if profile.engine == "cpu":
        return CpuEngine(workers, page_timeout_s=page_timeout_s)
    raise UsageError(f"There is no engine {profile.engine!r}. Known engines: {', '.join(ENGINES)}.")
