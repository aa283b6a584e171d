"""Mathematics as students write it, and the checkers that prove the answers of algebra."""

from __future__ import annotations

import pytest
import sympy as sp
from bonsai_recs.authoring.kit import Proof, ProofError
from bonsai_recs.authoring.mathread import relations, symbol, to_sympy
from bonsai_recs.authoring.mathtext import dec, lin, money, num, numbers_in, poly
from bonsai_recs.authoring.proofs_symbolic import CHECKERS

from bonsai_core.domain import number_of

x, y = symbol("x"), symbol("y")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3/4", sp.Rational(3, 4)),
        ("-2", sp.Integer(-2)),
        ("−2", sp.Integer(-2)),
        (".75", sp.Rational(3, 4)),
        ("1,200", sp.Integer(1200)),
        ("$3.50", sp.Rational(7, 2)),
        ("12%", sp.Rational(3, 25)),
        ("x²−4", x**2 - 4),
        ("−x²", -(x**2)),
        ("(3/4)x", sp.Rational(3, 4) * x),
        ("2x/3", 2 * x / 3),
        ("3(x + 1)(x − 2)", 3 * (x + 1) * (x - 2)),
        ("2 · 3²", sp.Integer(18)),
        ("x⁻²y¹⁰", y**10 / x**2),
        ("√(3x)", sp.sqrt(3 * x)),
        ("−3 + √7", -3 + sp.sqrt(7)),
        ("∛8", sp.Integer(2)),
        ("2^(x/12)", 2 ** (x / 12)),
        ("5(1.04)ˣ", 5 * sp.Rational(26, 25) ** x),
        ("|x − 3|", sp.Abs(x - 3)),
        ("2|x − 3| + |y|", 2 * sp.Abs(x - 3) + sp.Abs(y)),
        ("3/(x + 1)", 3 / (x + 1)),
        ("2π", 2 * sp.pi),
    ],
)
def test_students_notation_is_read(text: str, expected: sp.Expr) -> None:
    assert sp.simplify(to_sympy(text) - expected) == 0


def test_functions_are_applied() -> None:
    assert to_sympy("f(x + 1) − f(x)", {"f(x)": "3x + 5"}) == 3
    assert to_sympy("I(0, 2)", {"I(a, b)": "7a + 4b"}) == 8
    assert to_sympy("k(x + 1)") == symbol("k") * (x + 1)


def test_relations_may_be_chained_and_joined() -> None:
    assert [relation.sign for relation in relations("2 < x ≤ 5 and y = 1")] == ["<", "≤", "="]
    assert relations("y ≥ 2x")[0].holds({"x": sp.Integer(1), "y": sp.Integer(2)})
    assert not relations("y > 2x")[0].holds({"x": sp.Integer(1), "y": sp.Integer(2)})


@pytest.mark.parametrize("text", ["", "2 +", "(x", "x)", "three?", "3 & 4", "|x"])
def test_what_is_no_expression_is_refused(text: str) -> None:
    with pytest.raises(ProofError):
        to_sympy(text)


VALUE = Proof("value", {"expression": "2·3² − 5"})
SOLVE = Proof("solve", {"equations": ["3x + 2y = 12", "x − y = −1"], "ask": "(x, y)"})
COUNT = Proof("solve", {"equations": ["2(x + 3) = 2x + 6"], "unknowns": ["x"], "count": True})
PARAMETER = Proof("solve", {"equations": ["3x + 1 = kx + 4"], "unknowns": ["x"], "parameter": "k", "solutions": "none"})
LIMIT = Proof(
    "solve", {"equations": ["x² + 4x + c = 0"], "unknowns": ["x"], "parameter": "c", "solutions": "none", "limit": -1}
)
FOR_ALL = Proof("solve", {"equations": ["(2x + 3)² = ax² + bx + c"], "for_all": ["x"], "ask": "a + b + c"})
ROOTS = Proof("roots", {"equations": ["x² − x = 6"], "ask": "x"})
RADICAL = Proof("roots", {"equations": ["√(2x + 31) = x − 2"], "ask": "x"})
SUM = Proof("roots", {"equations": ["x² − 5x = 3"], "ask": "x", "combine": "sum"})
EQUIVALENT = Proof("equivalent", {"expression": "(x + 2)² − 9"})
SHOWS = Proof("equivalent", {"expression": "x² + 4x − 5", "shows": ["9"]})
INEQUALITY = Proof("equivalent", {"expression": "8 − 2x < 2"})
SATISFIES = Proof("satisfies", {"relations": ["y > 2x + 1", "x + y ≤ 9"]})
GREATEST = Proof("satisfies", {"relations": ["36 + 12n ≤ 286"], "variables": ["n"], "extreme": "greatest"})
POINTS = Proof("satisfies", {"points": [[0, 1], [2, 5]]})
REGION = Proof("satisfies", {"points": [[1, 1]], "rejects": [[5, 5]], "variables": ["a", "b"]})
MEANING = Proof(
    "meaning",
    {"functions": {"C(h)": "20 + 3h"}, "claims": {"per hour": "C(h + 1) − C(h) = 3", "at first": "C(0) = 3"}},
)


