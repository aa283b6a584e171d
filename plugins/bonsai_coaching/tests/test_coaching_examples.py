"""The worked examples of the strategies are right: every sum is checked, every math example is done again."""

from __future__ import annotations

import ast
import math
import operator
import re
import statistics
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any, NamedTuple

import pytest
from bonsai_coaching import texts

from bonsai_core.domain import DOMAIN_OF_SKILL, SKILLS, Section

OPERATORS: dict[type[ast.AST], Any] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}


def value(expression: str) -> Fraction:
    """The exact value of a sum as a student would write it: `1,800 ÷ 7.5`, `8² + 15²`, `12 + 9 + 4`."""
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", expression)
    for sign, python in {"−": "-", "·": "*", "÷": "/", "²": "**2", "³": "**3"}.items():
        plain = plain.replace(sign, python)

    def walk(node: ast.AST) -> Fraction:
        match node:
            case ast.Constant(value=int() | float()):
                return Fraction(str(node.value))
            case ast.UnaryOp(op=ast.USub()):
                return -walk(node.operand)
            case ast.BinOp():
                result = OPERATORS[type(node.op)](walk(node.left), walk(node.right))
                assert isinstance(result, Fraction)
                return result
        raise AssertionError(f"not a sum: {expression}")

    return walk(ast.parse(plain.strip(), mode="eval").body)


_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_TERM = rf"(?:\(−{_NUMBER}\)|−?{_NUMBER}[²³]?)"
_SUM = rf"{_TERM}(?: ?[+−·÷/] ?{_TERM})*"


def equalities(text: str) -> Iterator[tuple[str, str, str]]:
    """Each `sum = sum` or `sum ≈ sum` of numbers alone, as left side, sign, right side."""
    parts = re.split(r" ([=≈]) ", text)
    for left, sign, right in zip(parts[0::2], parts[1::2], parts[2::2], strict=False):
        before = re.search(rf"(?:^|(?<![+−·÷/]) )({_SUM})$", left)
        after = re.match(rf"({_SUM})(?=$|[.,;)]|(?! [+−·÷/]) )", right)
        if before and after:
            yield before[1], sign, after[1]


def test_the_arithmetic_of_every_strategy_is_right() -> None:
    checked = 0
    for topic in texts.TOPICS:
        strategy = texts.strategy(topic)
        for text in (strategy.when, *strategy.steps, strategy.trap, strategy.example):
            if "means no solution" in text:
                continue
            for left, sign, right in equalities(text):
                gap = abs(value(left) - value(right))
                assert gap <= (Fraction(1, 2) if sign == "≈" else 0), (topic, text, left, right)
                checked += 1
    assert checked >= 40


def test_the_check_of_arithmetic_finds_a_slip() -> None:
    assert list(equalities("So 5 · 7 − 2 · 9 = 18. Then 3x = 27, x = 9, 60/105 = 4/7.")) == [
        ("5 · 7 − 2 · 9", "=", "18"),
        ("60/105", "=", "4/7"),
    ]
    assert value("5 · 7 − 2 · 9") == 17
    assert value("−20 ÷ (−10)") == value("1,800 ÷ 900") == value("2²") - 2 == 2


class Solution(NamedTuple):
    """An example done again: what the text gives, whether its result follows from that, and how the text states it."""

    given: tuple[str, ...]
    holds: bool
    stated: str


