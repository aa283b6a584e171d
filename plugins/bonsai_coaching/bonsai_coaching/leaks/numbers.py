"""Finds the numbers of a text, as digits and in words, with their exact values.

`0.5`, `1/2`, `50%`, `½` and `one half` are one value; `1,200` and `1.2 thousand` another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from bonsai_coaching.leaks.plain import any_of

#: Longer numbers are none that anybody answers with.
MAX_DIGITS = 30

_UNITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen")
_TENS = {
    word: 10 * n
    for n, word in enumerate(("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"), start=2)
}
_ORDINALS = ("third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth", "eleventh", "twelfth")
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "billion": 1_000_000_000}
_PARTS = {"half": 2, "halves": 2, "quarter": 4, "quarters": 4, "hundredth": 100, "hundredths": 100}
_PARTS |= {form: n for n, word in enumerate(_ORDINALS, start=3) for form in (word, word + "s")}
_SMALL = {word: n for n, word in enumerate((*_UNITS, *_TEENS))} | _TENS

_LOW = any_of(f"{any_of(*_TENS)}(?:[- ]{any_of(*_UNITS[1:])})?", *_TEENS, *_UNITS)
_MID = rf"(?:(?:{_LOW}|a)[ -]hundred(?:,? (?:and )?{_LOW})?|{_LOW})"
_WHOLE = rf"(?:(?:{_MID}|a)[ -]thousand(?:,? (?:and )?{_MID})?|{_MID})"
_PART = any_of(*sorted(_PARTS, key=len, reverse=True))
_PERCENT = r"(?P<percent>[ -]?(?:%|percent\b|per cent\b))?"
_SPELLED = re.compile(
    rf"(?P<sign>negative |minus )?(?:(?P<whole>{_WHOLE}) and )??"
    rf"(?:(?P<top>{_WHOLE})[- ](?P<part>{_PART})|(?P<bare>(?:(?:a|an) )?(?:half|third|quarter))"
    rf"|(?P<number>{_WHOLE})(?: point (?P<decimals>{any_of(*_UNITS)}(?: {any_of(*_UNITS)})*))?"
    rf"(?: over (?P<over>{_WHOLE}))?)\b{_PERCENT}",
    re.IGNORECASE,
)

_WORD = re.compile(r"[A-Za-z]+")
_FIRST_WORDS = frozenset((*_SMALL, "negative", "minus", "a", "an", "half", "third", "quarter"))

_PLAIN = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_DIGITS = re.compile(
    rf"(?<![\w.^√/])(?<!\^\()(?P<sign>[-+]?)\(?(?:(?P<mixed>\d+)(?: | and )(?=\d+/\d))?(?P<top>{_PLAIN})\)?"
    rf"(?: ?/ ?\(?(?P<over>{_PLAIN})(?![\w.]*[a-z^√])\)?|(?: over| out of) (?P<over_words>\d+))?"
    rf"(?:[ -](?P<scale>{any_of(*_SCALES)}))?{_PERCENT}(?!\.?\d|[A-Za-zπ√^]|,\d{{3}}| ?/ ?[\w(√])"
)
_NEGATED = re.compile(r"\b(?:negative|minus) ?$", re.IGNORECASE)
_ANY_DIGITS = re.compile(_PLAIN)


@dataclass(frozen=True, slots=True)
class Mention:
    """A number in a text.

    Attributes:
        value: as it is written; of a percentage without the percent sign.
        percent: whether it is a percentage, and so also means a hundredth of the value.
        start, end: its place in the text.
        decimals: digits after the point; 0 when there are none.
        spelled: whether it is written in words.
    """

    value: Fraction
    percent: bool
    start: int
    end: int
    decimals: int = 0
    spelled: bool = False

    @property
    def values(self) -> tuple[Fraction, ...]:
        """All values that it may mean."""
        return (self.value, self.value / 100) if self.percent else (self.value,)

    def means(self, exact: Fraction) -> bool:
        """Whether it is this value, or this value cut or rounded to the decimals it has, which are two at least."""
        if exact in self.values:
            return True
        if self.decimals < 2:
            return False
        scale = 10**self.decimals
        if (exact * scale).denominator == 1:
            return False
        size = abs(exact * scale)
        near = {math.floor(size), math.floor(size + Fraction(1, 2))}
        return any(abs(value * scale) in near and value * exact > 0 for value in (self.value, *self.values[1:]))


def numbers_in(text: str) -> list[Mention]:
    """Every number that stands by itself in a plain text, by its place. A letter's coefficient does not: `3x`."""
    return sorted([*_in_digits(text), *_in_words(text)], key=lambda mention: mention.start)


def digits_in(text: str) -> set[Fraction]:
    """The value of every run of digits in a plain text, coefficients and exponents too, without signs."""
    return {_exact(found[0]) for found in _ANY_DIGITS.finditer(text) if len(found[0]) <= MAX_DIGITS}


def _exact(text: str) -> Fraction:
    return Fraction(text.replace(",", ""))


def _in_digits(text: str) -> Iterator[Mention]:
    for found in _DIGITS.finditer(text):
        if len(found[0]) > MAX_DIGITS:
            continue
        top, over = found["top"], found["over"] or found["over_words"]
        value = _exact(top)
        if over is not None:
            if not (bottom := _exact(over)):
                continue
            value /= bottom
        if found["mixed"]:
            value += int(found["mixed"])
        if found["scale"]:
            value *= _SCALES[found["scale"]]
        start = found.start()
        # `7-3` is a difference; `-3` after a space, a bracket or another sign is a negative number.
        before = text[max(start - 12, 0) : start]
        if (found["sign"] == "-" and not re.search(r"[\w)]$", before)) or _NEGATED.search(before):
            value = -value
        decimals = len(top.partition(".")[2]) if over is None else 0
        yield Mention(value, found["percent"] is not None, start, found.end(), decimals)


def _in_words(text: str) -> Iterator[Mention]:
    end = 0
    for word in _WORD.finditer(text):
        if word[0].lower() not in _FIRST_WORDS or word.start() < end:
            continue
        if (found := _SPELLED.match(text, word.start())) is None:
            continue
        end = found.end()
        if found["bare"]:
            value = Fraction(1, _PARTS[found["bare"].lower().split()[-1]])
        elif found["part"]:
            value = Fraction(_whole(found["top"]), _PARTS[found["part"].lower()])
        else:
            value = Fraction(_whole(found["number"]))
            if found["decimals"]:
                digits = "".join(str(_SMALL[word]) for word in found["decimals"].lower().split())
                value += Fraction(int(digits), 10 ** len(digits))
            if found["over"]:
                if not (bottom := _whole(found["over"])):
                    continue
                value /= bottom
        if found["whole"]:
            value += _whole(found["whole"])
        if found["sign"]:
            value = -value
        yield Mention(value, found["percent"] is not None, found.start(), found.end(), spelled=True)


def _whole(words: str) -> int:
    total = group = 0
    for word in re.split(r"[-\s,]+", words.lower()):
        if word in _SMALL:
            group += _SMALL[word]
        elif word == "a":
            group = 1
        elif word == "hundred":
            group *= 100
        elif word == "thousand":
            total, group = total + group * 1000, 0
    return total + group
