"""The model profiles, one file each, and the table that finds them by name.

A TOML file named by the environment variable PAGELAKE_MODELS adds profiles, or changes those that are here, without
touching the code; its form is told in `profile_file`.
"""

from __future__ import annotations

import os
from dataclasses import replace
from functools import cache
from pathlib import Path

from tasks.errors import UsageError
from tasks.infer.models import cpu_layout, deepseek_ocr, deepseek_ocr_2, dots_ocr, got_ocr2, paddleocr_vl, pp_docbee
from tasks.infer.models.chat_profile import ChatProfile, Region
from tasks.infer.models.profile_file import read_profile_file
from tasks.infer.profile import Profile

CHAT_PROFILES: dict[str, ChatProfile] = {
    profile.name: profile
    for profile in (
        *dots_ocr.PROFILES,
        *deepseek_ocr.PROFILES,
        *deepseek_ocr_2.PROFILES,
        *got_ocr2.PROFILES,
        *paddleocr_vl.PROFILES,
        *pp_docbee.PROFILES,
    )
}
MODELS_VARIABLE = "PAGELAKE_MODELS"
DEFAULT_MODEL = cpu_layout.PROFILE.name


def all_profiles() -> dict[str, Profile]:
    """Every profile by name, those of the user's file included.

    Raises:
        UsageError: that file cannot be read.
    """
    return {DEFAULT_MODEL: cpu_layout.PROFILE, **_chat_profiles()}


def find_profile(name: str, *, query: str | None = None, region: Region | None = None) -> Profile:
    """The profile of that name, asking `query`, or about one `region`, where it is made for that.

    Raises:
        UsageError: there is none, or it is made for something else.
    """
    known = all_profiles()
    if name not in known:
        raise UsageError(f"There is no model {name!r}. Known models: {', '.join(sorted(known))}.")
    profile = known[name]
    chat = profile if isinstance(profile, ChatProfile) else None
    if query is not None and not (chat and chat.takes_query):
        raise UsageError(f"{name} has a prompt of its own and takes no --query; {_takers('takes_query')} does.")
    if region is not None and not (chat and chat.takes_region):
        raise UsageError(f"{name} takes no --region; {_takers('takes_region')} does.")
    if chat is None:
        return profile
    asking = replace(chat, prompt=query or chat.prompt, region=region or chat.region)
    if asking.takes_region and asking.region is None:
        raise UsageError(f"{name} reads a part of each page: say which by --region.")
    return asking


def _takers(ability: str) -> str:
    return ", ".join(sorted(profile.name for profile in _chat_profiles().values() if getattr(profile, ability)))


def fallback_of(profile: ChatProfile) -> ChatProfile | None:
    """The profile that a chat profile falls back to, if any."""
    return _chat_profiles()[profile.fallback] if profile.fallback else None


def reader_of(profile: Profile, step: str | None) -> Profile:
    """The profile that reads an answer: the model's own, or that of the step it fell back to."""
    return profile if step is None or step == profile.name else all_profiles().get(step, profile)


def _chat_profiles() -> dict[str, ChatProfile]:
    return _with_file(os.environ.get(MODELS_VARIABLE))


@cache
def _with_file(file: str | None) -> dict[str, ChatProfile]:
    return CHAT_PROFILES | (read_profile_file(Path(file), CHAT_PROFILES) if file else {})
