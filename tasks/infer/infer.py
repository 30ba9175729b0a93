"""Ask a model about every page of one shard, and write what it said: one file of `responses`.

Every page of the shard ends as a row: with the raw answer, or with the reason why there is none. An answer that is not
whole (it breaks off, loops, or cannot be read) says so in its `error_kind` and keeps its text; asked again, the better
answer stays. Reading the answers is the next stage's affair.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from tasks.errors import ANSWER_KINDS, AnswerError
from tasks.infer.engines.contract import Answer, Engine
from tasks.infer.models import reader_of
from tasks.infer.profile import PageSize, Profile
from tasks.lake.pages import read_pages
from tasks.lake.rows import Page
from tasks.lake.schemas import RESPONSES
from tasks.lake.storage import LakeFolder
from tasks.lake.tables import pages_file, responses_file
from tasks.ordered import Known, in_order

_BEST_FIRST = ("ok", "repaired", "truncated", "looped", "unparsed", "failed")


@dataclass(frozen=True, slots=True)
class InferredShard:
    """What asking cost: pages read, those without any text, tokens answered (None: the engine has none), and the share
    of the time in which the engine had something to do (it may have worked for another shard too)."""

    pages: int
    failed: int
    tokens: int | None
    busy_fraction: float


def infer_shard(
    lake: LakeFolder,
    shard: str,
    *,
    profile: Profile,
    engine: Engine,
    render_id: str,
    run_id: str,
    again: Collection[str] = (),
    on_page: Callable[[], None] = lambda: None,
) -> InferredShard:
    """Answer every page of a rendered shard. `on_page` is called after each, for progress.

    With `again` the file is there, and only its pages with one of these error kinds are asked about once more.
    """
    started, busy_before = time.monotonic(), engine.busy.seconds
    config = profile.config(render_id)
    file = responses_file(profile.name, config, shard)
    before = _answers_in(lake, file) if again else {}
    kept = {page: row for page, row in before.items() if row["error_kind"] not in again}

    def route(page: Page) -> Known[Answer] | Page:
        row = kept.get((page.doc_id, page.page_number))
        return route_page(page) if row is None else Known([_answer_of(row)])

    rows: list[dict[str, Any]] = []
    pages = read_pages(lake, pages_file(render_id, shard))
    for size, answer in in_order(pages, PageSize.of, route, engine.answer):
        key = answer.doc_id, answer.page_number
        row = kept.get(key)
        if row is None:
            asked = _row(answer, size, profile, config, run_id)
            row = _better(before.get(key), asked, partial(_characters, profile, size))
        rows.append(row)
        on_page()
    lake.write_table(file, pa.Table.from_pylist(rows, RESPONSES))
    tokens = [row["completion_tokens"] for row in rows if isinstance(row["completion_tokens"], int)]
    elapsed = max(time.monotonic() - started, 1e-9)
    return InferredShard(
        pages=len(rows),
        failed=sum(row["text"] is None for row in rows),
        tokens=sum(tokens) if tokens else None,
        busy_fraction=min(1.0, (engine.busy.seconds - busy_before) / elapsed),
    )


def _answers_in(lake: LakeFolder, file: str) -> dict[tuple[str, int], dict[str, Any]]:
    """Rows of a file of `responses`, by page; those of a file of an older pagelake get what they lack."""
    rows = lake.read_table(file).to_pylist()
    return {(row["doc_id"], row["page_number"]): dict.fromkeys(RESPONSES.names) | row for row in rows}


def _better(
    known: dict[str, Any] | None, asked: dict[str, Any], characters: Callable[[Mapping[str, Any]], int]
) -> dict[str, Any]:
    """The row to keep of a page that was asked about again: that of the better status, or else with more to read in it;
    the new one where they are alike."""
    if known is None:
        return asked
    before, now = (_BEST_FIRST.index(row["status"]) for row in (known, asked))
    if before != now:
        return known if before < now else asked
    is_part = known["status"] in ANSWER_KINDS and known["text"] is not None and asked["text"] is not None
    return known if is_part and characters(known) > characters(asked) else asked


def _answer_of(row: Mapping[str, Any]) -> Answer:
    names = set(Answer.__slots__) - {"status"}  # a row that is kept says already what was read
    return Answer(**{name: row[name] for name in names})


def route_page(page: Page) -> Known[Answer] | Page:
    """A page that an engine can see, or else the answer that says why none can."""
    if page.image is not None:
        return page
    reason = AnswerError("page_not_rendered", page.error_kind or "")
    answer = Answer(page.doc_id, page.page_number, None, None, 0.0, 0, error_kind=reason.kind, error=str(reason))
    return Known([answer])


def problem_with(status: str) -> AnswerError | None:
    """What is wrong with an answer that was read with this status; None when nothing is."""
    return AnswerError(status) if status in ANSWER_KINDS else None


def _characters(profile: Profile, size: PageSize, row: Mapping[str, Any]) -> int:
    """How much of the page the reader of the row's step finds in its text."""
    read = reader_of(profile, row["step"]).read_answer(row["text"], size, row["finish_reason"])
    return sum(len(element.text) for element in read.elements)


def _row(answer: Answer, size: PageSize, profile: Profile, config: str, run_id: str) -> dict[str, Any]:
    status = answer.status or "failed"
    if answer.text is not None and answer.status is None:
        reader = reader_of(profile, answer.step)
        status = reader.read_answer(answer.text, size, answer.finish_reason).status
    row = asdict(answer) | {"config": config, "model": profile.name, "status": status, "run_id": run_id}
    problem = problem_with(status)
    if problem and answer.error_kind is None:  # what an engine says of a page is more to the point
        row |= {"error_kind": problem.kind, "error": str(problem)}
    return row
