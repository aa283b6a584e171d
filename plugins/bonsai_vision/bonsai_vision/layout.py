"""The reading order of a page: its columns, the lines in them, and paragraphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bonsai_vision.boxes import Box
from bonsai_vision.grid import Table
from bonsai_vision.ocr import Text
from bonsai_vision.segments import Scan, Segment
from bonsai_vision.tidy import tidy

#: Two pieces of text stand in different columns if the gap between them is at least so many letter heights wide,
#: or less where a vertical line runs through it.
GUTTER, RULED_GUTTER = 3.4, 1.0
#: At least so much of the page's width is a column, and at least so many letter heights.
_NARROW, _NARROW_LETTERS = 0.04, 8
#: A single sign so many letter heights behind the text before it is no text.
_FAR = 15
#: Rows that may stand above and below columns, as headers do.
_PEEL = 10


@dataclass(slots=True)
class Column:
    """Pieces of text that are read from top to bottom.

    Attributes:
        strip: it stands above or below columns, and reaches across them.
    """

    segments: list[Segment]
    strip: bool = False

    @property
    def box(self) -> Box:
        """Around all of it."""
        return Box.around(segment.box for segment in self.segments)


@dataclass(slots=True)
class Line:
    """A line of text.

    Attributes:
        text: what it says; cells of a table are parted by ` | `.
        box: where it stands.
        size: its letters' height, in pixels.
        confidence: mean probability of its letters, 0..1.
        column: number of the column that it stands in, in reading order.
        strip: that column reaches across others.
        row: it is a row of a table.
        pieces: its texts with their places, where it has wide gaps.
    """

    text: str
    box: Box
    size: float
    confidence: float
    column: int = 0
    strip: bool = False
    row: bool = False
    pieces: list[tuple[Box, str]] = field(default_factory=list)


def columns(scan: Scan, segments: Sequence[Segment]) -> list[Column]:
    """Cut a page into columns, in reading order: left before right, headers before both."""
    items = _items(scan, segments)
    cut = _cut([box for box, _ in items], scan.rules, scan.size, scan.ink.shape[1], strip=False)
    return [Column([segment for at in part for segment in items[at][1]], strip) for part, strip in cut]


def lines(scan: Scan, column: Column, texts: Sequence[Text], number: int = 0) -> list[Line]:
    """The lines of a column from its pieces and what they say, top to bottom; those of a table row by row."""
    said = {id(segment): text for segment, text in zip(column.segments, texts, strict=True)}
    found: list[Line] = []
    inside: set[int] = set()
    for table in scan.tables:
        cells = [segment for segment in column.segments if table.box.holds(segment.box)]
        if len(cells) >= 2:
            inside.update(map(id, cells))
            found += _table_lines(table, cells, said, number, column.strip)
    free = [segment for segment in column.segments if id(segment) not in inside]
    for row in rows([segment.box for segment in free]):
        pieces = [(free[at], said[id(free[at])]) for at in row]
        found.append(_line(pieces, number, column.strip))
    return sorted((line for line in found if line.text), key=lambda line: (line.box.top + line.box.bottom) / 2)


def rows(boxes: Sequence[Box]) -> list[list[int]]:
    """Numbers of boxes that stand side by side, row by row from the top; each row from the left."""
    order = sorted(range(len(boxes)), key=lambda at: boxes[at].top + boxes[at].bottom)
    found: list[list[int]] = []
    for at in order:
        box = boxes[at]
        for row in reversed(found[-3:]):
            if all(box.overlap_y(boxes[other]) > 0.45 * min(box.height, boxes[other].height) for other in row):
                row.append(at)
                break
        else:
            found.append([at])
    return [sorted(row, key=lambda at: boxes[at].left) for row in found]


def paragraphs(found: Sequence[Line], *, gap: float = 0.55) -> list[list[Line]]:
    """Lines that follow each other without more room between them than within a paragraph.

    Args:
        gap: how much further than the column's closest lines two lines of a paragraph may be apart, in letter heights.
    """
    groups: list[list[Line]] = []
    pitches = [
        below.box.top - above.box.top
        for above, below in pairwise(found)
        if above.column == below.column and not above.row and not below.row and below.box.top > above.box.top
    ]
    size = sorted(line.size for line in found)[len(found) // 2] if found else 1.0
    usual = min((pitch for pitch in pitches if pitch > 1.3 * size), default=0)
    for line in found:
        last = groups[-1][-1] if groups else None
        together = (
            last is not None
            and last.column == line.column
            and last.row == line.row
            and (line.row or _baseline(line) - _baseline(last) <= usual + gap * size)
        )
        if together:
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def joined(found: Sequence[Line]) -> str:
    """A paragraph's lines as text: one line, but for rows of a table, notes with bullets, and lines that end early."""
    text = ""
    widest = max((line.box.width for line in found), default=0)
    last: Line | None = None
    for line in found:
        if last is None:
            text = line.text
        elif line.row or last.row or line.text.startswith("•") or last.box.width < 0.6 * widest:
            text += "\n" + line.text
        elif text.endswith("-") and text[-2:-1].isalpha() and line.text[:1].islower():
            text += line.text
        else:
            text += " " + line.text
        last = line
    return text


