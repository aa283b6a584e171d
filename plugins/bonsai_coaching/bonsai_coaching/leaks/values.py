"""Values that give an answer away: a number, an expression, an equation or a point equal to the right one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations

from bonsai_coaching.leaks.expressions import Expression, Relation, relation_of, relations_in
from bonsai_coaching.leaks.numbers import Mention, digits_in, numbers_in
from bonsai_coaching.leaks.plain import any_of

# Numbers that explanations use whatever the question: to halve, to square, to take a percentage.
_SMALL_TALK = frozenset(map(Fraction, (0, 1, 2, 3, 4, 10, 100)))
_SPELLED_TALK = frozenset(map(Fraction, range(5)))
_PART_TALK = re.compile(r"(?:an? )?(?:half|third|quarter)", re.IGNORECASE)
_OPERATION_BEFORE = re.compile(
    r"(?:[·×*/÷^+]|\b(?:divid|multipl)\w+(?: [\w']+){0,4} by|\b(?:times|power(?: of)?|plus|minus|over|root|undo)"
    r"|\b(?:add|subtract)(?:ing)?)[\s(\"]*$",
    re.IGNORECASE,
)
_OPERATION_AFTER = re.compile(r"[\s)\"]*(?:[·×*÷^+]|-\s*[\w(]|(?:times|plus|minus)\b)", re.IGNORECASE)
_SAYS = any_of(
    *(
        "is",
        "are",
        "be",
        "equals?",
        "equal to",
        "gets?",
        "gives?",
        "makes?",
        "leaves?",
        "yields?",
        "obtain",
        "becomes?",
    ),
    *("to", "with", "answer", "about", "exactly"),
)
_SAID_BEFORE = re.compile(rf"(?:[=:→⇒]|\b{_SAYS})[\s\"(]*$", re.IGNORECASE)
_SAID_AFTER = re.compile(r"[\s)\"]*(?:[.,;:!?\n]|$|(?:because|since|so|when|if|and|but|which)\b)", re.IGNORECASE)
_ANSWER = any_of(
    r"\b(?:answers?|solutions?|results?|final value|value (?:of|for) \w+(?:\(\w+\))?)\b[^.;\n]{0,16}?"
    r"(?:[=:]|\b(?:is|are|equals?|be|to|at|as|out))",
    r"\b(?:the|its|their) (?:[a-z]+ ){1,3}(?:is|are|equals)",
    r"\b(?:gets?|obtain|arrive at|ends? up (?:with|at)|left with|comes? (?:out )?(?:to|at|as)|gives?|yields?)",
    r"\bwhat (?:fits|works|remains|is left|you need|we need) (?:is|are)",
    r"\b(?:it|this|that) (?:must|has to|should|would|could|can only) be",
)
_ANSWER_CUE = re.compile(rf"{_ANSWER}(?: (?:just|exactly|simply|about|equal to))?[\s\"(]*", re.IGNORECASE)
_ANSWER_BEFORE = re.compile(rf"(?:{_ANSWER_CUE.pattern}|^[\s\"(]*)$", re.IGNORECASE)
_EQUALS_BEFORE = re.compile(r"([^\s=][^=.;,\n]{0,40})=[\s\"(]*$")
_UNIT = any_of("units?", "degrees", "percent", "in the end", "here", "now", "then", "and", "so", "because", "since")
_ENDS = re.compile(rf"[\s)\"]*(?:[.,;!?](?!\d)|\n|$|{_UNIT}\b)", re.IGNORECASE)
_CALLED_AFTER = re.compile(
    r"[\s)\"]*(?:fits|works|is (?:(?:indeed|clearly) )?(?:(?:the|your) )?(?:answer|right|correct|solution|result))\b",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z]|[A-Za-z]\(\w+\)|[A-Za-z](?:[+·*-][A-Za-z])+|[A-Za-z]{2}")
#: How many more numbers and letters a relation or expression may have and still be the answer written out.
_SLACK = 1


class Scan:
    """The mathematics of one plain text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.numbers = numbers_in(text)
        self.relations = [part for relation in relations_in(text) for part in _parts(relation)]
        self.sides = [side for relation in self.relations for side in relation.sides]
        self.assigned: dict[str, set[Fraction]] = {}
        for relation in self.relations:
            if relation.signs == ("=",):
                left, right = relation.sides
                for name, value in ((left, right), (right, left)):
                    if _NAME.fullmatch(name.source) and value.is_number:
                        self.assigned.setdefault(name.source, set()).add(value.coefficient)
        self._values = {value for mention in self.numbers for value in mention.values} | digits_in(text)
        self._squeezed = squeezed(text)

    @property
    def has_assignment(self) -> bool:
        """Whether it says what a letter is: `x = 3`."""
        return bool(self.assigned)

    def has(self, mention: Mention) -> bool:
        """Whether a number of another text stands here too."""
        return any(value in self._values for value in mention.values)

    def has_text(self, text: str) -> bool:
        """Whether a text stands here, spaces apart."""
        return squeezed(text) in self._squeezed


