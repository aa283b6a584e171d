"""What is told of abilities: P(right on a question of band 4), with an 80 % interval."""

from __future__ import annotations

import math

from bonsai_analytics.model.learner import ATTENUATION

#: The standard normal quantile of a two-sided 80 % interval.
Z80 = 1.2815515655446004


def mastery(mean: float, variance: float) -> dict[str, float]:
    """Chance of a right answer to a question of band 4, whose difficulty is 0, and its 80 % interval.

    The chance is the mean over the normal posterior; the interval's ends are the posterior's own quantiles.

    Args:
        mean, variance: of the ability, in logits (`Student.posterior`).
    """
    half, exp = Z80 * math.sqrt(variance), math.exp
    low, high = 1.0 / (1.0 + exp(half - mean)), 1.0 / (1.0 + exp(-half - mean))
    middle = 1.0 / (1.0 + exp(-mean / math.sqrt(1.0 + ATTENUATION * variance)))
    return {"mastery": round(min(max(middle, low), high), 4), "low": round(low, 4), "high": round(high, 4)}
