"""Profiles from a user's TOML file: a known one changed, or a new one made from a known one. No code is run.

    [models."dots.ocr"]                    # a known name: changes it
    served_name = "my-dots"

    [models.my-invoices]                   # a new name: says what it is based on
    base = "dots.ocr-text"
    prompt = "Extract the invoice number."
    sampling = { temperature = 0.0, max_tokens = 256 }

What the file says shapes the answers, so it goes into `config` like the rest of a profile.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from tasks.errors import UsageError
from tasks.infer.models.chat_profile import ChatProfile, Region, VllmServing
from tasks.infer.models.cut_out_profile import CutOutProfile
from tasks.lake.rows import CATEGORIES

Category = Annotated[str, Field(pattern=f"^({'|'.join(CATEGORIES)})$")]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SamplingTable(_Table):
    """Changes to how the model chooses its words; `extra` is added to the request's body."""

    temperature: float | None = Field(None, ge=0)
    top_p: float | None = Field(None, gt=0, le=1)
    max_tokens: int | None = Field(None, ge=1)
    extra: dict[str, Any] | None = None


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


class _File(_Table):
    models: dict[str, ModelTable]


def read_profile_file(path: Path, known: Mapping[str, ChatProfile]) -> dict[str, ChatProfile]:
    """The profiles that the file changes or adds, by name.

    Raises:
        UsageError: it cannot be read, or says something that no profile has.
    """
    try:
        tables = _File.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))).models
    except (OSError, ValueError) as error:
        raise UsageError(f"The model file {path} cannot be used: {_reason(error)}.") from None
    made: dict[str, ChatProfile] = {}
    for name, table in tables.items():
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
    return made


def _changed(base: ChatProfile, name: str, table: ModelTable) -> ChatProfile:
    simple = table.model_dump(exclude={"base", "sampling", "picture", "vllm", "cut_outs"}, exclude_none=True)
    vllm = _given(table.vllm)
    changed = replace(
        base,
        **({"served_name": base.served_name or base.name} if name != base.name else {}) | simple,
        name=name,
        sampling=replace(base.sampling, **_given(table.sampling)),
        picture=replace(base.picture, **_given(table.picture)),
        vllm=replace(base.vllm or VllmServing(base.revision), **vllm) if vllm else base.vllm,
    )
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
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return str(error)
