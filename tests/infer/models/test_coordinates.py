"""The contract of coordinates: a box on the page, seen by the model in its own space, comes back to the same place.

Each profile's picture plan says how large the model sees the page; the answer is written as the model would, in whole
numbers of its space; `read_answer` brings it back to points. Rotation has been applied before a page is a picture, so
a landscape page is a rotated one.
"""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw

from tasks.errors import UsageError
from tasks.infer.cpu.geometry import Box, iou
from tasks.infer.models import deepseek_ocr, deepseek_ocr_2, dots_ocr, find_profile, got_ocr2, paddleocr_vl, pp_docbee
from tasks.infer.models.chat_profile import ChatProfile, stored_size
from tasks.infer.models.picture_plan import PicturePlan, PixelSize
from tasks.infer.profile import PageSize
from tasks.rasterize.geometry import picture_size

MIN_IOU = 0.98
MAX_PIXELS = 50_000_000
SMALLEST_UNITS = 120
"""Sides of a box in the model's whole numbers: half a unit at each edge of fewer would cost more than 2 % alone."""

Write = Callable[[list[int]], str]


def as_json(box: list[int]) -> str:
    return json.dumps([{"bbox": box, "category": "Text", "text": "here"}])


def as_tags(box: list[int]) -> str:
    return f"<|ref|>text<|/ref|><|det|>[{box}]<|/det|>\nhere"


def as_located(box: list[int]) -> str:
    return f"<|ref|>here<|/ref|><|det|>[{box}]<|/det|>"


PLACED: list[tuple[ChatProfile, Write]] = [
    (dots_ocr.PROFILE, as_json),
    (dots_ocr.LAYOUT_PROFILE, as_json),
    (deepseek_ocr.PROFILE, as_tags),
    (deepseek_ocr.LINES_PROFILE, as_located),
    (deepseek_ocr_2.PROFILE, as_tags),
]
UNPLACED = [
    dots_ocr.TEXT_PROFILE,
    deepseek_ocr.TEXT_PROFILE,
    deepseek_ocr_2.TEXT_PROFILE,
    *got_ocr2.PROFILES,
    *pp_docbee.PROFILES,
]
PLANS = [profile.picture for profile in (dots_ocr.PROFILE, paddleocr_vl.PROFILE, deepseek_ocr.PROFILE)]
every_placed = pytest.mark.parametrize(("profile", "write"), PLACED, ids=[profile.name for profile, _ in PLACED])

SIDES = st.floats(3, 14_400)
"""Points: from a stamp to the largest page that a PDF may have."""
PAGES = st.one_of(
    st.tuples(SIDES, SIDES),
    st.sampled_from([(595.3, 841.9), (841.9, 595.3), (3, 3), (72, 3_600), (3_600, 72), (14_400, 14_400), (14_400, 3)]),
)


def page_of(width: float, height: float, dpi: float) -> PageSize:
    picture = picture_size(width, height, dpi, MAX_PIXELS)
    return PageSize(width, height, picture.width_px, picture.height_px)


def model_box(page: PageSize, box: Box, profile: ChatProfile) -> list[int]:
    """The box as the model writes it: whole numbers of its space, which is that of the picture it sees."""
    if profile.box_grid is not None:
        across = down = profile.box_grid
    else:
        across, down = profile.picture.seen(PixelSize(page.image_width or 0, page.image_height or 0))
    return [
        round(box.x0 / page.width * across),
        round(box.y0 / page.height * down),
        round(box.x1 / page.width * across),
        round(box.y1 / page.height * down),
    ]


def units(page: PageSize, profile: ChatProfile) -> tuple[float, float]:
    """How long one of the model's whole numbers is, in points."""
    space = profile.space(page)
    return page.width / space.width, page.height / space.height


@every_placed
@settings(max_examples=300, deadline=None)
@given(page=PAGES, dpi=st.sampled_from([36, 72, 144, 200, 600]), data=st.data())
def test_a_box_comes_back_to_its_place(
    profile: ChatProfile, write: Write, page: tuple, dpi: float, data: st.DataObject
):
    size = page_of(*page, dpi)
    spans = []
    for unit, side in zip(units(size, profile), (size.width, size.height), strict=True):
        if unit * SMALLEST_UNITS >= side:
            spans.append((0.0, side))  # as many whole numbers as there are
            continue
        start = data.draw(st.floats(0, side - unit * SMALLEST_UNITS))
        nearest = min(start + unit * SMALLEST_UNITS, side)  # rounding can put it a little beyond
        spans.append((start, data.draw(st.floats(nearest, side))))
    (x0, x1), (y0, y1) = spans
    box = Box(x0, y0, x1, y1)
    (element,) = profile.read_answer(write(model_box(size, box, profile)), size).elements
    assert iou(box, element) >= MIN_IOU


@every_placed
@settings(max_examples=200, deadline=None)
@given(page=PAGES, dpi=st.sampled_from([36, 72, 144, 200, 600]), data=st.data())
def test_what_the_model_can_say_is_exact(
    profile: ChatProfile, write: Write, page: tuple, dpi: float, data: st.DataObject
):
    size = page_of(*page, dpi)
    space = profile.space(size)
    xs, ys = (sorted(data.draw(st.tuples(*[st.integers(0, int(side))] * 2))) for side in space)
    across, down = units(size, profile)
    (element,) = profile.read_answer(write([xs[0], ys[0], xs[1], ys[1]]), size).elements
    expected = (xs[0] * across, ys[0] * down, xs[1] * across, ys[1] * down)
    assert (element.x0, element.y0, element.x1, element.y1) == pytest.approx(expected)
    assert 0 <= element.x0 <= element.x1 <= size.width
    assert 0 <= element.y0 <= element.y1 <= size.height


