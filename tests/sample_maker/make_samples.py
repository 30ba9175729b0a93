"""Makes the sample documents beside it. Run it again and the same bytes come out: fixed dates, fixed noise.

    python tests/sample_maker/make_samples.py [FOLDER]

Needs the dev dependencies, numpy, and for `chinese.pdf` two fonts of Debian: fonts-droid-fallback (Apache-2.0) for the
characters and fonts-dejavu-core (Bitstream Vera's licence) for the digits, which the first does not have. Subsets of
both end up in the file. The other documents use the fonts that every PDF reader has, and embed none.

Here is how the documents look; their words are in `prose`.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import prose
import pypdfium2
from fpdf import FPDF
from fpdf.enums import Align, TableBordersLayout, WrapMode
from fpdf.fonts import FontFace
from fpdf.text_region import TextColumns
from PIL import Image, ImageFilter

CHINESE_FONT = Path("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf")
DIGITS_FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
MADE_AT = datetime(2026, 1, 1, tzinfo=UTC)
A4_PT = (595.28, 841.89)
MARGIN_PT = 64
LEADING = 1.2

FIGURE_SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 220 96" width="220" height="96">
  <g fill="none" stroke="#1f4e79" stroke-width="1.2">
    <rect x="4" y="20" width="34" height="46"/>
    <path d="M 10 30 L 32 30 M 10 37 L 32 37 M 10 44 L 25 44 M 10 51 L 32 51"/>
    <rect x="78" y="20" width="40" height="46"/>
    <path d="M 83 28 L 113 28 L 113 38 L 83 38 Z M 83 43 L 97 43 L 97 61 L 83 61 Z"/>
    <path d="M 101 43 L 113 43 L 113 61 L 101 61 Z"/>
    <path d="M 42 43 L 70 43 M 64 39 L 71 43 L 64 47 M 122 43 L 150 43 M 144 39 L 151 43 L 144 47"/>
  </g>
  <g fill="#cfe2f3" stroke="#1f4e79" stroke-width="1.2">
    <path d="M 158 74 C 170 84 204 84 216 74 L 216 26 C 204 36 170 36 158 26 Z"/>
    <ellipse cx="187" cy="26" rx="29" ry="7"/>
  </g>
</svg>
"""


class Document(FPDF):
    """A4 in points, Times 11, with the same dates whenever it is made."""

    def __init__(self, title: str, author: str = "pagelake") -> None:
        super().__init__(unit="pt", format=A4_PT)
        self.set_title(title)
        self.set_author(author)
        self.set_creation_date(MADE_AT)
        self.set_margins(MARGIN_PT, MARGIN_PT)
        self.set_auto_page_break(True, MARGIN_PT)
        self.set_font("Times", size=11)

    def line_of(self, text: str, size: float, style: str = "", align: str = "L", after: float = 6) -> None:
        """Text in its own size, wrapped over the whole width, and back to the body's font."""
        family, old_style, old_size = self.font_family, self.font_style, self.font_size_pt
        self.set_font(family, style, size)
        self.multi_cell(0, size * LEADING, text, align=align, new_x="LMARGIN", new_y="NEXT")
        self.set_font(family, old_style, old_size)
        self.ln(after)

    def body(self, *paragraphs: str, align: str = "J") -> None:
        for text in paragraphs:
            self.line_of(text, self.font_size_pt, align=align)

    def file_bytes(self) -> bytes:
        return bytes(self.output())


class Paper(Document):
    """The two-column paper: a running head and a page number on each page, a footnote on the first."""

    def header(self) -> None:
        self.set_font("Times", "I", 8.5)
        self.set_xy(MARGIN_PT, 34)
        self.cell(0, 10, prose.RUNNING_HEAD, align="C")
        self.set_y(MARGIN_PT)

    def footer(self) -> None:
        if self.page_no() == 1:
            self.set_line_width(0.4)
            self.line(MARGIN_PT + self.c_margin, 758, MARGIN_PT + 90, 758)
            self.set_font("Times", size=8)
            self.text(MARGIN_PT + self.c_margin, 768, prose.FOOTNOTE)
        self.set_font("Times", size=9)
        self.set_xy(MARGIN_PT, 796)
        self.cell(0, 10, str(self.page_no()), align="C")


def two_columns() -> bytes:
    pdf = Paper(prose.TITLE, prose.AUTHORS)
    pdf.set_auto_page_break(True, 94)
    pdf.add_page()
    pdf.set_font("Times", size=10)
    pdf.ln(8)
    pdf.line_of(prose.TITLE, 19, "B", "C", after=8)
    pdf.line_of(prose.AUTHORS, 11, align="C", after=0)
    pdf.line_of(prose.AFFILIATION + "*", 10, "I", "C", after=12)
    pdf.line_of("Abstract", 10, "B", "C", after=2)
    pdf.set_margins(MARGIN_PT + 36, MARGIN_PT)
    pdf.set_x(MARGIN_PT + 36)
    pdf.line_of(prose.ABSTRACT, 9, align="J", after=12)
    pdf.set_margins(MARGIN_PT, MARGIN_PT)
    pdf.set_x(MARGIN_PT)
    with pdf.text_columns(text_align="J", ncols=2, gutter=20, line_height=LEADING, balance=True) as columns:
        for kind, text in prose.PAPER:
            add_to_columns(pdf, columns, kind, text)
    return pdf.file_bytes()


