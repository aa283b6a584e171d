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
from typing import Any

import numpy as np

from bonsai_core.domain import SKILLS
from bonsai_recs.select.irt import Floats, predicted, probability
from bonsai_recs.select.pool import DOMAIN_OF, GRID, SECTION_OF, SECTIONS

#: An answer in less than this part of the usual time is a rapid guess, and says nothing about ability.
RAPID = 0.10

_SECTION_OF_SKILL = SECTION_OF[DOMAIN_OF]
_STEP = float(GRID[1] - GRID[0])
_Z = np.linspace(-5.0, 5.0, 41)
_WEIGHT = np.exp(-0.5 * _Z * _Z)
_WEIGHT /= _WEIGHT.sum()


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

    __slots__ = ("_known", "_logs", "answered", "prior", "skill_means", "skill_variances")

    def __init__(self, prior: Prior = LIVE) -> None:
        self.prior = prior
        self.answered = 0
        scales = 1 if prior.one_scale else len(SECTIONS)
        self._logs: list[Floats] = [-0.5 * (GRID / prior.section) ** 2 for _ in range(scales)]
        #: Posterior, mean and variance of each scale, computed when asked for.
        self._known: list[tuple[Floats, float, float] | None] = [None] * scales
        self.skill_means: Floats = np.zeros(len(SKILLS))
        self.skill_variances: Floats = np.full(len(SKILLS), prior.skill**2)

    # What is known

    def section(self, section: int) -> tuple[Floats, float, float]:
        """A section's ability: its posterior on `GRID`, its mean and its variance, in (squared) logits."""
        scale = 0 if self.prior.one_scale else section
        known = self._known[scale]
        if known is None:
            weights: Floats = np.exp(self._logs[scale] - self._logs[scale].max())
            weights /= weights.sum()
            mean = float(weights @ GRID)
            spread = GRID - mean
            known = self._known[scale] = (weights, mean, float(weights @ (spread * spread)))
        return known

    def skill(self, skill: int) -> tuple[float, float]:
        """Mean and variance of the ability at a skill."""
        _, mean, variance = self.section(int(_SECTION_OF_SKILL[skill]))
        return mean + float(self.skill_means[skill]), variance + float(self.skill_variances[skill])

    def skills(self) -> tuple[Floats, Floats]:
        """Means and variances of the abilities at all skills."""
        sections = [self.section(number)[1:] for number in range(len(SECTIONS))]
        means, variances = np.array(sections).T
        return means[_SECTION_OF_SKILL] + self.skill_means, variances[_SECTION_OF_SKILL] + self.skill_variances

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
        _, mean, section_variance = self.section(section)
        p = predicted(GRID + deviation, variance, a, b, c)
        self._learn(section, np.log(p if right else 1.0 - p))
        if variance > 0.0:
            before, spread = mean + deviation, variance + section_variance
            after, narrowed = posterior(before, spread, right, a, b, c)
            share = variance / spread
            self.skill_means[skill] = deviation + share * (after - before)
            self.skill_variances[skill] = variance + share * share * (narrowed - spread)
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
        self._learn(section, -0.5 * ((GRID - said) / deviation) ** 2)
        for skill in skills:
            mean, _ = self.skill(skill)
            gain = float(self.skill_variances[skill]) / (float(self.skill_variances[skill]) + deviation**2)
            self.skill_means[skill] += gain * (said - mean)

    def _learn(self, section: int, log_likelihood: Floats) -> None:
        scale = 0 if self.prior.one_scale else section
        log = self._logs[scale] + log_likelihood
        self._logs[scale] = np.maximum(log - log.max(), -40.0)
        self._known[scale] = None

    def _drift(self, section: int) -> None:
        weights = self.section(section)[0]
        aside = self.prior.drift / (2.0 * _STEP * _STEP)
        padded = np.pad(weights, 1, mode="edge")
        scale = 0 if self.prior.one_scale else section
        self._logs[scale] = np.log((1.0 - 2.0 * aside) * weights + aside * (padded[:-2] + padded[2:]))
        self._known[scale] = None

    def copy(self) -> Ability:
        """An ability that can learn without this one."""
        twin = Ability(self.prior)
        twin.answered = self.answered
        twin._logs, twin._known = list(self._logs), list(self._known)
        twin.skill_means, twin.skill_variances = self.skill_means.copy(), self.skill_variances.copy()
        return twin

    # As plain data

    def document(self) -> dict[str, Any]:
        """As plain data, without the skills that are as they were at first."""
        untouched = self.prior.skill**2
        return {
            "answered": self.answered,
            "sections": [[round(float(x) * 100) for x in log - log.max()] for log in self._logs],
            "skills": {
                skill: [round(float(self.skill_means[n]), 4), round(float(self.skill_variances[n]), 5)]
                for n, skill in enumerate(SKILLS)
                if self.skill_means[n] != 0.0 or self.skill_variances[n] != untouched
            },
        }

    @classmethod
    def read(cls, document: Mapping[str, Any] | None) -> Ability:
        """From plain data; skills that are no longer known are dropped."""
        ability = cls()
        if document:
            ability.answered = document["answered"]
            logs: list[Floats] = [np.array(log) / 100.0 for log in document["sections"]]
            if [len(log) for log in logs] == [len(GRID)] * len(SECTIONS):
                ability._logs = logs
            for number, skill in enumerate(SKILLS):
                if skill in document["skills"]:
                    ability.skill_means[number], ability.skill_variances[number] = document["skills"][skill]
        return ability


def posterior(mean: float, variance: float, right: bool, a: float, b: float, c: float) -> tuple[float, float]:
    """Mean and variance of a Normal ability after an answer (arguments as in `Ability.answer`)."""
    theta = mean + math.sqrt(variance) * _Z
    p = probability(theta, a, b, c)
    weights = _WEIGHT * (p if right else 1.0 - p)
    total = float(weights.sum())
    if not total > 0.0:
        return mean, variance
    after = float(weights @ theta) / total
    spread = theta - after
    return after, float(weights @ (spread * spread)) / total