@pytest.mark.parametrize("profile", UNPLACED, ids=lambda profile: profile.name)
@pytest.mark.parametrize("page", [(595.3, 841.9), (3, 3), (72, 3_600), (14_400, 14_400)])
def test_text_without_boxes_is_as_large_as_the_page(profile: ChatProfile, page: tuple[float, float]):
    size = page_of(*page, 200)
    (element,) = profile.read_answer("some words", size).elements
    assert (element.x0, element.y0, element.x1, element.y1) == (0, 0, *page)
    assert (element.category, element.text) == ("Text", "some words")


@every_placed
@pytest.mark.parametrize("page", [(595.3, 841.9), (841.9, 595.3), (300, 300), (100, 5_000), (2_000, 3_000)])
def test_a_real_picture_of_a_box_comes_back_to_its_place(profile: ChatProfile, write: Write, page: tuple[float, float]):
    """Drawn at the stored size, resized as it is sent and as the server sees it, found by its dark pixels."""
    size = page_of(*page, profile.dpi)
    stored = stored_size(size)
    box = Box(page[0] * 0.2, page[1] * 0.3, page[0] * 0.7, page[1] * 0.8)
    scale = (stored.width / page[0], stored.height / page[1])
    picture = Image.new("L", stored, 255)
    corners = [box.x0 * scale[0], box.y0 * scale[1], box.x1 * scale[0] - 1, box.y1 * scale[1] - 1]
    ImageDraw.Draw(picture).rectangle([round(c) for c in corners], fill=0)
    seen = picture.resize(profile.picture.sent(stored)).resize(profile.picture.seen(stored))
    dark = np.asarray(seen) < 128
    rows, columns = np.flatnonzero(dark.any(axis=1)), np.flatnonzero(dark.any(axis=0))
    found = [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]
    if profile.box_grid is not None:
        found = [round(v / side * profile.box_grid) for v, side in zip(found, (*seen.size, *seen.size), strict=True)]
    (element,) = profile.read_answer(write(found), size).elements
    assert iou(box, element) >= MIN_IOU


@pytest.mark.parametrize("plan", PLANS, ids=["dots.ocr", "paddleocr-vl", "as stored"])
@settings(max_examples=500, deadline=None)
@given(width=st.integers(1, 60_000), height=st.integers(1, 60_000))
def test_the_server_takes_what_is_sent_and_sees_what_we_think(plan: PicturePlan, width: int, height: int):
    stored = PixelSize(width, height)
    sent, seen = plan.sent(stored), plan.seen(stored)
    assert plan.max_aspect == 0 or max(sent) <= plan.max_aspect * min(sent)
    assert min(sent) >= plan.factor
    assert plan.max_pixels == 0 or max(math.prod(sent), math.prod(seen)) <= plan.max_pixels
    assert math.prod(seen) >= plan.min_pixels
    assert seen.width % plan.factor == seen.height % plan.factor == 0
    assert plan.seen(sent) == seen
    assert plan.sent(sent) == sent


@pytest.mark.parametrize(
    ("stored", "sent", "seen"),
    [
        ((1654, 2339), (1654, 2339), (1652, 2352)),  # A4 at 200 dpi: 4,956 visual tokens
        ((1191, 1684), (1191, 1684), (1204, 1680)),  # A4 at 144 dpi: 2,580
        ((20, 20), (56, 56), (56, 56)),
        ((4000, 6000), (2716, 4088), (2716, 4088)),
        ((200, 10_000), (200, 10_000), (196, 9_996)),
        ((28, 10_000), (56, 9_996), (56, 9_996)),
    ],
)
def test_the_picture_sizes_of_dots_ocr(stored: tuple, sent: tuple, seen: tuple):
    plan = dots_ocr.PROFILE.picture
    assert (plan.sent(PixelSize(*stored)), plan.seen(PixelSize(*stored))) == (sent, seen)


def test_the_corners_of_a_region_are_told_in_resized_pixels_and_its_text_lies_there():
    page = page_of(595.3, 841.9, 200)
    profile = find_profile("dots.ocr-region", region=(0.1, 0.0, 1.0, 0.5))
    assert isinstance(profile, ChatProfile)
    text = profile.messages("data:,", PixelSize(1654, 2339))[0]["content"][1]["text"]
    assert text.endswith(
        "Extract text from the given bounding box on the image (format: [x1, y1, x2, y2]).\n"
        "Bounding Box:\n[165, 0, 1652, 1176]"
    )
    [element] = profile.read_answer("Total: 12", page).elements
    assert (element.x0, element.y0, element.x1, element.y1) == pytest.approx((59.53, 0, 595.3, 420.95))


def test_a_region_is_asked_for_and_only_where_it_is_of_use():
    with pytest.raises(UsageError, match="--region"):
        find_profile("dots.ocr-region")
    with pytest.raises(UsageError, match=r"dots\.ocr-region"):
        find_profile("dots.ocr", region=(0, 0, 1, 1))
