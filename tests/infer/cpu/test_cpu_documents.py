"""Real documents beside the checkout: the text in element order is that of the text layer, tables are found."""

from __future__ import annotations

import html
import io
import re
from pathlib import Path

import pypdfium2 as pdfium
import pytest
from rapidfuzz.fuzz import ratio

from tasks.infer.cpu.read_page import PageReader
from tasks.lake.rows import Element, Page
from tasks.rasterize.geometry import PageFrame
from tasks.rasterize.text_layer import text_lines


@pytest.fixture(scope="module")
def reader() -> PageReader:
    return PageReader()


def pages_of(path: Path) -> list[Page]:
    pages = []
    with pdfium.PdfDocument(path) as document:
        for number, page in enumerate(document, start=1):
            left, bottom, right, top = page.get_cropbox()
            frame = PageFrame(left, bottom, right, top, page.get_rotation())
            picture, buffer = page.render(scale=200 / 72).to_pil(), io.BytesIO()
            picture.convert("RGB").save(buffer, "JPEG", quality=95)
            pages.append(
                Page(
                    doc_id=path.name,
                    page_number=number,
                    width=frame.width_pt,
                    height=frame.height_pt,
                    image=buffer.getvalue(),
                    text_layer=text_lines(page, frame),
                    has_text=True,
                    ink=0.05,
                )
            )
            page.close()
    return pages


def plain(element: Element) -> str:
    if element.text_format == "html":
        return html.unescape(re.sub("<[^>]+>", " ", element.text))
    return re.sub(r"^(#+|-) ", "", element.text)


def similarity(page: Page, elements: list[Element]) -> float:
    layer = " ".join(" ".join(line.text for line in page.text_layer).split())
    return ratio(layer, " ".join(" ".join(map(plain, elements)).split())) / 100


@pytest.mark.parametrize(
    "name",
    [
        "text-multicolumn/multicolumn.pdf",
        "docling-reference/2305.03393v1-pg9.pdf",
        "docling-reference/code_and_formula.pdf",
        "docling-reference/right_to_left_01.pdf",
        "olmocr-bench/pdfs/headers_footers/ff0f0b22c55d8b90dd77d153f48e144fc9db_pg2.pdf",
        "olmocr-bench/pdfs/discoverworld_crazy_table4.pdf",
    ],
)
def test_the_words_are_in_the_order_of_the_text_layer(shared_data, reader, name):
    for page in pages_of(shared_data / "dev" / name):
        assert similarity(page, reader.read_page(page)) >= 0.97, page.page_number


def test_a_table_with_its_caption_and_headings_is_read(shared_data, reader):
    (page,) = pages_of(shared_data / "dev" / "docling-reference" / "2305.03393v1-pg9.pdf")
    elements = reader.read_page(page)
    assert [e.category for e in elements] == [
        "Page-header",
        "Page-header",
        "Text",
        "Section-header",
        "Text",
        "Caption",
        "Table",
        "Section-header",
        "Text",
        "Text",
    ]
    table = elements[6].text
    assert '<td colspan="3">TEDs</td>' in table
    assert "<td>OTSL</td><td>0.965</td><td>0.934</td><td>0.955</td><td>0.88</td><td>2.73</td>" in table


def test_a_shifted_text_layer_is_read_by_ocr(shared_data, reader):
    (page,) = pages_of(shared_data / "dev" / "robustness" / "dolma-page-1.pdf")
    text = " ".join(e.text for e in reader.read_page(page))
    assert "Three Trillion Tokens" in text and "Language models are now central" in text
