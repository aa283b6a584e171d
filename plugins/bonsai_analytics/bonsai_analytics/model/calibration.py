"""A line over all students' answers that keeps predictions calibrated where students or questions are not as fitted.

The logistic layer's output x becomes a + b x. Both are learnt online from every answer, as sums like a question's
(`shared`): the quadratic approximation of the log-likelihood around the line that was used, under a normal prior around
a = 0, b = 1. So contributions fold in any order and any batches.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

#: Precision of the prior of a and of b, in answers' information: some thousand answers weigh as much.
PRIOR_A, PRIOR_B = 150.0, 300.0
#: Whatever happens, the line rises, and not by too much.
LEAST_B, MOST_B, MOST_A = 0.3, 2.0, 3.0

#: The sums of information (aa, ab, bb) and of pull (a, b).
Sums = Sequence[float]


def fold(aggregate: Sums | None, deltas: Iterable[Sums]) -> list[float]:
    """Add contributions to the sums, which are None at first."""
    sums = list(aggregate or (0.0,) * 5)
    for delta in deltas:
        for place, value in enumerate(delta):
            sums[place] += value
    return sums


def line(aggregate: Sums | None) -> tuple[float, float]:
    """The line (a, b) that the sums say."""
    if not aggregate:
        return 0.0, 1.0
    aa, ab, bb, pull_a, pull_b = aggregate
    aa, bb, pull_b = aa + PRIOR_A, bb + PRIOR_B, pull_b + PRIOR_B
    determinant = aa * bb - ab * ab
    a, b = (pull_a * bb - ab * pull_b) / determinant, (aa * pull_b - ab * pull_a) / determinant
    return max(-MOST_A, min(MOST_A, a)), max(LEAST_B, min(MOST_B, b))


def contribution(x: float, y: float, surprise: float, slope: float, noise: float) -> list[float]:
    """What an answer adds to the sums.

    Args:
        x: the layer's output.
        y: what the line made of it.
        surprise: right (1 or 0) minus the probability.
        slope: of the probability in y.
        noise: variance of the answer, p (1 - p).
    """
    information = slope * slope / noise
    pull = information * y + slope * surprise / noise
    return [information, information * x, information * x * x, pull, pull * x]