def _baseline(line: Line) -> float:
    return (line.box.top + line.box.bottom) / 2


def _items(scan: Scan, segments: Sequence[Segment]) -> list[tuple[Box, list[Segment]]]:
    """Pieces of text; a table counts as one."""
    items: list[tuple[Box, list[Segment]]] = []
    left = list(segments)
    for table in scan.tables:
        cells = [segment for segment in left if table.box.holds(segment.box)]
        if len(cells) >= 2:
            left = [segment for segment in left if not table.box.holds(segment.box)]
            items.append((Box.around([table.box, *(segment.box for segment in cells)]), cells))
    return items + [(segment.box, [segment]) for segment in left]


def _cut(
    boxes: list[Box], rules: Sequence[Box], size: float, width: int, *, strip: bool
) -> list[tuple[list[int], bool]]:
    """Numbers of boxes, column by column, and whether the column reaches across others."""
    whole = list(range(len(boxes)))
    if len(boxes) < 2:
        return [(whole, strip)] if boxes else []
    bands = _bands(boxes)
    high = max(box.bottom for box in boxes) - min(box.top for box in boxes)
    for peeled in range(min(_PEEL, len(bands) - 1) + 1):
        for top in range(peeled, -1, -1):
            middle = bands[top : len(bands) - (peeled - top)]
            inner = [at for band in middle for at in band]
            span = Box.around(boxes[at] for at in inner)
            if span.height < 0.3 * high or len(inner) < 2:
                continue
            gutter = _gutter([boxes[at] for at in inner], rules, size, width)
            if gutter is None:
                continue
            above = [at for band in bands[:top] for at in band]
            below = [at for band in bands[len(bands) - (peeled - top) :] for at in band]
            found = [(above, True)] if above else []
            for side in (
                [at for at in inner if boxes[at].right <= gutter],
                [at for at in inner if boxes[at].right > gutter],
            ):
                for part, across in _cut([boxes[at] for at in side], rules, size, width, strip=False):
                    found.append(([side[at] for at in part], across))
            return found + ([(below, True)] if below else [])
    return [(whole, strip)]


def _bands(boxes: Sequence[Box]) -> list[list[int]]:
    """Numbers of boxes, cut wherever an empty row of pixels runs across all."""
    bands: list[list[int]] = []
    bottom = 0
    for at in sorted(range(len(boxes)), key=lambda at: boxes[at].top):
        if bands and boxes[at].top < bottom:
            bands[-1].append(at)
        else:
            bands.append([at])
        bottom = max(bottom, boxes[at].bottom)
    return bands


