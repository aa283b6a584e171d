"""What is the SQLite store's own: its file, lock and schema, group commit, failures of the disk, the sweep.

The guarantees that every store gives are in `test_store_conformance.py`, `kill -9` is in `test_store_crash.py`.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from bonsai_core.store import StoreUrlError, create_store, sqlite_units
from bonsai_core.store import sqlite as sqlite_module
from bonsai_core.store.base import (
    AlreadyDone,
    Document,
    Mark,
    Message,
    Position,
    Record,
    StoreError,
    StoreUnavailable,
    Unit,
    Write,
)
from bonsai_core.store.sqlite import SqliteStore
from bonsai_core.store.sqlite_schema import MIGRATIONS, connect, migrate

NOW = 1_750_000_000_000
DAY = 86_400_000


class Clock:
    """A clock that moves when told."""

    now = NOW

    def __call__(self) -> int:
        return self.now


class File:
    """A database file, and the one store that has it open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = Clock()
        self.heard: list[Message] = []
        self.store = self.build()

    def build(self) -> SqliteStore:
        return SqliteStore(str(self.path), max_messages=1000, max_age=60.0, window=100, clock=self.clock)

    async def open(self) -> SqliteStore:
        """Close the store if it is open, and open another on the same file."""
        await self.store.close()
        self.store = self.build()
        await self.store.open(lambda message, epoch: self.heard.append(message), lambda kind, value, at: None)
        return self.store

    @property
    def writer(self) -> sqlite3.Connection:
        assert self.store._group is not None
        return self.store._group._connection

    def count(self, sql: str) -> int:
        connection = sqlite3.connect(self.path)
        try:
            return int(connection.execute(sql).fetchone()[0])
        finally:
            connection.close()


@pytest.fixture
async def file(tmp_path: Path) -> AsyncIterator[File]:
    file = File(tmp_path / "state" / "bonsai.db")
    yield file
    await file.store.close()


@pytest.fixture
async def store(file: File) -> SqliteStore:
    return await file.open()


def mark(number: int = 1, client: str = "phone") -> Mark:
    return Mark(client, number, "analytics", b"digest", b"answer", NOW)


def save(key: str, value: bytes = b"1", version: int = 0, user: str = "ann") -> Unit:
    return Unit(user, writes=[Write(key, value, version)])


def say(text: str, at: int = NOW) -> Unit:
    return Unit("ann", messages=[Message("session:s", "e", text.encode(), at, "ann")])


# URLs


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///relative/b.db", Path.cwd() / "relative/b.db"),
        ("sqlite:////absolute/b.db", Path("/absolute/b.db")),
        ("sqlite://", None),
        ("sqlite:///", None),
        ("sqlite:///:memory:", None),
    ],
)
def test_a_sqlite_url_is_read_as_sqlalchemy_writes_it(url: str, path: Path | None) -> None:
    store = create_store(url, max_messages=1, max_age=1, window=1, clock=Clock())
    assert isinstance(store, SqliteStore)
    assert store._path == path


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgres://:secret@host/0", "unknown store scheme 'postgres'"),
        ("sqlite://secret/b.db", "sqlite:///relative/path"),
        ("sqlite:///b.db?mode=secret", "no options"),
        ("secret.db", "no scheme"),
    ],
)
def test_a_url_that_names_no_store_is_refused_without_showing_its_secrets(url: str, told: str) -> None:
    with pytest.raises(StoreUrlError, match=told) as refused:
        create_store(url, max_messages=1, max_age=1, window=1, clock=Clock())
    assert isinstance(refused.value, ValueError)
    assert "secret" not in str(refused.value)


# The file


async def test_everything_but_presence_is_there_after_a_restart(file: File, store: SqliteStore) -> None:
    start = (await store.recover("session:s", "ann")).position
    message = Message("session:s", "e", b"1", NOW, "ann")
    await store.commit(Unit("ann", mark(), [Write("k", b"1", 0)], [Record("r", b"1", NOW)], [message]))
    await store.claim_session("s", "ann")
    await store.revoke("jti", "t", NOW + 1000)
    store = await file.open()
    assert await store.load("ann", "k") == Document(b"1", 1)
    assert await store.last_id("ann", "phone") == 1
    assert (await store.recover("session:s", "ann", start)).messages[0].data == b"1"
    assert await store.claim_session("s", "bob") == "ann"
    assert await store.revoked("t", "ann", NOW)
    with pytest.raises(AlreadyDone):
        await store.commit(Unit("ann", mark()))
    await store.commit(Unit("ann", mark(2), [Write("k", b"2", 1)], [Record("r", b"2", NOW)], [message]))
    assert [record.number for record in await store.records("ann", "r", limit=9)] == [1, 2]
    assert (await store.recover("session:s", "ann")).position == Position(start.epoch, 2)


