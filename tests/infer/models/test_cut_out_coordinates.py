"""The contract of coordinates for cut-outs: the box is cpu-layout's, and what the model is shown is what is in it."""

from __future__ import annotations

import io
import math
from base64 import b64decode
from pathlib import Path

import numpy as np
import pypdfium2 as pdfium
import pytest
from fpdf import FPDF
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tasks.infer.engines.cut_out_recipe import CutOut, CutOutReply
from tasks.infer.engines.cut_request import Cut, CutRequest, PixelBox
from tasks.infer.engines.cut_worker import cut
from tasks.infer.models import cpu_layout
from tasks.infer.models.cut_out_planner import CutOutPlanner, pixels_of, sent_size
from tasks.infer.models.paddleocr_vl import PROFILE
from tasks.infer.models.picture_plan import PixelSize
from tasks.infer.profile import PageSize
from tasks.lake.rows import Element, Page
from tasks.rasterize.geometry import picture_size
from tasks.rasterize.inspect import DocumentInspector
from tasks.rasterize.rasterize import LocalSpan, RenderSettings, open_renderers, rasterize_pages

SIDES = st.floats(3, 14_400)
PAGES = st.one_of(
    st.tuples(SIDES, SIDES),
    st.sampled_from([(595.3, 841.9), (841.9, 595.3), (3, 3), (72, 3_600), (3_600, 72), (14_400, 3)]),
)
DPIS = st.sampled_from([36, 72, 144, 200, 600])
SMALL = 2_000_000
"""Pixels of a page: the test draws each."""
INK, PAPER = (20, 60, 200), (255, 255, 255)


def element(x0: float, y0: float, x1: float, y1: float) -> Element:
    return Element("Text", "text", x0, y0, x1, y1, "words")


def page_of(width: float, height: float, dpi: float) -> PageSize:
    picture = picture_size(width, height, dpi, SMALL)
    return PageSize(width, height, picture.width_px, picture.height_px)


def boxes_on(data: st.DataObject, size: PageSize) -> Element:
    """Anything between a point and the page, strips of one to fifty among them."""
    x0, y0 = data.draw(st.floats(0, size.width)), data.draw(st.floats(0, size.height))
    x1, y1 = data.draw(st.floats(x0, size.width)), data.draw(st.floats(y0, size.height))
    shape = data.draw(st.sampled_from(["any", "point", "wide", "tall"]))
    if shape == "point":
        x1, y1 = x0, y0
    elif shape == "wide":
        y1 = min(size.height, y0 + (x1 - x0) / 50)
    elif shape == "tall":
        x1 = min(size.width, x0 + (y1 - y0) / 50)
    return element(x0, y0, x1, y1)


@settings(max_examples=300)
@given(page=PAGES, dpi=DPIS, margin=st.floats(0, 20), data=st.data())
def test_the_cut_covers_the_box_and_its_margin_and_nothing_more(page: tuple, dpi: float, margin: float, data):
    size = page_of(*page, dpi)
    box = boxes_on(data, size)
    pixels = pixels_of(box, size, margin)
    assert size.image_width and size.image_height
    across, down = size.image_width / size.width, size.image_height / size.height
    assert 0 <= pixels.x0 < pixels.x1 <= size.image_width
    assert 0 <= pixels.y0 < pixels.y1 <= size.image_height
    spans = [
        (pixels.x0, pixels.x1, box.x0, box.x1, across, size.image_width),
        (pixels.y0, pixels.y1, box.y0, box.y1, down, size.image_height),
    ]
    for first, behind, start, end, scale, side in spans:
        assert first <= max(0.0, start * scale) + 1e-6 and behind >= min(side, end * scale) - 1e-6
        assert behind - first <= (end - start + 2 * margin) * scale + 2


@settings(max_examples=40)
@given(page=PAGES, dpi=DPIS, data=st.data())
def test_a_cut_out_shows_its_box(page: tuple, dpi: float, data: st.DataObject):
    """A coloured box on white paper, cut with no margin, is all of that colour; with one it has white around it."""
    size = page_of(*page, dpi)
    box = boxes_on(data, size)
    assert size.image_width and size.image_height
    inner, outer = pixels_of(box, size, 0.0), pixels_of(box, size, PROFILE.cut_outs.margin_pt)
    picture = Image.new("RGB", (size.image_width, size.image_height), PAPER)
    picture.paste(INK, tuple(inner))
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    cuts = tuple(Cut(pixels, sent(pixels)) for pixels in (inner, outer))
    shown, with_margin = (pixels_in(made) for made in cut(CutRequest(file.getvalue(), cuts, "png")))
    assert shown.shape[:2] == cuts[0].size[::-1]
    assert np.abs(shown.astype(int) - INK).max() <= 2
    assert with_margin.shape[:2] == cuts[1].size[::-1]
    if min(cuts[1].size) < 30 or cuts[1].size != (outer.x1 - outer.x0, outer.y1 - outer.y0):
        return  # so few pixels, or resized ones, have soft edges
    dark = (np.abs(with_margin.astype(int) - INK).max(axis=2) < 40).mean()
    covered = (inner.x1 - inner.x0) * (inner.y1 - inner.y0)
    share = covered / ((outer.x1 - outer.x0) * (outer.y1 - outer.y0))
    assert dark == pytest.approx(share, abs=0.01)


