"""Makes a question of the lines of a page, or of a text: passage, stem, choices A to D or a typed answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from bonsai_vision.boxes import Box
from bonsai_vision.choices import Choices, find_choices
from bonsai_vision.furniture import is_answer_label, is_figure_note, is_furniture, is_number, without_number
from bonsai_vision.layout import Line, joined, paragraphs
from bonsai_vision.tidy import tidy

#: How the test asks about a text; what stands before such a sentence is the passage.
_ASKS_ABOUT_TEXT = re.compile(
    r"(?:^|(?<=[.?!”\"_])\s+|\n)(?=(?:"
    r"Which (?:choice|finding|quotation|statement|detail|response|of the following (?:best|most|sentences|choices))\b"
    r"|As used in (?:the|line|this)|According to the (?:text|passage)|Based on the (?:text|passage|table|graph)"
    r"|What (?:is the (?:main|primary|overall|function)|does the (?:text|word|phrase|author)|can .{0,12}be infer)"
    r"|The (?:student|writer|author) wants to|How (?:does|would|do) (?:the|Text|most)|It can (?:most )?reasonably"
    r"|Which one of)[^\n]*\?)"
)
_WISH = re.compile(r"The (?:student|writer|author) wants to")
_UNSURE, _SHORT = 0.5, 14
#: From ink to ink, lines of one text are at most so many heights of a letter apart.
_CLOSE = 1.6
#: The box for an answer stands at most so many heights of a letter below the question.
_BELOW = 5.0
Role = Literal["passage", "stem", "choice", "figure"]


@dataclass(frozen=True, slots=True)
class Part:
    """Where a part of the question stands.

    Attributes:
        key: a choice's letter.
    """

    role: Role
    box: Box
    key: str = ""


@dataclass(slots=True)
class Structure:
    """A question in its parts.

    Attributes:
        stem: what is asked; empty where there is no question.
        choices: letters and texts; empty for a typed answer.
        figure: a figure or table belongs to it.
        read: all that was read, in reading order.
        parts: where they stand, in reading order; empty for a text.
    """

    passage: str | None = None
    stem: str = ""
    choices: list[tuple[str, str]] = field(default_factory=list)
    figure: bool = False
    read: str = ""
    parts: list[Part] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The question in reading order, choices with their letters; all that was read where there is no question."""
        if not self.stem and not self.choices:
            return self.read
        choices = "\n".join(f"{key}. {text}" for key, text in self.choices)
        return "\n\n".join(part for part in (self.passage, self.stem, choices) if part)


def build(lines: Sequence[Line], *, frames: Sequence[Box] = (), figures: Sequence[Box] = ()) -> Structure:
    """The question on a page.

    Args:
        lines: all that was read, in reading order.
        frames: rectangles on the page.
        figures: on the page.
    """
    answered = [line.column for line in lines if is_answer_label(line.text)]
    lines = _rejoined([line for line in map(_without_furniture, lines) if line is not None])
    structure = Structure(read="\n".join(line.text for line in lines))
    choices = find_choices(lines, frames)
    column = _asking_column(lines, answered, frames) if choices is None else choices.column
    if column is None:
        return structure
    stem_lines = _stem_lines(lines, column, choices)
    passage_lines = _passage_lines(lines, column, stem_lines, choices)
    left, asked = _texts(passage_lines), _texts(stem_lines)
    structure.passage, structure.stem = _divide(left, asked)
    if choices is not None:
        structure.choices = choices.texts
    page = Box.around(line.box for line in [*passage_lines, *stem_lines]) if passage_lines or stem_lines else None
    figures = [box for box in figures if page is None or _belongs(box, page)]
    structure.figure = bool(figures) or any(line.row for line in (*passage_lines, *stem_lines))
    if not passage_lines and structure.passage:
        passage_lines, stem_lines = _parted(stem_lines, structure.passage)
    structure.parts = _parts(passage_lines, stem_lines, choices, figures)
    return structure


