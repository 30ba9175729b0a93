"""Every page of every span yields one row, in order, whatever some of them do to the processes that render them."""

from __future__ import annotations

import io
import itertools
import threading
import time

import pytest
from PIL import Image
from small_documents import HANGING_FORM, SHADING_THAT_TAKES_FOREVER, SHARED, hostile_file, raw_pdf, text_pdf

from tasks.isolate import PoolClosed, WorkerPool
from tasks.rasterize.rasterize import LocalSpan, RenderSettings, rasterize_pages

FAST = RenderSettings(dpi=30, page_timeout_s=2)
FORM = (
    "/Annots[<</Type/Annot/Subtype/Widget/FT/Tx/T(name)/Rect[20 20 120 60]/V(Filled in)/DA(/F1 20 Tf 0 g)"
    "/AP<</N 90 0 R>>>>]"
)


def span_of(path, last_page, doc_id="doc", media_type="application/pdf", first_page=1):
    return LocalSpan(doc_id, str(path), media_type, first_page, last_page)


def numbers(pages):
    return [page.page_number for page in pages]


def deadly_pool(function, size=2):
    return WorkerPool(f"deadly_handlers:{function}", size, name="deadly")


@pytest.fixture
def twenty_pages(tmp_path):
    return text_pdf(tmp_path / "twenty.pdf", [f"page {number}" for number in range(1, 21)])


def test_pages_come_in_order_each_with_picture_and_text(renderers, twenty_pages):
    pages = list(rasterize_pages(renderers, [span_of(twenty_pages, 20)], RenderSettings(dpi=100)))
    assert numbers(pages) == list(range(1, 21))
    assert [page.text_layer[0].text for page in pages] == [f"page {number}" for number in range(1, 21)]
    assert {page.status for page in pages} == {"ok"}
    picture = Image.open(io.BytesIO(pages[0].image or b""))
    assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (827, 1170))
    assert (pages[0].width, pages[0].dpi, pages[0].image_format) == (595.28, 100, "jpeg")


def test_png_and_spans_of_several_documents(renderers, twenty_pages, tmp_path):
    Image.new("RGB", (30, 20)).save(tmp_path / "a.jpg")
    spans = [
        span_of(twenty_pages, 6, first_page=5),
        span_of(tmp_path / "a.jpg", 1, "picture", "image/jpeg"),
        span_of(twenty_pages, 2, first_page=2),
    ]
    pages = list(rasterize_pages(renderers, spans, RenderSettings(dpi=50, image_format="png")))
    assert [(page.doc_id, page.page_number) for page in pages] == [("doc", 5), ("doc", 6), ("picture", 1), ("doc", 2)]
    assert {Image.open(io.BytesIO(page.image or b"")).format for page in pages} == {"PNG"}


def test_render_id_names_what_shapes_the_image():
    assert RenderSettings().render_id == "200dpi-jpeg95"
    assert RenderSettings(dpi=144.5, image_format="png", page_timeout_s=1).render_id == "144.5dpi-png"
    assert RenderSettings(max_pixels=1_000_000).render_id == "200dpi-jpeg95-1000000px"


def test_a_page_too_large_is_scaled_down_and_says_so(renderers, tmp_path):
    path = raw_pdf(tmp_path / "a.pdf", ["0 0 7000 7000 re f"], box="0 0 14000 7000")
    (page,) = rasterize_pages(renderers, [span_of(path, 1)], RenderSettings(max_pixels=500_000))
    assert (page.status, page.error_kind) == ("ok", "too_large_scaled")
    assert page.image_width is not None
    assert page.image_height is not None
    assert page.image_width * page.image_height <= 500_000
    assert page.dpi == pytest.approx(page.image_width / 14000 * 72, abs=0.05)
    assert page.ink == pytest.approx(0.5, abs=0.01)


def test_a_deadly_page_costs_only_itself(twenty_pages):
    with deadly_pool("some_pages_are_deadly") as pool:
        pages = list(rasterize_pages(pool, [span_of(twenty_pages, 20)], FAST))
    assert numbers(pages) == list(range(1, 21))
    failed = {page.page_number: page.error_kind for page in pages if page.status == "failed"}
    assert failed == {3: "render_crash", 5: "render_timeout", 12: "render_memory"}
    assert all(page.image for page in pages if page.status == "ok")


@pytest.mark.parametrize("handler", ["forms_are_deadly", "drawing_forms_is_deadly"])
def test_deadly_forms_are_left_out(twenty_pages, handler):
    with deadly_pool(handler) as pool:
        pages = list(rasterize_pages(pool, [span_of(twenty_pages, 20)], FAST))
    assert numbers(pages) == list(range(1, 21))
    assert {page.status for page in pages} == {"ok"}


