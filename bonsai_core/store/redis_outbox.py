"""Outboxes: what a unit of work leaves for keys of other buckets, carried there later, each entry once and in order.

Entries are always worked off from the front. The receiving key remembers, for each outbox, the last entry that it took
in, so that two nodes may work at the same outbox, and one may die half-way.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from typing import Any, Final

from bonsai_core.store import redis_keys as keys
from bonsai_core.store.base import Fold
from bonsai_core.store.redis_client import Link, Script
from bonsai_core.store.redis_codec import Contribution, Forwarded, read_entry

_log = logging.getLogger(__name__)

#: Entries read at a time.
PAGE: Final = 256

Id = tuple[int, int]


class Outboxes:
    """Carries entries out. Only buckets that this node has written to, or that `all_buckets` names, are looked at.

    Args:
        publish, keep, age: for rooms, see `redis_codec.pack_unit`.
    """

    def __init__(self, link: Link, *, publish: str, keep: int, age: int) -> None:
        self._link = link
        self._publish = publish
        self._keep = keep
        self._age = age
        self._forward = Script("forward")
        self._aggregate = Script("aggregate")
        #: Outboxes to look into; at first all of them: a node may have died with entries in one.
        self._filled: dict[int, None] = dict.fromkeys(range(keys.BUCKETS))
        #: Aggregates whose fold failed: their deltas wait until the store is opened again.
        self._held: set[tuple[str, str]] = set()
        #: Entries that were passed over for that reason, in each outbox.
        self._passed: dict[int, Id] = {}

    def filled(self, bucket: int) -> None:
        """There is something in an outbox."""
        self._filled[bucket] = None

    async def forward(self, bucket: int) -> None:
        """Carry messages to their rooms; contributions stay."""
        place = keys.outbox(bucket)
        after = "-"
        while True:
            rows = await self._link.ask("XRANGE", place, after, "+", "COUNT", PAGE)
            for id, fields in rows:
                entry = read_entry(fields[1])
                if isinstance(entry, Forwarded):
                    await self._say(bucket, _id(id), entry)
                    await self._link.ask("XDEL", place, id)
            if len(rows) < PAGE:
                return
            after = f"({rows[-1][0].decode()}"

    async def fold(self, fold: Fold, limit: int) -> tuple[int, dict[tuple[str, str], bytes]]:
        """As `Store.fold`."""
        changed: dict[tuple[str, str], bytes] = {}
        total = 0
        while self._filled and total < limit:
            bucket = next(iter(self._filled))
            del self._filled[bucket]
            count, more = await self._fold_one(bucket, fold, limit - total, changed)
            total += count
            if more:
                self._filled[bucket] = None
        return total, changed

    async def waiting(self) -> int:
        """As `Store.waiting`: of the outboxes that this node still has to look into."""
        buckets = self._filled.keys() | self._passed.keys()
        return sum(await asyncio.gather(*(self._link.ask("XLEN", keys.outbox(bucket)) for bucket in buckets)))

    async def _say(self, bucket: int, id: Id, entry: Forwarded) -> None:
        await self._link.run(
            self._forward,
            keys.room(entry.owner, entry.room),
            secrets.token_urlsafe(9),
            str(bucket),
            id[0],
            id[1],
            keys.channel(entry.owner, entry.room),
            entry.body,
            self._publish,
            self._keep,
            self._age,
        )

    async def _fold_one(
        self, bucket: int, fold: Fold, limit: int, changed: dict[tuple[str, str], bytes]
    ) -> tuple[int, bool]:
        """Fold a page of one outbox; how many entries were dealt with, and whether there may be more."""
        place = keys.outbox(bucket)
        passed = self._passed.get(bucket)
        start = f"({passed[0]}-{passed[1]}" if passed else "-"
        rows = await self._link.ask("XRANGE", place, start, "+", "COUNT", limit)
        waiting: dict[tuple[str, str], list[tuple[Id, bytes]]] = {}
        done: list[bytes] = []
        for id, fields in rows:
            entry = read_entry(fields[1])
            if isinstance(entry, Contribution):
                waiting.setdefault((entry.name, entry.key), []).append((_id(id), entry.value))
            else:  # its node died before it had carried it
                await self._say(bucket, _id(id), entry)
                done.append(id)
        for (name, key), deltas in waiting.items():
            if (name, key) in self._held:
                continue
            try:
                new = await self._fold_into(bucket, name, key, deltas, fold)
            except _FoldFailed:
                self._held.add((name, key))
                continue
            if new is not None:
                changed[name, key] = new
            done += [b"%d-%d" % id for id, _ in deltas]
        if done:
            await self._link.ask("XDEL", place, *done)
        if rows and len(done) < len(rows):
            self._passed[bucket] = _id(rows[-1][0])
        return len(rows), len(rows) == limit

    async def _fold_into(
        self, bucket: int, name: str, key: str, deltas: list[tuple[Id, bytes]], fold: Fold
    ) -> bytes | None:
        place = keys.aggregate(name, key)
        mine = f"from:{bucket}"
        while True:
            version, value, last = await self._link.ask("HMGET", place, "version", "value", mine)
            known = _id(last) if last is not None else (0, 0)
            fresh = [delta for id, delta in deltas if id > known]
            if not fresh:
                return None
            try:
                new = fold(name, key, value, fresh)
            except Exception:
                _log.exception("deltas of %s wait for a restart", name)
                raise _FoldFailed from None
            newest = deltas[-1][0]
            done: Any = await self._link.run(
                self._aggregate, [place], int(version or 0), new, str(bucket), f"{newest[0]}-{newest[1]}"
            )
            if done:
                return new


class _FoldFailed(Exception):
    pass


def _id(text: bytes) -> Id:
    ms, _, sequence = text.partition(b"-")
    return int(ms), int(sequence)
