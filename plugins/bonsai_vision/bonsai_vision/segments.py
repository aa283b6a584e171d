"""What stands on a page, found with OpenCV alone: pieces of text lines, rules, frames, rings, tables and drawings.

A screenshot has flat backgrounds, so whatever differs from the background around it is ink, light or dark. Ink that
hangs together is a glyph or something larger; glyphs side by side make a piece of a line. No neural network is needed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from bonsai_vision.boxes import Box
from bonsai_vision.grid import Table, find_grids

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bonsai_vision.picture import Grey

    Numbers = NDArray[Any]

#: Grey levels by which ink differs from its background, at least.
CONTRAST = 30
#: The background is the median of so many pixels around, in both directions.
_STEP, _MEDIAN = 4, 15
#: Two glyphs belong to one piece of a line if their gap is at most so many letter heights.
_SPACE = 2.6
#: A row of pixels of which more is ink belongs to a line; what is left of something that holds words is ink to so much.
_LINE, _WORDS = 0.55, 0.08
_LEFT, _TOP, _WIDTH, _HEIGHT, _AREA = range(5)


@dataclass(slots=True)
class Segment:
    """A piece of a text line without wide gaps.

    Attributes:
        box: around its ink.
        size: height of its letters without ascenders, in pixels, as far as can be told.
        blanks: left and right ends of the blanks to fill in (`______`) in it.
        raised: left and right ends of the glyphs that stand higher than the others, as exponents do.
    """

    box: Box
    size: float
    blanks: list[tuple[int, int]] = field(default_factory=list)
    raised: list[tuple[int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Scan:
    """All that was found on a page.

    Attributes:
        size: the usual height of letters without ascenders, in pixels; 0 on an empty page.
        segments: pieces of lines, from the top.
        rules: thin straight lines, horizontal or vertical, that separate things.
        frames: rectangles around things, and boxes with a colour of their own.
        rings: circles, as around a choice's letter, and radio buttons.
        drawings: parts of diagrams, and pictures.
        dots: filled circles that stand alone, as those of a dot plot.
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
    dots: list[Box]
    tables: list[Table]
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
        return Scan(0.0, [], [], [], [], [], [], [], grey, paper, np.asarray(ink, np.uint8))
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
    cut = _cut_lines(ink, labels, parts, kinds, size)
    if cut:
        labels, parts = _parts(ink)
        kinds = _kinds(labels, parts, size)
    found = Scan(size, [], cut, frames, [], drawings, [], [], grey, paper, np.asarray(ink, np.uint8))
    boxes = [Box(left, top, left + width, top + height) for left, top, width, height in parts[:, :_AREA].tolist()]
    for kind, into in (
        (_RULE, found.rules),
        (_FRAME, found.frames),
        (_RING, found.rings),
        (_DRAWING, found.drawings),
    ):
        into += [boxes[at] for at in np.flatnonzero(kinds == kind)]
    dots = _dots(parts, kinds, size)
    found.dots = [boxes[at] for at in dots]
    kinds[dots] = _DOT
    lines = np.isin(kinds, (_RULE, _FRAME, _RING, _DRAWING, _FRAGMENT, _DOT))
    found.segments = _segments(labels, boxes, kinds, lines, size)
    texts = [segment.box for segment in found.segments]
    found.tables = [grid for grid in find_grids(found.ink, size) if grid.is_filled(texts)]
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
    # A page's own labels are small and many: larger letters count for more.
    counts = np.bincount(height[letters], weights=height[letters] ** 1.5, minlength=130)
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


_NOISE, _GLYPH, _SMALL, _BLANK, _RULE, _FRAME, _RING, _DRAWING, _FRAGMENT, _DOT = range(10)


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
    kinds[(width >= 20 * size) & (height < 2.6 * size)] = _RULE
    for part in np.flatnonzero((width >= 8 * size) & (height < 2.6 * size) & (fill < 0.4)).tolist():
        left, top, wide, high, _ = parts[part].tolist()
        if (labels[top : top + high, left : left + wide] == part).mean(axis=1).max() > 0.9:
            kinds[part] = _RULE  # an axis with its ticks
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
    kinds[_corners(parts, kinds, size)] = _FRAGMENT
    tall = np.flatnonzero((kinds == _GLYPH) & (height > 2.2 * size))
    kinds[[part for part in tall.tolist() if _is_alone(part, parts, kinds)]] = _FRAGMENT
    kinds[_sides(parts, kinds, size)] = _FRAGMENT
    return kinds


