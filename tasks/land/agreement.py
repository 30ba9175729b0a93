"""How much of an element's text the PDF's own text layer confirms inside the element's box.

The measure: both texts without markup, spaces and case (NFKC, casefolded); the length of their longest common
subsequence over the length of the element's text. 1.0 means every character is there, in order; invented text pulls it
to 0. It is null where there is nothing to compare: no text layer, no text, or LaTeX, which no text layer spells out.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator

from rapidfuzz.distance import LCSseq

from tasks.lake.rows import Element, TextLine

MARGIN_PT = 2.0
"""A box counts as this much larger on every side: models cut ascenders and descenders."""

COMPARED_CHARACTERS = 20_000
"""Of each text, from its beginning: the comparison is quadratic, and a dense page of print has a third of that."""

_TAG = re.compile(r"<[^<>]*>")
_MARKUP = re.compile(r"^\s*(#{1,6}|[-*+•]|\d+[.)])\s+|[*_`|]", re.MULTILINE)


def text_layer_agreement(element: Element, text_layer: Iterable[TextLine]) -> float | None:
    """Between 0 and 1, or None where nothing can be compared."""
    if element.text_format == "latex":
        return None
    said = _bare(_without_markup(element))[:COMPARED_CHARACTERS]
    if not said:
        return None
    confirmed = _bare("".join(_words_inside(element, text_layer)))[:COMPARED_CHARACTERS]
    return LCSseq.similarity(said, confirmed) / len(said)


def _without_markup(element: Element) -> str:
    if element.text_format == "html":
        return html.unescape(_TAG.sub(" ", element.text))
    return _MARKUP.sub(" ", element.text) if element.text_format == "markdown" else element.text


def _bare(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def _words_inside(element: Element, lines: Iterable[TextLine]) -> Iterator[str]:
    """Words whose middle lies in the box."""
    x0, y0, x1, y1 = element.x0 - MARGIN_PT, element.y0 - MARGIN_PT, element.x1 + MARGIN_PT, element.y1 + MARGIN_PT
    for line in lines:
        if not y0 <= (line.y0 + line.y1) / 2 <= y1:
            continue
        words = line.text.split(" ")
        edges = line.word_x if len(line.word_x) == 2 * len(words) else (line.x0, line.x1) * len(words)
        for word, left, right in zip(words, edges[::2], edges[1::2], strict=True):
            if x0 <= (left + right) / 2 <= x1:
                yield word
