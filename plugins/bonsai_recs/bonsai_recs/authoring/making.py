"""What the data and geometry templates share: writing numbers and tables, reading values, refusing weak drafts.

`draft` builds a Draft and raises Unusable when the drawn numbers make no good question: two choices with one value, a
hint that gives the answer away, or a typed answer that does not fit the field.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from fractions import Fraction

from bonsai_recs.authoring import kit
from bonsai_recs.authoring.kit import Draft, Proof, Unusable, Wrong

Number = int | Fraction
Value = Mapping[tuple[int, int], Fraction]
"""A sum of terms q·√n·π^k as {(n, k): q}, so that 5√3/2 is {(3, 0): 5/2}; n has no square factor."""

NAMES = tuple(
    re.findall(
        r"\S+",
        "Amara Bilal Chloe Diego Elena Farid Grace Hana Ivan Jamal Kavya Leila Mateo Nadia Omar Priya Quinn Rosa "
        "Samir Tomás Uma Viktor Wen Yara Zuri Aiko Beatriz Kofi Linh Malik Noor Sione",
    )
)

_TERM = r"(?:\$)?(?P<whole>\d[\d,]*(?:\.\d+)?|\.\d+)?(?P<root>√\d+)?(?P<pi>π)?(?:/(?P<below>\d+))?"
_TOKEN = re.compile(r"(?<![\w.,])(?P<sign>[−-])?" + _TERM)
_UNIT = re.compile(r"(%|°|\s*percent|\s+[A-Za-z][\w ²³./-]*)$")


Make = Callable[[random.Random], Draft]


def template(skill: str, *, count: int, tries: int = 500) -> Callable[[Make], Make]:
    """Declare a template as `kit.template` does; one that draws again by itself, up to `tries` times."""

    def declare(make: Make) -> Make:
        @functools.wraps(make)
        def patient(rng: random.Random) -> Draft:
            for _ in range(tries - 1):
                try:
                    return make(rng)
                except Unusable:
                    continue
            return make(rng)

        return kit.template(skill, count=count)(patient)

    return declare


def num(value: Number) -> str:
    """A number as the test prints it: `1,250`, `−3`, `0.75`; a fraction `a/b` when its decimal does not end soon."""
    value = Fraction(value)
    if value.denominator == 1:
        return f"{value.numerator:,}".replace("-", "−")
    for places in range(1, 5):
        if (value * 10**places).denominator == 1:
            return f"{float(value):,.{places}f}".replace("-", "−")
    return f"{value.numerator}/{value.denominator}".replace("-", "−")


def frac(value: Number) -> str:
    """A number as a fraction in lowest terms, `a/b`, or a whole number."""
    value = Fraction(value)
    text = str(value.numerator) if value.denominator == 1 else f"{value.numerator}/{value.denominator}"
    return text.replace("-", "−")


def money(value: Number) -> str:
    """Dollars: `$1,250` or `$19.50`."""
    value = Fraction(value)
    if (value * 100).denominator != 1:
        raise Unusable("an amount with parts of a cent")
    return f"${value.numerator:,}" if value.denominator == 1 else f"${float(value):,.2f}"


def typed(value: Number) -> str:
    """A value as a student types it, in at most five characters (six with a minus sign).

    Raises:
        Unusable: it does not fit.
    """
    value = Fraction(value)
    plain = str(value.numerator) if value.denominator == 1 else num(value).replace("−", "-").replace(",", "")
    if value < 1 and "." in plain:
        plain = frac(value).replace("−", "-")
    if len(plain.removeprefix("-")) > 5:
        raise Unusable("the value does not fit the answer field")
    return plain


def about(value: Number, places: int = 1) -> Fraction:
    """The value rounded to some decimal places, for wrong choices."""
    return Fraction(round(Fraction(value) * 10**places), 10**places)


def times(coefficient: Number, symbol: str) -> str:
    """`coefficient` times a symbol such as π or √3: `π`, `24π`, `5√3/2`."""
    coefficient = Fraction(coefficient)
    top = "" if coefficient.numerator == 1 else "−" if coefficient.numerator == -1 else num(coefficient.numerator)
    return f"{top}{symbol}" + ("" if coefficient.denominator == 1 else f"/{coefficient.denominator}")


def root(square: int) -> str:
    """The square root of a whole number in lowest terms: `5`, `√7`, `2√3`."""
    outside, inside = 1, square
    for factor in range(int(square**0.5), 1, -1):
        if inside % (factor * factor) == 0:
            outside, inside = factor, inside // (factor * factor)
            break
    return str(outside) if inside == 1 else times(outside, f"√{inside}")


def plural(count: Number, noun: str, nouns: str | None = None) -> str:
    """`1 cup`, `3 cups`, `1/2 cup`."""
    return f"{num(count)} {noun if 0 < count <= 1 else nouns or noun + 's'}"


def listing(values: Iterable[Number]) -> str:
    """`3, 5, 8`."""
    return ", ".join(num(value) for value in values)


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table as text, one row a line, cells apart by ` | `."""
    widths = [max(len(row[column]) for row in (header, *rows)) for column in range(len(header))]
    lines = [" | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (header, *rows)]
    return "\n".join(line.rstrip() for line in lines)


def value_of(text: str) -> Value | None:
    """The exact value of a choice such as `$1,250`, `36 − 9π`, `5√3/2` or `12 square feet`; None when it is none."""
    text = text.strip()
    while (unit := _UNIT.search(text)) is not None:
        text = text[: unit.start()].strip()
    total: dict[tuple[int, int], Fraction] = {}
    for term in re.split(r" (?=[−+-] )", text):
        match = re.fullmatch(r"(?P<sign>[−+-])? ?" + _TERM, term)
        if match is None or not any(match[part] for part in ("whole", "root", "pi")):
            return None
        key, amount = _term(match)
        total[key] = total.get(key, Fraction()) + amount
    return {key: amount for key, amount in total.items() if amount} or {(1, 0): Fraction()}


def _value_or_text(text: str) -> Value | str:
    value = value_of(text)
    return text if value is None else value


def _term(match: re.Match[str]) -> tuple[tuple[int, int], Fraction]:
    amount = Fraction((match["whole"] or "1").replace(",", "")) / int(match["below"] or 1)
    inside = int(match["root"][1:]) if match["root"] else 1
    for factor in range(int(inside**0.5), 1, -1):
        if inside % (factor * factor) == 0:
            inside //= factor * factor
            amount *= factor
            break
    return (inside, 1 if match["pi"] else 0), -amount if match["sign"] in ("−", "-") else amount


def numbers_in(text: str) -> list[Value]:
    """The value of each number that is written in `text`, such as 12, 3/4, 5√3 and 24π."""
    found: list[Value] = []
    for match in _TOKEN.finditer(text):
        if any(match[part] for part in ("whole", "root", "pi")) and int(match["below"] or 1):
            key, amount = _term(match)
            found.append({key: amount})
    return found


def gives_away(text: str, answer: str, *, known: str = "") -> bool:
    """Whether `text` has the answer, as its words or as an equal number, other than a number of the text `known`."""
    value = value_of(answer)
    if value is None:
        return answer.casefold() in text.casefold()
    told = numbers_in(known)
    forms = [value]
    if answer.endswith("%"):
        forms.append({key: amount / 100 for key, amount in value.items()})
    if len(value) > 1:
        return answer in text
    return any(number in forms and number not in told for number in numbers_in(text))


def draft(
    *,
    stem: str,
    answer: str,
    why: str,
    band: int,
    hints: tuple[str, str, str, str],
    strategy: str,
    proof: Proof,
    wrong: Sequence[tuple[str, str]] = (),
    spare: Sequence[tuple[str, str]] = (),
    passage: str | None = None,
    figure: str | None = None,
    seconds: float | None = None,
    slope: float = 1.0,
) -> Draft:
    """A Draft from short names: `wrong` as (text, misconception), `why` the rationale, `slope` the IRT slope.

    Those of `spare` that differ from all others in value are further wrong choices.

    Raises:
        Unusable: choices are alike, or the answer shows where it must not or cannot be typed.
    """
    chosen: list[Wrong] = []
    taken: list[Value | str] = [_value_or_text(answer)]
    for pair in [*wrong, *spare]:
        value = _value_or_text(pair[0])
        if value in taken and pair in spare:
            continue
        if value in taken:
            raise Unusable("two choices are alike")
        if gives_away(pair[1], answer):
            raise Unusable(f"the remark on {pair[0]} gives the answer away")
        taken.append(value)
        chosen.append(Wrong(*pair))
    known = f"{stem}\n{passage or ''}"
    if any(gives_away(hint, answer, known=known) for hint in hints[:3]):
        raise Unusable("a hint gives the answer away")
    if not wrong and len(answer.lstrip("-")) > 5:
        raise Unusable("the answer does not fit its field")
    return Draft(
        stem=stem,
        answer=answer,
        wrong=chosen,
        rationale=why,
        band=band,
        hints=hints,
        strategy=strategy,
        passage=passage,
        figure=figure,
        expected_seconds=seconds,
        discrimination=slope,
        proof=proof,
    )