def _sides(parts: Numbers, kinds: Numbers, size: float) -> Numbers:
    """Numbers of the thin upright parts, taller than a letter, that nothing stands close to: sides of faint frames."""
    left, top, width, height = (parts[:, column] for column in (_LEFT, _TOP, _WIDTH, _HEIGHT))
    glyphs = np.flatnonzero(np.isin(kinds, (_GLYPH, _SMALL)))
    thin = glyphs[(width[glyphs] <= 0.45 * size) & (height[glyphs] > 1.65 * size)]
    found = []
    for part in thin.tolist():
        row = (top[glyphs] < top[part] + height[part]) & (top[glyphs] + height[glyphs] > top[part]) & (glyphs != part)
        after = left[glyphs] - left[part] - width[part]
        before = left[part] - left[glyphs] - width[glyphs]
        if not (row & (np.maximum(after, before) < 0.9 * size)).any():
            found.append(part)
    return np.array(found, int)


def _cut_lines(ink: Any, labels: Numbers, parts: Numbers, kinds: Numbers, size: float) -> list[Box]:
    """Take the lines out of the ink that words touch, underlines and edges of bars; returns where they were."""
    found = []
    for part in np.flatnonzero((kinds == _RULE) & (parts[:, _HEIGHT] >= 1.2 * size)).tolist():
        left, top, width, height, _ = parts[part].tolist()
        mask = labels[top : top + height, left : left + width] == part
        filled = mask.mean(axis=1)
        first = last = int(filled.argmax())
        while first > 0 and filled[first - 1] > _LINE:
            first -= 1
        while last + 1 < height and filled[last + 1] > _LINE:
            last += 1
        thick = last + 1 - first
        others = np.delete(mask, np.s_[first : last + 1], axis=0)
        if filled[first] > _LINE and thick <= max(3, 0.7 * size) and others.size and others.mean() >= _WORDS:
            ink[top + first : top + last + 1, left : left + width] = 0
            found.append(Box(left, top + first, left + width, top + last + 1))
    return found


def _corners(parts: Numbers, kinds: Numbers, size: float) -> Numbers:
    """Numbers of the small parts at the ends of long lines: rounded corners and broken sides of frames."""
    lines = parts[(kinds == _RULE) & (parts[:, _WIDTH] >= 8 * size)]
    small = np.isin(kinds, (_GLYPH, _SMALL)) & (parts[:, _WIDTH] <= 0.9 * size) & (parts[:, _HEIGHT] <= 5 * size)
    candidates = np.flatnonzero(small)
    if not len(lines) or not len(candidates):
        return candidates[:0]
    left, top, width, height = (parts[candidates, column][:, None] for column in (_LEFT, _TOP, _WIDTH, _HEIGHT))
    start, level = lines[:, _LEFT], lines[:, _TOP]
    away = np.minimum(abs(left + width - start), abs(left - (start + lines[:, _WIDTH])))
    hollow = (parts[candidates, _AREA][:, None] < 0.45 * width * height) | (np.minimum(width, height) <= 2)
    at_corner = (away <= 3) & hollow & (top - 3 <= level) & (level <= top + height + 3)
    near = (away <= 0.8 * size) & (width <= 0.45 * size)
    above = near & (level <= top + 3) & (top - level <= 2 * size)
    below = near & (level >= top + height - 3) & (level - top - height <= 2 * size)
    at_side = above.any(axis=1) & below.any(axis=1)
    return np.array(candidates[at_corner.any(axis=1) | at_side])


def _is_alone(part: int, parts: Numbers, kinds: Numbers) -> bool:
    """Whether no glyph of a similar height stands beside this one, as is so with the corners of a frame."""
    left, top, wide, high, _ = parts[part].tolist()
    near = (kinds == _GLYPH) & (parts[:, _HEIGHT] > 0.45 * high) & (parts[:, _HEIGHT] < 2.2 * high)
    near &= (parts[:, _TOP] < top + 0.7 * high) & (parts[:, _TOP] + parts[:, _HEIGHT] > top + 0.3 * high)
    near &= (parts[:, _LEFT] < left + wide + 1.2 * high) & (parts[:, _LEFT] + parts[:, _WIDTH] > left - 1.2 * high)
    return int(near.sum()) <= 1


