"""Where a model fell into repeating itself at the end of a text. Elements that repeat are the readers' own affair.

Two kinds are seen in public reports: one unit written again and again, exactly (vllm-ascend#4989: four lines as the
unit), and lines that drift a little each time (deepseek-ocr.rs#53). An exact loop is found by looking for the last few
characters further up: the distance is the period, and comparing the text with itself moved by it shows how far back the
loop goes. That costs a few string operations, whatever the length of the text.
"""

from __future__ import annotations

from typing import NamedTuple

from rapidfuzz import fuzz

PROBE_CHARACTERS = 24
"""What is looked for further up: longer than a word, shorter than a line."""
MIN_REPEATS = 8
MIN_CHARACTERS = 160
MIN_BARE_CHARACTERS = 400
"""For units without a letter or digit: leaders and rules of a hundred dots are ordinary."""
DRIFT_LINES = 16
DRIFT_LINE_CHARACTERS = 4
DRIFT_SIMILARITY = 70
"""Of two neighbours without digits, in per cent; one line in six may be unlike."""
DRIFT_SHARE = 5 / 6


class Loop(NamedTuple):
    """An exact loop at the end of a text: it starts here, and each turn is this long (characters)."""

    start: int
    period: int


def find_loop(text: str, min_repeats: int = MIN_REPEATS, min_characters: int = MIN_CHARACTERS) -> Loop | None:
    """The exact loop that the text ends in; its last turn may be unfinished."""
    text = text.rstrip()
    probe = text[-PROBE_CHARACTERS:]
    earlier = text.rfind(probe, 0, len(text) - 1)
    if len(probe) < PROBE_CHARACTERS or earlier < 0:
        return None
    period = len(text) - PROBE_CHARACTERS - earlier
    repeated = _common_suffix(text, text[:-period])
    length = repeated + period
    bare = not any(c.isalnum() for c in text[-period:])
    enough = max(min_characters, MIN_BARE_CHARACTERS) if bare else min_characters
    return Loop(len(text) - length, period) if length >= enough and length >= min_repeats * period else None


def drifts(text: str) -> bool:
    """Whether the text ends in many lines that are nearly one another: a loop that changes a little each time.

    Lines with digits do not count as alike: numbered lists and tables of contents look so.
    """
    lines = [line for line in map(str.strip, text[-4000:].splitlines()) if line][-DRIFT_LINES:]
    if len(lines) < DRIFT_LINES or any(len(line) < DRIFT_LINE_CHARACTERS for line in lines[:-1]):
        return False
    if any(c.isdigit() for line in lines for c in line):
        return False
    middle = max(lines, key=lines.count)
    alike = sum(fuzz.ratio(middle.casefold(), line.casefold()) >= DRIFT_SIMILARITY for line in lines)
    return alike >= DRIFT_SHARE * len(lines)


def ends_in_repetition(text: str) -> bool:
    """Whether the text ends in a loop, exact or drifting."""
    return find_loop(text) is not None or drifts(text)


def _common_suffix(one: str, other: str) -> int:
    """Length of the longest common suffix, by doubling and halving: string comparisons are fast, loops are not."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[len(one) - middle :] == other[len(other) - middle :]:
            low = middle
        else:
            high = middle - 1
    return low
