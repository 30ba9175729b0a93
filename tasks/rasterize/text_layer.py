"""The lines of a PDF page's own text, from PDFium's characters. Runs in the child processes.

PDFium gives characters one call at a time, and a page has thousands. Three calls per character (code, box, text object)
and a few per text object are fetched through bare function pointers into arrays; all the rest is numpy on those.
Order is the content's. A line ends where PDFium ends it, where the direction turns, where the text leaves the line, and
where a gap is too wide for a space, so that cells of a table and columns are lines of their own.
"""

from __future__ import annotations

import ctypes
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import Any

import numpy as np
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from numpy.typing import NDArray

from tasks.lake.rows import TextLine
from tasks.rasterize.geometry import Boxes, PageFrame

MAX_GAP_EM = 1.0
"""A wider gap ends a line: justified text rarely stretches a space beyond it; gutters and cells are rarely narrower."""
MAX_GAP_AFTER_STOP_EM = 1.5
"""The same after a punctuation mark, where TeX stretches most."""
_STOPS = tuple(map(ord, ".,;:?!"))
_MAX_STEP_BACK_EM = 0.8
_MAX_SIZE_RATIO = 2.0
_MIN_SHARED_HEIGHT = 0.3
_JOIN_GAP_EM, _JOIN_OVERLAP_EM, _JOIN_SHARED_HEIGHT = 0.5, 0.2, 0.8
_SPACE_EM = 0.15
_BOLD_NAMES = re.compile("bold|black|heavy|demi|cmbx|cmssbx|sfbx|nimbus.*medi", re.IGNORECASE)
_FORCE_BOLD_FLAG = 1 << 18
_STROKED_MODES = (2, 6)
"""Filled and stroked: how word processors embolden a font that has no bold cut."""

_REPLACEMENT = 0xFFFD
_HYPHENS = (0x02, 0xFFFE, 0xAD)
"""PDFium's marks of a hyphen at the end of a line, and the soft hyphen, which is only ever seen as a hyphen."""
_SPACES = (0x09, 0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
_NEWLINES = (0x0A, 0x0D)
_CONTROLS = (*range(0x00, 0x20), *range(0x7F, 0xA0), *range(0x200B, 0x2010), *range(0x202A, 0x202F), 0x2060, 0xFEFF)
_SEEN, _SPACE, _NEWLINE, _CONTROL = range(4)
_RIGHT_TO_LEFT = ((0x0590, 0x08FF), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFC))

_Simple = ctypes.c_size_t | ctypes.c_int | ctypes.c_uint | ctypes.c_double
_POINTER, _INT = ctypes.c_size_t, ctypes.c_int


def _bare(name: str, result: type[_Simple], *arguments: type[_Simple]) -> Callable[..., int]:
    """The C function taking plain integers as pointers: a third of the time of pypdfium2's typed binding."""
    return ctypes.CFUNCTYPE(result, *arguments)(_address(getattr(pdfium_c, name)))


def _address(pointer: Any) -> int:  # noqa: ANN401 - ctypes has no name for "any pointer"
    address = ctypes.cast(pointer, ctypes.c_void_p).value
    assert address
    return address


_get_unicode = _bare("FPDFText_GetUnicode", ctypes.c_uint, _POINTER, _INT)
_get_loose_box = _bare("FPDFText_GetLooseCharBox", _INT, _POINTER, _INT, _POINTER)
_get_tight_box = _bare("FPDFText_GetCharBox", _INT, _POINTER, _INT, *[_POINTER] * 4)
_get_origin = _bare("FPDFText_GetCharOrigin", _INT, _POINTER, _INT, _POINTER, _POINTER)
_get_matrix = _bare("FPDFText_GetMatrix", _INT, _POINTER, _INT, _POINTER)
_get_font_size = _bare("FPDFText_GetFontSize", ctypes.c_double, _POINTER, _INT)
_get_object = _bare("FPDFText_GetTextObject", _POINTER, _POINTER, _INT)
_get_font = _bare("FPDFTextObj_GetFont", _POINTER, _POINTER)
_get_render_mode = _bare("FPDFTextObj_GetTextRenderMode", _INT, _POINTER)


@dataclass(frozen=True, slots=True)
class _Font:
    bold: bool
    ascent: float
    descent: float


@dataclass(frozen=True, slots=True)
class _Characters:
    """What is seen of a page's text, one entry per visible character. Boxes and directions are in display space."""

    codes: NDArray[np.uint32]
    boxes: Boxes
    direction: NDArray[np.float64]
    size: NDArray[np.float64]
    bold: NDArray[np.bool_]
    space_before: NDArray[np.bool_]
    newline_before: NDArray[np.bool_]


