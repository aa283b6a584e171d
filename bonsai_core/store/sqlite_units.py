"""What the SQLite store writes: units of work, rooms, and the sweep that lets old things go.

Everything here runs on the loop's thread inside a transaction of `GroupCommit`. One process owns the database, so
what was read or written once is remembered: versions, row ids, a room's last offset. The caches hold the state of
the open transaction; `forget` empties them when it is rolled back.
"""

from __future__ import annotations

import logging
import secrets
import sqlite3
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from bonsai_core.store.base import AlreadyDone, Fold, Mark, Message, StoreError, Unit, VersionConflict

_log = logging.getLogger(__name__)

DAY_MS: Final = 86_400_000
#: Clients that sent nothing for so long lose their marks.
CLIENT_AGE_MS: Final = 30 * DAY_MS
#: Logs and marks are pruned once in so many additions.
PRUNE_EVERY: Final = 64
#: Rows that one step of the sweep removes at most, of each kind: a few milliseconds of the loop's time.
SWEEP_STEP: Final = 500
CACHE_SIZE: Final = 20_000

#: A logged message that awaits its commit: (message, offset, epoch).
Delivery = tuple[Message, int, str]

K = TypeVar("K")
V = TypeVar("V")


class _Lru(OrderedDict[K, V], Generic[K, V]):
    """Remembers what was used last, `CACHE_SIZE` entries of it."""

    def use(self, key: K) -> V | None:
        value = self.get(key)
        if value is not None:
            self.move_to_end(key)
        return value

    def put(self, key: K, value: V) -> V:
        self[key] = value
        if len(self) > CACHE_SIZE:
            self.popitem(last=False)
        return value


@dataclass(slots=True)
class _Document:
    id: int
    version: int


@dataclass(slots=True)
class _Stream:
    id: int
    last: int


@dataclass(slots=True)
class _Client:
    id: int
    used_at: int
    unpruned: int = 0


@dataclass(slots=True)
class _Room:
    id: int
    epoch: str
    last: int