def _gutter(boxes: Sequence[Box], rules: Sequence[Box], size: float, width: int) -> float | None:
    """Where an empty strip parts the boxes into two columns that each hold some text; the widest such strip."""
    span = Box.around(boxes)
    narrow = max(_NARROW * width, _NARROW_LETTERS * size)
    best: tuple[float, float] | None = None
    right = span.left
    for box in sorted(boxes, key=lambda box: box.left):
        gap = box.left - right
        if gap > 0 and right - span.left >= narrow and span.right - box.left >= narrow:
            ruled = any(
                right <= (rule.left + rule.right) / 2 <= box.left
                and rule.height > rule.width
                and rule.overlap_y(span) >= 0.5 * span.height
                for rule in rules
            )
            sides = ([b for b in boxes if b.right <= right], [b for b in boxes if b.left >= box.left])
            holding = all(_is_text(side, size, ruled=ruled) for side in sides)
            if holding and not _is_table(*sides, size) and gap >= (RULED_GUTTER if ruled else GUTTER) * size:
                weight = gap * (3 if ruled else 1)
                if best is None or weight > best[0]:
                    best = (weight, right + gap / 2)
        right = max(right, box.right)
    return None if best is None else best[1]


def _is_text(side: Sequence[Box], size: float, *, ruled: bool) -> bool:
    """Whether this may be a column of text, and not of numbers or letters alone."""
    widest = max(box.width for box in side)
    return widest >= 10 * size or (widest >= 4 * size and (len(side) > 1 or ruled))


def _is_table(left: Sequence[Box], right: Sequence[Box], size: float) -> bool:
    """Whether what stands on both sides are cells of the same rows: short texts on the same heights."""
    fewer, more = sorted((left, right), key=len)
    widths = sorted(box.width for box in (*left, *right))
    paired = sum(any(abs(box.middle - other.middle) < 0.4 * size for other in more) for box in fewer)
    return paired >= 0.75 * len(fewer) and widths[len(widths) * 3 // 4] < 12 * size


def _line(pieces: Sequence[tuple[Segment, Text]], number: int, strip: bool) -> Line:
    pieces = _without_specks([(segment, text) for segment, text in pieces if text.text])
    if not pieces:
        return Line("", Box(0, 0, 0, 0), 0.0, 0.0)
    letters = sum(len(text.text) for _, text in pieces)
    return Line(
        text=tidy(" ".join(text.text for _, text in pieces)),
        box=Box.around(segment.box for segment, _ in pieces),
        size=max(segment.size for segment, _ in pieces),
        confidence=sum(text.confidence * len(text.text) for _, text in pieces) / letters,
        column=number,
        strip=strip,
        pieces=[(segment.box, tidy(text.text)) for segment, text in pieces],
    )


def _without_specks(pieces: list[tuple[Segment, Text]]) -> list[tuple[Segment, Text]]:
    """The pieces of a line but for single signs far to the right, which are corners of frames and buttons."""
    kept = pieces[:1]
    for segment, text in pieces[1:]:
        if len(text.text) > 1 or segment.box.left - kept[-1][0].box.right <= _FAR * segment.size:
            kept.append((segment, text))
    return kept


def _table_lines(table: Table, cells: Sequence[Segment], said: dict[int, Text], number: int, strip: bool) -> list[Line]:
    """Rows of a table. A cell may have several lines."""
    grid: dict[int, dict[int, list[Segment]]] = {}
    for segment in cells:
        place = table.cell(segment.box)
        if place is not None:
            grid.setdefault(place[0], {}).setdefault(place[1], []).append(segment)
    found = []
    for _, row in sorted(grid.items()):
        stacks = [stack for _, stack in sorted(row.items())]
        texts = []
        for stack in stacks:
            order = [stack[at] for line in rows([segment.box for segment in stack]) for at in line]
            texts.append(tidy(" ".join(said[id(segment)].text for segment in order)))
        every = [segment for stack in stacks for segment in stack]
        found.append(
            Line(
                text=" | ".join(text for text in texts if text),
                box=Box.around(segment.box for segment in every),
                size=max(segment.size for segment in every),
                confidence=sum(said[id(segment)].confidence for segment in every) / len(every),
                column=number,
                strip=strip,
                row=True,
            )
        )
    return found