def text_lines(page: pdfium.PdfPage, frame: PageFrame) -> tuple[TextLine, ...]:
    """The page's lines in content order; boxes in points of the page as displayed. None outside the page's box."""
    text_page = page.get_textpage()
    try:
        characters = _read_characters(text_page, frame)
    finally:
        text_page.close()
    return () if characters is None else _build_lines(characters)


def _read_characters(text_page: pdfium.PdfTextPage, frame: PageFrame) -> _Characters | None:
    handle, count = _address(text_page.raw), text_page.count_chars()
    codes = np.fromiter(map(_get_unicode, repeat(handle), range(count)), np.uint32, count)
    codes[np.isin(codes, _HYPHENS)] = ord("-")
    codes[codes == 0xFFFF] = 0
    classes = _CLASS_OF_CODE[np.minimum(codes, 0xFFFE)]
    seen = np.flatnonzero(classes == _SEEN)
    if not seen.size:
        return None
    objects, of_object = _text_objects(handle, seen)
    matrices, sizes, bold, fonts = _object_facts(handle, objects)
    boxes = _loose_boxes(handle, seen, frame)
    turned = ~((matrices[:, 0] > 0) & (matrices[:, 3] > 0) & (np.abs(matrices[:, 1:3]).max(axis=1) < 1e-3))[of_object]
    turned |= (boxes[:, 2] - boxes[:, 0] <= 0) | (boxes[:, 3] - boxes[:, 1] <= 0)
    directions = _directions(matrices, frame)
    if turned.any():
        where = np.flatnonzero(turned)
        which = of_object[where]
        spans = np.array([(fonts[index].ascent, fonts[index].descent) for index in which]) * sizes[which, None]
        boxes[where] = _turned_boxes(handle, seen[where], directions[which], spans, frame)
    centres = (boxes[:, :2] + boxes[:, 2:]) / 2
    inside = ((centres >= 0) & (centres <= (frame.width_pt, frame.height_pt))).all(axis=1)
    seen, of_object = seen[inside], of_object[inside]
    if not seen.size:
        return None
    return _Characters(
        codes=codes[seen],
        boxes=boxes[inside],
        direction=directions[of_object],
        size=sizes[of_object],
        bold=bold[of_object],
        space_before=_any_before(classes == _SPACE, seen),
        newline_before=_any_before(classes == _NEWLINE, seen),
    )


def _class_table() -> NDArray[np.uint8]:
    """What each code of the basic plane is; it ends with U+FFFE, which stands for all codes beyond."""
    table = np.full(0xFFFF, _SEEN, np.uint8)
    for kind, codes in ((_CONTROL, _CONTROLS), (_SPACE, _SPACES), (_NEWLINE, _NEWLINES)):
        table[list(codes)] = kind
    return table


_CLASS_OF_CODE = _class_table()


def _any_before(flags: NDArray[np.bool_], seen: NDArray[np.intp]) -> NDArray[np.bool_]:
    """For each seen character, whether a flagged one lies between it and the one seen before it."""
    return np.diff(np.cumsum(flags)[seen], prepend=0) > 0


def _text_objects(handle: int, seen: NDArray[np.intp]) -> tuple[list[tuple[int, int]], NDArray[np.intp]]:
    """The text objects as (address, one of its characters), and the index of each seen character's object."""
    addresses = np.fromiter(map(_get_object, repeat(handle), seen.tolist()), np.uint64, seen.size)
    # Characters that PDFium made up have no object; they count to the one before them.
    known = np.maximum.accumulate(np.where(addresses != 0, np.arange(seen.size), 0))
    unique, first, inverse = np.unique(addresses[known], return_index=True, return_inverse=True)
    return list(zip(unique.tolist(), seen[first].tolist(), strict=True)), inverse


def _object_facts(
    handle: int, objects: list[tuple[int, int]]
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.bool_], list[_Font]]:
    """Of each text object: matrix, font size as displayed, whether bold, font."""
    indexes = [index for _, index in objects]
    matrices = np.zeros((len(objects), 6), np.float32)
    start = matrices.ctypes.data
    for row, index in enumerate(indexes):
        _get_matrix(handle, index, start + 24 * row)
    nominal = np.fromiter(map(_get_font_size, repeat(handle), indexes), np.float64, len(indexes))
    sizes = np.abs(nominal) * np.hypot(matrices[:, 2], matrices[:, 3])
    sizes[~(sizes > 0)] = 1.0
    cache: dict[int, _Font] = {0: _Font(bold=False, ascent=0.8, descent=-0.2)}
    fonts = []
    stroked = []
    for address, _ in objects:
        font = _get_font(address) if address else 0
        if font not in cache:
            cache[font] = _read_font(font)
        fonts.append(cache[font])
        stroked.append(bool(address) and _get_render_mode(address) in _STROKED_MODES)
    bold = np.array([font.bold for font in fonts]) | np.array(stroked)
    return matrices, sizes, bold, fonts


