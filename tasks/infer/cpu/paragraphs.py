"""Where one paragraph ends and the next begins, in a run of lines that follow one another.

Rules, any of which cuts before a line: it begins with a list marker; the distance to the line above is clearly larger
than usual in this run (than the smallest, in a short run); it is indented and the line above is not; or the line above
ended a sentence with room left for this line's first word. A run in which continuation lines are indented and first
lines are not (references) is cut at each first line instead, and at list markers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from tasks.infer.cpu.lines import Line

BULLETS = "•◦▪▫‣⁃∙●○■□◆◇▶►➢➤✓✔❖★☐☑·\uf0b7\uf0a7\uf0d8\uf076\uf0fc\uf06e"  # noqa: RUF001
BULLET = re.compile(rf"(?:[{BULLETS}]|[-–*o»>](?=\s))\s*(?=\S)")
"""Bullets proper may touch the text; dashes, stars and a lone "o" (Word's second level) need a space after them."""
HAN_NUMBER = r"[一二三四五六七八九十百]+"
NUMBER = re.compile(
    rf"(?:\(?(?:\d{{1,3}}|[a-zA-Z]|[ivxIVX]{{1,5}})\)|(?:\d{{1,3}}|[a-z])\.(?!\d))\s+(?=\S)|{HAN_NUMBER}、\s*(?=\S)"
)
COUNT = re.compile(r"[(\[]?(\d{1,3}|[a-z])[.)\]](?!\d)")
CITATION = re.compile(r"\[\d{1,3}\]\s+(?=\S)")
CAPTION_WORD = (
    r"(?:fig(?:ure|\.)?|table|tab\.|tbl\.|chart|exhibit|scheme|plate|listing|algorithm|abbildung|abb\.|tabelle"
    r"|tableau|figura|tabla|map|graph|photo|图|表|圖)"
)
CAPTION_NUMBER = r"\s*(?:[a-z]{1,2}[-.]?)?(?:\d+(?:[-.–]\d+)*[a-z]?|[ivx]+)"
CAPTION = re.compile(rf"{CAPTION_WORD}{CAPTION_NUMBER}\s*[.:：|—–-]", re.IGNORECASE)
SENTENCE_END = re.compile(r"[.!?:;。！？：；…][\"'”’»)\]]*$")
WIDE_LEADING = 1.3
"""Times the usual distance of the run; paragraph spacing is at least a third of a line, jitter under a tenth."""
FEW_LINES = 6
"""In shorter runs half of all distances may be those between paragraphs, so that the median says nothing."""
INDENT = 0.8
"""In font sizes. Typographers indent by one em or more; ragged OCR edges stay under half."""
SAME_EDGE = 0.4
ROOM_LEFT = 4.0
"""In font sizes, beyond the first word: the right edge of ragged text is only guessed from its longest line."""
SHORT_LINE = 0.75
"""Of the run's width: a numbered line starts an item after a line that is this short, whatever it ends with."""


def split_into_paragraphs(lines: Sequence[Line]) -> list[list[Line]]:
    """The run of lines, cut; no line is lost or moved."""
    if len(lines) < 2:
        return [list(lines)]
    is_first = _hanging_starts(lines)
    paragraphs = [[lines[0]]]
    for index in range(1, len(lines)):
        if starts_paragraph(lines, index) if is_first is None else is_first[index] or _starts_item(lines, index):
            paragraphs.append([])
        paragraphs[-1].append(lines[index])
    return paragraphs


def starts_list_item(text: str) -> bool:
    """Whether the text begins with a bullet, a number or letter with a stop or bracket, or a bracketed citation."""
    return bool(BULLET.match(text) or NUMBER.match(text) or CITATION.match(text))


def starts_paragraph(lines: Sequence[Line], index: int) -> bool:
    """Whether a new paragraph begins at `lines[index]`; there is a line above it."""
    above, line = lines[index - 1], lines[index]
    return (
        _starts_item(lines, index)
        or _wide_leading(lines, index)
        or _indented(lines, index)
        or (bool(SENTENCE_END.search(above.text)) and _room_for_first_word(lines, above, line))
    )


def _starts_item(lines: Sequence[Line], index: int) -> bool:
    """A bullet always starts an item; a number only where the sentence above has ended or its line is short."""
    above, line = lines[index - 1], lines[index]
    if BULLET.match(line.text):
        return line.text[0] in BULLETS or starts_list_item(lines[0].text) or bool(SENTENCE_END.search(above.text))
    if not starts_list_item(line.text):
        return False
    if _counts_on(lines[:index], line):
        return True
    left, right = min(each.x0 for each in lines), max(each.x1 for each in lines)
    short = above.x1 - left < SHORT_LINE * (right - left)
    hangs = above.x0 > line.x0 + INDENT * line.font_size
    return bool(SENTENCE_END.search(above.text)) or short or hangs


def _counts_on(above: Sequence[Line], line: Line) -> bool:
    """Whether the last numbered line above has the number before this one's."""
    number = COUNT.match(line.text)
    before = next((match for each in reversed(above) if (match := COUNT.match(each.text))), None)
    return bool(number and before and _rank(number[1]) == _rank(before[1]) + 1)


def _rank(count: str) -> int:
    """Numbers as they are; letters far above them, so that none counts on from a number."""
    return int(count) if count.isdigit() else 1000 + ord(count)


def _wide_leading(lines: Sequence[Line], index: int) -> bool:
    leadings = [b.y1 - a.y1 for a, b in pairwise(lines)]
    usual = median(leadings)
    if len(lines) <= FEW_LINES and not any(line.measured for line in lines):  # measured edges jitter
        usual = min((leading for leading in leadings if leading >= lines[index].font_size), default=usual)
    here = lines[index].y1 - lines[index - 1].y1
    return len(lines) > 2 and here > WIDE_LEADING * usual


def _indented(lines: Sequence[Line], index: int) -> bool:
    """A first-line indent: this line stands in, its neighbours at the margin."""
    above, line = lines[index - 1], lines[index]
    margin = min(each.x0 for each in lines)
    indent, edge = INDENT * line.font_size, SAME_EDGE * line.font_size
    if line.x0 < margin + indent or above.x0 > margin + edge:
        return False
    if index + 1 < len(lines):
        return lines[index + 1].x0 < margin + edge and not starts_list_item(above.text)
    return bool(SENTENCE_END.search(above.text))


def _room_for_first_word(lines: Sequence[Line], above: Line, line: Line) -> bool:
    """Whether the first word of `line` would have fitted on the line above, had the paragraph gone on.

    Not asked of centred lines, where every line has room on both sides.
    """
    left, right = min(each.x0 for each in lines), max(each.x1 for each in lines)
    if above.x0 > left + 2 * line.font_size and right - above.x1 > 2 * line.font_size:
        return False
    first = line.text.split(" ", 1)[0]
    word = (line.x1 - line.x0) * len(first) / max(len(line.text), 1)
    return right - above.x1 > word + ROOM_LEFT * line.font_size


def _hanging_starts(lines: Sequence[Line]) -> list[bool] | None:
    """For a run with hanging indents, which lines are first lines; None for all other runs.

    Wanted: two lines or more at the margin, at least as many at one indent, the first line at the margin.
    """
    margin = min(each.x0 for each in lines)
    size = median(each.font_size for each in lines)
    at_margin = [each.x0 < margin + SAME_EDGE * size for each in lines]
    indented = [each.x0 for each, is_margin in zip(lines, at_margin, strict=True) if not is_margin]
    if not at_margin[0] or sum(at_margin) < 2 or len(indented) < max(sum(at_margin), 2):
        return None
    if max(indented) - min(indented) > SAME_EDGE * size or min(indented) < margin + INDENT * size:
        return None
    return at_margin
