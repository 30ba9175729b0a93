"""Whatever a model writes: no reader raises, and every element lies in the page."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.infer.answers.contract import Reader, Space
from tasks.infer.answers.layout_json import read_layout_json
from tasks.infer.answers.page_text import read_formatted_page, read_page_text
from tasks.infer.answers.tagged_text import read_located_text, read_tagged_text
from tasks.infer.models.paddleocr_vl import read_cut_out

SPACE = Space(600.0, 800.0)
STATUSES = {"ok", "repaired", "truncated", "looped", "unparsed"}
PIECES = [
    *'[]{},:"\\\n ',
    *[
        "'bbox'",
        '"bbox"',
        '"category"',
        '"text"',
        '"Table"',
        "[1, 2, 3, 4]",
        "[9, 8, 7]",
        "1e999",
        "-12345678901234567",
    ],
    *["NaN", "null", '{"bbox": [1, 2, 3, 4], "text": "', '"}, ', "\\frac", "\\ud800", "```json\n", "<table>", "</td>"],
    *["<|ref|>", "<|/ref|>", "<|det|>", "<|/det|>", "text[[1, 2, 3, 4]]", "<center>", "<fcel>", "<lcel>", "<ucel>"],
    *["<xcel>", "<nl>", "\\begin{a}", "\\title{", "word ", "\u4e16", "\x00", "<|im_end|>", "\ud800"],
]
ANSWERS = st.one_of(st.text(max_size=400), st.lists(st.sampled_from(PIECES), max_size=60).map("".join))
every_reader = pytest.mark.parametrize(
    "read",
    [read_layout_json, read_tagged_text, read_located_text, read_page_text, read_formatted_page, read_cut_out],
    ids=lambda read: read.__name__,
)


@every_reader
@settings(max_examples=300, deadline=None)
@given(text=ANSWERS)
def test_anything_is_read_without_raising_and_inside_the_page(read: Reader, text: str):
    answer = read(text, SPACE)
    assert answer.status in STATUSES
    for element in answer.elements:
        assert 0 <= element.box.x0 <= element.box.x1 <= SPACE.width
        assert 0 <= element.box.y0 <= element.box.y1 <= SPACE.height
        (element.text + element.label).encode()


SOUND = [{"bbox": [n, n, n + 50, n + 9], "category": "Text", "text": f"line {n}, with $x$"} for n in range(0, 500, 50)]
DAMAGE = st.text(alphabet='"{}[],:\\\n a1', max_size=4)


@settings(max_examples=1000, deadline=None)
@given(at=st.integers(0, len(json.dumps(SOUND))), removed=st.integers(0, 40), inserted=DAMAGE)
def test_damage_to_one_object_costs_no_other(at: int, removed: int, inserted: str):
    whole = json.dumps(SOUND)
    starts = [whole.index(json.dumps(entry)) for entry in SOUND]
    ends = [start + len(json.dumps(entry)) for start, entry in zip(starts, SOUND, strict=True)]
    read = read_layout_json(whole[:at] + inserted + whole[at + removed :], SPACE)
    seen = {(tuple(element.box), element.text) for element in read.elements}
    for entry, start, end in zip(SOUND, starts, ends, strict=True):
        if end < at or start > at + removed:
            assert (tuple(entry["bbox"]), entry["text"]) in seen


NUMBERS = st.integers(0, 600)
BOXES = st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS).map(lambda b: [*map(min, b[:2], b[2:]), *map(max, b[:2], b[2:])])
ELEMENTS = st.lists(
    st.fixed_dictionaries({"bbox": BOXES, "category": st.just("Text"), "text": st.text(max_size=30)}),
    max_size=8,
    unique_by=lambda entry: tuple(entry["bbox"]),
)


@settings(max_examples=300, deadline=None)
@given(elements=ELEMENTS, data=st.data())
def test_every_object_before_a_cut_is_there(elements: list[dict], data: st.DataObject):
    whole = json.dumps(elements, ensure_ascii=data.draw(st.booleans()))
    cut = data.draw(st.integers(0, len(whole)))
    ends = [len(json.dumps(elements[: n + 1], ensure_ascii=whole.isascii())) - 1 for n in range(len(elements))]
    expected = [entry["bbox"] for entry, end in zip(elements, ends, strict=True) if end <= cut]
    read = [list(element.box) for element in read_layout_json(whole[:cut], SPACE).elements]
    assert read[: len(expected)] == expected