def _read_font(address: int) -> _Font:
    font = ctypes.cast(address, pdfium_c.FPDF_FONT)
    name = ctypes.create_string_buffer(256)
    pdfium_c.FPDFFont_GetBaseFontName(font, name, len(name))
    # Not FPDFFont_GetWeight: a guess from the stem width, which calls the regular cut of many fonts bold.
    says_bold = _BOLD_NAMES.search(name.value.decode("latin-1")) is not None
    forced = bool(max(0, pdfium_c.FPDFFont_GetFlags(font)) & _FORCE_BOLD_FLAG)
    ascent, descent = ctypes.c_float(), ctypes.c_float()
    pdfium_c.FPDFFont_GetAscent(font, 1.0, ascent)
    pdfium_c.FPDFFont_GetDescent(font, 1.0, descent)
    usable = 0.2 < ascent.value < 2 and -1 < descent.value <= 0
    spans = (ascent.value, descent.value) if usable else (0.8, -0.2)
    return _Font(says_bold or forced, *spans)


def _directions(matrices: NDArray[np.float32], frame: PageFrame) -> NDArray[np.float64]:
    """Unit vectors of each object's reading direction in display space."""
    linear, _ = frame.matrix
    vectors = matrices[:, :2].astype(np.float64) @ linear
    lengths = np.hypot(vectors[:, 0], vectors[:, 1])
    vectors[lengths == 0] = (1, 0)
    lengths[lengths == 0] = 1
    vectors /= lengths[:, None]
    nearly = np.abs(vectors) < 0.02  # about one degree: scans and sloppy writers
    vectors[nearly[:, 1]] = np.sign(vectors[nearly[:, 1]]) * (1, 0)
    vectors[nearly[:, 0]] = np.sign(vectors[nearly[:, 0]]) * (0, 1)
    return vectors


def _loose_boxes(handle: int, seen: NDArray[np.intp], frame: PageFrame) -> Boxes:
    """Advance width by ascent and descent; PDFium computes them for upright text only."""
    raw = np.zeros((seen.size, 4), np.float32)
    start = raw.ctypes.data
    addresses = range(start, start + raw.nbytes, 16)
    for _ in map(_get_loose_box, repeat(handle), seen.tolist(), addresses):
        pass
    return frame.boxes_to_display(raw.astype(np.float64))


def _turned_boxes(
    handle: int, seen: NDArray[np.intp], directions: NDArray[np.float64], spans: Boxes, frame: PageFrame
) -> Boxes:
    """Boxes of text that is not upright in page space: the glyph's own, stretched to the font's ascent and descent."""
    raw = np.zeros((seen.size, 6), np.float64)
    start = raw.ctypes.data
    for row, index in enumerate(seen.tolist()):
        at = start + 48 * row
        _get_tight_box(handle, index, at, at + 16, at + 8, at + 24)  # left, right, bottom, top
        _get_origin(handle, index, at + 32, at + 40)
    boxes = frame.boxes_to_display(raw[:, :4])
    origins = frame.to_display(raw[:, 4:])
    downwards = np.stack([-directions[:, 1], directions[:, 0]], axis=1)
    above, below = (origins - downwards * spans[:, column, None] for column in (0, 1))
    low = np.minimum(boxes[:, :2], np.minimum(above, below))
    high = np.maximum(boxes[:, 2:], np.maximum(above, below))
    return np.hstack([low, high])


def _build_lines(characters: _Characters) -> tuple[TextLine, ...]:
    starts_line, starts_word = _line_and_word_starts(characters)
    line_starts, word_starts = np.flatnonzero(starts_line), np.flatnonzero(starts_word)
    boxes = np.round(_united(characters.boxes, line_starts), 2).tolist()
    words_x = np.round(_united(characters.boxes, word_starts)[:, (0, 2)], 2)
    sizes = _usual_sizes(characters.size, starts_line)
    lengths = np.diff(line_starts, append=characters.codes.size)
    bold = (np.add.reduceat(characters.bold.astype(np.int64), line_starts) * 2 > lengths).tolist()
    codes = np.where(characters.codes > sys.maxunicode, _REPLACEMENT, characters.codes)  # a font's map may say anything
    text = "".join(map(chr, codes.tolist()))
    cuts = [*word_starts.tolist(), len(text)]
    words = [text[begin:end] for begin, end in pairwise(cuts)]
    first_words = np.searchsorted(word_starts, [*line_starts.tolist(), len(text)]).tolist()
    lines = []
    for number, (begin, end) in enumerate(pairwise(first_words)):
        line_text = _join_surrogates(" ".join(words[begin:end]))
        if line_text:
            word_x = tuple(words_x[begin:end].ravel().tolist())
            lines.append(TextLine(line_text, *boxes[number], sizes[number], bold[number], word_x))
    return tuple(lines)


