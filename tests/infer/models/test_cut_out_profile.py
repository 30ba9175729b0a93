"""Pages that are read box by box: what is asked, whose text counts, how the answer is written and read."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import AnswerError
from tasks.infer.engines.cut_out_recipe import CutOutReply
from tasks.infer.models import all_profiles, cpu_layout, find_profile
from tasks.infer.models.cut_out_answer import AskedBox, page_status, write_boxes
from tasks.infer.models.cut_out_planner import CutOutPlanner
from tasks.infer.models.cut_out_profile import CutOutProfile, CutOutRules
from tasks.infer.models.paddleocr_vl import PROFILE
from tasks.infer.models.recipe import AGAIN
from tasks.infer.profile import PageSize
from tasks.lake.rows import CATEGORIES, Element, Page

PAGE = Page("d", 1, 600.0, 800.0, 0, b"jpeg", "jpeg", 1200, 1600, 144.0)
SIZE = PageSize.of(PAGE)
TABLE = "<fcel>a<fcel>b<nl><fcel>1<ecel><nl>"
HTML = "<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td></td></tr></table>"


def found(category: str, text: str = "what cpu-layout read", top: float = 0.0) -> Element:
    return Element(category, category.lower(), 100.0, top, 300.0, top + 20.0, text, "markdown", 0.5)


def reply(text: str | None, status: str = "ok", finish_reason: str | None = "stop") -> CutOutReply:
    return CutOutReply(text, finish_reason, status, len(text or ""), None if text is not None else "HTTP 500")


def read_page(*boxes: tuple[Element, CutOutReply | None], profile: CutOutProfile = PROFILE):
    """Through the planner, the answer's text, and back."""
    plan = CutOutPlanner(profile).plan(cpu_layout.write_answer(element for element, _ in boxes), PAGE)
    replies = [said for _, said in boxes if said is not None]
    assert len(plan.cut_outs) == len(replies)
    return profile.read_answer(plan.answer(replies), SIZE)


def test_it_is_a_model_like_the_others():
    assert all_profiles()["paddleocr-vl"] == find_profile("paddleocr-vl") == PROFILE


def test_what_a_box_is_decides_the_prompt_and_pictures_are_not_asked_about():
    elements = [found(category) for category in CATEGORIES]
    plan = CutOutPlanner(PROFILE).plan(cpu_layout.write_answer(elements), PAGE)
    asked = []
    for cut_out in plan.cut_outs:
        [message] = cut_out.steps[0].messages("data:,", (1, 1))
        content: Any = message["content"]
        asked.append(content[1]["text"])
    expected = {"Table": "Table Recognition:", "Formula": "Formula Recognition:"}
    assert asked == [expected.get(category, "OCR:") for category in CATEGORIES if category != "Picture"]
    assert [step.name for step in plan.cut_outs[0].steps] == [PROFILE.name, PROFILE.name + AGAIN]
    assert plan.cut_outs[0].steps[1].sampling["repetition_detection"]


def test_pictures_are_asked_about_where_the_user_says_so():
    charts = replace(PROFILE, cut_outs=CutOutRules({"Picture": "Chart Recognition:"}))
    read = read_page((found("Picture", "axis"), reply(TABLE)), profile=charts)
    assert [(e.category, e.text, e.text_format, e.read_by) for e in read.elements] == [("Picture", HTML, "html", None)]
    assert charts.config("r") != PROFILE.config("r")


def test_tables_are_html_formulas_latex_and_the_rest_markdown():
    read = read_page(
        (found("Title", top=10), reply("A title")),
        (found("Table", top=40), reply(TABLE)),
        (found("Formula", top=70), reply("\\[ x^2 \\]")),
        (found("Picture", "labels", top=100), None),
        (found("Text", top=130), reply("words")),
    )
    assert [(e.category, e.text_format, e.text) for e in read.elements] == [
        ("Title", "markdown", "A title"),
        ("Table", "html", HTML),
        ("Formula", "latex", "\\[ x^2 \\]"),
        ("Picture", "markdown", "labels"),
        ("Text", "markdown", "words"),
    ]
    assert [e.read_by for e in read.elements] == [None, None, None, "cpu-layout", None]
    assert (read.status, read.read_by) == ("ok", "paddleocr-vl")


