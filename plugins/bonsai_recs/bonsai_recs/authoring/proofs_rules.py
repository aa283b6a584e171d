"""Rules of judgement: what follows from the facts of a study, a data set or a model, for proofs of worded choices.

Each rule gets the facts of a question and derives named conclusions. A choice is right when everything that it claims
(its tags) is among them. A conclusion that is a set holds for every claim in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

Facts = Mapping[str, Any]


def claim(facts: Facts) -> dict[str, Any]:
    """What a study supports at most: about whom, and whether one thing caused the other.

    Facts: `random_sample` (of `population`), `participants`, `random_assignment`, `finding` (what was seen).
    Only a random sample lets a finding be said of the population that it was drawn from; only random assignment lets
    a difference be put down to the treatment.
    """
    return {
        "about": facts["population"] if facts["random_sample"] else facts["participants"],
        "cause": bool(facts["random_assignment"]),
        "finding": facts.get("finding", "reported"),
    }


def sampling(facts: Facts) -> dict[str, Any]:
    """Which way to pick a sample represents the population: at random, out of all of it."""
    return {"random": True, "frame": facts["population"]}


def bias(facts: Facts) -> dict[str, Any]:
    """Why a sample misleads: `frame` is not the population, or the people chose themselves; else nothing is wrong."""
    reasons = set()
    if facts["frame"] != facts["population"]:
        reasons.add("frame")
    if facts.get("volunteers", False):
        reasons.add("volunteers")
    return {"flaw": frozenset(reasons or {"none"}), "group": facts["frame"]}


def interval(facts: Facts) -> dict[str, Any]:
    """What an estimate with its margin of error says: a range that plausibly holds the population's true value."""
    estimate, margin = Fraction(str(facts["estimate"])), Fraction(str(facts["margin"]))
    return {
        "low": str(estimate - margin),
        "high": str(estimate + margin),
        "subject": "population value",
        "certain": False,
        "population": facts["population"],
    }


def least_margin(facts: Facts) -> dict[str, Any]:
    """Which of several random samples has the least margin of error: the largest, other things being equal."""
    sizes: Sequence[int] = facts["sizes"]
    return {"size": max(sizes), "order": sorted(sizes, reverse=True), "effect": "smaller" if facts.get("grows") else ""}


def plausible(facts: Facts) -> dict[str, Any]:
    """Whether two estimates with margins differ beyond doubt: their ranges do not meet."""
    (one, first), (two, second) = ((Fraction(str(a)), Fraction(str(b))) for a, b in facts["estimates"])
    apart = abs(one - two) > first + second
    return {"differ": apart, "larger": (0 if one > two else 1) if apart else None}


def linear_meaning(facts: Facts) -> dict[str, Any]:
    """What the numbers of the line y = a + bx mean: a is y at x = 0, b the change of y for one more x."""
    slope, intercept = Fraction(str(facts["slope"])), Fraction(str(facts["intercept"]))
    if facts["role"] == "slope":
        return {"amount": str(abs(slope)), "way": "up" if slope > 0 else "down", "of": "y", "for": "one more x"}
    return {"amount": str(intercept), "way": "is", "of": "y", "for": "x is zero"}


def growth_meaning(facts: Facts) -> dict[str, Any]:
    """What a·b^(t/p) says: it starts at a and changes by (b − 1) of itself in each p units of t."""
    base, period = Fraction(str(facts["base"])), facts["period"]
    return {
        "percent": str(abs(base - 1) * 100),
        "way": "up" if base > 1 else "down",
        "every": period,
        "start": facts["start"],
        "kind": "percent",
    }


def model(facts: Facts) -> dict[str, Any]:
    """Which kind of model fits `values` at equal steps: equal differences are linear, equal ratios exponential."""
    values = [Fraction(str(value)) for value in facts["values"]]
    steps = {b - a for a, b in itertools.pairwise(values)}
    ratios = {b / a for a, b in itertools.pairwise(values)}
    kind = "linear" if len(steps) == 1 else "exponential" if len(ratios) == 1 else "neither"
    return {"kind": kind, "way": "increasing" if values[-1] > values[0] else "decreasing"}


def trend(facts: Facts) -> dict[str, Any]:
    """Between which neighbouring values of `values` (named by `labels`) the change is greatest or least."""
    values = [Fraction(str(value)) for value in facts["values"]]
    changes = [b - a for a, b in itertools.pairwise(values)]
    pick = {"rise": max, "fall": min}[facts["ask"]](changes)
    if changes.count(pick) != 1:
        return {"start": None}
    return {"start": facts["labels"][changes.index(pick)]}


def _mean(data: Sequence[Fraction]) -> Fraction:
    return sum(data, Fraction()) / len(data)


def _median(data: Sequence[Fraction]) -> Fraction:
    ranked, half = sorted(data), len(data) // 2
    return ranked[half] if len(data) % 2 else (ranked[half - 1] + ranked[half]) / 2


def _sign(before: Fraction, after: Fraction) -> str:
    return "greater" if after > before else "less" if after < before else "equal"


def compare(facts: Facts) -> dict[str, Any]:
    """How mean, median, range and standard deviation of `after` (or a second data set) compare with `before`."""
    before, after = ([Fraction(str(value)) for value in facts[name]] for name in ("before", "after"))

    def variance(data: Sequence[Fraction]) -> Fraction:
        return _mean([(value - _mean(data)) ** 2 for value in data])

    return {
        "mean": _sign(_mean(before), _mean(after)),
        "median": _sign(_median(before), _median(after)),
        "range": _sign(max(before) - min(before), max(after) - min(after)),
        "sd": _sign(variance(before), variance(after)),
    }


def congruence(facts: Facts) -> dict[str, Any]:
    """Which further fact makes triangles ABC and DEF congruent, when the parts in `known` are known to be equal.

    Parts are sides `AB`, `BC`, `CA` and angles `A`, `B`, `C`. `enough` holds the parts that complete SSS, SAS, ASA or
    AAS.
    """
    known = set(facts["known"])
    parts = {"AB", "BC", "CA", "A", "B", "C"} - known
    return {"enough": frozenset(part for part in parts if _fixed(known | {part}))}


def _fixed(parts: set[str]) -> bool:
    sides, angles = {part for part in parts if len(part) == 2}, {part for part in parts if len(part) == 1}
    if len(sides) == 3 or (len(angles) >= 2 and sides):
        return True
    return any(len({side for side in sides if angle in side}) == 2 for angle in angles)


def similarity(facts: Facts) -> dict[str, Any]:
    """Which further fact makes triangles similar: a second pair of equal angles."""
    known: Sequence[str] = facts["known"]
    return {"enough": frozenset({"A", "B", "C"} - set(known)) if known else frozenset()}


def design(facts: Facts) -> dict[str, Any]:
    """What a study needs to add: random assignment to show a cause, random selection to speak of a population."""
    return {"adds": "random assignment" if facts["want"] == "cause" else "random selection"}


def two_statements(facts: Facts) -> dict[str, Any]:
    """Whether a study speaks for its population, and whether it shows a cause."""
    return {"population": bool(facts["random_sample"]), "cause": bool(facts["random_assignment"])}


RULES: dict[str, Callable[[Facts], dict[str, Any]]] = {
    "claim": claim,
    "design": design,
    "two_statements": two_statements,
    "sampling": sampling,
    "bias": bias,
    "interval": interval,
    "least_margin": least_margin,
    "plausible": plausible,
    "linear_meaning": linear_meaning,
    "growth_meaning": growth_meaning,
    "model": model,
    "trend": trend,
    "compare": compare,
    "congruence": congruence,
    "similarity": similarity,
}
