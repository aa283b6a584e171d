"""The SQLite store's file: its lock, its connections, its schema and the migrations of the schema."""

from __future__ import annotations

import os
import sqlite3
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from bonsai_core.store.base import StoreError, StoreUnavailable

#: "BnsR", so that another program's database is not taken for ours.
APPLICATION_ID: Final = 0x426E7352

#: One entry per schema version, applied in order; each sets `user_version` to its place, from 1. Never edit one
#: that was released: append.
MIGRATIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "PRAGMA application_id = 0x426E7352",
        # Documents can be many KiB, which a WITHOUT ROWID b-tree holds badly.
        """CREATE TABLE documents (
            id INTEGER PRIMARY KEY, user TEXT NOT NULL, key TEXT NOT NULL,
            version INTEGER NOT NULL, value BLOB NOT NULL, UNIQUE (user, key))""",
        """CREATE TABLE streams (
            id INTEGER PRIMARY KEY, user TEXT NOT NULL, stream TEXT NOT NULL, UNIQUE (user, stream))""",
        """CREATE TABLE records (
            stream INTEGER NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, value BLOB NOT NULL,
            PRIMARY KEY (stream, number)) WITHOUT ROWID""",
        """CREATE TABLE clients (
            id INTEGER PRIMARY KEY, user TEXT NOT NULL, client TEXT NOT NULL, used_at INTEGER NOT NULL,
            UNIQUE (user, client))""",
        "CREATE INDEX clients_by_use ON clients (used_at)",
        """CREATE TABLE marks (
            client INTEGER NOT NULL, id INTEGER NOT NULL, plugin TEXT NOT NULL,
            digest BLOB NOT NULL, answer BLOB NOT NULL, at INTEGER NOT NULL,
            PRIMARY KEY (client, id, plugin)) WITHOUT ROWID""",
        # A room's last offset is that of its newest log entry, or `floor` when age has emptied the log: so a
        # message costs no update of this table.
        """CREATE TABLE rooms (
            id INTEGER PRIMARY KEY, owner TEXT NOT NULL, room TEXT NOT NULL,
            epoch TEXT NOT NULL, floor INTEGER NOT NULL, UNIQUE (owner, room))""",
        # In order of arrival, so that the sweep by age finds the oldest entries of all rooms side by side.
        """CREATE TABLE log (
            id INTEGER PRIMARY KEY, room INTEGER NOT NULL, offset INTEGER NOT NULL,
            event TEXT NOT NULL, data BLOB NOT NULL, at INTEGER NOT NULL, UNIQUE (room, offset))""",
        "CREATE TABLE sessions (session TEXT PRIMARY KEY, user TEXT NOT NULL) WITHOUT ROWID",
        """CREATE TABLE revocations (
            kind TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL, until INTEGER NOT NULL,
            PRIMARY KEY (kind, value)) WITHOUT ROWID""",
        "CREATE TABLE checks (id INTEGER PRIMARY KEY, at INTEGER NOT NULL)",
        "PRAGMA user_version = 1",
    ),
    (
        """CREATE TABLE deltas (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
            held INTEGER NOT NULL DEFAULT 0)""",
        """CREATE TABLE aggregates (
            id INTEGER PRIMARY KEY, name TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, UNIQUE (name, key))""",
        "PRAGMA user_version = 2",
    ),
    (
        # What units have written lately, side by side, so that a commit writes few pages; `UnitWriter.settle` moves
        # it to marks, log and documents. A row holds a mark, a message and a new version of a document, or some.
        """CREATE TABLE recent (
            id INTEGER PRIMARY KEY,
            client INTEGER, number INTEGER, plugin TEXT, digest BLOB, answer BLOB, marked_at INTEGER,
            room INTEGER, offset INTEGER, event TEXT, data BLOB, at INTEGER,
            document INTEGER, version INTEGER, value BLOB)""",
        "PRAGMA user_version = 3",
    ),
)


