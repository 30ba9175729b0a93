"""The text of an element as Markdown, from its lines.

Headings get `# ` or `## `, list items `- ` or their number; the lines of a paragraph become one line. Nothing is
escaped: people search this text, and a stray asterisk harms a rendering less than a backslash harms a search.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tasks.infer.cpu.paragraphs import BULLET, BULLETS

HYPHENS = "-\u2010\u00ad\u0002"
"""Hyphen-minus, hyphen, soft hyphen, and the mark that PDFium writes for a hyphen at a line's end."""
SOFT_HYPHENS = "\u00ad\u0002"
WORD = re.compile(r"[^\W\d_]+(?:[-\u2010][^\W\d_]+)*")
LAST_WORD = re.compile(rf"([^\W_]+(?:[-\u2010][^\W_]+)*)[{HYPHENS}]$")
FIRST_WORD = re.compile(r"[^\W\d_]+")
KEPT_PREFIX = re.compile(
    "self|non|well|all|co|cross|ex|ill|low|high|multi|pre|post|semi|quasi|half|one|two|three|four|five|six|seven|eight"
    "|nine|ten|long|short|large|small|real|full|single|double|open|state|end|time|user|data|model|domain|task",
    re.IGNORECASE,
)
"""First parts of compounds that are written with a hyphen more often than they are syllables of a longer word."""
NUMBERED = re.compile(r"(\d{1,3})[.)]\s+")
CJK = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u3000-\u30ff]")


def vocabulary_of(texts: Iterable[str]) -> frozenset[str]:
    """The words of a page, in lower case: how else a broken word is written on it decides how it is joined."""
    return frozenset(word.lower() for text in texts for word in WORD.findall(text))


def join_lines(texts: Sequence[str], vocabulary: frozenset[str] = frozenset()) -> str:
    """One paragraph from its lines."""
    joined = ""
    for text in texts:
        joined = _join(joined, text, vocabulary) if joined else text
    return joined.replace("\u00ad", "").replace("\u0002", "-")


def _join(before: str, after: str, vocabulary: frozenset[str]) -> str:
    broken, first = LAST_WORD.search(before), FIRST_WORD.match(after)
    if broken and first:
        return before[:-1] + ("-" if _keeps_hyphen(before, broken[1], first[0], vocabulary) else "") + after
    if CJK.match(before[-1]) and CJK.match(after[0]):
        return before + after
    return f"{before} {after}"


def _keeps_hyphen(before: str, start: str, end: str, vocabulary: frozenset[str]) -> bool:
    """Whether a hyphen at a line's end is part of the word: it is unless the word was only broken there."""
    if before[-1] in SOFT_HYPHENS:
        return f"{start}-{end}".lower() in vocabulary
    if not end[0].islower() or not start[-1].isalpha():
        return True
    last_part = re.split(r"[-\u2010]", start)[-1]
    if f"{start}-{end}".lower() in vocabulary:
        return True
    if f"{last_part}{end}".lower() in vocabulary:
        return False
    return bool(KEPT_PREFIX.fullmatch(start)) or len(last_part) < 2 or last_part.isupper()


def as_markdown(category: str, texts: Sequence[str], vocabulary: frozenset[str] = frozenset()) -> str:
    """The element's text: joined lines with the mark of its category in front."""
    text = join_lines(texts, vocabulary)
    if not text:
        return ""
    if category == "Title":
        return f"# {text}"
    if category == "Section-header":
        return f"## {text}"
    if category == "List-item":
        return _list_item(text)
    return text


def _list_item(text: str) -> str:
    numbered = NUMBERED.match(text)
    if numbered:
        return f"{numbered[1]}. {text[numbered.end() :]}"
    bullet = BULLET.match(text)
    if bullet and (text[0] in BULLETS or text[0] in "-–*o»>"):
        return f"- {text[bullet.end() :]}"
    return f"- {text}"
