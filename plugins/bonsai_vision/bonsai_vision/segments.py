"""What stands on a page, found with OpenCV alone: pieces of text lines, rules, frames, rings, tables and drawings.

A screenshot has flat backgrounds, so whatever differs from the background around it is ink, light or dark. Ink that
hangs together is a glyph or something larger; glyphs side by side make a piece of a line. No neural network is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from bonsai_vision.picture import Grey

    Numbers = NDArray[Any]

#: Grey levels by which ink differs from its background, at least.
CONTRAST = 40
#: The background is the median of so many pixels around, in both directions.
_STEP, _MEDIAN = 4, 15
#: Two glyphs belong to one piece of a line if their gap is at most so many letter heights.
_SPACE = 2.6
_LEFT, _TOP, _WIDTH, _HEIGHT, _AREA = range(5)


class Box(NamedTuple):
    """A rectangle in pixels; right and bottom are the first column and row outside."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    def grown(self, by: float, by_y: float | None = None) -> Box:
        """This box with a margin."""
        x, y = round(by), round(by if by_y is None else by_y)
        return Box(self.left - x, self.top - y, self.right + x, self.bottom + y)

    def overlap_x(self, other: Box) -> int:
        """Columns that both have; negative is the gap between them."""
        return min(self.right, other.right) - max(self.left, other.left)

    def overlap_y(self, other: Box) -> int:
        """Rows that both have; negative is the gap between them."""
        return min(self.bottom, other.bottom) - max(self.top, other.top)

    def holds(self, other: Box) -> bool:
        """Whether the other box's centre lies inside."""
        x, y = (other.left + other.right) / 2, (other.top + other.bottom) / 2
        return self.left <= x < self.right and self.top <= y < self.bottom

    @staticmethod
    def around(boxes: Iterable[Box]) -> Box:
        """The smallest box that holds all of these, of which there is at least one."""
        lefts, tops, rights, bottoms = zip(*boxes, strict=True)
        return Box(min(lefts), min(tops), max(rights), max(bottoms))


@dataclass(slots=True)
class Segment:
    """A piece of a text line without wide gaps.

    Attributes:
        box: around its ink.
        size: height of its letters without ascenders, in pixels, as far as can be told.
        blanks: left and right ends of the blanks to fill in (`______`) in it.
    """

    box: Box
    size: float
    blanks: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Scan:
    """All that was found on a page.

    Attributes:
        size: the usual height of letters without ascenders, in pixels; 0 on an empty page.
        segments: pieces of lines, from the top.
        rules: thin straight lines, horizontal or vertical, that separate things.
        frames: rectangles around things, and boxes with a colour of their own.
        rings: circles, as around a choice's letter, and radio buttons.
        drawings: diagrams and pictures.
        tables: grids with text in their cells.
        grey: the page's grey levels.
        paper: the background behind every pixel.
        ink: how much each pixel differs from its background, 0..255, without rules, frames and rings.
    """

    size: float
    segments: list[Segment]
    rules: list[Box]
    frames: list[Box]
    rings: list[Box]
    drawings: list[Box]
    tables: list[Box]
    grey: Grey
    paper: Grey
    ink: Grey


def background_of(grey: Grey) -> Grey:
    """The background behind every pixel: text covers less than half of any place, so the median is the paper."""
    sparse = np.ascontiguousarray(grey[::_STEP, ::_STEP])
    median = cv2.medianBlur(sparse, _MEDIAN)
    return np.asarray(cv2.resize(median, (grey.shape[1], grey.shape[0]), interpolation=cv2.INTER_NEAREST), np.uint8)


