"""What a model's flags need of vLLM is told in a sentence, and only where it matters."""

from __future__ import annotations

import pytest

from tasks.infer.models import deepseek_ocr, deepseek_ocr_2, dots_ocr
from tasks.infer.models.chat_profile import VllmServing
from tasks.infer.models.vllm_needs import release_of, unmet_need

OURS = {"VLLM_USE_V2_MODEL_RUNNER": "0"}


def trouble(server: VllmServing | None, version: str, environment=None, args=None) -> str | None:
    assert server
    seen = server.environment if environment is None else environment
    return unmet_need(server.needs, version, server.args if args is None else args, seen)


@pytest.mark.parametrize("version", ["0.16.0", "0.30.0", "0.32.0+cpu", "0.33.0", "0.34.0rc1.dev7", "1.0", "dev"])
@pytest.mark.parametrize("profile", [deepseek_ocr.PROFILE, deepseek_ocr_2.PROFILE, dots_ocr.PROFILE])
def test_what_the_profiles_give_is_what_they_need(profile, version):
    assert trouble(profile.vllm, version) is None


@pytest.mark.parametrize(
    ("environment", "told"), [({}, "is not set"), ({"VLLM_USE_V2_MODEL_RUNNER": "1"}, "is 1")], ids=["unset", "other"]
)
def test_the_second_model_runner_is_told_of_where_it_is_the_default(environment, told):
    for version in ("0.31.0", "0.33.0", "dev"):
        message = trouble(deepseek_ocr.PROFILE.vllm, version, environment)
        assert message == (
            f"The n-gram processor that keeps DeepSeek-OCR from looping needs VLLM_USE_V2_MODEL_RUNNER=0 with vLLM "
            f"{version}, where it {told}. Set it. Or leave out --logits-processors: a page that loops is then found "
            "out and asked again."
        )
    assert trouble(deepseek_ocr.PROFILE.vllm, "0.30.0", environment) is None


def test_without_the_processor_nothing_is_needed_for_it():
    assert trouble(deepseek_ocr.PROFILE.vllm, "0.33.0", {}, ("--max-model-len=8192",)) is None


def test_a_vllm_that_is_too_old_is_told_of():
    assert trouble(deepseek_ocr.PROFILE.vllm, "0.10.2") == (
        "The n-gram processor that keeps DeepSeek-OCR from looping needs vLLM 0.11.1 or later, and 0.10.2 is "
        "installed. Install a later one."
    )
    assert trouble(deepseek_ocr_2.PROFILE.vllm, "0.15.1", args=()) == (
        "DeepSeek-OCR-2 needs vLLM 0.16 or later, and 0.15.1 is installed. Install a later one."
    )


def test_versions_are_compared_by_their_numbers():
    assert release_of("0.9.2") < release_of("0.10.0") < release_of("0.10.1.1") < release_of("0.11.1rc2+cu130")
    assert release_of("0.31") == release_of("0.31.0") == release_of("0.31.0.dev3")
    assert release_of("dev") == ()
