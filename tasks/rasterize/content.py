"""What a file is, by its content: media type, pages, title, author. Runs in the child processes.

A look, not a check: pages that cannot be rendered show when they are rendered.
"""

from __future__ import annotations

import os
from pathlib import Path

import pypdfium2 as pdfium
from PIL import Image

from tasks.errors import DocumentError
from tasks.rasterize.image_pages import frame_count, open_image
from tasks.rasterize.messages import MAX_PAGES, DocumentFacts
from tasks.rasterize.pdf_pages import open_pdf

PDF = "application/pdf"
_HEAD_BYTES = 1024
"""How far into a file PDFium looks for %PDF-; mail gateways and web servers put junk before it."""
_IMAGE_MARKS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"II*\x00": "image/tiff",
    b"MM\x00*": "image/tiff",
    b"II+\x00": "image/tiff",
    b"MM\x00+": "image/tiff",
}
_OTHER_MARKS = {
    b"PK\x03\x04": "a ZIP archive or an Office document",
    b"\xd0\xcf\x11\xe0": "an old Office document",
    b"GIF8": "a GIF image",
    b"BM": "a BMP image",
    b"\x00\x00\x00\x0cjP": "a JPEG 2000 image",
    b"\xff\x4f\xff\x51": "a JPEG 2000 image",
    b"%!PS": "PostScript",
    b"{\\rtf": "an RTF document",
    b"\x1f\x8b": "a gzip archive",
    b"AT&TFORM": "a DjVu document",
}


def look_into(path: str, password: str | None) -> DocumentFacts:
    """Facts of one local file.

    Raises:
        DocumentError: `empty`, `not_a_document`, `encrypted`, `password_wrong`, `corrupt`, `no_pages`,
            `too_many_pages`, `vanished`, `unreadable_source`.
    """
    media_type = media_type_of(_read_head(path))
    facts = _pdf_facts(path, password) if media_type == PDF else _image_facts(path, media_type)
    if facts.page_count < 1:
        raise DocumentError("no_pages")
    if facts.page_count > MAX_PAGES:
        raise DocumentError("too_many_pages", f"It claims {facts.page_count:,} pages; the limit is {MAX_PAGES:,}")
    return facts


def media_type_of(head: bytes) -> str:
    """Media type by the first kilobyte of a file.

    Raises:
        DocumentError: `empty`, `not_a_document`.
    """
    if not head:
        raise DocumentError("empty")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    for mark, media_type in _IMAGE_MARKS.items():
        if head.startswith(mark):
            return media_type
    if b"%PDF-" in head or head.startswith(b"%PDF"):
        return PDF
    known = next((name for mark, name in _OTHER_MARKS.items() if head.startswith(mark)), None)
    raise DocumentError("not_a_document", f"It looks like {known}" if known else "")


def _read_head(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return file.read(_HEAD_BYTES)
    except FileNotFoundError as error:
        raise DocumentError("vanished", os.fspath(path)) from error
    except OSError as error:
        raise DocumentError("unreadable_source", str(error)) from error


def _pdf_facts(path: str, password: str | None) -> DocumentFacts:
    with open_pdf(path, password) as pdf:
        return DocumentFacts(PDF, len(pdf), _metadata(pdf, "Title"), _metadata(pdf, "Author"))


def _metadata(pdf: pdfium.PdfDocument, key: str) -> str | None:
    text = "".join(character if character.isprintable() else " " for character in pdf.get_metadata_value(key))
    return " ".join(text.encode("utf-8", "ignore").decode().split()) or None


def _image_facts(path: str, media_type: str) -> DocumentFacts:
    try:
        with open_image(path) as image:
            return DocumentFacts(media_type, frame_count(image), _text_of(image, "Title"), _text_of(image, "Author"))
    except Exception as error:  # Pillow's readers raise whatever broken files make them raise
        raise DocumentError("corrupt", f"Pillow cannot read it: {error}") from error


def _text_of(image: Image.Image, key: str) -> str | None:
    """What PNG calls Title and Author."""
    value = image.info.get(key)
    return " ".join(value.split())[:1000] or None if isinstance(value, str) else None
