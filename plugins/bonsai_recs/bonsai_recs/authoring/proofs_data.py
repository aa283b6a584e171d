"""Proofs for data and geometry: each checker finds the answer again from what the question gives.

A checker gets the proof, the right answer (all accepted forms) and the wrong choices. It raises ProofError when the
answer is not right or a wrong choice is right too. Numbers of `given` are JSON numbers or exact strings such as `3/4`,
`5*sqrt(3)` and `2*pi`. Where a number may be the string `choice`, the choice itself is put in and `equals` says what
must come out, so that the question is solved backwards.

    ratio: `start`, then `steps` such as ["*", "5/2"] with the operations + - * / ** (and `choice` anywhere);
    statistics: `measure` (see MEASURES) of `data` after `changes`, less that of `minus`;
    count: the share, or with `as` the number or percent, of `table` that `event` picks out of `within`;
    geometry: `measure` (see GEOMETRY) of the named numbers in `data`;
    judgement: `rule` (see RULES) derives what is true from `facts`; `tags` says what each choice claims.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import sympy
from sympy.parsing import sympy_parser as parsing

from bonsai_recs.authoring.kit import Proof, ProofError
from bonsai_recs.authoring.making import value_of
from bonsai_recs.authoring.proofs_rules import RULES

Exact = Any
"""A sympy number; sympy has no types."""


def exact(number: object) -> Exact:
    """The sympy number that a JSON number or a string such as `3/4` or `2*pi` stands for."""
    text = str(number)
    if re.fullmatch(r"-?\d+(\.\d+)?(/\d+)?", text):
        return sympy.Rational(text)
    return sympy.nsimplify(sympy.sympify(text), rational=True)


def exact_choice(text: str) -> Exact:
    """The sympy number that a choice such as `36 − 9π` or `$1,250` stands for.

    Raises:
        ProofError: it is no number.
    """
    value = value_of(text)
    if value is None:
        raise ProofError(f"the choice {text!r} is no number")
    return sum(
        sympy.Rational(amount.numerator, amount.denominator) * sympy.sqrt(root) * sympy.pi**power
        for (root, power), amount in value.items()
    )


def _check(name: str, right: Sequence[str], wrong: Sequence[str], holds: Callable[[str], bool]) -> None:
    for text in right:
        if not holds(text):
            raise ProofError(f"{name}: the answer {text!r} does not follow")
    for text in wrong:
        if holds(text):
            raise ProofError(f"{name}: the wrong choice {text!r} is right too")


def _equal(one: Exact, two: Exact) -> bool:
    gap = sympy.sympify(one - two)
    return bool(gap == 0 if gap.is_Rational else sympy.simplify(gap) == 0)


def _check_result(
    proof: Proof, right: Sequence[str], wrong: Sequence[str], result: Callable[[Exact | None], Exact]
) -> None:
    """Check against a result, which with `equals` depends on the choice."""
    target = proof.given.get("equals")

    def holds(text: str) -> bool:
        value = exact_choice(text)
        if target is None:
            return _equal(result(None), value)
        return _equal(result(value), exact(target))

    _check(proof.kind, right, wrong, holds)


def _fill(given: Any, choice: Exact | None) -> Any:
    """`given` with its numbers exact and `choice` put in."""
    if isinstance(given, dict):
        return {key: _fill(value, choice) for key, value in given.items()}
    if isinstance(given, list | tuple):
        return [_fill(value, choice) for value in given]
    if given == "choice":
        if choice is None:
            raise ProofError("a proof with `choice` needs `equals`")
        return choice
    return exact(given)


_OPERATIONS: dict[str, Callable[[Exact, Exact], Exact]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
}


def check_ratio(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """The chain of operations gives the answer, or leads from the answer to `equals`."""

    def result(choice: Exact | None) -> Exact:
        value = _fill(proof.given["start"], choice)
        for operation, operand in proof.given["steps"]:
            value = _OPERATIONS[operation](value, _fill(operand, choice))
        return value

    _check_result(proof, right, wrong, result)


def _mean(data: list[Exact]) -> Exact:
    return sum(data) / sympy.Integer(len(data))


def _median(data: list[Exact]) -> Exact:
    ranked, half = sorted(data), len(data) // 2
    return ranked[half] if len(data) % 2 else (ranked[half - 1] + ranked[half]) / 2


def _quartiles(data: list[Exact]) -> tuple[Exact, Exact]:
    ranked, half = sorted(data), len(data) // 2
    return _median(ranked[:half]), _median(ranked[-half:])


MEASURES: dict[str, Callable[[list[Exact]], Exact]] = {
    "mean": _mean,
    "median": _median,
    "mode": lambda data: max(set(data), key=data.count),
    "range": lambda data: max(data) - min(data),
    "sum": sum,
    "size": len,
    "max": max,
    "min": min,
    "sd": lambda data: sympy.sqrt(_mean([(value - _mean(data)) ** 2 for value in data])),
    "iqr": lambda data: _quartiles(data)[1] - _quartiles(data)[0],
    "summary_iqr": lambda data: data[3] - data[1],
    "slope": lambda data: (data[3] - data[1]) / (data[2] - data[0]),
}
"""Measures of a list. `summary_iqr` takes a five-number summary, `slope` the coordinates x1, y1, x2, y2."""


def _data(given: Mapping[str, Any], choice: Exact | None) -> list[Exact]:
    data = given["data"]
    if isinstance(data, dict):
        values, counts = _fill(data["values"], choice), data["counts"]
        listed = [value for value, count in zip(values, counts, strict=True) for _ in range(count)]
    else:
        listed = list(_fill(data, choice))
    for change, *numbers in given.get("changes", []):
        amounts = _fill(numbers, choice)
        if change == "append":
            listed += amounts
        elif change == "remove":
            listed.remove(amounts[0])
        elif change == "replace":
            listed[listed.index(amounts[0])] = amounts[1]
        elif change == "scale":
            listed = [value * amounts[0] for value in listed]
        elif change == "shift":
            listed = [value + amounts[0] for value in listed]
        else:
            raise ProofError(f"no such change: {change}")
    return listed


def check_statistics(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """The measure of the data is the answer.

    Besides MEASURES: `between` (the answer lies from `low` to `high`, the wrong ones do not), `median_interval`
    (`edges` and `counts` of a histogram: the answer can be the median, the wrong ones cannot), `points_above` and
    `points_below` (points beyond the line y = a + bx of `line`), `residual` (how far the point is above the line),
    `best_line` (`lines` has [a, b] for each choice; the answer's has the least squares).
    """
    given, measure = proof.given, proof.given["measure"]
    if measure == "between":
        low, high = exact(given["low"]), exact(given["high"])
        _check(measure, right, wrong, lambda text: bool(low <= exact_choice(text) <= high))
        return
    if measure == "median_interval":
        low, high = _median_interval(given["edges"], given["counts"])
        _check(measure, right, wrong, lambda text: bool(low < exact_choice(text) < high))
        return
    if measure == "best_line":
        points = _fill(given["points"], None)
        errors = {
            text: sum((y - exact(a) - exact(b) * x) ** 2 for x, y in points) for text, (a, b) in given["lines"].items()
        }
        _check(measure, right, wrong, lambda text: errors[text] == min(errors.values()))
        return

    def result(choice: Exact | None) -> Exact:
        if measure in ("points_above", "points_below"):
            a, b = _fill(given["line"], choice)
            gaps = [y - a - b * x for x, y in _fill(given["points"], choice)]
            return sympy.Integer(sum(bool(gap > 0 if measure == "points_above" else gap < 0) for gap in gaps))
        if measure == "residual":
            (a, b), (x, y) = _fill(given["line"], choice), _fill(given["point"], choice)
            return y - a - b * x
        value = MEASURES[measure](_data(given, choice))
        if "minus" in given:
            value = value - MEASURES[measure](_data(given["minus"], choice))
        return sympy.sympify(value)

    _check_result(proof, right, wrong, result)


def _median_interval(edges: Sequence[int], counts: Sequence[int]) -> tuple[int, int]:
    """The interval in which all of the middle values fall."""
    total = sum(counts)
    middles = {(total - 1) // 2, total // 2}
    reached = list(itertools.accumulate(counts))
    places = {next(index for index, sum_ in enumerate(reached) if middle < sum_) for middle in middles}
    if len(places) != 1:
        raise ProofError("the middle values fall in two intervals")
    place = places.pop()
    return edges[place], edges[place + 1]


def check_count(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """The answer is the share of the table that `event` picks out of `within`; `as` may be `number` or `percent`.

    `table` is a list of rows of counts; `event` and `within` are {"rows": [...], "columns": [...]} by index, where what
    is missing means all.
    """
    given = proof.given

    def result(choice: Exact | None) -> Exact:
        table = _fill(given["table"], choice)
        rows, columns = range(len(table)), range(len(table[0]))

        def picked(*conditions: Mapping[str, Sequence[int]]) -> Exact:
            return sum(
                (
                    table[row][column]
                    for row in rows
                    for column in columns
                    if all(row in c.get("rows", rows) and column in c.get("columns", columns) for c in conditions)
                ),
                sympy.Integer(0),
            )

        within = given.get("within", {})
        number = picked(given["event"], within)
        kind = given.get("as", "share")
        if kind == "number":
            return number
        return number / picked(within) * (100 if kind == "percent" else 1)

    _check_result(proof, right, wrong, result)


def _polygon_area(n: Mapping[str, Any]) -> Exact:
    corners = n["corners"]
    return abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(corners, corners[1:] + corners[:1], strict=True))) / 2


def _distance(a: Sequence[Exact], b: Sequence[Exact]) -> Exact:
    return sympy.sqrt((a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2)


def _ball_volume(n: Mapping[str, Any]) -> Exact:
    x = sympy.Symbol("x")
    return sympy.integrate(sympy.pi * (n["r"] ** 2 - x**2), (x, -n["r"], n["r"]))


def _cone_volume(n: Mapping[str, Any]) -> Exact:
    x = sympy.Symbol("x")
    return sympy.integrate(sympy.pi * (n["r"] * x / n["h"]) ** 2, (x, 0, n["h"]))


GEOMETRY: dict[str, Callable[[Mapping[str, Any]], Exact]] = {
    "polygon_area": _polygon_area,
    "polygon_perimeter": lambda n: sum(
        _distance(a, b) for a, b in zip(n["corners"], n["corners"][1:] + n["corners"][:1], strict=True)
    ),
    "distance": lambda n: _distance(n["a"], n["b"]),
    "angle_sum": lambda n: sum(n["angles"]),
    "angles_differ": lambda n: n["angles"][0] - n["angles"][1],
    "hypotenuse": lambda n: _distance((n["a"], 0), (0, n["b"])),
    "legs_squared": lambda n: n["a"] ** 2 + n["b"] ** 2 - n["c"] ** 2,
    "proportion": lambda n: n["a"] * n["d"] - n["b"] * n["c"],
    "regular_area": lambda n: n["sides"] * n["side"] ** 2 / (4 * sympy.tan(sympy.pi / n["sides"])),
    "prism_volume": lambda n: n["base"] * n["h"],
    "box_volume": lambda n: n["l"] * n["w"] * n["h"],
    "box_surface": lambda n: 2 * (n["l"] * n["w"] + n["l"] * n["h"] + n["w"] * n["h"]),
    "cylinder_volume": lambda n: sympy.pi * n["r"] ** 2 * n["h"],
    "cone_volume": _cone_volume,
    "sphere_volume": _ball_volume,
    "circle_area": lambda n: sympy.pi * n["r"] ** 2,
    "circumference": lambda n: 2 * sympy.pi * n["r"],
    "arc": lambda n: n["degrees"] * sympy.pi / 180 * n["r"],
    "sector": lambda n: n["degrees"] * sympy.pi / 180 * n["r"] ** 2 / 2,
    "radians": lambda n: n["degrees"] * sympy.pi / 180,
    "square_less_circle": lambda n: (2 * n["r"]) ** 2 - sympy.pi * n["r"] ** 2,
    "circle_less_square": lambda n: sympy.pi * n["side"] ** 2 / 2 - n["side"] ** 2,
    "sine": lambda n: sympy.sin(n["degrees"] * sympy.pi / 180) * n["times"],
    "cosine": lambda n: sympy.cos(n["degrees"] * sympy.pi / 180) * n["times"],
    "tangent": lambda n: sympy.tan(n["degrees"] * sympy.pi / 180) * n["times"],
    "sine_less_cosine": lambda n: sympy.sin(n["a"] * sympy.pi / 180) - sympy.cos(n["b"] * sympy.pi / 180),
    "sum": lambda n: sum(n["terms"]),
    "volume_change": lambda n: n["r"] ** 2 * n["h"],
    "power": lambda n: n["base"] ** n["exponent"] * n.get("times", 1),
}
"""Lengths, areas, angles (degrees) and volumes from named numbers; differences are zero when equal."""


def parse_equation(text: str) -> Exact:
    """The left side less the right side of an equation in x and y such as `(x − 3)² + y² = 25`.

    Raises:
        ProofError: it is no equation in this form.
    """
    plain = text.replace("−", "-").replace("²", "**2").replace(" ", "")
    try:
        left, right = plain.split("=")
        parsed = sympy.parse_expr(
            f"({left})-({right})",
            transformations=(*parsing.standard_transformations, parsing.implicit_multiplication),
        )
    except (ValueError, SyntaxError, TypeError) as error:
        raise ProofError(f"{text!r} is no equation") from error
    return sympy.expand(parsed)


def circle_of(text: str) -> tuple[Exact, Exact, Exact]:
    """Center x, center y and radius squared of a circle's equation, from where its gradient is zero."""
    x, y = sympy.symbols("x y")
    both = parse_equation(text)
    both = both / both.coeff(x, 2)
    (across,), (up,) = sympy.solve(sympy.diff(both, x), x), sympy.solve(sympy.diff(both, y), y)
    return across, up, sympy.simplify(-both.subs({x: across, y: up}))


def _point(text: str) -> list[Exact]:
    inside = text.strip().removeprefix("(").removesuffix(")")
    return [exact_choice(part.strip()) for part in inside.split(", ")]


def check_geometry(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """The measure is the answer, or comes out as `equals` with the answer put in.

    Besides GEOMETRY: `circle` (choices are equations; `centre` and `radius_squared` are given), `centre` (choices are
    points; `equation` is given), `radius`, `radius_squared` and `on_circle` (is the choice a point of `equation`?).
    """
    given, measure = proof.given, proof.given["measure"]
    if measure == "circle":
        wanted = (*(exact(number) for number in given["centre"]), exact(given["radius_squared"]))
        _check(measure, right, wrong, lambda text: circle_of(text) == wanted)
    elif measure == "centre":
        across, up, _ = circle_of(given["equation"])
        _check(measure, right, wrong, lambda text: _point(text) == [across, up])
    elif measure == "on_circle":
        across, up, squared = circle_of(given["equation"])
        _check(measure, right, wrong, lambda text: _distance(_point(text), (across, up)) ** 2 == squared)
    elif measure in ("radius", "radius_squared"):
        squared = circle_of(given["equation"])[2]
        times = exact(given.get("times", 1))
        _check_result(proof, right, wrong, lambda _: (sympy.sqrt(squared) if measure == "radius" else squared) * times)
    else:
        if measure not in GEOMETRY:
            raise ProofError(f"no such measure: {measure}")
        _check_result(proof, right, wrong, lambda choice: GEOMETRY[measure](_fill(given["data"], choice)))


def check_judgement(proof: Proof, right: Sequence[str], wrong: Sequence[str]) -> None:
    """What the right choice claims all follows from the facts by the rule; of each wrong one something does not."""
    given = proof.given
    if given["rule"] not in RULES:
        raise ProofError(f"no such rule: {given['rule']}")
    true = RULES[given["rule"]](given["facts"])

    def holds(text: str) -> bool:
        claims = given["tags"].get(text)
        if not claims:
            raise ProofError(f"no tags for the choice {text!r}")
        for name, claim in claims.items():
            if name not in true:
                raise ProofError(f"the rule {given['rule']} says nothing on {name}")
            if isinstance(true[name], frozenset) and not isinstance(claim, list):
                if claim not in true[name]:
                    return False
            elif _plain(true[name]) != _plain(claim):
                return False
        return True

    _check("judgement", right, wrong, holds)


def _plain(value: object) -> object:
    """A claim so that `3/4` and 0.75 are equal."""
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return Fraction(str(value))
    if isinstance(value, str):
        try:
            return Fraction(value)
        except ValueError:
            return value
    return value


CHECKERS: dict[str, Callable[[Proof, Sequence[str], Sequence[str]], None]] = {
    "ratio": check_ratio,
    "statistics": check_statistics,
    "count": check_count,
    "geometry": check_geometry,
    "judgement": check_judgement,
}
