"""Profiles from a user's TOML file: a known one changed, or a new one made from a known one. No code is run.

    [models."dots.ocr"]                    # a known name: changes it
    served_name = "my-dots"

    [models.my-invoices]                   # a new name: says what it is based on
    base = "dots.ocr-text"
    prompt = "Extract the invoice number."
    sampling = { temperature = 0.0, max_tokens = 256 }

What the file says shapes the answers, so it goes into `config` like the rest of a profile. A name becomes that of a
folder in the lake, and a wrong value would fail in the middle of a run: both are refused here.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from tasks.errors import UsageError
from tasks.infer.models import cpu_layout
from tasks.infer.models.chat_profile import ChatProfile, Region, VllmServing, inside_the_page
from tasks.infer.models.cut_out_profile import CutOutProfile
from tasks.lake.rows import CATEGORIES

NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9_-])?")
"""Of a model: the lake has folders of it, read as `model=NAME` by DuckDB, on whatever storage."""

Category = Annotated[str, Field(pattern=f"^({'|'.join(CATEGORIES)})$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class SamplingTable(_Table):
    """Changes to how the model chooses its words; `extra` is added to the request's body."""

    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    extra: dict[str, Any] | None = None

    @field_validator("extra")
    @classmethod
    def _is_json(cls, extra: dict[str, Any] | None) -> dict[str, Any] | None:
        """TOML has dates and numbers that a request cannot hold."""
        try:
            json.dumps(extra, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise ValueError(f"it goes into requests as JSON, and {error}") from None
        return extra


class PictureTable(_Table):
    """Changes to what the model's image processor does."""

    factor: int | None = Field(None, ge=1)
    min_pixels: int | None = Field(None, ge=0)
    max_pixels: int | None = Field(None, ge=0)
    max_aspect: int | None = Field(None, ge=0)


class VllmTable(_Table):
    """Changes to how `vllm serve` is started."""

    model_id: str | None = None
    args: tuple[str, ...] | None = None
    environment: dict[str, str] | None = None


class CutOutsTable(_Table):
    """Changes to what of a page is cut out and asked about; an empty prompt: nothing."""

    prompts: dict[Category, str] | None = None
    margin_pt: float | None = Field(None, ge=0)


class ModelTable(_Table):
    """One profile: only what is to be other than in its base."""

    base: str | None = None
    description: str | None = None
    prompt: str | None = None
    revision: str | None = None
    engine: Literal["chat", "got"] | None = None
    served_name: str | None = None
    image_token: str | None = None
    image_first: bool | None = None
    box_grid: float | None = Field(None, gt=0)
    image_format: Literal["jpeg", "png"] | None = None
    text_format: str | None = Field(None, pattern="^(markdown|html|latex|plain)$")
    dpi: int | None = Field(None, ge=1)
    fallback: str | None = None
    takes_query: bool | None = None
    takes_region: bool | None = None
    region: Region | None = None
    last_resort: Literal["cpu-layout", ""] | None = None
    sampling: SamplingTable = SamplingTable()
    picture: PictureTable = PictureTable()
    vllm: VllmTable = VllmTable()
    cut_outs: CutOutsTable = CutOutsTable()

    @field_validator("region")
    @classmethod
    def _inside(cls, region: Region | None) -> Region | None:
        return None if region is None else inside_the_page(region)


class _File(_Table):
    models: dict[str, ModelTable]


def read_profile_file(path: Path, known: Mapping[str, ChatProfile]) -> dict[str, ChatProfile]:
    """The profiles that the file changes or adds, by name.

    Raises:
        UsageError: it cannot be read, says something that no profile has, or makes one that could not be asked.
    """
    try:
        tables = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).models
    except (OSError, ValueError) as error:
        raise UsageError(f"The model file {path} cannot be used: {_reason(error)}.") from None
    made: dict[str, ChatProfile] = {}
    for name, table in tables.items():
        if problem := _problem_with_name(name, {*known, *made}):
            raise UsageError(f"The model file {path} cannot be used: models.{name}: {problem}.")
        base = table.base or name
        if base not in made and base not in known:
            raise UsageError(
                f"The model file {path} says nothing of what {name!r} is based on, or a name that is not known "
                f"({base!r}). Set base to one of: {', '.join(sorted(known))}."
            )
        try:
            made[name] = _changed(made.get(base) or known[base], name, table)
        except ValueError as error:
            raise UsageError(f"The model file {path} cannot be used: models.{name}.{error}.") from None
    every = {**known, **made}
    for profile in every.values():
        if problem := _problem_with_fallback(profile, every):
            raise UsageError(f"The model file {path} cannot be used: models.{profile.name}.fallback: {problem}.")
    return made


