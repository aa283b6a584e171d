"""How a text gives the answer of a question away: by its letter, its words, or an equal value however it is written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction

from bonsai_core.domain import Question, Section, number_of
from bonsai_recs.authoring.making import gives_away, value_of

_NUMBERS = re.compile(r"(?<![\w.])[-+\N{MINUS SIGN}]?(?:\d+(?:,\d{3})+|\d+)?\.?\d+(?:/\d+)?(?![\w/])")
#: Also the 10 of `−10x`: a student reads it, as 10 or as −10.
_COEFFICIENTS = re.compile(r"(?<![\w.,])[-+\N{MINUS SIGN}]?(\d[\d,]*(?:\.\d+)?)(?=[A-Za-z√π(])")
_LETTER = re.compile(
    r"\b(?i:choice|option|answer|letter|pick|choose|select)\b:?\s+(?i:is\s+|the\s+)?\(?[A-D]\b(?!['’])"
    r"|(?<![\w(])\([A-D]\)(?!\w)|(?<!angle )\b[A-D] is (?:the )?(?:right|correct)\b(?! angle)"
)
_ONES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPELLED = re.compile(rf"\b(?:(?P<tens>{'|'.join(_TENS)})-)?(?P<one>{'|'.join((*_ONES, *_TENS))})\b", re.IGNORECASE)
#: Smaller numbers are part of plain speech: "one side", "two factors".
_LEAST_SPELLED = 4


def right_and_wrong(item: Question) -> tuple[list[str], list[str]]:
    """The texts of right answers and of wrong choices."""
    if not item.choices:
        return list(item.answers), []
    right = [choice.text for choice in item.choices if choice.key == item.answers[0]]
    return right, [choice.text for choice in item.choices if choice.key != item.answers[0]]


def leaks(item: Question, text: str) -> str | None:
    """How a text gives the answer away; None when it does not.

    A number that the student reads in the question anyway gives nothing away. Letters of choices never belong into a
    hint, since a front end may put the choices into another order.
    """
    if item.choices and _LETTER.search(text):
        return "its letter"
    given = f"{item.stem} {item.passage or ''}"
    for answer in right_and_wrong(item)[0]:
        if how := _shown(answer, text, given, numbers=item.section is Section.MATH):
            return how
    return None


def shows(item: Question, text: str) -> bool:
    """Whether a text has the answer, as a worked solution shall."""
    math = item.section is Section.MATH
    return any(_shown(answer, text, "", numbers=math) for answer in right_and_wrong(item)[0])


def _shown(answer: str, text: str, given: str, *, numbers: bool) -> str | None:
    number = number_of(answer)
    if (
        numbers
        and number is not None
        and number in set(_values(text)) - set(_values(given)) - set(_coefficients(given))
    ):
        return "its value"
    if numbers and value_of(answer) is not None:
        return "its value" if gives_away(text, answer, known=given) else None
    if _contains(text, answer) and not _contains(given, answer):
        return "its words"
    formula, squeezed = _squeezed(answer), _squeezed(text)
    if "=" in formula and formula in squeezed and formula not in _squeezed(given):
        return "its words"
    return None


def _values(text: str) -> Iterator[Fraction]:
    for match in _NUMBERS.findall(text):
        value = number_of(match)
        if value is not None:
            yield value
    for word in _SPELLED.finditer(text):
        one = word["one"].casefold()
        value = Fraction(_ONES.index(one) if one in _ONES else 10 * _TENS.index(one) + 20)
        value += 10 * _TENS.index(word["tens"].casefold()) + 20 if word["tens"] else 0
        if value >= _LEAST_SPELLED:
            yield value


def _coefficients(text: str) -> Iterator[Fraction]:
    for match in _COEFFICIENTS.findall(text):
        value = number_of(match)
        if value is not None:
            yield from (value, -value)


def _contains(text: str, answer: str) -> bool:
    plain = " ".join(text.casefold().split())
    wanted = " ".join(answer.casefold().split()).rstrip(".,")
    return re.search(rf"(?<!\w){re.escape(wanted)}(?!\w)", plain) is not None


def _squeezed(text: str) -> str:
    return "".join(text.split()).casefold().replace("\N{MINUS SIGN}", "-")
