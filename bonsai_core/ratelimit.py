"""Token buckets (a leaky bucket as a meter): how often somebody may do something."""

from __future__ import annotations

from collections.abc import Mapping


class Bucket:
    """A token bucket: full at first, refilled evenly.

    Args:
        size: how many at once.
        per_second: how many come back a second.
        now: monotonic seconds.
    """

    __slots__ = ("_per_second", "_size", "_tokens", "_updated")

    def __init__(self, size: float, per_second: float, now: float) -> None:
        self._size = size
        self._per_second = per_second
        self._tokens = size
        self._updated = now

    def take(self, now: float) -> float:
        """Take one token.

        Returns:
            0.0 when there was one, else the seconds until there will be.
        """
        tokens = self._tokens + (now - self._updated) * self._per_second
        if tokens > self._size:
            tokens = self._size
        self._updated = now
        if tokens >= 1.0:
            self._tokens = tokens - 1.0
            return 0.0
        self._tokens = tokens
        return (1.0 - tokens) / self._per_second

    def spend(self, count: int, now: float) -> None:
        """Take away what was spent elsewhere; never below none."""
        tokens = min(self._size, self._tokens + (now - self._updated) * self._per_second)
        self._updated = now
        self._tokens = max(0.0, tokens - count)

    def is_full(self, now: float) -> bool:
        """True when the bucket is as good as new, so that it can be forgotten."""
        return self._tokens + (now - self._updated) * self._per_second >= self._size


class Buckets:
    """A bucket for each key, made when needed and forgotten when full again.

    Args:
        size: requests in a window; 0 switches the limit off.
        window: seconds.
    """

    def __init__(self, size: int, window: float) -> None:
        self._size = size
        self._per_second = size / window
        self._buckets: dict[str, Bucket] = {}
        #: What was taken since the last `collect`, by key; None while nobody asks.
        self._taken: dict[str, int] | None = None

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: float) -> float:
        """Take one from the key's bucket; returns seconds to wait, 0.0 for none."""
        bucket = self._buckets.get(key)
        if bucket is None:
            if not self._size:
                return 0.0
            bucket = self._buckets[key] = Bucket(self._size, self._per_second, now)
        wait = bucket.take(now)
        if self._taken is not None and not wait:
            self._taken[key] = self._taken.get(key, 0) + 1
        return wait

    def collect(self) -> dict[str, int]:
        """What was taken by key since the last call; the first call begins the count."""
        taken, self._taken = self._taken, {}
        return taken or {}

    def spend(self, spent: Mapping[str, int], now: float) -> None:
        """Take away what was spent elsewhere."""
        if not self._size:
            return
        for key, count in spent.items():
            bucket = self._buckets.get(key)
            if bucket is None:
                bucket = self._buckets[key] = Bucket(self._size, self._per_second, now)
            bucket.spend(count, now)

    def sweep(self, now: float) -> None:
        """Forget buckets that are full again."""
        for key in [k for k, b in self._buckets.items() if b.is_full(now)]:
            del self._buckets[key]
