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
from typing import Any, NamedTuple

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


#: The filter keeps abilities' variances and not their covariances, which answers make negative: a right answer is due
#: to the general ability or to the skill. In simulation, the variance of a section's whole is this part of the sum.
WHOLE = 0.65


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


class Part(NamedTuple):
    """A section's scaled score.

    Attributes:
        mean: expectation.
        own: variance that other sections do not share.
        common: change of the score per standard deviation of the general ability, which they do share.
    """

    mean: float
    own: float
    common: float


def predict(student: Student, constants: Constants) -> dict[Section, Score]:
    """The predicted score of every section with enough answers."""
    return {section: _score([part], 1) for section, part in _parts(student, constants).items()}


def total(student: Student, constants: Constants) -> Score | None:
    """The predicted total; None unless both sections have enough answers."""
    return _total(_parts(student, constants))


def shown(student: Student, constants: Constants) -> dict[str, Any] | None:
    """The `score` of an update; None while no section has enough answers, the total only when both have."""
    parts = _parts(student, constants)
    if not parts:
        return None
    sections = {section: _score([part], 1) for section, part in parts.items()}
    told: dict[str, Any] = {
        "sections": {
            str(name): {"score": score.score, "low": score.low, "high": score.high} for name, score in sections.items()
        }
    }
    score = _total(parts)
    if score is not None:
        told |= {"total": score.score, "low": score.low, "high": score.high}
    return told


def _parts(student: Student, constants: Constants) -> dict[Section, Part]:
    return {
        section: _part(student, section, constants)
        for section in Section
        if (counts := student.sections.get(section)) is not None and counts[2] >= LEAST_ANSWERS
    }


def _part(student: Student, section: Section, constants: Constants) -> Part:
    """A section's score: the raw score's mean over the posterior, its spread by the slopes (the delta method)."""
    section_mean, section_variance, answered, guesses = student.sections[section]
    middle, width = tables()[section]
    questions, guess = len(middle) - 1, guesses / answered
    reach, exp, sqrt = 1.0 - guess - constants.slip, math.exp, math.sqrt
    mean, variance = student.mean + section_mean, student.variance + section_variance + FORM_VARIANCE
    raw = luck = uneven = slope = 0.0
    for skill, share in _SKILL_SHARES[section]:
        known = student.skills.get(skill)
        own_mean, own_variance = (known[MEAN], known[VARIANCE]) if known else (0.0, constants.skill_variance)
        flat = 1.0 / sqrt(1.0 + ATTENUATION * (variance + own_variance))
        s = 1.0 / (1.0 + exp(min((mean + own_mean) * -flat, 500.0)))
        p, steep = guess + reach * s, share * reach * s * (1.0 - s) * flat
        raw += share * p
        luck += share * p * (1.0 - p)
        uneven += steep * steep * own_variance
        slope += steep
    raw *= questions
    slope *= questions
    apart = luck * questions + WHOLE * (uneven * questions * questions + slope * slope * section_variance)
    spread = sqrt(apart + WHOLE * slope * slope * student.variance)
    rise = (scaled(middle, raw + spread) - scaled(middle, raw - spread)) / (2 * spread)
    own = rise * rise * apart + scaled(width, raw) ** 2 / 12
    return Part(scaled(middle, raw), own, rise * slope * sqrt(WHOLE * student.variance))


def _total(parts: dict[Section, Part]) -> Score | None:
    return _score(list(parts.values()), len(parts)) if len(parts) == len(Section) else None


def _score(parts: list[Part], sections: int) -> Score:
    mean, own, common = (sum(values) for values in zip(*parts, strict=True))
    low, high = SECTION_SCORES
    return Score(mean, math.sqrt(own + common * common), low * sections, high * sections)
