"""The model profiles, one file each, and the table that finds them by name.

A TOML file named by the environment variable PAGELAKE_MODELS adds profiles, or changes those that are here, without
touching the code; its form is told in `profile_file`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from tasks.errors import UsageError
from tasks.infer.models import cpu_layout, deepseek_ocr, deepseek_ocr_2, dots_ocr, got_ocr2, paddleocr_vl, pp_docbee
from tasks.infer.models.chat_profile import ChatProfile, Region
from tasks.infer.models.digest import digest
from tasks.infer.models.profile_file import read_profile_file
from tasks.infer.models.vllm_shaping import shaping_args
from tasks.infer.models.weights import revision_of
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
_PUBLISHED = frozenset(profile.revision for profile in CHAT_PROFILES.values())
MODELS_VARIABLE = "PAGELAKE_MODELS"
DEFAULT_MODEL = cpu_layout.PROFILE.name


def all_profiles() -> dict[str, Profile]:
    """Every profile by name, those of the user's file included.

    Raises:
        UsageError: that file cannot be read.
    """
    return {DEFAULT_MODEL: cpu_layout.PROFILE, **_chat_profiles()}


def find_profile(
    name: str,
    *,
    query: str | None = None,
    region: Region | None = None,
    weights: str | None = None,
    vllm_args: Sequence[str] = (),
) -> Profile:
    """The profile of that name with all that the user said of it, so that its `config` is that of the answers.

    Args:
        name: One of `all_profiles`.
        query: What to ask, where it is made for that.
        region: Which part of each page to ask about, where it is made for that.
        weights: Folder or hub id of what answers, when it is not what the profile names.
        vllm_args: What the user gives to a vLLM server, of which some arguments shape answers.

    Raises:
        UsageError: there is none, it is made for something else, or the weights cannot be read.
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
    fallback = fallback_of(chat)
    asking = replace(
        chat,
        prompt=query or chat.prompt,
        region=region or chat.region,
        revision=_revision(chat, weights, vllm_args),
        fallback_way=digest(fallback.way_of_asking()) if fallback else "",
    )
    if asking.takes_region and asking.region is None:
        raise UsageError(f"{name} reads a part of each page: say which by --region.")
    return asking


def _revision(profile: ChatProfile, weights: str | None, vllm_args: Sequence[str]) -> str:
    """Which weights answer, and what the user said to vLLM that shapes answers. A revision that a user's file gives
    holds for the weights that the same file names; other weights are their own."""
    own = profile.vllm.model_id if profile.vllm else None
    named = profile.revision if weights in (None, own) else weights
    if named not in _PUBLISHED and named in (weights, own):
        named = revision_of(named)
    served = shaping_args(vllm_args)
    return f"{named} {json.dumps(served)}" if served else named


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