def parse(text: str) -> Structure:
    """The question in a text that somebody pasted: paragraphs, then lines that begin with `A`, `B)`, `(C)` or `D.`"""
    raw = [" ".join(line.split()) for line in text.splitlines()]
    rows = [tidy(line) for line in raw]
    table = [line.count("|") > 0 and len(line) > 3 for line in rows]
    lines = [
        Line(line, Box(0, 20 * at, 8 * len(line), 20 * at + 12), 8.0, 1.0, row=table[at])
        for at, line in enumerate(rows)
        if line and not is_furniture(line)
    ]
    choices = _text_choices(lines)
    first = choices[0][0] if choices else len(lines)
    structure = Structure(
        read="\n".join(line.text for line in lines), choices=[(key, said) for _, key, said in choices]
    )
    asked = [line.text for line in lines[:first]]
    if not choices and not any("?" in line or "______" in line for line in asked):
        return structure
    if asked and is_number(asked[0]):
        asked = asked[1:]
    blocks: list[str] = []
    last = -100
    for line in lines[:first]:
        if line.text not in asked:
            continue
        at = line.box.top // 20
        if blocks and at == last + 1:
            blocks[-1] += "\n" + line.text
        else:
            blocks.append(line.text)
        last = at
    if blocks:
        blocks[0] = without_number(blocks[0])
    structure.passage, structure.stem = _divide([], blocks)
    structure.figure = any(line.row for line in lines[:first])
    return structure


_CHOICE_LINE = re.compile(r"^[(\[]?([A-H])\s?[.):\]]\s*(.*)$|^([A-H])\s{1,4}(\S.*)$|^([A-H])$")


def _text_choices(lines: Sequence[Line]) -> list[tuple[int, str, str]]:
    """Number of the line, letter and text of each choice: the last run of lines from A on."""
    found: list[tuple[int, str, str]] = []
    for at, line in enumerate(lines):
        match = _CHOICE_LINE.match(line.text)
        key = (match[1] or match[3] or match[5]) if match else None
        if match and key == "A" and (match[1] or match[5] or not (match[4] or "")[:1].islower()):
            found = [(at, "A", match[2] or match[4] or "")]
        elif match and found and key == chr(ord(found[-1][1]) + 1):
            found.append((at, key, match[2] or match[4] or ""))
        elif found and len(found) < 4:
            number, letter, said = found[-1]
            found[-1] = (number, letter, f"{said} {line.text}".strip())
    return found if len(found) >= 2 else []


def _without_furniture(line: Line) -> Line | None:
    """A line without labels of the page; None if nothing is left."""
    if line.row:
        return line
    if line.confidence < _UNSURE and len(line.text) < _SHORT:
        return None
    if is_furniture(line.text) or is_figure_note(line.text):
        return None
    kept = [(box, text) for box, text in line.pieces if not is_furniture(text)]
    if len(kept) == len(line.pieces) or not any(len(text) > 3 for _, text in line.pieces if is_furniture(text)):
        return line
    if not kept:
        return None
    box = Box.around(box for box, _ in kept)
    text = tidy(" ".join(text for _, text in kept))
    return Line(text, box, line.size, line.confidence, line.column, line.strip, line.row, kept)


def _rejoined(lines: Sequence[Line]) -> list[Line]:
    """The lines, those of a strip in the column below where they run on to it: a text that is scrolled to the edge."""
    found: list[Line] = []
    for line in reversed(lines):
        below = found[-1] if found else line
        near = 0 <= below.box.top - line.box.bottom <= _CLOSE * line.size
        flush = abs(line.box.left - below.box.left) <= 2.5 * line.size and len(line.text.split()) >= 5
        if line.strip and not below.strip and not line.row and near and flush:
            line = replace(line, column=below.column, strip=False)
        found.append(line)
    return found[::-1]


def _asking_column(lines: Sequence[Line], answered: Sequence[int], frames: Sequence[Box]) -> int | None:
    """The last column in which something is asked; one with a box for the answer, if there is any.

    Args:
        answered: columns with the label of such a box.
    """
    asking = {line.column for line in lines if _asks(line)}
    boxed = {line.column for line in lines if _asks(line) and any(_is_below(box, line) for box in frames)}
    return max(asking.intersection(answered) or boxed or asking, default=None)


def _is_below(box: Box, line: Line) -> bool:
    """Whether a frame stands right below a line, at its left end."""
    return 0 <= box.top - line.box.bottom <= _BELOW * line.size and abs(box.left - line.box.left) <= 2 * line.size


def _asks(line: Line) -> bool:
    """Whether a question ends in a line; what stands behind it may be a remark in brackets."""
    return bool(re.search(r"\?(?:$|\s*\()", line.text))


def _stem_lines(lines: Sequence[Line], column: int, choices: Choices | None) -> list[Line]:
    """The lines of the question's column above its choices, or up to the last one that asks."""
    if choices is None:
        own = [line for line in lines if line.column == column]
        asking = [line for line in own if _asks(line)][-1]
        until = next(group[-1] for group in paragraphs(own) if asking in group)
        own = own[: own.index(asking if asking.text.endswith("?") else until) + 1]
    else:
        first = min(choices.lines)
        own = [
            line
            for at, line in enumerate(lines)
            if at not in choices.lines
            and line.column == column
            and (at < first or line.box.bottom <= choices.boxes[0].top)
        ]
        if not own:  # a grid of choices in columns of its own, below a strip
            before = [line.column for at, line in enumerate(lines) if at < first]
            own = [line for line in lines[:first] if line.column == max(before, default=-1)]
    while own and (is_number(own[0].text) or (len(own) > 1 and _is_title(own[0], own[1]))):
        own = own[1:]
    return own