def scan(grey: Grey) -> Scan:
    """Find what stands on a page of grey levels."""
    paper = background_of(grey)
    ink = cv2.absdiff(grey, paper)
    labels, parts = _parts(ink)
    size = _usual_size(parts)
    if not size:
        return Scan(0.0, [], [], [], [], [], [], grey, paper, np.asarray(ink, np.uint8))
    frames: list[Box] = []
    drawings: list[Box] = []
    solid = np.flatnonzero(_solid(parts, size))
    if len(solid):
        contours = _recolour(grey, paper, labels, parts, solid, size, frames, drawings)
        ink = cv2.absdiff(grey, paper)
        cv2.drawContours(ink, contours, -1, (0,), 3)
        labels, parts = _parts(ink)
        size = _usual_size(parts) or size
    kinds = _kinds(labels, parts, size)
    found = Scan(size, [], [], frames, [], drawings, [], grey, paper, np.asarray(ink, np.uint8))
    boxes = [Box(left, top, left + width, top + height) for left, top, width, height in parts[:, :_AREA].tolist()]
    for kind, into in (
        (_RULE, found.rules),
        (_FRAME, found.frames),
        (_RING, found.rings),
        (_DRAWING, found.drawings),
        (_TABLE, found.tables),
    ):
        into += [boxes[at] for at in np.flatnonzero(kinds == kind)]
    found.drawings = _merged(found.drawings, 2 * size)
    lines = np.isin(kinds, (_RULE, _FRAME, _RING, _DRAWING, _TABLE))
    found.segments = _segments(labels, boxes, kinds, lines, size)
    _wipe(found.ink, labels, lines | (kinds == _BLANK))
    return found


def _parts(ink: Any) -> tuple[Numbers, Numbers]:
    """Label every piece of ink that hangs together, and measure them; row 0 of the table, the paper, is blanked."""
    dark = cv2.threshold(ink, CONTRAST, 1, cv2.THRESH_BINARY)[1]
    _, labels, table, _ = cv2.connectedComponentsWithStats(dark, connectivity=8, ltype=cv2.CV_32S)
    table[0] = 0
    return labels, table


def _usual_size(parts: Numbers) -> float:
    """Height of letters without ascenders: the most frequent height, or a lesser one that is frequent too."""
    width, height, area = parts[:, _WIDTH], parts[:, _HEIGHT], parts[:, _AREA]
    letters = (height >= 4) & (height <= 120) & (width <= 3.5 * height) & (width * 8 >= height)
    letters &= area * 8 >= width * height
    if letters.sum() < 2:
        return 0.0
    counts = np.bincount(height[letters], minlength=130).astype(float)
    smooth = counts + 0.5 * (np.roll(counts, 1) + np.roll(counts, -1))
    most = int(smooth.argmax())
    lower = slice(round(most / 1.55), round(most / 1.25) + 1)
    if most >= 8 and smooth[lower].max() > 0.3 * smooth[most]:
        most = lower.start + int(smooth[lower].argmax())
    around = np.arange(max(most - 1, 0), most + 2)
    return float((around * counts[around]).sum() / max(counts[around].sum(), 1))


def _solid(parts: Numbers, size: float) -> Numbers:
    """Which parts are filled areas: buttons, selected letters, dark boxes around a number."""
    width, height, area = parts[:, _WIDTH], parts[:, _HEIGHT], parts[:, _AREA]
    return (np.minimum(width, height) >= 1.6 * size) & (area >= 0.55 * width * height)


def _recolour(
    grey: Grey,
    paper: Grey,
    labels: Numbers,
    parts: Numbers,
    which: Numbers,
    size: float,
    frames: list[Box],
    drawings: list[Box],
) -> list[Any]:
    """Make the colour of filled areas the background there, so that what is written on them becomes ink."""
    all_contours: list[Any] = []
    for part in which.tolist():
        left, top, width, height, _ = parts[part].tolist()
        here = (slice(top, top + height), slice(left, left + width))
        mask = labels[here] == part
        levels = grey[here][mask]
        box = Box(left, top, left + width, top + height)
        if min(width, height) > 6 * size and float(levels.std()) > 28:
            drawings.append(box)
            continue
        frames.append(box)
        contours, _ = cv2.findContours(
            mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE, offset=(left, top)
        )
        cv2.drawContours(paper, contours, -1, (float(np.median(levels)),), cv2.FILLED)
        all_contours += contours
    return all_contours


_NOISE, _GLYPH, _SMALL, _BLANK, _RULE, _FRAME, _RING, _DRAWING, _TABLE = range(9)


