"""What a store in Redis adds to the guarantees of every store: faults of Redis, of pub/sub and of other nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from bonsai_core.store import create_store
from bonsai_core.store import redis_keys as keys
from bonsai_core.store.base import (
    AlreadyDone,
    Delta,
    DeviceInfo,
    Mark,
    Message,
    Position,
    Record,
    Replaced,
    StoreUnavailable,
    Unit,
    VersionConflict,
    Write,
    connection_name,
)
from bonsai_core.testing import RedisServer, StartRedis
from tests.test_store_conformance import NOW, Live, mark, save

pytestmark = pytest.mark.redis


class Node(Live):
    """A node: an open store and all that it called back."""

    def __init__(self, url: str, name: str, **options: Any) -> None:
        super().__init__(url, node=name, timeout=1.0, **options)
        self.lost: list[tuple[str, str]] = []
        self.replaced: list[tuple[str, str, int]] = []
        self.gone: list[tuple[str, str, DeviceInfo]] = []
        self.lease_lost = 0
        self.store.on_lost = lambda room, owner: self._note(self.lost, (room, owner))
        self.store.on_replaced = lambda *what: self._note(self.replaced, what)
        self.store.on_device_gone = lambda *what: self._note(self.gone, what)
        self.store.on_lease_lost = self._on_lease_lost

    def _note(self, notes: list[Any], what: Any) -> None:
        notes.append(what)
        self._news.set()

    def _on_lease_lost(self) -> None:
        self.lease_lost += 1
        self._news.set()

    @property
    def texts(self) -> list[str]:
        return [message.data.decode() for message, _ in self.heard if message.offset]

    @property
    def offsets(self) -> list[int]:
        return [message.offset for message, _ in self.heard if message.offset]


OpenNode = Callable[..., Awaitable[Node]]


@pytest.fixture
async def open_node() -> AsyncIterator[OpenNode]:
    nodes: list[Node] = []

    async def build(url: str, name: str | None = None, **options: Any) -> Node:
        node = Node(url, name or f"node{len(nodes)}", **options)
        nodes.append(node)
        await node.open()
        return node

    yield build
    for node in nodes:
        await node.store.close()


async def eventually(act: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> Any:
    """What `act` gives once Redis is back."""
    async with asyncio.timeout(seconds):
        while True:
            try:
                return await act()
            except StoreUnavailable:
                await asyncio.sleep(0.05)


# Nodes and rooms


async def test_what_one_node_says_the_other_hears_in_order(redis_url: str, open_node: OpenNode) -> None:
    here, there = await open_node(redis_url), await open_node(redis_url)
    for node in (here, there):
        await node.store.subscribe("session:s", "ann")
    for number in range(50):
        await (here if number % 2 else there).say(str(number))
    for node in (here, there):
        await node.until(lambda node=node: len(node.texts) == 50)  # type: ignore[misc]
        assert node.texts == [str(number) for number in range(50)]
        assert node.offsets == list(range(1, 51))


async def test_a_broken_pubsub_connection_loses_nothing(
    redis_url: str, shared_redis: RedisServer, open_node: OpenNode
) -> None:
    here, there = await open_node(redis_url), await open_node(redis_url)
    await there.store.subscribe("session:s", "ann")
    await here.say("before")
    await there.until(lambda: there.texts == ["before"])
    for turn in range(5):
        shared_redis.command("CLIENT", "KILL", "TYPE", "pubsub")
        await here.say(f"{turn}a", f"{turn}b")
        await there.until(lambda turn=turn: f"{turn}b" in there.texts)  # type: ignore[misc]
    assert there.offsets == list(range(1, 12))
    assert there.lost == []


async def test_a_half_open_pubsub_connection_is_found_and_loses_nothing(
    redis_url: str, open_node: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bonsai_core.store.redis_rooms.CANARY", 0.05)
    monkeypatch.setattr("bonsai_core.store.redis_rooms.DEAF_AFTER", 0.3)
    here, there = await open_node(redis_url), await open_node(redis_url)
    await there.store.subscribe("session:s", "ann")
    await there.store.recover("session:s", "ann")
    rooms = there.store._rooms  # type: ignore[attr-defined]
    [ear] = rooms._ears.values()
    transport = ear._feed._transport
    transport.pause_reading()  # what is sent to it arrives nowhere, and nobody is told
    await here.say("1", "2")
    await there.until(lambda: there.texts == ["1", "2"])


async def test_the_log_begins_anew_when_redis_does(redis_servers: StartRedis, open_node: OpenNode) -> None:
    redis = await redis_servers(appendonly="yes")
    node = await open_node(redis.url)
    await node.store.subscribe("session:s", "ann")
    await node.say("1", "2")
    await node.until(lambda: node.offsets == [1, 2])
    old = await node.position()
    redis.kill()
    await asyncio.to_thread(redis.start)
    new = await eventually(node.position)
    assert new.epoch != old.epoch
    assert await node.missed(old) is None
    assert ("session:s", "ann") in node.lost
    await node.say("3")
    await node.until(lambda: node.texts[-1] == "3")
    assert await node.store.records("ann", "r", limit=1) == []


async def test_members_are_told_although_nobody_asks(redis_servers: StartRedis, open_node: OpenNode) -> None:
    redis = await redis_servers(appendonly="yes")
    node = await open_node(redis.url)
    await node.store.subscribe("session:s", "ann")
    await node.say("1")
    await node.until(lambda: node.offsets == [1])
    redis.kill()
    await asyncio.to_thread(redis.start)
    await asyncio.wait_for(node.until(lambda: node.lost == [("session:s", "ann")]), 10)


async def test_a_promoted_replica_without_the_last_writes_begins_anew(
    redis_servers: StartRedis, open_node: OpenNode
) -> None:
    first = await redis_servers()
    second = await redis_servers(replicaof=f"127.0.0.1 {first.port}")
    node = await open_node(first.url)
    await node.say("kept")
    old = await node.position()
    assert first.command("WAIT", "1", "10000") == "1"
    second.freeze()
    await node.say("lost")
    ahead = Position(old.epoch, 2)
    first.kill()
    second.thaw()
    second.command("REPLICAOF", "NO", "ONE")
    survivor = await open_node(second.url)
    await survivor.say("other")
    for position in (old, ahead):
        assert await survivor.missed(position) is None
    assert (await survivor.position()).epoch != old.epoch


# Commits


async def test_a_command_that_runs_twice_takes_effect_once(redis_url: str, open_node: OpenNode) -> None:
    node = await open_node(redis_url)
    link = node.store._link  # type: ignore[attr-defined]
    run = link.run

    async def twice(script: Any, keys: Any, *arguments: Any) -> Any:
        first = await run(script, keys, *arguments)
        second = await run(script, keys, *arguments)
        assert second == first
        return second

    link.run = twice
    units = [
        Unit("ann", mark(), [Write("a", b"1", 0)], [Record("r", b"1", NOW)], [node.message("1")]),
        Unit("ann", None, [Write("b", b"1", 0)], [Record("r", b"2", NOW)], [node.message("2")]),
    ]
    for unit in units:
        await node.store.commit(unit)
    link.run = run
    assert [record.value for record in await node.store.records("ann", "r", limit=9)] == [b"1", b"2"]
    assert (await node.position()).offset == 2
    with pytest.raises(AlreadyDone):
        await node.store.commit(units[0])


async def test_scripts_that_redis_forgot_are_loaded_again(
    redis_url: str, shared_redis: RedisServer, open_node: OpenNode
) -> None:
    node = await open_node(redis_url)
    await node.store.commit(save("a", b"1", 0))
    shared_redis.command("SCRIPT", "FLUSH")
    await asyncio.gather(*(node.store.commit(save(f"k{number}", b"1", 0)) for number in range(20)))
    assert await node.store.load("ann", "k19")


async def test_a_stale_read_is_found(redis_url: str, open_node: OpenNode) -> None:
    here, there = await open_node(redis_url), await open_node(redis_url)
    await here.store.commit(save("a", b"1", 0))
    await there.store.commit(save("a", b"2", 1))
    for unit in (Unit("ann", reads={"a": 1}), Unit("ann", mark(), [Write("b", b"1", 0)], reads={"a": 1})):
        with pytest.raises(VersionConflict) as conflict:
            await here.store.commit(unit)
        assert conflict.value.keys == ("a",)
    await here.store.commit(Unit("ann", mark(), [Write("b", b"1", 0)], reads={"a": 2, "none": 0}))


async def test_a_document_made_anew_is_not_taken_for_the_old_one(redis_url: str, open_node: OpenNode) -> None:
    node = await open_node(redis_url)
    await node.store.commit(save("a", b"old", 0))
    await node.store.commit(save("a", None, 1))
    await node.store.commit(save("a", b"new", 0))
    with pytest.raises(VersionConflict):
        await node.store.commit(Unit("ann", reads={"a": 1}))


async def test_a_replaced_connection_commits_no_more(redis_url: str, open_node: OpenNode) -> None:
    here, there = await open_node(redis_url), await open_node(redis_url)
    old = DeviceInfo("phone", "d", "web", "", 1, "node0")
    new = DeviceInfo("phone", "d", "web", "", 2, "node1")
    await here.store.device_joined("ann", "s", old)
    unit = Unit("ann", mark(1), [Write("a", b"1", 0)], sender=("phone", connection_name(old)))
    await here.store.commit(unit)
    await there.store.device_joined("ann", "s", new)
    await here.until(lambda: here.replaced == [("ann", "phone", 1)])
    unit = Unit("ann", mark(2), [Write("a", b"2", 1)], sender=("phone", connection_name(old)))
    with pytest.raises(Replaced):
        await here.store.commit(unit)
    unit.sender = ("phone", connection_name(new))
    await there.store.commit(unit)


# What many users share, and rooms of nobody


async def test_every_delta_is_folded_once_by_nodes_that_fold_at_a_time(redis_url: str, open_node: OpenNode) -> None:
    nodes = [await open_node(redis_url) for _ in range(3)]

    def add(name: str, key: str, old: bytes | None, deltas: list[bytes]) -> bytes:
        return b"%d" % (int(old or 0) + sum(map(int, deltas)))

    for round in range(4):
        await asyncio.gather(
            *(
                nodes[number % 3].store.commit(
                    Unit(f"user{number % 7}", deltas=[Delta("items", f"q{number % 2}", b"1")])
                )
                for number in range(60)
            )
        )
        if round < 3:
            await asyncio.gather(*(node.store.fold(add, 10) for node in nodes))
    for node in nodes:
        while (await node.store.fold(add, 10))[0]:
            pass
    assert [await nodes[0].store.aggregate("items", key) for key in ("q0", "q1")] == [b"120", b"120"]


async def test_messages_to_a_room_of_nobody_come_once_from_all_nodes(redis_url: str, open_node: OpenNode) -> None:
    nodes = [await open_node(redis_url) for _ in range(3)]
    for node in nodes:
        await node.store.subscribe("class:7b")
    await asyncio.gather(
        *(
            nodes[number % 3].store.commit(
                Unit(f"user{number % 5}", messages=[Message("class:7b", "e", b"%d" % number, NOW)])
            )
            for number in range(60)
        )
    )
    for node in nodes:
        await node.until(lambda node=node: len(node.texts) >= 60)  # type: ignore[misc]
        assert sorted(map(int, node.texts)) == list(range(60))
        assert node.offsets == list(range(1, 61))


# Away


async def test_while_redis_is_away_all_is_refused_at_once_and_afterwards_goes_on(
    redis_servers: StartRedis, open_node: OpenNode
) -> None:
    redis = await redis_servers()
    node = await open_node(redis.url)
    await node.store.subscribe("session:s", "ann")
    await node.say("1")
    await node.until(lambda: node.texts == ["1"])
    redis.freeze()
    with pytest.raises(StoreUnavailable):
        await node.store.commit(save("a", b"1", 0))
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(1000):  # none waits for Redis: together they take less than one answer may
        with pytest.raises(StoreUnavailable):
            await node.store.commit(save("b", b"1", 0))
    assert loop.time() - began < 1.0
    redis.thaw()
    await eventually(node.store.check)
    await eventually(lambda: node.store.commit(save("c", b"1", 0)))
    await node.say("2")
    await node.until(lambda: node.texts == ["1", "2"])
    assert node.lost == []


async def test_a_store_that_cannot_be_reached_does_not_open(open_node: OpenNode) -> None:
    with pytest.raises(StoreUnavailable):
        await open_node("redis://127.0.0.1:1/0")


# Nodes that die


async def test_the_devices_of_a_dead_node_end_with_its_lease(redis_url: str, open_node: OpenNode) -> None:
    here, there = await open_node(redis_url, lease=0.6), await open_node(redis_url, lease=0.6)
    phone = DeviceInfo("phone", "d", "web", "", 1, "node0")
    laptop = DeviceInfo("laptop", "d", "web", "", 2, "node1")
    await here.store.device_joined("ann", "s", phone)
    assert await there.store.device_joined("ann", "s", laptop) == [phone, laptop]
    here.store._nodes._task.cancel()  # type: ignore[attr-defined]  # it renews its lease no more
    await there.until(lambda: there.gone == [("ann", "s", phone)])
    assert await there.store.devices("ann", "s") == [laptop]
    await here.store._nodes._renew()  # type: ignore[attr-defined]  # it was only frozen
    assert here.lease_lost == 1
    await here.store.device_joined("ann", "s", phone)
    assert await there.store.devices("ann", "s") == [phone, laptop]


async def test_a_node_that_begins_again_under_its_name_has_no_devices(redis_url: str, open_node: OpenNode) -> None:
    here, there = await open_node(redis_url, "web-1"), await open_node(redis_url, "web-2")
    await here.store.device_joined("ann", "s", DeviceInfo("phone", "d", "web", "", 1, "web-1"))
    here.store._nodes._task.cancel()  # type: ignore[attr-defined]  # killed
    await open_node(redis_url, "web-1")
    assert await there.store.devices("ann", "s") == []


# Sentinel and Cluster


async def test_a_cluster_serves_everything(redis_servers: StartRedis, open_node: OpenNode) -> None:
    servers = await redis_servers.cluster()
    url = "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in servers)
    here, there = await open_node(url), await open_node(url)
    users = [f"user{number}" for number in range(12)]
    for user in users:
        await there.store.subscribe(f"session:{user}", user)
        await there.store.recover(f"session:{user}", user)
    await there.store.subscribe("class:7b")
    for user in users:
        unit = Unit(user, mark(1), [Write("a", b"1", 0)], [Record("r", b"1", NOW)])
        unit.messages += [Message(f"session:{user}", "e", b"hi", NOW, user), Message("class:7b", "e", b"all", NOW)]
        unit.deltas.append(Delta("items", "q", b"1"))
        await here.store.commit(unit)
        with pytest.raises(AlreadyDone):
            await there.store.commit(Unit(user, mark(1), [Write("a", b"2", 1)]))
        assert await there.store.records(user, "r", limit=1) == [Record("r", b"1", NOW, 1)]
    await there.until(lambda: len(there.heard) == 24)
    assert sorted(message.offset for message, _ in there.heard if message.room == "class:7b") == list(range(1, 13))
    count, changed = 0, dict[tuple[str, str], bytes]()
    while (step := await here.store.fold(lambda name, key, old, deltas: b"%d" % (int(old or 0) + len(deltas)), 50))[0]:
        count += step[0]
        changed |= step[1]
    assert (count, changed) == (12, {("items", "q"): b"12"})
    assert {"ann"} == {await node.store.claim_session("s", "ann") for node in (here, there)}
    await here.store.revoke("jti", "t", NOW + 1000)
    await there.until(lambda: there.revocations == [("jti", "t", NOW)])


async def test_a_sentinel_leads_to_the_master(redis_servers: StartRedis, open_node: OpenNode) -> None:
    master = await redis_servers()
    sentinel = await redis_servers(sentinel=f"monitor main 127.0.0.1 {master.port} 1")
    node = await open_node(f"redis+sentinel://127.0.0.1:{sentinel.port}/main/0")
    await node.store.subscribe("session:s", "ann")
    await node.say("1")
    await node.until(lambda: node.texts == ["1"])
    assert master.command("EXISTS", "bonsai:nodes") == "1"


async def test_sentinel_and_master_have_passwords_of_their_own(redis_servers: StartRedis, open_node: OpenNode) -> None:
    master = await redis_servers(requirepass="for@redis")
    monitor = f"monitor main 127.0.0.1 {master.port} 1\nsentinel auth-pass main for@redis"
    sentinel = await redis_servers(sentinel=monitor, requirepass="watch")
    url = f"redis+sentinel://:for%40redis@127.0.0.1:{sentinel.port}/main/0"
    node = await open_node(f"{url}?sentinel_password=watch")
    await node.store.subscribe("session:s", "ann")
    await node.say("1")
    await node.until(lambda: node.texts == ["1"])
    with pytest.raises(StoreUnavailable):
        await open_node(url)


async def test_a_cluster_is_back_when_the_server_that_was_away_is(
    redis_servers: StartRedis, open_node: OpenNode, caplog: pytest.LogCaptureFixture
) -> None:
    servers = await redis_servers.cluster(cluster_require_full_coverage="no")
    url = "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in servers)
    node = await open_node(url)
    await node.say("1")
    port = node.store._link.server_of(keys.documents("ann")).port  # type: ignore[attr-defined]
    frozen = next(server for server in servers if server.port == port)
    frozen.freeze()
    with pytest.raises(StoreUnavailable):
        await node.say("2")
    await asyncio.sleep(1)  # in which the others answer five times
    frozen.thaw()
    assert [record.message for record in caplog.records if "Redis is" in record.message] == ["Redis is away"]
    await eventually(lambda: node.say("3"))


@pytest.mark.parametrize(
    ("url", "word"), [("redis+sentinel://127.0.0.1:1", "service"), ("redis+cluster://", "no host")]
)
def test_an_incomplete_url_says_what_is_missing(url: str, word: str) -> None:
    store = create_store(url, max_messages=1, max_age=1, window=1, clock=lambda: NOW)
    with pytest.raises(ValueError, match=word):
        asyncio.run(store.open(lambda message, epoch: None, lambda kind, value, at: None))


def test_a_mark_is_what_it_was(redis_url: str) -> None:
    async def act() -> None:
        store = create_store(redis_url, max_messages=9, max_age=9, window=9, clock=lambda: NOW)
        await store.open(lambda message, epoch: None, lambda kind, value, at: None)
        kept = Mark("phone", 5, "analytics", bytes(range(12)), b"\x00\xff", NOW)
        await store.commit(Unit("ann", kept))
        assert await store.marks("ann", "phone", 5) == {"analytics": kept}
        await store.close()

    asyncio.run(act())


async def test_what_pubsub_loses_is_read_from_the_log(
    redis_url: str, open_node: OpenNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bonsai_core.store.redis_rooms import Rooms

    hears, seen = Rooms.hears, 0

    def lossy(self: Rooms, channel: bytes, data: bytes) -> None:
        nonlocal seen
        seen += 1
        if seen % 3:
            hears(self, channel, data)

    monkeypatch.setattr(Rooms, "hears", lossy)
    here, there = await open_node(redis_url), await open_node(redis_url)
    await there.store.subscribe("session:s", "ann")
    await there.store.recover("session:s", "ann")
    for number in range(100):
        await here.say(str(number))
    monkeypatch.setattr(Rooms, "hears", hears)
    await here.say("last")
    await there.until(lambda: there.texts[-1:] == ["last"])
    assert there.offsets == list(range(1, 102))
    assert there.lost == []