class FileLock:
    """An exclusive advisory lock next to the database; the system lets go of it even on `kill -9`."""

    def __init__(self, database: Path) -> None:
        path = database.with_name(database.name + ".lock")
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock(self._fd)
        except OSError as error:
            os.close(self._fd)
            raise StoreError(
                f"the database {database} is in use by another process (it holds {path}); "
                "stop that process, choose another STORE_URL, or use Redis to run many processes"
            ) from error
        _held.add(self)

    def release(self) -> None:
        """Let go. Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


_held: weakref.WeakSet[FileLock] = weakref.WeakSet()

if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _release_in_child() -> None:
        # A forked pool worker that outlives a killed server would otherwise keep the lock.
        for lock in tuple(_held):
            lock.release()

    os.register_at_fork(after_in_child=_release_in_child)


def connect(path: Path | None) -> sqlite3.Connection:
    """Open a connection with the settings that the store relies on; None: a database in memory."""
    connection = sqlite3.connect(
        ":memory:" if path is None else str(path),
        isolation_level=None,  # transactions are ours, written out
        check_same_thread=False,  # COMMIT runs in the commit thread, alone
        cached_statements=256,
        timeout=0.1,  # only a foreign tool can hold the write lock; never stall the loop for long
    )
    try:
        for pragma in (
            "PRAGMA journal_mode = WAL",
            "PRAGMA synchronous = FULL",
            "PRAGMA cache_size = -65536",
            "PRAGMA journal_size_limit = 67108864",
            # Checkpoints run in the commit thread; rarer ones write each hot page fewer times.
            "PRAGMA wal_autocheckpoint = 4000",
            "PRAGMA temp_store = MEMORY",
            "PRAGMA trusted_schema = OFF",
        ):
            connection.execute(pragma).fetchall()
    except BaseException:
        connection.close()
        raise
    return connection


def migrate(connection: sqlite3.Connection, where: str, migrations: Sequence[Sequence[str]] = MIGRATIONS) -> None:
    """Bring the schema to the newest version, one transaction per version.

    Raises:
        StoreError: the file belongs to another program or to a newer version of Bonsai.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    owner = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    if owner != APPLICATION_ID and (owner or version or tables):
        raise StoreError(f"{where} is a database of another program; choose another STORE_URL")
    if version > len(migrations):
        raise StoreError(
            f"{where} has schema version {version}, newer than this version of bonsai-core knows ({len(migrations)}); "
            "upgrade bonsai-core, or restore the backup made before the upgrade"
        )
    for statements in migrations[version:]:
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


_REASONS: Final = {
    sqlite3.SQLITE_FULL: "the disk is full; free some space",
    sqlite3.SQLITE_READONLY: "the database cannot be written; check the file's permissions and the mount",
    sqlite3.SQLITE_IOERR: "reading or writing the disk failed; check the disk and its mount",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged; stop the server and restore a backup",
    sqlite3.SQLITE_NOTADB: "the file is not a SQLite database; stop the server and restore a backup",
    sqlite3.SQLITE_BUSY: "another program holds the database; let it finish",
    sqlite3.SQLITE_LOCKED: "another program holds the database; let it finish",
    sqlite3.SQLITE_CANTOPEN: "the database cannot be opened; check that its directory exists and is writable",
    sqlite3.SQLITE_NOMEM: "memory ran out",
}


def is_environment(error: BaseException) -> bool:
    """Whether the disk, the file or another program is at fault, rather than what was to be stored."""
    return isinstance(error, sqlite3.Error) and _code(error) in _REASONS


def translate(error: BaseException, where: str) -> StoreError:
    """The store error that says what happened to the database `where` and what to do."""
    if isinstance(error, StoreError):
        return StoreUnavailable(str(error))
    if isinstance(error, sqlite3.Error):
        return StoreUnavailable(f"{where}: {_REASONS.get(_code(error), str(error))}")
    # Such as an integer beyond 64 bits or a lone surrogate. The text of the error could hold a payload.
    return StoreError(f"{where}: a value cannot be stored ({type(error).__name__})")


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
