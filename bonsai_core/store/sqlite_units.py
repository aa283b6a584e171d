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
from itertools import zip_longest
from typing import Any, Final, Generic, TypeVar

from bonsai_core.store.base import AlreadyDone, Fold, Mark, Message, StoreError, Unit, VersionConflict, Write

_log = logging.getLogger(__name__)

DAY_MS: Final = 86_400_000
#: Clients that sent nothing for so long lose their marks.
CLIENT_AGE_MS: Final = 30 * DAY_MS
#: Logs and marks are pruned once in so many additions.
PRUNE_EVERY: Final = 64
#: Rows (or KiB) in `recent` that are moved on together: some milliseconds of the loop's time.
SETTLE_AT: Final = 768
#: Rows that one step of the sweep removes at most, of each kind: a few milliseconds of the loop's time.
SWEEP_STEP: Final = 500
CACHE_SIZE: Final = 10_000

#: A logged message that awaits its commit: (message, offset, epoch).
Delivery = tuple[Message, int, str]

#: What both connections read, by (owner, name, whether to look into `recent`, ...). SQLite does not begin to look
#: through `recent` when ?3 is false.
READ_ROOM: Final = """SELECT id, epoch, max(
        floor,
        ifnull((SELECT max(offset) FROM log WHERE log.room = rooms.id), 0),
        ifnull((SELECT max(offset) FROM recent WHERE ?3 AND recent.room = rooms.id), 0))
    FROM rooms WHERE owner = ?1 AND room = ?2"""
READ_LAST_ID: Final = """SELECT max(
        ifnull((SELECT max(id) FROM marks WHERE marks.client = clients.id), 0),
        ifnull((SELECT max(number) FROM recent WHERE ?3 AND recent.client = clients.id), 0))
    FROM clients WHERE user = ?1 AND client = ?2"""
READ_MARKS: Final = """SELECT plugin, digest, answer, at FROM marks
        WHERE client = (SELECT id FROM clients WHERE user = ?1 AND client = ?2) AND id = ?4
    UNION ALL SELECT plugin, digest, answer, marked_at FROM recent
        WHERE ?3 AND client = (SELECT id FROM clients WHERE user = ?1 AND client = ?2) AND number = ?4"""

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
    #: the highest id with a mark, and the plugins that have marked it
    last: int
    plugins: list[str]
    unpruned: int = 0


@dataclass(slots=True)
class _Room:
    id: int
    epoch: str
    last: int


