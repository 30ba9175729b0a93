"""Pictures as pages: every mode Pillow reads, resolutions, orientations, frames, limits."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tasks.errors import PageError
from tasks.rasterize.image_pages import render_image_page
from tasks.rasterize.messages import RenderSettings

JPEG, PNG = RenderSettings(), RenderSettings(image_format="png")


def page_of(path, settings=JPEG, number=1):
    page = render_image_page(str(path), "doc", number, settings)
    picture = Image.open(io.BytesIO(page.image or b""))
    assert picture.size == (page.image_width, page.image_height)
    assert picture.mode in ("L", "RGB")
    return page, picture


def half_black(mode="L", size=(40, 20)):
    image = Image.new("L", size, 255)
    image.paste(0, (0, 0, size[0] // 2, size[1]))
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I"])
def test_every_mode_of_png_comes_out_the_same(tmp_path, mode):
    path = tmp_path / "a.png"
    if mode in ("I;16", "I"):
        Image.fromarray(np.asarray(half_black()).astype(np.uint16) * 257).save(path)
    else:
        half_black(mode).save(path)
    page, picture = page_of(path, PNG)
    assert (page.width, page.height, page.dpi) == (40, 20, 72)
    assert page.ink == pytest.approx(0.5, abs=0.1)
    assert picture.convert("L").getpixel((5, 10)) == 0
    assert picture.convert("L").getpixel((35, 10)) == 255


@pytest.mark.parametrize("mode", ["CMYK", "F", "I;16", "LAB", "YCbCr", "1", "P"])
def test_every_mode_of_tiff_comes_out_the_same(tmp_path, mode):
    path = tmp_path / "a.tif"
    if mode == "I;16":
        Image.fromarray(np.asarray(half_black()).astype(np.uint16) * 257).save(path)
    elif mode == "F":
        Image.fromarray(np.asarray(half_black(), dtype=np.float32) / 7).save(path)
    elif mode == "LAB":
        lightness = half_black()
        Image.merge("LAB", [lightness, Image.new("L", lightness.size, 128), Image.new("L", lightness.size, 128)]).save(
            path
        )
    else:
        half_black("RGB" if mode == "YCbCr" else "L").convert(mode).save(path)
    _, picture = page_of(path)
    assert picture.convert("L").getpixel((5, 10)) < 20
    assert picture.convert("L").getpixel((35, 10)) > 235


@pytest.mark.parametrize("kind", ["png", "webp", "palette"])
def test_transparent_pixels_are_white(tmp_path, kind):
    path = tmp_path / ("a.webp" if kind == "webp" else "a.png")
    image = Image.new("RGBA", (40, 20), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 20, 20))
    if kind == "palette":
        palette = half_black("P")
        palette.save(path, transparency=palette.getpixel((0, 0)))
    else:
        image.save(path, lossless=True)
    _, picture = page_of(path)
    assert picture.convert("L").getpixel((35, 10)) > 240
    assert (picture.convert("L").getpixel((5, 10)) > 240) == (kind == "palette")


def test_a_stored_resolution_makes_points(tmp_path):
    half_black(size=(600, 300)).save(tmp_path / "a.png", dpi=(300, 300))
    page, _ = page_of(tmp_path / "a.png")
    assert (page.width, page.height, page.dpi, page.image_width) == (144, 72, 300, 600)


def test_a_nonsense_resolution_does_not(tmp_path):
    half_black(size=(600, 300)).save(tmp_path / "a.jpg", dpi=(1, 1))
    page, _ = page_of(tmp_path / "a.jpg")
    assert (page.width, page.dpi) == (600, 72)


def test_a_fax_gets_square_pixels(tmp_path):
    half_black("1", (1728, 1100)).save(tmp_path / "fax.tif", dpi=(204, 98), compression="group4")
    page, _ = page_of(tmp_path / "fax.tif")
    assert page.dpi == 204
    assert page.image_height == pytest.approx(1100 * 204 / 98, abs=1)
    assert page.height == pytest.approx(1100 / 98 * 72, abs=0.1)


@pytest.mark.parametrize(
    ("orientation", "rotation", "black_at"), [(1, 0, (5, 10)), (3, 180, (35, 10)), (6, 90, (10, 5)), (8, 270, (10, 35))]
)
@pytest.mark.parametrize("suffix", ["jpg", "tif", "png"])
def test_orientation_is_applied(tmp_path, suffix, orientation, rotation, black_at):
    path, exif = tmp_path / f"a.{suffix}", Image.Exif()
    exif[0x0112] = orientation
    half_black().save(path, exif=exif)
    page, picture = page_of(path)
    assert page.rotation == rotation
    assert (page.width, page.height) == ((20, 40) if rotation % 180 else (40, 20))
    assert picture.convert("L").getpixel(black_at) < 20


def test_bytes_that_need_no_change_are_stored_as_they_are(tmp_path):
    half_black().save(tmp_path / "a.jpg", quality=50)
    half_black("RGB").save(tmp_path / "a.png")
    assert page_of(tmp_path / "a.jpg", JPEG)[0].image == (tmp_path / "a.jpg").read_bytes()
    assert page_of(tmp_path / "a.png", PNG)[0].image == (tmp_path / "a.png").read_bytes()
    assert page_of(tmp_path / "a.png", JPEG)[0].image != (tmp_path / "a.png").read_bytes()


def test_frames_of_a_tiff_are_pages_of_their_own_size(tmp_path):
    first, second = half_black(), half_black(size=(60, 30))
    first.save(tmp_path / "a.tif", save_all=True, append_images=[second])
    assert page_of(tmp_path / "a.tif", number=1)[0].width == 40
    assert page_of(tmp_path / "a.tif", number=2)[0].width == 60
    with pytest.raises(PageError):
        render_image_page(str(tmp_path / "a.tif"), "doc", 3, JPEG)


@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_too_many_pixels_are_scaled_down_and_the_page_keeps_its_points(tmp_path, suffix):
    half_black(size=(1000, 500)).save(tmp_path / f"a.{suffix}", dpi=(144, 144))
    page, _ = page_of(tmp_path / f"a.{suffix}", RenderSettings(max_pixels=20_000))
    assert page.image_width * page.image_height <= 20_000
    assert page.error_kind == "too_large_scaled"
    assert page.status == "ok"
    assert (page.width, page.height) == (500, 250)
    assert page.dpi == pytest.approx(page.image_width / 500 * 72, abs=0.01)


def test_a_truncated_picture_is_a_corrupt_page(tmp_path):
    half_black(size=(400, 400)).save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(PageError) as caught:
        render_image_page(str(tmp_path / "a.jpg"), "doc", 1, JPEG)
    assert caught.value.kind == "page_corrupt"
