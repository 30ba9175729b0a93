"""Ask a model about every page of one shard, and write what it said: one file of `responses`.

Every page of the shard ends as a row: with the raw answer, or with the reason why there is none. Reading the answers
is the next stage's affair.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from tasks.errors import AnswerError
from tasks.infer.engines.contract import Answer, Engine
from tasks.infer.models import reader_of
from tasks.infer.profile import PageSize, Profile
from tasks.lake.pages import read_pages
from tasks.lake.rows import Page
from tasks.lake.schemas import RESPONSES
from tasks.lake.storage import LakeFolder
from tasks.lake.tables import pages_file, responses_file
from tasks.ordered import Known, in_order


@dataclass(frozen=True, slots=True)
class InferredShard:
    """What asking cost: pages read, those that failed, tokens answered (None: the engine has none), and the share of
    the time in which the engine had something to do (it may have worked for another shard too)."""

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
    again: bool = False,
    on_page: Callable[[], None] = lambda: None,
) -> InferredShard:
    """Answer every page of a rendered shard. `on_page` is called after each, for progress.

    With `again` the answers that the file holds already are kept, and only pages that have none are asked about.
    """
    started, busy_before = time.monotonic(), engine.busy.seconds
    config = profile.config(render_id)
    file = responses_file(profile.name, config, shard)
    kept = _answers_in(lake, file) if again else {}

    def route(page: Page) -> Known[Answer] | Page:
        row = kept.get((page.doc_id, page.page_number))
        return route_page(page) if row is None else Known([_answer_of(row)])

    rows: list[dict[str, object]] = []
    pages = read_pages(lake, pages_file(render_id, shard))
    for size, answer in in_order(pages, PageSize.of, route, engine.answer):
        row = kept.get((answer.doc_id, answer.page_number)) or _row(answer, size, profile, config, run_id)
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
    """Rows of a file of `responses` that hold a readable answer, by page."""
    rows = lake.read_table(file).to_pylist()
    return {(row["doc_id"], row["page_number"]): row for row in rows if row["error_kind"] is None}


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


def _row(answer: Answer, size: PageSize, profile: Profile, config: str, run_id: str) -> dict[str, object]:
    status = answer.status or "failed"
    if answer.text is not None and answer.status is None:
        reader = reader_of(profile, answer.step)
        status = reader.read_answer(answer.text, size, answer.finish_reason).status
    row = asdict(answer) | {"config": config, "model": profile.name, "status": status, "run_id": run_id}
    if status == "unparsed":
        row |= {"error_kind": "unparsed", "error": str(AnswerError("unparsed"))}
    return row