async def test_a_file_in_use_is_refused_with_what_to_do(file: File, store: SqliteStore) -> None:
    other = file.build()
    with pytest.raises(StoreError, match=r"bonsai\.db is in use by another process.*Redis"):
        await other.open(lambda message, epoch: None, lambda kind, value, at: None)
    await store.commit(save("k"))
    await store.close()
    await other.open(lambda message, epoch: None, lambda kind, value, at: None)
    assert await other.load("ann", "k") == Document(b"1", 1)
    await other.close()


async def test_a_store_cannot_be_opened_twice(store: SqliteStore) -> None:
    with pytest.raises(StoreError, match="already open"):
        await store.open(lambda message, epoch: None, lambda kind, value, at: None)
    await store.commit(save("k"))


async def test_a_file_that_is_no_database_is_refused_and_left_alone(file: File) -> None:
    file.path.parent.mkdir()
    file.path.write_bytes(b"notes " * 1000)
    with pytest.raises(StoreError, match="not a SQLite database"):
        await file.open()
    assert file.path.read_bytes() == b"notes " * 1000


async def test_the_database_of_another_program_is_refused(file: File) -> None:
    file.path.parent.mkdir()
    connection = sqlite3.connect(file.path)
    connection.execute("CREATE TABLE songs (id)")
    connection.close()
    with pytest.raises(StoreError, match="another program"):
        await file.open()


async def test_a_directory_that_cannot_be_made_is_named(file: File) -> None:
    file.path.parent.write_text("a file")
    with pytest.raises(StoreError, match=r"cannot be opened: .*/state"):
        await file.open()


# The schema


async def test_a_database_of_a_newer_version_is_refused(file: File, store: SqliteStore) -> None:
    file.writer.execute("PRAGMA user_version = 999")
    with pytest.raises(StoreError, match="schema version 999, newer than"):
        await file.open()


def test_each_migration_states_its_version() -> None:
    for version, statements in enumerate(MIGRATIONS, 1):
        assert statements[-1] == f"PRAGMA user_version = {version}"


async def test_an_older_database_is_migrated_with_its_data(file: File, store: SqliteStore) -> None:
    await store.commit(save("k"))
    await store.close()
    connection = connect(file.path)
    newer = (
        *MIGRATIONS,
        ("ALTER TABLE documents ADD COLUMN note TEXT NOT NULL DEFAULT 'none'", "PRAGMA user_version = 999"),
    )
    migrate(connection, "db", newer)
    assert connection.execute("SELECT key, note FROM documents").fetchall() == [("k", "none")]
    connection.close()


async def test_a_database_of_version_2_is_opened_with_its_marks_logs_and_documents(file: File) -> None:
    file.path.parent.mkdir()
    connection = connect(file.path)
    migrate(connection, "db", MIGRATIONS[:2])
    for statement in (
        "INSERT INTO clients VALUES (1, 'ann', 'phone', 1)",
        "INSERT INTO marks VALUES (1, 7, 'analytics', x'01', x'02', 3)",
        "INSERT INTO documents VALUES (1, 'ann', 'k', 5, x'31')",
        "INSERT INTO rooms VALUES (1, 'ann', 'session:s', 'epoch', 0)",
    ):
        connection.execute(statement)
    connection.execute("INSERT INTO log VALUES (1, 1, 9, 'e', x'31', ?)", (NOW,))
    connection.close()
    store = await file.open()
    with pytest.raises(AlreadyDone):
        await store.commit(Unit("ann", mark(7)))
    message = Message("session:s", "e", b"2", NOW, "ann")
    await store.commit(Unit("ann", mark(8), [Write("k", b"2", 5)], messages=[message]))
    for _ in range(2):
        assert await store.last_id("ann", "phone") == 8
        assert await store.marks("ann", "phone", 7) == {"analytics": Mark("phone", 7, "analytics", b"\1", b"\2", 3)}
        assert await store.load("ann", "k") == Document(b"2", 6)
        recovery = await store.recover("session:s", "ann", Position("epoch", 8))
        assert [message.data for message in recovery.messages] == [b"1", b"2"]
        store = await file.open()