def sent(box: PixelBox) -> PixelSize:
    return sent_size(PixelSize(box.x1 - box.x0, box.y1 - box.y0), PROFILE.picture)


def pixels_in(base64: object) -> np.ndarray:
    assert isinstance(base64, bytes)
    with Image.open(io.BytesIO(b64decode(base64))) as image:
        return np.asarray(image.convert("RGB"))


@settings(max_examples=500)
@given(width=st.integers(1, 20_000), height=st.integers(1, 20_000))
def test_the_server_takes_a_cut_out_of_any_shape(width: int, height: int):
    plan, size = PROFILE.picture, sent_size(PixelSize(width, height), PROFILE.picture)
    assert min(size) >= plan.factor
    assert max(size) <= plan.max_aspect * min(size)
    assert math.prod(size) <= plan.max_pixels
    if max(width, height) <= 50 * min(width, height):  # whatever is not a hair keeps its shape
        assert size.width / size.height == pytest.approx(width / height, rel=0.2)  # the processor's grid
    if min(width, height) >= plan.factor and width * height <= plan.max_pixels and max(width, height) <= 50 * 28:
        assert size == (width, height)


@settings(max_examples=200)
@given(page=PAGES, dpi=DPIS, data=st.data())
def test_boxes_come_back_exactly(page: tuple, dpi: float, data: st.DataObject):
    size = page_of(*page, dpi)
    boxes = [boxes_on(data, size) for _ in range(3)]
    stored = Page("d", 1, size.width, size.height, 0, b"", "png", size.image_width, size.image_height, dpi)
    plan = CutOutPlanner(PROFILE).plan(cpu_layout.write_answer(boxes), stored)
    failed = plan.answer([reply_of(cut_out) for cut_out in plan.cut_outs])
    for box, came in zip(boxes, PROFILE.read_answer(failed, size).elements, strict=True):
        edges = [
            min(round(edge, 2), side) for edge, side in zip(edges_of(box), [size.width, size.height] * 2, strict=True)
        ]
        assert edges_of(came) == edges


def edges_of(box: Element) -> list[float]:
    return [box.x0, box.y0, box.x1, box.y1]


def reply_of(_: CutOut) -> CutOutReply:
    return CutOutReply("read", "stop", "ok", 4)


COLOURS = {"red": (220, 20, 20), "green": (20, 160, 20), "blue": (20, 20, 220), "black": (0, 0, 0)}


@pytest.mark.integration
@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize(("dpi", "image_format"), [(72, "png"), (200, "jpeg")])
def test_on_a_turned_page_each_cut_out_has_the_colour_of_its_box(
    tmp_path: Path, rotation: int, dpi: float, image_format
):
    """Drawn in a PDF's own space, rendered as pages are, asked for in points of the page as displayed."""
    width, height = 300.0, 200.0
    places = {"red": (10, 20, 60, 30), "green": (200, 20, 4, 160), "blue": (20, 150, 150, 3), "black": (260, 100, 8, 8)}
    pdf = FPDF(unit="pt", format=(width, height))
    pdf.add_page()
    for name, (x, y, wide, high) in places.items():
        pdf.set_fill_color(*COLOURS[name])
        pdf.rect(x, y, wide, high, style="F")
    pdf.output(str(tmp_path / "upright.pdf"))
    path = turned(tmp_path / "upright.pdf", tmp_path / "turned.pdf", rotation)
    with open_renderers(1) as renderers:
        facts = DocumentInspector(renderers, None, 60)(path)
        span = LocalSpan("d", str(path), facts.media_type, 1, 1)
        settings_ = RenderSettings(dpi=dpi, image_format=image_format, page_timeout_s=60)
        [page] = rasterize_pages(renderers, [span], settings_, None)
    displayed = {name: as_displayed(place, width, height, rotation) for name, place in places.items()}
    plan = CutOutPlanner(PROFILE).plan(cpu_layout.write_answer(displayed.values()), page)
    assert page.image is not None
    request = CutRequest(page.image, tuple(cut_out.cut for cut_out in plan.cut_outs), image_format)
    for name, made in zip(displayed, cut(request), strict=True):
        seen = pixels_in(made)
        middle = seen[seen.shape[0] // 2, seen.shape[1] // 2]
        assert np.abs(middle.astype(int) - COLOURS[name]).max() < 60, (name, middle)
        corner = seen[0, 0]  # the margin
        assert corner.min() > 180, (name, corner)


def turned(source: Path, path: Path, rotation: int) -> Path:
    with pdfium.PdfDocument(source) as pdf:
        pdf[0].set_rotation(rotation)
        pdf.save(path)
    return path


def as_displayed(place: tuple[float, ...], width: float, height: float, rotation: int) -> Element:
    """A box (x, y, width, height from the top left, unrotated) on the page turned clockwise."""
    x, y, wide, high = place
    x0, y0, x1, y1 = x, y, x + wide, y + high
    for _ in range(rotation // 90):
        x0, y0, x1, y1 = height - y1, x0, height - y0, x1
        width, height = height, width
    return element(x0, y0, x1, y1)