def _is_title(line: Line, following: Line) -> bool:
    """Whether a first line is a heading of the page: few words, no sentence, no formula, far from what follows."""
    if len(line.text) <= 2 and not line.row:
        return not re.search(r"[=+<>≤≥√²]", line.text)
    if line.row or re.search(r"[=+<>≤≥^²√?_:;,.]|^Text \d", line.text) or len(line.text.split()) > 5:
        return False
    spread = len(line.pieces) > 1 and line.pieces[1][0].left - line.pieces[0][0].right > 6 * line.size
    return spread or following.box.top - line.box.bottom > 2.2 * line.size


def _passage_lines(
    lines: Sequence[Line], column: int, stem_lines: Sequence[Line], choices: Choices | None
) -> list[Line]:
    """The lines of the columns to the left that read like a passage or hold a formula."""
    taken = {id(line) for line in stem_lines}
    left = min((line.box.left for line in stem_lines), default=0)
    found: list[Line] = []
    for number in sorted({line.column for line in lines if line.column < column}):
        own = [line for line in lines if line.column == number and id(line) not in taken]
        if not own or own[0].strip or min(line.box.left for line in own) >= left:
            continue
        while len(own) > 1 and (is_number(own[0].text) or _is_title(own[0], own[1])):
            own = own[1:]
        if any(line.row or len(line.text.split()) >= 5 or re.search(r"[=<>≤≥]", line.text) for line in own):
            found += own
    return found


def _belongs(figure: Box, page: Box) -> bool:
    """Whether a figure is the question's: above or below its text, or beside it on the left."""
    return figure.overlap_x(page) > 0 or (figure.right <= page.left and figure.overlap_y(page) > 0)


def _texts(lines: Sequence[Line]) -> list[str]:
    """The paragraphs of lines as texts."""
    return [joined(group) for group in paragraphs(lines)]


def _divide(left: list[str], asked: list[str]) -> tuple[str | None, str]:
    """Passage and stem, from the paragraphs beside the question and those above its choices."""
    if asked:
        asked = [without_number(asked[0]), *asked[1:]]
    if left:
        return "\n\n".join(left), "\n\n".join(asked)
    whole = "\n\n".join(asked)
    openings = [match.end() for match in _ASKS_ABOUT_TEXT.finditer(whole)]
    if openings and not _is_mathematical(whole[openings[-1] :]):
        at = next((start for start in openings if _WISH.match(whole, start)), openings[-1])
        passage = whole[:at].strip()
        if passage:
            return passage, whole[at:].strip()
    table = [number for number, text in enumerate(asked) if " | " in text]
    if table and table[0] <= 1 and len(asked) > table[0] + 1 and not any("?" in text for text in asked[: table[0]]):
        head = asked[: table[-1] + 1] if table[-1] + 1 < len(asked) else asked[: table[0] + 1]
        if table[0] == 0:
            return "\n\n".join(head), "\n\n".join(asked[len(head) :])
    return None, whole


def _parted(lines: Sequence[Line], passage: str) -> tuple[list[Line], list[Line]]:
    """The lines of a passage, and those of the stem below it; a line of both belongs where more of its letters do."""
    left = _letters(passage)
    for at, line in enumerate(lines):
        here = _letters(line.text)
        if left <= here / 2:
            return list(lines[:at]), list(lines[at:])
        left -= here
    return list(lines), []


def _letters(text: str) -> int:
    return sum(letter.isalnum() for letter in text)


def _is_mathematical(text: str) -> bool:
    return bool(
        re.search(
            r"\b[a-z]\([a-z0-9]\)|[=<>≤≥²³√π]|\b(?:equation|expression|function|inequality|graph of|median"
            r"|standard deviation|probability|the mean)s?\b",
            text,
        )
    )


def _parts(
    passage: Sequence[Line], stem: Sequence[Line], choices: Choices | None, figures: Sequence[Box]
) -> list[Part]:
    parts = [Part("figure", box) for box in figures]
    if passage:
        parts.append(Part("passage", Box.around(line.box for line in passage)))
    if stem:
        parts.append(Part("stem", Box.around(line.box for line in stem)))
    if choices is not None:
        parts += [Part("choice", box, key) for (key, _), box in zip(choices.texts, choices.boxes, strict=True)]
    return parts
