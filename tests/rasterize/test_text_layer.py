"""The text layer: lines where the words are seen, for every rotation and crop box, cut where tables need it."""

from __future__ import annotations

import io

import pypdfium2 as pdfium
import pytest
from PIL import Image
from small_documents import dark_box, raw_pdf, text_pdf, turned

from tasks.rasterize.messages import RenderSettings
from tasks.rasterize.pdf_pages import render_pdf_page

SETTINGS = RenderSettings(dpi=144, image_format="png")


def render(path, page_number=1):
    with pdfium.PdfDocument(path) as pdf:
        return render_pdf_page(pdf, "doc", page_number, SETTINGS)


def lines_of(tmp_path, content, **options):
    return render(raw_pdf(tmp_path / "page.pdf", [content], **options)).text_layer


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, (50, 600, 400, 800)])
def test_a_line_is_where_its_ink_is_for_every_rotation_and_crop_box(tmp_path, rotation, crop):
    path = turned(text_pdf(tmp_path / "a.pdf", ["Happy families"]), tmp_path / "b.pdf", rotation, crop)
    page = render(path)
    (line,) = page.text_layer
    ink = [edge / 2 for edge in dark_box(Image.open(io.BytesIO(page.image)))]
    assert line.text == "Happy families"
    assert line.font_size == 12
    assert page.rotation == rotation
    assert (page.width < page.height) == ((crop is None) == (rotation % 180 == 0))
    assert line.x0 <= ink[0] + 0.6
    assert line.y0 <= ink[1] + 0.6
    assert line.x1 >= ink[2] - 0.6
    assert line.y1 >= ink[3] - 0.6
    assert (line.x1 - line.x0) * (line.y1 - line.y0) < 1.9 * (ink[2] - ink[0]) * (ink[3] - ink[1])


def test_words_have_their_edges(tmp_path):
    (line,) = lines_of(tmp_path, "BT /F1 10 Tf 20 50 Td (ab cd  ef) Tj ET")
    assert line.text == "ab cd ef"
    assert len(line.word_x) == 6
    assert list(line.word_x) == sorted(line.word_x)
    assert line.word_x[0] == line.x0 == pytest.approx(20, abs=0.1)
    assert line.word_x[-1] == line.x1
    assert line.word_x[2] - line.word_x[1] == pytest.approx(2.78, abs=0.1)  # the width of Helvetica's space


def test_a_wide_gap_makes_two_lines_and_a_narrow_one_a_space(tmp_path):
    wide = lines_of(tmp_path, "BT /F1 10 Tf 20 50 Td (left) Tj 60 0 Td (right) Tj ET")
    assert [line.text for line in wide] == ["left", "right"]
    assert wide[1].x0 == pytest.approx(80, abs=0.1)
    narrow = lines_of(tmp_path, "BT /F1 10 Tf 20 50 Td [(left) -600 (right)] TJ ET")
    assert [line.text for line in narrow] == ["left right"]


def test_a_gap_made_of_real_spaces_is_as_wide_as_any_other(tmp_path):
    lines = lines_of(tmp_path, "BT /F1 10 Tf 20 50 Td (1.5                    2.5) Tj ET")
    assert [line.text for line in lines] == ["1.5", "2.5"]


def test_a_bold_word_inside_a_line_does_not_cut_it_but_a_bold_line_is_bold(tmp_path):
    mixed = lines_of(
        tmp_path, "BT /F1 10 Tf 20 50 Td (plain words and ) Tj /F2 10 Tf (bold) Tj /F1 10 Tf ( again) Tj ET"
    )
    assert [(line.text, line.bold) for line in mixed] == [("plain words and bold again", False)]
    (bold,) = lines_of(tmp_path, "BT /F2 10 Tf 20 50 Td (Heading) Tj ET")
    assert bold.bold


def test_a_thick_stem_alone_is_not_bold(tmp_path):
    path = raw_pdf(tmp_path / "page.pdf", ["BT /F1 10 Tf 20 50 Td (Body text) Tj ET"])
    descriptor = "/FontDescriptor<</Type/FontDescriptor/FontName/Garamond/Flags 32/StemV 200>>"
    path.write_text(path.read_text().replace("/BaseFont/Helvetica/", f"{descriptor}/BaseFont/Garamond/"))
    assert not render(path).text_layer[0].bold


def test_filled_and_stroked_text_counts_as_bold(tmp_path):
    (line,) = lines_of(tmp_path, "BT 2 Tr /F1 10 Tf 20 50 Td (Heading) Tj ET")
    assert line.bold


def test_font_size_is_as_displayed(tmp_path):
    (line,) = lines_of(tmp_path, "q 2 0 0 2 0 0 cm BT /F1 1 Tf 7 0 0 7 10 20 Tm (Scaled) Tj ET Q")
    assert line.font_size == 14


def test_a_superscript_stays_in_its_line(tmp_path):
    lines = lines_of(tmp_path, "BT /F1 10 Tf 20 50 Td (E = mc) Tj /F1 6 Tf 4 Ts (2) Tj /F1 10 Tf 0 Ts (.) Tj ET")
    assert [line.text for line in lines] == ["E = mc2."]
    assert lines[0].font_size == 10


@pytest.mark.parametrize("matrix", ["0 1 -1 0 100 20", "0 -1 1 0 100 80"])
def test_vertical_text_is_one_tall_line(tmp_path, matrix):
    lines = lines_of(tmp_path, f"BT /F1 10 Tf {matrix} Tm (up and down) Tj ET BT /F1 10 Tf 20 50 Td (flat) Tj ET")
    tall, flat = lines
    assert (tall.text, flat.text) == ("up and down", "flat")
    assert tall.y1 - tall.y0 > 4 * (tall.x1 - tall.x0)
    assert tall.x0 < 100 < tall.x1
    assert 8 < tall.x1 - tall.x0 < 14


def test_slanted_text_stays_together(tmp_path):
    lines = lines_of(tmp_path, "BT /F1 10 Tf 0.707 0.707 -0.707 0.707 50 20 Tm (CONFIDENTIAL DRAFT) Tj ET")
    assert [line.text for line in lines] == ["CONFIDENTIAL DRAFT"]


def test_hyphens_at_the_end_of_a_line_stay_hyphens(tmp_path):
    lines = lines_of(tmp_path, "BT /F1 10 Tf 20 80 Td (docu-) Tj 0 -12 Td (ment) Tj 0 -12 Td (soft\\255) Tj ET")
    assert [line.text for line in lines] == ["docu-", "ment", "soft-"]


def test_text_outside_the_page_is_left_out(tmp_path):
    lines = lines_of(tmp_path, "BT /F1 10 Tf 20 50 Td (seen) Tj 0 400 Td (unseen) Tj ET")
    assert [line.text for line in lines] == ["seen"]


def test_invisible_text_is_text_since_that_is_how_ocr_is_stored(tmp_path):
    page = render(raw_pdf(tmp_path / "page.pdf", ["BT 3 Tr /F1 10 Tf 20 50 Td (read by OCR) Tj ET"]))
    assert [line.text for line in page.text_layer] == ["read by OCR"]
    assert page.has_text
    assert page.ink == 0


def test_a_page_without_text_has_none(tmp_path):
    page = render(raw_pdf(tmp_path / "page.pdf", ["0 0 100 100 re f"]))
    assert page.text_layer == ()
    assert not page.has_text
    assert page.ink == pytest.approx(0.5, abs=0.01)
