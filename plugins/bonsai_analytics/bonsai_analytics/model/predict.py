"""Recorded answers through the online model, in order: what was expected before each answer.

Starts knowing no student, and no question but those of `known`; questions and skills are learnt from the file as it
goes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from bonsai_analytics.model import calibration
from bonsai_analytics.model.learner import Forecast, Known, Learner
from bonsai_analytics.model.shared import Aggregate, fold
from bonsai_analytics.model.student import Student

if TYPE_CHECKING:
    from bonsai_analytics.recorded import Row

FindKnown = Callable[[str, str], Known | None]


class Shared:
    """What all students share, in memory, folded at once."""

    def __init__(self) -> None:
        self.items: dict[str, Aggregate] = {}
        self.skills: dict[str, Aggregate] = {}
        self.everyone: list[float] | None = None


def forecasts(
    rows: Iterable[Row],
    learner: Learner,
    known: FindKnown | None = None,
    shared: Shared | None = None,
) -> Iterator[Forecast]:
    """A forecast for each row, which is learnt right after.

    Args:
        known: gives the known difficulty of a question (id, skill), if any.
        shared: aggregates to begin with, and to be kept up to date.
    """
    shared = shared or Shared()
    items, skills = shared.items, shared.skills
    students: dict[str, Student] = {}
    for row in rows:
        student = students.get(row.user)
        if student is None:
            student = students[row.user] = Student.new(learner.constants)
        has_item = bool(row.question)
        forecast = learner.forecast(
            student,
            row.skill,
            of_skill=skills.get(row.skill),
            of_item=items.get(row.question) if has_item else None,
            of_all=shared.everyone,
            has_item=has_item,
            known=known(row.question, row.skill) if known is not None and has_item else None,
        )
        yield forecast
        learnt = learner.learn(student, forecast, row.correct, row.seconds)
        skills[row.skill] = fold(skills.get(row.skill), (learnt.skill,))
        if learnt.item is not None:
            items[row.question] = fold(items.get(row.question), (learnt.item,))
        if learnt.everyone is not None:
            shared.everyone = calibration.fold(shared.everyone, (learnt.everyone,))


def area_under_curve(p: Sequence[float], y: Sequence[bool]) -> float:
    """Chance that a right answer had the higher prediction than a wrong one (ties count half); nan without both
    kinds."""
    order = sorted(range(len(p)), key=p.__getitem__)
    right, ranks, place = sum(y), 0.0, 0
    while place < len(order):
        end = place
        while end < len(order) and p[order[end]] == p[order[place]]:
            end += 1
        middle = (place + 1 + end) / 2
        ranks += middle * sum(y[order[i]] for i in range(place, end))
        place = end
    wrong = len(order) - right
    return (ranks - right * (right + 1) / 2) / (right * wrong) if right and wrong else math.nan


def calibration_error(p: Sequence[float], y: Sequence[bool], bins: int = 10, *, equal_mass: bool = False) -> float:
    """Expected calibration error: mean distance of prediction and outcome over bins, weighted by size.

    Args:
        bins: how many, of equal width over 0..1, or of equal mass.
    """
    if not p:
        return math.nan
    sums = [0.0] * bins
    if equal_mass:
        order = sorted(range(len(p)), key=p.__getitem__)
        places = ((i, rank * bins // len(order)) for rank, i in enumerate(order))
    else:
        places = ((i, min(int(value * bins), bins - 1)) for i, value in enumerate(p))
    for i, place in places:
        sums[place] += p[i] - y[i]
    return sum(abs(difference) for difference in sums) / len(p)


def log_loss(p: Sequence[float], y: Sequence[bool]) -> float:
    """Mean negative log-likelihood, in nats."""
    if not p:
        return math.nan
    return -math.fsum(math.log(value if right else 1.0 - value) for value, right in zip(p, y, strict=True)) / len(p)


def figures(p: Sequence[float], y: Sequence[bool]) -> Mapping[str, float]:
    """How good predictions are."""
    return {
        "answers": len(p),
        "correct": sum(y) / len(y) if y else math.nan,
        "auc": area_under_curve(p, y),
        "ece": calibration_error(p, y),
        "eceEqualMass": calibration_error(p, y, equal_mass=True),
        "logLoss": log_loss(p, y),
    }
