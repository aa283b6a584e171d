"""What is known of a student: one ability for each section, how far each skill is off it, learnt one answer at a time.

A section's ability is kept as its whole posterior on a grid, which is exact. A skill's deviation from it is Normal: an
answer moves their sum to its exact posterior mean and variance, and the skill takes its share of the move; correlations
between the skills are not kept. Sources: R. D. Bock, R. J. Mislevy, Adaptive EAP Estimation of Ability in a
Microcomputer Environment, 1982; M. Opper, A Bayesian Approach to On-line Learning, 1998 (assumed-density filtering).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from bonsai_core.domain import SKILLS
from bonsai_recs.select.irt import Floats
from bonsai_recs.select.pool import DOMAIN_OF, GRID, SECTION_OF, SECTIONS, SKILL_NUMBER

#: An answer in less than this part of the usual time is a rapid guess, and says nothing about ability.
RAPID = 0.10

_SECTION_OF_SKILL = SECTION_OF[DOMAIN_OF]
_STEP = float(GRID[1] - GRID[0])
_Z = np.linspace(-5.0, 5.0, 41)
_WEIGHT = np.exp(-0.5 * _Z * _Z)
_WEIGHT /= _WEIGHT.sum()
#: Times weights, these are their sum and their first two moments.
_MOMENTS = np.stack((np.ones_like(GRID), GRID, GRID * GRID))
_Z_MOMENTS = np.stack((np.ones_like(_Z), _Z, _Z * _Z))
#: No ability becomes less likely than this, next to the likeliest: what seemed impossible can still turn out true.
_LEAST = math.exp(-40.0)


@dataclass(frozen=True, slots=True)
class Prior:
    """What is known before the first answer, in logits.

    Attributes:
        section, skill: standard deviations between students; a skill's is that of its deviation from the section.
        drift: what an answer adds to the variance of its section and of its skill, since students learn.
        one_scale: whether both sections measure the same ability, as in simulations of a single scale.
    """

    section: float = 1.0
    skill: float = 0.45
    drift: float = 0.003
    one_scale: bool = False


LIVE = Prior()
ONE_SCALE = Prior(skill=0.0, drift=0.0, one_scale=True)


class Ability:
    """One student's abilities.

    Attributes:
        answered: answers that counted.
        skill_means, skill_variances: of the skills' deviations from their section, by number of the skill.
    """

    __slots__ = ("_known", "_logs", "_moved", "_stored", "answered", "prior", "skill_means", "skill_variances")

    def __init__(self, prior: Prior = LIVE) -> None:
        self.prior = prior
        self.answered = 0
        scales = 1 if prior.one_scale else len(SECTIONS)
        #: Posterior, mean and variance of each scale. The arrays are never changed.
        self._known: list[tuple[Floats, float, float]] = [_at_first(prior.section)] * scales
        #: The scales (None: moved since) and skills of the document that was read, and the skills that moved since.
        self._logs: list[list[int] | None] = [None] * scales
        self._stored: dict[str, list[float]] = {}
        self._moved: set[int] = set()
        self.skill_means: Floats = np.zeros(len(SKILLS))
        self.skill_variances: Floats = np.full(len(SKILLS), prior.skill**2)

    # What is known

    def section(self, section: int) -> tuple[Floats, float, float]:
        """A section's ability: its posterior on `GRID`, its mean and its variance, in (squared) logits."""
        return self._known[0 if self.prior.one_scale else section]

    def skill(self, skill: int) -> tuple[float, float]:
        """Mean and variance of the ability at a skill."""
        _, mean, variance = self.section(int(_SECTION_OF_SKILL[skill]))
        return mean + float(self.skill_means[skill]), variance + float(self.skill_variances[skill])

    def skills(self) -> tuple[Floats, Floats]:
        """Means and variances of the abilities at all skills."""
        sections = np.array([self.section(number)[1:] for number in range(len(SECTIONS))])
        means, variances = sections.T.take(_SECTION_OF_SKILL, axis=1)
        return means + self.skill_means, variances + self.skill_variances

    # What is learnt

    def answer(self, skill: int, right: bool, a: float, b: float, c: float) -> None:
        """Learn from an answer to an item.

        Args:
            skill: the item's, by number.
            right: whether the answer was.
            a, b, c: the item's discrimination, difficulty and chance of guessing right.
        """
        section = int(_SECTION_OF_SKILL[skill])
        deviation, variance = float(self.skill_means[skill]), float(self.skill_variances[skill])
        if self.prior.drift:
            self._drift(section)
            variance += self.prior.drift
        weights, mean, section_variance = self.section(section)
        # As `irt.predicted`, at all abilities of the grid: a logistic curve, flatter for what the skill may be off.
        slope = 0.5 * a / math.sqrt(1.0 + math.pi / 8.0 * a * a * variance)
        half = 0.5 * (1.0 - c)
        p = (c + half) + half * np.tanh(slope * GRID + slope * (deviation - b))
        self._learn(section, weights * (p if right else 1.0 - p))
        if variance > 0.0:
            before, spread = mean + deviation, variance + section_variance
            after, narrowed = posterior(before, spread, right, a, b, c)
            share = variance / spread
            self.skill_means[skill] = deviation + share * (after - before)
            self.skill_variances[skill] = variance + share * share * (narrowed - spread)
            self._moved.add(skill)
        self.answered += 1

    def hear(self, section: int, level: float, deviation: float, skills: Iterable[int] = ()) -> None:
        """Take in what somebody else says about the student's ability in a section.

        Args:
            level: share of middling questions that would be answered right, 0..1.
            deviation: how far off that may be, in logits.
            skills: of which skills of the section it is said; none for all of it.
        """
        level = min(max(level, 0.03), 0.97)
        said = math.log(level / (1.0 - level))
        self._learn(section, self.section(section)[0] * np.exp(-0.5 * ((GRID - said) / deviation) ** 2))
        for skill in skills:
            mean, _ = self.skill(skill)
            gain = float(self.skill_variances[skill]) / (float(self.skill_variances[skill]) + deviation**2)
            self.skill_means[skill] += gain * (said - mean)
            self._moved.add(skill)

    def _learn(self, section: int, weights: Floats) -> None:
        """Take over a posterior, of whatever sum."""
        scale = 0 if self.prior.one_scale else section
        self._known[scale], self._logs[scale] = _known(weights), None

    def _drift(self, section: int) -> None:
        weights = self.section(section)[0]
        aside = self.prior.drift / (2.0 * _STEP * _STEP)
        moved = aside * weights
        drifted = (1.0 - 2.0 * aside) * weights
        drifted[1:] += moved[:-1]
        drifted[:-1] += moved[1:]
        drifted[0] += moved[0]  # what would leave the grid stays at its edge
        drifted[-1] += moved[-1]
        self._learn(section, drifted)

    def copy(self) -> Ability:
        """An ability that can learn without this one."""
        twin = Ability(self.prior)
        twin.answered = self.answered
        twin._known, twin._logs = list(self._known), list(self._logs)
        twin._stored, twin._moved = self._stored, self._moved.copy()
        twin.skill_means, twin.skill_variances = self.skill_means.copy(), self.skill_variances.copy()
        return twin

    # As plain data

    def document(self) -> dict[str, Any]:
        """As plain data, without the skills that are as they were at first."""
        skills = self._stored
        for number in self._moved:
            mean, variance = float(self.skill_means[number]), float(self.skill_variances[number])
            skills = {**skills, SKILLS[number]: [round(mean, 4), round(variance, 5)]}
        return {
            "answered": self.answered,
            "sections": [
                logs or _logarithms(weights) for logs, (weights, _, _) in zip(self._logs, self._known, strict=True)
            ],
            "skills": skills,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any] | None) -> Ability:
        """From plain data; skills that are no longer known are dropped."""
        ability = cls()
        if document:
            ability.answered = document["answered"]
            if [len(log) for log in document["sections"]] == [len(GRID)] * len(SECTIONS):
                ability._logs = document["sections"]
                weights = np.exp(np.array(ability._logs) * 0.01)
                sums = (weights @ _MOMENTS.T).tolist()
                ability._known = [_told(row, *three) for row, three in zip(weights, sums, strict=True)]
            ability._stored = {skill: kept for skill, kept in document["skills"].items() if skill in SKILL_NUMBER}
            for skill, (mean, variance) in ability._stored.items():
                number = SKILL_NUMBER[skill]
                ability.skill_means[number], ability.skill_variances[number] = mean, variance
        return ability


