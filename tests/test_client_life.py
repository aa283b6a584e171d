"""The client's end, restarts of its program, its logs and its options."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bonsai_core.client import (
    Auth,
    Client,
    Message,
    Refused,
)
from tests.scripted_server import (
    Connection,
    Json,
    ScriptedServer,
    Seen,
    eventually,
    make,
    scripted_server,
    swallow,
)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


async def test_close_sends_what_is_queued(server: ScriptedServer) -> None:
    client = make(server)
    await client.connect()
    client.emit("a:b", 1)
    assert await client.close() == 0
    assert len(server.effects) == 1


async def test_being_away_is_not_leaving(server: ScriptedServer) -> None:
    client = make(server)
    await client.connect()
    connection = server.latest
    await client.close(leave=False)
    assert "user:disconnect" not in [frame["event"] for frame in connection.received]
    await eventually(lambda: connection.ws.close_code is not None)
    assert connection.ws.close_code == 1001


async def test_close_waits_for_a_server_that_comes_back_but_not_for_ever(server: ScriptedServer) -> None:
    server.on_frame = swallow
    client = make(server)
    await client.connect()
    client.emit("a:b", 1)
    server.latest.drop()
    assert await client.close(timeout=0.02) == 1
    assert await client.close() == 1


async def test_a_handler_may_close_its_own_client(server: ScriptedServer) -> None:
    client = make(server)
    after: list[str] = []

    @client.on("m")
    async def leave(message: Message) -> None:
        await client.close()
        after.append("handler went on")

    await client.connect()
    await server.publish("session:s1", "m", 1)
    await client.wait_closed()
    await eventually(lambda: bool(after))
    await asyncio.sleep(0)
    assert client.state == "closed"


async def test_offline_on_purpose_queues_and_comes_back(server: ScriptedServer) -> None:
    client = make(server)
    seen = Seen(client)
    async with client:
        await client.disconnect()
        assert client.state == "idle"
        client.emit("a:b", 1)
        await server.publish("session:s1", "m", 1)
        await client.connect()
        await client.flush(timeout=5)
        await seen.until(1, "m")
    assert len(server.effects) == 1


async def test_flush_says_how_many_are_left(server: ScriptedServer) -> None:
    client = make(server)
    client.emit("a:b")
    with pytest.raises(TimeoutError, match="1 message"):
        await client.flush(timeout=0.001)
    await client.close(timeout=0)


async def test_debug_logs_names_and_ids_but_no_secrets(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with make(server, auth=Auth(token="tok-secret"), debug=True) as client:
        await client.request("a:b", "pay-secret")
        await server.publish("session:s1", "m", "msg-secret")
        await client.request("a:b", "pay-secret")
        client.refresh_token("tok-secret-2")
        await client.request("a:b", "pay-secret")
    for name in ("sent user:connect", "sent a:b#1", "received ack#1", "received m session:s1@1", "auth:refresh"):
        assert name in caplog.text
    assert "secret" not in caplog.text
    assert "secret" not in repr(Auth(token="tok-secret"))


# Across restarts of the program


async def test_a_restarted_program_resends_and_it_counts_once(server: ScriptedServer, tmp_path: Path) -> None:
    path = tmp_path / "queue.db"

    async def lose_ack(connection: Connection, frame: Json) -> bool:
        if frame["event"] != "a:b":
            return False
        server.marks[(connection.client_id, frame["id"])] = None
        server.effects.append(frame)
        return True

    server.on_frame = lose_ack
    client = make(server, queue={"path": path})
    await client.connect()
    client.emit("a:b", 1)
    await server.until(lambda: len(server.effects) == 1)
    client.emit("a:c", 2)
    assert await client.close(timeout=0, leave=False) >= 1
    server.on_frame = None

    again = make(server, queue={"path": path})
    assert again.client_id == client.client_id
    assert again.pending >= 1
    async with again:
        await again.flush(timeout=5)
        assert await again.request("a:d") == {"echo": None}
    assert [e["event"] for e in server.effects] == ["a:b", "a:c", "a:d"]
    assert len({e["id"] for e in server.effects}) == 3


async def test_a_restarted_program_gets_what_it_missed(server: ScriptedServer, tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    client = make(server, queue={"path": path})
    seen = Seen(client)
    async with client:
        await server.publish("session:s1", "m", 1)
        await seen.until(1, "m")
    await server.publish("session:s1", "m", 2)
    client = make(server, queue={"path": path})
    seen = Seen(client)
    async with client:
        assert [m.data for m in await seen.until(1, "m")] == [2]
    assert server.latest.connect["sessionId"] == "s1"


async def test_a_queue_file_serves_one_user(server: ScriptedServer, tmp_path: Path) -> None:
    path = tmp_path / "queue.db"
    async with make(server, queue={"path": path}) as client:
        await client.request("a:b")
    server.user = "bob"
    with pytest.raises(Refused, match="bob"):
        async with make(server, queue={"path": path}):
            pass
    with pytest.raises(ValueError, match="belongs to user ann"):
        make(server, auth={"user_id": "bob"}, queue={"path": path})
    with pytest.raises(ValueError, match="belongs to client"):
        make(server, auth={"client_id": "other"}, queue={"path": path})


async def test_a_given_client_id_without_a_file_does_not_repeat_ids(server: ScriptedServer) -> None:
    for n in range(2):
        async with make(server, auth={"client_id": "kiosk"}) as client:
            await client.request("a:b", n)
        await asyncio.sleep(0.002)
    assert [e["data"] for e in server.effects] == [0, 1]


# Options


@pytest.mark.parametrize(
    "options",
    [
        {"reconnect": {"delay": 5, "max_delay": 1}},
        {"reconnect": {"attempts": -1}},
        {"heartbeat": {"interval": -1}},
        {"rate_limit": {"window_ms": 0}},
        {"queue": {"in_flight": 0}},
    ],
)
def test_options_out_of_range_are_refused(options: Any) -> None:
    with pytest.raises(ValueError, match=r"needs|must be"):
        Client("ws://localhost", **options)


def test_unknown_options_are_refused_by_name() -> None:
    with pytest.raises(TypeError, match="tries"):
        Client("ws://localhost", reconnect={"tries": 3})
    with pytest.raises(TypeError, match="Reconnect or a dict"):
        Client("ws://localhost", reconnect=5)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="priority"):
        Client("ws://localhost").emit("a", priority="urgent")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("http://host:3001", "ws://host:3001/ws"),
        ("https://host/", "wss://host/ws"),
        ("wss://host/live?x=1", "wss://host/live?x=1"),
        ("127.0.0.1:3001", "ws://127.0.0.1:3001/ws"),
        ("[::1]:3001", "ws://[::1]:3001/ws"),
    ],
)
def test_addresses_are_completed(given: str, meant: str) -> None:
    assert Client(given).url == meant


@pytest.mark.parametrize("url", ["ftp://host", "ws://", "ws://u:p@host/ws", "ws://host/ws?token=abc"])
def test_addresses_with_secrets_or_without_sense_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="address must"):
        Client(url)
