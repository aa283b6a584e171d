"""Payloads of the `dashboard:*` events: camelCase on the wire; times in ms, `at` since the epoch."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from bonsai_core import Payload

Count = Annotated[int, Field(ge=0)]
Milliseconds = Annotated[float, Field(ge=0)]


class Watch(Payload):
    """`dashboard:watch` from an admin's client: have this device sent `dashboard:operations`, or no more.

    Attributes:
        on: false ends it; leaving ends it too.
    """

    on: bool = True


class Watching(Payload):
    """The ack of `dashboard:watch`.

    Attributes:
        every_ms: how often figures come.
    """

    on: bool
    every_ms: Count


class Latency(Payload):
    """Quantiles of the time from an event's arrival to its answer."""

    p50: Milliseconds
    p95: Milliseconds
    p99: Milliseconds


class EventFigures(Payload):
    """One event's part of the interval.

    Attributes:
        event: its name; empty for all those that no plugin handles.
        errors: how many of `count` were refused or failed.
        bytes: of payloads and attachments.
    """

    event: str
    count: Count
    errors: Count
    bytes: Count
    latency: Latency


class LogEntry(Payload):
    """An event that was answered: never its payload.

    Attributes:
        outcome: `ack`, or the error's code.
        ms: from its arrival to its answer.
        bytes: of its payload and attachment.
    """

    at: int
    event: str
    user: str
    outcome: str
    ms: Milliseconds
    bytes: Count


class PluginHealth(Payload):
    """How a plugin is.

    Attributes:
        status: `loaded`, `resting` (after failures), `failed` or `disabled`.
        failures: since the start.
        details: what the plugin says of itself.
    """

    name: str
    status: str
    version: str | None = None
    failures: Count
    last_failure: str | None = None
    last_failure_at: int | None = None
    ready: bool = True
    details: dict[str, Any] = {}


class Outbox(Payload):
    """What waits to leave the process.

    Attributes:
        bytes: for slow readers, beyond what their network buffers hold.
        dropped: messages of low priority that were dropped for slow readers, since the start.
        contributions: that wait to be folded into what many users share; absent while the store is away.
    """

    bytes: Count
    dropped: Count
    contributions: Count | None = None


class Figures(Payload):
    """`dashboard:operations`: the process that the admin is connected to, in the interval that has just ended.

    Attributes:
        node: which process.
        interval_ms: the interval's length.
        store: `ok`, or why it cannot commit.
        connections: open sockets; `joined` of them are in a session.
        opened, closed: sockets in the interval.
        answered: events in the interval; `errors` of them were refused or failed.
        latency: absent when nothing was answered.
        events: by event, most frequent first.
        log: the newest answers, oldest first.
        skipped: answers of the interval that the log leaves out.
    """

    node: str
    at: int
    interval_ms: Count
    uptime_ms: Count
    ready: bool
    draining: bool
    store: str
    connections: Count
    joined: Count
    sessions: Count
    rooms: Count
    opened: Count
    closed: Count
    answered: Count
    errors: Count
    latency: Latency | None = None
    events: list[EventFigures]
    outbox: Outbox
    plugins: list[PluginHealth]
    log: list[LogEntry]
    skipped: Count
