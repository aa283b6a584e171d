"""Item response theory: the three-parameter logistic model, on arrays.

Source: A. Birnbaum, in F. M. Lord and M. R. Novick, Statistical Theories of Mental Test Scores, 1968, chapter 17. The
slope is per logit, without the constant 1.7.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.floating[Any]]
Ints: TypeAlias = NDArray[np.integer[Any]]
Bools: TypeAlias = NDArray[np.bool_]


def logistic(z: Any) -> Any:
    """1 / (1 + exp(-z)), without overflow."""
    return 0.5 * (1.0 + np.tanh(0.5 * np.asarray(z)))


def probability(theta: Any, a: Any, b: Any, c: Any) -> Any:
    """Chance of a right answer.

    Args:
        theta: ability, in logits.
        a: discrimination, per logit.
        b: difficulty, in logits.
        c: chance of guessing right, 0..1.
    """
    return c + (1.0 - c) * logistic(a * (theta - b))


def predicted(mean: Any, variance: Any, a: Any, b: Any, c: Any) -> Any:
    """Chance of a right answer when the ability is only known as a Normal distribution.

    Source: D. J. C. MacKay, The Evidence Framework Applied to Classification Networks, 1992: a logistic curve averaged
    over a Normal is nearly a flatter logistic curve.
    """
    flatter = 1.0 / np.sqrt(1.0 + (np.pi / 8.0) * a * a * variance)
    return c + (1.0 - c) * logistic(a * flatter * (mean - b))


def information(theta: Any, a: Any, b: Any, c: Any) -> Any:
    """Fisher information that an answer gives about the ability, per squared logit."""
    p = np.maximum(probability(theta, a, b, c), 1e-12)
    return a * a * ((p - c) / (1.0 - c)) ** 2 * (1.0 - p) / p
