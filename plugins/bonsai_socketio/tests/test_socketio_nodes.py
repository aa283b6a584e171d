"""Polling behind a load balancer without sticky sessions: any node answers for the one that has the session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bonsai_core.testing import TestServer

pytestmark = pytest.mark.redis

Gateway = Callable[..., Awaitable[TestServer]]
#: Makes a raw client: `conftest.Raw`.
Raw = Callable[..., Any]


async def nodes(gateway: Gateway, url: str, **settings: Any) -> list[TestServer]:
    return [await gateway(store_url=url, node_id=f"node{number}", **settings) for number in range(3)]


async def test_every_request_of_a_session_may_reach_another_node(gateway: Gateway, raw: Raw, redis_url: str) -> None:
    servers = await nodes(gateway, redis_url)
    clients = [raw(server) for server in servers]
    opened = await clients[0].open()
    for client in clients:
        client.sid = opened["sid"]
    auth = json.dumps({"token": servers[0].token("ada"), "sessionId": "s1"})
    assert await clients[1].post("40" + auth) == (200, "ok")
    seen: list[str] = []
    turn = 0
    for number in range(6):
        assert await clients[number % 3].post(f'42{number}["talk:say",{{"text":"{number}"}}]') == (200, "ok")
        while not any(packet.startswith(f"43{number}[") for packet in seen):
            turn += 1
            seen += await clients[turn % 3].poll()
    assert [packet for packet in seen if packet.startswith("43")] == [f'43{n}[{{"count":{n + 1}}}]' for n in range(6)]
    polled = await servers[0].app.health()
    assert polled["plugins"]["socketio"]["polled"] == 1


async def test_errors_of_the_sessions_node_are_told(gateway: Gateway, raw: Raw, redis_url: str) -> None:
    servers = await nodes(gateway, redis_url)
    here, there = raw(servers[0]), raw(servers[1])
    await here.open()
    there.sid = here.sid
    poll = asyncio.create_task(here.poll())
    await asyncio.sleep(0.05)
    status, body = await there.request("GET", EIO="4", transport="polling", sid=there.sid)
    assert (status, body["code"], body["message"]) == (400, 3, "two polls at a time")
    assert await poll == ["1"]
    status, body = await there.request("GET", EIO="4", transport="polling", sid=there.sid)
    assert (status, body["code"]) == (400, 1)


async def test_an_upgrade_at_another_node_is_refused_with_the_reason_and_polling_goes_on(
    gateway: Gateway, raw: Raw, redis_url: str
) -> None:
    servers = await nodes(gateway, redis_url)
    here, there = raw(servers[0]), raw(servers[1])
    await here.open()
    status, body = await there.request(
        "GET", headers={"Upgrade": "websocket", "Connection": "Upgrade"}, EIO="4", transport="websocket", sid=here.sid
    )
    assert status == 400
    assert "node0" in body["message"]
    assert await here.post("3") == (200, "ok")


async def test_the_session_of_a_node_that_is_gone_is_unknown(gateway: Gateway, raw: Raw, redis_url: str) -> None:
    servers = await nodes(gateway, redis_url)
    here, there = raw(servers[0]), raw(servers[1])
    await here.open()
    there.sid = here.sid
    await servers[0].stop()
    async with asyncio.timeout(10):
        status, body = await there.request("GET", EIO="4", transport="polling", sid=there.sid)
    assert (status, body["code"]) == (400, 1)


async def test_what_is_carried_is_limited(gateway: Gateway, raw: Raw, redis_url: str) -> None:
    servers = await nodes(gateway, redis_url)
    here, there = raw(servers[0]), raw(servers[1])
    await here.open()
    there.sid = here.sid
    assert (await there.post("4" + "x" * (1 << 20)))[0] == 413
    assert (await there.post("4" + "x" * (servers[0].app.settings.max_message_bytes + 1)))[0] == 413, "not joined yet"
