"""Mathematics as students read it (`−3x² + 5`, `$1,200`), and `question`, which refuses drafts that leak the answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from bonsai_core.domain import number_of
from bonsai_recs.authoring.kit import Draft, Proof, Unusable, Wrong

Number = int | Fraction

NAMES = (
    *("Amina", "Mateo", "Priya", "Kenji", "Leilani", "Tomasz", "Zuri", "Ananya", "Diego", "Mei", "Omar", "Ingrid"),
    *("Kwame", "Sofia", "Thanh", "Yusuf", "Elena", "Malia", "Rohan", "Nadia", "Jamal", "Aiyana", "Lucia", "Hana"),
)
_SECONDS = {1: 50.0, 2: 60.0, 3: 75.0, 4: 85.0, 5: 100.0, 6: 115.0, 7: 130.0}
_DIGITS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_NUMBERS = re.compile(r"−?\d{1,3}(?:,\d{3})+(?:\.\d+)?|−?\d+(?:\.\d+)?(?:/\d+)?|−?\.\d+")
_ALONE = re.compile(r"(?<![\w.])[−-]?\d[\d,]*(?:\.\d+)?(?:/\d+)?(?![\w/])")


def num(value: Number) -> str:
    """A number with a real minus sign, commas from 1,000 on, and a fraction as `a/b`."""
    exact = Fraction(value)
    sign = "−" if exact < 0 else ""
    top = f"{abs(exact.numerator):,}"
    return f"{sign}{top}" if exact.denominator == 1 else f"{sign}{abs(exact.numerator)}/{exact.denominator}"


def dec(value: Number) -> str:
    """A number whose decimals end, as a decimal: `1.04`."""
    exact = Fraction(value)
    text = format((Decimal(exact.numerator) / Decimal(exact.denominator)).normalize(), ",f")
    return text.replace("-", "−")


def typed(value: Number) -> str:
    """A value as it is typed into the answer field, with an ASCII minus sign and without commas."""
    return str(Fraction(value))


def money(value: Number) -> str:
    """An amount in dollars: `$12`, `$3.50`."""
    exact = Fraction(value)
    return f"${exact.numerator:,}" if exact.denominator == 1 else f"${float(exact):,.2f}"


def plural(count: Number, noun: str, nouns: str = "") -> str:
    """`1 hour`, `2 hours`, `3 boxes`."""
    return f"{num(count)} {noun if count == 1 else nouns or noun + 's'}"


def power(exponent: int) -> str:
    """An exponent in superscript digits, empty for 1."""
    return "" if exponent == 1 else str(exponent).translate(_DIGITS)


def poly(*terms: tuple[Number, str]) -> str:
    """A sum of terms, each a coefficient and its letters: `poly((3, "x²"), (-1, "x"), (0, ""))` is `3x² − x`."""
    text = ""
    for coefficient, letters in terms:
        exact = Fraction(coefficient)
        if not exact:
            continue
        size = num(abs(exact))
        if letters:
            size = "" if abs(exact) == 1 else f"({size})" if exact.denominator != 1 else size
        sign = ("−" if exact < 0 else "") if not text else (" − " if exact < 0 else " + ")
        text += f"{sign}{size}{letters}"
    return text or "0"


def lin(slope: Number, constant: Number, letter: str = "x") -> str:
    """`slope·letter + constant`."""
    return poly((slope, letter), (constant, ""))


def quad(a: Number, b: Number, c: Number, letter: str = "x") -> str:
    """`a·letter² + b·letter + c`."""
    return poly((a, f"{letter}²"), (b, letter), (c, ""))


def pair(x: Number, y: Number) -> str:
    """A point: `(3, −1)`."""
    return f"({num(x)}, {num(y)})"


def by(value: Number) -> str:
    """A factor to be written after a multiplication sign: in parentheses when it is negative."""
    return f"({num(value)})" if value < 0 else num(value)


def add(value: Number) -> str:
    """How a number is added to both sides: `add 3 to` or `subtract 3 from`."""
    return f"add {num(value)} to" if value > 0 else f"subtract {num(-value)} from"


def nonzero(low: int, high: int) -> list[int]:
    """The whole numbers from low to high, without 0."""
    return [value for value in range(low, high + 1) if value]


def plain(text: str) -> str:
    """A text without spaces and case, for comparing."""
    return "".join(text.split()).casefold().replace("-", "−")


def numbers_in(text: str) -> set[Fraction]:
    """The numbers that a text shows, with and without their sign, fractions also by their parts."""
    found: set[Fraction] = set()
    for token in _NUMBERS.findall(text.replace("-", "−")):
        for part in {token, *token.split("/")}:
            value = number_of(part)
            if value is not None:
                found |= {value, abs(value)}
    return found


def numbers_alone(text: str) -> set[Fraction]:
    """The numbers that stand in a text by themselves, with their sign: coefficients such as the 4 of `4x` do not."""
    values = (number_of(found) for found in _ALONE.findall(text))
    return {value for value in values if value is not None}


def value_of_choice(text: str) -> Fraction | str:
    """What makes two choices the same: the value of a number, else the text."""
    value = number_of(text)
    return plain(text) if value is None else value


def gives_away(text: str, answer: str, stem: str = "") -> bool:
    """Whether a text shows the answer, as text or as an equal number, which the stem does not show anyway."""
    value = number_of(answer)
    if value is not None:
        return bool({value, abs(value)} & (numbers_in(text) - numbers_alone(stem)))
    return plain(answer) in plain(text) and plain(answer) not in plain(stem)


def question(
    *,
    stem: str,
    answer: str,
    rationale: str,
    band: int,
    hints: tuple[str, str, str, str],
    strategy: str,
    proof: Proof,
    wrong: Sequence[tuple[str, str]] = (),
    also: Sequence[str] = (),
    discrimination: float = 1.0,
    seconds: float | None = None,
) -> Draft:
    """A draft whose choices differ in value, and whose hints and misconceptions keep the answer to themselves.

    Args:
        wrong: candidates for the wrong choices, text and misconception, best first; those that fit are used. None for a
            typed answer.
        seconds: the expected time; by default that of the band.

    Raises:
        Unusable: the numbers that were drawn allow no such draft.
    """
    chosen: list[Wrong] = []
    seen: set[Fraction | str] = {value_of_choice(answer)}
    for text, misconception in wrong:
        key = value_of_choice(text)
        if key in seen or gives_away(misconception, answer):
            continue
        value = number_of(text)
        if value is not None and value.denominator > 40 and "." not in text:
            continue
        seen.add(key)
        chosen.append(Wrong(text, misconception))
    if wrong and len(chosen) < 3:
        raise Unusable("the misconceptions lead to the same choices")
    if not wrong and any(len(text) > (6 if text.startswith("-") else 5) for text in (answer, *also)):
        raise Unusable("the answer does not fit into the field")
    if any(gives_away(hint, text, stem) for hint in hints[:3] for text in (answer, *also)):
        raise Unusable("a hint gives the answer away")
    return Draft(
        stem=stem,
        answer=answer,
        wrong=chosen,
        rationale=rationale,
        band=band,
        hints=hints,
        strategy=strategy,
        proof=proof,
        also=also,
        expected_seconds=_SECONDS[band] if seconds is None else seconds,
        discrimination=discrimination,
    )
