"""Checkers that find the answer of an algebra question again, with sympy, from the equations as students read them.

Each checker gets the proof, the accepted answers and the wrong choices, and raises ProofError when an accepted answer
is wrong or a wrong choice is right. Kinds, and the keys of `given` beyond those in the kit's Proof:

- `value`: `expression`.
- `solve`: `equations`, `ask` (an expression, or a point such as `(x, y)`), `positive`; `for_all` lists letters for
  whose every value the equations hold (coefficients are compared), and `also` has further equations that hold once.
  Instead of `ask`: `count` (true: the answer says how many real solutions there are for the letters in `unknowns`), or
  `parameter` (a letter) with `solutions` (`none`, `one`, `two` or `infinite`) and `unknowns`: with the answer in
  its place there are so many solutions, with a wrong one not; `limit` (1 or -1) asks that the next whole number in that
  direction has not.
- `roots`: `equations`, `ask`; `combine` (`sum`, `product`, `greatest`, `least`) asks for one number. Among choices, the
  right one may be one of several roots, or all of them joined by `and`.
- `equivalent`: `expression`; `positive` letters; `shows` lists what the right form displays: numbers, or `)(` for a
  product. When `expression` is an inequality in one letter, the answer is one with the same solutions.
- `satisfies`: `relations` for answers that are values or points, of the letters in `variables` (default x, y), with
  `extreme` (`least` or `greatest`) for the last whole number that does; or `points` (and `rejects`) for answers that
  are relations or functions: they hold at all points and fail at all rejects.
- `meaning`: `functions` such as `{"C(h)": "20 + 3.5h"}` and `claims`, which says each choice as an equation in them:
  that of the right choice is an identity, those of the others are not.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sympy as sp

from bonsai_recs.authoring.kit import Proof, ProofError
from bonsai_recs.authoring.mathread import Functions, Relation, is_zero, relations, symbol, to_sympy

Checker = Callable[[Proof, Sequence[str], Sequence[str]], None]


_COUNTS: dict[str, Any] = {
    "zero": 0, "none": 0, "one": 1, "exactly one": 1, "two": 2, "exactly two": 2,
    "infinite": sp.oo, "infinitely many": sp.oo,
}  # fmt: skip
_NO_VALUE = ("there is no", "no solution", "none")


def _values(text: str) -> tuple[sp.Expr, ...]:
    """A value, or the coordinates of a point: `3/4`, `x = 3`, `(3, −1)`."""
    text = text.strip().rpartition("=")[2].strip()
    if text.startswith("(") and text.endswith(")") and ", " in text:
        return tuple(to_sympy(part) for part in text[1:-1].split(", "))
    return (to_sympy(text),)


def _equal(left: Sequence[sp.Expr], right: Sequence[sp.Expr]) -> bool:
    return len(left) == len(right) and all(is_zero(a - b) for a, b in zip(left, right, strict=True))


def _judge(right: Sequence[str], wrong: Sequence[str], is_right: Callable[[str], bool], fact: str) -> None:
    if not right:
        raise ProofError("there is no answer")
    for text in right:
        if not is_right(text):
            raise ProofError(f"the answer {text!r} is not right: {fact}")
    for text in wrong:
        if is_right(text):
            raise ProofError(f"the wrong choice {text!r} is right: {fact}")


def _value(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    value = to_sympy(proof.given["expression"])
    if value.free_symbols:
        raise ProofError(f"{proof.given['expression']!r} has no single value")
    _judge(right, wrong, lambda text: _equal(_values(text), (value,)), f"the value is {value}")


def _read_all(texts: Iterable[str], functions: Functions | None = None) -> list[Relation]:
    return [relation for text in texts for relation in relations(text, functions)]


def _solutions(equations: Sequence[sp.Expr]) -> list[dict[sp.Symbol, sp.Expr]]:
    letters = sorted(set().union(*(equation.free_symbols for equation in equations)), key=str)
    found = sp.solve(equations, letters, dict=True)
    return [one for one in found if all(value.is_real is not False for value in one.values())]


def count_solutions(equations: Sequence[sp.Expr], unknowns: Sequence[sp.Symbol]) -> Any:
    """How many real solutions the equations `expression = 0` have: a number, or sympy's infinity."""
    left = [sp.expand(equation) for equation in equations]
    left = [equation for equation in left if equation != 0]
    if not left:
        return sp.oo
    if any(not equation.free_symbols for equation in left):
        return 0
    if all(equation.is_polynomial(*unknowns) and sp.Poly(equation, *unknowns).total_degree() <= 1 for equation in left):
        found = list(sp.linsolve(left, *unknowns))
        return 0 if not found else sp.oo if any(value.free_symbols for value in found[0]) else 1
    return len(_solutions(left))


