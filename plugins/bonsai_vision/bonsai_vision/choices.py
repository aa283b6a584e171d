"""Finds the choices A to D among the lines of a page: by their letters, in a stack or a grid, however they are set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bonsai_vision.boxes import Box
from bonsai_vision.furniture import is_furniture
from bonsai_vision.layout import Line, paragraphs, rows

KEYS = "ABCDEFGH"
#: What a letter is read as when a frame or a circle touches it.
_ALIKE = {"A": "Aa4", "B": "Bb83ß", "C": "CcG(¢©", "D": "Dd0OoQ)"}
_BULLET = r"(?:[OoQ0○◯●•◦□☐°](?:\s+|(?=[A-E](?:[.)]|$))))?"
_STRONG = re.compile(rf"^{_BULLET}[(\[{{|]{{0,2}}([A-Ea-e])\s?[.):\]]+\s*")
_BARE = re.compile(rf"^{_BULLET}\|?([A-E])(?:\s+|$|(?=[(−\-$\d]))")
_TOUCHED = re.compile(rf"^{_BULLET}[(\[]?([a-e4830OQGß(¢©)])[.):\]]*(?:\s+|$)")
#: The mark behind a letter, where it stands far from that.
_MARK = re.compile(r"^[.):\]]\s+")
#: What is left of a letter that was not read as one.
_REST = re.compile(r"^(?:[^\w\s(√$−“\"-]{1,2}\s*|[A-D][.)]?(?=[A-Z][a-z])|[A-D][.)](?=\S))")
_SURE, _BARE_WEIGHT, _DOUBTFUL = 1.0, 0.7, 0.25
#: Letters of a stack stand below one another to within so many heights of a letter.
_ALIGNED = 3.6
#: Between two lines of one choice there are at most so many heights of a letter, from ink to ink.
_LEADING = 2.3
#: Lines of one text are closer than so many heights of a letter, from line to line.
_APART = 4.5


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
        left: about where the letter begins, in pixels.
    """

    piece: Piece
    keys: str
    weight: float
    rest: str
    size: float
    left: float

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
    markers = [m for piece in pieces if (m := _marker(piece, lines[piece.line].size)) is not None]
    chain = _best_chain(markers) or _first_alone(markers, lines)
    if chain is None:
        return _unlettered(lines)
    chain = _completed(chain, [piece for piece in pieces if not is_furniture(piece.text)])
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


def _unlettered(lines: Sequence[Line]) -> Choices | None:
    """Four texts that begin below one another after the sentence that asks: choices whose letters were not read."""
    asking = [at for at, line in enumerate(lines) if line.text.endswith("?")]
    if not asking:
        return None
    column = lines[asking[-1]].column
    after = [
        (number, line)
        for number, line in enumerate(lines)
        if number > asking[-1] and line.column == column and not line.row and not is_furniture(line.text)
    ]
    groups = paragraphs([line for _, line in after], gap=0.35)
    pitches = [below.box.top - above.box.top for (_, above), (_, below) in pairwise(after)]
    if len(groups) == 1 and min(pitches, default=0) >= _APART * after[0][1].size:
        groups = [[line] for line in groups[0]]
    numbers = {id(line): number for number, line in after}
    lefts = [min(line.box.left for line in group) for group in groups]
    if len(groups) != len("ABCD") or max(lefts) - min(lefts) > _ALIGNED * after[0][1].size:
        return None
    found = Choices(column=column)
    for key, group in zip("ABCD", groups, strict=True):
        found.texts.append((key, _REST.sub("", _joined([line.text for line in group]))))
        found.boxes.append(Box.around(line.box for line in group))
        found.lines.update(numbers[id(line)] for line in group)
    return found


