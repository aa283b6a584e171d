"""What a process answered in an interval, and how it is: plain data, no session."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bonsai_dashboard.events import EventFigures, Latency, LogEntry, PluginHealth

if TYPE_CHECKING:
    from bonsai_core import EventReport

#: Latencies kept of one event in an interval; more would tell nothing new.
SAMPLE = 5000
#: What `App.health` says of every plugin; the rest are its own words.
_KNOWN = frozenset({"status", "version", "failures", "lastFailure", "lastFailureAt", "ready"})


class Tally:
    """Answers of one event in the interval."""

    __slots__ = ("bytes", "count", "errors", "seconds")

    def __init__(self) -> None:
        self.count = 0
        self.errors = 0
        self.bytes = 0
        self.seconds: list[float] = []


class Interval:
    """Collects the reports of an interval; `clear` begins the next.

    Args:
        log: answers that the log has room for.
    """

    def __init__(self, log: int) -> None:
        self._tallies: dict[str, Tally] = {}
        self._log: deque[EventReport] = deque(maxlen=log)

    def add(self, report: EventReport) -> None:
        """An event was answered. Runs on the event path, so it only notes."""
        tally = self._tallies.get(report.event)
        if tally is None:
            tally = self._tallies[report.event] = Tally()
        tally.count += 1
        tally.errors += report.outcome != "ack"
        tally.bytes += report.size
        if len(tally.seconds) < SAMPLE:
            tally.seconds.append(report.seconds)
        self._log.append(report)

    def clear(self) -> None:
        """Forget everything."""
        self._tallies.clear()
        self._log.clear()

    @property
    def answered(self) -> int:
        """Events of the interval."""
        return sum(tally.count for tally in self._tallies.values())

    @property
    def errors(self) -> int:
        """How many of them were refused or failed."""
        return sum(tally.errors for tally in self._tallies.values())

    def latency(self) -> Latency | None:
        """Of all events together; None when there was none."""
        return quantiles([second for tally in self._tallies.values() for second in tally.seconds])

    def events(self) -> list[EventFigures]:
        """By event, most frequent first."""
        found = []
        for name, tally in sorted(self._tallies.items(), key=lambda item: (-item[1].count, item[0])):
            latency = quantiles(tally.seconds)
            assert latency is not None
            found.append(
                EventFigures(event=name, count=tally.count, errors=tally.errors, bytes=tally.bytes, latency=latency)
            )
        return found

    def log(self) -> list[LogEntry]:
        """The newest answers, oldest first."""
        return [
            LogEntry(at=r.at, event=r.event, user=r.user, outcome=r.outcome, ms=_ms(r.seconds), bytes=r.size)
            for r in self._log
        ]


def quantiles(seconds: Sequence[float]) -> Latency | None:
    """The quantiles of durations in seconds, by nearest rank; None of nothing."""
    if not seconds:
        return None
    ordered = sorted(seconds)
    p50, p95, p99 = (_ms(ordered[math.ceil(share * len(ordered)) - 1]) for share in (0.5, 0.95, 0.99))
    return Latency(p50=p50, p95=p95, p99=p99)


def plugin_health(plugins: Mapping[str, Mapping[str, Any]]) -> list[PluginHealth]:
    """Every plugin's part of `App.health`, by name."""
    return [
        PluginHealth(
            name=name,
            status=str(told.get("status", "")),
            version=told.get("version"),
            failures=told.get("failures", 0),
            last_failure=told.get("lastFailure"),
            last_failure_at=told.get("lastFailureAt"),
            ready=told.get("ready", True) is not False,
            details={key: value for key, value in told.items() if key not in _KNOWN},
        )
        for name, told in sorted(plugins.items())
    ]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