def add_to_columns(pdf: FPDF, columns: TextColumns, kind: str, text: str) -> None:
    if kind == "heading":
        pdf.set_font("Times", "B", 11.5)
        with columns.paragraph(text_align=Align.L, top_margin=9, bottom_margin=4) as paragraph:
            paragraph.write(text)
    elif kind == "figure":
        svg: Any = io.BytesIO(FIGURE_SVG.encode())  # typed as a name, but any file will do
        columns.image(svg, fill_width=True, keep_aspect_ratio=True, top_margin=6, bottom_margin=4)
        pdf.set_font("Times", size=9)
        with columns.paragraph(bottom_margin=8) as paragraph:
            paragraph.write(text)
    else:
        pdf.set_font("Times", size=10)
        with columns.paragraph(bottom_margin=4) as paragraph:
            paragraph.write(text)


def table() -> bytes:
    pdf = Document("Two tables")
    pdf.add_page()
    pdf.line_of("Two Tables", 18, "B")
    pdf.body(prose.TABLE_TEXT[0])
    pdf.line_of("Table 1: Water levels at four stations.", 10, "I", "C")
    bold = FontFace(emphasis="BOLD", fill_color=(228, 236, 244))
    widths, aligns = (28, 18, 18, 36), ("LEFT", "RIGHT", "RIGHT", "LEFT")
    with pdf.table(
        col_widths=widths, text_align=aligns, line_height=16, num_heading_rows=2, headings_style=bold, padding=(0, 6)
    ) as grid:
        head = grid.row()
        head.cell(prose.LEVELS[0][0], rowspan=2)
        head.cell(prose.LEVELS[0][1], colspan=2, align="CENTER")
        head.cell(prose.LEVELS[0][3], rowspan=2)
        grid.row(prose.LEVELS[1][1:3])
        for row in prose.LEVELS[2:]:
            grid.row(row)
    pdf.ln(18)
    pdf.body(prose.TABLE_TEXT[1])
    pdf.line_of("Table 2: Speed, size and cost of each step.", 10, "I", "C")
    top = pdf.get_y()
    with pdf.table(
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        text_align=("LEFT", "RIGHT", "RIGHT", "RIGHT"),
        line_height=16,
        headings_style=FontFace(emphasis="BOLD"),
    ) as ruled:
        for row in prose.COSTS:
            ruled.row(row)
    for y in (top, pdf.get_y()):
        pdf.line(MARGIN_PT, y, A4_PT[0] - MARGIN_PT, y)
    pdf.ln(18)
    pdf.body(prose.TABLE_TEXT[2])
    return pdf.file_bytes()


def formula() -> bytes:
    pdf = Document("Formulas")
    pdf.add_page()
    pdf.line_of("Pages, Boxes and Scores", 18, "B")
    for number, text in enumerate(prose.FORMULA_TEXT, start=1):
        pdf.body(text)
        if number > len(prose.FORMULAS):
            break
        pieces, rules = prose.FORMULAS[number - 1]
        left, base = 225, pdf.get_y() + 30
        for x, y, style, size, piece in pieces:
            pdf.set_font("Symbol" if style == "S" else "Times", style.replace("S", ""), size)
            pdf.text(left + x, base + y, piece)
        pdf.set_line_width(0.6)
        for x, y, width in rules:
            pdf.line(left + x, base + y, left + x + width, base + y)
        pdf.set_font("Times", size=11)
        pdf.text(A4_PT[0] - MARGIN_PT - 16, base, f"({number})")
        pdf.set_y(base + 30)
    return pdf.file_bytes()


def bullet_list() -> bytes:
    pdf = Document("Lists")
    pdf.add_page()
    pdf.line_of("A First Look at a Collection", 18, "B")
    pdf.body(prose.LIST_TEXT)
    for heading, items in (("What to look for", prose.BULLETS), ("What to do", prose.NUMBERS)):
        pdf.ln(4)
        pdf.line_of(heading, 13, "B", after=4)
        for depth, mark, text in items:
            left = MARGIN_PT + 14 + 22 * depth
            pdf.set_x(left)
            pdf.cell(18, 14, mark)
            pdf.multi_cell(A4_PT[0] - MARGIN_PT - left - 18, 14, text, align="L", new_x="LMARGIN", new_y="NEXT")
            pdf.ln(3)
    return pdf.file_bytes()


