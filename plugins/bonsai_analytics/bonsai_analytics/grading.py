"""Is an answer right? The letter of a choice in any case, a number by its value, else the text."""

from __future__ import annotations

import re
from fractions import Fraction

from bonsai_core.domain import Question

# Bounded, and without exponents: a number of a million digits would keep the server busy.
_NUMBER = re.compile(r"(-?)(\d{0,15}(?:\.\d{0,15})?)(?:/(\d{1,15}(?:\.\d{0,15})?))?")
_AROUND_A_LETTER = " \t()[].:"


def is_right(question: Question, answer: str) -> bool:
    """Whether `answer` is one that the question accepts.

    Args:
        question: with choices, its answer is a choice's letter; without, accepted answers separated by ` or `.
        answer: what the student chose or typed.
    """
    if question.choices:
        return _letter(answer) == _letter(question.answer)
    given = _value(answer)
    return any(given == _value(accepted) for accepted in question.answer.split(" or "))


def _letter(text: str) -> str:
    return text.strip(_AROUND_A_LETTER).casefold()


def _value(text: str) -> Fraction | str:
    """The number that a text stands for (`.5`, `0.50` and `1/2` are one), else the text without its oddities."""
    plain = " ".join(text.replace("−", "-").replace(",", "").split())
    match = _NUMBER.fullmatch(plain)
    if match is None or match[2] in ("", "."):
        return plain.casefold()
    below = Fraction(match[3]) if match[3] else Fraction(1)
    if not below:
        return plain.casefold()
    value = Fraction(match[2]) / below
    return -value if match[1] else value
