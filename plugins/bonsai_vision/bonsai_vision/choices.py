"""Finds the choices A to D among the lines of a page: by their letters, in a stack or a grid, however they are set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bonsai_vision.furniture import is_furniture
from bonsai_vision.layout import Line, rows
from bonsai_vision.segments import Box

KEYS = "ABCDEFGH"
#: What a letter is read as when a frame or a circle touches it.
_ALIKE = {"A": "Aa4", "B": "Bb83ß", "C": "CcG(¢©", "D": "Dd0OoQ)"}
_BULLET = r"(?:[OoQ0○◯●•◦□☐°]\s+)?"
_STRONG = re.compile(rf"^{_BULLET}[(\[]?([A-E])\s?[.):\]]+\s*")
_BARE = re.compile(rf"^{_BULLET}([A-E])(?:\s+|$)")
_TOUCHED = re.compile(rf"^{_BULLET}[(\[]?([a-e4830OQGß(¢©)])[.):\]]*(?:\s+|$)")
_SURE, _BARE_WEIGHT, _DOUBTFUL = 1.0, 0.7, 0.25


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a line, without wide gaps in it.

    Attributes:
        line: number of its line.
    """

    box: Box
    text: str
    line: int

    @property
    def middle(self) -> float:
        """Its height on the page, in pixels."""
        return (self.box.top + self.box.bottom) / 2


@dataclass(frozen=True, slots=True)
class Marker:
    """A piece that may begin with a choice's letter.

    Attributes:
        keys: which letters it may be.
        weight: how sure it is that it is one, 0..1.
        rest: what follows the letter in the piece.
        size: height of its line's letters, in pixels.
    """

    piece: Piece
    keys: str
    weight: float
    rest: str
    size: float

    @property
    def box(self) -> Box:
        """Of the piece."""
        return self.piece.box


@dataclass(slots=True)
class Choices:
    """The choices of a question.

    Attributes:
        texts: letter and text, in the letters' order.
        boxes: where each stands, its letter included.
        lines: numbers of the lines that belong to them.
        column: number of the column that they stand in; of the first one, if there are several.
    """

    texts: list[tuple[str, str]] = field(default_factory=list)
    boxes: list[Box] = field(default_factory=list)
    lines: set[int] = field(default_factory=set)
    column: int = 0


def find_choices(lines: Sequence[Line], frames: Sequence[Box] = ()) -> Choices | None:
    """The choices among the lines of a page; None where there are none.

    Args:
        lines: in reading order.
        frames: rectangles on the page; a choice often has one of its own.
    """
    pieces = [
        Piece(box, text, number)
        for number, line in enumerate(lines)
        if not line.row
        for box, text in line.pieces or [(line.box, line.text)]
    ]
    chain = _best_chain([m for piece in pieces if (m := _marker(piece, lines[piece.line].size)) is not None])
    if chain is None:
        return None
    columns = {lines[marker.piece.line].column for _, marker in chain}
    used = {id(marker.piece) for _, marker in chain}
    others = [
        piece
        for piece in pieces
        if id(piece) not in used
        and lines[piece.line].column in columns
        and (not is_furniture(piece.text) or any(piece.box.overlap_y(marker.box) > 0 for _, marker in chain))
    ]
    found = _collect(chain, others, frames)
    found.column = min(columns)
    return found


def _marker(piece: Piece, size: float) -> Marker | None:
    text = piece.text
    if match := _STRONG.match(text):
        return Marker(piece, match[1], _SURE, text[match.end() :].strip(), size)
    if match := _BARE.match(text):
        rest = text[match.end() :].strip()
        # Before a word in lower case it is an article far more often than a letter without a mark.
        article = match[1] == "A" and rest[:1].islower()
        return Marker(piece, match[1], _DOUBTFUL if article else _BARE_WEIGHT, rest, size)
    if match := _TOUCHED.match(text):
        keys = "".join(key for key, alike in _ALIKE.items() if match[1] in alike)
        return Marker(piece, keys, _DOUBTFUL, text[match.end() :].strip(), size) if keys else None
    return None


def _best_chain(markers: Sequence[Marker]) -> list[tuple[str, Marker]] | None:
    """The letters that most likely are a question's, from A or wherever the page begins."""
    best: list[tuple[str, Marker]] | None = None
    best_score = 1.4
    for start in markers:
        for key in start.keys:
            chain = _follow(key, start, markers)
            score = sum(marker.weight for _, marker in chain) + 0.2 * (key == "A")
            if len(chain) >= 2 and any(m.weight > _DOUBTFUL for _, m in chain) and score >= best_score:
                best, best_score = chain, score
    return best


def _follow(key: str, start: Marker, markers: Sequence[Marker]) -> list[tuple[str, Marker]]:
    """From one letter on, the next ones below it or beside it."""
    chain = [(key, start)]
    size = start.size
    while True:
        wanted = KEYS[KEYS.index(chain[-1][0]) + 1]
        last, first = chain[-1][1].box, start.box
        best: tuple[float, Marker] | None = None
        for marker in markers:
            box = marker.box
            if wanted not in marker.keys:
                continue
            below = box.top > last.top + 0.8 * size
            under = below and min(abs(box.left - last.left), abs(box.left - first.left)) <= 1.6 * size
            beside = abs(box.top - last.top) <= 0.8 * size and box.left > last.left + 3 * size
            above = not below and not beside and box.left > last.right and abs(box.top - first.top) <= 0.8 * size
            if under or beside or above:
                value = marker.weight * 40 * size - abs(box.top - last.top)
                if best is None or value > best[0]:
                    best = (value, marker)
        if best is None:
            return chain
        chain.append((wanted, best[1]))