def posterior(mean: float, variance: float, right: bool, a: float, b: float, c: float) -> tuple[float, float]:
    """Mean and variance of a Normal ability after an answer (arguments as in `Ability.answer`)."""
    deviation = math.sqrt(variance)
    slope, half = 0.5 * a, 0.5 * (1.0 - c)
    p = (c + half) + half * np.tanh(slope * deviation * _Z + slope * (mean - b))
    total, first, second = (_Z_MOMENTS @ (_WEIGHT * (p if right else 1.0 - p))).tolist()
    if not total > 0.0:
        return mean, variance
    middle = first / total
    return mean + deviation * middle, variance * (second / total - middle * middle)


def _known(weights: Floats) -> tuple[Floats, float, float]:
    """A posterior on `GRID`, of whatever sum, as `Ability.section` tells it."""
    total, first, second = (_MOMENTS @ weights).tolist()
    return _told(np.maximum(weights, weights.max() * _LEAST), total, first, second)


def _told(weights: Floats, total: float, first: float, second: float) -> tuple[Floats, float, float]:
    mean = first / total
    weights /= total
    return weights, mean, second / total - mean * mean


def _logarithms(weights: Floats) -> list[int]:
    """A posterior as it is stored: hundredths of the logarithm, below the likeliest ability's."""
    logs: list[int] = np.rint(100.0 * np.log(weights / weights.max())).astype(np.int64).tolist()
    return logs


@lru_cache(maxsize=16)
def _at_first(deviation: float) -> tuple[Floats, float, float]:
    """A section's ability before the first answer, as `Ability.section` tells it."""
    return _known(np.exp(-0.5 * (GRID / deviation) ** 2))
