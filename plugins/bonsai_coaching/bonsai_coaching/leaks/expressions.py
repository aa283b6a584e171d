"""Finds mathematics in prose, and tells whether two pieces of it are equal: expressions, relations, points.

Equal means equal for all values of the letters. That is tested at a few fixed points instead of by algebra (the idea of
Schwartz, J. ACM 27(4), 1980), which is enough for texts this short and needs no algebra system.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from bonsai_coaching.leaks.plain import words_of

POINTS = 3
#: Longer runs of symbols are no answer that anybody could quote.
MAX_SYMBOLS = 80

_SYMBOL = re.compile(
    r"\s*(?:(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d])|\d+(?:\.\d+)?|\.\d+)"
    r"|(?P<letters>[A-Za-zπθ]+)|(?P<sign>[-+·×*/÷^()√±=<>≤≥≠,]))"
)
_RELATIONS = frozenset("=<>≤≥≠")
_FLIPPED = {"<": ">", ">": "<", "≤": "≥", "≥": "≤", "=": "=", "≠": "≠"}
_TWO_LETTER_WORDS = words_of(
    "am an as at be by do go he hi if in is it me my no of oh ok on or so to up us we vs cm mm km kg ft lb oz ml"
)
_NAME = re.compile(r"[A-Za-z](?:\([A-Za-z]\))?")
_SPELLED_RELATIONS = tuple(
    (re.compile(pattern, re.IGNORECASE), sign)
    for pattern, sign in (
        (r"\b(?:is |are )?(?:greater|more|larger) than or equal to\b", "≥"),
        (r"\b(?:is |are )?(?:less|smaller) than or equal to\b", "≤"),
        (r"\b(?:is |must be |be )?at least\b", "≥"),
        (r"\b(?:is |must be |be )?at most\b", "≤"),
        (r"\b(?:is |must be |be )?(?:greater|more|larger) than\b", ">"),
        (r"\b(?:is |must be |be )?(?:less|smaller) than\b", "<"),
        (r"\b(?:is equal to|equals)\b", "="),
        (r"\b([A-Za-z])(?: is| must be| has to be| will be)(?= -?[\d.])", r"\1 ="),
        (r"<=", "≤"),
        (r">=", "≥"),
        (r"\bsqrt\b", "√"),
        (r"\bpi\b", "π"),
    )
)


@dataclass(frozen=True, slots=True)
class Expression:
    """One expression, or a point such as `(3, −4)`.

    Attributes:
        values: at the test points; NaN where it is not defined.
        coefficient, factors, terms: its form, up to the order of terms and factors. `terms` is empty but for sums.
        atoms: how many numbers and letters it is written with: what is not worked out yet has more.
        coordinates: of a point; else empty.
        source: as it was written.
    """

    values: tuple[float, ...]
    coefficient: Fraction
    factors: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()
    atoms: int = 1
    coordinates: tuple[Expression, ...] = ()
    source: str = ""

    @property
    def form(self) -> str:
        """The same for two expressions that differ in nothing but order."""
        return "+".join(self.terms) if self.terms else f"{self.coefficient}*{'*'.join(self.factors)}"

    @property
    def is_number(self) -> bool:
        """Whether it is one rational number."""
        return not self.factors and not self.terms and not self.coordinates

    def equals(self, other: Expression) -> bool:
        """Whether the two have the same value, whatever the letters stand for."""
        if self.coordinates or other.coordinates:
            return len(self.coordinates) == len(other.coordinates) and all(
                a.equals(b) for a, b in zip(self.coordinates, other.coordinates, strict=True)
            )
        return all(_close(a, b) for a, b in zip(self.values, other.values, strict=True))


@dataclass(frozen=True, slots=True)
class Relation:
    """Sides and the relations between them, left to right; a single side is an expression by itself."""

    sides: tuple[Expression, ...]
    signs: tuple[str, ...]

    @property
    def atoms(self) -> int:
        """How many numbers and letters it is written with."""
        return sum(side.atoms for side in self.sides)

    @property
    def is_named(self) -> bool:
        """Whether the left side only gives a name: `y = ...`, `f(x) = ...`."""
        return self.signs == ("=",) and _NAME.fullmatch(self.sides[0].source) is not None

    def same_form(self, other: Relation) -> bool:
        """Whether both say it in the same way, but for order."""
        forms, others = [s.form for s in self.sides], [s.form for s in other.sides]
        flipped = tuple(_FLIPPED[sign] for sign in reversed(other.signs))
        return (forms == others and self.signs == other.signs) or (forms == others[::-1] and self.signs == flipped)

    def equals(self, other: Relation) -> bool:
        """Whether both say the same: `2x < 6` and `3 > x`."""
        if len(self.sides) != len(other.sides):
            return False
        if len(self.sides) == 1:
            return self.sides[0].equals(other.sides[0])
        if len(self.sides) > 2:
            return any(
                signs == self.signs and all(a.equals(b) for a, b in zip(self.sides, sides, strict=True))
                for sides, signs in (
                    (other.sides, other.signs),
                    (other.sides[::-1], tuple(_FLIPPED[sign] for sign in reversed(other.signs))),
                )
            )
        ratio = _ratio(self._differences(), other._differences())
        if ratio is None:
            return False
        sign, wanted = other.signs[0], self.signs[0]
        return (sign if ratio > 0 else _FLIPPED[sign]) == wanted

    def _differences(self) -> list[float]:
        left, right = self.sides
        return [a - b for a, b in zip(left.values, right.values, strict=True)]


def relations_in(text: str) -> list[Relation]:
    """Every relation and expression that stands in a plain text. A sign ± counts as both."""
    for pattern, sign in _SPELLED_RELATIONS:
        text = pattern.sub(sign, text)
    found: list[Relation] = []
    for run in _runs(text):
        signs = ("+", "-") if any(symbol == "±" for symbol, _ in run) else ("",)
        for sign in signs:
            found += _relations([(sign if symbol == "±" else symbol, spaced) for symbol, spaced in run])
    return found


def relation_of(text: str) -> Relation | None:
    """The relation or expression that a plain text is, all of it; None when it is none."""
    runs = list(_runs(text))
    if len(runs) != 1:
        return None
    squeezed = re.sub(r"\s+", "", text)
    if sum(len(symbol) for symbol, _ in runs[0]) != len(squeezed):
        return None
    found = _relations(runs[0])
    return found[0] if len(found) == 1 and len(found[0].signs) == _count_signs(runs[0]) else None


_Symbol = tuple[str, bool]  # and whether a space stood before it


def _count_signs(run: Sequence[_Symbol]) -> int:
    return sum(symbol in _RELATIONS for symbol, _ in run)


def _runs(text: str) -> Iterator[list[_Symbol]]:
    """Maximal runs of mathematical symbols, ended by words, other signs, and commas outside of parentheses."""
    run: list[_Symbol] = []
    depth = at = 0
    while at < len(text):
        found = _SYMBOL.match(text, at)
        symbols = _symbols(found, text) if found is not None else []
        if found is None or not symbols or (symbols[0] == "," and depth == 0):
            if run:
                yield run
            run, depth = [], 0
            at = found.end() if found is not None else at + 1
            continue
        spaced = found[0][0].isspace()
        for n, symbol in enumerate(symbols):
            depth = max(depth + (symbol == "(") - (symbol == ")"), 0)
            run.append((symbol, spaced and n == 0))
        at = found.end()
    if run:
        yield run


def _symbols(found: re.Match[str], text: str) -> list[str]:
    """The symbols of one match; none when it is a word of the text."""
    letters = found["letters"]
    if letters is None:
        return [found["number"] or found["sign"]]
    after = text[found.end() : found.end() + 2]
    if after[:1] in ("'", '"') and after[1:].isalpha():
        return []
    if len(letters) == 1:
        article = letters in ("a", "A", "I") and re.match(r"\s[\w(]", after) is not None
        return [] if article else [letters]
    if len(letters) == 2 and letters.islower() and letters not in _TWO_LETTER_WORDS:
        return list(letters)
    return []


def _relations(run: Sequence[_Symbol]) -> list[Relation]:
    """What a run says: the longest chains of sides that can be read."""
    if len(run) > MAX_SYMBOLS:
        return []
    sides: list[list[_Symbol]] = [[]]
    signs: list[str] = []
    for symbol in run:
        if symbol[0] in _RELATIONS:
            signs.append(symbol[0])
            sides.append([])
        else:
            sides[-1].append(symbol)
    found: list[Relation] = []
    chain: list[Expression] = []
    joined: list[str] = []
    for n, side in enumerate(sides):
        read = _read(side)
        if read is None:
            if chain:
                found.append(Relation(tuple(chain), tuple(joined)))
            chain, joined = [], []
            continue
        if chain:
            joined.append(signs[n - 1])
        chain.append(read)
    if chain:
        found.append(Relation(tuple(chain), tuple(joined)))
    return found


def _read(side: Sequence[_Symbol]) -> Expression | None:
    """The expression that the symbols are, without parentheses and signs that belong to the prose around it."""
    side = list(side)
    while side and side[-1][0] in "+-·×*/÷^(√,":
        side.pop()
    while side and side[0][0] in "+·×*/÷^),":
        side.pop(0)
    excess = sum(s == "(" for s, _ in side) - sum(s == ")" for s, _ in side)
    while excess > 0 and side and side[0][0] == "(":
        side.pop(0)
        excess -= 1
    while excess < 0 and side and side[-1][0] == ")":
        side.pop()
        excess += 1
    if not side:
        return None
    try:
        return _Reader(side).all()
    except (_Unreadable, ArithmeticError, ValueError):
        return None


class _Unreadable(Exception):
    pass


class _Reader:
    """A recursive-descent reader. Multiplication may be left out and has the rank it has when written."""

    def __init__(self, symbols: Sequence[_Symbol]) -> None:
        self._symbols = symbols
        self._at = 0

    def all(self) -> Expression:
        value = self._sum()
        if self._peek():
            raise _Unreadable
        return _replace_source(value, "".join(symbol for symbol, _ in self._symbols))

    def _peek(self) -> str:
        return self._symbols[self._at][0] if self._at < len(self._symbols) else ""

    def _take(self) -> str:
        symbol = self._peek()
        self._at += 1
        return symbol

    def _sum(self) -> Expression:
        terms = [self._product()]
        while self._peek() in ("+", "-"):
            sign = self._take()
            term = self._product()
            terms.append(term if sign == "+" else _scaled(term, Fraction(-1)))
        return terms[0] if len(terms) == 1 else _total(terms)

    def _product(self) -> Expression:
        value = self._signed()
        while symbol := self._peek():
            if symbol in "·×*":
                self._take()
                value = _times(value, self._signed())
            elif symbol in "/÷":
                self._take()
                value = _over(value, self._signed())
            elif symbol in "+-),^":
                break
            elif symbol[0].isdigit() or symbol[0] == ".":
                raise _Unreadable  # two numbers side by side
            else:
                value = _times(value, self._raised())
        return value

    def _signed(self) -> Expression:
        if self._peek() == "-":
            self._take()
            return _scaled(self._signed(), Fraction(-1))
        return self._raised()

    def _raised(self) -> Expression:
        value = self._atom()
        if self._peek() == "^":
            self._take()
            value = _to_the(value, self._signed())
        return value

    def _atom(self) -> Expression:
        symbol = self._take()
        if not symbol:
            raise _Unreadable
        if symbol[0].isdigit() or symbol[0] == ".":
            exact = Fraction(symbol.replace(",", ""))
            return Expression((float(exact),) * POINTS, exact)
        if symbol == "√":
            value = self._atom()
            roots = tuple(math.sqrt(v) if v >= 0 else math.nan for v in value.values)
            return Expression(roots, Fraction(1), (f"√({value.form})",), atoms=value.atoms)
        if symbol == "(":
            return self._grouped()
        if symbol.isalpha():
            values = (math.pi,) * POINTS if symbol == "π" else tuple(_sample(symbol, n) for n in range(POINTS))
            return Expression(values, Fraction(1), (symbol,))
        raise _Unreadable

    def _grouped(self) -> Expression:
        values = [self._sum()]
        while self._peek() == ",":
            self._take()
            values.append(self._sum())
        if self._take() != ")":
            raise _Unreadable
        if len(values) == 1:
            return values[0]
        nothing = (math.nan,) * POINTS
        return Expression(
            nothing,
            Fraction(1),
            (f"({','.join(v.form for v in values)})",),
            atoms=sum(v.atoms for v in values),
            coordinates=tuple(values),
        )


def _sample(letter: str, n: int) -> float:
    """A value for a letter: fixed, positive, and different for each letter and test point."""
    return 0.6 + (ord(letter) * 0.754877666 * (n + 1) + n * 0.569840291) % 1.7


def _replace_source(value: Expression, source: str) -> Expression:
    return Expression(
        value.values, value.coefficient, value.factors, value.terms, value.atoms, value.coordinates, source
    )


def _factors(value: Expression) -> tuple[str, ...]:
    return (f"({value.form})",) if value.terms else value.factors


def _scaled(value: Expression, by: Fraction) -> Expression:
    scaled = tuple(v * float(by) for v in value.values)
    return Expression(scaled, value.coefficient * by, _factors(value), atoms=value.atoms)


def _total(terms: Sequence[Expression]) -> Expression:
    values = tuple(map(sum, zip(*(term.values for term in terms), strict=True)))
    forms = [form for term in terms for form in (term.terms or (term.form,))]
    return Expression(values, Fraction(1), (), tuple(sorted(forms)), sum(term.atoms for term in terms))


def _times(a: Expression, b: Expression) -> Expression:
    values = tuple(x * y for x, y in zip(a.values, b.values, strict=True))
    factors = tuple(sorted(_factors(a) + _factors(b)))
    return Expression(values, a.coefficient * b.coefficient, factors, atoms=a.atoms + b.atoms)


def _over(a: Expression, b: Expression) -> Expression:
    values = tuple(x / y for x, y in zip(a.values, b.values, strict=True))
    factors = tuple(sorted(_factors(a) + tuple(f"1/{factor}" for factor in _factors(b))))
    return Expression(values, a.coefficient / b.coefficient, factors, atoms=a.atoms + b.atoms)


def _to_the(base: Expression, exponent: Expression) -> Expression:
    values = tuple(_power(x, y) for x, y in zip(base.values, exponent.values, strict=True))
    atoms = base.atoms + exponent.atoms
    n = exponent.coefficient
    if base.is_number and exponent.is_number and n.denominator == 1 and 0 <= n <= 12:
        return Expression(values, base.coefficient ** int(n), atoms=atoms)
    return Expression(values, Fraction(1), (f"({base.form})^({exponent.form})",), atoms=atoms)


def _power(base: float, exponent: float) -> float:
    try:
        return math.pow(base, exponent)
    except (ValueError, OverflowError):
        return math.nan


def _close(a: float, b: float) -> bool:
    return math.isfinite(a) and math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


def _ratio(a: Iterable[float], b: Iterable[float]) -> float | None:
    """The one factor between two series, not zero; None when there is none."""
    ratios = [x / y if y else math.nan for x, y in zip(a, b, strict=True)]
    first = ratios[0]
    return first if first and all(_close(ratio, first) for ratio in ratios) else None
