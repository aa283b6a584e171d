"""The durable file behind the offline queue: one small SQLite database, one client at a time.

It keeps what exactly-once needs across a restart of the program: the clientId, the ids given, the messages without
an answer, whose they are, and (optionally) how far each room was delivered. Tokens are never kept.

The program may be killed at any instant (WAL, `synchronous=NORMAL`: a commit survives the process). After a power
loss the newest messages may be missing, but no id is ever given twice: ids are reserved in blocks that are synced.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import cast

from bonsai_core.client.errors import ClientError, JournalLocked
from bonsai_core.client.queue import Pending, Priority
from bonsai_core.client.resume import Position

#: Ids reserved with one sync. After a crash at most so many are skipped, far less than the server's window of 1000.
BLOCK = 200

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pending (
    id INTEGER PRIMARY KEY, event TEXT NOT NULL, priority TEXT NOT NULL, frame BLOB NOT NULL, attachment BLOB
);
CREATE TABLE IF NOT EXISTS positions (room TEXT PRIMARY KEY, epoch TEXT NOT NULL, "offset" INTEGER NOT NULL)
WITHOUT ROWID;
"""


class Journal:
    """An open durable file. Its calls are short writes and happen on the caller's thread.

    Args:
        path: the file; its folder is made when missing.

    Raises:
        JournalLocked: another client has it open.
        ClientError: it is no such file.
    """

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(self.path, timeout=0.0, isolation_level=None)
        try:
            # Exclusive: two clients with one clientId would give the same ids to different messages.
            self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.executescript(_SCHEMA)
            # Reading takes a shared lock only; a write makes the lock ours for as long as the file is open.
            self.set_fact("format", "1")
        except sqlite3.DatabaseError as error:
            self._db.close()
            if isinstance(error, sqlite3.OperationalError):
                raise JournalLocked(
                    f"{self.path} cannot be opened ({error}); close the other client that uses it, or give this one "
                    "a file of its own"
                ) from None
            raise ClientError(f"{self.path} is no client queue ({error}); give another path, or move it away") from None
        self._reserved = int(self.fact("reserved") or 0)
        self.next_id = self._reserved + 1

    def fact(self, name: str) -> str | None:
        """A kept value: `client_id`, `user_id`, `session_id`, `device_id`."""
        row = self._db.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else cast(str, row[0])

    def set_fact(self, name: str, value: str) -> None:
        """Keep a value."""
        self._db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, value))

    def pending(self) -> list[Pending]:
        """The messages without an answer, by rising id."""
        rows = self._db.execute("SELECT id, event, priority, frame, attachment FROM pending ORDER BY id")
        return [Pending(id, event, cast(Priority, priority), frame, blob) for id, event, priority, frame, blob in rows]

    def add(self, pending: Pending) -> None:
        """Keep a message.

        Raises:
            ClientError: the file cannot be written, e.g. for want of space.
        """
        row = (pending.id, pending.event, pending.priority, pending.frame, pending.attachment)
        try:
            self.reserve(pending.id)
            self._db.execute("INSERT INTO pending VALUES (?, ?, ?, ?, ?)", row)
        except sqlite3.Error as error:
            raise ClientError(f"{pending.event} was not queued: {self.path} cannot be written ({error})") from None

    def remove(self, id: int) -> None:
        """Forget a message."""
        self._db.execute("DELETE FROM pending WHERE id = ?", (id,))

    def reserve(self, id: int) -> None:
        """Make sure that ids up to this one are never given again."""
        if id <= self._reserved:
            return
        reserved = id + BLOCK - 1
        self._db.execute("PRAGMA synchronous=FULL")
        try:
            self.set_fact("reserved", str(reserved))
        finally:
            self._db.execute("PRAGMA synchronous=NORMAL")
        self._reserved = reserved

    def positions(self) -> dict[str, Position]:
        """How far each room was delivered."""
        rows = self._db.execute('SELECT room, epoch, "offset" FROM positions')
        return {room: Position(epoch, offset) for room, epoch, offset in rows}

    def set_position(self, room: str, position: Position) -> None:
        """A room was delivered up to here."""
        self._db.execute("INSERT OR REPLACE INTO positions VALUES (?, ?, ?)", (room, position.epoch, position.offset))

    def set_positions(self, positions: dict[str, Position]) -> None:
        """These rooms, and no others, were delivered up to here."""
        self._db.execute("BEGIN")
        try:
            self._db.execute("DELETE FROM positions")
            for room, position in positions.items():
                self.set_position(room, position)
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def close(self) -> None:
        """Let go of the file. A clean end wastes no reserved ids."""
        self._db.close()

    def settle(self, next_id: int) -> None:
        """The program ends in order: ids from `next_id` on were not given."""
        if next_id - 1 < self._reserved:
            self.set_fact("reserved", str(next_id - 1))
            self._reserved = next_id - 1