def _solve(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    given = proof.given
    equations = [relation.difference for relation in _read_all(given["equations"])]
    unknowns = [symbol(letter) for letter in given.get("unknowns", ())]
    if given.get("count"):
        count = count_solutions(equations, unknowns)
        _judge(
            right, wrong, lambda text: _COUNTS.get(text.strip().lower(), -1) == count, f"there are {count} solutions"
        )
        return
    if "parameter" in given:
        _solve_parameter(given, equations, unknowns, right, wrong)
        return
    for letter in given.get("for_all", ()):
        equations = [c for equation in equations for c in sp.Poly(equation, symbol(letter)).all_coeffs()]
        equations = [equation for equation in equations if equation != 0]
    equations += [relation.difference for relation in _read_all(given.get("also", ()))]
    ask = _values(given["ask"])
    found: list[tuple[sp.Expr, ...]] = []
    for solution in _solutions(equations):
        if given.get("positive") and any(value.is_positive is not True for value in solution.values()):
            continue
        value = tuple(part.subs(solution) for part in ask)
        if not any(_equal(value, other) for other in found):
            found.append(value)
    if len(found) != 1 or any(part.free_symbols for part in found[0]):
        raise ProofError(f"{given['ask']} has not exactly one value: {found}")
    _judge(right, wrong, lambda text: _equal(_values(text), found[0]), f"{given['ask']} is {found[0]}")


def _solve_parameter(
    given: Mapping[str, Any],
    equations: list[sp.Expr],
    unknowns: list[sp.Symbol],
    right: Sequence[str],
    wrong: Sequence[str],
) -> None:
    parameter, wanted, limit = symbol(given["parameter"]), _COUNTS.get(given["solutions"]), given.get("limit")

    def fits(value: sp.Expr) -> bool:
        return bool(count_solutions([e.subs(parameter, value) for e in equations], unknowns) == wanted)

    def is_right(text: str) -> bool:
        (value,) = _values(text)
        return fits(value) and not (limit and fits(value + limit))

    _judge(right, wrong, is_right, f"with it in place of {parameter} there should be {given['solutions']} solutions")
    if not wrong and not limit:
        (answer,) = _values(right[0])
        for step in (-2, -1, sp.Rational(-1, 2), sp.Rational(1, 2), 1, 2):
            if fits(answer + step):
                raise ProofError(f"{right[0]} is not the only answer: {answer + step} is one too")


def _roots(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    given = proof.given
    ask = to_sympy(given["ask"])
    equations = _read_all(given["equations"])
    found: list[sp.Expr] = []
    for solution in _solutions([relation.difference for relation in equations]):
        values = {str(letter): value for letter, value in solution.items()}
        if all(relation.holds(values) for relation in equations):
            value = ask.subs(solution)
            if not any(is_zero(value - other) for other in found):
                found.append(value)
    if not found or any(value.free_symbols for value in found):
        raise ProofError(f"{given['ask']} has no values: {found}")
    if how := given.get("combine"):
        found = [{"sum": sum(found), "product": sp.prod(found), "greatest": max(found), "least": min(found)}[how]]

    def among(values: Sequence[sp.Expr], pool: Sequence[sp.Expr]) -> bool:
        return all(any(is_zero(value - other) for other in pool) for value in values)

    def read(text: str) -> list[sp.Expr]:
        if text.strip().lower().startswith(_NO_VALUE):
            return []
        return [_values(part)[0] for part in re.split(r"\band\b", text)]

    several = any(" and " in text for text in [*right, *wrong])

    def is_right(text: str) -> bool:
        values = read(text)
        return bool(values) and among(values, found) and (not several or among(found, values))

    _judge(right, wrong, is_right, f"the values are {found}")
    if not wrong and not among(found, [value for text in right for value in read(text)]):
        raise ProofError(f"some of {found} are not accepted")


def _equivalent(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    given = proof.given
    if re.search("[=<>≤≥≠]", given["expression"]):
        _same_solutions(given, right, wrong)
        return
    positive = bool(given.get("positive"))
    expression = to_sympy(given["expression"], positive=positive)

    def is_right(text: str) -> bool:
        body = text.rpartition("=")[2]
        return is_zero(to_sympy(body, positive=positive) - expression) and all(
            re.search(rf"(?<![\d.]){shown}(?![\d.])" if shown.isdigit() else re.escape(shown), body)
            for shown in given.get("shows", ())
        )

    _judge(right, wrong, is_right, f"equal to {given['expression']}, showing {given.get('shows', 'nothing')}")


def _same_solutions(given: Mapping[str, Any], right: Sequence[str], wrong: Sequence[str]) -> None:
    """Compare relations in one letter at all their borders, between them and beyond them, which settles it."""
    read = {text: relations(text) for text in (given["expression"], *right, *wrong)}
    letters = {letter for every in read.values() for one in every for letter in one.difference.free_symbols}
    if len(letters) != 1:
        raise ProofError(f"{given['expression']!r} and the choices are not in one and the same letter")
    (letter,) = letters
    borders = sorted(
        {border for every in read.values() for one in every for border in sp.solve(one.difference, letter)}
    )
    between = [(low + high) / 2 for low, high in itertools.pairwise(borders)]
    probes = [borders[0] - 1, *borders, *between, borders[-1] + 1] if borders else [sp.S.Zero]

    def holds(text: str) -> list[bool]:
        return [all(one.holds({str(letter): probe}) for one in read[text]) for probe in probes]

    truth = holds(given["expression"])
    _judge(right, wrong, lambda text: holds(text) == truth, f"the same solutions as {given['expression']}")


def _points(text: str) -> list[tuple[sp.Expr, ...]]:
    """The points of a list or table, `(1, 5), (2, 8)`; else the one value or point that the text is."""
    found = re.findall(r"\([^()]*, [^()]*\)", text)
    return [_values(point) for point in found] if len(found) > 1 else [_values(text)]


def _satisfies(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    given = proof.given
    if "relations" in given:
        read = _read_all(given["relations"])
        letters = given.get("variables", ["x", "y"])
        extreme = {"least": -1, "greatest": 1}.get(given.get("extreme", ""))

        def hold(point: Sequence[sp.Expr]) -> bool:
            if len(point) != len(letters):
                raise ProofError(f"{point} are not values of {letters}")
            return all(relation.holds(dict(zip(letters, point, strict=True))) for relation in read)

        def is_solution(text: str) -> bool:
            points = _points(text)
            if extreme and (hold([points[0][0] + extreme]) or points[0][0] != int(points[0][0])):
                return False
            return all(hold(point) for point in points)

        _judge(right, wrong, is_solution, f"{given.get('extreme', '')} solution of {given['relations']}")
        return
    letters = given.get("variables", ["x", "y"])
    points = [dict(zip(letters, map(_exact, point), strict=True)) for point in given["points"]]
    rejects = [dict(zip(letters, map(_exact, point), strict=True)) for point in given.get("rejects", ())]

    def describes(text: str) -> bool:
        read = relations(re.sub(r"^\s*[A-Za-z]\([a-z]\)\s*=", f"{letters[-1]} =", text))
        if unread := {str(s) for r in read for s in r.difference.free_symbols} - set(letters):
            raise ProofError(f"{text!r} has letters without values: {unread}")
        return all(all(relation.holds(point) for relation in read) for point in points) and not any(
            all(relation.holds(point) for relation in read) for point in rejects
        )

    _judge(right, wrong, describes, f"true at {given['points']}, not at {given.get('rejects', 'any')}")


def _exact(value: Any) -> sp.Expr:
    return to_sympy(str(value))


def _meaning(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    claims, functions = proof.given["claims"], proof.given["functions"]

    def is_right(text: str) -> bool:
        if text not in claims:
            raise ProofError(f"the proof does not say what {text!r} claims")
        return all(relation.holds({}) for relation in relations(claims[text], functions))

    _judge(right, wrong, is_right, f"by {functions}")


CHECKERS: dict[str, Checker] = {
    "value": _value,
    "solve": _solve,
    "roots": _roots,
    "equivalent": _equivalent,
    "satisfies": _satisfies,
    "meaning": _meaning,
}
