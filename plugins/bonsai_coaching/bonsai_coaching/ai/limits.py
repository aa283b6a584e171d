"""What keeps the AI service from costing too much and from being waited for in vain: a budget and a circuit breaker."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import BaseModel, Field

_DAY_MS = 86_400_000


class Budget(BaseModel):
    """How many requests a user has made today. Keep it as a document of the user, saved before the request is made.

    Attributes:
        day: since the epoch, in UTC, of the last request.
        used: requests of that day.
    """

    day: int = 0
    used: int = Field(0, ge=0)

    def take(self, now_ms: int, limit: int) -> bool:
        """Count one request; False, and nothing is counted, when the day's requests are used up.

        A clock that is set back gives nothing back.

        Args:
            now_ms: ms since the epoch.
            limit: requests per day.
        """
        if self.left(now_ms, limit) == 0:
            return False
        day = max(now_ms // _DAY_MS, self.day)
        self.used = self.used + 1 if day == self.day else 1
        self.day = day
        return True

    def left(self, now_ms: int, limit: int) -> int:
        """Requests that may still be made today."""
        used = self.used if now_ms // _DAY_MS <= self.day else 0
        return max(limit - used, 0)


class Breaker:
    """Rests a service that fails again and again, then lets one try through (Nygard, Release It!, "Circuit Breaker").

    Args:
        failures: in a row, after which it rests.
        rest: seconds.
        monotonic: gives now, in seconds.
    """

    def __init__(self, failures: int, rest: float, monotonic: Callable[[], float]) -> None:
        self._limit = failures
        self._rest = rest
        self._now = monotonic
        self._failures = 0
        # When the rest ends; None while the service is fine.
        self._until: float | None = None
        self._trying = False

    @property
    def resting(self) -> bool:
        """Whether a request would be refused now."""
        return self._until is not None and (self._trying or self._now() < self._until)

    def enter(self) -> bool:
        """Ask to make a request; after True, report its end by `succeeded`, `failed` or `abandoned`."""
        if self.resting:
            return False
        self._trying = self._until is not None
        return True

    def succeeded(self) -> None:
        """The service works."""
        self._failures, self._until, self._trying = 0, None, False

    def failed(self) -> None:
        """The service does not work. A failed try after a rest begins the next rest."""
        self._failures += 1
        if self._trying or self._failures >= self._limit:
            self._until = self._now() + self._rest
        self._trying = False

    def abandoned(self) -> None:
        """The request ended before anything could be said of the service."""
        self._trying = False
