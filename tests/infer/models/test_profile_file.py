"""Profiles from a user's file."""

from dataclasses import fields
from pathlib import Path

import pytest

from tasks.errors import UsageError
from tasks.infer.models import dots_ocr, paddleocr_vl
from tasks.infer.models.chat_profile import ChatProfile
from tasks.infer.models.cut_out_profile import CutOutProfile
from tasks.infer.models.profile_file import ModelTable, read_profile_file

KNOWN = {profile.name: profile for profile in (*dots_ocr.PROFILES, *paddleocr_vl.PROFILES)}


def read(tmp_path: Path, text: str) -> dict[str, ChatProfile]:
    path = tmp_path / "models.toml"
    path.write_text(text)
    return read_profile_file(path, KNOWN)


def test_every_field_but_the_reader_can_be_changed():
    assert set(ModelTable.model_fields) - {"base"} == {field.name for field in fields(CutOutProfile)} - {
        "name",
        "reader",
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
    ],
)
def test_a_wrong_file_is_refused_with_the_place(tmp_path: Path, text: str, said: str):
    with pytest.raises(UsageError, match=said):
        read(tmp_path, text)


def test_a_missing_file_is_refused(tmp_path: Path):
    with pytest.raises(UsageError, match="No such file"):
        read_profile_file(tmp_path / "none.toml", KNOWN)