def _is_closed(mask: Numbers) -> bool:
    """Whether a part is a thin line around something, as a circle or a square is, and no letter is."""
    contours, levels = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    holes = [contour for contour, level in zip(contours, levels[0], strict=True) if level[3] >= 0]
    return max((cv2.contourArea(hole) for hole in holes), default=0) > 0.42 * mask.size


def _large_kind(mask: Numbers, size: float) -> int:
    """Whether a large part is a frame, with nothing but its edges, or a drawing; a table counts as one."""
    height, width = mask.shape
    rows, columns = mask.mean(axis=1) > 0.6, mask.mean(axis=0) > 0.6
    total = mask.sum()
    explained = total - mask[~rows][:, ~columns].sum()
    edge = max(3, round(0.15 * min(height, width)))
    inside = mask[edge:-edge, edge:-edge].sum() if min(height, width) > 2 * edge else 0
    if inside < 0.1 * total:
        return _FRAME
    if explained < 0.85 * total:
        return _DRAWING
    crossings = sum(np.count_nonzero(np.diff(lines.astype(np.int8), prepend=0) == 1) for lines in (rows, columns))
    return _FRAME if crossings <= 4 else _DRAWING


def _dots(parts: Numbers, kinds: Numbers, size: float) -> list[int]:
    """Filled circles of one kind, at least three, with no letter to their right as a bullet has."""
    width, height, area = parts[:, _WIDTH], parts[:, _HEIGHT], parts[:, _AREA]
    round_ones = (abs(width - height) <= 2) & (area > 0.68 * width * height) & (area < 0.92 * width * height)
    round_ones &= (width >= 0.4 * size) & (width <= 1.5 * size) & np.isin(kinds, (_GLYPH, _SMALL))
    found = []
    letters = parts[(kinds == _GLYPH) & ~round_ones]
    for at in np.flatnonzero(round_ones).tolist():
        left, top, wide, high, _ = parts[at].tolist()
        beside = (letters[:, _LEFT] < left + wide + 2.5 * size) & (
            letters[:, _LEFT] + letters[:, _WIDTH] > left - 1.2 * size
        )
        beside &= (letters[:, _TOP] < top + high) & (letters[:, _TOP] + letters[:, _HEIGHT] > top)
        if not beside.any():
            found.append(at)
    if not found:
        return []
    usual = float(np.median(width[found]))
    alike = [at for at in found if abs(float(width[at]) - usual) <= max(2.0, 0.2 * usual)]
    return alike if len(alike) >= 3 else []


def _segments(labels: Numbers, boxes: list[Box], kinds: Numbers, lines: Numbers, size: float) -> list[Segment]:
    """Join glyphs that stand side by side.

    Each glyph paints a band as high as its middle and so far to the right as a space reaches. Bands of neighbours
    touch, those of the lines above and below do not, however tightly these are set.
    """
    canvas = np.zeros(labels.shape, np.uint8)
    glyphs = [int(part) for part in np.flatnonzero(kinds == _GLYPH)]
    blanks = [int(part) for part in np.flatnonzero(kinds == _BLANK)]
    dashes = [int(part) for part in np.flatnonzero(kinds == _SMALL) if boxes[part].width >= 0.7 * size]
    places = np.array([boxes[part] for part in glyphs]).reshape(-1, 4)
    for part in glyphs:
        left, top, right, bottom = boxes[part]
        quarter = (bottom - top) / 4
        local = min(max(size, (bottom - top) / 1.45), 3 * size)
        _paint(canvas, left, top + quarter, right + _SPACE * local, bottom - quarter)
    for part in dashes:
        left, top, right, bottom = boxes[part]
        middle = (top + bottom) / 2
        beside = (places[:, 0] < right + _SPACE * size) & (places[:, 2] > left - _SPACE * size)
        if not (beside & (places[:, 1] < middle) & (places[:, 3] > middle)).any():
            continue  # one of a dashed line
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
        held = [boxes[part] for part in parts]
        heights = sorted(box.height for box in held)
        segment = Segment(Box.around(held), heights[(len(heights) - 1) // 2])
        baseline = sorted(box.bottom for box in held)[len(held) // 2]
        small = 1.15 * (size if 0.75 * size <= segment.size <= 1.55 * size else segment.size)
        segment.raised = [
            (box.left, box.right) for box in held if box.bottom < baseline - 0.35 * segment.size and box.height <= small
        ]
        segments.append(segment)
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
            if piece.box.bottom < host.box.bottom - 0.5 * host.size:
                host.raised.append((piece.box.left, piece.box.right))
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
