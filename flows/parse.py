"""What `pagelake parse` does: one file, each page a JSON line as soon as it is read. No Prefect, no lake."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from tasks.errors import UsageError
from tasks.infer.engine_options import EngineOptions
from tasks.infer.engines.contract import Answer, Delta
from tasks.infer.infer import problem_with, route_page
from tasks.infer.models import reader_of
from tasks.infer.open_engine import open_engine, profile_for
from tasks.infer.profile import PageSize, Profile
from tasks.lake.rows import Page
from tasks.land.agreement import text_layer_agreement
from tasks.objects import local_copy, open_nameable
from tasks.ordered import in_order
from tasks.rasterize.inspect import DocumentInspector
from tasks.rasterize.rasterize import LocalSpan, RenderSettings, open_renderers, rasterize_pages


def parse_file(
    file: str,
    *,
    model: str,
    dpi: float,
    password: str | None,
    workers: int,
    page_timeout_s: float,
    engine: EngineOptions,
    on_line: Callable[[str], None],
    on_news: Callable[[str], None],
    stream: bool = False,
) -> None:
    """Hand over a line of JSON for every page, in order; with `stream` also one for every piece of text that the model
    writes, as it comes, of several pages in turns. `on_line` is never called by two threads at once. `on_news` gets a
    sentence now and then from an engine that takes minutes to start.

    Raises:
        UsageError: the file cannot be opened.
        DocumentError: it is not a document that can be read.
    """
    if engine.api_key_secret:
        raise UsageError("pagelake parse runs without Prefect: give the key in PAGELAKE_API_KEY, not in a secret.")
    profile = profile_for(model, engine)
    settings = RenderSettings(dpi=dpi, page_timeout_s=page_timeout_s)
    one_at_a_time = threading.Lock()

    def tell(line: dict[str, Any]) -> None:
        with one_at_a_time:
            on_line(json.dumps(line, ensure_ascii=False))

    def tell_delta(delta: Delta) -> None:
        tell({"delta": asdict(delta)})

    opened = open_nameable(file)
    if not opened.fs.isfile(opened.path):
        raise UsageError(f"There is no file {file}.")
    with (
        local_copy(opened.uri(opened.path)) as copy,
        open_renderers(workers) as renderers,
        open_engine(
            profile,
            engine,
            workers=workers,
            page_timeout_s=page_timeout_s,
            on_delta=tell_delta if stream else None,
            tell=on_news,
        ) as opened_engine,
    ):
        facts = DocumentInspector(renderers, password, page_timeout_s)(copy.path)
        whole = LocalSpan(copy.doc_id, str(copy.path), facts.media_type, 1, facts.page_count)
        pages = rasterize_pages(renderers, [whole], settings, password)
        for page, answer in in_order(pages, _without_image, route_page, opened_engine.answer):
            tell(_line(page, answer, profile))


def _without_image(page: Page) -> Page:
    return replace(page, image=None)


def _line(page: Page, answer: Answer, profile: Profile) -> dict[str, Any]:
    read = None
    if answer.text is not None:
        reader = reader_of(profile, answer.step)
        read = reader.read_answer(answer.text, PageSize.of(page), answer.finish_reason)
    elements = [
        asdict(element)
        | {
            "read_by": element.read_by or (read.read_by if read else None),
            "text_layer_agreement": text_layer_agreement(element, page.text_layer) if page.has_text else None,
        }
        for element in (read.elements if read else ())
    ]
    status = answer.status or (read.status if read else "failed")
    problem = problem_with(status)
    return {
        "doc_id": page.doc_id,
        "page_number": page.page_number,
        "width": page.width,
        "height": page.height,
        "model": profile.name,
        "read_by": read.read_by if read else None,
        "status": status,
        "error_kind": page.error_kind or answer.error_kind or (problem.kind if problem else None),
        "error": page.error or answer.error or (str(problem) if problem else None),
        "seconds": round(answer.seconds, 3),
        "usage": {"prompt_tokens": answer.prompt_tokens, "completion_tokens": answer.completion_tokens},
        "elements": elements,
    }
