"""What all students' answers tell of a question and of a skill: difficulty and usual time, as plain sums.

An answer contributes its part of the log-likelihood's quadratic approximation (Laplace): `information`, and
`information * position`, where the position is the difficulty that this answer alone points at. Sums of these, with a
normal prior, are the posterior. So contributions add up in any order and any batches, and a contribution that was
worked out from an aggregate of a second ago is as good as a fresh one.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

# Places in an item's aggregate, and in the first part of a skill's.
PULL, INFORMATION, ANSWERED, CORRECT, TIMED, LOG_SECONDS = range(6)
WIDTH = 6
#: A skill's second part: by the student's three newest answers on the skill (`student.Skill.last`), how many of the
#: next answers were right, and of how many.
HISTORIES = 27

Aggregate = list[Any]
Delta = Sequence[float]


def fold(aggregate: Aggregate | None, deltas: Iterable[Delta]) -> Aggregate:
    """Add contributions to an aggregate, of a question or of a skill.

    Args:
        aggregate: the sums so far, None at first. It stays as it is.
        deltas: `[pull, information, correct, seconds]` of a question, with the history behind for a skill. An
            answer that says nothing of ability has information 0 and correct -1; a time that is not known is 0.

    Returns:
        The new sums.
    """
    sums = list(aggregate[:WIDTH]) if aggregate else [0.0] * WIDTH
    histories: dict[str, list[int]] = dict(aggregate[WIDTH]) if aggregate and len(aggregate) > WIDTH else {}
    of_skill = bool(histories)
    for delta in deltas:
        if delta[2] >= 0:
            sums[PULL] += delta[0]
            sums[INFORMATION] += delta[1]
            sums[ANSWERED] += 1
            sums[CORRECT] += delta[2]
        if delta[3] > 0:
            sums[TIMED] += 1
            sums[LOG_SECONDS] += math.log(delta[3])
        if len(delta) > 4:
            of_skill = True
            if delta[2] >= 0:
                key = str(int(delta[4]))
                right, number = histories.get(key, (0, 0))
                histories[key] = [right + int(delta[2]), number + 1]
    if of_skill:
        sums.append(histories)
    return sums


def difficulty(aggregate: Aggregate | None, variance: float) -> tuple[float, float]:
    """Posterior mean and variance of a difficulty, under a normal prior around 0 with this variance."""
    if not aggregate:
        return 0.0, variance
    after = 1.0 / (1.0 / variance + aggregate[INFORMATION])
    return aggregate[PULL] * after, after


def usual_seconds(aggregate: Aggregate | None, least: int) -> float | None:
    """The geometric mean of the times that answers took; None for fewer than `least` timed answers."""
    if not aggregate or aggregate[TIMED] < least:
        return None
    return math.exp(aggregate[LOG_SECONDS] / aggregate[TIMED])
