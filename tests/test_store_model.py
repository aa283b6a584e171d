"""Any sequence of units does to a store what it does to a model made of dictionaries (a property test)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonsai_core.store import create_store
from bonsai_core.store.base import (
    AlreadyDone,
    Document,
    Mark,
    Message,
    Position,
    Record,
    Unit,
    VersionConflict,
    Write,
)
from bonsai_core.testing import RedisServer

#: The store's URL for an empty directory.
BACKENDS: dict[str, Callable[[Path], str]] = {
    "sqlite-file": lambda directory: f"sqlite:///{directory}/bonsai.db",
    "sqlite-memory": lambda directory: "sqlite://",
}

NOW = 1_750_000_000_000

names = st.sampled_from(["a", "b", "\u00e9\U0001f333", "it's; --"])
values = st.binary(max_size=20)
writes = st.dictionaries(names, st.tuples(st.none() | values, st.sampled_from([0, 0, 0, 1, -1])), max_size=3)
marks = st.none() | st.builds(
    Mark, names, st.integers(1, 5), st.sampled_from(["p", "q"]), values, values, st.integers(1, NOW)
)
records = st.lists(st.builds(Record, names, values, st.integers(NOW - 5, NOW + 5)), max_size=3)
messages = st.lists(st.builds(Message, names, names, values, st.just(NOW), st.just("ann")), max_size=3)
steps = st.tuples(st.sampled_from(["ann", "bob"]), marks, writes, records, messages)

#: user, mark, writes (value and how far the version is off, by key), records, messages
Step = tuple[str, Mark | None, dict[str, tuple[bytes | None, int]], list[Record], list[Message]]


class Model:
    """The interface as dictionaries."""

    def __init__(self, shared: bool) -> None:
        self.shared = shared
        #: The last versions of deleted documents: where processes share a store, versions go on from them.
        self.gone: dict[tuple[str, str], int] = {}
        self.documents: dict[tuple[str, str], Document] = {}
        self.marks: dict[tuple[str, str, int, str], Mark] = {}
        self.records: dict[tuple[str, str], list[Record]] = {}
        self.logs: dict[str, list[Message]] = {}

    def version(self, user: str, key: str) -> int:
        document = self.documents.get((user, key))
        return document.version if document else 0

    def commit(self, unit: Unit) -> None:
        if unit.mark is not None:
            name = (unit.user, unit.mark.client, unit.mark.id, unit.mark.plugin)
            if name in self.marks:
                raise AlreadyDone(self.marks[name])
        changed = [write.key for write in unit.writes if write.version != self.version(unit.user, write.key)]
        if changed:
            raise VersionConflict(changed)
        if unit.mark is not None:
            self.marks[unit.user, unit.mark.client, unit.mark.id, unit.mark.plugin] = unit.mark
        for write in unit.writes:
            place = (unit.user, write.key)
            before = self.documents.pop(place, None)
            if self.shared and before is not None:
                self.gone[place] = before.version
            if write.value is not None:
                self.documents[place] = Document(write.value, max(write.version, self.gone.get(place, 0)) + 1)
        for record in unit.records:
            stream = self.records.setdefault((unit.user, record.stream), [])
            stream.append(Record(record.stream, record.value, record.at, len(stream) + 1))
        for message in unit.messages:
            log = self.logs.setdefault(message.room, [])
            log.append(Message(message.room, message.event, message.data, message.at, message.owner, len(log) + 1))


async def compare(url: str, script: list[Step]) -> None:
    """Play the script to a store and to the model; they must agree after each step and in the end."""
    heard: list[Message] = []
    store = create_store(url, max_messages=1000, max_age=3600.0, window=100, clock=lambda: NOW)
    model = Model(store.shared)
    news = asyncio.Event()

    def listen(message: Message, epoch: str) -> None:
        heard.append(message)
        news.set()

    await store.open(listen, lambda kind, value, at: None)
    epochs: dict[str, str] = {}
    for user, done, changes, appended, sent in script:
        saved = [Write(key, value, max(0, model.version(user, key) + off)) for key, (value, off) in changes.items()]
        unit = Unit(user, done, saved, appended, sent)
        for room in {message.room for message in sent}:
            await store.subscribe(room, "ann")
            epochs.setdefault(room, (await store.recover(room, "ann")).position.epoch)
        expected: AlreadyDone | VersionConflict | None = None
        try:
            model.commit(unit)
        except (AlreadyDone, VersionConflict) as refusal:
            expected = refusal
        if expected is None:
            await store.commit(unit)
        else:
            with pytest.raises(type(expected)) as refused:
                await store.commit(unit)
            assert vars(refused.value) == vars(expected)
    for (user, key), document in model.documents.items():
        assert await store.load(user, key) == document
    for (user, client, number, plugin), kept in model.marks.items():
        assert (await store.marks(user, client, number))[plugin] == kept
        assert await store.last_id(user, client) == max(k[2] for k in model.marks if k[:2] == (user, client))
    for (user, stream), entries in model.records.items():
        assert await store.records(user, stream, limit=1000) == entries
        recent = [entry for entry in entries if entry.at >= NOW and entry.number < 3]
        assert await store.records(user, stream, limit=2, before=3, since=NOW) == recent
    async with asyncio.timeout(5):
        while len(heard) < sum(map(len, model.logs.values())):
            news.clear()
            await news.wait()
    for room, log in model.logs.items():
        assert [message for message in heard if message.room == room] == log
        for offset in range(len(log) + 1):
            recovery = await store.recover(room, "ann", Position(epochs[room], offset))
            assert (list(recovery.messages), recovery.recovered) == (log[offset:], True)
    await store.close()


@pytest.mark.parametrize("backend", BACKENDS)
@settings(
    max_examples=40,
    deadline=None,
)
@given(script=st.lists(steps, max_size=12))
def test_a_store_behaves_like_its_model(
    backend: str, tmp_path_factory: pytest.TempPathFactory, script: list[Step]
) -> None:
    asyncio.run(compare(BACKENDS[backend](tmp_path_factory.mktemp("store")), script))


@pytest.mark.redis
@settings(max_examples=40, deadline=None)
@given(script=st.lists(steps, max_size=12))
def test_redis_behaves_like_the_model(shared_redis: RedisServer, script: list[Step]) -> None:
    shared_redis.command("FLUSHALL")
    asyncio.run(compare(shared_redis.url, script))