_INSERT_RECENT: Final = """INSERT INTO recent (
        client, number, plugin, digest, answer, marked_at, room, offset, event, data, at, document, version, value)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
NO_MARK: Final[tuple[object, ...]] = (None,) * 6
_NO_MESSAGE: Final = (None,) * 5
_NO_DOCUMENT: Final = (None,) * 3
_NOTHING: Final = NO_MARK + _NO_MESSAGE + _NO_DOCUMENT

#: Moves what is in `recent` to where it stays. In arrival order the log's newest entries lie side by side.
_SETTLE: Final = (
    """INSERT OR IGNORE INTO marks (client, id, plugin, digest, answer, at)
        SELECT client, number, plugin, digest, answer, marked_at FROM recent WHERE client IS NOT NULL
        ORDER BY client, number""",
    """INSERT INTO log (room, offset, event, data, at)
        SELECT room, offset, event, data, at FROM recent WHERE room IS NOT NULL ORDER BY id""",
    # Next to max(id), SQLite takes the other columns from the row that has it.
    """UPDATE documents SET version = new.version, value = new.value FROM
        (SELECT document, max(id), version, value FROM recent WHERE document IS NOT NULL GROUP BY document) AS new
        WHERE documents.id = new.document""",
    "DELETE FROM recent",
)


class UnitWriter:
    """Executes units of work on the writer connection.

    Marks, messages and changes of documents are appended to the table `recent`, at first as `_rows` in memory, which
    `flush` writes before COMMIT; `settle` moves them on. So a commit writes a few pages instead of three for each unit.
    """

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
        self._rows: list[tuple[object, ...]] = []
        self._records: list[tuple[object, ...]] = []
        self._deltas: list[tuple[str, str, bytes]] = []
        #: (user, key), (user, client) and (owner, room) of what may be in `recent`, and of what leaves it in the open
        #: transaction
        self._fresh: set[tuple[str, str]] = set()
        self._settling: set[tuple[str, str]] = set()
        #: rows and KiB in `recent`, more or less
        self._weight = 0
        #: ids of the clients, and ids with newest offsets of the rooms, to prune
        self._crowded_clients: set[int] = set()
        self._crowded_rooms: dict[int, int] = {}

    def close(self) -> None:
        """Let go of the connection: a statement that is not done would keep its log (-wal) from being taken in."""
        self._cursor.close()

    def forget(self) -> None:
        """Empty the caches."""
        self._documents.clear()
        self._streams.clear()
        self._clients.clear()
        self._rooms.clear()
        self._rows.clear()
        self._records.clear()
        self._deltas.clear()
        self._fresh |= self._settling

    def is_fresh(self, owner: str, name: str) -> bool:
        """Whether something of this document, client or room may be in the table `recent`."""
        key = (owner, name)
        return key in self._fresh or key in self._settling

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
        mark = NO_MARK if unit.mark is None else self._mark(user, unit.mark)
        documents: list[tuple[object, ...]] = []
        for write, document in zip(unit.writes, held, strict=True):
            if write.value is not None and document.id:
                document.version += 1
                documents.append((document.id, document.version, write.value))
                self._fresh.add((user, write.key))
                self._weight += len(write.value) >> 10
            else:
                self._replace(user, write, document)
        for record in unit.records:
            stream = self._stream(user, record.stream)
            stream.last += 1
            self._records.append((stream.id, stream.last, record.at, record.value))
        deliveries: list[Delivery] = []
        messages: list[tuple[object, ...]] = []
        for message in unit.messages:
            room = self.room(message.room, message.owner)
            room.last += 1
            messages.append((room.id, room.last, message.event, message.data, message.at))
            self._fresh.add((message.owner, message.room))
            self._weight += len(message.data) >> 10
            if room.last % PRUNE_EVERY == 0:
                self._crowded_rooms[room.id] = room.last
            deliveries.append((message, room.last, room.epoch))
        self._append(mark, messages, documents)
        self._deltas += [(delta.name, delta.key, delta.value) for delta in unit.deltas]
        return deliveries

    def _append(
        self, mark: tuple[object, ...], messages: list[tuple[object, ...]], documents: list[tuple[object, ...]]
    ) -> None:
        first = mark + (messages[0] if messages else _NO_MESSAGE) + (documents[0] if documents else _NO_DOCUMENT)
        if first != _NOTHING:
            self._rows.append(first)
        if len(messages) > 1 or len(documents) > 1:
            more = zip_longest(messages[1:], documents[1:])
            self._rows += [NO_MARK + (one or _NO_MESSAGE) + (other or _NO_DOCUMENT) for one, other in more]

    def _replace(self, user: str, write: Write, document: _Document) -> None:
        """Make a document that does not exist, or delete one."""
        if write.value is not None:
            self._cursor.execute(
                "INSERT INTO documents (user, key, version, value) VALUES (?, ?, 1, ?)", (user, write.key, write.value)
            )
            document.id, document.version = self._inserted(), 1
        elif document.id:
            self.flush()
            # The next document may get the same id.
            self._cursor.execute("UPDATE recent SET document = NULL WHERE document = ?", (document.id,))
            self._cursor.execute("DELETE FROM documents WHERE id = ?", (document.id,))
            document.id = document.version = 0

    def flush(self) -> None:
        """Write what `apply` has gathered; before COMMIT, and before anything is read that it may hold."""
        if self._rows:
            self._cursor.executemany(_INSERT_RECENT, self._rows)
            self._weight += len(self._rows)
            self._rows.clear()
        if self._records:
            self._cursor.executemany(
                "INSERT INTO records (stream, number, at, value) VALUES (?, ?, ?, ?)", self._records
            )
            self._records.clear()
        if self._deltas:
            self._cursor.executemany("INSERT INTO deltas (name, key, value) VALUES (?, ?, ?)", self._deltas)
            self._deltas.clear()

    def to_settle(self) -> bool:
        """Whether it is time to `settle`; said once."""
        if self._weight < SETTLE_AT:
            return False
        self._weight = 0
        return True

    def settle(self) -> None:
        """Move everything in `recent` to where it stays, and prune there."""
        self.flush()
        for statement in _SETTLE:
            self._cursor.execute(statement)
        self._settling |= self._fresh
        self._fresh.clear()
        self._weight = 0
        self._cursor.executemany(
            "DELETE FROM marks WHERE client = ?1 AND id < "
            "(SELECT DISTINCT id FROM marks WHERE client = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            [(client, max(1, self._window) - 1) for client in self._crowded_clients],
        )
        self._cursor.executemany(
            "DELETE FROM log WHERE room = ? AND offset <= ?",
            [(room, last - max(1, self._max_messages)) for room, last in self._crowded_rooms.items()],
        )
        self._crowded_clients.clear()
        self._crowded_rooms.clear()

    def settled(self, _: object = None) -> None:
        """What `settle` has moved is committed."""
        self._settling.clear()

    def fold(self, fold: Fold, limit: int) -> tuple[int, dict[tuple[str, str], bytes]]:
        """Fold waiting deltas into their aggregates; how many, and what changed."""
        self.flush()
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
        row = self._row("SELECT value FROM aggregates WHERE name = ? AND key = ?", (name, key))
        return row[0] if row else None

    def room(self, name: str, owner: str) -> _Room:
        """The room's counters; creates the room when it does not exist."""
        known = self._rooms.use((owner, name))
        if known is not None:
            return known
        row = self._row(READ_ROOM, (owner, name, self._fresh_for(owner, name)))
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
        row = self._row("SELECT user FROM sessions WHERE session = ?", (session_id,))
        return str(row[0])

    def revoke(self, kind: str, value: str, at: int, until: int) -> tuple[int, int]:
        """Remember a revocation, the later times of both when there is one; its (at, until)."""
        self._cursor.execute(
            "INSERT INTO revocations (kind, value, at, until) VALUES (?, ?, ?, ?) ON CONFLICT (kind, value) "
            "DO UPDATE SET at = max(at, excluded.at), until = max(until, excluded.until)",
            (kind, value, at, until),
        )
        row = self._row("SELECT at, until FROM revocations WHERE kind = ? AND value = ?", (kind, value))
        return int(row[0]), int(row[1])

    def touch(self) -> None:
        """Write something small, to learn whether writing works."""
        self._cursor.execute("INSERT OR REPLACE INTO checks (id, at) VALUES (1, ?)", (self._clock(),))

    def sweep(self) -> bool:
        """Remove a bounded number of rows that are past their time; True when there may be more."""
        self.settle()
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
        row = self._row(
            "SELECT id, ifnull((SELECT max(version) FROM recent WHERE ?3 AND document = documents.id), version) "
            "FROM documents WHERE user = ?1 AND key = ?2",
            (user, key, self._fresh_for(user, key)),
        )
        return self._documents.put((user, key), _Document(*row) if row else _Document(0, 0))

    def _stream(self, user: str, name: str) -> _Stream:
        known = self._streams.use((user, name))
        if known is not None:
            return known
        self.flush()
        row = self._row(
            "SELECT id, ifnull((SELECT max(number) FROM records WHERE records.stream = streams.id), 0) "
            "FROM streams WHERE user = ? AND stream = ?",
            (user, name),
        )
        if row is None:
            self._cursor.execute("INSERT INTO streams (user, stream) VALUES (?, ?)", (user, name))
            row = (self._inserted(), 0)
        return self._streams.put((user, name), _Stream(*row))

    def _client(self, user: str, name: str) -> _Client:
        known = self._clients.use((user, name))
        if known is not None:
            return known
        row = self._row("SELECT id, used_at FROM clients WHERE user = ? AND client = ?", (user, name))
        if row is None:
            now = self._clock()
            self._cursor.execute("INSERT INTO clients (user, client, used_at) VALUES (?, ?, ?)", (user, name, now))
            return self._clients.put((user, name), _Client(self._inserted(), now, 0, []))
        fresh = self._fresh_for(user, name)
        last = self._row(READ_LAST_ID, (user, name, fresh))[0]
        plugins = [mark[0] for mark in self._cursor.execute(READ_MARKS, (user, name, fresh, last))]
        return self._clients.put((user, name), _Client(row[0], row[1], last, plugins))

    def _done(self, user: str, mark: Mark) -> Mark | None:
        """The stored mark of the same message and plugin."""
        fresh = self._fresh_for(user, mark.client)
        rows = self._cursor.execute(READ_MARKS, (user, mark.client, fresh, mark.id))
        found = [Mark(mark.client, mark.id, *row) for row in rows if row[0] == mark.plugin]
        return found[0] if found else None

    def _mark(self, user: str, mark: Mark) -> tuple[object, ...]:
        """The mark's part of a row in `recent`, or raises `AlreadyDone`."""
        client = self._client(user, mark.client)
        # Most ids rise, which saves a look-up.
        if mark.id > client.last:
            client.last, client.plugins = mark.id, [mark.plugin]
        elif (mark.id < client.last or mark.plugin in client.plugins) and (done := self._done(user, mark)):
            raise AlreadyDone(done)
        elif mark.id == client.last:
            client.plugins.append(mark.plugin)
        now = self._clock()
        if now - client.used_at > DAY_MS:
            client.used_at = now
            self._cursor.execute("UPDATE clients SET used_at = ? WHERE id = ?", (now, client.id))
        client.unpruned += 1
        if client.unpruned >= PRUNE_EVERY:
            client.unpruned = 0
            self._crowded_clients.add(client.id)
        self._fresh.add((user, mark.client))
        return (client.id, mark.id, mark.plugin, mark.digest, mark.answer, mark.at or now)

    def _fresh_for(self, owner: str, name: str) -> bool:
        """`is_fresh`, for a read of the writer: what is gathered in memory is written first."""
        fresh = self.is_fresh(owner, name)
        if fresh:
            self.flush()
        return fresh

    def _row(self, statement: str, arguments: tuple[object, ...]) -> Any:
        """The first row, or None. All are fetched: a statement that is not done holds up checkpoints."""
        rows = self._cursor.execute(statement, arguments).fetchall()
        return rows[0] if rows else None

    def _inserted(self) -> int:
        row = self._cursor.lastrowid
        assert row is not None
        return row
