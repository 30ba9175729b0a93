"""Which of the eleven categories a block is: the detector's class, corrected by what the text itself shows.

The detector was trained on Chinese papers and knows ten classes, none of them a list, a footnote or a document title.
So tables, pictures and formulas are taken from it; for text, font size, weight, position and pattern decide. In order:

- *Page-header*, *Page-footer*: a page number in the outer tenth, or in the outer quarter if nothing lies further out; a
  block that the detector calls so, in the outer sixth and not set large; or one or two lines in the outer tenth, no
  larger than body text and apart from it.
- *Caption*: "Figure 3:", "Table 1.", "图 1"; without punctuation after the number only where the detector agrees or it
  is bold or no sentence; and the short block under a label that stands alone. Without such a beginning the detector
  is believed, except of a run of sentences, and where another caption stands between the block and its table.
- *Formula*: besides the detector's, short text with mathematical signs and without words.
- *Footnote*: in the lower half, smaller than body text, begins with a mark, and nothing of body size follows under it.
  Asked before *Page-footer* where the mark cannot be a page number and the detector does not see a footer.
- *List-item*: begins with a bullet, or with a number and is not a heading.
- *Title*: on page 1, in the upper half, the largest heading, and much larger than body text.
- *Section-header*: short, and larger or bolder than body text, or called a title by the detector, or numbered the
  Chinese way.
- *Text*: all else.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tasks.infer.cpu.blocks import LOOSE, Block
from tasks.infer.cpu.geometry import overlap_x, overlap_y
from tasks.infer.cpu.paragraphs import (
    BULLET,
    CAPTION,
    CAPTION_NUMBER,
    CAPTION_WORD,
    CITATION,
    HAN_NUMBER,
    NUMBER,
    SENTENCE_END,
)
from tasks.infer.cpu.regions import CONTAINERS

FIXED = {"table": "Table", "figure": "Picture", "equation": "Formula"}
LOOSE_CAPTION = re.compile(rf"{CAPTION_WORD}{CAPTION_NUMBER}(?:\s|$)", re.IGNORECASE)
CAPTION_LABEL = re.compile(rf"{CAPTION_WORD}{CAPTION_NUMBER}\s*[.:]?", re.IGNORECASE)
FOOTNOTE_SYMBOL = re.compile(r"[*∗†‡§¶⁰¹²³⁴-⁹]")  # noqa: RUF001
FOOTNOTE_MARK = re.compile(r"(?:\(?\d{1,3}[).]?|[*∗†‡§¶]+|[⁰¹²³⁴-⁹]+|\([a-z]\)|[a-z]\))\s*(?=\S)")  # noqa: RUF001
NUMBERED_HEADING = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2}){1,4}\.?|\d{1,2}\.?|[IVX]{1,5}\.|[A-H]\.(?:\d{1,2}\.?)*)\s+(?=[^\W\d])"
    rf"|{HAN_NUMBER}、|第(?:{HAN_NUMBER}|\d{{1,3}})[章节節]"
)
HAN_HEADING = re.compile(rf"(?:{HAN_NUMBER}、|第(?:{HAN_NUMBER}|\d{{1,3}})[章节節])[^，。；！？,;]{{2,24}}")
"""Chinese headings are often set like the text around them; the number and the want of punctuation tell."""
SENTENCE = re.compile(r"[^\W\d_]{2,}[.!?][\"'”’»)\]]*(?=\s+[^\W_a-z]|$)|[。！？]")
WORD_IN_HEADING = re.compile(r"[^\W\d_]{3,}|[\u2e80-\u9fff\uac00-\ud7af]+|(?<![^\W_])[A-Z]{2}(?![^\W_])")
"""What makes a heading more than a figure or a piece of a formula: a word of three letters, Han or Hangul, an
acronym."""
MATHEMATICS = re.compile(r"[=≈≠≤≥±∑∏∫∂∇√∞→⇒∈∀∃×÷∝≡]")
LONG_WORD = re.compile(r"[^\W\d_]{4,}")
FORMULA_CHARACTERS = 120
HEADING_SIZE = 1.12
"""Times body size. Headings start at 11 on 10; mathematics and small capitals vary by less than a tenth."""
TITLE_SIZE = 1.4
"""Times body size: section headings seldom pass it (12 on 10 is usual, 14 on 10 the most), document titles do."""
FOOTNOTE_SIZE = 0.93
HEADING_LINES, TITLE_LINES = 3, 5
HEADING_CHARACTERS = 160
MARGIN_ZONE, DETECTED_MARGIN_ZONE = 0.10, 0.17
"""Share of the page's height at either end where running heads and page numbers stand."""
DASHES = r"[-\u2013\u2014|\s]*"
PAGE_NUMBER = re.compile(
    rf"{DASHES}(?:page|seite|p\.|s\.)?\s*(?:\d{{1,4}}|[ivxlc]{{1,7}})(?:\s*(?:/|of|von)\s*\d{{1,4}})?{DASHES}",
    re.IGNORECASE,
)
PAGE_NUMBER_ZONE = 0.25
"""Where the outermost thing on the page is looked at for being a page number: pages may have wide margins."""
LARGE_HEAD = 1.3
"""Times body size: what the detector takes for a running head is a heading when it is set this large."""
MARGIN_GAP = 0.8
"""In body sizes: a running head keeps this distance from the page's content."""


