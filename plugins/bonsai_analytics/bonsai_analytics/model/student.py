"""What the model keeps of one student: abilities with their variances, running success rates, counts. A small document.

Numbers are rounded as they are learnt, so a student read back from the store is exactly the one in memory; and a
skill is the list that the document holds, so that reading and writing cost little for the many skills that an answer
leaves alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from bonsai_analytics.model.constants import Constants
from bonsai_core.domain import Section

#: Digits kept: a thousandth of what could matter to a prediction.
DIGITS = 5
SECTIONS = tuple(map(str, Section))

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


#: One student in one section of the test, as a list: mean and variance of the ability in it, in logits; its covariance
#: with the general ability; answers; the sum of their chances to be guessed.
InSection = list[float]
COVARIANCE, ANSWERS, GUESSES = range(2, 5)


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
        sections: the sections of the test, from the first answer in one of them.
        across: covariance of the abilities in the two sections.
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
    sections: dict[str, InSection] = field(default_factory=dict)
    across: float = 0.0

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
            self.across,
        ]

    def section_posterior(self, section: str | None, constants: Constants) -> tuple[float, float]:
        """Mean and variance of the ability in a section of the test; with None, of the general ability."""
        if section is None:
            return self.mean, self.variance
        own = self.sections.get(section)
        if own is None:
            return self.mean, self.variance + constants.section_variance
        return own[MEAN], own[VARIANCE]

    def posterior(self, skill: str, section: str | None, constants: Constants) -> tuple[float, float]:
        """Mean and variance of the ability on a skill, in logits: what an item's difficulty is to be compared with."""
        mean, variance = self.section_posterior(section, constants)
        known = self.skills.get(skill)
        if known is None:
            return mean, variance + constants.skill_variance
        return mean + known[MEAN], variance + known[VARIANCE]

    def move(self, section: str | None, gain: float, information: float, constants: Constants) -> None:
        """Learn about the general ability and those in the sections, which are jointly normal.

        Args:
            section: in which the answer was; None: outside the test, where only the general ability counts.
            gain: how far a mean goes, per unit of covariance with the ability that the answer was about.
            information: how much a variance shrinks, per squared unit of it.
        """
        c = constants
        if section is not None and not self.sections:
            whole = self.variance + c.section_variance
            self.sections = {name: [self.mean, whole, self.variance, 0, 0.0] for name in SECTIONS}
            self.across = self.variance
        about = self.sections[section] if section is not None else None
        with_general = self.variance if about is None else about[COVARIANCE]
        # What happens outside the test does not make its abilities wander.
        drift, common = (c.ability_drift, 0.0) if about is None else (c.test_drift, c.test_drift)
        product = information
        for own in self.sections.values():
            shared = own[COVARIANCE] if about is None else own[VARIANCE] if own is about else self.across
            most = c.ability_variance + c.section_variance
            own[MEAN] = round(own[MEAN] + shared * gain, DIGITS)
            own[VARIANCE] = after(own[VARIANCE], shared * shared * information, common, most)
            own[COVARIANCE] = after(own[COVARIANCE], shared * with_general * information, common, c.ability_variance)
            product *= shared
        if self.sections:
            self.across = after(self.across, product, common, c.ability_variance)
        self.mean = round(self.mean + with_general * gain, DIGITS)
        self.variance = after(self.variance, with_general * with_general * information, drift, c.ability_variance)


def after(before: float, less: float, drift: float, most: float) -> float:
    """A variance or covariance after an answer: less what was learnt, plus drift, at most what it was at first."""
    return round(min(before - less + drift, most), DIGITS)
