"""A clock that moves only when a test says so."""

from __future__ import annotations

#: Where a fake wall clock begins, in ms since the epoch: 2025-01-01T00:00:00Z.
BEGIN_MS = 1_735_689_600_000


class FakeClock:
    """Wall clock and monotonic clock in one, for `bonsai_server(clock=...)`.

    Timers of the event loop still run in real time. A server looks at its clocks now and then (deadlines of handlers:
    every 50 ms; heartbeats and expiry: at least once a second), so what is due after `advance` happens soon.

        clock = FakeClock()
        server = await bonsai_server(clock=clock, heartbeat_interval_ms=30_000)
        clock.advance(31)

    Args:
        now_ms: where the wall clock begins, in ms since the epoch.
    """

    def __init__(self, now_ms: int = BEGIN_MS) -> None:
        self._now_ms = now_ms
        self._seconds = 1000.0

    def now(self) -> int:
        """The wall clock, in ms since the epoch."""
        return self._now_ms

    def monotonic(self) -> float:
        """The monotonic clock, in seconds."""
        return self._seconds

    def advance(self, seconds: float) -> None:
        """Move both clocks forward.

        Raises:
            ValueError: backwards.
        """
        if seconds < 0:
            raise ValueError(f"time does not go back: {seconds}")
        self._seconds += seconds
        self._now_ms += round(seconds * 1000)

    def set_wall(self, now_ms: int) -> None:
        """Move the wall clock alone, as NTP or an operator does, also backwards."""
        self._now_ms = now_ms