@dataclass(frozen=True, slots=True)
class PageStyle:
    """What is usual on this page, against which a block stands out."""

    body_size: float
    body_bold: bool
    width: float
    height: float
    page_number: int


def page_style(blocks: Sequence[Block], width: float, height: float, page_number: int) -> PageStyle:
    """Body size and weight are those in which most characters outside tables and pictures are set."""
    characters: Counter[float] = Counter()
    bold = plain = 0
    for block in blocks:
        if block.label in CONTAINERS:
            continue
        for line in block.lines:
            characters[round(line.font_size * 2) / 2] += len(line.text)
            bold, plain = (bold + len(line.text), plain) if line.bold else (bold, plain + len(line.text))
    body_size = max(characters, key=lambda size: (characters[size], -size), default=10.0)
    return PageStyle(max(body_size, 1.0), bold > plain, width, height, page_number)


def categorize(blocks: Sequence[Block], style: PageStyle) -> list[str]:
    """A category for each block."""
    categories = [_own_category(block, blocks, style) for block in blocks]
    _lists_of_headings(blocks, categories, style)
    title = _title(blocks, categories, style)
    if title is not None:
        categories[title] = "Title"
    labels = [
        b for b, c in zip(blocks, categories, strict=True) if c == "Caption" and CAPTION_LABEL.fullmatch(text_of(b))
    ]
    for index, block in enumerate(blocks):
        if categories[index] in ("Text", "Section-header") and _continues_caption(block, labels, style):
            categories[index] = "Caption"
    return categories


def _lists_of_headings(blocks: Sequence[Block], categories: list[str], style: PageStyle) -> None:
    """Numbered headings right under one another, with nothing between them to be headings of, are a list in bold."""
    for i, (upper, lower) in enumerate(pairwise(blocks)):
        both = {categories[i], categories[i + 1]} <= {"Section-header", "List-item"}
        right_under = 0 <= lower.y0 - upper.y1 + 2 < style.body_size and overlap_x(upper, lower) > 0
        if both and right_under and is_list_item(upper) and is_list_item(lower):
            categories[i] = categories[i + 1] = "List-item"


def _continues_caption(block: Block, labels: Sequence[Block], style: PageStyle) -> bool:
    """Whether right above stands a caption's label alone ("Table 1"), for which this short block is the wording."""
    return len(block.lines) <= HEADING_LINES and any(
        overlap_x(block, label) > 0 and 0 <= block.y0 - label.y1 + style.body_size / 2 < 1.5 * style.body_size
        for label in labels
    )


