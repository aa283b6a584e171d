"""Finds figures on a page: diagrams and charts with all of their labels, by what is drawn there and is no text."""

from __future__ import annotations

from collections.abc import Sequence

from bonsai_vision.boxes import Box
from bonsai_vision.segments import Scan, Segment

#: Lengths in heights of a letter: how far apart parts of one figure may be, how large a figure is at least, how far a
#: label may stand from it, and how far below it a title that is centred.
_GAP, _WIDE, _HIGH, _LABEL, _TITLE = 3.2, 5.0, 3.0, 1.5, 2.6
#: Longest line in a figure, likewise.
_LONG = 60.0
#: What is so many times longer than high is a frame's edge.
_FLAT = 12
#: Of a figure's width, how far a title's middle may be from the figure's.
_CENTRED = 0.12
_ROUNDS = 5
#: A frame around a drawing is its axes if its area is less than so many times the drawing's.
_AXES = 2.5
#: What reaches so many pixels near to both sides of the page is no figure.
_EDGE = 2


def find_figures(scan: Scan, top: int, bottom: int) -> list[Box]:
    """Figures between two rows of the page, each with its labels; none where they would swallow most of its text."""
    size, (height, width) = scan.size, scan.ink.shape
    texts = [segment.box for segment in scan.segments]
    empty = [
        box
        for box in (*scan.frames, *scan.rules)
        if top <= box.middle < bottom
        and box.width < min(0.8 * width, _LONG * size)
        and box.height < 0.8 * height
        and not any(map(box.holds, texts))
    ]
    drawn = [
        box
        for box in scan.drawings
        if top <= box.middle < bottom
        and min(box.width, box.height) >= 2.5 * size
        and not (box.left <= _EDGE and box.right >= width - _EDGE)  # the page's own background
        and max(box.width, box.height) < _FLAT * min(box.width, box.height)
        and not any(table.box.holds(box) for table in scan.tables)
    ]
    around = [box for box in scan.frames if any(box.holds(d) and _area(box) < _AXES * _area(d) for d in drawn)]
    bars = [box for box in empty if box.height >= size and box.width < 6 * box.height < 6 * _FLAT * box.width]
    axes = [box for box in empty if box not in bars and min(box.width, box.height) < 1.6 * size]
    found = []
    for group in _clusters([*drawn, *around, *bars, *axes, *scan.dots], _GAP * size):
        box = Box.around(group)
        charted = sum(part in bars for part in group) >= 2 or sum(part in scan.dots for part in group) >= 3
        enough = any(part in drawn for part in group) or (charted and any(part in axes for part in group))
        listed = not any(part in drawn for part in group) and _is_list(box, texts)
        if enough and not listed and box.width >= _WIDE * size and box.height >= _HIGH * size:
            found.append(box)
    found = [_with_labels(box, scan) for box in _stacked(found, 10 * size)]
    inside = sum(text.width for text in texts if any(box.holds(text) for box in found))
    return found if inside <= 0.5 * sum(text.width for text in texts) else []


def is_inside(segment: Segment, figures: Sequence[Box]) -> bool:
    """Whether a piece of text belongs to one of the figures."""
    return any(figure.holds(segment.box) for figure in figures)


def _area(box: Box) -> int:
    return box.width * box.height


def _is_list(box: Box, texts: Sequence[Box]) -> bool:
    """Whether lines of text begin at the left edge, as they do in the frames of choices."""
    return sum(box.holds(text) and text.left - box.left < 0.08 * box.width for text in texts) >= 2


def _clusters(boxes: Sequence[Box], gap: float) -> list[list[Box]]:
    """Groups of boxes with no more than a gap from one to the next."""
    groups: list[list[Box]] = []
    for box in boxes:
        near = box.grown(gap)
        touching = [g for g in groups if any(near.overlap_x(b) > 0 and near.overlap_y(b) > 0 for b in g)]
        groups = [group for group in groups if group not in touching]
        groups.append([box, *(part for group in touching for part in group)])
    return groups


def _stacked(figures: Sequence[Box], gap: float) -> list[Box]:
    """Figures right above one another, as two dot plots are, made one with what is between them."""
    result: list[Box] = []
    for box in sorted(figures, key=lambda box: box.top):
        above = result[-1] if result else None
        alike = above is not None and box.overlap_x(above) > 0.9 * max(box.width, above.width)
        beside = above is not None and box.overlap_y(above) > 0 and box.overlap_x(above) > -gap
        if above is not None and (beside or (alike and box.overlap_y(above) > -gap)):
            result[-1] = Box.around((above, box))
        else:
            result.append(box)
    return result


def _with_labels(figure: Box, scan: Scan) -> Box:
    """A figure with the numbers at its axes, its titles and the names of its points."""
    size = scan.size
    for _ in range(_ROUNDS):
        grown = figure
        for segment in scan.segments:
            if _is_label(segment, figure, size):
                grown = Box.around((grown, segment.box))
        if grown == figure:
            break
        figure = grown
    return figure.grown(0.4 * size)


def _is_label(segment: Segment, figure: Box, size: float) -> bool:
    box = segment.box
    if figure.holds(box):
        return box.width <= figure.width
    if box.width > 0.95 * figure.width or box.overlap_x(figure) < -3 * size or box.overlap_y(figure) < -_TITLE * size:
        return False
    if box.overlap_y(figure) > 0:  # beside it
        return box.overlap_x(figure) >= -3 * size and box.width <= 8 * size
    away = -box.overlap_y(figure)
    middle = (box.left + box.right - figure.left - figure.right) / 2
    centred = abs(middle) <= _CENTRED * figure.width
    short = box.width <= 6 * size
    above = box.bottom <= figure.top
    return (away <= _LABEL * size and (short or centred or above)) or (centred and not above)
