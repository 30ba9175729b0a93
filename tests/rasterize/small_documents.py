"""Small PDFs and pictures for the tests of this folder, and where the shared test data lies."""

from __future__ import annotations

from pathlib import Path

import pypdfium2 as pdfium
from fpdf import FPDF
from PIL import Image

SHARED = Path(__file__).parents[2].parent / "shared" / "data"

HANGING_FORM = "qpdf__qpdf_qtest_qpdf_shared-unnamed-field.pdf"
SHADING_THAT_TAKES_FOREVER = "synth__shading_fn4_heavy.pdf"


def hostile_file(name: str) -> Path:
    """A file of the shared hostile collection, found by its name in the manifest."""
    manifest = SHARED / "hostile" / "MANIFEST.tsv"
    assert any(line.split("\t", 1)[0] == name for line in manifest.read_text().splitlines())
    return SHARED / "hostile" / "files" / name


def raw_pdf(path: Path, contents: list[str], box: str = "0 0 200 100", extra: str = "") -> Path:
    """A PDF with a page for each content stream; Helvetica is /F1, its bold /F2. No xref: PDFium rebuilds it."""
    kids = " ".join(f"{10 + 2 * number} 0 R" for number in range(len(contents)))
    objects = [
        "1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj",
        f"2 0 obj <</Type/Pages/Kids[{kids}]/Count {len(contents)}/MediaBox[{box}]/Resources<</Font<</F1 3 0 R"
        "/F2 4 0 R>>>>>> endobj",
        "3 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>> endobj",
        "4 0 obj <</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding>> endobj",
    ]
    for number, content in enumerate(contents):
        page, stream = 10 + 2 * number, 11 + 2 * number
        objects.append(f"{page} 0 obj <</Type/Page/Parent 2 0 R/Contents {stream} 0 R {extra}>> endobj")
        objects.append(f"{stream} 0 obj <</Length {len(content)}>> stream\n{content}\nendstream endobj")
    path.write_text("%PDF-1.7\n" + "\n".join(objects) + "\ntrailer <</Root 1 0 R>>\n%%EOF\n")
    return path


def text_pdf(path: Path, texts: list[str], **protection) -> Path:
    """A page of A4 for each text, written at 72, 72 points with 12 point Helvetica."""
    pdf = FPDF(unit="pt", format="A4")
    pdf.set_auto_page_break(False)
    pdf.set_title("A title")
    pdf.set_author("An author")
    pdf.set_font("Helvetica", size=12)
    for text in texts:
        pdf.add_page()
        pdf.text(72, 72, text)
    if protection:
        pdf.set_encryption(**protection)
    pdf.output(str(path))
    return path


def turned(source: Path, path: Path, rotation: int, crop: tuple[float, float, float, float] | None = None) -> Path:
    """The PDF with another /Rotate and crop box on every page."""
    with pdfium.PdfDocument(source) as pdf:
        for page in pdf:
            page.set_rotation(rotation)
            if crop:
                page.set_cropbox(*crop)
            page.close()
        pdf.save(path)
    return path


def dark_box(image: Image.Image) -> tuple[int, int, int, int]:
    box = image.convert("L").point(lambda value: 255 if value < 128 else 0).getbbox()
    assert box
    return box