def _kinds(labels: Numbers, parts: Numbers, size: float) -> Numbers:
    """What every part is: a glyph, a part of one, a line of some kind, or a drawing."""
    width, height, area = (parts[:, column].astype(float) for column in (_WIDTH, _HEIGHT, _AREA))
    fill = area / np.maximum(width * height, 1)
    kinds = np.full(len(parts), _NOISE, np.uint8)
    thin = max(2.0, 0.35 * size)
    kinds[(height >= 0.55 * size) & (height <= 5 * size)] = _GLYPH
    kinds[(height < 0.55 * size) & (width < 2.6 * size) & (area >= 2)] = _SMALL
    kinds[(height <= thin) & (width >= 2.6 * size)] = _RULE
    kinds[(height <= size) & (width >= 12 * size)] = _RULE
    kinds[(width <= thin) & (height >= 3.2 * size)] = _RULE
    blank = (height <= thin) & (width >= 2.6 * size) & (width <= 22 * size)
    for part in np.flatnonzero(blank).tolist():
        left, top, wide, _, _ = parts[part].tolist()
        above = labels[max(0, top - round(0.9 * size)) : top, left : left + wide]
        if not above.any():
            kinds[part] = _BLANK
    round_ones = (abs(width - height) <= 0.15 * np.maximum(width, height)) & (height > 1.7 * size) & (height < 7 * size)
    for part in np.flatnonzero(round_ones & (fill < 0.42)).tolist():
        left, top, wide, high, _ = parts[part].tolist()
        if _is_closed(labels[top : top + high, left : left + wide] == part):
            kinds[part] = _RING
    large = (height > 5 * size) & (width > thin) | (height > 2.2 * size) & (width > 5 * size) & (fill < 0.3)
    large &= kinds != _RING
    for part in np.flatnonzero(large).tolist():
        left, top, wide, high, _ = parts[part].tolist()
        kinds[part] = _large_kind(labels[top : top + high, left : left + wide] == part, size)
    return kinds


