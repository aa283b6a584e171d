"""How a session goes: whether the newest answers are slower, and worse than expected, than those before."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

#: What an answer's weight becomes with each one after it: some ten answers count.
DECAY = 0.9
#: Answers before a trend is told.
LEAST_ANSWERS = 10


@dataclass(slots=True)
class Trend:
    """Sums over a session; the `recent` ones fade.

    Attributes:
        answered: answers.
        surplus, noise, weight: recent answers above expectation (right minus P(right)), the variance of that sum, and
            the number that counts.
        late, timed: recent logarithms of time over usual time, and how many.
        late_all, timed_all: the same of the whole session.
    """

    answered: int = 0
    surplus: float = 0.0
    noise: float = 0.0
    weight: float = 0.0
    late: float = 0.0
    timed: float = 0.0
    late_all: float = 0.0
    timed_all: int = 0

    @classmethod
    def read(cls, document: Any) -> Trend:
        """From a document; None is a session without answers."""
        return cls(*document) if document else cls()

    def document(self) -> list[Any]:
        """The sums as they are stored."""
        return [
            self.answered,
            *(round(v, 4) for v in (self.surplus, self.noise, self.weight, self.late, self.timed, self.late_all)),
            self.timed_all,
        ]

    def add(self, p: float, correct: bool, seconds: float, usual: float | None) -> None:
        """Take an answer in.

        Args:
            p: what was expected of it.
            usual: usual seconds for such a question, if known.
        """
        self.answered += 1
        self.surplus = DECAY * self.surplus + correct - p
        self.noise = DECAY * DECAY * self.noise + p * (1.0 - p)
        self.weight = DECAY * self.weight + 1.0
        if usual and seconds > 0:
            late = math.log(min(max(seconds / usual, 0.05), 20.0))
            self.late, self.timed = DECAY * self.late + late, DECAY * self.timed + 1.0
            self.late_all += late
            self.timed_all += 1

    def shown(self) -> dict[str, float] | None:
        """The `trend` of an update; None for fewer than ten answers.

        `pace` is the newest answers' time over that of the whole session's, questions of different length made equal:
        1.2 is a fifth slower. `accuracy` is the mean of right minus expected of the newest, -1 to 1. `fatigue`, 0 to
        1, is half from being worse than expected (all of it at two standard errors) and half from a changed pace (all
        of it at twice or half the time): slowing down and rushing are both signs.
        """
        if self.answered < LEAST_ANSWERS:
            return None
        worse = max(0.0, -self.surplus / math.sqrt(self.noise)) if self.noise > 0 else 0.0
        change = self.late / self.timed - self.late_all / self.timed_all if self.timed_all else 0.0
        fatigue = min(worse / 2, 1.0) / 2 + min(abs(change) / math.log(2), 1.0) / 2
        return {
            "pace": round(math.exp(change), 3),
            "accuracy": round(self.surplus / self.weight, 4),
            "fatigue": round(fatigue, 3),
        }
