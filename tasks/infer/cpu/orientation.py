"""Scans that lie on their side or upside down: how to notice it, and how to bring boxes back.

PDFs say how they want to be turned; scanned pictures do not. Text boxes that are taller than wide give a sideways page
away, and an upside-down one is read with little confidence. Turns are quarter turns counterclockwise, as numpy counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from tasks.infer.cpu.lines import Line
from tasks.lake.rows import Element

SIDEWAYS, UPSIDE_DOWN = (1, 3), (2,)

TALL = 1.5
"""Height over width of a text box that stands; a short upright word is rarely taller than wide."""

POOR_SCORE = 0.75
"""Mean score of OCR on upside-down print: 0.5 to 0.7 on samples; upright pages, poor faxes included, are above 0.85."""


def turns_to_try(lines: Sequence[Line]) -> tuple[int, ...]:
    """The turns that may set a page upright, judged by what OCR made of it as it is; none for most pages."""
    letters = sum(len(line.text) for line in lines)
    if not letters:
        return ()
    standing = sum(len(line.text) for line in lines if line.y1 - line.y0 > TALL * (line.x1 - line.x0))
    if standing > letters / 2:
        return SIDEWAYS
    return UPSIDE_DOWN if fmean(line.score or 0.0 for line in lines) < POOR_SCORE else ()


def legibility(lines: Sequence[Line]) -> float:
    """How much was read and how surely: letters in lying lines, weighted with their scores."""
    return sum(len(line.text) * (line.score or 0.0) for line in lines if line.x1 - line.x0 > line.y1 - line.y0)


def turned_back(element: Element, turns: int, width_pt: float, height_pt: float) -> Element:
    """An element of a turned page as it lies on the page as displayed, which measures `width_pt` x `height_pt`."""
    x0, y0, x1, y1 = element.x0, element.y0, element.x1, element.y1
    if turns == 1:
        box = (width_pt - y1, x0, width_pt - y0, x1)
    elif turns == 2:
        box = (width_pt - x1, height_pt - y1, width_pt - x0, height_pt - y0)
    else:
        box = (y0, height_pt - x1, y1, height_pt - x0)
    return replace(element, x0=box[0], y0=box[1], x1=box[2], y1=box[3])
