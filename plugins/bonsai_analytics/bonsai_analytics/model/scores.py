"""Predicted scores of the digital SAT, from what is known of a student's abilities.

The expected raw score on a form is integrated over the ability's posterior, skill by skill with the blueprint's shares,
and put through the scoring tables of the published practice tests 4 to 8. Those tables are of the linear paper form (66
and 54 questions); the app's adaptive form has none that are public.

The interval is for a test taken now: it holds the uncertainty of the abilities, the luck of one test, and the range
that the tables give for one raw score.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bonsai_analytics.model.constants import Constants
from bonsai_analytics.model.learner import ATTENUATION
from bonsai_analytics.model.mastery import Z80
from bonsai_analytics.model.student import MEAN, VARIANCE, Student
from bonsai_core.domain import DOMAINS, SECTION_SCORES, Section

TABLES = Path(__file__).parent.parent / "data" / "scores.json"

#: Answers in a section before its score is told.
LEAST_ANSWERS = 10
#: Variance of a form's difficulties around band 4, in squared logits: bands are .8 apart, and a form has all of them.
FORM_VARIANCE = 1.4
#: Gauss-Hermite nodes and weights for a standard normal, of three points: exact up to the fifth power.
_NODES = ((-math.sqrt(3.0), 1 / 6), (0.0, 2 / 3), (math.sqrt(3.0), 1 / 6))


@dataclass(frozen=True, slots=True)
class Score:
    """A predicted score: mean and standard deviation of a test taken now, and the least and most possible."""

    mean: float
    deviation: float
    least: int
    most: int

    @property
    def low(self) -> int:
        """The lower end of the 80 % interval, in tens like all scores."""
        return self._tens(self.mean - Z80 * self.deviation)

    @property
    def high(self) -> int:
        """The upper end of the 80 % interval."""
        return self._tens(self.mean + Z80 * self.deviation)

    @property
    def score(self) -> int:
        """The prediction."""
        return self._tens(self.mean)

    def chance(self, target: float) -> float:
        """The chance to reach a target."""
        return 0.5 * math.erfc((target - 5 - self.mean) / (max(self.deviation, 1e-6) * math.sqrt(2)))

    def _tens(self, value: float) -> int:
        return min(max(round(value / 10) * 10, self.least), self.most)


@lru_cache(maxsize=1)
def tables() -> dict[Section, tuple[list[float], list[float]]]:
    """For each section, by raw score: the middle of the scaled scores, and the width of their range."""
    sections = json.loads(TABLES.read_text())["sections"]
    return {
        Section(name): (
            [(low + high) / 2 for low, high in zip(table["lower"], table["upper"], strict=True)],
            [float(high - low) for low, high in zip(table["lower"], table["upper"], strict=True)],
        )
        for name, table in sections.items()
    }


def scaled(table: list[float], raw: float) -> float:
    """A table's value at a raw score, between whole ones by interpolation."""
    raw = min(max(raw, 0.0), len(table) - 1.0)
    below = min(int(raw), len(table) - 2)
    return table[below] + (raw - below) * (table[below + 1] - table[below])


#: Section -> (skill, its part of the section's questions).
_SKILL_SHARES = {
    section: [
        (skill, domain.share / len(domain.skills))
        for domain in DOMAINS
        if domain.section is section
        for skill in domain.skills
    ]
    for section in Section
}


def predict(student: Student, constants: Constants) -> dict[Section, Score]:
    """The predicted score of every section with enough answers.

    Sections depend on one another by the general ability; `total` takes that into account.
    """
    return {section: _at_all(parts) for section, parts in _conditional(student, constants).items()}


def shown(student: Student, constants: Constants) -> dict[str, Any] | None:
    """The `score` of an update; None while no section has enough answers, the total only when both have."""
    conditional = _conditional(student, constants)
    if not conditional:
        return None
    sections = {section: _at_all(parts) for section, parts in conditional.items()}
    told: dict[str, Any] = {
        "sections": {
            str(name): {"score": score.score, "low": score.low, "high": score.high} for name, score in sections.items()
        }
    }
    score = _total(conditional)
    if score is not None:
        told |= {"total": score.score, "low": score.low, "high": score.high}
    return told


def total(student: Student, constants: Constants) -> Score | None:
    """The predicted total; None unless both sections have enough answers."""
    return _total(_conditional(student, constants))


#: For each node of the general ability: its weight, the expected scaled score, and that score's variance.
_Parts = list[tuple[float, float, float]]


def _conditional(student: Student, constants: Constants) -> dict[Section, _Parts]:
    return {
        section: _section(student, section, constants)
        for section in Section
        if (counts := student.sections.get(section)) is not None and counts[2] >= LEAST_ANSWERS
    }


def _section(student: Student, section: Section, constants: Constants) -> _Parts:
    mean, variance, answered, guesses = student.sections[section]
    middle, width = tables()[section]
    questions = len(middle) - 1
    guess = guesses / answered
    reach = 1.0 - guess - constants.slip
    skills = []
    for skill, share in _SKILL_SHARES[section]:
        known = student.skills.get(skill)
        own_mean, own_variance = (known[MEAN], known[VARIANCE]) if known else (0.0, constants.skill_variance)
        flat = 1.0 / math.sqrt(1.0 + ATTENUATION * (own_variance + FORM_VARIANCE))
        skills.append((share * questions, (mean + own_mean) * flat, own_variance, flat))
    deviation, exp = math.sqrt(student.variance), math.exp
    parts: _Parts = []
    for node, weight in _NODES:
        ability = student.mean + node * deviation
        raw = luck = slope_all = 0.0
        for number, offset, own_variance, flat in skills:
            s = 1.0 / (1.0 + exp(min(-ability * flat - offset, 500.0)))
            p = guess + reach * s
            slope = number * reach * s * (1.0 - s) * flat
            raw += number * p
            luck += number * p * (1.0 - p) + slope * slope * own_variance
            slope_all += slope
        spread = math.sqrt(luck + slope_all * slope_all * variance)
        rise = (scaled(middle, raw + spread) - scaled(middle, raw - spread)) / 2
        parts.append((weight, scaled(middle, raw), rise * rise + scaled(width, raw) ** 2 / 12))
    return parts


def _at_all(parts: _Parts) -> Score:
    low, high = SECTION_SCORES
    return _score(parts, low, high)


def _total(conditional: dict[Section, _Parts]) -> Score | None:
    if len(conditional) < len(Section):
        return None
    parts = [
        (nodes[0][0], sum(node[1] for node in nodes), sum(node[2] for node in nodes))
        for nodes in zip(*conditional.values(), strict=True)
    ]
    low, high = SECTION_SCORES
    return _score(parts, low * len(Section), high * len(Section))


def _score(parts: _Parts, least: int, most: int) -> Score:
    mean = sum(weight * value for weight, value, _ in parts)
    variance = sum(weight * (own + (value - mean) ** 2) for weight, value, own in parts)
    return Score(mean, math.sqrt(variance), least, most)