def _line_and_word_starts(characters: _Characters) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    along, across, turned = _line_coordinates(characters)
    gap_em = (along[1:, 0] - along[:-1, 1]) / np.maximum(characters.size[1:], characters.size[:-1])
    # Right-to-left script comes in the order of reading: a gap is to its left. Where it meets the other kind, the next
    # letter may be a whole quotation away.
    right_to_left = _is_right_to_left(characters.codes)
    both = right_to_left[1:] & right_to_left[:-1]
    gap_em[both] = ((along[:-1, 0] - along[1:, 1]) / characters.size[1:])[both]
    between_directions = right_to_left[1:] | right_to_left[:-1]
    heights = across[:, 1] - across[:, 0]
    shared = np.minimum(across[1:, 1], across[:-1, 1]) - np.maximum(across[1:, 0], across[:-1, 0])
    shared /= np.maximum(np.minimum(heights[1:], heights[:-1]), 1e-6)
    ratio = characters.size[1:] / characters.size[:-1]
    max_gap_em = np.where(np.isin(characters.codes[:-1], _STOPS), MAX_GAP_AFTER_STOP_EM, MAX_GAP_EM)
    # PDFium also ends a "line" at some superscripts and changes of font. What goes on where it stopped is one line.
    goes_on = (shared > _JOIN_SHARED_HEIGHT) & (gap_em > -_JOIN_OVERLAP_EM) & (gap_em < _JOIN_GAP_EM)
    ends = (
        turned
        | (characters.newline_before[1:] & ~goes_on)
        | (gap_em > max_gap_em)
        | ((gap_em < -_MAX_STEP_BACK_EM) & ~between_directions)
        | (shared < _MIN_SHARED_HEIGHT)
        | (ratio > _MAX_SIZE_RATIO)
        | (ratio < 1 / _MAX_SIZE_RATIO)
    )
    starts_line = np.concatenate([[True], ends])
    parted = characters.space_before | (characters.newline_before & np.concatenate([[True], gap_em > _SPACE_EM]))
    return starts_line, starts_line | parted


def _is_right_to_left(codes: NDArray[np.uint32]) -> NDArray[np.bool_]:
    return np.logical_or.reduce([(codes >= low) & (codes <= high) for low, high in _RIGHT_TO_LEFT])


def _line_coordinates(
    characters: _Characters,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    """Begin and end of each character along its direction and across it, and where the direction turns."""
    direction = characters.direction
    downwards = np.stack([-direction[:, 1], direction[:, 0]], axis=1)
    turned = (direction[1:] * direction[:-1]).sum(axis=1) < 0.999
    centres = (characters.boxes[:, :2] + characters.boxes[:, 2:]) / 2
    halves = (characters.boxes[:, 2:] - characters.boxes[:, :2]) / 2
    # The box of slanted text says little about the letter in it; half a square of its size has to do.
    slanted = (np.abs(direction) > 1e-6).all(axis=1)
    halves[slanted] = characters.size[slanted, None] * 0.25

    def extent(axis: NDArray[np.float64]) -> NDArray[np.float64]:
        middle, half = (centres * axis).sum(axis=1), (halves * np.abs(axis)).sum(axis=1)
        return np.stack([middle - half, middle + half], axis=1)

    return extent(direction), extent(downwards), turned


def _united(boxes: Boxes, starts: NDArray[np.intp]) -> Boxes:
    """The box around each group of boxes, groups given by where they start."""
    return np.hstack([np.minimum.reduceat(boxes[:, :2], starts), np.maximum.reduceat(boxes[:, 2:], starts)])


def _usual_sizes(size: NDArray[np.float64], starts_line: NDArray[np.bool_]) -> list[float]:
    """Each line's most frequent font size, in points to a tenth."""
    line = np.cumsum(starts_line) - 1
    tenths = np.clip(np.nan_to_num(np.round(size * 10)), 0, 999_999).astype(np.int64)  # matrices may hold anything
    keys, counts = np.unique(line * 1_000_000 + tenths, return_counts=True)
    rarest_first = np.argsort(counts, kind="stable")
    usual = np.zeros(line[-1] + 1)
    usual[keys[rarest_first] // 1_000_000] = (keys[rarest_first] % 1_000_000) / 10
    return usual.tolist()


def _join_surrogates(text: str) -> str:
    """Halves of characters beyond the basic plane become whole; lonely halves go."""
    if not any("\ud800" <= character <= "\udfff" for character in text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore").strip()
