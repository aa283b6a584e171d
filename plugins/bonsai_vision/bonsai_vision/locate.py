"""Finds the question on the page: what surely does not belong to it (bars of the browser or the site, side panels, the
labels of a figure) is left out before anything is read.

Only geometry and colour are known here. What is doubtful stays; `structure` drops it once it was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bonsai_vision.boxes import Box
from bonsai_vision.figures import find_figures, is_inside
from bonsai_vision.layout import Column, columns, rows
from bonsai_vision.segments import Scan, Segment

#: A column at the page's edge is a side panel if it takes at most this share of the width, and its text at most that
#: share of the main column's.
_PANEL_WIDTH, _PANEL_TEXT = 0.27, 0.6
#: Grey levels by which a bar's colour differs from the page's, at least.
_TINT = 4
#: Bars take at most these shares of the page's height: all at the top, all at the bottom, a single one.
_TOP_SHARE, _BOTTOM_SHARE, _BAR_SHARE = 0.4, 0.25, 0.16
#: Or the latter so many heights of a letter, on a low page.
_BAR_LETTERS = 11
_BAR_ROWS = 3


@dataclass(frozen=True)
class Place:
    """Where the question is.

    Attributes:
        columns: what is to be read, in reading order.
        left_out: text that is not read.
        figures: with their labels, which are not read.
    """

    columns: list[Column]
    left_out: list[Segment]
    figures: list[Box]

    @property
    def box(self) -> Box | None:
        """Around all that is to be read; None for an empty page."""
        return Box.around(column.box for column in self.columns) if self.columns else None


def locate(scan: Scan) -> Place:
    """Find the part of the page that is worth reading."""
    top, bottom = body_rows(scan)
    figures = find_figures(scan, top, bottom)
    text = [segment for segment in scan.segments if not is_inside(segment, figures)]
    text = [segment for segment in text if segment.box.height >= 0.5 * scan.size]
    inner = [segment for segment in text if top <= (segment.box.top + segment.box.bottom) / 2 < bottom]
    found = columns(scan, inner or text)
    panels = _panels(found, scan.ink.shape[1])
    kept = [column for column in found if column not in panels]
    read = {id(segment) for column in kept for segment in column.segments}
    left_out = [segment for segment in scan.segments if id(segment) not in read]
    return Place(kept, left_out, figures)


def body_rows(scan: Scan) -> tuple[int, int]:
    """First row below the bars at the page's top, and first row of those at its bottom.

    A bar reaches across the whole page and ends where the colour changes at both edges, or at a line across the page.
    """
    height, width = scan.paper.shape
    at = min(3, width - 1)
    left, right = scan.paper[:, at].astype(int), scan.paper[:, width - 1 - at].astype(int)
    steps = np.flatnonzero((abs(np.diff(left)) > _TINT) | (abs(np.diff(right)) > _TINT)) + 1
    lines = [rule.bottom for rule in scan.rules if rule.width >= 0.9 * width]
    edges = sorted({*steps.tolist(), *lines})
    return (
        _innermost([edge for edge in edges if edge <= _TOP_SHARE * height], 0, height, scan),
        _innermost([edge for edge in reversed(edges) if edge >= (1 - _BOTTOM_SHARE) * height], height, height, scan),
    )


def _innermost(edges: Sequence[int], start: int, height: int, scan: Scan) -> int:
    """The last of the edges, from outside inward, up to which there are only bars."""
    found = start
    for edge in edges:
        low, high = sorted((found, edge))
        if high - low > max(_BAR_SHARE * height, _BAR_LETTERS * scan.size):
            break
        inside = [s.box for s in scan.segments if low <= (s.box.top + s.box.bottom) / 2 < high]
        if any(box.width > 0.6 * scan.paper.shape[1] for box in inside) or len(rows(inside)) > _BAR_ROWS:
            break
        found = edge
    return found


def _panels(found: Sequence[Column], width: int) -> list[Column]:
    """Narrow columns at the sides with little text."""
    beside = [column for column in found if not column.strip]
    if len(beside) < 2:
        return []
    amounts = {id(column): sum(segment.box.width for segment in column.segments) for column in beside}
    most = max(amounts.values())
    panels = []
    for at, column in ((0, beside[0]), (len(beside) - 1, beside[-1])):
        share = (beside[1].box.left if at == 0 else width - column.box.left) / width
        if share <= _PANEL_WIDTH and amounts[id(column)] <= _PANEL_TEXT * most:
            panels.append(column)
    return panels if len(panels) < len(beside) else []
