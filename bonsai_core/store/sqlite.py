"""The embedded store: one SQLite file (or memory) owned by one process.

Writes go through `GroupCommit`; reads of the loop use a second connection, which sees committed data only. Presence
lives in memory, since nobody is connected to a process that has just started.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from bonsai_core.store.base import (
    DeviceInfo,
    Document,
    Fold,
    Listener,
    Mark,
    Message,
    Position,
    Record,
    Recovery,
    Replaced,
    RevocationListener,
    Store,
    StoreError,
    StoreUnavailable,
    Unit,
    is_stale,
)
from bonsai_core.store.sqlite_commit import GroupCommit
from bonsai_core.store.sqlite_schema import FileLock, connect, migrate, translate
from bonsai_core.store.sqlite_units import READ_LAST_ID, READ_MARKS, READ_ROOM, Delivery, UnitWriter

_log = logging.getLogger(__name__)

#: Pause between sweeps of old rows, in seconds; much shorter while a sweep finds plenty.
SWEEP_INTERVAL: Final = 30.0
SWEEP_INTERVAL_BUSY: Final = 0.2

_NO_LIMIT: Final = 2**63 - 1


class SqliteStore(Store):
    """A store in the file `path`, or in memory when it is None. For the other arguments see `Store`."""

    def __init__(
        self, path: str | None, *, max_messages: int, max_age: float, window: int, clock: Callable[[], int]
    ) -> None:
        super().__init__(max_messages=max_messages, max_age=max_age, window=window, clock=clock)
        self._path = None if path is None else Path(path).absolute()
        self._where = "the store in memory" if self._path is None else f"the store {self._path}"
        # The file's identity when it was opened: SQLite would go on writing into a deleted file.
        self._inode = 0
        self._lock: FileLock | None = None
        self._reader: sqlite3.Connection | None = None
        self._group: GroupCommit | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._units: UnitWriter
        self._listener: Listener
        self._on_revoked: RevocationListener
        #: (owner, room) of each room whose messages the listener gets
        self._subscribed: set[tuple[str, str]] = set()
        #: devices by clientId, by (user, sessionId)
        self._present: dict[tuple[str, str], dict[str, DeviceInfo]] = {}
        #: (at, until) by (kind, value); few, and asked for on every join
        self._revocations: dict[tuple[str, str], tuple[int, int]] = {}

    # Life

    @override
    async def open(self, listener: Listener, on_revoked: RevocationListener) -> None:
        if self._group is not None:
            raise StoreError(f"{self._where} is already open")
        self._listener, self._on_revoked = listener, on_revoked
        writer: sqlite3.Connection | None = None
        try:
            if self._path is not None:
                self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                self._lock = FileLock(self._path)
            writer = connect(self._path)
            migrate(writer, self._where)
            # Without a file there is no second connection, and no COMMIT in another thread to keep out of.
            self._reader = writer if self._path is None else connect(self._path)
            rows = self._reader.execute("SELECT kind, value, at, until FROM revocations").fetchall()
            self._revocations = {(kind, value): (at, until) for kind, value, at, until in rows}
            if self._path is not None:
                self._inode = self._path.stat().st_ino
        except BaseException as error:
            for connection in (self._reader, writer):
                if connection is not None:
                    connection.close()
            self._reader = None
            self._release()
            if isinstance(error, sqlite3.Error):
                raise translate(error, self._where) from error
            if isinstance(error, OSError):
                raise StoreError(f"{self._where} cannot be opened: {error.strerror}: {error.filename}") from error
            raise
        self._units = UnitWriter(
            writer, max_messages=self.max_messages, max_age=self.max_age, window=self.window, clock=self.clock
        )
        self._group = GroupCommit(
            writer,
            where=self._where,
            guard=self._check_file,
            before_commit=self._units.flush,
            on_rollback=self._units.forget,
            inline=self._path is None,
        )
        await self._group.submit(self._units.settle, self._units.settled)
        await self._group.submit(self._units.release_held)
        self._sweep_in(SWEEP_INTERVAL)

    @override
    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        group = self._group
        if group is None:
            return
        await group.drain()
        self._units.close()
        if self._reader is not None and self._path is not None:
            self._reader.close()
        self._reader = None
        await group.close()
        self._group = None
        self._subscribed.clear()
        self._present.clear()
        self._release()

    @override
    async def check(self) -> None:
        await self._writing.submit(self._units.touch)

    # The unit of work

    @override
    async def commit(self, unit: Unit) -> None:
        writing = self._writing
        committed = writing.submit(partial(self._units.apply, unit), self._deliver)
        if self._units.to_settle():
            writing.submit(self._units.settle, self._units.settled).add_done_callback(self._tell_failure)
        await committed

    # Reading

    @override
    async def load(self, user: str, key: str) -> Document | None:
        rows: list[Any] = []
        if self._units.is_fresh(user, key):
            rows = self._rows(
                "SELECT value, version FROM recent "
                "WHERE document = (SELECT id FROM documents WHERE user = ? AND key = ?) ORDER BY id DESC LIMIT 1",
                (user, key),
            )
        if not rows:
            rows = self._rows("SELECT value, version FROM documents WHERE user = ? AND key = ?", (user, key))
        return Document(*rows[0]) if rows else None

    @override
    async def records(
        self, user: str, stream: str, *, limit: int, before: int | None = None, since: int | None = None
    ) -> list[Record]:
        rows = self._rows(
            "SELECT value, at, number FROM records "
            "WHERE stream = (SELECT id FROM streams WHERE user = ? AND stream = ?) AND number < ? AND at >= ? "
            "ORDER BY number DESC LIMIT ?",
            (
                user,
                stream,
                _NO_LIMIT if before is None else before,
                -_NO_LIMIT if since is None else since,
                max(0, limit),
            ),
        )
        return [Record(stream, *row) for row in reversed(rows)]

    @override
    async def last_id(self, user: str, client: str) -> int:
        rows = self._rows(READ_LAST_ID, (user, client, self._units.is_fresh(user, client)))
        return int(rows[0][0]) if rows else 0

    @override
    async def marks(self, user: str, client: str, id: int) -> dict[str, Mark]:
        rows = self._rows(READ_MARKS, (user, client, self._units.is_fresh(user, client), id))
        return {row[0]: Mark(client, id, *row) for row in rows}

    # What many users share

    @override
    async def fold(self, fold: Fold, limit: int) -> tuple[int, dict[tuple[str, str], bytes]]:
        return await self._writing.submit(partial(self._units.fold, fold, limit))

    @override
    async def waiting(self) -> int:
        return int(self._rows("SELECT count(*) FROM deltas", ())[0][0])

    @override
    async def aggregate(self, name: str, key: str) -> bytes | None:
        rows = self._rows("SELECT value FROM aggregates WHERE name = ? AND key = ?", (name, key))
        return rows[0][0] if rows else None

    # Rooms

    @override
    async def subscribe(self, room: str, owner: str = "") -> None:
        self._subscribed.add((owner, room))

    @override
    async def unsubscribe(self, room: str, owner: str = "") -> None:
        self._subscribed.discard((owner, room))

    @override
    async def recover(self, room: str, owner: str = "", since: Position | None = None) -> Recovery:
        recovery = self._recover(room, owner, since)
        if recovery is None:
            await self._writing.submit(partial(self._units.room, room, owner))
            recovery = self._recover(room, owner, since)
            assert recovery is not None
        return recovery

    @override
    async def publish(self, message: Message) -> None:
        if (message.owner, message.room) in self._subscribed:
            self._tell(message, "")

    # Sessions, presence, revocation

    @override
    async def claim_session(self, session_id: str, user: str) -> str:
        owner = await self.session_owner(session_id)
        return owner if owner is not None else await self._writing.submit(partial(self._units.claim, session_id, user))

    @override
    async def session_owner(self, session_id: str) -> str | None:
        rows = self._rows("SELECT user FROM sessions WHERE session = ?", (session_id,))
        return str(rows[0][0]) if rows else None

    @override
    async def device_joined(self, user: str, session_id: str, device: DeviceInfo) -> list[DeviceInfo]:
        present = self._present.setdefault((user, session_id), {})
        if (other := present.get(device.client_id)) is not None and is_stale(device.joined_at, other.joined_at):
            raise Replaced
        present[device.client_id] = device
        return await self.devices(user, session_id)

    @override
    async def device_left(self, user: str, session_id: str, device: DeviceInfo) -> bool:
        present = self._present.get((user, session_id), {})
        now = present.get(device.client_id)
        if now is None or (now.device_id, now.joined_at) != (device.device_id, device.joined_at):
            return False
        del present[device.client_id]
        if not present:
            del self._present[(user, session_id)]
        return True

    @override
    async def devices(self, user: str, session_id: str) -> list[DeviceInfo]:
        present = self._present.get((user, session_id), {})
        return sorted(present.values(), key=lambda device: device.joined_at)

    @override
    async def revoke(self, kind: str, value: str, until: int) -> None:
        if kind not in ("jti", "user"):
            raise ValueError(f"cannot revoke a {kind!r}: only 'jti' and 'user'")
        at = self.clock()
        await self._writing.submit(
            partial(self._units.revoke, kind, value, at, until), partial(self._remember_revocation, kind, value)
        )

    @override
    async def revoked(self, jti: str | None, user: str, issued_at: int) -> bool:
        now = self.clock()
        if jti is not None and self._revocations.get(("jti", jti), (0, 0))[1] > now:
            return True
        at, until = self._revocations.get(("user", user), (0, 0))
        return until > now and issued_at <= at

    # Inside

    async def sweep(self) -> bool:
        """Remove a bounded number of rows that are past their time; True when there may be more.

        Runs now and then by itself.
        """
        return await self._writing.submit(self._units.sweep, self._swept)

    @property
    def _writing(self) -> GroupCommit:
        if self._group is None:
            raise StoreUnavailable(f"{self._where} is not open")
        return self._group

    def _rows(self, sql: str, values: tuple[object, ...]) -> list[Any]:
        """All rows, so that no statement stays open: it would hold the reader to an old snapshot."""
        if self._reader is None:
            raise StoreUnavailable(f"{self._where} is not open")
        try:
            return self._reader.execute(sql, values).fetchall()
        except (sqlite3.Error, ValueError, OverflowError) as error:
            raise translate(error, self._where) from error

    def _recover(self, room: str, owner: str, since: Position | None) -> Recovery | None:
        """What `recover` answers; None when the room does not exist.

        The two reads need no common snapshot: entries that a commit adds between them are beyond `end`, and entries
        that it prunes leave too few rows, which is then the truth.
        """
        fresh = self._units.is_fresh(owner, room)
        rows = self._rows(READ_ROOM, (owner, room, fresh))
        if not rows:
            return None
        room_id, epoch, end = rows[0]
        position = Position(epoch, end)
        if since is None or since.epoch != epoch or not 0 <= since.offset <= end:
            return Recovery(position, (), False)
        if end - since.offset > max(1, self.max_messages):  # some of that may not be pruned yet
            return Recovery(position, (), False)
        entries = self._rows(
            "SELECT event, data, at, offset FROM log WHERE room = ?1 AND offset > ?2 AND offset <= ?3 UNION ALL "
            "SELECT event, data, at, offset FROM recent WHERE ?4 AND room = ?1 AND offset > ?2 AND offset <= ?3 "
            "ORDER BY offset",
            (room_id, since.offset, end, fresh),
        )
        oldest = self.clock() - int(self.max_age * 1000)
        if len(entries) != end - since.offset or any(at < oldest for _, _, at, _ in entries):
            return Recovery(position, (), False)
        messages = tuple(Message(room, event, data, at, owner, offset) for event, data, at, offset in entries)
        return Recovery(position, messages, True)

    def _deliver(self, deliveries: list[Delivery]) -> None:
        for message, offset, epoch in deliveries:
            if (message.owner, message.room) in self._subscribed:
                self._tell(Message(message.room, message.event, message.data, message.at, message.owner, offset), epoch)

    def _tell(self, message: Message, epoch: str) -> None:
        try:
            self._listener(message, epoch)
        except Exception:
            _log.exception("the listener failed on %s in room %s at offset %d", *_named(message))

    def _remember_revocation(self, kind: str, value: str, revocation: tuple[int, int]) -> None:
        self._revocations[(kind, value)] = revocation
        self._on_revoked(kind, value, revocation[0])

    def _check_file(self) -> None:
        if self._path is None:
            return
        try:
            same = self._path.stat().st_ino == self._inode
        except OSError:
            same = False
        if not same:
            raise StoreUnavailable(
                f"{self._where} was removed or replaced while in use; put the file back, or stop the server "
                "and restore a backup"
            )

    def _sweep_in(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._sweep_now)

    def _sweep_now(self) -> None:
        if self._group is not None and not self._group.closed:
            self._group.submit(self._units.sweep, self._swept).add_done_callback(self._sweep_again)

    def _tell_failure(self, settling: asyncio.Future[None]) -> None:
        if not settling.cancelled() and (error := settling.exception()) is not None:
            _log.warning("moving what was written lately failed: %s", error)

    def _swept(self, more: bool) -> None:
        self._units.settled()
        now = self.clock()
        self._revocations = {key: value for key, value in self._revocations.items() if value[1] > now}

    def _sweep_again(self, sweep: asyncio.Future[bool]) -> None:
        error = None if sweep.cancelled() else sweep.exception()
        if error is not None:
            _log.warning("a sweep of old rows failed: %s", error)
        busy = error is None and not sweep.cancelled() and sweep.result()
        if self._group is not None and not self._group.closed:
            self._sweep_in(SWEEP_INTERVAL_BUSY if busy else SWEEP_INTERVAL)

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None


def _named(message: Message) -> tuple[str, str, int]:
    return message.event, message.room, message.offset