def test_a_migration_that_fails_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    connection = connect(tmp_path / "b.db")
    migrate(connection, "db")
    with pytest.raises(sqlite3.OperationalError):
        migrate(connection, "db", (*MIGRATIONS, ("CREATE TABLE extra (id)", "DROP TABLE missing")))
    assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
    assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'extra'").fetchall() == []
    migrate(connection, "db")
    connection.close()


# Group commit


async def test_units_submitted_together_share_a_commit_and_only_that_runs_in_a_thread(
    file: File, store: SqliteStore
) -> None:
    traced: list[tuple[str, bool]] = []
    loop_thread = threading.get_ident()
    file.writer.set_trace_callback(lambda sql: traced.append((sql, threading.get_ident() == loop_thread)))
    await asyncio.gather(*(store.commit(save(f"k{number}")) for number in range(100)))
    commits = [on_loop for sql, on_loop in traced if sql == "COMMIT"]
    assert commits == [False]
    assert all(on_loop for sql, on_loop in traced if sql != "COMMIT")


async def test_reads_go_on_while_a_commit_waits_for_the_disk_and_do_not_see_it(store: SqliteStore) -> None:
    await store.commit(save("k", b"old"))
    group = store._group
    assert group is not None
    disk, guard = threading.Event(), group._guard
    group._guard = lambda: (disk.wait(5), guard())[1]
    commit = asyncio.create_task(store.commit(save("k", b"new", 1)))
    late = asyncio.create_task(store.commit(save("k", b"later", 2)))
    for _ in range(5):
        await asyncio.sleep(0)
        assert await store.load("ann", "k") == Document(b"old", 1)
    assert not commit.done()
    disk.set()
    await asyncio.gather(commit, late)
    assert await store.load("ann", "k") == Document(b"later", 3)


async def test_a_unit_that_cannot_be_stored_fails_alone(file: File, store: SqliteStore) -> None:
    await store.subscribe("session:s", "ann")
    units = [say(str(number)) for number in range(20)]
    units[7] = Unit("ann", Mark("\ud800", 1, "p", b"", b""))
    units[13] = Unit("ann", mark(2**70), messages=units[13].messages)
    outcomes = await asyncio.gather(*(store.commit(unit) for unit in units), return_exceptions=True)
    assert {number for number, outcome in enumerate(outcomes) if outcome is not None} == {7, 13}
    for number in (7, 13):
        assert isinstance(outcomes[number], StoreError)
        assert "cannot be stored" in str(outcomes[number])
    assert [message.offset for message in file.heard] == list(range(1, 19))
    with pytest.raises(StoreError, match="cannot be stored"):
        await store.last_id("ann", "\ud800")


async def test_a_unit_that_writes_a_document_twice_is_refused(store: SqliteStore) -> None:
    with pytest.raises(StoreError, match="twice"):
        await store.commit(Unit("ann", writes=[Write("k", b"1", 0), Write("k", b"2", 0)]))
    assert await store.load("ann", "k") is None


# What was written lately


async def test_what_was_written_lately_is_read_as_what_has_settled(file: File, store: SqliteStore) -> None:
    start = (await store.recover("session:s", "ann")).position
    await store.commit(Unit("ann", writes=[Write("k", b"0", 0)]))
    expected = []
    for number in range(1, 9):
        text = str(number).encode()
        unit = Unit("ann", mark(number), [Write("k", text, number)], messages=say(text.decode()).messages)
        await store.commit(unit)
        expected.append(text)
        if number == 4:
            await store.sweep()
        if number == 6:
            store._units.forget()  # as after a rollback
        assert await store.load("ann", "k") == Document(text, number + 1)
        assert await store.last_id("ann", "phone") == number
        recovery = await store.recover("session:s", "ann", start)
        assert [message.data for message in recovery.messages] == expected
        with pytest.raises(AlreadyDone):
            await store.commit(unit)
    assert set(await store.marks("ann", "phone", 2)) == set(await store.marks("ann", "phone", 8)) == {"analytics"}
    assert file.count("SELECT count(*) FROM recent") == 4


