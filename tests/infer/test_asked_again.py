"""Answers that are not whole: kept as far as they go, told as such, and asked for again without ever losing one."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.contract import Answer
from tasks.infer.infer import infer_shard
from tasks.infer.models import find_profile, reader_of
from tasks.infer.profile import PageSize
from tasks.lake.pages import write_pages
from tasks.lake.rows import Page
from tasks.lake.storage import LakeFolder

PROFILE = find_profile("dots.ocr")
WHOLE = json.dumps([{"bbox": [0, 0, 5, 5], "category": "Text", "text": "all of it"}])
SQUARES = " ".join(str(n * n) for n in range(200))
MORE = json.dumps([{"bbox": [0, 0, 5, 5], "category": "Text", "text": SQUARES}])
SAID = {
    "ok": (WHOLE, "stop"),
    "truncated": (WHOLE[:-4], "length"),
    "looped": (WHOLE * 50, "repetition"),
    "unparsed": ("<<<>>>", "stop"),
    "failed": (None, None),
}
KINDS = {"truncated": "truncated", "looped": "looped", "unparsed": "unparsed", "failed": "engine_error", "ok": None}
BEST_FIRST = list(SAID)
LONG = {
    "truncated, long": (MORE[:-4], "length"),
    "truncated, of marks alone": (
        json.dumps([{"bbox": [0, 0, n * n, n], "category": "Picture"} for n in range(9)])[:-4],
        "length",
    ),
    "truncated, as words": ("All squares: " + SQUARES, "length"),
}
"""Of one status with SAID's, worth more and less; the last was read by the fallback."""
STEPS = {"truncated, as words": "dots.ocr-text"}


class Told:
    """An engine that says of each page, in turn, what it was told to."""

    def __init__(self, script: dict[int, str]) -> None:
        self.script, self.asked, self.busy, self.peak_memory_bytes = script, list[int](), BusyMeter(), 0

    def answer(self, pages: Iterable[Page]) -> Iterator[Answer]:
        for page in list(pages):
            self.asked.append(page.page_number)
            text, reason = (SAID | LONG)[self.script[page.page_number]]
            problem = ("engine_error", "as told") if text is None else (None, None)
            yield Answer(
                page.doc_id,
                page.page_number,
                text,
                reason,
                0.1,
                error_kind=problem[0],
                error=problem[1],
                step=STEPS.get(self.script[page.page_number], "dots.ocr"),
            )

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None: ...


@pytest.fixture
def lake(tmp_path) -> LakeFolder:
    return LakeFolder.open(str(tmp_path))


def ask(lake: LakeFolder, script: dict[int, str], again: Iterable[str] = ()) -> tuple[list[int], list[dict[str, Any]]]:
    """Pages that were asked about, and the rows."""
    pages = (Page("d", n, 100.0, 100.0, 0, b"jpeg", "jpeg", 10, 10, 200.0) for n in script)
    write_pages(lake, "pages/render=r/s.parquet", pages)
    engine = Told(script)
    infer_shard(lake, "s", profile=PROFILE, engine=engine, render_id="r", run_id="run", again=frozenset(again))
    file = f"responses/model=dots.ocr/config={PROFILE.config('r')}/s.parquet"
    return engine.asked, lake.read_table(file).to_pylist()


def test_an_answer_that_is_not_whole_keeps_its_text_and_says_what_is_wrong(lake):
    script = dict(enumerate(SAID, start=1))
    _, rows = ask(lake, script)
    assert [(row["status"], row["error_kind"]) for row in rows] == [(said, KINDS[said]) for said in SAID]
    assert [row["text"] for row in rows] == [text for text, _ in SAID.values()]
    assert all(bool(row["error"]) == (row["error_kind"] is not None) for row in rows)


def test_only_pages_of_the_given_kinds_are_asked_again(lake):
    ask(lake, dict(enumerate(SAID, start=1)))
    asked, rows = ask(lake, dict.fromkeys(range(1, 6), "ok"), again=["looped", "engine_error"])
    assert asked == [3, 5]
    assert [row["status"] for row in rows] == ["ok", "truncated", "ok", "unparsed", "ok"]


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("truncated, long", "truncated", "truncated, long"),
        ("truncated", "truncated, long", "truncated, long"),
        ("truncated", "truncated, of marks alone", "truncated"),
        ("truncated, of marks alone", "truncated", "truncated"),
        ("truncated, as words", "truncated", "truncated, as words"),
        ("truncated", "truncated, as words", "truncated, as words"),
        ("looped", "truncated, of marks alone", "truncated, of marks alone"),
    ],
)
def test_of_two_answers_that_end_alike_the_one_with_more_to_read_stays(lake, first, second, kept):
    ask(lake, {1: first})
    _, [row] = ask(lake, {1: second}, again=["truncated", "looped"])
    assert row["text"] == (SAID | LONG)[kept][0]
    assert row["step"] == STEPS.get(kept, "dots.ocr")


statuses = st.sampled_from(BEST_FIRST)


def characters(row: dict[str, Any]) -> int:
    if row["text"] is None:
        return 0
    reader = reader_of(PROFILE, row["step"])
    return sum(len(e.text) for e in reader.read_answer(row["text"], PageSize(100.0, 100.0, 10, 10)).elements)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.tuples(*[st.sampled_from([*SAID, *LONG])] * 3), min_size=1, max_size=4))
def test_asking_again_and_again_never_loses_a_character_of_a_status(tmp_path_factory, story):
    lake = LakeFolder.open(str(tmp_path_factory.mktemp("lake")))
    worth: list[list[tuple[int, int]]] = []
    for turn in range(3):
        again = [kind for kind in KINDS.values() if kind] if turn else []
        _, rows = ask(lake, {n: told[turn] for n, told in enumerate(story)}, again)
        worth.append([(-BEST_FIRST.index(row["status"]), characters(row)) for row in rows])
    assert all(pages == tuple(sorted(pages)) for pages in zip(*worth, strict=True))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(st.lists(st.tuples(statuses, statuses), min_size=1, max_size=4), st.sets(st.sampled_from(sorted(SAID))))
def test_asking_again_never_makes_a_page_worse(tmp_path_factory, story, again):
    lake = LakeFolder.open(str(tmp_path_factory.mktemp("lake")))
    kinds = {kind for said in again if (kind := KINDS[said])}
    ask(lake, {n: first for n, (first, _) in enumerate(story)})
    _, rows = ask(lake, {n: second for n, (_, second) in enumerate(story)}, again=kinds or {"timeout"})
    for (first, second), row in zip(story, rows, strict=True):
        better = min(first, second, key=BEST_FIRST.index)
        assert row["status"] == (better if KINDS[first] in kinds else first)
        assert row["text"] == SAID[row["status"]][0]