@dataclass(frozen=True, slots=True)
class Value:
    """An answer that is mathematics.

    Attributes:
        numbers: the values of an answer that is one number; a percentage has two.
        pieces: else what it consists of: `x + y = 5 and x = 2y` are two.
        telling: those of the pieces that no other choice has; each singles the answer out.
        given: what the student has read anyway.
    """

    numbers: frozenset[Fraction]
    pieces: tuple[Relation, ...]
    telling: tuple[Relation, ...]
    given: Scan

    @property
    def is_number(self) -> bool:
        """Whether it is one number."""
        return bool(self.numbers)

    def is_in(self, scan: Scan) -> bool:
        """Whether a text gives it away."""
        if self.numbers:
            return self.is_called_answer(scan) or any(
                not self.given.has(mention) and not _is_small_talk(mention, scan.text)
                for mention in self._mentions(scan)
            )
        if self.telling:
            return any(self._says(piece, scan) for piece in self.telling)
        return all(self._says(piece, scan) for piece in self.pieces)

    def is_called_answer(self, scan: Scan) -> bool:
        """Whether a text presents it as the outcome, wherever else it stands."""
        if not self.numbers:
            tails = (Scan(scan.text[cue.end() : cue.end() + 60]) for cue in _ANSWER_CUE.finditer(scan.text))
            return any(self._says(piece, tail) for tail in tails for piece in self.telling or self.pieces[:1])
        return any(self._is_outcome(mention, scan) for mention in self._mentions(scan)) or any(
            value in self.numbers and value not in self.given.assigned.get(name, ())
            for name, values in scan.assigned.items()
            for value in values
        )

    def _mentions(self, scan: Scan) -> list[Mention]:
        return [mention for mention in scan.numbers if any(mention.means(exact) for exact in self.numbers)]

    def _is_outcome(self, mention: Mention, scan: Scan) -> bool:
        before, after = scan.text[max(mention.start - 60, 0) : mention.start], scan.text[mention.end : mention.end + 24]
        if _CALLED_AFTER.match(after):
            return True
        if not _ENDS.match(after):
            return False
        if _ANSWER_BEFORE.search(before):
            return True
        equation = _EQUALS_BEFORE.search(before)
        return equation is not None and not self.given.has_text(
            squeezed(equation[1])[-8:] + "=" + squeezed(scan.text[mention.start : mention.end])
        )

    def _says(self, piece: Relation, scan: Scan) -> bool:
        sides = piece.sides
        if len(sides) == 1 and sides[0].is_number:
            number = sides[0].coefficient
            return any(mention.means(number) and not self.given.has(mention) for mention in scan.numbers)
        if len(sides) == 1 and (point := sides[0].coordinates):
            return self._says_point(sides[0], scan) or (
                len(point) == 2
                and all(c.is_number for c in point)
                and all(
                    c.coefficient in scan.assigned.get(name, ())
                    and c.coefficient not in self.given.assigned.get(name, ())
                    for name, c in zip("xy", point, strict=True)
                )
            )
        if len(sides) == 1 or (piece.is_named and not sides[1].is_number):
            return self._says_expression(sides[-1], scan)
        most = piece.atoms + 2 * _SLACK
        if any(piece.equals(other) for other in self.given.relations):
            return any(
                piece.same_form(found) and not any(found.same_form(other) for other in self.given.relations)
                for found in scan.relations
            )
        return any(found.atoms <= most and piece.equals(found) for found in scan.relations)

    def _says_point(self, point: Expression, scan: Scan) -> bool:
        if any(point.equals(other) for other in self.given.sides):
            return False
        return any(point.equals(found) for found in scan.sides)

    def _says_expression(self, wanted: Expression, scan: Scan) -> bool:
        most = wanted.atoms + _SLACK
        candidates = [side for side in scan.sides if side.atoms <= most]
        if any(wanted.equals(other) for other in self.given.sides):
            seen = {other.form for other in self.given.sides}
            return wanted.form not in seen and any(side.form == wanted.form for side in candidates)
        return any(wanted.equals(side) for side in candidates)


