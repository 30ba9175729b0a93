"""What runs in the rendering processes: look into a document, or render some of its pages.

The last PDF stays open between requests, since a document comes in many small requests. It is closed now and then:
PDFium keeps what it has decoded until a document is closed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pypdfium2 as pdfium

from tasks.errors import DocumentError, PageError
from tasks.lake.rows import Page
from tasks.rasterize.content import PDF, look_into
from tasks.rasterize.image_pages import render_image_page
from tasks.rasterize.messages import DocumentProblem, InspectRequest, Opened, RenderRequest
from tasks.rasterize.pdf_pages import open_pdf, render_pdf_page

PAGES_PER_OPENING = 64


def answer(request: object) -> Iterator[object]:
    """The handler of the pool: see `messages` for what each request is answered with."""
    try:
        if isinstance(request, InspectRequest):
            yield look_into(request.path, request.password)
        elif isinstance(request, RenderRequest):
            yield from _render(request)
        else:
            raise TypeError(f"not a request: {request!r}")
    except DocumentError as error:
        yield DocumentProblem(error.kind, error.detail)


def _render(request: RenderRequest) -> Iterator[object]:
    pdf = _OPEN.document(request) if request.media_type == PDF else None
    if pdf is None and not os.path.exists(request.path):  # noqa: PTH110 - a str is what we have
        raise DocumentError("vanished", request.path)
    yield Opened(draws_forms=pdf is not None and pdf.formenv is not None)
    for page_number in range(request.first_page, request.last_page + 1):
        yield _render_page(pdf, request, page_number)


def _render_page(pdf: pdfium.PdfDocument | None, request: RenderRequest, page_number: int) -> Page:
    try:
        if pdf is None:
            return render_image_page(request.path, request.doc_id, page_number, request.settings)
        return render_pdf_page(pdf, request.doc_id, page_number, request.settings)
    except MemoryError:
        raise  # the process must go
    except PageError as error:
        problem = error
    except Exception as error:  # whatever a library raises about one page must not cost the others
        problem = PageError("page_corrupt", f"{type(error).__name__}: {error}")
    return failed_page(request.doc_id, page_number, problem)


def failed_page(doc_id: str, page_number: int, problem: PageError) -> Page:
    return Page(doc_id, page_number, status="failed", error_kind=problem.kind, error=str(problem))


class _OpenPdf:
    """At most one open PDF."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._pdf: pdfium.PdfDocument | None = None
        self._pages_promised = 0

    def document(self, request: RenderRequest) -> pdfium.PdfDocument:
        """The request's PDF, with its forms initialised if they are to be drawn (which may hang or crash)."""
        try:
            status = os.stat(request.path)  # noqa: PTH116 - a str is what we have
        except OSError as error:
            raise DocumentError("vanished", request.path) from error
        key = (request.path, status.st_ino, status.st_mtime_ns, status.st_size, request.password, request.draw_forms)
        if self._pdf is None or key != self._key or self._pages_promised >= PAGES_PER_OPENING:
            self._close()
            pdf = open_pdf(request.path, request.password)
            if request.draw_forms:
                pdf.init_forms()
            self._pdf, self._key, self._pages_promised = pdf, key, 0
        self._pages_promised += request.last_page - request.first_page + 1
        return self._pdf

    def _close(self) -> None:
        if self._pdf is not None:
            self._pdf.close()
            self._pdf = None


_OPEN = _OpenPdf()
