"""Files made to cost more than they look end as pages, or as rows that say why, in bounded time and memory."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import bombs
import pytest
from PIL import Image
from small_documents import raw_pdf

from tasks.errors import DocumentError
from tasks.lake.rows import Page
from tasks.rasterize.inspect import inspect_document
from tasks.rasterize.rasterize import WORKER_MEMORY_BYTES, LocalSpan, RenderSettings, open_renderers, rasterize_pages

pytestmark = pytest.mark.integration
SETTINGS = RenderSettings(dpi=100, page_timeout_s=5)
MOST_PAGES = 3

Make = Callable[[Path], Path]
BOMBS: dict[str, tuple[Make, set[str | None]]] = {
    "png of 60,000 pixels a side": (lambda p: bombs.png(p, 60_000), {"render_memory"}),
    "png of 10,000, cut off": (lambda p: bombs.png(p, 10_000), {"page_corrupt"}),
    "png with a comment of 2 GB": (lambda p: bombs.png_text(p, 2 << 30), {None, "corrupt", "page_corrupt"}),
    "tiff of 60,000 a side": (lambda p: bombs.tiff(p, 60_000), {"render_memory"}),
    "tiff of 4,000,000 a side": (lambda p: bombs.tiff(p, 4_000_000), {"render_memory", "page_corrupt"}),
    "tiff of 20,000 frames": (lambda p: bombs.tiff(p, 64, 20_000), {None, "page_corrupt", "corrupt"}),
    "webp canvas of 16,383 a side": (lambda p: bombs.webp(p, 16_383), {"render_memory", "page_corrupt", "corrupt"}),
    "webp canvas of 65,000 a side": (lambda p: bombs.webp(p, 65_000), {"render_memory", "page_corrupt", "corrupt"}),
    "jpeg of 65,500 a side": (lambda p: bombs.jpeg(p, 65_500, progressive=False), {"too_large_scaled"}),
    "progressive jpeg of 65,500": (
        lambda p: bombs.jpeg(p, 65_500, progressive=True),
        {"page_corrupt", "render_memory"},
    ),
    "pdf with a jbig2 of 60,000": (lambda p: bombs.jbig2(p, 60_000), {None, "render_memory", "render_timeout"}),
    "pdf with a picture of 1.2 GB": (lambda p: bombs.flate(p, 20_000), {None, "render_memory", "render_timeout"}),
    "the same packed twice": (lambda p: bombs.flate(p, 20_000, packed_twice=True), {None, "render_memory"}),
    "pdf with a form that draws itself": (lambda p: bombs.forms(p, 1, 10), {None, "render_timeout", "render_memory"}),
    "pdf with forms in forms": (lambda p: bombs.forms(p, 12, 10), {None, "render_timeout", "render_memory"}),
    "pdf of 14,400 points a side": (lambda p: raw_pdf(p, ["0 0 9 9 re f"], "0 0 14400 14400"), {"too_large_scaled"}),
}


def read(pool, path: Path) -> list[Page]:
    facts = inspect_document(pool, str(path), None, SETTINGS.page_timeout_s)
    span = LocalSpan("doc", str(path), facts.media_type, 1, min(facts.page_count, MOST_PAGES))
    return list(rasterize_pages(pool, [span], SETTINGS))


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_costs_its_page_and_no_more(tmp_path, name):
    make, expected = BOMBS[name]
    path = make(tmp_path / "bomb")
    started = time.monotonic()
    with open_renderers(1) as pool:
        try:
            kinds = {page.error_kind for page in read(pool, path)}
        except DocumentError as error:
            kinds = {error.kind}
        assert pool.peak_memory_bytes <= WORKER_MEMORY_BYTES
    assert kinds
    assert kinds <= expected
    # Looking into it, and each page twice: with and without form fields. A busy machine is given as much again.
    assert time.monotonic() - started < 2 * (1 + 2 * MOST_PAGES) * SETTINGS.page_timeout_s


def test_a_hundred_thousand_pages_are_counted_and_any_of_them_is_rendered(tmp_path):
    path = bombs.many_pages(tmp_path / "many.pdf", 100_000)
    with open_renderers(1) as pool:
        facts = inspect_document(pool, str(path), None, 60)
        assert facts.page_count == 100_000
        [page] = rasterize_pages(pool, [LocalSpan("doc", str(path), facts.media_type, 99_999, 99_999)], SETTINGS)
        assert page.status == "ok"
        assert pool.peak_memory_bytes <= WORKER_MEMORY_BYTES


@pytest.mark.parametrize(("mode", "side"), [("RGB", 12_000), ("RGBA", 8_000), ("L", 20_000)])
def test_a_large_scan_that_is_no_bomb_is_read_within_the_same_memory(tmp_path, mode, side):
    Image.new(mode, (side, side)).save(tmp_path / "large.png", compress_level=1)
    with open_renderers(1) as pool:
        [page] = read(pool, tmp_path / "large.png")
        assert (page.status, page.error_kind) == ("ok", "too_large_scaled")
        assert pool.peak_memory_bytes <= WORKER_MEMORY_BYTES