def _problem_with_name(name: str, others: Collection[str]) -> str | None:
    """Why a model cannot have this name. One that differs in case alone would share a folder on some storages."""
    if not NAME.fullmatch(name):
        return "a name has up to 100 letters, digits, dots, dashes and underscores, none of . _ - first and no . last"
    if name.lower() == cpu_layout.NAME:
        return f"{cpu_layout.NAME} cannot be changed; give the model another name"
    if alike := [other for other in others if other != name and other.lower() == name.lower()]:
        return f"there is {alike[0]!r} already, which some storages take for the same; give it another name"
    return None


def _problem_with_fallback(profile: ChatProfile, known: Mapping[str, ChatProfile]) -> str | None:
    """Why a profile cannot fall back to what it names: the fallback is asked about the whole page on the same way."""
    if not profile.fallback:
        return None
    if profile.fallback == cpu_layout.NAME:
        return f'{cpu_layout.NAME} is no fallback; last_resort = "{cpu_layout.NAME}" has it read what the model cannot'
    fallback = known.get(profile.fallback)
    if fallback is None:
        names = sorted(name for name in known if _problem_with_fallback(replace(profile, fallback=name), known) is None)
        return f"there is no model {profile.fallback!r}; one of {', '.join(names)}, or none by an empty text"
    if fallback.name == profile.name:
        return "a model cannot fall back to itself; leave it empty for none"
    if isinstance(fallback, CutOutProfile) or (fallback.takes_region and fallback.region is None):
        return f"{fallback.name} is not asked about whole pages; name another model, or none by an empty text"
    if fallback.engine != profile.engine:
        return f"{fallback.name} is asked by --engine {fallback.engine}, not by {profile.engine}; name another model"
    return None


def _changed(base: ChatProfile, name: str, table: ModelTable) -> ChatProfile:
    simple = table.model_dump(exclude={"base", "sampling", "picture", "vllm", "cut_outs"}, exclude_none=True)
    vllm = _given(table.vllm)
    if "model_id" in vllm:
        simple.setdefault(
            "revision", vllm["model_id"]
        )  # other weights, unless the file calls them by a name of its own
    changed = replace(
        base,
        **({"served_name": base.served_name or base.name} if name != base.name else {}) | simple,
        name=name,
        sampling=replace(base.sampling, **_given(table.sampling)),
        picture=replace(base.picture, **_given(table.picture)),
        vllm=replace(base.vllm or VllmServing(base.revision), **vllm) if vllm else base.vllm,
    )
    if changed.engine == "got" and "type" not in changed.sampling.extra:
        raise ValueError('engine: got makes the question from sampling.extra.type; set it to "plain" or "format"')
    return _with_cut_outs(changed, _given(table.cut_outs))


def _with_cut_outs(profile: ChatProfile, given: dict[str, Any]) -> ChatProfile:
    """With other rules of what is cut out.

    Raises:
        ValueError: for this profile, or for what it reads, there is no such thing.
    """
    if not isinstance(profile, CutOutProfile):
        if given:
            raise ValueError("cut_outs: the model reads whole pages")
        return profile
    if profile.fallback or profile.takes_region or profile.region or profile.engine != "chat":
        raise ValueError("fallback, region, engine: a model that reads cut-outs has one way of being asked")
    rules = profile.cut_outs
    return replace(
        profile, cut_outs=replace(rules, **given | {"prompts": {**rules.prompts, **given.get("prompts", {})}})
    )


def _given(table: BaseModel) -> dict[str, Any]:
    return table.model_dump(exclude_none=True)


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg'].removeprefix('Value error, ')}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
