"""The rule `practice`: what raises the student's score most, hard enough to learn from and easy enough to go on.

A question's worth is the score that practice of its skill is expected to bring, times how well the question itself
suits the student now. The score side is the skill's weight in the test's blueprint times the slope of the student's
chance of a right answer there: a skill that is all but mastered, or still far out of reach, brings little. The question
side prefers a chance of a right answer of .60 to .85 (R. A. Bjork's desirable difficulties; R. C. Wilson et al., The
Eighty Five Percent Rule for Optimal Learning, 2019). Each further question of a skill in one list is worth less.

What the student asked for, what was seen before and the time that is left are hard limits, never traded against worth.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from bonsai_core.domain import DOMAINS, SKILLS
from bonsai_recs.select.ability import Ability
from bonsai_recs.select.blueprint import SHARES
from bonsai_recs.select.diagnose import Pick
from bonsai_recs.select.irt import Bools, Floats
from bonsai_recs.select.pool import DOMAIN_OF, Pool

#: The chance of a right answer that a question should have.
EASIEST, HARDEST = 0.85, 0.60
#: What a skill's worth is multiplied by for each question of it in the list.
AGAIN = 0.6
#: At most this part of a list is review, as long as there are new questions.
REVIEW_PART = 1 / 3

_MIDDLE, _HALF = (EASIEST + HARDEST) / 2, (EASIEST - HARDEST) / 2
#: How much chance decides among questions that are worth nearly the same, so that not all students get the same ones.
_CHANCE = 0.08
#: A question of the list that the student has before them stays, unless another is clearly better.
_STAY = 1.15
_NEVER = np.float32(-1.0)

#: Each skill's weight in the test: its domain's share in equal parts.
WEIGHTS: Floats = np.array([SHARES[d] / len(DOMAINS[d].skills) for d in DOMAIN_OF])


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the student asked for, besides the hard limits.

    Attributes:
        boost: multiplies the worth of a skill, by number, as for weak areas and goals.
        staying: items that the student has before them.
        seed: of the student; decides between questions that are worth the same.
    """

    boost: Mapping[int, float] = field(default_factory=dict)
    staying: Sequence[int] = ()
    seed: int = 0


def choose(
    pool: Pool,
    ability: Ability,
    *,
    allowed: Bools,
    count: int,
    seconds: float = float("inf"),
    pace: float = 1.0,
    reviews: Sequence[tuple[int, int]] = (),
    wishes: Wishes | None = None,
) -> list[Pick]:
    """The best questions to practise now.

    Args:
        allowed: which new items may be chosen: not seen before, as the student prefers.
        count: at most so many.
        seconds: how long they may take together, at the student's own pace.
        pace: the student's time as a multiple of the usual.
        reviews: items due for review that the student's preferences allow, most urgent first, and the days since.
    """
    wishes = wishes or Wishes()
    known = ability.skills()
    gain = _gain(*known)
    for skill, factor in wishes.boost.items():
        gain[skill] *= factor
    chances, fit = _suitability(pool, *known)
    fit *= pool.luck(wishes.seed, _CHANCE)
    if len(wishes.staying):
        fit[np.asarray(wishes.staying)] *= _STAY
    fit[~allowed] = _NEVER
    left = seconds
    picks: list[Pick] = []
    again = [review for review in reviews if pool.seconds_of[review[0]] * pace <= seconds]
    new_here = bool(again) and bool(np.any(fit > 0.0))
    for item, days in again[: max(1, round(count * REVIEW_PART)) if new_here else count]:
        needs = pool.seconds_of[item] * pace
        if needs <= left and len(picks) < count:
            left -= needs
            picks.append(Pick(item, _review_reason(days)))
    best = _BestBySkill(pool, fit, gain)
    while len(picks) < count:
        chosen = best.next(left / pace)
        if chosen is None:
            break
        left -= pool.seconds_of[chosen] * pace
        picks.append(Pick(chosen, _reason(chosen, float(chances[chosen]), pool, wishes)))
    return picks


def skill_gain(ability: Ability) -> Floats:
    """By skill: its weight in the test times the slope of the chance of a right answer to a middling question."""
    return _gain(*ability.skills())


