"""The client's options: who one is, how to reconnect, how to notice a dead peer, how fast to send, how much to keep.

Each may be given as an object or as a dict of its fields. Times are in seconds unless the name says `_ms`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

#: Gives a token, at once or awaited. Called for the first one, at `auth:expiring`, and when the server refused one.
TokenProvider = Callable[[], "str | Awaitable[str]"]


@dataclass(slots=True, frozen=True)
class Reconnect:
    """Exponential backoff with full jitter between attempts to connect.

    Source: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.

    Args:
        attempts: attempts to come back, in a row without a join between, before the client gives up; None: no end;
            0: the first failure or loss is the last.
        delay: upper bound of the first wait, in seconds; it doubles with every failure ...
        max_delay: ... up to this bound, in seconds. The jitter is drawn below the bound, so waits stay spread out.
    """

    attempts: int | None = None
    delay: float = 0.5
    max_delay: float = 30.0

    def __post_init__(self) -> None:
        if self.attempts is not None and self.attempts < 0:
            raise ValueError(f"reconnect.attempts must be 0 or more, or None for no limit: {self.attempts}")
        if not 0 < self.delay <= self.max_delay:
            raise ValueError(f"reconnect needs 0 < delay <= max_delay: {self.delay}, {self.max_delay}")


@dataclass(slots=True, frozen=True)
class Heartbeat:
    """How a dead connection is noticed.

    Args:
        interval: a ping is sent when nothing arrived for so long, in seconds; 0 switches the heartbeat off.
        timeout: the connection is given up when nothing arrives within this time after the ping, in seconds.
    """

    interval: float = 30.0
    timeout: float = 5.0

    def __post_init__(self) -> None:
        if self.interval < 0 or self.timeout <= 0:
            raise ValueError(f"heartbeat needs interval >= 0 and timeout > 0: {self.interval}, {self.timeout}")


@dataclass(slots=True, frozen=True)
class RateLimit:
    """How fast messages leave: a token bucket, which delays and never refuses.

    Args:
        max_requests: messages that may leave at once; 0: no limit.
        window_ms: the time in which so many may leave again, in milliseconds.
    """

    max_requests: int = 60
    window_ms: int = 60_000

    def __post_init__(self) -> None:
        if self.max_requests < 0 or self.window_ms <= 0:
            raise ValueError(f"rate_limit needs max_requests >= 0 and window_ms > 0: {self}")


@dataclass(slots=True, frozen=True)
class Queue:
    """The offline queue: messages that the server has not answered yet.

    Args:
        max_messages: unanswered messages at most; one more raises `QueueFull`.
        max_bytes: their frames and attachments together, in bytes.
        in_flight: messages that may be sent and unanswered at a time, 1 to 1000.
        path: a file that keeps them, and the client's ids, across restarts of the program; None: memory only.
        positions: also keep the rooms' positions in that file, so that a restarted program gets what it missed.
            A message whose handlers were running when the program died is delivered again.
    """

    max_messages: int = 1000
    max_bytes: int = 64 * 1024 * 1024
    in_flight: int = 100
    path: Path | str | None = None
    positions: bool = True

    def __post_init__(self) -> None:
        if self.max_messages < 1 or self.max_bytes < 1 or not 1 <= self.in_flight <= 1000:
            raise ValueError(f"queue needs max_messages, max_bytes >= 1 and in_flight in 1..1000: {self}")


@dataclass(slots=True, frozen=True)
class Device:
    """The device, as the session's other devices see it.

    Args:
        kind: e.g. `web`, `mobile`, `extension`, `terminal`.
        name: for people.
        id: stays the same across connections; the server gives one when it is left out.
    """

    kind: str = "python"
    name: str | None = None
    id: str | None = None


@dataclass(slots=True, frozen=True)
class Auth:
    """Who connects.

    Args:
        token: a JWT. It is sent inside the first frame only, never in the URL, and never logged.
        token_provider: gives tokens instead, and new ones when the old one expires or is refused.
        user_id: must equal the token's `sub` when given.
        session_id: the session to join; the server chooses when it is left out.
        client_id: names this client across reconnects, so that resends are recognised; made up when left out.
            Two programs must not share one: the newer replaces the older.
        device: this device.
    """

    token: str | None = field(default=None, repr=False)
    token_provider: TokenProvider | None = field(default=None, repr=False)
    user_id: str | None = None
    session_id: str | None = None
    client_id: str | None = None
    device: Device = Device()

    def __post_init__(self) -> None:
        device: Any = self.device
        object.__setattr__(self, "device", coerce(Device, device))  # a dict will do too


def coerce(kind: type[T], value: T | Mapping[str, Any] | None) -> T:
    """An option object from itself, from a dict of its fields, or from None (all defaults).

    Raises:
        TypeError: an unknown field, or neither a dict nor an object of `kind`.
        ValueError: a field out of its range.
    """
    if value is None:
        return kind()
    if isinstance(value, kind):
        return value
    if not isinstance(value, Mapping):
        raise TypeError(f"expected {kind.__name__} or a dict, not {type(value).__name__}")
    known = [f.name for f in dataclasses.fields(kind)]  # type: ignore[arg-type]
    unknown = sorted(set(value) - set(known))
    if unknown:
        raise TypeError(f"{kind.__name__} has no {', '.join(map(str, unknown))}; it has {', '.join(known)}")
    return kind(**value)
