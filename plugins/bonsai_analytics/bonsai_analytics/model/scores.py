"""Predicted scores of the digital SAT, from what is known of a student's abilities.

The expected raw score on a form is integrated over the ability's posterior, skill by skill with the blueprint's shares,
and put through the scoring tables of the published practice tests 4 to 8. Those tables are of the linear paper form (66
and 54 questions); the app's adaptive form has none that are public.

There are two 80 % intervals. One is for the true score, the one that the abilities are worth: what very many tests
taken now would come to on average. It holds the uncertainty of the abilities. The other is for one test taken now, so
it also holds the luck of a test and the range that the tables give for one raw score.
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
from bonsai_analytics.model.student import ANSWERS, GUESSES, MEAN, VARIANCE, Student
from bonsai_core.domain import DOMAINS, SECTION_SCORES, Section

TABLES = Path(__file__).parent.parent / "data" / "scores.json"

#: Answers in a section before its score is told.
LEAST_ANSWERS = 10
#: Variance of a form's difficulties around band 4, in squared logits: bands are .8 apart, and a form has all of them.
FORM_VARIANCE = 1.4
#: Half the distance of two scores: a score in tens stands for all that is so near.
HALF = 5


@dataclass(frozen=True, slots=True)
class Score:
    """A predicted score.

    Attributes:
        mean: the prediction, before it is rounded to tens.
        deviation, test_deviation: standard deviation of the true score, and of a test taken now.
        least, most: what is possible.
    """

    mean: float
    deviation: float
    test_deviation: float
    least: int
    most: int

    @property
    def score(self) -> int:
        """The prediction, in tens like all scores."""
        return self._tens(self.mean)

    @property
    def low(self) -> int:
        """The lower end of the true score's 80 % interval."""
        return self._tens(self.mean - Z80 * self.deviation)

    @property
    def high(self) -> int:
        """The upper end of the true score's 80 % interval."""
        return self._tens(self.mean + Z80 * self.deviation)

    @property
    def test_low(self) -> int:
        """The lower end of the 80 % interval of a test taken now, whose score is in tens."""
        return self._tens(self.mean - Z80 * self.test_deviation + HALF)

    @property
    def test_high(self) -> int:
        """The upper end of the 80 % interval of a test taken now."""
        return self._tens(self.mean + Z80 * self.test_deviation - HALF)

    def chance(self, target: float) -> float:
        """The chance to reach a target in a test taken now."""
        return 0.5 * math.erfc((target - HALF - self.mean) / (max(self.test_deviation, 1e-6) * math.sqrt(2)))

    def told(self) -> dict[str, int]:
        """The intervals as payloads say them."""
        return {"low": self.low, "high": self.high, "testLow": self.test_low, "testHigh": self.test_high}

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
        slope: how much it changes with the ability in the section, in points a logit.
        variance: of that ability.
        skills: variance of the score due to the skills.
        luck: variance of a test's score around it.
    """

    mean: float
    slope: float
    variance: float
    skills: float
    luck: float


def predict(student: Student, constants: Constants) -> dict[Section, Score]:
    """The predicted score of every section with enough answers."""
    return {section: _score([part], 0.0) for section, part in _parts(student, constants).items()}


def total(student: Student, constants: Constants) -> Score | None:
    """The predicted total; None unless both sections have enough answers."""
    return _total(student, _parts(student, constants))


def shown(student: Student, constants: Constants) -> dict[str, Any] | None:
    """The `score` of an update; None while no section has enough answers, the total only when both have."""
    parts = _parts(student, constants)
    if not parts:
        return None
    scores = {str(section): _score([part], 0.0) for section, part in parts.items()}
    told: dict[str, Any] = {"sections": {name: {"score": s.score, **s.told()} for name, s in scores.items()}}
    whole = _total(student, parts)
    return told if whole is None else told | {"total": whole.score, **whole.told()}


def _parts(student: Student, constants: Constants) -> dict[Section, Part]:
    return {
        section: _part(student, section, constants)
        for section in Section
        if (own := student.sections.get(section)) is not None and own[ANSWERS] >= LEAST_ANSWERS
    }


def _part(student: Student, section: Section, constants: Constants) -> Part:
    """A section's score: the raw score's mean over the posterior, its spread by the slopes (the delta method)."""
    own = student.sections[section]
    guess = own[GUESSES] / own[ANSWERS]
    middle, width = tables()[section]
    questions = len(middle) - 1
    reach, exp, sqrt = 1.0 - guess - constants.slip, math.exp, math.sqrt
    mean, variance = own[MEAN], own[VARIANCE] + FORM_VARIANCE
    raw = luck = uneven = slope = 0.0
    for share, squares, own_mean, own_variance in _skills(student, section, constants):
        flat = 1.0 / sqrt(1.0 + ATTENUATION * (variance + own_variance))
        s = 1.0 / (1.0 + exp(min((mean + own_mean) * -flat, 500.0)))
        p, steep = guess + reach * s, reach * s * (1.0 - s) * flat
        raw += share * p
        luck += share * p * (1.0 - p)
        uneven += squares * steep * steep * own_variance
        slope += share * steep
    raw, luck, uneven, slope = raw * questions, luck * questions, uneven * questions**2, slope * questions
    # The table is not straight: its slope is that of the chord over what the raw score may be.
    spread = sqrt(luck + uneven + slope * slope * own[VARIANCE])
    rise = (scaled(middle, raw + spread) - scaled(middle, raw - spread)) / (2 * spread)
    return Part(
        scaled(middle, raw),
        rise * slope,
        own[VARIANCE],
        rise * rise * uneven,
        rise * rise * luck + scaled(width, raw) ** 2 / 12,
    )


def _skills(student: Student, section: Section, constants: Constants) -> list[tuple[float, float, float, float]]:
    """Share of the section's questions, sum of squared shares, mean and variance, by skill; the unknown ones as one."""
    known, found, rest, squares = student.skills, [], 0.0, 0.0
    for skill, share in _SKILL_SHARES[section]:
        own = known.get(skill)
        if own is None:
            rest += share
            squares += share * share
        else:
            found.append((share, share * share, own[MEAN], own[VARIANCE]))
    if rest:
        found.append((rest, squares, 0.0, constants.skill_variance))
    return found


def _total(student: Student, parts: dict[Section, Part]) -> Score | None:
    return _score(list(parts.values()), student.across) if len(parts) == len(Section) else None


def _score(parts: list[Part], covariance: float) -> Score:
    """One section's score, or the total of both.

    Args:
        covariance: of the abilities in the sections.
    """
    variance = sum(part.slope**2 * part.variance + part.skills for part in parts)
    variance += 2.0 * covariance * math.prod(part.slope for part in parts) if len(parts) > 1 else 0.0
    luck = sum(part.luck for part in parts)
    low, high = SECTION_SCORES
    return Score(
        sum(part.mean for part in parts),
        math.sqrt(variance),
        math.sqrt(variance + luck),
        low * len(parts),
        high * len(parts),
    )