class UnitWriter:
    """Executes units of work on the writer connection."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        max_messages: int,
        max_age: float,
        window: int,
        clock: Callable[[], int],
    ) -> None:
        self._cursor = connection.cursor()
        self._max_messages = max_messages
        self._max_age_ms = int(max_age * 1000)
        self._window = window
        self._clock = clock
        self._documents: _Lru[tuple[str, str], _Document] = _Lru()
        self._streams: _Lru[tuple[str, str], _Stream] = _Lru()
        self._clients: _Lru[tuple[str, str], _Client] = _Lru()
        self._rooms: _Lru[tuple[str, str], _Room] = _Lru()

    def forget(self) -> None:
        """Empty the caches."""
        self._documents.clear()
        self._streams.clear()
        self._clients.clear()
        self._rooms.clear()

    def apply(self, unit: Unit) -> list[Delivery]:
        """Write the unit, or refuse it before anything of it is written."""
        user = unit.user
        held = [self._document(user, write.key) for write in unit.writes]
        changed = [write.key for write, now in zip(unit.writes, held, strict=True) if now.version != write.version]
        if changed:
            # A resend finds documents that moved on since, so the mark has the first word.
            if unit.mark is not None and (done := self._done(user, unit.mark)):
                raise AlreadyDone(done)
            raise VersionConflict(changed)
        if len(held) > 1 and len({write.key for write in unit.writes}) < len(held):
            raise StoreError("a unit of work writes the same document twice")
        execute = self._cursor.execute
        if unit.mark is not None:
            self._mark(user, unit.mark)
        for write, document in zip(unit.writes, held, strict=True):
            if write.value is None:
                if document.id:
                    execute("DELETE FROM documents WHERE id = ?", (document.id,))
                document.id = document.version = 0
            elif document.id:
                document.version += 1
                execute(
                    "UPDATE documents SET version = ?, value = ? WHERE id = ?",
                    (document.version, write.value, document.id),
                )
            else:
                execute(
                    "INSERT INTO documents (user, key, version, value) VALUES (?, ?, 1, ?)",
                    (user, write.key, write.value),
                )
                document.id, document.version = self._inserted(), 1
        for record in unit.records:
            stream = self._stream(user, record.stream)
            stream.last += 1
            execute(
                "INSERT INTO records (stream, number, at, value) VALUES (?, ?, ?, ?)",
                (stream.id, stream.last, record.at, record.value),
            )
        deliveries: list[Delivery] = []
        for message in unit.messages:
            room = self.room(message.room, message.owner)
            room.last += 1
            execute(
                "INSERT INTO log (room, offset, event, data, at) VALUES (?, ?, ?, ?, ?)",
                (room.id, room.last, message.event, message.data, message.at),
            )
            if room.last % PRUNE_EVERY == 0:
                execute(
                    "DELETE FROM log WHERE room = ? AND offset <= ?",
                    (room.id, room.last - max(1, self._max_messages)),
                )
            deliveries.append((message, room.last, room.epoch))
        for delta in unit.deltas:
            execute("INSERT INTO deltas (name, key, value) VALUES (?, ?, ?)", (delta.name, delta.key, delta.value))
        return deliveries

    def fold(self, fold: Fold, limit: int) -> tuple[int, dict[tuple[str, str], bytes]]:
        """Fold waiting deltas into their aggregates; how many, and what changed."""
        rows = self._cursor.execute(
            "SELECT id, name, key, value FROM deltas WHERE NOT held ORDER BY id LIMIT ?", (limit,)
        ).fetchall()
        waiting: dict[tuple[str, str], list[tuple[int, bytes]]] = {}
        for number, name, key, value in rows:
            waiting.setdefault((name, key), []).append((number, value))
        changed: dict[tuple[str, str], bytes] = {}
        for (name, key), deltas in waiting.items():
            numbers = [(number,) for number, _ in deltas]
            try:
                new = fold(name, key, self._aggregate(name, key), [value for _, value in deltas])
            except Exception:
                _log.exception("deltas of %s wait for a restart", name)
                self._cursor.executemany("UPDATE deltas SET held = 1 WHERE id = ?", numbers)
                continue
            self._cursor.execute(
                "INSERT INTO aggregates (name, key, value) VALUES (?, ?, ?) "
                "ON CONFLICT (name, key) DO UPDATE SET value = excluded.value",
                (name, key, new),
            )
            self._cursor.executemany("DELETE FROM deltas WHERE id = ?", numbers)
            changed[name, key] = new
        return len(rows), changed

    def release_held(self) -> None:
        """Let deltas that could not be folded be tried again."""
        self._cursor.execute("UPDATE deltas SET held = 0 WHERE held")

    def _aggregate(self, name: str, key: str) -> bytes | None:
        row = self._cursor.execute("SELECT value FROM aggregates WHERE name = ? AND key = ?", (name, key)).fetchone()
        return row[0] if row else None

    def room(self, name: str, owner: str) -> _Room:
        """The room's counters; creates the room when it does not exist."""
        known = self._rooms.use((owner, name))
        if known is not None:
            return known
        row = self._cursor.execute(
            "SELECT id, epoch, max(floor, ifnull((SELECT max(offset) FROM log WHERE log.room = rooms.id), 0)) "
            "FROM rooms WHERE owner = ? AND room = ?",
            (owner, name),
        ).fetchone()
        if row is None:
            epoch = secrets.token_urlsafe(9)
            self._cursor.execute(
                "INSERT INTO rooms (owner, room, epoch, floor) VALUES (?, ?, ?, 0)", (owner, name, epoch)
            )
            row = (self._inserted(), epoch, 0)
        return self._rooms.put((owner, name), _Room(*row))

    def claim(self, session_id: str, user: str) -> str:
        """Make `user` the session's owner if it has none; its owner."""
        self._cursor.execute("INSERT OR IGNORE INTO sessions (session, user) VALUES (?, ?)", (session_id, user))
        row = self._cursor.execute("SELECT user FROM sessions WHERE session = ?", (session_id,)).fetchone()
        return str(row[0])

    def revoke(self, kind: str, value: str, at: int, until: int) -> tuple[int, int]:
        """Remember a revocation, the later times of both when there is one; its (at, until)."""
        self._cursor.execute(
            "INSERT INTO revocations (kind, value, at, until) VALUES (?, ?, ?, ?) ON CONFLICT (kind, value) "
            "DO UPDATE SET at = max(at, excluded.at), until = max(until, excluded.until)",
            (kind, value, at, until),
        )
        row = self._cursor.execute(
            "SELECT at, until FROM revocations WHERE kind = ? AND value = ?", (kind, value)
        ).fetchone()
        return int(row[0]), int(row[1])

    def touch(self) -> None:
        """Write something small, to learn whether writing works."""
        self._cursor.execute("INSERT OR REPLACE INTO checks (id, at) VALUES (1, ?)", (self._clock(),))

    def sweep(self) -> bool:
        """Remove a bounded number of rows that are past their time; True when there may be more."""
        now = self._clock()
        self._cursor.execute("DELETE FROM revocations WHERE until <= ?", (now,))
        more = self._sweep_log(now - self._max_age_ms)
        return self._sweep_clients(now - CLIENT_AGE_MS) or more

    def _sweep_log(self, oldest: int) -> bool:
        rows = self._cursor.execute(
            "SELECT id, room, offset, at FROM log ORDER BY id LIMIT ?", (SWEEP_STEP,)
        ).fetchall()
        old = [row for row in rows if row[3] < oldest]
        # Offsets go on from the floor when nothing of a room's log is left.
        floors: dict[int, int] = {}
        for _, room, offset, _ in old:
            floors[room] = max(offset, floors.get(room, 0))
        self._cursor.executemany(
            "UPDATE rooms SET floor = max(floor, ?) WHERE id = ?", [(offset, room) for room, offset in floors.items()]
        )
        self._cursor.executemany("DELETE FROM log WHERE id = ?", [(row[0],) for row in old])
        return len(old) == SWEEP_STEP

    def _sweep_clients(self, oldest: int) -> bool:
        # `used_at` is kept to the day, so a day is added.
        unused = self._cursor.execute(
            "SELECT id, user, client FROM clients WHERE used_at < ? ORDER BY used_at LIMIT ?", (oldest - DAY_MS, 20)
        ).fetchall()
        budget = SWEEP_STEP
        for client_id, user, client in unused:
            self._cursor.execute(
                "DELETE FROM marks WHERE (client, id, plugin) IN "
                "(SELECT client, id, plugin FROM marks WHERE client = ? ORDER BY id LIMIT ?)",
                (client_id, budget),
            )
            budget -= self._cursor.rowcount
            if budget <= 0:
                return True
            self._cursor.execute("DELETE FROM clients WHERE id = ?", (client_id,))
            self._clients.pop((user, client), None)
        return len(unused) == 20

    def _document(self, user: str, key: str) -> _Document:
        """Id and version of a document; both 0 when there is none."""
        known = self._documents.use((user, key))
        if known is not None:
            return known
        row = self._cursor.execute(
            "SELECT id, version FROM documents WHERE user = ? AND key = ?", (user, key)
        ).fetchone()
        return self._documents.put((user, key), _Document(*row) if row else _Document(0, 0))

    def _stream(self, user: str, name: str) -> _Stream:
        known = self._streams.use((user, name))
        if known is not None:
            return known
        row = self._cursor.execute(
            "SELECT id, ifnull((SELECT max(number) FROM records WHERE records.stream = streams.id), 0) "
            "FROM streams WHERE user = ? AND stream = ?",
            (user, name),
        ).fetchone()
        if row is None:
            self._cursor.execute("INSERT INTO streams (user, stream) VALUES (?, ?)", (user, name))
            row = (self._inserted(), 0)
        return self._streams.put((user, name), _Stream(*row))

    def _done(self, user: str, mark: Mark) -> Mark | None:
        """The stored mark of the same message and plugin."""
        row = self._cursor.execute(
            "SELECT digest, answer, at FROM marks "
            "WHERE client = (SELECT id FROM clients WHERE user = ? AND client = ?) AND id = ? AND plugin = ?",
            (user, mark.client, mark.id, mark.plugin),
        ).fetchone()
        return Mark(mark.client, mark.id, mark.plugin, *row) if row else None

    def _mark(self, user: str, mark: Mark) -> None:
        """Write the mark, the first write of a unit, or raise `AlreadyDone`."""
        now = self._clock()
        client = self._clients.use((user, mark.client))
        if client is None:
            row = self._cursor.execute(
                "SELECT id, used_at FROM clients WHERE user = ? AND client = ?", (user, mark.client)
            ).fetchone()
            if row is None:
                self._cursor.execute(
                    "INSERT INTO clients (user, client, used_at) VALUES (?, ?, ?)", (user, mark.client, now)
                )
                row = (self._inserted(), now)
            client = self._clients.put((user, mark.client), _Client(*row))
        try:
            self._cursor.execute(
                "INSERT INTO marks (client, id, plugin, digest, answer, at) VALUES (?, ?, ?, ?, ?, ?)",
                (client.id, mark.id, mark.plugin, mark.digest, mark.answer, mark.at or now),
            )
        except sqlite3.IntegrityError:
            # The failed statement undid itself, and nothing of the unit came before it.
            if done := self._done(user, mark):
                raise AlreadyDone(done) from None
            raise
        if now - client.used_at > DAY_MS:
            client.used_at = now
            self._cursor.execute("UPDATE clients SET used_at = ? WHERE id = ?", (now, client.id))
        client.unpruned += 1
        if client.unpruned >= PRUNE_EVERY:
            client.unpruned = 0
            self._cursor.execute(
                "DELETE FROM marks WHERE client = ?1 AND id < "
                "(SELECT DISTINCT id FROM marks WHERE client = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                (client.id, max(1, self._window) - 1),
            )

    def _inserted(self) -> int:
        row = self._cursor.lastrowid
        assert row is not None
        return row
