"""Exposure control: no question is shown to more than a given part of the students.

Item eligibility keeps the promise: before a student's test each item is made eligible with a probability that falls as
soon as its exposure rises above the limit (W. J. van der Linden, B. P. Veldkamp, Constraining Item Exposure in
Computerized Adaptive Testing With Shadow Tests, 2004; with fading, so that the past counts less and less).

Turning students away by lot wastes the item on some who need it less. So each item has a price as well, in units of the
information it must give more than others to be chosen; it rises while the item is given too often and falls while it is
not. These are the multipliers of the exposure constraints, found by stochastic subgradient steps (H. Robbins, S. Monro,
A Stochastic Approximation Method, 1951). With them eligibility seldom has to step in, and the limit costs half of the
precision that it costs with eligibility alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

#: The part of students at which eligibility steps in.
LIMIT = 0.29
#: The part that prices aim at.
TARGET = 0.265
#: What a student's test leaves of the weight of those before: half after 350 students.
FADING = 0.998
#: Items whose weight fell below this are forgotten.
FORGOTTEN = 0.5

_STEP, _EARLY = 0.01, 50.0


@dataclass(slots=True)
class Exposure:
    """How often items were given, how often they were held back, and what they cost.

    Attributes:
        limit, target: rates, 0..1.
        tests: how many began.
        students: the same, faded.
        given: by item, the tests that it was in, faded.
        held_back: by item, the tests for which it was not eligible, faded and in expectation.
        prices: by item, in squared inverse logits; those of other items are 0.
    """

    limit: float = LIMIT
    target: float = TARGET
    tests: int = 0
    students: float = 0.0
    given: dict[str, float] = field(default_factory=dict)
    held_back: dict[str, float] = field(default_factory=dict)
    prices: dict[str, float] = field(default_factory=dict)

    def eligibility(self, item: str) -> float:
        """The probability that an item is eligible for the next student."""
        given = self.given.get(item, 0.0)
        if given <= 0.0:
            return 1.0
        eligible = self.students - self.held_back.get(item, 0.0)
        return min(1.0, self.limit * max(eligible, 0.0) / given)

    def limited(self) -> dict[str, float]:
        """The probability by item, for those that are not always eligible."""
        return {item: p for item in self.given if (p := self.eligibility(item)) < 1.0}

    def begin(self) -> None:
        """A student's test begins."""
        limited = self.limited()
        self.tests += 1
        self.students = self.students * FADING + 1.0
        for counts in (self.given, self.held_back):
            for item in counts:
                counts[item] *= FADING
        for item, p in limited.items():
            self.held_back[item] = self.held_back.get(item, 0.0) + 1.0 - p
        for item in [item for item, count in self.given.items() if count < FORGOTTEN]:
            del self.given[item]
            self.held_back.pop(item, None)
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
            "heldBack": rounded(self.held_back),
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
            held_back=dict(document["heldBack"]),
            prices=dict(document["prices"]),
        )
