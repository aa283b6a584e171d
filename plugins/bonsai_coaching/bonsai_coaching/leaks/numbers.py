"""Finds the numbers of a text, as digits and in words, with their exact values.

`0.5`, `1/2`, `50%`, `½` and `one half` are one value; `1,200` and `1.2 thousand` another.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise, takewhile

from bonsai_coaching.leaks.plain import any_of

#: Longer numbers are none that anybody answers with.
MAX_DIGITS = 30
#: And a number in words has no more of them.
LONGEST_PHRASE = 16

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
_BARE = ("half", "third", "quarter")
_FIRST_WORDS = frozenset((*_SMALL, *_BARE, "negative", "minus", "a", "an"))
_WORD = re.compile(r"[A-Za-z]+")
_PERCENT = re.compile(r"[ -]?(?:%|percent\b|per cent\b)", re.IGNORECASE)

_PLAIN = r"(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)"
_DIGITS = re.compile(
    rf"(?<![\w.^√/])(?<!\^\()(?P<sign>[-+]?)\(?(?:(?P<mixed>\d+)(?: | and )(?=\d+/\d))?(?P<top>{_PLAIN})\)?"
    rf"(?: ?/ ?\(?(?P<over>{_PLAIN})(?![\w.]*[a-z^√])\)?|(?: over| out of) (?P<over_words>\d+))?"
    rf"(?:[ -](?P<scale>{any_of(*_SCALES)}))?(?P<percent>{_PERCENT.pattern})?(?!\.?\d|[A-Za-zπ√^]|,\d{{3}}| ?/ ?[\w(√])"
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
    words = list(_WORD.finditer(text))
    at = 0
    while at < len(words):
        found = _read_words(_phrase(text, words, at)) if words[at][0].lower() in _FIRST_WORDS else None
        if found is None:
            at += 1
            continue
        value, count = found
        start, end = words[at].start(), words[at + count - 1].end()
        percent = _PERCENT.match(text, end)
        yield Mention(value, percent is not None, start, percent.end() if percent else end, spelled=True)
        at += count


def _phrase(text: str, words: Sequence[re.Match[str]], at: int) -> list[str]:
    """The words from there on, as far as single spaces and hyphens join them."""
    phrase = [words[at][0].lower()]
    for before, word in pairwise(words[at : at + LONGEST_PHRASE]):
        if text[before.end() : word.start()] not in (" ", "-"):
            break
        phrase.append(word[0].lower())
    return phrase


def _read_words(words: list[str]) -> tuple[Fraction, int] | None:
    """The number that begins there, and of how many words it is; None when none does.

    `minus one hundred and five`, `two and a half`, `three point five`, `two thirds`, `five over six`.
    """
    begin = 1 if words[0] in ("negative", "minus") else 0
    if (read := _read_fraction(words, begin)) is None:
        if (whole := _read_whole(words, begin)) is None:
            return None
        read = Fraction(whole[0]), whole[1]
        after = words[whole[1]] if whole[1] < len(words) else ""
        if after == "and" and (part := _read_fraction(words, whole[1] + 1)) is not None:
            read = read[0] + part[0], part[1]
        elif after == "over" and (bottom := _read_whole(words, whole[1] + 1)) is not None and bottom[0]:
            read = read[0] / bottom[0], bottom[1]
        elif after == "point":
            digits = "".join(str(_SMALL[w]) for w in takewhile(_UNITS.__contains__, words[whole[1] + 1 :]))
            if digits:
                read = read[0] + Fraction(int(digits), 10 ** len(digits)), whole[1] + 1 + len(digits)
    return (-read[0] if begin else read[0]), read[1]


def _read_fraction(words: list[str], at: int) -> tuple[Fraction, int] | None:
    bare = at + 1 if words[at : at + 1] in (["a"], ["an"]) else at
    if bare < len(words) and words[bare] in _BARE:
        return Fraction(1, _PARTS[words[bare]]), bare + 1
    top = _read_whole(words, at)
    if top is not None and top[1] < len(words) and words[top[1]] in _PARTS:
        return Fraction(top[0], _PARTS[words[top[1]]]), top[1] + 1
    return None


def _read_whole(words: list[str], begin: int) -> tuple[int, int] | None:
    total = group = 0
    small: int | None = None  # of the group's last two digits
    at = begin
    while at < len(words):
        word = words[at]
        after = words[at + 1] if at + 1 < len(words) else ""
        if word in _SMALL and (small is None or (small % 10 == 0 < small - 10 and 0 < _SMALL[word] < 10)):
            small = (small or 0) + _SMALL[word]
            group = group // 100 * 100 + small
        elif word == "a" and at == begin and after in _SCALES:
            group = small = 1
        elif word == "hundred" and 0 < group < 100:
            group, small = group * 100, None
        elif word == "thousand" and group and not total:
            total, group, small = group * 1000, 0, None
        elif not (word == "and" and at > begin and small is None and after in _SMALL):
            break
        at += 1
    return (total + group, at) if at > begin else None