def _collect(chain: Sequence[tuple[str, Marker]], others: Sequence[Piece], frames: Sequence[Box]) -> Choices:
    """What belongs to each letter: what follows it, and the pieces that stand beside it, above or below."""
    markers = [marker for _, marker in chain]
    size = sorted(marker.size for marker in markers)[len(markers) // 2]
    owned: list[list[Piece]] = [[] for _ in markers]
    for stack in _stacks(markers, size):
        left = min(markers[at].box.left for at in stack)
        rights = [
            m.box.left for m in markers if m.box.left > left + 3 * size and m not in [markers[at] for at in stack]
        ]
        right = min(rights, default=1 << 30)
        mine = [p for p in others if left - 0.3 * size <= p.box.left < right - 0.5 * size]
        for at, pieces in zip(stack, _share([markers[at] for at in stack], mine, frames, size), strict=True):
            owned[at] = pieces
    found = Choices()
    for (key, marker), pieces in zip(chain, owned, strict=True):
        said = [Piece(marker.box, marker.rest, marker.piece.line), *pieces]
        order = rows([piece.box for piece in said])
        found.texts.append((key, _joined([said[at].text for row in order for at in row])))
        found.boxes.append(Box.around(piece.box for piece in said))
        found.lines.update(piece.line for piece in said)
    return found


def _joined(texts: Sequence[str]) -> str:
    text = ""
    for more in texts:
        divided = text.endswith("-") and text[-2:-1].isalpha() and more[:1].islower()
        text = f"{text}{more}" if divided or not text else f"{text} {more}" if more else text
    return text


def _stacks(markers: Sequence[Marker], size: float) -> list[list[int]]:
    """Numbers of the markers that stand below one another, stack by stack."""
    stacks: list[list[int]] = []
    for at, marker in enumerate(markers):
        for stack in stacks:
            if abs(markers[stack[0]].box.left - marker.box.left) <= 2 * size:
                stack.append(at)
                break
        else:
            stacks.append([at])
    return stacks


def _share(markers: Sequence[Marker], pieces: Sequence[Piece], frames: Sequence[Box], size: float) -> list[list[Piece]]:
    """Which pieces belong to which letter of a stack."""
    owned: list[list[Piece]] = [[] for _ in markers]
    holders = [_holder(marker, markers, frames) for marker in markers]
    free = []
    for piece in pieces:
        inside = next((at for at, box in enumerate(holders) if box is not None and box.holds(piece.box)), None)
        if inside is not None:
            owned[inside].append(piece)
        elif not all(holders):
            free.append(piece)
    beside = [p.box.left for m in markers for p in pieces if p.box.overlap_y(m.box) > 0 and p.box.left > m.box.right]
    start = min(beside, default=min(marker.box.left for marker in markers) + 1.2 * size)
    lines = [
        [free[at] for at in row] for row in rows([piece.box for piece in free]) if free[row[0]].box.left >= start - size
    ]
    for at, line in enumerate(lines):
        owner = _owner(line, at, lines, markers, size)
        if owner is not None and holders[owner] is None:
            owned[owner] += line
    return owned


def _holder(marker: Marker, markers: Sequence[Marker], frames: Sequence[Box]) -> Box | None:
    """The frame that holds this letter and no other one."""
    fitting = [
        box
        for box in frames
        if box.holds(marker.box)
        and box.width >= 5 * marker.size
        and not any(box.holds(other.box) for other in markers if other is not marker)
    ]
    return max(fitting, key=lambda box: box.width * box.height, default=None)


def _owner(
    line: Sequence[Piece], at: int, lines: Sequence[Sequence[Piece]], markers: Sequence[Marker], size: float
) -> int | None:
    """The letter that a line beside the letters belongs to."""
    for number, marker in enumerate(markers):
        if any(piece.box.overlap_y(marker.box) > 0.45 * min(piece.box.height, marker.box.height) for piece in line):
            return number
    middle = sum(piece.middle for piece in line) / len(line)
    above = [number for number, marker in enumerate(markers) if marker.piece.middle < middle]
    if not above:
        return 0 if _continues(lines[at:], markers[0].piece.middle, size) else None
    last = above[-1]
    if last == len(markers) - 1:
        run = [entry for entry in lines[: at + 1] if entry[0].middle > markers[last].piece.middle - 0.5 * size]
        return last if _tight(run, markers[last].box.bottom, size) else None
    between = [
        number
        for number, entry in enumerate(lines)
        if markers[last].piece.middle - 0.6 * size <= entry[0].middle <= markers[last + 1].piece.middle + 0.6 * size
    ]
    gaps = [(_gap(lines[a], lines[b]), b) for a, b in pairwise(between)]
    if not gaps:
        return last
    widest = max(gap for gap, _ in gaps)
    border = max(b for gap, b in gaps if gap >= widest - 0.25 * size)
    return last if at < border else last + 1


def _gap(above: Sequence[Piece], below: Sequence[Piece]) -> float:
    return min(piece.box.top for piece in below) - max(piece.box.bottom for piece in above)


def _continues(lines: Sequence[Sequence[Piece]], middle: float, size: float) -> bool:
    """Whether lines above the first letter run on to it without a gap."""
    until = [line for line in lines if line[0].middle <= middle + 2.2 * size]
    return len(until) > 1 and all(_gap(above, below) <= 1.6 * size for above, below in pairwise(until))


def _tight(lines: Sequence[Sequence[Piece]], bottom: float, size: float) -> bool:
    """Whether lines from the last letter on follow each other closely."""
    if not lines:
        return False
    steps = [_gap(above, below) for above, below in pairwise(lines)]
    steps.append(min(piece.box.top for piece in lines[0]) - bottom)
    return all(step <= 1.7 * size for step in steps)