def _gain(means: Floats, variances: Floats) -> Floats:
    # `irt.predicted` where the test's questions vary in difficulty with a variance of about 1: 4 p (1 - p).
    lean = np.tanh(0.5 * means / np.sqrt(1.0 + (np.pi / 8.0) * (variances + 1.0)))
    gain: Floats = WEIGHTS * (1.0 - lean * lean)
    return gain


def suitability(pool: Pool, ability: Ability) -> tuple[Floats, Floats]:
    """For each item the chance of a right answer, and how well that suits: 1 in the middle, .75 at the edges of the
    window, ever less outside of it, where nothing is chosen that has an alternative of the same skill inside."""
    return _suitability(pool, *ability.skills())


def _suitability(pool: Pool, means: Floats, variances: Floats) -> tuple[Floats, Floats]:
    flatter = pool.per_item(variances)
    flatter *= pool.flattening
    flatter += 1.0
    z = pool.b - pool.per_item(means)
    z *= pool.a
    z /= np.sqrt(flatter, out=flatter)
    np.exp(np.minimum(z, 30.0, out=z), out=z)
    z += 1.0
    chance: Floats = pool.reach / z
    chance += pool.c
    off = np.abs(chance - np.float32(_MIDDLE))
    off /= np.float32(_HALF)
    fit: Floats = np.where(off <= 1.0, 1.0 - 0.25 * off * off, 0.1 / (1.0 + off))
    return chance, fit


class _BestBySkill:
    """Gives out the best items one by one; keeps what each skill's best is worth, so that a step looks at one only."""

    def __init__(self, pool: Pool, fit: Floats, gain: Floats) -> None:
        self._pool = pool
        self._fit = fit
        #: By place in `pool.skills_here`: what its questions are worth, and what its best one is.
        self._gain: list[float] = gain[pool.skills_here].tolist()
        best: list[float] = np.maximum.reduceat(fit, pool.starts).tolist() if len(pool) else []
        self._worth = [suits * gains for suits, gains in zip(best, self._gain, strict=True)]

    def next(self, seconds: float) -> int | None:
        """The best item that takes no longer than `seconds` (of usual time); None when there is none."""
        pool, worth = self._pool, self._worth
        while True:
            most = max(worth, default=0.0)
            if most <= 0.0:
                return None
            place = worth.index(most)
            start, end = pool.slices[place]
            fit = self._fit[start:end]
            item = start + int(fit.argmax())
            if pool.seconds_of[item] <= seconds:
                break
            fit[pool.seconds[start:end] > seconds] = _NEVER
            worth[place] = float(fit.max()) * self._gain[place]
        fit[item - start] = _NEVER
        self._gain[place] *= AGAIN
        worth[place] = float(fit.max()) * self._gain[place]
        return item


def _review_reason(days: int) -> str:
    when = "earlier today" if days == 0 else "yesterday" if days == 1 else f"{days} days ago"
    return f"You missed this one; you last met it {when}, and now is the time when going over it helps most."


def _reason(item: int, chance: float, pool: Pool, wishes: Wishes) -> str:
    number = pool.skill_of[item]
    wanted = wishes.boost.get(number, 1.0) > 1.0
    side = 1 if chance > EASIEST else -1 if chance < HARDEST else 0
    return _why(number, round(chance * 10), wanted, side)


@lru_cache(maxsize=2048)
def _why(number: int, tenths: int, wanted: bool, side: int) -> str:
    """The reason for a question of a skill.

    Args:
        tenths: the chance of a right answer.
        wanted: the student asked for the skill.
        side: 1 for an easy question, -1 for a hard one.
    """
    skill, domain = SKILLS[number], DOMAINS[int(DOMAIN_OF[number])]
    odds = f"you would get about {tenths} in 10 like it right"
    if wanted:
        return f"You want to work on “{skill}”, and this is a question at your level: {odds}."
    if side > 0:
        return f"A short warm-up in “{skill}”: {odds}."
    if side < 0:
        return f"A stretch in “{skill}”, the closest to your level that is left: {odds}."
    share = round(domain.share * 100)
    return f"Just right to learn from ({odds}): “{skill}” is part of {domain.name}, {share} % of {domain.section}."
