"""Profiles from a user's file."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from tasks.errors import UsageError
from tasks.infer.models import dots_ocr, got_ocr2, paddleocr_vl
from tasks.infer.models.chat_profile import ChatProfile
from tasks.infer.models.cut_out_profile import CutOutProfile
from tasks.infer.models.profile_file import ModelTable, read_profile_file

KNOWN = {p.name: p for p in (*dots_ocr.PROFILES, *got_ocr2.PROFILES, *paddleocr_vl.PROFILES)}


def read(tmp_path: Path, text: str) -> dict[str, ChatProfile]:
    path = tmp_path / "models.toml"
    path.write_text(text)
    return read_profile_file(path, KNOWN)


def test_every_field_but_the_reader_can_be_changed():
    assert set(ModelTable.model_fields) - {"base"} == {field.name for field in fields(CutOutProfile)} - {
        "name",
        "reader",
        "fallback_way",
    }


def test_a_known_profile_is_changed(tmp_path: Path):
    made = read(tmp_path, '[models."dots.ocr"]\nserved_name = "mine"\nsampling = { temperature = 0.0 }')
    profile = made["dots.ocr"]
    assert profile.served_name == "mine"
    assert (profile.sampling.temperature, profile.sampling.max_tokens) == (0.0, 16_384)
    assert profile.config("r") != dots_ocr.PROFILE.config("r")


def test_a_new_profile_is_made_from_a_known_one(tmp_path: Path):
    text = '[models.bills]\nbase = "dots.ocr-text"\nprompt = "Which number?"\nvllm = { model_id = "/models/dots" }'
    profile = read(tmp_path, text)["bills"]
    assert (profile.name, profile.prompt, profile.served_name) == ("bills", "Which number?", "dots.ocr")
    assert profile.vllm is not None and dots_ocr.PROFILE.vllm is not None
    assert (profile.vllm.model_id, profile.vllm.args) == ("/models/dots", dots_ocr.PROFILE.vllm.args)


def test_profiles_of_one_file_may_build_on_one_another(tmp_path: Path):
    made = read(tmp_path, '[models.a]\nbase = "dots.ocr"\ndpi = 100\n[models.b]\nbase = "a"')
    assert made["b"].dpi == 100


def test_what_is_asked_about_cut_outs_is_changed_by_category(tmp_path: Path):
    text = """
        [models.paddleocr-vl]
        prompt = "Read:"
        cut_outs = { prompts = { Picture = "Chart Recognition:", Page-footer = "" } }
    """
    profile = read(tmp_path, text)["paddleocr-vl"]
    assert isinstance(profile, CutOutProfile)
    asked = {name: profile.prompt_for(name) for name in ("Picture", "Page-footer", "Table", "Text")}
    assert asked == {
        "Picture": "Chart Recognition:",
        "Page-footer": "",
        "Table": "Table Recognition:",
        "Text": "Read:",
    }
    assert profile.config("r") != paddleocr_vl.PROFILE.config("r")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[models.x]\nprompt = 'a'", "Set base to one of: dots.ocr"),
        ("[models.x]\nbase = 'dots.ocr'\ntemperatur = 1", "models.x.temperatur"),
        ("[models.x]\nbase = 'dots.ocr'\nsampling = { temperature = -1 }", "models.x.sampling.temperature"),
        ("[models", "cannot be used"),
        ("", "models: Field required"),
        (
            "[models.x]\nbase = 'dots.ocr'\ncut_outs = { margin_pt = 1 }",
            "models.x.cut_outs: the model reads whole pages",
        ),
        ("[models.paddleocr-vl]\ncut_outs = { prompts = { Chart = 'a' } }", "models.paddleocr-vl.cut_outs.prompts"),
        ("[models.paddleocr-vl]\nfallback = 'dots.ocr'", "models.paddleocr-vl.fallback"),
        ("[models.'dots.ocr']\nfallback = 'none'", r"models.dots.ocr.fallback: there is no model 'none'; one of dots"),
        (
            "[models.'dots.ocr']\nfallback = 'cpu-layout'",
            "models.dots.ocr.fallback: cpu-layout is no fallback; last_res",
        ),
        ("[models.'dots.ocr']\nfallback = 'dots.ocr'", "models.dots.ocr.fallback: a model cannot fall back to itself"),
        ("[models.'dots.ocr']\nfallback = 'dots.ocr-region'", "dots.ocr-region is not asked about whole pages"),
        ("[models.'dots.ocr']\nfallback = 'paddleocr-vl'", "paddleocr-vl is not asked about whole pages"),
        ("[models.'dots.ocr']\nfallback = 'got-ocr2'", "got-ocr2 is asked by --engine got, not by chat"),
        ("[models.dots]\nbase = 'dots.ocr'\nengine = 'got'", r"models.dots.engine: got makes .* sampling.extra.type"),
        (
            "[models.'dots.ocr']\nsampling = { extra = { d = 2024-01-01 } }",
            "models.dots.ocr.sampling.extra: .*JSON.*date",
        ),
        ("[models.'dots.ocr']\nsampling = { extra = { d = nan } }", "models.dots.ocr.sampling.extra: .*JSON"),
        ("[models.'dots.ocr']\nsampling = { temperature = inf }", "models.dots.ocr.sampling.temperature"),
        ("[models.'dots.ocr-region']\nregion = [5, 5, 1, 1]", "models.dots.ocr-region.region: .*fractions from 0 to 1"),
        ("[models.'dots.ocr-region']\nregion = [0.5, 0, 0.5, 1]", "models.dots.ocr-region.region: .*left before right"),
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str):
    with pytest.raises(UsageError, match=said):
        read(tmp_path, text)


@pytest.mark.parametrize(
    "name", ["a/b", "../up", "x=y z", "a b", "", ".hidden", "-x", "_", "ends.", "a\\b", "ä", "a\n", "x" * 101]
)
def test_a_name_that_a_lake_could_not_have_as_a_folder_is_refused(tmp_path: Path, name: str):
    with pytest.raises(UsageError, match="a name has up to 100 letters"):
        read(tmp_path, f'[models.{json.dumps(name)}]\nbase = "dots.ocr"')


@pytest.mark.parametrize("name", ["x", "v1", "dots.ocr-2_b", "2026-11", "x" * 100, "a..b"])
def test_other_names_are_taken(tmp_path: Path, name: str):
    assert read(tmp_path, f'[models.{json.dumps(name)}]\nbase = "dots.ocr"')[name].name == name


@pytest.mark.parametrize("name", ["cpu-layout", "CPU-layout"])
def test_the_default_model_cannot_be_replaced(tmp_path: Path, name: str):
    with pytest.raises(UsageError, match=f"models.{name}: cpu-layout cannot be changed"):
        read(tmp_path, f'[models.{name}]\nbase = "dots.ocr"')


@pytest.mark.parametrize(
    "text", ['[models."Dots.OCR"]\nbase = "dots.ocr"', '[models.b]\nbase = "dots.ocr"\n[models.B]']
)
def test_names_that_differ_in_case_alone_are_refused(tmp_path: Path, text: str):
    with pytest.raises(UsageError, match=r"there is '(dots.ocr|b)' already"):
        read(tmp_path, text)


def test_a_fallback_may_come_later_in_the_file_and_be_none(tmp_path: Path):
    text = '[models.a]\nbase = "dots.ocr"\nfallback = "b"\n[models.b]\nbase = "dots.ocr-text"\nfallback = ""'
    made = read(tmp_path, text)
    assert (made["a"].fallback, made["b"].fallback) == ("b", "")


def test_a_known_model_whose_fallback_is_changed_into_another_kind_is_told(tmp_path: Path):
    with pytest.raises(UsageError, match=r"dots.ocr.fallback: dots.ocr-text is not asked about whole pages"):
        read(tmp_path, '[models."dots.ocr-text"]\ntakes_region = true')


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="No such file"):
        read_profile_file(tmp_path / "none.toml", KNOWN)