def test_boxes_are_those_of_cpu_layout_to_the_hundredth():
    boxes = [replace(found("Text"), x0=1.004, y0=2.5, x1=599.999, y1=800.0), found("Text", top=50)]
    read = read_page(*((box, reply("x")) for box in boxes))
    assert [(e.x0, e.y0, e.x1, e.y1) for e in read.elements] == [(1.0, 2.5, 600.0, 800.0), (100.0, 50.0, 300.0, 70.0)]
    assert {(e.raw_category, e.confidence) for e in read.elements} == {("text", 0.5)}


OWN = "what cpu-layout read"


@pytest.mark.parametrize(
    ("said", "own", "text", "read_by", "status"),
    [
        (reply("words"), OWN, "words", None, "ok"),
        (reply("wo", "truncated", "length"), OWN, OWN, "cpu-layout", "truncated"),
        (
            reply("more than cpu-layout read there", "truncated", "length"),
            OWN,
            "more than cpu-layout read there",
            None,
            "truncated",
        ),
        (reply("word", "looped", "repetition"), OWN, OWN, "cpu-layout", "looped"),
        (reply("<|im_end|>", "unparsed"), OWN + " here", OWN + " here", "cpu-layout", "unparsed"),
        (reply(""), OWN, OWN, "cpu-layout", "repaired"),
        (reply(""), "", "", None, "ok"),
        (reply(None, "failed"), OWN, OWN, "cpu-layout", "unparsed"),
        (reply(None, "failed"), "", "", None, "unparsed"),
    ],
)
def test_whose_text_counts(said: CutOutReply, own: str, text: str, read_by: str | None, status: str):
    read = read_page((found("Text", own), said))
    [element] = read.elements
    assert (element.text, element.read_by, read.status) == (text, read_by, status)


def test_nobody_stands_in_where_the_user_does_not_want_it():
    alone = replace(PROFILE, last_resort="")
    read = read_page((found("Text"), reply(None, "failed")), (found("Text"), reply("words")), profile=alone)
    assert [(e.text, e.read_by) for e in read.elements] == [("", None), ("words", None)]
    assert read.status == "truncated"


@pytest.mark.parametrize(
    ("boxes", "page"),
    [
        ([], "ok"),
        (["ok", "ok"], "ok"),
        (["ok", "repaired"], "repaired"),
        (["ok", "truncated", "repaired"], "truncated"),
        (["truncated", "looped", "ok"], "looped"),
        (["ok", "unparsed"], "truncated"),
        (["ok", "failed"], "truncated"),
        (["looped", "failed"], "looped"),
        (["unparsed", "failed"], "unparsed"),
    ],
)
def test_the_page_is_as_good_as_its_worst_box(boxes: list[str], page: str):
    assert page_status(boxes) == page


def test_a_blank_page_is_ok():
    plan = CutOutPlanner(PROFILE).plan("[]", PAGE)
    assert (plan.cut_outs, plan.answer([])) == ([], "[]")
    assert (PROFILE.read_answer("[]", SIZE).elements, PROFILE.read_answer("[]", SIZE).status) == ((), "ok")


def test_what_the_model_said_is_kept_as_it_said_it_even_where_it_does_not_count():
    plan = CutOutPlanner(PROFILE).plan(cpu_layout.write_answer([found("Text")]), PAGE)
    [box] = json.loads(plan.answer([reply("no \ud800 no ", "looped", "repetition")]))
    assert box["said"] == "no \ufffd no "
    assert (box["finish_reason"], box["read_by"], box["text"]) == ("repetition", "cpu-layout", OWN)
    assert box["prompt"] == "OCR:"


