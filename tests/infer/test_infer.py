"""Every page of a shard ends as one response, in order, whatever the engine says."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Self

import pytest

from tasks.infer.engines.busy import BusyMeter
from tasks.infer.engines.contract import Answer
from tasks.infer.infer import infer_shard
from tasks.infer.models.cpu_layout import PROFILE, read_answer, write_answer
from tasks.infer.profile import PageSize
from tasks.lake.pages import write_pages
from tasks.lake.rows import Element, Page, TextLine
from tasks.lake.storage import LakeFolder
from tasks.land.land import land_shard

PAGE = Page("d", 1, 600.0, 800.0, 0, b"jpeg", "jpeg", 10, 10, 200.0)
WORDS = (TextLine("known words", 0, 0, 100, 10, 10.0, False),)
ELEMENT = Element("Text", "text", 0.0, 0.0, 100.0, 10.0, "known words", confidence=0.5)


def page(number: int, **other) -> Page:
    return replace(PAGE, page_number=number, **other)


class ScriptedEngine:
    """Answers by page number from a script; a missing entry is an engine error."""

    def __init__(self, script: dict[int, str]) -> None:
        self.script, self.busy, self.peak_memory_bytes = script, BusyMeter(), 0

    def answer(self, pages: Iterable[Page]) -> Iterator[Answer]:
        for asked in list(pages):
            text = self.script.get(asked.page_number)
            answer = Answer(asked.doc_id, asked.page_number, text, "stop", 0.1)
            yield answer if text else replace(answer, finish_reason=None, error_kind="engine_error", error="scripted")

    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None: ...


@pytest.fixture
def lake(tmp_path):
    return LakeFolder.open(str(tmp_path))


def infer_and_land(lake, pages, script):
    write_pages(lake, "pages/render=r/s.parquet", pages)
    done = infer_shard(lake, "s", profile=PROFILE, engine=ScriptedEngine(script), render_id="r", run_id="run")
    config = PROFILE.config("r")
    found = land_shard(
        lake,
        "s",
        model=PROFILE.name,
        config=config,
        render_id="r",
        read_answer=lambda text, _, page: PROFILE.read_answer(text, PageSize.of(page)),
    )
    where = f"model=cpu-layout/config={config}/s.parquet"
    return (
        done,
        found,
        lake.read_table(f"responses/{where}").to_pylist(),
        lake.read_table(f"elements/{where}").to_pylist(),
    )


def test_good_unparsed_failed_and_unrendered_pages(lake):
    pages = [
        page(1, text_layer=WORDS, has_text=True),
        page(2),
        page(3),
        page(4, image=None, status="failed", error_kind="page_corrupt"),
        page(5),
    ]
    script = {1: write_answer([ELEMENT]), 2: "no json", 5: write_answer([ELEMENT])}
    done, found, responses, elements = infer_and_land(lake, pages, script)
    assert [(r["page_number"], r["status"], r["error_kind"]) for r in responses] == [
        (1, "ok", None),
        (2, "unparsed", "unparsed"),
        (3, "failed", "engine_error"),
        (4, "failed", "page_not_rendered"),
        (5, "ok", None),
    ]
    assert (done.pages, done.failed, done.tokens) == (5, 2, None)
    assert found == {"Text": 2}
    assert [(e["page_number"], e["element_index"], e["text_layer_agreement"]) for e in elements] == [
        (1, 0, 1.0),
        (5, 0, None),
    ]


def test_an_empty_page_is_an_answer_without_elements(lake):
    _, found, responses, elements = infer_and_land(lake, [page(1)], {1: "[]"})
    assert responses[0]["status"] == "ok"
    assert not found
    assert not elements


def test_an_answer_is_read_as_it_was_written_and_kept_inside_the_page():
    outside = Element("Table", "table", -5.0, 1.25, 700.0, 900.0, "<table></table>", "html", 0.25)
    read = read_answer(write_answer([ELEMENT, outside]), PageSize(600.0, 800.0))
    assert read.status == "ok"
    assert read.elements[0] == ELEMENT
    assert (read.elements[1].x0, read.elements[1].y0, read.elements[1].x1, read.elements[1].y1) == (
        0.0,
        1.25,
        600.0,
        800.0,
    )


@pytest.mark.parametrize(
    "text", ["", "{", "null", "[1]", '[{"bbox": [1, 2, 3]}]', '[{"bbox": [1,2,3,4], "category": "Nope"}]']
)
def test_a_broken_answer_is_unparsed_and_never_raises(text):
    assert read_answer(text, PageSize(1.0, 1.0)).status == "unparsed"


def test_config_changes_with_whatever_shapes_an_answer():
    assert PROFILE.config("200dpi-jpeg95") == PROFILE.config("200dpi-jpeg95")
    assert PROFILE.config("200dpi-jpeg95") != PROFILE.config("100dpi-jpeg95")


def test_pages_survive_the_table(lake):
    from tasks.lake.pages import read_pages

    pages = [page(n, text_layer=WORDS, has_text=True, ink=0.25) for n in range(1, 71)]
    write_pages(lake, "pages/render=r/s.parquet", iter(pages))
    assert list(read_pages(lake, "pages/render=r/s.parquet")) == pages
    assert all(p.image is None for p in read_pages(lake, "pages/render=r/s.parquet", images=False))
