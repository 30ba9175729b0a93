"""PDF pages to `Page` rows with PDFium. Runs in the child processes, where PDFium may crash.

Coordinates, sizes and the text layer come from one `PageFrame`. Rendering goes through PDFium's own calls into one
buffer that lives as long as the process: allocating and clearing 15 MB a page costs as much as a simple page itself.
"""

from __future__ import annotations

import ctypes
import math
import os

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray
from PIL import Image

from tasks.errors import DocumentError, PageError
from tasks.lake.rows import Page
from tasks.rasterize.geometry import PageFrame, PictureSize, picture_size
from tasks.rasterize.messages import RenderSettings
from tasks.rasterize.picture import encode, ink
from tasks.rasterize.text_layer import text_lines

_BYTES_PER_PIXEL = 4
"""RGBX: PDFium draws it fastest, and Pillow's JPEG encoder reads it where it lies."""
_KEPT_BUFFER_BYTES = 48 << 20
_WHITE = 0xFF
_FLAGS = pdfium_c.FPDF_ANNOT | pdfium_c.FPDF_REVERSE_BYTE_ORDER


def open_pdf(path: str, password: str | None) -> pdfium.PdfDocument:
    """Open a PDF.

    Raises:
        DocumentError: `encrypted`, `password_wrong`, `corrupt`, `no_pages`.
    """
    # Not pypdfium2's own opening: it takes a document without pages for a failure, and tells an earlier one's error.
    handle = pdfium_c.FPDF_LoadDocument(os.fsencode(path), password.encode() if password else None)
    if not handle:
        raise _opening_error(pdfium_c.FPDF_GetLastError(), password)
    pdf = pdfium.PdfDocument(handle)
    if len(pdf) < 1:
        pdf.close()
        raise DocumentError("no_pages")
    return pdf


def _opening_error(code: int, password: str | None) -> DocumentError:
    if code == pdfium_c.FPDF_ERR_PASSWORD:
        return DocumentError("password_wrong" if password else "encrypted")
    if code == pdfium_c.FPDF_ERR_SECURITY:
        return DocumentError("corrupt", "Encrypted in a way that PDFium does not know")
    return DocumentError("corrupt", "PDFium cannot parse it as a PDF")


def render_pdf_page(pdf: pdfium.PdfDocument, doc_id: str, page_number: int, settings: RenderSettings) -> Page:
    """Picture and text layer of one page; form fields are drawn if the document's forms have been initialised.

    Raises:
        PageError: `page_corrupt`.
    """
    try:
        page = pdf[page_number - 1]
    except pdfium.PdfiumError as error:
        raise PageError("page_corrupt", "PDFium cannot load the page") from error
    try:
        frame = _frame(page)
        size = picture_size(frame.width_pt, frame.height_pt, settings.dpi, settings.max_pixels)
        image, ink_fraction = _picture(page, size, settings)
        lines = text_lines(page, frame)
    finally:
        page.close()
    problem = _scaled_down(size, settings) if size.scaled_down else None
    return Page(
        doc_id,
        page_number,
        width=round(frame.width_pt, 3),
        height=round(frame.height_pt, 3),
        rotation=frame.rotation,
        image=image,
        image_format=settings.image_format,
        image_width=size.width_px,
        image_height=size.height_px,
        dpi=round(size.dpi, 3),
        text_layer=lines,
        has_text=bool(lines),
        ink=ink_fraction,
        error_kind=problem.kind if problem else None,
        error=str(problem) if problem else None,
    )


def _frame(page: pdfium.PdfPage) -> PageFrame:
    frame = PageFrame(*page.get_bbox(), rotation=page.get_rotation())
    sides = (frame.width_pt, frame.height_pt)
    if not all(math.isfinite(side) and side > 0 for side in sides):
        raise PageError("page_corrupt", f"The page measures {sides[0]:g} x {sides[1]:g} points")
    return frame


def _scaled_down(size: PictureSize, settings: RenderSettings) -> PageError:
    return PageError("too_large_scaled", f"Rendered at {size.dpi:.3g} instead of {settings.dpi:g} dpi")


def _picture(page: pdfium.PdfPage, size: PictureSize, settings: RenderSettings) -> tuple[bytes, float]:
    width, height, stride = size.width_px, size.height_px, size.width_px * _BYTES_PER_PIXEL
    buffer = _borrow_buffer(stride * height)
    address = buffer.ctypes.data_as(ctypes.c_void_p)
    bitmap = pdfium_c.FPDFBitmap_CreateEx(width, height, pdfium_c.FPDFBitmap_BGRx, address, stride)
    if not bitmap:
        raise MemoryError(f"no bitmap of {width} x {height} pixels")
    try:
        buffer.fill(_WHITE)
        area = (0, 0, width, height, 0, _FLAGS)
        pdfium_c.FPDF_RenderPageBitmap(bitmap, page, *area)
        if page.formenv:
            pdfium_c.FPDF_FFLDraw(page.formenv, bitmap, page, *area)
    finally:
        pdfium_c.FPDFBitmap_Destroy(bitmap)
    image = Image.frombuffer("RGBX", (width, height), buffer, "raw", "RGBX", stride, 1)
    return encode(image, settings), ink(buffer.reshape(height, width, _BYTES_PER_PIXEL))


class _Buffer:
    """The process's drawing board; it grows with the pages, and a gigantic one is not kept."""

    kept: NDArray[np.uint8] = np.empty(0, np.uint8)


def _borrow_buffer(size: int) -> NDArray[np.uint8]:
    if _Buffer.kept.size < size:
        _Buffer.kept = np.empty(0, np.uint8)
        buffer = np.empty(size, np.uint8)
        if size > _KEPT_BUFFER_BYTES:
            return buffer
        _Buffer.kept = buffer
    return _Buffer.kept[:size]
