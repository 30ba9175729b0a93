"""What `pagelake parse` does: one file, each page a JSON line as soon as it is read. No Prefect, no lake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any

from tasks.errors import UsageError
from tasks.infer.engines.contract import Answer
from tasks.infer.infer import problem_with, route_page
from tasks.infer.models import find_profile, reader_of
from tasks.infer.open_engine import EngineOptions, open_engine
from tasks.infer.profile import PageSize, Profile
from tasks.lake.rows import Page
from tasks.land.agreement import text_layer_agreement
from tasks.objects import local_copy, open_nameable
from tasks.ordered import in_order
from tasks.rasterize.inspect import DocumentInspector
from tasks.rasterize.rasterize import LocalSpan, RenderSettings, open_renderers, rasterize_pages


def parse_file(file: str, *, model: str, dpi: float, password: str | None, options: EngineOptions) -> Iterator[str]:
    """One JSON object a page, in order.

    Raises:
        UsageError: the file cannot be opened.
        DocumentError: it is not a document that can be read.
    """
    profile, settings = find_profile(model), RenderSettings(dpi=dpi, page_timeout_s=options.page_timeout_s)
    opened = open_nameable(file)
    if not opened.fs.isfile(opened.path):
        raise UsageError(f"There is no file {file}.")
    with (
        local_copy(opened.uri(opened.path)) as copy,
        open_renderers(options.workers) as renderers,
        open_engine(profile, options) as engine,
    ):
        facts = DocumentInspector(renderers, password, options.page_timeout_s)(copy.path)
        whole = LocalSpan(copy.doc_id, str(copy.path), facts.media_type, 1, facts.page_count)
        pages = rasterize_pages(renderers, [whole], settings, password)
        for page, answer in in_order(pages, _without_image, route_page, engine.answer):
            yield json.dumps(_line(page, answer, profile), ensure_ascii=False)


def _without_image(page: Page) -> Page:
    return replace(page, image=None)


def _line(page: Page, answer: Answer, profile: Profile) -> dict[str, Any]:
    read = None
    if answer.text is not None:
        reader = reader_of(profile, answer.step)
        read = reader.read_answer(answer.text, PageSize.of(page), answer.finish_reason)
    elements = [
        asdict(element)
        | {"text_layer_agreement": text_layer_agreement(element, page.text_layer) if page.has_text else None}
        for element in (read.elements if read else ())
    ]
    problem = problem_with(read.status) if read else None
    return {
        "doc_id": page.doc_id,
        "page_number": page.page_number,
        "width": page.width,
        "height": page.height,
        "model": profile.name,
        "status": read.status if read else "failed",
        "error_kind": page.error_kind or (problem.kind if problem else answer.error_kind),
        "error": page.error or (str(problem) if problem else answer.error),
        "seconds": round(answer.seconds, 3),
        "elements": elements,
    }