def chinese() -> bytes:
    pdf = Document(prose.CHINESE_TITLE, prose.CHINESE_AUTHOR)
    pdf.add_font("DroidSansFallback", fname=CHINESE_FONT)
    pdf.set_font("DroidSansFallback", size=11)
    pdf.add_font("DejaVuSans", fname=DIGITS_FONT)
    pdf.set_fallback_fonts(["DejaVuSans"])
    pdf.add_page()
    pdf.line_of(prose.CHINESE_TITLE, 22, align="C")
    pdf.line_of(prose.CHINESE_AUTHOR, 10, align="C", after=14)
    for kind, text in prose.CHINESE_TEXT:
        if kind == "heading":
            pdf.line_of(text, 15)
        else:
            pdf.multi_cell(0, 19, text, wrapmode=WrapMode.CHAR, align="L", new_x="LMARGIN", new_y="NEXT")
            pdf.ln(8)
    pdf.line_of(prose.CHINESE_CAPTION, 10, align="C")
    plain = FontFace(fill_color=(235, 235, 235))
    with pdf.table(prose.CHINESE_TABLE, headings_style=plain, line_height=18, width=330):
        pass
    return pdf.file_bytes()


def rotated() -> bytes:
    """A portrait page stored with /Rotate 90 and a landscape one with /Rotate 270; both show upright text."""
    pdf = Document("Rotated pages")
    pdf.set_auto_page_break(False)
    for degrees, shown_width, stored in ((90, A4_PT[0], A4_PT[::-1]), (270, A4_PT[1], A4_PT)):
        pdf.set_right_margin(stored[0] - shown_width + MARGIN_PT)
        pdf.add_page(format=stored)
        vars(pdf.pages[pdf.page_no()])["rotate"] = (
            degrees  # fpdf2 writes what attributes a page has, known to it or not
        )
        middle = (stored[1] if degrees == 90 else stored[0]) / 2
        with pdf.rotation(degrees, x=middle, y=middle):
            pdf.line_of(f"A Page Turned by {degrees} Degrees", 18, "B")
            pdf.body(*prose.ROTATED_TEXT)
    return pdf.file_bytes()


def picture_of(pdf: bytes, dpi: int) -> list[Image.Image]:
    """All pages as grey pictures."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L") for page in document]


def scanned(picture: Image.Image, degrees: float, noise: float) -> Image.Image:
    """What a scanner makes of a clean page: a little askew, soft, on grey paper, with grain."""
    askew = picture.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=255).filter(ImageFilter.GaussianBlur(0.6))
    grey = 18 + np.asarray(askew, dtype=np.float32) * (238 - 18) / 255
    grain = np.random.default_rng(seed=27).normal(0, noise, grey.shape)
    return Image.fromarray(np.clip(grey + grain, 0, 255).astype(np.uint8))


def scan_pdf() -> bytes:
    page = Document("The page that is scanned")
    page.set_font("Times", size=13)
    page.add_page()
    page.line_of(prose.SCAN_TITLE, 20, "B", "C", after=18)
    for text in prose.SCAN_TEXT:
        page.line_of(text, 13, align="L", after=10)
    page.line_of(prose.SCAN_SIGNED, 13, "I", "R")
    jpeg = io.BytesIO()
    scanned(picture_of(page.file_bytes(), 200)[0], 0.2, 6).save(jpeg, "JPEG", quality=45, dpi=(200, 200))
    pdf = Document(prose.SCAN_TITLE)
    pdf.add_page()
    pdf.image(jpeg, 0, 0, *A4_PT)
    return pdf.file_bytes()


def scan_png() -> bytes:
    page = Document("The letter that is scanned")
    page.set_font("Times", size=14)
    page.add_page()
    for text in prose.LETTER_TEXT:
        page.line_of(text, 14, align="L", after=12)
    letter = scanned(picture_of(page.file_bytes(), 150)[0].crop((0, 0, 1240, 1000)), -0.15, 0)
    png = io.BytesIO()
    letter.quantize(16).save(png, "PNG", dpi=(150, 150), optimize=True)
    return png.getvalue()


def fax_tiff() -> bytes:
    page = Document("The fax that is sent")
    page.set_font("Courier", size=13)
    page.add_page()
    page.line_of("FAX", 40, "B", after=24)
    for name, value in prose.FAX_COVER:
        page.cell(90, 22, name)
        page.cell(0, 22, value, new_x="LMARGIN", new_y="NEXT")
    page.add_page()
    page.body(*prose.FAX_TEXT, align="L")
    black_and_white = [
        picture.point(lambda grey: 255 * (grey > 140)).convert("1") for picture in picture_of(page.file_bytes(), 200)
    ]
    tiff = io.BytesIO()
    first, *others = black_and_white
    first.save(tiff, "TIFF", compression="group4", dpi=(200, 200), save_all=True, append_images=others)
    return tiff.getvalue()


SAMPLES = {
    "two-columns.pdf": two_columns,
    "table.pdf": table,
    "formula.pdf": formula,
    "list.pdf": bullet_list,
    "scan.pdf": scan_pdf,
    "scan.png": scan_png,
    "fax.tiff": fax_tiff,
    "chinese.pdf": chinese,
    "rotated.pdf": rotated,
}


def main(arguments: Sequence[str]) -> None:
    folder = Path(arguments[0]) if arguments else Path(__file__).parents[1] / "samples"
    for name, make in SAMPLES.items():
        made = make()
        (folder / name).write_bytes(made)
        print(f"{name}: {len(made):,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
