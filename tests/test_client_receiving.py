"""What the client receives: resumed, deduplicated, in order, to handlers and iterators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bonsai_core.client import (
    ClientClosed,
    Message,
    Refused,
)
from tests.scripted_server import Connection, ScriptedServer, Seen, make, scripted_server


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


async def test_room_messages_missed_while_away_arrive_once_and_in_order(server: ScriptedServer) -> None:
    client = make(server)
    seen = Seen(client)
    async with client:
        await server.publish("session:s1", "m", 1)
        await seen.until(1, "m")
        server.latest.drop()
        await server.publish("session:s1", "m", 2)
        await server.publish("session:s1", "m", 3)
        await seen.until(3, "m")
        await server.publish("session:s1", "m", 4)
        messages = await seen.until(4, "m")
    assert [m.data for m in messages] == [1, 2, 3, 4]
    joins = seen.of("user:joined")
    assert [m.data["rooms"]["session:s1"]["recovered"] for m in joins] == [False, True]


async def test_a_message_sent_twice_is_delivered_once(server: ScriptedServer) -> None:
    client = make(server)
    seen = Seen(client)
    async with client:
        frame = await server.publish("session:s1", "m", 1)
        await server.latest.send(frame)
        await server.latest.send(frame)
        await server.publish("session:s1", "m", 2)
        await seen.until(2, "m")
        assert [m.data for m in seen.of("m")] == [1, 2]


async def test_a_gap_is_mended_by_reconnecting(server: ScriptedServer) -> None:
    client = make(server)
    seen = Seen(client)
    async with client:
        await server.publish("session:s1", "m", 1)
        await seen.until(1, "m")
        server.latest.joined = False  # what is published now goes nowhere ...
        await server.publish("session:s1", "m", 2)
        server.latest.joined = True
        await server.publish("session:s1", "m", 3)  # ... and this shows it
        messages = await seen.until(3, "m")
    assert [(m.offset, m.data) for m in messages] == [(1, 1), (2, 2), (3, 3)]
    assert len(server.connections) == 2
    assert server.connections[1].connect["resume"]["session:s1"] == {"epoch": "e1", "offset": 1}


async def test_a_server_that_never_fills_the_gap_ends_in_a_snapshot(server: ScriptedServer) -> None:
    client = make(server)
    seen = Seen(client)
    async with client:
        await server.publish("session:s1", "m", 1)
        await seen.until(1, "m")
        server.log["session:s1"] += [{"event": "m", "room": "session:s1", "offset": 9, "data": 9, "ts": 1}] * 8
        server.latest.drop()
        joins = await seen.until(5, "user:joined")
        recovered = [join.data["rooms"]["session:s1"]["recovered"] for join in joins]
        assert recovered == [False, True, True, True, False]


async def test_a_lost_log_is_told_and_followed(server: ScriptedServer) -> None:
    client = make(server)
    seen = Seen(client)
    async with client:
        await server.publish("session:s1", "m", 1)
        await seen.until(1, "m")
        server.lose_log("session:s1")
        server.latest.drop()
        await seen.until(2, "user:joined")
        await server.publish("session:s1", "m", 2)
        await seen.until(2, "m")
    assert [(m.offset, m.data) for m in seen.of("m")] == [(1, 1), (1, 2)]
    assert seen.of("user:joined")[1].data["rooms"]["session:s1"]["recovered"] is False


async def test_the_reconnect_returns_to_the_same_session_as_the_same_client(server: ScriptedServer) -> None:
    client = make(server, auth={"token": "t", "user_id": "ann", "device": {"kind": "kiosk", "name": "k"}})
    seen = Seen(client)
    async with client:
        server.latest.drop()
        await seen.until(2, "user:joined")
    first, second = (c.connect for c in server.connections)
    assert "sessionId" not in first and second["sessionId"] == "s1"
    assert first["clientId"] == second["clientId"] == client.client_id
    assert first["device"] == {"kind": "kiosk", "name": "k"}
    assert second["device"] == {"kind": "kiosk", "name": "k", "id": "d1"}


async def test_missed_messages_in_one_array_with_the_answer_are_all_taken(server: ScriptedServer) -> None:
    async def answer_in_one_array(connection: Connection) -> bool:
        rooms = {"session:s1": {"epoch": "e1", "offset": 2, "recovered": True}}
        joined = {"userId": "ann", "sessionId": "s1", "rooms": rooms}
        message = {"event": "m", "room": "session:s1", "offset": 3, "data": 3}
        await connection.send({"event": "ping"}, {"event": "user:joined", "data": joined}, message)
        return True

    server.on_join = answer_in_one_array
    client = make(server)
    seen = Seen(client)
    async with client:
        assert [m.data for m in await seen.until(1, "m")] == [3]
    assert server.latest.received[1] == {"event": "pong"}


# Handlers and iteration


async def test_handlers_are_called_one_after_another_in_the_order_of_arrival(server: ScriptedServer) -> None:
    client = make(server)
    calls: list[str] = []

    @client.on("m")
    async def slow(message: Message) -> None:
        calls.append(f"begin {message.data}")
        await asyncio.sleep(0.001)
        calls.append(f"end {message.data}")

    client.on("n", lambda message: calls.append(f"n {message.data}"))
    async with client:
        await server.publish("session:s1", "m", 1)
        await server.publish("session:s1", "n", 2)
        await server.publish("user:ann", "m", 3)
        await client.request("a:b")
    assert calls == ["begin 1", "end 1", "n 2", "begin 3", "end 3"]


async def test_a_handler_may_wait_for_an_answer(server: ScriptedServer) -> None:
    client = make(server)
    answers: list[Any] = []

    @client.once("m")
    async def ask(message: Message) -> None:
        answers.append(await client.request("a:b", message.data))

    async with client:
        await server.publish("session:s1", "m", 1)
        await server.publish("session:s1", "m", 2)
        await server.until(lambda: len(server.effects) == 1)
    assert answers == [{"echo": 1}]


async def test_a_failing_handler_hurts_nobody_and_its_payload_is_not_logged(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    client = make(server)

    @client.on("m")
    def fail(message: Message) -> None:
        raise ValueError(f"secret {message.data}")

    seen = Seen(client)
    async with client:
        await server.publish("session:s1", "m", "essay")
        await seen.until(1, "m")
        client.off("m", fail)
        client.off("nothing")
    assert "a handler of m failed with ValueError" in caplog.text
    assert "secret" not in caplog.text.replace('raise ValueError(f"secret', "") and "essay" not in caplog.text


async def test_iteration_misses_nothing_of_the_join_and_ends_with_the_client(server: ScriptedServer) -> None:
    events = []
    async with make(server) as client:
        async for message in client:
            events.append(message.event)
            if message.event == "user:joined":
                await server.publish("session:s1", "m", 1)
            elif message.data == 1:
                await server.publish("session:s1", "m", 2)
            else:
                await client.close()
    assert events == ["user:joined", "m", "m"]


async def test_iteration_raises_when_the_server_refuses_for_good(server: ScriptedServer) -> None:
    async with make(server) as client:
        messages = client.messages()
        assert (await anext(messages)).event == "user:joined"
        await server.latest.close(4001, "replaced")
        with pytest.raises(Refused) as caught:
            await anext(messages)
        assert caught.value.code == 4001
        assert client.state == "closed"
        with pytest.raises(Refused):
            await client.wait_closed()
        with pytest.raises(ClientClosed):
            client.emit("a:b")


async def test_a_reader_that_falls_behind_stops_the_socket_not_the_memory(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bonsai_core.client.dispatch.BACKLOG", 5)
    client = make(server, heartbeat={"interval": 0.005, "timeout": 0.005})
    gate = asyncio.Event()
    got: list[Any] = []

    @client.on("m")
    async def stuck(message: Message) -> None:
        await gate.wait()
        got.append(message.data)

    async with client:
        for n in range(50):
            await server.publish("session:s1", "m", n)
        await asyncio.sleep(0.03)
        assert len(client._dispatcher._inbox) <= 6
        assert len(server.connections) == 1  # not listening is not a dead server
        gate.set()
        await client.request("a:b")
    assert got == list(range(50))