def _is_closed(mask: Numbers) -> bool:
    """Whether a part is a line around something, as a circle or a square is, and no letter is."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    enclosed = max(cv2.contourArea(contour) for contour in contours)
    stroke = mask.sum() / (2 * sum(mask.shape))
    return bool(enclosed > 0.68 * mask.size and stroke < 0.12 * min(mask.shape))


def _large_kind(mask: Numbers, size: float) -> int:
    """Whether a large part is a frame or a table, which have only straight lines, or a drawing."""
    height, width = mask.shape
    rows, columns = mask.mean(axis=1) > 0.6, mask.mean(axis=0) > 0.6
    explained = mask.sum() - mask[~rows][:, ~columns].sum()
    if explained < 0.85 * mask.sum():
        return _DRAWING
    across, down = (int((np.diff(lines.astype(np.int8), prepend=0) == 1).sum()) for lines in (rows, columns))
    if across < 3 and down < 3:
        return _FRAME
    if across >= 2 and down >= 2 and height / across > 1.8 * size and width / down > 2 * size:
        return _TABLE
    return _DRAWING


def _merged(boxes: list[Box], gap: float) -> list[Box]:
    """Boxes that touch, or nearly so, made one."""
    boxes = list(boxes)
    at = 0
    while at < len(boxes):
        near = boxes[at].grown(gap)
        joined = next(
            (other for other in boxes[at + 1 :] if near.overlap_x(other) > 0 and near.overlap_y(other) > 0), None
        )
        if joined is None:
            at += 1
        else:
            boxes.remove(joined)
            boxes[at] = Box.around((boxes[at], joined))
            at = 0
    return boxes


def _segments(labels: Numbers, boxes: list[Box], kinds: Numbers, lines: Numbers, size: float) -> list[Segment]:
    """Join glyphs that stand side by side.

    Each glyph paints a band as high as its middle and so far to the right as a space reaches. Bands of neighbours
    touch, those of the lines above and below do not, however tightly these are set.
    """
    canvas = np.zeros(labels.shape, np.uint8)
    glyphs = [int(part) for part in np.flatnonzero(kinds == _GLYPH)]
    blanks = [int(part) for part in np.flatnonzero(kinds == _BLANK)]
    dashes = [int(part) for part in np.flatnonzero(kinds == _SMALL) if boxes[part].width >= 0.7 * size]
    for part in glyphs:
        left, top, right, bottom = boxes[part]
        quarter = (bottom - top) / 4
        local = min(max(size, (bottom - top) / 1.45), 3 * size)
        _paint(canvas, left, top + quarter, right + _SPACE * local, bottom - quarter)
    for part in dashes:
        left, top, right, bottom = boxes[part]
        middle = (top + bottom) / 2
        _paint(canvas, left - 0.5 * size, middle - 0.3 * size, right + _SPACE * size, middle + 0.3 * size)
    for part in blanks:
        left, top, right, bottom = boxes[part]
        _paint(canvas, left - size, top - 0.7 * size, right + _SPACE * size, top)
    if lines.any():
        canvas[lines[labels]] = 0
    _, groups = cv2.connectedComponents(canvas, connectivity=4, ltype=cv2.CV_32S)
    members: dict[int, list[int]] = {}
    for part in glyphs:
        members.setdefault(int(groups[(boxes[part].top + boxes[part].bottom) // 2, boxes[part].left]), []).append(part)
    segments = []
    for parts in members.values():
        heights = sorted(boxes[part].height for part in parts)
        segments.append(Segment(Box.around(boxes[part] for part in parts), heights[(len(heights) - 1) // 2]))
    segments = _with_raised(segments, size)
    _attach(segments, [boxes[int(part)] for part in np.flatnonzero(kinds == _SMALL)], size)
    for part in blanks:
        _attach_blank(segments, boxes[part], size)
    return sorted(segments, key=lambda segment: (segment.box.top, segment.box.left))


def _paint(canvas: Grey, left: float, top: float, right: float, bottom: float) -> None:
    canvas[max(0, round(top)) : max(round(bottom), round(top) + 1), max(0, round(left)) : round(right)] = 1


def _with_raised(segments: list[Segment], size: float) -> list[Segment]:
    """Give exponents and other small raised or lowered pieces to the segment that they stand at."""
    kept: list[Segment] = []
    small: list[Segment] = []
    for segment in segments:
        (small if segment.box.height <= 1.3 * size and segment.box.width <= 6 * size else kept).append(segment)
    for piece in small:
        host = min(
            (other for other in kept if _hangs_on(piece.box, other.box, size)),
            key=lambda other: -other.box.overlap_x(piece.box),
            default=None,
        )
        if host is None:
            kept.append(piece)
        else:
            host.box = Box.around((host.box, piece.box))
    return kept


def _hangs_on(piece: Box, line: Box, size: float) -> bool:
    near = line.overlap_x(piece) >= -0.9 * size
    return near and line.overlap_y(piece) >= 0.4 * piece.height and line.height > piece.height


def _attach(segments: list[Segment], dots: list[Box], size: float) -> None:
    """Extend segments by the dots, commas, quotes and dashes that belong to them."""
    if not segments or not dots:
        return
    lines = np.array([segment.box for segment in segments], float)
    for dot in dots:
        middle = (dot.top + dot.bottom) / 2
        near = (lines[:, _TOP] - 0.6 * size <= middle) & (middle <= lines[:, 3] + 0.45 * size)
        near &= (lines[:, _LEFT] - 2.2 * size <= dot.right) & (dot.left <= lines[:, 2] + 1.5 * size)
        if near.any():
            which = np.flatnonzero(near)
            distance = abs((lines[which, _TOP] + lines[which, 3]) / 2 - middle)
            best = int(which[distance.argmin()])
            segments[best].box = Box.around((segments[best].box, dot))
            lines[best] = segments[best].box


def _attach_blank(segments: list[Segment], blank: Box, size: float) -> None:
    for segment in segments:
        box = segment.box
        if box.top < blank.top <= box.bottom + 0.6 * size and box.overlap_x(blank) >= -2.2 * size:
            segment.box = Box.around((box, blank))
            segment.blanks.append((blank.left, blank.right))
            return


def _wipe(ink: Grey, labels: Numbers, which: Numbers) -> None:
    """Remove lines and frames from the ink, with their blurred edges."""
    lines = which[labels].astype(np.uint8)
    keep = (labels > 0) & (lines == 0)
    edges = cv2.dilate(lines, np.ones((3, 3), np.uint8)).astype(bool)
    ink[edges & ~keep] = 0
