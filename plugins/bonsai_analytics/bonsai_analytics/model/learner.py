"""The online update: what is expected of an answer, and what is learnt from it.

An answer is right with probability `guess + (1 - guess - slip) * sigmoid(ability - difficulty)` (a four-parameter
logistic: Barton and Lord, 1981). Ability is general ability plus the student's on the section and on the skill;
difficulty is the question's known one, or its skill's, plus what answers so far say of the question. All of these are
normal with a mean and a variance. An answer moves their sum to its posterior mean and variance (assumed-density
filtering: M. Opper, A Bayesian Approach to On-line Learning, 1998), and each of them by its share (Glickman's rating
system, Applied Statistics 48, 1999, has the same form), so steps shrink as certainty grows, and drift keeps them from
vanishing. On top, a logistic layer sees the estimate next to counts, recent success rates
and streaks (performance factors analysis: Pavlik, Cen and Koedinger, AIED 2009; best-LR: Gervet et al., JEDM 12, 2020).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from operator import mul
from typing import NamedTuple

from bonsai_analytics.model import calibration
from bonsai_analytics.model.constants import Constants
from bonsai_analytics.model.shared import WIDTH, Aggregate, Delta, difficulty, usual_seconds
from bonsai_analytics.model.student import (
    ANSWERS,
    AT,
    DIGITS,
    FAST,
    GUESSES,
    LAST,
    MEAN,
    MID,
    NONE,
    RIGHT,
    SLOW,
    STREAK,
    VARIANCE,
    WRONG,
    Skill,
    Student,
    after,
    new_skill,
)

#: Features of the logistic layer, in the order of `Forecast.features`.
FEATURES = (
    "logit", "ability", "skillAbility", "ease", "itemEase", "abilityVariance", "skillVariance", "itemVariance",
    "skillRight", "skillWrong", "right", "wrong", "skillFast", "skillMid", "skillSlow", "fast", "mid", "slow",
    "streak", "skillStreak", "first", "begin", "same", "run", "gap", "last", "last2", "last3", "history",
    "skills", "answers",
)  # fmt: skip
#: Features that weigh differently when the question has an id, and when its difficulty is known.
WITH_ITEM = (
    "ability", "skillAbility", "ease", "logit", "fast", "mid", "skillFast", "skillMid", "skillRight", "skillWrong",
    "right", "wrong", "streak", "first", "skillStreak",
)  # fmt: skip
WITH_KNOWN = ("logit", "ease", "itemEase", "itemVariance")
#: Names of all weights; "has*" and "known*" alone are offsets.
WEIGHTS = (
    *FEATURES,
    "has*",
    *(f"has*{name}" for name in WITH_ITEM),
    "known*",
    *(f"known*{name}" for name in WITH_KNOWN),
)

#: Spread of a logit that makes sigmoid(x / sqrt(1 + ATTENUATION * variance)) the mean of sigmoid over a normal: pi / 8.
ATTENUATION = math.pi / 8
#: Strength of the belief that a history means on this skill what it means on others, in answers.
HISTORY_PRIOR = 10.0
#: An answer given in less than this part of the usual time is a rapid guess (Wise and Kong, 2005; 10 % by Wise and
#: Ma, 2012).
RAPID = 0.1
#: Timed answers before a question's, and a skill's, usual time is relied on.
TIMED_ITEM, TIMED_SKILL = 5, 20
_LOG1P = [math.log1p(number) for number in range(2048)]


def sigmoid(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-x))
    e = math.exp(x)
    return e / (1.0 + e)


def _log1p(number: int) -> float:
    return _LOG1P[number] if number < 2048 else math.log1p(number)


@dataclass(slots=True, frozen=True)
class Known:
    """What a bank says of a question.

    Attributes:
        difficulty: in logits.
        variance: how far that may be off, in squared logits.
        guess: chance of a right answer without knowledge.
    """

    difficulty: float
    variance: float
    guess: float = 0.0


@dataclass(slots=True)
class Forecast:
    """What was expected before an answer, and what `learn` needs afterwards.

    Attributes:
        p: probability that the answer is right, strictly between 0 and 1.
        ability_p: the same by abilities and difficulties alone, without the logistic layer.
        usual: usual seconds for the question, or None.
    """

    p: float
    ability_p: float
    usual: float | None
    features: list[float]
    skill_name: str
    skill: Skill | None
    section: str | None
    has_item: bool
    known: bool
    logit: float
    spread: float
    item: tuple[float, float]
    base: tuple[float, float]
    guess: float
    digits: int
    layer: tuple[float, float]


class Learnt(NamedTuple):
    """Contributions of one answer.

    Attributes:
        item, skill: for `shared.fold`; no item without an id.
        everyone: for `calibration.fold`; None for a rapid guess.
    """

    item: Delta | None
    skill: Delta
    everyone: Delta | None


class Learner:
    """The model with its constants. Holds no state of its own: students and aggregates are handed in.

    Args:
        constants: fitted ones.
    """

    def __init__(self, constants: Constants) -> None:
        self.constants = constants
        self._weights = [self._regime(constants, has, known) for has, known in ((0, 0), (1, 0), (1, 1))]
        self._usual_logits = [math.log(rate / (1.0 - rate)) for rate in constants.history_rates]

    def _history(self, digits: int, right: int, number: int) -> float:
        rate = self.constants.history_rates[digits]
        return math.log((right + HISTORY_PRIOR * rate) / (number - right + HISTORY_PRIOR * (1.0 - rate)))

    @staticmethod
    def _regime(constants: Constants, has: int, known: int) -> tuple[float, list[float]]:
        w = constants.weights
        bias = constants.bias + has * w.get("has*", 0.0) + known * w.get("known*", 0.0)
        return bias, [
            w.get(name, 0.0) + has * w.get(f"has*{name}", 0.0) + known * w.get(f"known*{name}", 0.0)
            for name in FEATURES
        ]

    def forecast(
        self,
        student: Student,
        skill: str,
        *,
        of_skill: Aggregate | None = None,
        of_item: Aggregate | None = None,
        of_all: calibration.Sums | None = None,
        has_item: bool = True,
        known: Known | None = None,
        section: str | None = None,
        expected_seconds: float | None = None,
    ) -> Forecast:
        """What to expect of a student's next answer.

        Args:
            of_skill, of_item: what all students' answers tell (`shared.fold`); None when nothing.
            of_all: the same of all answers (`calibration.fold`).
            has_item: whether the question has an id at all.
            known: its difficulty, if a bank tells.
            section: of the test, if the skill is the test's.
            expected_seconds: the bank's, until answers tell better.
        """
        c = self.constants
        mine = student.skills.get(skill)
        skill_mean, skill_variance = (mine[MEAN], mine[VARIANCE]) if mine else (0.0, c.skill_variance)
        if known is not None:
            base, base_variance = known.difficulty, 0.0
            item, item_variance = difficulty(of_item, known.variance)
            guess = max(known.guess, c.guess)
        else:
            base, base_variance = difficulty(of_skill, c.skill_difficulty_variance)
            base += c.skill_difficulty
            item, item_variance = difficulty(of_item, c.item_variance) if has_item else (0.0, 0.0)
            guess = c.guess
        mean, variance = student.section_posterior(section, c)
        logit = mean + skill_mean - base - item
        spread = variance + skill_variance + base_variance + item_variance
        soft = logit / math.sqrt(1.0 + ATTENUATION * spread)

        answers = student.right + student.wrong
        if mine is not None:
            _, _, right, wrong, fast, mid, slow, digits, at, streak = mine
            gap, first = _log1p(max(0, answers - at)), 0.0
        else:
            digits, gap, first, right, wrong, streak, fast, mid, slow = NONE, 0.0, 1.0, 0, 0, 0, 0.0, 0.0, 0.0
        found = of_skill[WIDTH].get(str(digits)) if of_skill is not None and len(of_skill) > WIDTH else None
        history = self._usual_logits[digits] if found is None else self._history(digits, *found)
        same = skill == student.newest
        features = [
            soft, student.mean, skill_mean, -base, -item, student.variance, skill_variance, item_variance,
            _log1p(right), _log1p(wrong), _log1p(student.right), _log1p(student.wrong),
            fast, mid, slow, student.fast, student.mid, student.slow,
            student.streak, streak, first, 0.0 if answers else 1.0, 1.0 if same else 0.0,
            _log1p(student.run) if same else 0.0, gap,
            digits // 9 - 1, digits // 3 % 3 - 1, digits % 3 - 1, history, _log1p(len(student.skills)), _log1p(answers),
        ]  # fmt: skip
        bias, weights = self._weights[2 if known is not None else 1 if has_item else 0]
        x = max(-12.0, min(12.0, bias + sum(map(mul, weights, features))))
        a, b = calibration.line(of_all)
        z = max(-12.0, min(12.0, a + b * x))
        usual = usual_seconds(of_item, TIMED_ITEM) or expected_seconds or usual_seconds(of_skill, TIMED_SKILL)
        reach = 1.0 - guess - c.slip
        return Forecast(
            p=guess + reach * sigmoid(z),
            ability_p=guess + reach * sigmoid(soft),
            usual=usual,
            features=features,
            skill_name=skill,
            skill=mine,
            section=section,
            has_item=has_item,
            known=known is not None,
            logit=logit,
            spread=spread,
            item=(item, item_variance),
            base=(base, base_variance),
            guess=guess,
            digits=digits,
            layer=(x, z),
        )

    def learn(self, student: Student, forecast: Forecast, correct: bool, seconds: float = 0.0) -> Learnt:
        """Take an answer in.

        Args:
            student: is changed.
            forecast: made for this answer just before.
            seconds: how long it took; 0: not known. A rapid guess changes no estimate.

        Returns:
            What all students' answers to the question, on the skill, and all in all are to learn from it.
        """
        if is_rapid(forecast, seconds):
            return Learnt([0.0, 0.0, -1, 0.0] if forecast.has_item else None, [0.0, 0.0, -1, 0.0, 0], None)
        c, y = self.constants, 1.0 if correct else 0.0
        gain, information = self._taught(forecast, correct)
        skill = forecast.skill
        if skill is None:
            skill = student.skills[forecast.skill_name] = new_skill(c)
        student.move(forecast.section, gain, information, c)
        variance = skill[VARIANCE]
        skill[MEAN] = round(skill[MEAN] + variance * gain, DIGITS)
        skill[VARIANCE] = after(variance, variance * variance * information, c.skill_drift, c.skill_variance)
        if forecast.section is not None:
            own = student.sections[forecast.section]
            own[ANSWERS] += 1
            own[GUESSES] = round(own[GUESSES] + forecast.guess, DIGITS)
        self._count(student, skill, forecast.skill_name, correct)

        reach = 1.0 - forecast.guess - c.slip
        s = sigmoid(max(-15.0, min(15.0, forecast.logit)))
        p = forecast.guess + reach * s
        slope, noise, surprise = reach * s * (1.0 - s), p * (1.0 - p), y - p
        item_delta: Delta | None = None
        if forecast.has_item:
            item_delta = [*_points_at(forecast.item, forecast, slope, noise, surprise), int(correct), seconds]
        if forecast.known:
            at_skill = (0.0, 0.0)
        else:
            prior = (forecast.base[0] - c.skill_difficulty, forecast.base[1])
            at_skill = _points_at(prior, forecast, slope, noise, surprise)
        x, z = forecast.layer
        s = sigmoid(z)
        surprise, slope, noise = y - forecast.p, reach * s * (1.0 - s), forecast.p * (1.0 - forecast.p)
        return Learnt(
            item_delta,
            [*at_skill, int(correct), seconds, forecast.digits],
            calibration.contribution(x, z, surprise, slope, noise),
        )

    def _taught(self, forecast: Forecast, correct: bool) -> tuple[float, float]:
        """How an answer moves the sum of abilities less difficulties: first and negative second derivative of the
        logarithm of its probability, by the sum's mean. Times (co)variances, these are steps of means and variances."""
        reach = 1.0 - forecast.guess - self.constants.slip
        flat = 1.0 / math.sqrt(1.0 + ATTENUATION * forecast.spread)
        s = sigmoid(max(-15.0, min(15.0, forecast.logit * flat)))
        p = forecast.guess + reach * s
        slope = reach * flat * s * (1.0 - s)
        curve = slope * flat * (1.0 - 2.0 * s)
        gain, bend = (slope / p, curve / p) if correct else (-slope / (1.0 - p), -curve / (1.0 - p))
        # A right answer that is most likely a guess would tell less than nothing.
        return gain, max(gain * gain - bend, 0.0)

    def _count(self, student: Student, skill: Skill, name: str, correct: bool) -> None:
        c, sign = self.constants, 1.0 if correct else -1.0
        if correct:
            student.right += 1
            skill[RIGHT] += 1
        else:
            student.wrong += 1
            skill[WRONG] += 1
        student.fast = round(student.fast + c.fast * (sign - student.fast), DIGITS)
        student.mid = round(student.mid + c.mid * (sign - student.mid), DIGITS)
        student.slow = round(student.slow + c.slow * (sign - student.slow), DIGITS)
        skill[FAST] = round(skill[FAST] + c.fast * (sign - skill[FAST]), DIGITS)
        skill[MID] = round(skill[MID] + c.mid * (sign - skill[MID]), DIGITS)
        skill[SLOW] = round(skill[SLOW] + c.slow * (sign - skill[SLOW]), DIGITS)
        student.streak = _streak(student.streak, correct, 10)
        skill[STREAK] = _streak(skill[STREAK], correct, 6)
        skill[LAST] = (2 if correct else 0) * 9 + skill[LAST] // 3
        skill[AT] = student.right + student.wrong
        student.run = student.run + 1 if student.newest == name else 1
        student.newest = name


def is_rapid(forecast: Forecast, seconds: float) -> bool:
    """Whether an answer came too fast for the question to have been read."""
    return forecast.usual is not None and 0.0 < seconds < RAPID * forecast.usual


def _points_at(
    own: tuple[float, float], forecast: Forecast, slope: float, noise: float, surprise: float
) -> tuple[float, float]:
    """The answer's (pull, information) on a difficulty, the uncertainty of all else counted as noise."""
    mean, variance = own
    others = noise + slope * slope * (forecast.spread - variance)
    information = slope * slope / others
    return information * mean - slope * surprise / others, information


def _streak(streak: int, correct: bool, most: int) -> int:
    if correct:
        return min(max(streak, 0) + 1, most)
    return max(min(streak, 0) - 1, -most)
