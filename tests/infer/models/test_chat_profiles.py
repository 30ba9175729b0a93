"""What is sent for each model, what goes into `config`, and how an answer becomes elements of the lake."""

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tasks.infer.engines.dialect import CHAT
from tasks.infer.models import deepseek_ocr, deepseek_ocr_2, dots_ocr, find_profile, got_ocr2, pp_docbee
from tasks.infer.models.chat_profile import ChatProfile, VllmServing
from tasks.infer.models.picture_plan import PixelSize
from tasks.infer.models.recipe import ProfileRecipe
from tasks.infer.profile import PageSize

PROFILES: list[ChatProfile] = [
    *dots_ocr.PROFILES,
    *deepseek_ocr.PROFILES,
    *deepseek_ocr_2.PROFILES,
    *got_ocr2.PROFILES,
    *pp_docbee.PROFILES,
]
NAMES = {profile.name for profile in PROFILES}
PAGE = PageSize(600.0, 800.0, 1200, 1600)
URL = "data:image/jpeg;base64,AAAA"
SENT = PixelSize(1200, 1600)


def request(profile: ChatProfile) -> Mapping[str, Any]:
    """The body of the first request about a page."""
    return CHAT.body(profile.served_name or profile.name, ProfileRecipe(profile).steps[0], URL, SENT)


each = pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)


def test_names_are_unique_and_fallbacks_exist():
    assert len(NAMES) == len(PROFILES)
    assert {profile.fallback for profile in PROFILES if profile.fallback} <= NAMES


@each
def test_a_request_is_json_and_names_the_model(profile: ChatProfile):
    body = json.loads(json.dumps(request(profile)))
    assert body["model"] == (profile.served_name or profile.name)
    assert body["max_tokens"] >= 1024


def test_dots_is_sent_the_picture_and_then_the_three_tokens_right_before_the_prompt():
    (message,) = dots_ocr.PROFILE.messages(URL, SENT)
    image, text = message["content"]
    assert image == {"type": "image_url", "image_url": {"url": URL}}
    assert text["text"].startswith("<|img|><|imgpad|><|endofimg|>Please output the layout")


def test_deepseek_keeps_its_special_tokens():
    body = request(deepseek_ocr.PROFILE)
    assert body["skip_special_tokens"] is False
    assert body["messages"][0]["content"][1]["text"] == "<image>\n<|grounding|>Convert the document to markdown."


def test_docbee_is_sent_the_question_first():
    asking = find_profile("pp-docbee", query="Who wrote it?")
    assert isinstance(asking, ChatProfile)
    content = asking.messages(URL, SENT)[0]["content"]
    assert [part["type"] for part in content] == ["text", "image_url"]
    assert content[0]["text"] == "Who wrote it?"


def test_the_prompts_of_dots_are_those_of_the_reference(shared_data: Path):
    reference = shared_data.parent / "reference/dots-prompts.txt"
    if not reference.is_file():
        pytest.skip("the reference prompts are not beside this checkout")
    written = reference.read_text()
    for prompt in (dots_ocr.LAYOUT_AND_TEXT_PROMPT, dots_ocr.LAYOUT_PROMPT, dots_ocr.TEXT_PROMPT):
        assert prompt in written
    assert dots_ocr.LAYOUT_AND_TEXT_PROMPT.endswith("object.\n")


@each
@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "Another?"},
        {"revision": "2"},
        {"text_format": "latex"},
        {"box_grid": 1.0},
        {"image_first": "neither"},
        {"fallback": "another"},
        {"fallback": "another", "fallback_way": "12345678"},
        {"engine": "neither"},
        {"vllm": VllmServing("x", ("--quantization=fp8",))},
        {"last_resort": "another"},
        {"region": (0.0, 0.0, 0.5, 0.5)},
        {"image_format": "png"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_all_that_shapes_an_answer_is_in_config(profile: ChatProfile, change: dict):
    assert replace(profile, **change).config("r") != profile.config("r") != profile.config("other render")


@each
def test_what_shapes_no_answer_is_not_in_config(profile: ChatProfile):
    roomier = profile.vllm and replace(
        profile.vllm, args=(*profile.vllm.args, "--max-num-seqs=8"), environment={"A": "b"}, needs=()
    )
    assert replace(profile, description="x", vllm=roomier, served_name="y").config("r") == profile.config("r")


def test_a_sampling_or_a_reader_of_another_version_is_another_config():
    profile = dots_ocr.PROFILE
    warmer = replace(profile, sampling=replace(profile.sampling, temperature=0.2))
    newer = replace(profile, reader=replace(profile.reader, version=2))
    assert len({p.config("r") for p in (profile, warmer, newer)}) == 3


def test_elements_are_in_points_and_in_the_eleven_categories():
    seen = dots_ocr.PROFILE.space(PAGE)
    half = [0, 0, seen.width / 2, seen.height / 2]
    answer = dots_ocr.PROFILE.read_answer(
        json.dumps(
            [
                {"bbox": half, "category": "Formula", "text": "$$x$$"},
                {"bbox": half, "category": "Table", "text": "<table></table>"},
                {"bbox": half, "category": "sub_title", "text": "## a"},
            ]
        ),
        PAGE,
    )
    assert [(e.category, e.raw_category, e.text_format) for e in answer.elements] == [
        ("Formula", "Formula", "latex"),
        ("Table", "Table", "html"),
        ("Section-header", "sub_title", "markdown"),
    ]
    assert {(e.x0, e.y0, e.x1, e.y1) for e in answer.elements} == {(0.0, 0.0, 300.0, 400.0)}


@pytest.mark.parametrize(
    ("finish_reason", "status"), [(None, "ok"), ("stop", "ok"), ("length", "truncated"), ("repetition", "looped")]
)
@each
def test_the_finish_reason_counts(profile: ChatProfile, finish_reason: str | None, status: str):
    said = {"layout-json": "[]", "tagged-text": "<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>x"}
    text = said.get(profile.reader.name, said["tagged-text"] if profile.reader.name == "located-text" else "words")
    whole = profile.read_answer(text, PAGE)
    read = profile.read_answer(text, PAGE, finish_reason)
    assert (read.elements, read.status) == (whole.elements, status)


@pytest.mark.parametrize("size", [PageSize(0.0, 0.0), PageSize(600.0, 800.0), PageSize(0.0, 0.0, 10, 10)])
@each
def test_a_page_without_a_picture_or_a_size_does_no_harm(profile: ChatProfile, size: PageSize):
    for text in ('[{"bbox": [1, 2, 3, 4], "text": "a"}]', "<|ref|>text<|/ref|><|det|>[[1, 2, 3, 4]]<|/det|>x", "words"):
        for element in profile.read_answer(text, size).elements:
            assert 0 <= element.x0 <= element.x1 <= size.width
            assert 0 <= element.y0 <= element.y1 <= size.height


def test_deepseeks_boxes_run_to_999():
    (element,) = deepseek_ocr.PROFILE.read_answer(
        "<|ref|>text<|/ref|><|det|>[[0, 0, 999, 999]]<|/det|>x", PAGE
    ).elements
    assert (element.x0, element.y0, element.x1, element.y1) == (0.0, 0.0, 600.0, 800.0)
