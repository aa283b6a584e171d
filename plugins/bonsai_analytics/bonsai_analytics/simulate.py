"""Simulated students practise, and then sit a test: how often the intervals of their predicted scores hold.

For `bonsai analytics simulate`. Abilities are drawn as the model has them (`Constants`); questions are those of a bank
that judges their difficulty as well as the server believes of banks, and learn their real difficulty from everybody's
answers. What is predicted is compared with the student's true score, which their abilities are worth, and with the
score of one test.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Any

from bonsai_analytics.live import BANK_VARIANCE
from bonsai_analytics.model import scores, shared
from bonsai_analytics.model.constants import Constants, shipped
from bonsai_analytics.model.learner import Known, Learner
from bonsai_analytics.model.simulated import chance
from bonsai_analytics.model.student import Student
from bonsai_core.domain import DOMAINS, Section

#: Chance to guess right; every fourth Math question is a typed answer.
GUESS = {Section.READING_AND_WRITING: (0.25,), Section.MATH: (0.25, 0.25, 0.25, 0.0)}
#: Questions of a bank by skill and band.
QUESTIONS = 4
BANDS = range(1, 8)
#: Difficulties that stand for all of a form's.
_FORM = [NormalDist(0.0, math.sqrt(scores.FORM_VARIANCE)).inv_cdf((k + 0.5) / 21) for k in range(21)]
_SHARES = {
    section: {skill: d.share / len(d.skills) for d in DOMAINS if d.section is section for skill in d.skills}
    for section in Section
}


@dataclass
class Held:
    """How often intervals held.

    Attributes:
        predictions: how many there were.
        true, test: of these, whose interval held the true score, and the score of a test.
        squares: sum of squared errors of the prediction, against the true score.
        widths: sum of the widths of the true score's intervals.
    """

    predictions: int = 0
    true: int = 0
    test: int = 0
    squares: float = 0.0
    widths: float = 0.0

    def add(self, told: scores.Score, true: float, test: float) -> None:
        """Count a prediction."""
        self.predictions += 1
        self.true += told.low <= true <= told.high
        self.test += told.test_low <= test <= told.test_high
        self.squares += (told.mean - true) ** 2
        self.widths += told.high - told.low

    def __add__(self, other: Held) -> Held:
        return Held(*(getattr(self, name) + getattr(other, name) for name in self.__dataclass_fields__))

    def document(self) -> dict[str, float]:
        """With the names of the JSON output."""
        n = max(self.predictions, 1)
        return {
            "predictions": self.predictions,
            "trueScores": round(self.true / n, 4),
            "tests": round(self.test / n, 4),
            "rmse": round(math.sqrt(self.squares / n), 1),
            "width": round(self.widths / n, 1),
        }


@dataclass
class Outcome:
    """What came of it: by number of answers in each section, for single sections and for the total."""

    sections: dict[int, Held] = field(default_factory=dict)
    totals: dict[int, Held] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """With the names of the JSON output."""
        by_length = [
            {"answers": n, "sections": self.sections[n].document(), "totals": self.totals[n].document()}
            for n in self.sections
        ]
        every = [sum(held.values(), Held()).document() for held in (self.sections, self.totals)]
        return {"byAnswers": by_length, "all": {"sections": every[0], "totals": every[1]}}


class _Person:
    """A simulated student: what they can do, and what the server thinks they can."""

    def __init__(self, rng: random.Random, constants: Constants) -> None:
        def normal(variance: float) -> float:
            return rng.gauss(0.0, math.sqrt(variance))

        general = normal(constants.ability_variance)
        self.skills = {
            section: {skill: in_section + normal(constants.skill_variance) for skill in _SHARES[section]}
            for section in Section
            for in_section in (general + normal(constants.section_variance),)
        }
        self.known = Student.new(constants)

    def true_score(self, section: Section) -> float:
        """What the abilities are worth in a section."""
        middle, _ = scores.tables()[section]
        share = sum(
            part * chance(self.skills[section][skill] - difficulty, guess)
            for skill, part in _SHARES[section].items()
            for difficulty in _FORM
            for guess in GUESS[section]
        ) / (len(_FORM) * len(GUESS[section]))
        return scores.scaled(middle, share * (len(middle) - 1))

    def sit(self, section: Section, rng: random.Random) -> int:
        """The score of a test of one section."""
        middle, width = scores.tables()[section]
        asked = rng.choices(list(_SHARES[section]), list(_SHARES[section].values()), k=len(middle) - 1)
        spread, guesses = math.sqrt(scores.FORM_VARIANCE), GUESS[section]
        raw = sum(
            rng.random() < chance(self.skills[section][skill] - rng.gauss(0.0, spread), guesses[n % len(guesses)])
            for n, skill in enumerate(asked)
        )
        score = round((middle[raw] + (rng.random() - 0.5) * width[raw]) / 10) * 10
        return min(max(score, 200), 800)


def simulate(
    students: int, seed: int, lengths: Sequence[int], progress: Callable[[int], None] = lambda done: None
) -> Outcome:
    """Let students practise one after the other.

    Args:
        lengths: after how many answers in each section scores are predicted, at least
            `scores.LEAST_ANSWERS`.
        progress: told how many students are done.
    """
    rng, constants = random.Random(seed), shipped()
    learner = Learner(constants)
    skills = {section: (list(shares), list(shares.values())) for section, shares in _SHARES.items()}
    difficulties: dict[str, float] = {}
    items: dict[str, shared.Aggregate] = {}
    outcome = Outcome({n: Held() for n in lengths}, {n: Held() for n in lengths})
    for number in range(students):
        person = _Person(rng, constants)
        for answered in range(1, max(lengths) + 1):
            for section in Section:
                skill = rng.choices(*skills[section])[0]
                band, copy = rng.choice(BANDS), rng.randrange(QUESTIONS)
                item, judged = f"{skill} {band} {copy}", (band - 4) * 0.8
                if item not in difficulties:
                    difficulties[item] = judged + rng.gauss(0.0, math.sqrt(BANK_VARIANCE))
                guess = GUESS[section][copy % len(GUESS[section])]
                forecast = learner.forecast(
                    person.known,
                    skill,
                    of_item=items.get(item),
                    known=Known(judged, BANK_VARIANCE, guess),
                    section=str(section),
                )
                right = rng.random() < chance(person.skills[section][skill] - difficulties[item], guess)
                learnt = learner.learn(person.known, forecast, right)
                if learnt.item is not None:
                    items[item] = shared.fold(items.get(item), (learnt.item,))
            if answered in outcome.sections:
                _compare(person, answered, outcome, rng, constants)
        progress(number + 1)
    return outcome


def _compare(person: _Person, answered: int, outcome: Outcome, rng: random.Random, constants: Constants) -> None:
    true, test = 0.0, 0
    for section, told in scores.predict(person.known, constants).items():
        here, now = person.true_score(section), person.sit(section, rng)
        outcome.sections[answered].add(told, here, now)
        true, test = true + here, test + now
    total = scores.total(person.known, constants)
    assert total is not None
    outcome.totals[answered].add(total, true, test)