def value_of(text: str, others: Sequence[str], given: Scan, *, percent: bool = False) -> Value | None:
    """The value that an answer is; None when it is words.

    Args:
        text: the answer in plain form.
        others: the other choices in plain form.
        percent: whether the question asks for a percentage, so that 0.4 is as telling as 40.
    """
    if (number := _one_number(text, others)) is not None:
        values = set(number.values)
        if percent and not number.percent:
            values.add(number.value / 100)
        return Value(frozenset(values), (), (), given)
    pieces = _pieces(text)
    if pieces is None:
        return None
    other_pieces = [piece for other in others for piece in _pieces(other) or ()]
    telling = tuple(piece for piece in pieces if not any(piece.equals(other) for other in other_pieces))
    return Value(frozenset(), pieces, telling, given)


def _one_number(text: str, others: Sequence[str]) -> Mention | None:
    """The number that a choice is, with or without a unit that all choices have."""
    found = [mention for mention in numbers_in(text) if not mention.spelled]
    if len(found) != 1:
        return None
    unit = _without(text, found[0])
    if not unit:
        return found[0]
    if not others or len(unit.split()) > 3 or re.search(r"[^\w\s/^().-]", unit):
        return None
    for other in others:
        numbers = [mention for mention in numbers_in(other) if not mention.spelled]
        if len(numbers) != 1 or _without(other, numbers[0]).rstrip("s") != unit.rstrip("s"):
            return None
    return found[0]


def _without(text: str, mention: Mention) -> str:
    return f"{text[: mention.start]} {text[mention.end :]}".strip(" .")


def _pieces(text: str) -> tuple[Relation, ...] | None:
    """The expressions and relations that a text consists of; None when there is more in it."""
    read = [relation_of(part) for part in re.split(r"\s+(?:and|or)\s+|;\s*|,\s+(?![^()]*\))", text.strip(" ."))]
    if any(relation is None for relation in read):
        return None
    found = tuple(relation for relation in read if relation is not None)
    # A letter alone is a word rather than a formula.
    says_something = any(r.signs or re.search(r"[\d√π^]", side.source) for r in found for side in r.sides)
    return found if says_something else None


def _parts(relation: Relation) -> list[Relation]:
    """The relation, and of a chain each pair of sides that it relates: `y = 5 · 3 = 15` says `y = 15`."""
    if len(relation.sides) < 3:
        return [relation]
    pairs = []
    for (n, a), (m, b) in combinations(enumerate(relation.sides), 2):
        signs = set(relation.signs[n:m])
        if signs == {"="} or m == n + 1:
            pairs.append(Relation((a, b), (relation.signs[n],)))
    return [relation, *pairs]


def _is_small_talk(mention: Mention, text: str) -> bool:
    """Whether a small number is only a tool of the explanation, such as the 2 of `divide by 2` or `two equations`."""
    before, after = text[max(mention.start - 60, 0) : mention.start], text[mention.end : mention.end + 12]
    if mention.spelled:
        talk = mention.value in _SPELLED_TALK or _PART_TALK.fullmatch(text, mention.start, mention.end) is not None
        return talk and not (_SAID_BEFORE.search(before) and _SAID_AFTER.match(after))
    return mention.value in _SMALL_TALK and bool(_OPERATION_BEFORE.search(before) or _OPERATION_AFTER.match(after))


def squeezed(text: str) -> str:
    """The text without any spaces."""
    return re.sub(r"\s+", "", text)