async def test_a_document_made_anew_is_not_changed_by_what_was_written_lately(file: File, store: SqliteStore) -> None:
    await store.commit(save("k", b"old"))
    await store.commit(save("k", b"older", 1))
    await asyncio.gather(store.commit(save("k", b"oldest", 2)), store.commit(Unit("ann", writes=[Write("k", None, 3)])))
    await store.commit(save("other", b"new"))  # with the row id of the one that was deleted
    assert await store.load("ann", "other") == Document(b"new", 1)
    await store.sweep()
    assert await store.load("ann", "other") == Document(b"new", 1)
    assert await store.load("ann", "k") is None


async def test_the_table_of_what_was_written_lately_stays_short(
    file: File, store: SqliteStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_units, "SETTLE_AT", 10)
    for number in range(35):
        await store.commit(say(str(number)))
    await store.check()
    assert file.count("SELECT count(*) FROM recent") < 10
    assert file.count("SELECT count(*) FROM log") >= 25
    await store.commit(save("k", b"x" * 10_000))
    await store.commit(save("k", b"x" * 10_000, 1))
    await store.commit(say("last"))
    assert file.count("SELECT count(*) FROM recent") == 0
    file.writer.execute("PRAGMA query_only = ON")
    store._units._weight = 10
    with pytest.raises(StoreUnavailable):
        await store.commit(say("lost"))
    await until(lambda: "moving what was written lately failed" in caplog.text)


async def test_a_commit_writes_few_pages(file: File, store: SqliteStore) -> None:
    async def commit(user: str, number: int, version: int) -> None:
        message = Message("session:s", "e", b"1", NOW, user)
        await store.commit(Unit(user, mark(number), [Write("k", b"1", version)], messages=[message]))

    users = [f"user{number:04}" for number in range(100)]
    for number in range(5):
        await asyncio.gather(*(commit(user, number + 1, number) for user in users))
    log = file.path.with_name(file.path.name + "-wal")
    size = log.stat().st_size
    await asyncio.gather(*(commit(user, 6, 5) for user in users))
    assert log.stat().st_size - size < 10 * 4096


# Failures of the disk


async def test_a_full_disk_refuses_units_whole_until_there_is_space_again(file: File, store: SqliteStore) -> None:
    await store.commit(save("k"))
    await store.subscribe("session:s", "ann")
    pages = file.writer.execute("PRAGMA page_count").fetchone()[0]
    file.writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    big = Unit("ann", mark(), [Write("k", b"x" * 100_000, 1)], messages=say("big").messages)
    with pytest.raises(StoreUnavailable, match="disk is full"):
        await store.commit(big)
    assert await store.load("ann", "k") == Document(b"1", 1)
    assert await store.last_id("ann", "phone") == 0
    file.writer.execute("PRAGMA max_page_count = 1000000")
    await store.commit(big)
    assert [message.offset for message in file.heard] == [1]


async def test_a_read_only_disk_refuses_units_until_it_can_be_written_again(file: File, store: SqliteStore) -> None:
    file.writer.execute("PRAGMA query_only = ON")
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await store.commit(save("k"))
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        await store.check()
    file.writer.execute("PRAGMA query_only = OFF")
    await store.check()
    await store.commit(save("k"))


async def test_a_tool_that_holds_the_database_delays_units_only_while_it_does(file: File, store: SqliteStore) -> None:
    tool = sqlite3.connect(file.path, isolation_level=None)
    tool.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="another program holds the database"):
        await store.commit(save("k"))
    tool.execute("ROLLBACK")
    tool.close()
    await store.commit(save("k"))


