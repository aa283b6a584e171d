"""Two nodes that share a Redis are one server: sessions, takeover, presence, limits, revocation, faults."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from bonsai_core import Payload, Plugin, Session, on
from bonsai_core.testing import RedisServer, StartProcess, StartRedis, StartServer, TestServer, WireError

pytestmark = pytest.mark.redis


class Say(Payload):
    text: str


class Talk(Plugin):
    name = "talk"

    @on("talk:say")
    async def say(self, session: Session, say: Say) -> int:
        said: list[str] = await session.load("said") or []
        said.append(say.text)
        session.save("said", said)
        session.emit("talk:said", {"text": say.text})
        return len(said)

    @on("talk:read")
    async def read(self, session: Session) -> Any:
        return await session.load("said")


NODES: dict[str, Any] = {"rate_max_requests": 0, "connections_per_ip": 0, "handshakes_per_ip": 0}


async def nodes(start: StartServer, url: str, count: int = 2, **settings: Any) -> list[TestServer]:
    values = NODES | {"store_url": url, "redis_timeout_ms": 1000} | settings
    return [await start(plugins=[Talk()], node_id=f"node{number}", **values) for number in range(count)]


async def test_a_sessions_devices_may_be_on_different_nodes(bonsai_server: StartServer, redis_url: str) -> None:
    here, there = await nodes(bonsai_server, redis_url)
    phone = await here.connect(user="ada", session="s", client="phone")
    laptop = await there.connect(user="ada", session="s", client="laptop")
    assert [device["clientId"] for device in laptop.joined["devices"]] == ["phone", "laptop"]
    assert (await phone.recv("user:connect"))["data"]["device"]["clientId"] == "laptop"
    for number in range(20):
        sender, listener = (phone, laptop) if number % 2 else (laptop, phone)
        assert await sender.request("talk:say", {"text": str(number)}) == number + 1
        assert (await listener.recv("talk:said"))["data"] == {"text": str(number)}
        await sender.recv("talk:said")
        assert len(await listener.request("talk:read")) == number + 1  # never what was true before
    await laptop.close()
    assert (await phone.recv("user:disconnect"))["data"]["device"]["clientId"] == "laptop"


async def test_devices_that_write_at_a_time_on_two_nodes_lose_nothing(
    bonsai_server: StartServer, redis_url: str
) -> None:
    here, there = await nodes(bonsai_server, redis_url)
    phone = await here.connect(user="ada", session="s", client="phone")
    laptop = await there.connect(user="ada", session="s", client="laptop")
    await asyncio.gather(
        *(device.request("talk:say", {"text": "x"}) for device in (phone, laptop) for _ in range(1)),
    )
    for _ in range(10):
        await asyncio.gather(phone.request("talk:say", {"text": "p"}), laptop.request("talk:say", {"text": "l"}))
    said = await phone.request("talk:read")
    assert (said.count("p"), said.count("l"), said.count("x")) == (10, 10, 2)


async def test_a_client_that_joins_elsewhere_replaces_its_connection_and_gets_what_it_missed(
    bonsai_server: StartServer, redis_url: str
) -> None:
    here, there = await nodes(bonsai_server, redis_url)
    phone = await here.connect(user="ada", session="s", client="phone")
    laptop = await there.connect(user="ada", session="s", client="laptop")
    await phone.sync()
    positions = phone.positions
    await laptop.request("talk:say", {"text": "missed"})
    again = await there.connect(user="ada", session="s", client="phone", resume=positions)
    assert await phone.closed() == 4001
    assert again.joined["rooms"]["session:s"]["recovered"] is True
    assert (await again.recv("talk:said"))["data"] == {"text": "missed"}


async def test_a_join_that_comes_late_does_not_replace_a_connection_opened_since(
    bonsai_server: StartServer, redis_url: str
) -> None:
    for here, there in itertools.product(await nodes(bonsai_server, redis_url), repeat=2):
        late = await here.connect(join=False)
        await asyncio.sleep(0.3)  # clocks agree as well as Redis answers quickly
        phone = await there.connect(user="ada", session="s", client="phone")
        await late.send("user:connect", {"token": here.token("ada"), "sessionId": "s", "clientId": "phone"})
        assert await late.closed() == 1013
        await phone.request("talk:say", {"text": "here"})
        phone = await there.connect(user="ada", session="s", client="phone")
        await phone.request("talk:say", {"text": "here"})


async def test_a_resend_to_another_node_takes_effect_once(bonsai_server: StartServer, redis_url: str) -> None:
    here, there = await nodes(bonsai_server, redis_url)
    phone = await here.connect(user="ada", session="s", client="phone")
    assert await phone.request("talk:say", {"text": "once"}, id=1) == 1
    await phone.abort()
    again = await there.connect(user="ada", session="s", client="phone")
    assert await again.request("talk:say", {"text": "once"}, id=1) == 1
    assert await again.request("talk:read") == ["once"]


async def test_a_users_rate_limit_holds_across_nodes(bonsai_server: StartServer, redis_url: str) -> None:
    here, there = await nodes(bonsai_server, redis_url, rate_max_requests=20, rate_window_ms=3_600_000)
    phone = await here.connect(user="ada", session="s", client="phone")
    laptop = await there.connect(user="ada", session="s", client="laptop")
    for _ in range(15):
        await phone.request("talk:read")
    known = there.app.limits._users._buckets
    await _until(lambda: "ada" in known and known["ada"]._tokens < 5.5)
    for _ in range(5):
        await laptop.request("talk:read")
    with pytest.raises(WireError) as refused:
        await laptop.request("talk:read")
    assert refused.value.code == "rate_limited"
    other = await there.connect(user="bo", session="t", client="c")
    await other.request("talk:read")


async def test_an_addresss_connections_are_counted_on_all_nodes(bonsai_server: StartServer, redis_url: str) -> None:
    here, there = await nodes(bonsai_server, redis_url, connections_per_ip=3)
    clients = [await here.connect(user="ada", session="s", client=f"c{number}") for number in range(3)]
    await _until(lambda: there.app.admission._everywhere("127.0.0.1") == 3)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await there.connect(user="ada", session="s", client="one-too-many")
    assert refused.value.status == 429
    await clients[0].close()
    await _until(lambda: there.app.admission._everywhere("127.0.0.1") == 2)
    await there.connect(user="ada", session="s", client="fits")


async def test_a_revoked_token_ends_connections_of_all_nodes(bonsai_server: StartServer, redis_url: str) -> None:
    here, there = await nodes(bonsai_server, redis_url)
    token = there.token("ada", jti="t1")
    phone = await there.connect(session="s", client="phone", token=token)
    await here.app.revoke("jti", "t1")
    assert await phone.closed() == 4401
    with pytest.raises(WireError):
        await here.connect(session="s", client="phone", token=token)


async def test_the_devices_of_a_killed_node_are_gone_when_its_lease_is(
    bonsai_process: StartProcess, redis_url: str
) -> None:
    settings = {"store_url": redis_url, "node_lease_ms": 600}
    here, there = [await bonsai_process(node_id=f"node{number}", **settings) for number in range(2)]
    await here.connect(user="ada", session="s", client="phone")
    laptop = await there.connect(user="ada", session="s", client="laptop")
    await here.kill()
    assert (await laptop.recv("user:disconnect", timeout=10))["data"]["device"]["clientId"] == "phone"
    assert [device["clientId"] for device in (await laptop.request("session:state"))["devices"]] == ["laptop"]


async def test_while_redis_is_frozen_connections_stay_and_events_are_to_be_sent_again(
    bonsai_server: StartServer, redis_servers: StartRedis
) -> None:
    redis = await redis_servers()
    [server] = await nodes(bonsai_server, redis.url, 1)
    phone = await server.connect(user="ada", session="s", client="phone")
    await phone.request("talk:say", {"text": "before"})
    redis.freeze()
    await phone.send("talk:say", {"text": "meanwhile"}, id=2)
    error = await phone.recv("error", timeout=10)
    assert (error["id"], error["data"]["code"]) == (2, "overloaded")
    assert error["data"]["retryAfterMs"] > 0
    assert await _status(server, "/readyz") == 503
    assert await _status(server, "/healthz") == 200
    await phone.sync()  # the loop is not blocked
    redis.thaw()
    await _ready(server)
    assert await phone.request("talk:say", {"text": "meanwhile"}, id=2) == 2
    assert await phone.request("talk:read") == ["before", "meanwhile"]


async def test_what_was_turned_away_for_storage_is_not_overtaken(
    bonsai_server: StartServer, redis_servers: StartRedis
) -> None:
    redis = await redis_servers()
    [server] = await nodes(bonsai_server, redis.url, 1)
    phone = await server.connect(user="ada", session="s", client="phone")
    await phone.sync()
    redis.freeze()
    await phone.send("talk:say", {"text": "1"}, id=1)
    assert (await phone.recv("error", timeout=10))["id"] == 1
    redis.thaw()
    await _ready(server)
    await phone.send("talk:say", {"text": "2"}, id=2)
    assert (await phone.recv("error"))["data"]["details"] == {"reason": "storage"}
    await phone.request("talk:say", {"text": "1"}, id=1)
    await phone.request("talk:say", {"text": "2"}, id=2)
    assert await phone.request("talk:read") == ["1", "2"]


async def test_members_of_a_room_whose_log_was_lost_come_back_to_a_snapshot(
    bonsai_server: StartServer, redis_servers: StartRedis
) -> None:
    redis = await redis_servers(appendonly="yes")
    [server] = await nodes(bonsai_server, redis.url, 1)
    phone = await server.connect(user="ada", session="s", client="phone")
    await phone.request("talk:say", {"text": "kept"})
    await phone.recv("talk:said")
    positions = phone.positions
    await _restart(redis)
    assert await phone.closed(timeout=15) == 1012
    await _ready(server)
    again = await server.connect(user="ada", session="s", client="phone", resume=positions)
    assert again.joined["rooms"]["session:s"]["recovered"] is False
    await again.recv("session:state")
    assert await again.request("talk:read", id=9) == ["kept"]


async def _restart(redis: RedisServer) -> None:
    await asyncio.to_thread(redis.kill)
    await asyncio.to_thread(redis.start)


async def _status(server: TestServer, path: str) -> int:
    async with aiohttp.ClientSession() as http, http.get(server.url + path) as response:
        return response.status


async def _ready(server: TestServer) -> None:
    async with asyncio.timeout(10):
        while await _status(server, "/readyz") != 200:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_stored_event_costs_one_round_trip(bonsai_server: StartServer, redis_servers: StartRedis) -> None:
    redis = await redis_servers()
    [server] = await nodes(bonsai_server, redis.url, 1)
    phone = await server.connect(user="ada", session="s", client="phone")
    await phone.request("talk:say", {"text": "the first one reads"})
    await phone.request("talk:say", {"text": "and a document made anew is read once more"})
    redis.command("CONFIG", "RESETSTAT")
    for number in range(50):
        await phone.request("talk:say", {"text": str(number)})
    calls = {
        line.split(":")[0].removeprefix("cmdstat_"): int(line.split("calls=")[1].split(",")[0])
        for line in redis.command("INFO", "commandstats").splitlines()
        if line.startswith("cmdstat_")
    }
    assert calls.pop("evalsha") - calls.get("zadd", 0) == 50  # the node's lease is a script with a ZADD
    assert {"hget", "hset", "xadd", "info"} <= calls.keys()
    # Each of these is called by the script alone: so many times for each event, and never from outside.
    assert (calls["hget"], calls["xadd"]) == (50 * 4, 50)
    calls.pop("xrange", None)  # outboxes are looked into once after the start
    asked = calls.keys() - {
        "hget",
        "hset",
        "hmget",
        "xadd",
        "info",
        "expire",
        "get",
        "spublish",
        "publish",
        "config|resetstat",
    }
    assert asked <= {"zadd", "zscore", "zrangebyscore", "time", "evalsha"}


async def test_a_node_that_others_outrun_gets_its_turn(bonsai_server: StartServer, redis_url: str) -> None:
    here, there = await nodes(bonsai_server, redis_url)
    phone = await here.connect(user="ada", session="s", client="phone")
    laptop = await there.connect(user="ada", session="s", client="laptop")
    for id in range(1, 201):  # all at once: each node tries to write the same document as fast as it can
        await phone.send("talk:say", {"text": f"p{id}"}, id=id)
        await laptop.send("talk:say", {"text": f"l{id}"}, id=id)
    for id in range(1, 201):
        await phone.answer(id, timeout=30)
        await laptop.answer(id, timeout=30)
    said = await phone.request("talk:read", id=201)
    assert [text for text in said if text[0] == "p"] == [f"p{id}" for id in range(1, 201)]
    assert [text for text in said if text[0] == "l"] == [f"l{id}" for id in range(1, 201)]


async def test_plugins_of_two_nodes_tell_each_other_things(bonsai_server: StartServer, redis_url: str) -> None:
    here, there = await nodes(bonsai_server, redis_url)
    heard: asyncio.Queue[bytes] = asyncio.Queue()

    def fails(data: bytes) -> None:
        raise RuntimeError

    there.app.on_told("board", fails)
    there.app.on_told("talk", heard.put_nowait)
    assert await here.app.tell_node("node1", "board", b"")
    assert await here.app.tell_node("node1", "nobody", b"")
    assert await here.app.tell_node("node1", "talk", b"\x00any bytes\xff")
    assert await heard.get() == b"\x00any bytes\xff", "one listener's failure is not another's"
    assert not await here.app.tell_node("node9", "talk", b""), "there is no such node"
