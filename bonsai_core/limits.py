"""How many messages a connection, a user, an address may send, and how many of one event."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bonsai_core.connection import Connection
from bonsai_core.plugins import Plugins
from bonsai_core.ratelimit import Bucket, Buckets
from bonsai_core.settings import Settings, parse_rate


class Limits:
    """The rate limits of joined connections.

    Args:
        settings: sizes and windows.
        plugins: which events have limits of their own.
        now: monotonic seconds.
    """

    def __init__(self, settings: Settings, plugins: Plugins, now: Callable[[], float]) -> None:
        window = settings.rate_window_ms / 1000
        self._size = settings.rate_max_requests
        self._per_second = settings.rate_max_requests / window
        self._pings = settings.pings_per_minute
        self._users = Buckets(settings.rate_max_requests, window)
        self._addresses = Buckets(settings.rate_per_ip, window)
        self._by_address = settings.rate_per_ip > 0
        self._settings_rates = {
            event: (size, seconds) for event, size, seconds in map(parse_rate, settings.rate_events)
        }
        self._plugins = plugins
        self._now = now
        self._events: dict[str, Buckets] = {}
        self.rebuild()

    def rebuild(self) -> None:
        """Take over the limits that plugins declare; those of the settings win."""
        rates = dict(self._settings_rates)
        for event, route in self._plugins.routes.items():
            signature = route.owner.signature if route.owner else None
            if signature is not None and signature.handles.rate is not None:
                rates.setdefault(event, signature.handles.rate)
        self._events = {
            event: self._events.get(event) or Buckets(size, seconds) for event, (size, seconds) in rates.items()
        }

    def take(self, connection: Connection, event: str) -> float:
        """Count a message; returns seconds to wait, 0.0 for none."""
        now, live = connection.last_seen, connection.session  # it was heard just now: one look at the clock less
        wait = 0.0
        if self._size:
            bucket = connection.bucket
            if bucket is None:
                bucket = connection.bucket = Bucket(self._size, self._per_second, now)
            wait = bucket.take(now)
            if not wait and live is not None:
                wait = self._users.take(live.user, now)
        if not wait and self._by_address:
            wait = self._addresses.take(connection.address, now)
        if not wait and live is not None and (own := self._events.get(event)) is not None:
            wait = own.take(live.user, now)
        return wait

    # Across nodes

    def share(self) -> None:
        """Count from now on what other nodes must know."""
        _ = self.collect()

    def collect(self) -> dict[str, dict[str, int]]:
        """What was spent since the last call, by the buckets' names and by key."""
        spent = {name: buckets.collect() for name, buckets in self._named().items()}
        return {name: keys for name, keys in spent.items() if keys}

    def spend(self, spent: Mapping[str, Mapping[str, int]]) -> None:
        """Take away what was spent on another node."""
        now, named = self._now(), self._named()
        for name, keys in spent.items():
            if name in named:
                named[name].spend(keys, now)

    def _named(self) -> dict[str, Buckets]:
        return {"users": self._users, "addresses": self._addresses} | {f"event {e}": b for e, b in self._events.items()}

    def take_ping(self, connection: Connection) -> float:
        """Count a ping or pong; returns seconds to wait, 0.0 for none."""
        now = self._now()
        if connection.pings is None:
            connection.pings = Bucket(self._pings, self._pings / 60, now)
        return connection.pings.take(now)

    def sweep(self) -> None:
        """Forget buckets that are full again."""
        now = self._now()
        for buckets in (self._users, self._addresses, *self._events.values()):
            buckets.sweep(now)

    def __len__(self) -> int:
        """Buckets that are remembered."""
        return sum(map(len, (self._users, self._addresses, *self._events.values())))