def _own_category(block: Block, blocks: Sequence[Block], style: PageStyle) -> str:
    if block.label in FIXED:
        return FIXED[block.label]
    if _is_certain_footnote(block, blocks, style):
        return "Footnote"
    margin = _margin_category(block, blocks, style)
    if margin is not None:
        return margin
    if is_caption(block, blocks, style):
        return "Caption"
    if is_formula(block):
        return "Formula"
    if is_footnote(block, blocks, style):
        return "Footnote"
    heading = is_heading(block, style)
    if is_list_item(block) and not (heading and NUMBERED_HEADING.match(text_of(block))):
        return "List-item"
    return "Section-header" if heading else "Text"


def text_of(block: Block) -> str:
    return " ".join(line.text for line in block.lines)


def font_size(block: Block) -> float:
    """The size of most of the block's characters."""
    sizes: Counter[float] = Counter()
    for line in block.lines:
        sizes[line.font_size] += len(line.text)
    return max(sizes, key=lambda size: sizes[size], default=0.0)


def _margin_category(block: Block, blocks: Sequence[Block], style: PageStyle) -> str | None:
    """Page-header or Page-footer, or None."""
    if not block.lines or len(block.lines) > 3:
        return None
    name = "Page-header" if block.y0 + block.y1 < style.height else "Page-footer"
    top = name == "Page-header"
    distance = block.y1 if top else style.height - block.y0
    if PAGE_NUMBER.fullmatch(text_of(block)) and distance <= style.height * PAGE_NUMBER_ZONE:
        outermost = min(b.y0 for b in blocks) >= block.y0 if top else max(b.y1 for b in blocks) <= block.y1
        return name if outermost or distance <= style.height * MARGIN_ZONE else None
    size = font_size(block) / style.body_size
    if block.label in ("header", "footer") and distance <= style.height * DETECTED_MARGIN_ZONE:
        return name if size < LARGE_HEAD else None
    small = size <= HEADING_SIZE and len(block.lines) <= 2 and distance <= style.height * MARGIN_ZONE
    return name if small and _apart(block, blocks, style, top) else None


def _apart(block: Block, blocks: Sequence[Block], style: PageStyle, top: bool) -> bool:
    """Whether only other such lines lie further out, and a clear gap separates the block from what is further in."""
    gap = MARGIN_GAP * style.body_size
    zone = style.height * MARGIN_ZONE
    for other in blocks:
        if other is block or overlap_x(block, other) <= 0 or other.label == "figure":
            continue
        distance = other.y0 - block.y1 if top else block.y0 - other.y1
        in_margin = other.y1 <= zone if top else other.y0 >= style.height - zone
        if not in_margin and distance < gap:
            return False
    return True


def is_caption(block: Block, blocks: Sequence[Block], style: PageStyle) -> bool:
    """Whether the text says so, or the detector does and nothing speaks against it."""
    text = text_of(block)
    if CAPTION.match(text):
        return True
    detected = block.label in ("figure_caption", "table_caption")
    first_bold = bool(block.lines) and block.lines[0].bold
    if LOOSE_CAPTION.match(text) and (detected or first_bold or not SENTENCE_END.search(text)):
        return True
    if not detected or BULLET.match(text):
        return False
    small = font_size(block) < FOOTNOTE_SIZE * style.body_size
    paragraph = len(SENTENCE.findall(text)) > 1 and not small
    return not paragraph and not _cut_off_by_caption(block, blocks)


def _cut_off_by_caption(block: Block, blocks: Sequence[Block]) -> bool:
    """Whether a caption that says so stands between the block and the table or picture nearest to it."""
    kind = block.label.removesuffix("_caption")
    targets = [other for other in blocks if other.label == kind and overlap_x(block, other) > 0]
    if not targets:
        return False
    nearest = min(targets, key=lambda other: -overlap_y(block, other))
    return any(
        (block.y0 < other.y0 < nearest.y0 or nearest.y0 < other.y0 < block.y0)
        and overlap_x(block, other) > 0
        and CAPTION.match(text_of(other))
        for other in blocks
    )