def _marker(piece: Piece, size: float) -> Marker | None:
    text = "C" if piece.text == "c" else piece.text  # alone, its size says little
    weight = _SURE
    if not (match := _STRONG.match(text)):
        weight = _BARE_WEIGHT
        if match := _BARE.match(text):
            # Before a word in lower case it is an article far more often than a letter without a mark.
            if match[1] == "A" and text[match.end() :].lstrip()[:1].islower():
                weight = _DOUBTFUL
        elif match := _TOUCHED.match(text):
            weight = _DOUBTFUL
    if not match:
        return None
    keys = (
        match[1].upper()
        if match[1].upper() in KEYS and weight > _DOUBTFUL
        else "".join(key for key, alike in _ALIKE.items() if match[1] in alike)
    )
    left = piece.box.left + piece.box.width * match.start(1) / len(text)
    return Marker(piece, keys, weight, text[match.end() :].strip(), size, left) if keys else None


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


def _first_alone(markers: Sequence[Marker], lines: Sequence[Line]) -> list[tuple[str, Marker]] | None:
    """The letter A right below the sentence that asks, on a page that ends before B."""
    for marker in markers:
        above = [line for line in lines[: marker.piece.line] if line.column == lines[marker.piece.line].column]
        if marker.keys == "A" and marker.weight >= _BARE_WEIGHT and any(line.text.endswith("?") for line in above[-2:]):
            return [("A", marker)]
    return None


def _follow(key: str, start: Marker, markers: Sequence[Marker]) -> list[tuple[str, Marker]]:
    """From one letter on, the next ones below it or beside it. One of them may be missing."""
    chain = [(key, start)]
    while True:
        at = KEYS.index(chain[-1][0])
        for wanted in KEYS[at + 1 : at + 3]:
            options = [(v, m) for m in markers if wanted in m.keys and (v := _nearness(m, chain)) is not None]
            if options:
                chain.append((wanted, max(options, key=lambda option: option[0])[1]))
                break
        else:
            return chain


def _nearness(marker: Marker, chain: Sequence[tuple[str, Marker]]) -> float | None:
    """How well a letter goes on from those before it; None if not at all."""
    first, last, size = chain[0][1], chain[-1][1], chain[0][1].size
    down, right = marker.box.top - last.box.top, marker.left - last.left
    under = down > 0.8 * size and min(abs(right), abs(marker.left - first.left)) <= _ALIGNED * size
    beside = abs(down) <= 0.8 * size and right > 3 * size
    next_column = down < 0 and right > 6 * size and abs(marker.box.top - first.box.top) <= 0.8 * size
    return marker.weight * 40 * size - abs(down) if under or beside or next_column else None


def _completed(chain: list[tuple[str, Marker]], pieces: Sequence[Piece]) -> list[tuple[str, Marker]]:
    """The chain of a stack with the letters in it that could not be read, each where its row is."""
    tops = [marker.box.top for _, marker in chain]
    keys = [KEYS.index(key) for key, _ in chain]
    if sorted(tops) != tops or keys[0] > 1 or (len(keys) == keys[-1] - keys[0] + 1 and keys[0] == 0):
        return chain
    pitch = (tops[-1] - tops[0]) / max(keys[-1] - keys[0], 1)
    full = list(chain)
    for key in set(range(keys[-1])) - set(keys):
        known = max((at for at, have in enumerate(keys) if have < key), default=0)
        expected = chain[known][1].piece.middle + (key - keys[known]) * pitch
        marker = chain[known][1]
        row = [
            piece
            for piece in pieces
            if abs(piece.middle - expected) < 0.4 * pitch
            and -2 * marker.size < piece.box.left - marker.left < 8 * marker.size
        ]
        if row:
            piece = min(row, key=lambda piece: piece.box.left)
            full.append((KEYS[key], Marker(piece, KEYS[key], _DOUBTFUL, piece.text, marker.size, piece.box.left)))
    return sorted(full, key=lambda entry: entry[0])


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
    chain = list(chain)
    after = _cut_off(markers, others, [piece for pieces in owned for piece in pieces], size) if len(chain) < 4 else []
    if after:
        rest = Marker(after[0], "", _DOUBTFUL, after[0].text, size, after[0].box.left)
        chain.append((KEYS[KEYS.index(chain[-1][0]) + 1], rest))
        owned.append(after[1:])
    found = Choices()
    for (key, marker), pieces in zip(chain, owned, strict=True):
        said = [Piece(marker.box, marker.rest, marker.piece.line), *pieces]
        order = rows([piece.box for piece in said])
        found.texts.append((key, _MARK.sub("", _joined([said[at].text for row in order for at in row]))))
        found.boxes.append(Box.around(piece.box for piece in said))
        found.lines.update(piece.line for piece in said)
    found.texts = _with_zeros(found.texts)
    return found


