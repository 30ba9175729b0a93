"""The detector's boxes made fit to hold lines: in points, duplicates resolved, each line in at most one.

The model answers per class, so one thing is often boxed twice ("text" and "reference"), a paragraph inside a table is
boxed as text, and a coloured panel with paragraphs on it as a figure. The rules here decide between such boxes. Making
blocks out of lines is the job of `blocks`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tasks.infer.cpu.geometry import area, bounding_box, coverage, iou, shared_area
from tasks.infer.cpu.layout_detector import DetectedBox
from tasks.infer.cpu.lines import Line

CONTAINERS = frozenset({"table", "figure"})
"""Classes whose lines belong to the box as a whole and are not made into paragraphs."""
SPECIFIC = frozenset({"title", "figure_caption", "table_caption", "equation", "header", "footer"})
"""Classes that may lie inside a text box and then claim their own lines."""
RUNNING = frozenset({"text", "reference"})
TWIN_SHARE = 0.3
FIRM_SCORE = 0.5
"""The model's own default threshold. Weaker boxes count only where nothing contradicts them."""
DUPLICATE_IOU = 0.5
INSIDE = 0.8
"""Share of a box that must lie in another one for it to count as inside; the model's edges are off by a few points."""
LINE_IN_BOX = 0.5
PANEL_TEXT = 0.30
"""A "figure" of which running text covers this share is a panel or a page background, and its text is the page's text.
Labels in charts and diagrams stay under 15 %; paragraphs cover 40 % and more."""
PANEL_LINES = {"figure": 8, "equation": 3}
"""Lines of running text that make a panel of a box however large it is."""
RUNNING_TEXT_CHARACTERS = 25
"""Chart labels are shorter, lines of paragraphs longer."""


@dataclass(frozen=True, slots=True)
class Region:
    """A detector's box in points."""

    label: str
    score: float
    x0: float
    y0: float
    x1: float
    y1: float


def resolve_regions(
    detected: Sequence[DetectedBox], lines: Sequence[Line], width: float, height: float
) -> list[Region]:
    """The boxes that stand, best score first."""
    regions = [
        Region(box.label, box.score, box.x0 * width, box.y0 * height, box.x1 * width, box.y1 * height)
        for box in sorted(detected, key=lambda box: -box.score)
    ]
    regions = [r for r in regions if area(r) > 0 and not is_panel(r, lines)]
    kept: list[Region] = []
    for region in regions:
        if not any(_superseded(region, other) for other in kept):
            kept.append(region)
    return without_swallowed(_merge_overlapping_text(kept))


def _merge_overlapping_text(regions: list[Region]) -> list[Region]:
    """Two text boxes over the same lines as one: a paragraph begun in one and ended in the other is one paragraph."""
    merged: list[Region] = []
    for region in regions:
        twin = next((i for i, other in enumerate(merged) if _overlapping_text(region, other)), None)
        if twin is None:
            merged.append(region)
        else:
            merged[twin] = replace(merged[twin], **bounding_box([merged[twin], region])._asdict())
    return merged


def _overlapping_text(a: Region, b: Region) -> bool:
    both_text = a.label in RUNNING and b.label in RUNNING
    return both_text and shared_area(a, b) > TWIN_SHARE * min(area(a), area(b))


def without_swallowed(regions: Sequence[Region]) -> list[Region]:
    """The regions without the text boxes that are only a part of a table or figure."""
    return [r for r in regions if not any(_swallowed(r, other) for other in regions if other is not r)]


def is_panel(region: Region, lines: Sequence[Line]) -> bool:
    """Whether a "figure" is only the ground that running text is printed on, or an "equation" holds much of it."""
    if region.label not in ("figure", "equation"):
        return False
    running = [line for line in lines if len(line.text) >= RUNNING_TEXT_CHARACTERS and coverage(line, region) > INSIDE]
    covered = sum(shared_area(line, region) for line in running)
    return covered > PANEL_TEXT * area(region) or len(running) >= PANEL_LINES[region.label]


def _superseded(region: Region, better: Region) -> bool:
    """Whether a box with a higher score is already the same thing."""
    if iou(region, better) > DUPLICATE_IOU:
        return True
    same_kind = (region.label in CONTAINERS) == (better.label in CONTAINERS)
    if not same_kind or region.label in SPECIFIC:
        return False
    return max(coverage(region, better), coverage(better, region)) > INSIDE


def _swallowed(region: Region, other: Region) -> bool:
    """Whether a text box is only a part of a table or figure. Captions stay: the model often boxes them with the
    table."""
    if region.label in CONTAINERS or other.label not in CONTAINERS or region.label.endswith("caption"):
        return False
    return other.score >= FIRM_SCORE and coverage(region, other) > INSIDE


def region_of(line: Line, regions: Sequence[Region]) -> int | None:
    """Index of the region that a line belongs to: the most specific among those that cover it, None if none does."""
    best: tuple[bool, float, int] | None = None
    for index, region in enumerate(regions):
        share = coverage(line, region)
        if share >= LINE_IN_BOX:
            rank = (region.label in SPECIFIC and region.score >= FIRM_SCORE, share, -index)
            best = rank if best is None or rank > best else best
    return None if best is None else -best[2]
