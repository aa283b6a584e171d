"""What the server counts, and how Prometheus gets to see it.

Counting happens on the event path, so it is plain integers; the Prometheus client turns them into its text format when
`/metrics` is asked for.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from bonsai_core.app import App

#: Upper bounds of the latency histogram, in seconds.
BOUNDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
#: The content type of Prometheus' text format.
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(slots=True, frozen=True)
class EventReport:
    """A client event that was answered, as `App.watch_events` tells of it: never its payload, only the payload's size.

    Attributes:
        event: its name; empty for one that no plugin handles, since anybody can make up a name.
        user: the sender's userId.
        session_id: the sender's session.
        outcome: `ack`, or the error's code.
        seconds: from its arrival to its answer.
        size: bytes of its payload as JSON and of its attachment.
        at: when it was answered, in ms since the epoch.
    """

    event: str
    user: str
    session_id: str
    outcome: str
    seconds: float
    size: int
    at: int


class Latencies:
    """A histogram of one event's latencies, and what it was answered.

    Attributes:
        acks: how often with an ack.
        errors: how often with which error code.
    """

    __slots__ = ("acks", "counts", "errors", "total")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.total = 0.0
        self.acks = 0
        self.errors: Counter[str] = Counter()


class Metrics:
    """Counters of one process since its start."""

    def __init__(self) -> None:
        self.opened = 0
        self.refused: Counter[int] = Counter()
        self.closed: Counter[int] = Counter()
        #: By event. Names of unknown events are not kept.
        self.latencies: dict[str, Latencies] = {}
        self.commits: Counter[str] = Counter()
        self.recoveries: Counter[bool] = Counter()
        self.dropped = 0
        #: Who is told of each event that is answered: `App.watch_events`.
        self.listeners: list[Callable[[EventReport], None]] = []

    def event(self, name: str, outcome: str, seconds: float) -> None:
        """An event was answered, `seconds` after it came."""
        latencies = self.latencies.get(name)
        if latencies is None:
            latencies = self.latencies[name] = Latencies()
        if outcome == "ack":
            latencies.acks += 1
        else:
            latencies.errors[outcome] += 1
        latencies.counts[bisect_left(BOUNDS, seconds)] += 1
        latencies.total += seconds

    @property
    def events(self) -> Counter[tuple[str, str]]:
        """How often which event was answered how: by event and `ack` or an error's code."""
        counts: Counter[tuple[str, str]] = Counter()
        for name, latencies in self.latencies.items():
            if latencies.acks:
                counts[name, "ack"] = latencies.acks
            for code, count in latencies.errors.items():
                counts[name, code] = count
        return counts


def render(app: App) -> bytes:
    """Everything that is counted, in Prometheus' text format."""
    from prometheus_client import CollectorRegistry, generate_latest

    registry = CollectorRegistry()
    registry.register(_Collector(app))
    return generate_latest(registry)


def merge(texts: Mapping[str, str]) -> str:
    """What several nodes count, as one text: every sample gets a label `node`, each metric's samples stand together.

    Args:
        texts: by node what `render` gave there.
    """
    heads: dict[str, list[str]] = {}
    samples: dict[str, list[str]] = {}
    for node, text in texts.items():
        metric = ""
        for line in text.splitlines():
            if line.startswith("# HELP "):
                metric = line.split(" ", 3)[2]
            if line.startswith("#"):
                head = heads.setdefault(metric, [])
                if line not in head:
                    head.append(line)
            else:
                name, labels, rest = line.partition("{") if "{" in line else line.partition(" ")
                end = "," if labels == "{" else "} "
                samples.setdefault(metric, []).append(f'{name}{{node="{node}"{end}{rest}')
    return "".join(f"{line}\n" for metric, head in heads.items() for line in (*head, *samples.get(metric, ())))


class _Collector:
    def __init__(self, app: App) -> None:
        self._app = app

    def collect(self) -> Iterator[Metric]:
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        app, metrics = self._app, self._app.metrics
        yield GaugeMetricFamily("bonsai_connections", "Open sockets.", len(app.connections.all))
        joined = sum(1 for c in app.connections.all if c.joined)
        yield GaugeMetricFamily("bonsai_connections_joined", "Sockets that have joined a session.", joined)
        yield GaugeMetricFamily("bonsai_sessions", "Sessions with somebody in them.", len(app.sessions))
        yield GaugeMetricFamily("bonsai_rooms", "Rooms with members.", len(app.rooms))
        yield CounterMetricFamily("bonsai_connections_opened", "Sockets opened.", metrics.opened)
        refused = CounterMetricFamily("bonsai_handshakes_refused", "Handshakes refused.", labels=["status"])
        for status, count in metrics.refused.items():
            refused.add_metric([str(status)], count)
        yield refused
        closed = CounterMetricFamily("bonsai_connections_closed", "Sockets closed.", labels=["code"])
        for code, count in metrics.closed.items():
            closed.add_metric([str(code)], count)
        yield closed
        events = CounterMetricFamily("bonsai_events", "Events answered.", labels=["event", "outcome"])
        for (event, outcome), count in metrics.events.items():
            events.add_metric([event, outcome], count)
        yield events
        latency = HistogramMetricFamily(
            "bonsai_event_seconds", "From an event's arrival to its answer.", labels=["event"]
        )
        for event, latencies in metrics.latencies.items():
            latency.add_metric([event], _cumulative(latencies), latencies.total)
        yield latency
        commits = CounterMetricFamily("bonsai_commits", "Units of work committed, or not and why.", labels=["outcome"])
        for outcome, count in metrics.commits.items():
            commits.add_metric([outcome], count)
        yield commits
        recoveries = CounterMetricFamily("bonsai_recoveries", "Rooms resumed by clients.", labels=["recovered"])
        for recovered, count in metrics.recoveries.items():
            recoveries.add_metric(["true" if recovered else "false"], count)
        yield recoveries
        waiting = sum(c.waiting for c in app.connections.all)
        yield GaugeMetricFamily("bonsai_outbox_bytes", "Bytes that wait for slow readers.", waiting)
        yield CounterMetricFamily("bonsai_outbox_dropped", "Low-priority frames dropped.", metrics.dropped)
        failures = CounterMetricFamily("bonsai_plugin_failures", "Failures of plugins.", labels=["plugin"])
        resting = GaugeMetricFamily(
            "bonsai_plugin_resting", "1 while a plugin rests after failures.", labels=["plugin"]
        )
        loaded = GaugeMetricFamily("bonsai_plugin_loaded", "Whether a plugin is in use.", labels=["plugin"])
        for name, record in app.plugins.records.items():
            if name != "core":
                loaded.add_metric([name], float(record.instance is not None))
        yield loaded
        for record in app.plugins.loaded():
            failures.add_metric([record.name], record.guard.failures.total)
            resting.add_metric([record.name], float(record.guard.failures.rest_until > app.monotonic()))
        yield failures
        yield resting


def _cumulative(latencies: Latencies) -> list[tuple[str, float]]:
    buckets, total = [], 0
    for bound, count in zip((*map(str, BOUNDS), "+Inf"), latencies.counts, strict=True):
        total += count
        buckets.append((bound, float(total)))
    return buckets
