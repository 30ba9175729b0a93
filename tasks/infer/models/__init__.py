"""The model profiles, one file each, and the table that finds them by name."""

from __future__ import annotations

from enum import StrEnum

from tasks.errors import UsageError
from tasks.infer.models import cpu_layout
from tasks.infer.profile import ModelProfile

PROFILES: dict[str, ModelProfile] = {profile.name: profile for profile in (cpu_layout.PROFILE,)}

ModelName = StrEnum("ModelName", {name: name for name in PROFILES})
"""The names as a type: choices on the command line and in Prefect's form."""

DEFAULT_MODEL = ModelName(cpu_layout.PROFILE.name)


def find_profile(name: str) -> ModelProfile:
    """The profile of that name.

    Raises:
        UsageError: there is none.
    """
    if name not in PROFILES:
        raise UsageError(f"There is no model {name!r}. Known models: {', '.join(sorted(PROFILES))}.")
    return PROFILES[name]