def test_a_layout_that_cannot_be_read_is_an_answer_that_says_why():
    with pytest.raises(AnswerError, match="cpu-layout"):
        CutOutPlanner(PROFILE).plan("nonsense", PAGE)


def test_another_cpu_layout_is_another_config(monkeypatch: pytest.MonkeyPatch):
    before = PROFILE.config("r")
    assert before != PROFILE.config("other render")
    monkeypatch.setattr(cpu_layout, "REVISION", "another")
    assert PROFILE.config("r") != before


@pytest.mark.parametrize(
    "change",
    [{"prompt": "Read:"}, {"cut_outs": replace(PROFILE.cut_outs, margin_pt=3.0)}, {"last_resort": ""}],
    ids=lambda change: next(iter(change)),
)
def test_all_that_shapes_an_answer_is_in_config(change: dict[str, Any]):
    assert replace(PROFILE, **change).config("r") != PROFILE.config("r")


def test_what_shapes_no_answer_is_not_in_config():
    assert PROFILE.vllm
    roomier = replace(PROFILE.vllm, args=("--max-num-seqs=8",), environment={"A": "b"}, needs=())
    assert replace(PROFILE, description="x", vllm=roomier, served_name="y").config("r") == PROFILE.config("r")


TEXTS = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["<fcel>", TABLE, "<nl><lcel>", "\ud800", "\x00", "a " * 400, "", "<|im_end|>", "$$x$$"]),
)
NUMBERS = st.one_of(st.floats(), st.integers(), st.just(10**400))
ENTRIES = st.fixed_dictionaries(
    {
        "bbox": st.one_of(st.lists(NUMBERS, max_size=5), st.lists(NUMBERS, min_size=4, max_size=4), st.none()),
        "category": st.one_of(st.sampled_from(CATEGORIES), TEXTS, st.none()),
        "label": st.one_of(TEXTS, st.none()),
        "confidence": st.one_of(st.none(), NUMBERS),
        "prompt": st.one_of(st.none(), TEXTS),
        "said": st.one_of(st.none(), TEXTS, st.integers()),
        "finish_reason": st.one_of(st.none(), TEXTS),
        "read_by": st.one_of(st.sampled_from(["cpu-layout", "paddleocr-vl"]), TEXTS),
    },
    optional={"text": st.one_of(st.none(), TEXTS), "format": st.one_of(st.sampled_from(["html", "plain"]), TEXTS)},
)
ANYTHING = st.one_of(
    st.text(max_size=200),
    st.recursive(st.none() | st.booleans() | NUMBERS | TEXTS, lambda inner: st.lists(inner, max_size=4)).map(
        json.dumps
    ),
    st.lists(ENTRIES, max_size=5).map(json.dumps),
)


@settings(max_examples=500)
@given(text=ANYTHING, cut=st.integers(0, 2_000))
def test_anything_is_read_without_raising_and_inside_the_page(text: str, cut: int):
    for said in (text, text[:cut]):
        read = PROFILE.read_answer(said, SIZE)
        assert read.status in {"ok", "repaired", "truncated", "looped", "unparsed"}
        for element in read.elements:
            assert 0 <= element.x0 <= element.x1 <= SIZE.width
            assert 0 <= element.y0 <= element.y1 <= SIZE.height
            (element.text + element.raw_category).encode()


def test_boxes_around_a_broken_one_are_kept():
    text = write_boxes([AskedBox(found("Text"), "OCR:", word, "stop", None, False) for word in ("a", "b", "c")], "m")
    broken = json.loads(text)
    broken[1]["bbox"] = [1, 2]
    read = PROFILE.read_answer(json.dumps(broken), SIZE)
    assert ([element.text for element in read.elements], read.status) == (["a", "c"], "unparsed")
    assert PROFILE.read_answer(text[:-20], SIZE) == replace(read, elements=())
    assert PROFILE.read_answer("[" * 100_000, SIZE).status == "unparsed"