def _is_certain_footnote(block: Block, blocks: Sequence[Block], style: PageStyle) -> bool:
    """Whether a block in the foot margin is a footnote: marked by a symbol, or by a number and a sentence follows.
    (A running foot may begin with the page's number, but seldom ends with a full stop.)"""
    text = text_of(block)
    if block.label == "footer" or PAGE_NUMBER.fullmatch(text):
        return False
    marked = FOOTNOTE_SYMBOL.match(text) or SENTENCE_END.search(text)
    return bool(marked) and is_footnote(block, blocks, style)


def is_footnote(block: Block, blocks: Sequence[Block], style: PageStyle) -> bool:
    """Small print with a mark in front, at the foot of its column."""
    if block.y0 < 0.5 * style.height or not block.lines:
        return False
    small = font_size(block) < FOOTNOTE_SIZE * style.body_size
    if not small or not FOOTNOTE_MARK.match(text_of(block)):
        return False
    return not any(
        other.y0 >= block.y1 and overlap_x(block, other) > 0 and font_size(other) > FOOTNOTE_SIZE * style.body_size
        for other in blocks
        if len(text_of(other)) > HEADING_CHARACTERS
    )


def is_formula(block: Block) -> bool:
    """Mathematics that the detector took for text or did not see: a sign of relation or operation, and no long word."""
    text = text_of(block)
    return len(text) <= FORMULA_CHARACTERS and bool(MATHEMATICS.search(text)) and not LONG_WORD.search(text)


def is_list_item(block: Block) -> bool:
    text = text_of(block)
    if BULLET.match(text):
        return True
    return bool(NUMBER.match(text) or CITATION.match(text))


def is_heading(block: Block, style: PageStyle) -> bool:
    """Short, and larger, bolder or numbered where body text is not; the detector's word counts if nothing speaks
    against it."""
    text = text_of(block)
    letters = sum(map(len, WORD_IN_HEADING.findall(text)))
    size = font_size(block) / style.body_size
    lines = TITLE_LINES if size >= TITLE_SIZE else HEADING_LINES
    if not letters or len(block.lines) > lines or len(text) > HEADING_CHARACTERS:
        return False
    if len(block.lines) == 1 and size >= FOOTNOTE_SIZE and HAN_HEADING.fullmatch(text):
        return True
    if block.lines[0].measured:
        return block.label == "title"
    bold = all(line.bold for line in block.lines) and not style.body_bold
    if size >= HEADING_SIZE:
        plain_text = size < (TITLE_SIZE if block.label == "text" else LARGE_HEAD)
        return block.label == "title" or bold or not (plain_text or SENTENCE_END.search(text))
    if size < FOOTNOTE_SIZE:
        return False
    if bold:
        return (letters > 2 and not text.endswith((".", ",", ";"))) or block.label == "title"
    return block.label == "title" and not text.endswith((",", ";"))


def _title(blocks: Sequence[Block], categories: Sequence[str], style: PageStyle) -> int | None:
    """Index of the document's title: the largest heading of page 1, if it is large enough and stands in the upper
    half."""
    if style.page_number != 1:
        return None
    headings = [i for i, category in enumerate(categories) if category == "Section-header"]
    if not headings:
        return None
    largest = max(headings, key=lambda i: (font_size(blocks[i]), -blocks[i].y0))
    large = font_size(blocks[largest]) >= TITLE_SIZE * style.body_size
    return largest if large and blocks[largest].y0 < 0.5 * style.height else None


def raw_category(block: Block) -> str:
    """The detector's class; "loose" for text that it has no box for."""
    return block.label or LOOSE
