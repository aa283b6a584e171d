"""What is measured, under which name, in which unit, and what we want of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Unit:
    """How values of one kind are written.

    Attributes:
        name: as in the JSON.
        short: as in the table.
        scale: the shown number is the value divided by this.
    """

    name: str
    short: str
    scale: float = 1.0


CPU = Unit("us/message", "µs")
BYTES = Unit("bytes/connection", "KiB", 1024.0)
SECONDS = Unit("s", "s")
MILLIS = Unit("ms", "ms")


@dataclass(frozen=True)
class Row:
    """One kind of work.

    Attributes:
        goals: by server, the most that our figure may be times theirs.
        limit: the most that our own figure may be.
    """

    title: str
    unit: Unit = CPU
    goals: Mapping[str, float] = field(default_factory=dict)
    limit: float | None = None


#: By the name that samples carry. The goals are those of the project's issue on speed.
ROWS: dict[str, Row] = {
    "acked": Row("acked event", goals={"node": 1.0, "aiohttp": 1.2}),
    "gateway": Row("acked event, Socket.IO's protocol", goals={"node": 1.1}),
    "stored": Row("stored event, SQLite", goals={"unstored": 3.0}),
    "redis": Row("stored event, Redis", goals={"unstored": 3.0}),
    "fanout1": Row("room, one in flight", goals={"node": 0.65, "nchan": 1.4}),
    "fanout4": Row("room, four in flight", goals={"node": 0.5, "nchan": 1.4}),
    "answer": Row("one answer end to end", goals={"unstored": 12.0}),
    "connections": Row("acked event of 100, by open connections", goals={"few": 1.15}),
    "speakers": Row("acked event of all of them in turn"),
    "users": Row("stored event, by stored users", goals={"few": 1.15}),
    "storm": Row("reconnect storm", SECONDS, goals={"aiohttp": 2.0}),
    "live": Row("p99 of others meanwhile", MILLIS, limit=100.0),
    "idle": Row("idle joined connection", BYTES, limit=18 * 1024.0),
}

#: What the table calls those who were measured.
NAMES = {
    "ours": "Bonsai",
    "node": "Node socket.io",
    "aiohttp": "aiohttp, send_str",
    "prepared": "aiohttp, prepared frame",
    "pysocketio": "python-socketio",
    "nchan": "nginx with nchan",
    "unstored": "Bonsai, nothing stored",
    "few": "Bonsai, fewest",
    "some": "Bonsai, between",
    "aiohttp_few": "aiohttp, fewest",
}
