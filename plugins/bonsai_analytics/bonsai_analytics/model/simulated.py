"""Invented students who answer by a Rasch model (G. Rasch, 1960): what the learner model is tested with."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator

from bonsai_analytics.recorded import Row


def chance(logit: float, guess: float = 0.0) -> float:
    """Probability of a right answer, ability minus difficulty in logits."""
    return guess + (1 - guess) / (1 + math.exp(-logit))


def answers(
    users: int = 60,
    each: int = 60,
    seed: int = 1,
    *,
    items: int = 120,
    skills: int = 8,
    seconds: bool = False,
    ease: float = 0.5,
) -> tuple[list[Row], dict[str, float]]:
    """Answers, user by user, and the true difficulty of each question in logits.

    Args:
        each: answers of a user.
        seconds: whether times are known; they are log-normal around 40 seconds.
        ease: how much easier than the mean student's ability the mean question is, in logits.
    """
    rng = random.Random(seed)
    of_skill = [rng.gauss(0, 0.6) for _ in range(skills)]
    difficulty = {f"q{n}": of_skill[n % skills] + rng.gauss(0, 0.9) - ease for n in range(items)}

    def rows() -> Iterator[Row]:
        for user in range(users):
            ability, own = rng.gauss(0, 1.1), [rng.gauss(0, 0.4) for _ in range(skills)]
            for _ in range(each):
                n = rng.randrange(items)
                right = rng.random() < chance(ability + own[n % skills] - difficulty[f"q{n}"])
                took = round(40 * math.exp(rng.gauss(0, 0.4)), 1) if seconds else 0.0
                yield Row(f"u{user}", f"q{n}", f"skill {n % skills}", right, took)

    return list(rows()), difficulty