def test_a_document_that_cannot_be_opened_any_more_fails_page_by_page(renderers, tmp_path, twenty_pages):
    (tmp_path / "broken.pdf").write_text("%PDF-1.7 and nothing else")
    missing, broken = span_of(tmp_path / "gone.pdf", 3, "gone"), span_of(tmp_path / "broken.pdf", 2, "broken")
    pages = list(rasterize_pages(renderers, [missing, broken, span_of(twenty_pages, 1)], FAST))
    assert [page.error_kind for page in pages] == ["vanished"] * 3 + ["page_corrupt"] * 2 + [None]
    with deadly_pool("die", 1) as pool:
        pages = list(rasterize_pages(pool, [span_of(twenty_pages, 3)], FAST))
    assert [page.error_kind for page in pages] == ["render_crash"] * 3


def test_an_encrypted_document_is_rendered_with_its_password(renderers, tmp_path):
    path = text_pdf(tmp_path / "a.pdf", ["secret"], owner_password="owner", user_password="user")
    (page,) = rasterize_pages(renderers, [span_of(path, 1)], FAST, "user")
    assert page.text_layer[0].text == "secret"


def test_pages_that_a_lying_page_tree_promises_are_failed_rows(renderers, tmp_path):
    path = raw_pdf(tmp_path / "a.pdf", ["0 0 9 9 re f"])
    path.write_text(path.read_text().replace("/Count 1", "/Count 12"))
    pages = list(rasterize_pages(renderers, [span_of(path, 12)], FAST))
    assert [page.status for page in pages] == ["ok"] + ["failed"] * 11
    assert {page.error_kind for page in pages[1:]} == {"page_corrupt"}


def test_form_fields_are_drawn(renderers, tmp_path):
    path = raw_pdf(tmp_path / "a.pdf", [""], extra=FORM)
    stream = "0 0 100 40 re f"
    form = f"<</Type/XObject/Subtype/Form/BBox[0 0 100 40]/Length {len(stream)}>>"
    appearance = f"90 0 obj {form} stream\n{stream}\nendstream endobj"
    path.write_text(
        path.read_text()
        .replace("/Type/Catalog", "/Type/Catalog/AcroForm<</Fields[91 0 R]/DA(/F1 20 Tf 0 g)>>")
        .replace("\ntrailer", f"\n{appearance}\ntrailer")
    )
    (page,) = rasterize_pages(renderers, [span_of(path, 1)], RenderSettings(dpi=72))
    assert page.ink == pytest.approx(100 * 40 / (200 * 100), abs=0.03)


def test_the_workers_run_ahead_only_as_far_as_the_window_goes(renderers, twenty_pages):
    taken = []

    def spans():
        for number in itertools.count(1):
            taken.append(number)
            yield span_of(twenty_pages, 20, f"doc {number}")

    pages = rasterize_pages(renderers, spans(), FAST, window_pages=40, window_bytes=100_000)
    next(pages)
    time.sleep(0.5)
    assert len(taken) <= 3
    pages.close()


def test_closing_the_pool_stops_the_pages_instead_of_failing_them(twenty_pages):
    with deadly_pool("some_pages_are_deadly") as pool:
        pages = rasterize_pages(pool, [span_of(twenty_pages, 20)], RenderSettings(dpi=30, page_timeout_s=60))
        assert numbers(itertools.islice(pages, 4)) == [1, 2, 3, 4]
        threading.Timer(0.3, pool.close).start()
        with pytest.raises(PoolClosed):
            list(pages)


def test_abandoned_pages_leave_the_pool_usable(renderers, twenty_pages):
    pages = rasterize_pages(renderers, [span_of(twenty_pages, 20)] * 5, FAST)
    next(pages)
    pages.close()
    assert numbers(rasterize_pages(renderers, [span_of(twenty_pages, 3)], FAST)) == [1, 2, 3]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared test data is not on this machine")
def test_a_form_that_hangs_pdfium_is_left_out_within_the_limit(renderers):
    started = time.monotonic()
    (page,) = rasterize_pages(renderers, [span_of(hostile_file(HANGING_FORM), 1)], FAST)
    assert (page.status, page.error_kind) == ("ok", None)
    assert time.monotonic() - started < 10


@pytest.mark.skipif(not SHARED.exists(), reason="the shared test data is not on this machine")
def test_a_page_that_takes_forever_is_stopped(renderers):
    (page,) = rasterize_pages(renderers, [span_of(hostile_file(SHADING_THAT_TAKES_FOREVER), 1)], FAST)
    assert (page.status, page.error_kind) == ("failed", "render_timeout")
