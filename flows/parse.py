"""What `pagelake parse` does: one file, each page a JSON line as soon as it is read. No Prefect, no lake."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from tasks.errors import UsageError
from tasks.infer.engines import open_engine
from tasks.infer.engines.contract import Answer
from tasks.infer.infer import route_page
from tasks.infer.models import find_profile
from tasks.infer.profile import ModelProfile, PageSize
from tasks.lake.rows import Page
from tasks.land.agreement import text_layer_agreement
from tasks.objects import local_copy, open_url
from tasks.ordered import in_order
from tasks.rasterize.inspect import DocumentInspector
from tasks.rasterize.rasterize import LocalSpan, RenderSettings, open_renderers, rasterize_pages


def parse_file(
    file: str, *, model: str, dpi: float, password: str | None, workers: int, page_timeout_s: float
) -> Iterator[str]:
    """One JSON object a page, in order.

    Raises:
        UsageError: the file cannot be opened.
        DocumentError: it is not a document that can be read.
    """
    profile, settings = find_profile(model), RenderSettings(dpi=dpi, page_timeout_s=page_timeout_s)
    fs, path = open_url(file)
    if not fs.isfile(path):
        raise UsageError(f"There is no file {file}.")
    with (
        local_copy(fs.unstrip_protocol(path)) as copy,
        open_renderers(workers) as renderers,
        open_engine(profile, workers=workers, page_timeout_s=page_timeout_s) as engine,
    ):
        facts = DocumentInspector(renderers, password, page_timeout_s)(copy.path)
        whole = LocalSpan(copy.doc_id, str(copy.path), facts.media_type, 1, facts.page_count)
        pages = rasterize_pages(renderers, [whole], settings, password)
        for page, answer in in_order(pages, route=route_page, elsewhere=engine.answer):
            yield json.dumps(_line(page, answer, profile), ensure_ascii=False)


def _line(page: Page, answer: Answer, profile: ModelProfile) -> dict[str, Any]:
    read = profile.read_answer(answer.text, PageSize.of(page)) if answer.text is not None else None
    elements = [
        asdict(element)
        | {"text_layer_agreement": text_layer_agreement(element, page.text_layer) if page.has_text else None}
        for element in (read.elements if read else ())
    ]
    return {
        "doc_id": page.doc_id,
        "page_number": page.page_number,
        "width": page.width,
        "height": page.height,
        "model": profile.name,
        "status": read.status if read else "failed",
        "error_kind": page.error_kind or answer.error_kind,
        "error": page.error or answer.error,
        "seconds": round(answer.seconds, 3),
        "elements": elements,
    }
