"""When to try again: full-jitter exponential backoff, close codes and their delays, a token bucket for sending.

Sans-I/O: time and randomness are arguments.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from bonsai_core.client.options import RateLimit, Reconnect
from bonsai_core.protocol import CloseCode

#: Draws uniformly between two bounds.
Uniform = Callable[[float, float], float]

#: A connection that stayed joined for so long, in seconds, starts the backoff over.
STABLE_AFTER = 5.0
#: Longest delay accepted from a server, in seconds: a typo there must not silence a client for a day.
MAX_HINT = 300.0


class Backoff:
    """The waits between attempts: uniform(0, min(max_delay, delay * 2**n)), capped before the jitter.

    Two counts, since they answer different questions: `tries` (attempts in a row without a join) decides when to
    give up; the exponent `n` also rises when connections join and drop at once, so that a server which accepts and
    then fails is not hammered.
    """

    def __init__(self, options: Reconnect, uniform: Uniform = random.uniform) -> None:
        self._options = options
        self._uniform = uniform
        self._exponent = 0
        self.tries = 0

    def joined(self) -> None:
        """The server accepted us."""
        self.tries = 0

    def stable(self) -> None:
        """The connection lasted `STABLE_AFTER` seconds."""
        self._exponent = 0

    def next(self, hint: float | None = None) -> float | None:
        """The seconds to wait before the next attempt, or None when no attempt is left.

        Args:
            hint: the server's own delay in seconds. It is waited in full, and the jitter comes on top.
        """
        if self._options.attempts is not None and self.tries >= self._options.attempts:
            return None
        self.tries += 1
        # 2**64 seconds is past any max_delay; beyond that the power itself would overflow a float.
        bound = min(self._options.max_delay, self._options.delay * 2.0 ** min(self._exponent, 64))
        self._exponent += 1
        return (hint or 0.0) + self._uniform(0.0, bound)


def retry_delay(attempt: int, retry_after_ms: int | None, uniform: Uniform = random.uniform) -> float:
    """Seconds until a message that was refused for now is sent again.

    Args:
        attempt: how often it was refused before, from 0.
        retry_after_ms: the server's own delay, in milliseconds.
    """
    bound = min(10.0, 0.2 * 2.0 ** min(attempt, 16))
    if retry_after_ms is not None:
        return retry_after_ms / 1000 * (1.0 + uniform(0.0, 0.25))
    return uniform(bound / 2, bound)  # at least half: nobody said that an immediate resend could succeed


class Action(StrEnum):
    """What a closed connection asks of the client."""

    RECONNECT = "reconnect"
    REFRESH = "refresh"  # get a new token first
    STOP = "stop"


@dataclass(slots=True, frozen=True)
class Verdict:
    """What to do about a closed connection, and after how many seconds at least."""

    action: Action
    delay: float | None = None


_STOP = frozenset(
    {
        CloseCode.NORMAL,
        CloseCode.PROTOCOL_ERROR,
        CloseCode.UNSUPPORTED_DATA,
        CloseCode.INVALID_DATA,
        CloseCode.POLICY,
        CloseCode.TOO_BIG,
        CloseCode.REPLACED,
        CloseCode.FORBIDDEN,
    }
)
_DELAYED = frozenset({CloseCode.RESTARTING, CloseCode.TRY_LATER, CloseCode.FLOOD})
_DELAY = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s)?", re.IGNORECASE)


def judge_close(code: int, reason: str) -> Verdict:
    """The protocol's table of close codes. Unknown codes, and no code at all (1005, 1006), mean reconnect."""
    if code in _STOP:
        return Verdict(Action.STOP)
    if code == CloseCode.UNAUTHENTICATED:
        return Verdict(Action.REFRESH)
    if code in _DELAYED:
        return Verdict(Action.RECONNECT, delay_in(reason))
    return Verdict(Action.RECONNECT)


def judge_status(status: int, retry_after: str | None, ever_joined: bool) -> Verdict:
    """What an HTTP status in place of the WebSocket handshake means.

    Args:
        retry_after: the `Retry-After` header, if any (RFC 9110 section 10.2.3; its date form is ignored).
        ever_joined: a server that took us before is being redeployed when it says 404; a strange one is the wrong URL.
    """
    if status == 401:
        return Verdict(Action.REFRESH)
    if status == 429 or status >= 500:
        return Verdict(Action.RECONNECT, delay_in(f"{retry_after}s" if retry_after and retry_after.isdigit() else ""))
    if status == 403 or not ever_joined:
        return Verdict(Action.STOP)
    return Verdict(Action.RECONNECT)


def delay_in(reason: str) -> float | None:
    """The first number in a close reason, in seconds. It counts as milliseconds unless an `s` follows."""
    found = _DELAY.search(reason)
    if found is None:
        return None
    value = float(found[1])
    return min(value if (found[2] or "ms").lower() == "s" else value / 1000, MAX_HINT)


class Pacer:
    """A token bucket: `max_requests` at once, refilled evenly over `window_ms`. Outlives reconnects, as the server's
    count of a user does."""

    def __init__(self, limit: RateLimit, now: float) -> None:
        self._limit = limit
        self._tokens = float(limit.max_requests)
        self._at = now
        self._held_until = now

    def change(self, limit: RateLimit, now: float) -> None:
        """Follow another limit from now on; what was used stays used."""
        if limit == self._limit:
            return
        used = 0.0 if self._limit.max_requests == 0 else self._limit.max_requests - self._level(now)
        self._limit = limit
        self._tokens = max(0.0, limit.max_requests - used)

    def wait(self, now: float) -> float:
        """Seconds until a message may leave; 0: now."""
        if now < self._held_until:
            return self._held_until - now
        if self._limit.max_requests == 0:
            return 0.0
        missing = 1.0 - self._level(now)
        if missing < 1e-9:  # a wait given below must suffice in spite of rounding
            return 0.0
        return missing * self._limit.window_ms / 1000 / self._limit.max_requests

    def spend(self, now: float) -> None:
        """A message leaves."""
        if self._limit.max_requests:
            self._tokens = max(0.0, self._level(now) - 1.0)

    def hold(self, until: float) -> float:
        """Send nothing before this time: the server cannot take anything. Returns until when nothing is sent."""
        self._held_until = max(self._held_until, until)
        return self._held_until

    def _level(self, now: float) -> float:
        gained = max(0.0, now - self._at) * 1000 / self._limit.window_ms * self._limit.max_requests
        self._tokens = min(float(self._limit.max_requests), self._tokens + gained)
        self._at = now
        return self._tokens