def _with_zeros(texts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Among numbers, a letter that stands alone and looks like a digit is one."""
    numbers = sum(any(letter.isdigit() for letter in text) for _, text in texts)
    alike = {"O": "0", "o": "0", "l": "1", "I": "1"}
    return [(key, alike.get(text, text)) for key, text in texts] if 2 * numbers >= len(texts) else texts


def _cut_off(markers: Sequence[Marker], others: Sequence[Piece], owned: Sequence[Piece], size: float) -> list[Piece]:
    """The lines of a choice at the page's end whose letter is off the page: they begin where the others' texts do."""
    beside = [float(p.box.left) for p in owned]
    beside += [m.box.right - m.box.width * len(m.rest) / len(m.piece.text) for m in markers if m.rest]
    taken = {id(piece) for piece in owned}
    bottom = max(box.bottom for box in [m.box for m in markers] + [p.box for p in owned])
    below = sorted((p for p in others if id(p) not in taken and p.box.top >= bottom), key=lambda p: p.box.top)
    if not beside or not below or is_furniture(below[0].text):
        return []
    pitches = [b.box.top - a.box.top for a, b in pairwise(markers) if b.box.top > a.box.top]
    near = below[0].box.top - markers[-1].box.top <= 1.8 * max(pitches, default=8 * size)
    return below if near and any(abs(below[0].box.left - left) <= size for left in beside) else []


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
            if abs(markers[stack[0]].left - marker.left) <= _ALIGNED * size:
                stack.append(at)
                break
        else:
            stacks.append([at])
    return stacks


def _share(markers: Sequence[Marker], pieces: Sequence[Piece], frames: Sequence[Box], size: float) -> list[list[Piece]]:
    """Which pieces belong to which letter of a stack."""
    owned: list[list[Piece]] = [[] for _ in markers]
    holders = [box for marker in markers if (box := _holder(marker, markers, frames)) is not None]
    if len(holders) == len(markers):
        for piece in pieces:
            inside = next((at for at, box in enumerate(holders) if box.holds(piece.box)), None)
            if inside is not None:
                owned[inside].append(piece)
        return owned
    own = {id(marker.piece) for marker in markers}
    pieces = [*pieces, *(marker.piece for marker in markers if marker.rest)]
    beside = [p.box.left for m in markers for p in pieces if p.box.overlap_y(m.box) > 0 and p.box.left > m.box.right]
    start = min(beside, default=min(marker.box.left for marker in markers))
    lines = [
        [pieces[at] for at in row]
        for row in rows([piece.box for piece in pieces])
        if pieces[row[0]].box.left >= start - size
        or any(id(pieces[at]) in own for at in row)
        or any(pieces[at].box.overlap_y(m.box) > 0 and pieces[at].box.right > start for at in row for m in markers)
    ]
    for at, line in enumerate(lines):
        owner = _owner(line, at, lines, markers, size)
        if owner is not None:
            owned[owner] += [piece for piece in line if id(piece) not in own]
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
        indented = line[0].box.left > markers[0].box.left + 0.5 * size
        return 0 if indented and _continues(lines[at:], markers[0].piece.middle, size) else None
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
    return len(until) > 1 and all(_gap(above, below) <= _LEADING * size for above, below in pairwise(until))


def _tight(lines: Sequence[Sequence[Piece]], bottom: float, size: float) -> bool:
    """Whether lines from the last letter on follow each other closely."""
    if not lines:
        return False
    steps = [_gap(above, below) for above, below in pairwise(lines)]
    steps.append(min(piece.box.top for piece in lines[0]) - bottom)
    return all(step <= _LEADING * size for step in steps)
