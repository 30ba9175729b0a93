"""What a file is, by its content; every way in which it is none has its own kind."""

from __future__ import annotations

import zipfile

import pytest
from PIL import Image
from small_documents import raw_pdf, text_pdf

from tasks.errors import DocumentError
from tasks.isolate import WorkerPool
from tasks.rasterize.inspect import DocumentInspector, inspect_document

NO_PAGES = (
    b"%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[]/Count 0>>\nendobj\n"
    b"xref\n0 3\n0000000000 65535 f \n0000000009 00000 n \n0000000054 00000 n \n"
    b"trailer\n<</Size 3/Root 1 0 R>>\nstartxref\n100\n%%EOF\n"
)


def kind_of(renderers, path, password=None):
    with pytest.raises(DocumentError) as caught:
        inspect_document(renderers, str(path), password, 30)
    return caught.value.kind


def test_a_pdf_tells_pages_title_and_author_whatever_its_name(renderers, tmp_path):
    path = text_pdf(tmp_path / "invoice.jpg", ["one", "two", "three"])
    facts = DocumentInspector(renderers, None, 30)(path)
    assert (facts.media_type, facts.page_count) == ("application/pdf", 3)
    assert (facts.title, facts.author) == ("A title", "An author")


def test_junk_before_the_header_is_forgiven(renderers, tmp_path):
    path = text_pdf(tmp_path / "a.pdf", ["one"])
    path.write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + path.read_bytes())
    assert inspect_document(renderers, str(path), None, 30).page_count == 1


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [("png", "image/png"), ("jpg", "image/jpeg"), ("webp", "image/webp"), ("tif", "image/tiff")],
)
def test_pictures_are_known_by_content(renderers, tmp_path, suffix, media_type):
    Image.new("RGB", (30, 20)).save(tmp_path / f"a.{suffix}")
    path = (tmp_path / f"a.{suffix}").rename(tmp_path / "a.pdf")
    facts = inspect_document(renderers, str(path), None, 30)
    assert (facts.media_type, facts.page_count) == (media_type, 1)


def test_frames_of_a_tiff_are_pages_but_an_animation_is_one_page(renderers, tmp_path):
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "green", "blue")]
    frames[0].save(tmp_path / "a.tif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:])
    assert inspect_document(renderers, str(tmp_path / "a.tif"), None, 30).page_count == 3
    assert inspect_document(renderers, str(tmp_path / "a.webp"), None, 30).page_count == 1


def test_what_is_no_document_says_what_it_looks_like(renderers, tmp_path):
    (tmp_path / "empty.pdf").touch()
    (tmp_path / "notes.pdf").write_text("just some text")
    with zipfile.ZipFile(tmp_path / "letter.docx", "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert kind_of(renderers, tmp_path / "empty.pdf") == "empty"
    assert kind_of(renderers, tmp_path / "notes.pdf") == "not_a_document"
    with pytest.raises(DocumentError, match="ZIP archive or an Office document"):
        inspect_document(renderers, str(tmp_path / "letter.docx"), None, 30)
    assert kind_of(renderers, tmp_path / "missing.pdf") == "vanished"


def test_encrypted_documents_open_with_their_password_only(renderers, tmp_path):
    path = text_pdf(tmp_path / "a.pdf", ["secret"], owner_password="owner", user_password="user")
    assert kind_of(renderers, path) == "encrypted"
    assert kind_of(renderers, path, "wrong") == "password_wrong"
    assert inspect_document(renderers, str(path), "user", 30).page_count == 1


def test_a_password_does_no_harm_to_open_documents(renderers, tmp_path):
    path = text_pdf(tmp_path / "a.pdf", ["open"])
    assert inspect_document(renderers, str(path), "user", 30).page_count == 1


def test_broken_documents_are_corrupt(renderers, tmp_path):
    whole = text_pdf(tmp_path / "a.pdf", ["one"]).read_bytes()
    (tmp_path / "half.pdf").write_bytes(whole[: len(whole) // 3])
    (tmp_path / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\x00" * 50)
    assert kind_of(renderers, tmp_path / "half.pdf") == "corrupt"
    assert kind_of(renderers, tmp_path / "half.png") == "corrupt"


def test_a_page_tree_without_pages_and_one_with_a_million(renderers, tmp_path):
    (tmp_path / "none.pdf").write_bytes(NO_PAGES)
    assert kind_of(renderers, tmp_path / "none.pdf") == "no_pages"
    million = raw_pdf(tmp_path / "million.pdf", [""])
    million.write_text(million.read_text().replace("/Count 1", "/Count 1000000"))
    assert kind_of(renderers, million) == "too_many_pages"


def test_a_file_that_kills_the_process_that_opens_it_is_corrupt(tmp_path):
    with WorkerPool("deadly_handlers:die", 1, name="deadly") as pool, pytest.raises(DocumentError) as caught:
        inspect_document(pool, str(text_pdf(tmp_path / "a.pdf", ["one"])), None, 30)
    assert caught.value.kind == "corrupt"
