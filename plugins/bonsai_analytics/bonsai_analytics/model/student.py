"""What the model keeps of one student: abilities with their variances, running success rates, counts. A small document.

Numbers are rounded as they are learnt, so a student read back from the store is exactly the one in memory; and a
skill is the list that the document holds, so that reading and writing cost little for the many skills that an answer
leaves alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bonsai_analytics.model.constants import Constants

#: Digits kept: a thousandth of what could matter to a prediction.
DIGITS = 5

#: One student on one skill, as a list:
#:   mean and variance of the skill above the student's general ability (and section's), in logits;
#:   answers right and wrong;
#:   fast, mid and slow running means of +1 for right and -1 for wrong, from 0;
#:   the newest three answers as digits of base 3, the newest first: 0 wrong, 1 none, 2 right (`NONE` is none at all);
#:   which answer of the student the newest one was, from 1;
#:   right answers in a row, negative for wrong ones, at most 6.
Skill = list[Any]
MEAN, VARIANCE, RIGHT, WRONG, FAST, MID, SLOW, LAST, AT, STREAK = range(10)
NONE = 13


def new_skill(constants: Constants) -> Skill:
    """A skill of which nothing is known."""
    return [0.0, constants.skill_variance, 0, 0, 0.0, 0.0, 0.0, NONE, 0, 0]


@dataclass(slots=True)
class Student:
    """One student.

    Attributes:
        mean, variance: general ability, in logits.
        right, wrong, fast, mid, slow: as a skill's.
        streak: as a skill's, at most 10.
        newest: the skill of the newest answer; `run` answers in a row were on it.
        sections: section of the test -> mean and variance of the ability in it, above the general one; answers; and the
            sum of their chances to be guessed.
    """

    mean: float
    variance: float
    right: int = 0
    wrong: int = 0
    fast: float = 0.0
    mid: float = 0.0
    slow: float = 0.0
    streak: int = 0
    newest: str = ""
    run: int = 0
    skills: dict[str, Skill] = field(default_factory=dict)
    sections: dict[str, list[float]] = field(default_factory=dict)

    @classmethod
    def new(cls, constants: Constants) -> Student:
        """A student of whom nothing is known."""
        return cls(0.0, constants.ability_variance)

    @classmethod
    def read(cls, document: Any, constants: Constants) -> Student:
        """From a document, whose lists become the student's own; None is a new student."""
        return cls(*document) if document else cls.new(constants)

    def document(self) -> list[Any]:
        """The student as it is stored: numbers in the order of the attributes."""
        return [
            self.mean,
            self.variance,
            self.right,
            self.wrong,
            self.fast,
            self.mid,
            self.slow,
            self.streak,
            self.newest,
            self.run,
            self.skills,
            self.sections,
        ]

    def section_posterior(self, section: str | None, constants: Constants) -> tuple[float, float]:
        """Mean and variance of the ability in a section of the test; with None, of the general ability."""
        if section is None:
            return self.mean, self.variance
        own = self.sections.get(section)
        if own is None:
            return self.mean, self.variance + constants.section_variance
        return self.mean + own[0], self.variance + own[1]

    def posterior(self, skill: str, section: str | None, constants: Constants) -> tuple[float, float]:
        """Mean and variance of the ability on a skill, in logits: what an item's difficulty is to be compared with."""
        mean, variance = self.section_posterior(section, constants)
        known = self.skills.get(skill)
        if known is None:
            return mean, variance + constants.skill_variance
        return mean + known[MEAN], variance + known[VARIANCE]
