"""Whether a page's own text layer can be believed, or its text must be read from the image.

OCR is called for when, in this order,

- there is no visible text layer, but there is ink on the page;
- too many characters are ones that no reader uses: replacement and private-use characters, controls, unassigned codes
  (fonts without a usable character map);
- the text is a cipher: letters, but hardly any of the short words every text in Latin script is made of, and few vowels
  (fonts whose map is shifted);
- nearly all of the page is ink that the text layer does not lie on: a scan with a stamp or a page number on top.

A page with a text layer and large pictures keeps its text layer: text in pictures is not looked for.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from tasks.infer.cpu.geometry import shared_area
from tasks.infer.cpu.lines import Line
from tasks.infer.cpu.regions import Region

MIN_INK = 0.0005
"""Fraction of dark pixels: 0.05 % of an A4 page is two words at 12 points. Paper grain and dust stay under it."""
MAX_BAD_CHARACTERS = 0.2
"""Symbol fonts for bullets put private-use characters into good text, up to one in twenty on a page of short lists."""
MIN_CIPHER_WORDS = 40
"""Fewer words say nothing about a language."""
VOWELS = frozenset("aeiouyàáâãäåæèéêëìíîïòóôõöøœùúûüýÿąęėįųūőű")
MIN_VOWELS = 0.22
"""Share of the Latin letters: 36 to 50 % in European languages, 18 % in random letters, under 15 % in most shifted
text."""
MAX_VOWELS = 0.65
MIN_LATIN = 0.5
"""Share of letters that must be Latin for the cipher test: Greek, Russian, Chinese and Arabic have other vowels."""
MIN_COVERED = 0.05
"""Share of the text boxes' area that the text layer must lie on; a stamp on a scan covers 1 to 3 %."""
TEXT_LABELS = frozenset({"text", "title", "reference", "table"})


def needs_ocr(lines: Sequence[Line], regions: Sequence[Region], ink: float | None) -> bool:
    """Whether the page's text must be read from its image; see the module's docstring for the rules."""
    has_ink = ink is None or ink >= MIN_INK
    if not has_ink:
        return False
    text = "".join(line.text for line in lines)
    if not text.strip():
        return True
    return share_of_bad_characters(text) > MAX_BAD_CHARACTERS or is_cipher(lines) or is_stamp_on_scan(lines, regions)


def share_of_bad_characters(text: str) -> float:
    """Replacement characters, private use, controls and unassigned codes, as a share of all that is not space."""
    seen = [character for character in text if not character.isspace()]
    bad = sum(
        character == "\ufffd" or unicodedata.category(character) in ("Co", "Cn", "Cc", "Cs") for character in seen
    )
    return bad / max(len(seen), 1)


def is_cipher(lines: Sequence[Line]) -> bool:
    """Whether the words look like words but are made of the wrong letters."""
    words = [word for line in lines for word in line.text.split() if len(word) > 1]
    letters = [character for word in words for character in word.lower() if character.isalpha()]
    latin = [character for character in letters if character.isascii() or "\u00c0" <= character < "\u0250"]
    if len(words) < MIN_CIPHER_WORDS:
        return False
    if len(letters) < 0.35 * sum(len(word) for word in words):
        return _mostly_symbols(words)
    if len(latin) < MIN_LATIN * len(letters):
        return False
    vowels = sum(character in VOWELS for character in latin) / len(latin)
    return not MIN_VOWELS <= vowels <= MAX_VOWELS


def _mostly_symbols(words: Sequence[str]) -> bool:
    """Few letters: fine for tables of figures, not for text in which punctuation stands for letters."""
    characters = "".join(words)
    plain = sum(character.isalnum() or character in ".,-–+%$€£()/:" for character in characters)
    return plain < 0.6 * len(characters)


def is_stamp_on_scan(lines: Sequence[Line], regions: Sequence[Region]) -> bool:
    """Whether the detector sees text, in several boxes, that the text layer knows next to nothing of."""
    boxes = [region for region in regions if region.label in TEXT_LABELS]
    total = sum((b.x1 - b.x0) * (b.y1 - b.y0) for b in boxes)
    if total <= 0:
        return False
    covered = sum(shared_area(line, box) for line in lines for box in boxes)
    return covered < MIN_COVERED * total
