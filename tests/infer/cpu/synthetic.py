"""Pages made for the tests: lines placed by hand, and pages drawn with PIL. No files, no downloads."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from tasks.infer.cpu.lines import Line
from tasks.lake.rows import Page, TextLine

A4 = (595.0, 842.0)
CHARACTER = 0.5
"""Width of a character in font sizes."""
RUNNING = "many words of running text stand here in order to make lines that look like the paragraphs of a paper"


def line(text: str, x0: float, y0: float, size: float = 10.0, bold: bool = False, width: float | None = None) -> Line:
    """A line whose words are spread evenly over `width`."""
    return _from_row(text_line(text, x0, y0, size, bold, width))


def text_line(
    text: str, x0: float, y0: float, size: float = 10.0, bold: bool = False, width: float | None = None
) -> TextLine:
    per_character = CHARACTER * size if width is None else width / len(text)
    edges: list[float] = []
    at = 0
    for word in text.split(" "):
        edges += [x0 + at * per_character, x0 + (at + len(word)) * per_character]
        at += len(word) + 1
    x1 = x0 + per_character * len(text)
    return TextLine(text, x0, y0, x1, y0 + 1.2 * size, size, bold, tuple(edges))


def _from_row(row: TextLine) -> Line:
    return Line(row.text, row.x0, row.y0, row.x1, row.y1, row.font_size, row.bold, row.word_x)


def paragraph(start: str, x0: float, y0: float, count: int, width: float = 200.0, size: float = 10.0) -> list[TextLine]:
    """`count` full lines, each word with the paragraph's name in it, so that order can be checked."""
    rows = []
    for i in range(count):
        words = f"{start}{i} " + " ".join(RUNNING.split()[(3 * i) % 10 : (3 * i) % 10 + 6])
        rows.append(text_line(words, x0, y0 + 1.2 * size * i, size, width=width))
    return rows


def page_of(
    rows: Sequence[TextLine], size: tuple[float, float] = A4, image: Image.Image | None = None, ink: float = 0.05
) -> Page:
    """A page with this text layer. Its picture shows the text unless another one is given."""
    width, height = size
    picture = image or draw_lines(rows, size)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=90)
    return Page(
        doc_id="made",
        page_number=1,
        width=width,
        height=height,
        rotation=0,
        image=buffer.getvalue(),
        image_format="jpeg",
        image_width=picture.width,
        image_height=picture.height,
        dpi=72 * picture.width / width,
        text_layer=tuple(rows),
        has_text=bool(rows),
        ink=ink,
    )


def draw_lines(rows: Sequence[TextLine], size: tuple[float, float], scale: float = 2.0) -> Image.Image:
    picture = Image.new("RGB", (max(1, int(size[0] * scale)), max(1, int(size[1] * scale))), "white")
    draw = ImageDraw.Draw(picture)
    for row in rows:
        font = ImageFont.load_default(max(row.font_size * scale, 1))
        draw.text((row.x0 * scale, row.y0 * scale), row.text, fill="black", font=font)
    return picture
