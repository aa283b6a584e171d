"""What many users share: the background step that folds contributions into aggregates, and a cache to read them by."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from typing import Any

import structlog

from bonsai_core import protocol
from bonsai_core.isolation import Supervisor
from bonsai_core.plugins import Plugins
from bonsai_core.store.base import Store, StoreUnavailable

log = structlog.get_logger("bonsai.shared")

#: How long contributions gather before they are folded, in seconds.
INTERVAL = 0.5
#: Contributions in one step: a few milliseconds of the loop's time.
BATCH = 256
#: Where nodes share a store, what is known of aggregates is forgotten so often, in seconds.
STALE = 5.0
#: Aggregates that are kept in memory.
CACHE = 100_000


class Shared:
    """Aggregates of all plugins.

    Args:
        store: where contributions wait and aggregates live.
        plugins: who folds what.
        supervisor: whose fault a failing fold is.
    """

    def __init__(self, store: Store, plugins: Plugins, supervisor: Supervisor) -> None:
        self._store = store
        self._plugins = plugins
        self._supervisor = supervisor
        self._cache: OrderedDict[tuple[str, str], Any] = OrderedDict()
        self._contributed = asyncio.Event()
        self._fresh_since = time.monotonic()

    def contributed(self) -> None:
        """A unit of work with contributions was committed."""
        self._contributed.set()

    async def run(self) -> None:
        """Fold again and again; what waited since the last start first."""
        while True:
            try:
                more = True
                while more:
                    more = await self.fold()
            except StoreUnavailable:
                log.warning("contributions wait: storage is away")
            self._contributed.clear()
            await asyncio.sleep(INTERVAL)
            await self._contributed.wait()

    async def fold(self) -> bool:
        """Fold one batch; False when nothing waited."""
        count, changed = await self._store.fold(self._fold, BATCH)
        for place, value in changed.items():
            if place in self._cache:
                self._cache[place] = protocol.decode_json(value)
        return count > 0

    async def load(self, name: str, key: str) -> Any:
        """An aggregate as last folded, or None."""
        place = (name, key)
        if self._store.shared and time.monotonic() - self._fresh_since > STALE:  # other nodes fold too
            self._cache.clear()
            self._fresh_since = time.monotonic()
        try:
            value = self._cache[place]
        except KeyError:
            raw = await self._store.aggregate(name, key)
            value = self._cache.setdefault(place, protocol.decode_json(raw) if raw is not None else None)
            if len(self._cache) > CACHE:
                self._cache.popitem(last=False)
        return value

    def _fold(self, name: str, key: str, old: bytes | None, deltas: list[bytes]) -> bytes:
        found = self._plugins.folds.get(name)
        if found is None:
            raise LookupError(f"no installed plugin folds {name}")
        record, function = found
        before = protocol.decode_json(old) if old is not None else None
        try:
            return protocol.encode_json(function(key, before, [protocol.decode_json(delta) for delta in deltas]))
        except Exception as error:
            raise self._supervisor.fault(record.guard, f"fold {name}", error) from None