@cache
def solved() -> dict[str, Solution]:
    x = next(x for x in range(-99, 99) if 5 * (x - 2) - 2 * x == 17)
    minutes = next(t for t in range(99) if 80 - 6 * t == 32)
    intercept = 1 - Fraction(1, 2) * 4
    cakes = next(c for c in range(27) if 3 * (26 - c) + 5 * c == 98)
    boxes = max(b for b in range(99) if 180 + 35 * b <= 900)
    highest = max(-5 * t * t + 20 * t + 1 for t in (Fraction(n, 100) for n in range(500)))
    roots = [n for n in range(5, 99) if math.isclose(math.sqrt(n + 7), n - 5)]
    constant = next(a for a in range(-99, 99) if all((2 * n + a) * (n - 4) == 2 * n * n - 3 * n - 20 for n in range(5)))
    sixth = next(s for s in range(200) if statistics.mean([82] * 5 + [s]) == 84)
    low, high = ((Fraction(48, 150) + sign * Fraction(7, 100)) * 6000 for sign in (-1, 1))
    on_circle = [(3 + 5, -2), (3 - 5, -2), (3, -2 + 5), (3, -2 - 5), (3 + 3, -2 + 4)]
    return {
        "Linear equations in one variable": Solution(
            ("If 5(x − 2) − 2x = 17, what is x + 4?",), x + 4 == 13, "so the answer is 13."
        ),
        "Linear functions": Solution(
            ("holds 80 liters and loses 6 liters each minute", "hold 32 liters?"),
            minutes == 8,
            "The answer is 8 minutes.",
        ),
        "Linear equations in two variables": Solution(
            ("(4, 1)", "perpendicular to 2x + y = 9."), intercept == -1, "The y-intercept is (0, −1)."
        ),
        "Systems of two linear equations in two variables": Solution(
            ("tea for $3 and cake for $5", "26 sales and takes in $98"), cakes == 10, "The answer is 10."
        ),
        "Linear inequalities in one or two variables": Solution(
            ("at most 900 pounds", "weighs 180 pounds", "each box weighs 35."), boxes == 20, "The answer is 20."
        ),
        "Nonlinear functions": Solution(("h(t) = −5t² + 20t + 1 ",), highest == 21, "The answer is 21 meters."),
        "Nonlinear equations in one variable and systems of equations in two variables": Solution(
            ("Solve √(x + 7) = x − 5.",), roots == [9], "The answer is 9."
        ),
        "Equivalent expressions": Solution(
            ("(2x + a)(x − 4) = 2x² − 3x − 20 for all x.",), constant == 5, "The answer is 5."
        ),
        "Ratios, rates, proportional relationships, and units": Solution(
            ("45 gallons in 6 minutes.", "How many hours", "1,800 gallons?"),
            1800 / Fraction(45, 6) / 60 == 4,
            "The answer is 4 hours.",
        ),
        "Percentages": Solution(
            ("down by 25%.", "8% tax", "$97.20."),
            Fraction("97.20") / ((1 - Fraction("0.25")) * (1 + Fraction("0.08"))) == 120,
            "The answer is $120.",
        ),
        "One-variable data: Distributions and measures of center and spread": Solution(
            ("Five quizzes have a mean of 82.", "After a sixth quiz the mean is 84."), sixth == 94, "The answer is 94."
        ),
        "Two-variable data: Models and scatterplots": Solution(
            ("y = 2.4x + 15.", "10 hours and is 36 cm tall."),
            36 - (Fraction("2.4") * 10 + 15) == -3,
            "The plant is 3 cm below the line.",
        ),
        "Probability and conditional probability": Solution(
            ("45 of the adults and 60 of the teens.", "person with a pass", "that it is a teen?"),
            Fraction(60, 45 + 60) == Fraction(4, 7),
            "The answer is 4/7.",
        ),
        "Inference from sample statistics and margin of error": Solution(
            ("Of 150 homes", "6,000 homes, 48 have", "margin of error is 7%"),
            low == 1500 and high == 2340,
            "So 1,500 to 2,340 homes are plausible.",
        ),
        "Area and volume": Solution(
            ("diameter of 6 cm", "volume of 72π"), Fraction(72) / (Fraction(6) / 2) ** 2 == 8, "The answer is 8 cm."
        ),
        "Lines, angles, and triangles": Solution(
            ("AD = 6, DB = 3, and DE = 8.",), Fraction(8 * (6 + 3), 6) == 12, "The answer is 12."
        ),
        "Right triangles and trigonometry": Solution(
            ("right angle is at Q. PQ = 8 and QR = 15. What is sin P?",),
            Fraction(15, math.isqrt(8**2 + 15**2)) == Fraction(15, 17),
            "The answer is 15/17.",
        ),
        "Circles": Solution(
            ("x² + y² − 6x + 4y = 12?",),
            all(a * a + b * b - 6 * a + 4 * b == 12 for a, b in on_circle),
            "The center is (3, −2), and the radius is 5.",
        ),
        "pacing": Solution(
            ("done 10 of 22 questions, and 17 minutes are left.", "35 · 60 ÷ 22 ≈ 95"),
            17 * 60 // (22 - 10) == 85 and round(35 * 60 / 22) == 95,
            "85 seconds each",
        ),
        "guessing": Solution(
            ("4 blanks", "two choices in two of them"),
            2 * Fraction(1, 2) + 2 * Fraction(1, 4) == Fraction("1.5"),
            "2 · 1/2 + 2 · 1/4 = 1.5",
        ),
        "test day": Solution(
            (
                "close at 8:00.",
                "takes 25 minutes. Add 15 for traffic and 10 to find",
                "50 minutes to eat",
                "set for 6:20",
            ),
            7 * 60 + 10 + 25 + 15 + 10 == 8 * 60 and 6 * 60 + 20 + 50 == 7 * 60 + 10,
            "leave at 7:10",
        ),
    }


#: No sum decides it.
REASONED = "Evaluating statistical claims: Observational studies and experiments"


@pytest.mark.parametrize("topic", [topic for topic in texts.TOPICS if topic in solved()])
def test_the_worked_example_ends_in_the_right_answer(topic: str) -> None:
    example, solution = texts.strategy(topic).example, solved()[topic]
    assert solution.holds
    assert [part for part in (*solution.given, solution.stated) if part not in example] == []


def test_every_math_example_is_done_again() -> None:
    math_skills = {skill for skill in SKILLS if DOMAIN_OF_SKILL[skill].section == Section.MATH}
    assert math_skills - solved().keys() == {REASONED}


def test_every_reading_and_writing_example_has_a_text_of_its_own_and_names_the_right_choice() -> None:
    for skill in SKILLS:
        if DOMAIN_OF_SKILL[skill].section == Section.READING_AND_WRITING:
            assert re.match(r"(Text|Text 1|Claim|Goal): ", texts.strategy(skill).example), skill
            assert "Right: " in texts.strategy(skill).example, skill