@pytest.mark.parametrize(
    ("proof", "right", "wrong"),
    [
        (VALUE, ["13"], ["31", "1", "−13"]),
        (SOLVE, ["(2, 3)"], ["(3, 2)", "(2, −3)", "(2, 4)"]),
        (COUNT, ["Infinitely many"], ["Zero", "Exactly one", "Exactly two"]),
        (PARAMETER, ["3"], []),
        (PARAMETER, ["3"], ["1", "−3", "4"]),
        (LIMIT, ["5"], []),
        (LIMIT, ["5"], ["4", "6"]),
        (FOR_ALL, ["25"], ["13"]),
        (ROOTS, ["3", "-2"], []),
        (ROOTS, ["3"], ["2", "−3", "6"]),
        (RADICAL, ["9"], ["−3", "−3 and 9", "There is no solution."]),
        (SUM, ["5"], ["−5", "3"]),
        (EQUIVALENT, ["x² + 4x − 5"], ["x² − 5", "x² + 4x + 13"]),
        (SHOWS, ["(x + 2)² − 9"], ["(x + 5)(x − 1)", "x² + 4x − 5", "(x + 2)² + 9"]),
        (INEQUALITY, ["x > 3"], ["x < 3", "x ≥ 3", "x > 13/4", "x > −3"]),
        (SATISFIES, ["(0, 2)"], ["(0, 1)", "(4, 10)", "(0, 2), (1, 3)"]),
        (GREATEST, ["20"], ["21", "19", "20.5"]),
        (POINTS, ["f(x) = 2x + 1"], ["f(x) = x + 1", "f(x) = 2x"]),
        (POINTS, ["y = 2x + 1"], ["y = −2x + 1"]),
        (REGION, ["2a + b ≤ 4"], ["2a + b ≥ 4", "2a + b ≤ 40"]),
        (MEANING, ["per hour"], ["at first"]),
    ],
)
def test_a_checker_accepts_the_truth_and_refuses_everything_else(
    proof: Proof, right: list[str], wrong: list[str]
) -> None:
    check = CHECKERS[proof.kind]
    check(proof, right, wrong)
    for text in wrong:
        with pytest.raises(ProofError):
            check(proof, [text], [])
        with pytest.raises(ProofError):
            check(proof, right, [*(other for other in wrong if other != text), right[0]])
    with pytest.raises(ProofError):
        check(proof, [], wrong)


@pytest.mark.parametrize(
    ("proof", "right"),
    [
        (ROOTS, ["3"]),
        (Proof("value", {"expression": "x + 1"}), ["2"]),
        (Proof("solve", {"equations": ["x + y = 3"], "ask": "x"}), ["1"]),
        (Proof("roots", {"equations": ["x² = −4"], "ask": "x"}), ["2"]),
        (
            Proof("solve", {"equations": ["x² + kx + 4 = 0"], "unknowns": ["x"], "parameter": "k", "solutions": "two"}),
            ["5"],
        ),
        (Proof("equivalent", {"expression": "x < 3"}), ["y < 3"]),
        (Proof("satisfies", {"points": [[0, 1]]}), ["y = kx + 1"]),
        (MEANING, ["something else"]),
    ],
)
def test_a_typed_answer_has_to_be_the_only_one_and_well_posed(proof: Proof, right: list[str]) -> None:
    with pytest.raises(ProofError):
        CHECKERS[proof.kind](proof, right, [])


def test_numbers_are_written_as_students_read_them() -> None:
    assert [num(-3), num(1200), num(sp.Rational(1, 2).p)] == ["−3", "1,200", "1"]
    assert poly((3, "x²"), (-1, "x"), (0, "")) == "3x² − x"
    assert lin(-1, 4) == "−x + 4"
    assert [money(12), dec(1)] == ["$12", "1"]
    assert numbers_in("3/4 of −2x is 1,200") >= {number_of("3/4"), number_of("-2"), number_of("1200")}