async def test_nothing_is_acknowledged_into_a_removed_file(file: File, store: SqliteStore) -> None:
    await store.commit(save("k"))
    away = file.path.rename(file.path.with_name("away.db"))
    # The second of the two finds the first one's mark in the same transaction, which then fails.
    unit = Unit("ann", mark(), [Write("k", b"2", 1)])
    outcomes = await asyncio.gather(store.commit(unit), store.commit(unit), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [StoreUnavailable, StoreUnavailable]
    assert "was removed or replaced" in str(outcomes[0])
    away.rename(file.path)
    await store.commit(unit)
    assert await store.load("ann", "k") == Document(b"2", 2)


async def test_a_damaged_file_is_reported_as_such(file: File, store: SqliteStore) -> None:
    await asyncio.gather(*(store.commit(save(f"k{number}", b"x" * 3000)) for number in range(50)))
    await store.close()
    healthy = file.path.read_bytes()
    # All pages but the first, which holds the schema.
    file.path.write_bytes(healthy[:4096] + b"\xa5" * (len(healthy) - 4096))
    with pytest.raises(StoreUnavailable, match="damaged"):
        await file.open()
    file.path.write_bytes(healthy)
    store = await file.open()
    assert await store.load("ann", "k49") == Document(b"x" * 3000, 1)


# The sweep


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def sweep(store: SqliteStore) -> None:
    while await store.sweep():
        pass


async def test_the_sweep_empties_old_logs_and_their_offsets_go_on(file: File, store: SqliteStore) -> None:
    start = (await store.recover("session:s", "ann")).position
    await asyncio.gather(*(store.commit(say(str(number))) for number in range(1300)))
    file.clock.now += 60_001
    await store.commit(say("young", file.clock.now))
    await sweep(store)
    assert file.count("SELECT count(*) FROM log") == 1
    file.clock.now += 60_001
    await sweep(store)
    assert file.count("SELECT count(*) FROM log") == 0
    store = await file.open()
    recovery = await store.recover("session:s", "ann", Position(start.epoch, 1301))
    assert (recovery.position, recovery.recovered) == (Position(start.epoch, 1301), True)
    assert not (await store.recover("session:s", "ann", Position(start.epoch, 1300))).recovered
    await store.commit(say("next", file.clock.now))
    assert (await store.recover("session:s", "ann")).position.offset == 1302


async def test_clients_unused_for_thirty_days_are_forgotten_and_used_ones_are_not(
    file: File, store: SqliteStore
) -> None:
    for number in range(1, 20):
        await store.commit(Unit("ann", mark(number, "old")))
        await store.commit(Unit("ann", mark(number, "used")))
    file.clock.now += 29 * DAY
    await store.commit(Unit("ann", mark(20, "used")))
    await sweep(store)
    assert await store.last_id("ann", "old") == 19
    file.clock.now += 3 * DAY
    await sweep(store)
    assert await store.last_id("ann", "old") == 0
    assert await store.last_id("ann", "used") == 20
    assert file.count("SELECT count(*) FROM clients") == 1
    await store.commit(Unit("ann", mark(1, "old")))
    assert await store.last_id("ann", "old") == 1


async def test_expired_revocations_are_forgotten(file: File, store: SqliteStore) -> None:
    await store.revoke("jti", "short", NOW + 1000)
    await store.revoke("user", "ann", NOW + 2000)
    file.clock.now += 1000
    await sweep(store)
    assert file.count("SELECT count(*) FROM revocations") == 1
    assert list(store._revocations) == [("user", "ann")]


async def test_the_sweep_runs_by_itself_and_survives_a_failure(
    file: File, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_module, "SWEEP_INTERVAL", 0.001)
    store = await file.open()
    await store.commit(say("old"))
    file.writer.execute("PRAGMA query_only = ON")
    await until(lambda: "a sweep of old rows failed" in caplog.text)
    file.writer.execute("PRAGMA query_only = OFF")
    file.clock.now += 60_001
    await until(lambda: file.count("SELECT count(*) FROM log") == 0)


async def test_a_closed_store_is_one_file_that_can_be_copied(file: File, tmp_path: Path) -> None:
    store = await file.open()
    for number in range(3):
        await store.commit(say(str(number)))
        await store.last_id("ann", "never seen")
    at = (await store.recover("session:s", "ann")).position
    await store.close()
    assert not file.path.with_name(file.path.name + "-wal").exists(), "its log was taken in"
    copy = File(tmp_path / "copy.db")
    copy.path.write_bytes(file.path.read_bytes())
    there = await copy.open()
    missed = await there.recover("session:s", "ann", Position(at.epoch, 0))
    assert (missed.recovered, len(missed.messages)) == (True, 3)
    await there.close()
