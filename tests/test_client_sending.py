"""The client's messages: sent, resent under the same id, refused, retried, paced, withdrawn."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bonsai_core.client import (
    Message,
    QueueFull,
    RateLimit,
    RequestTimeout,
    ServerError,
)
from tests.scripted_server import Connection, Json, ScriptedServer, make, scripted_server


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


async def test_a_request_returns_the_data_of_its_ack(server: ScriptedServer) -> None:
    async with make(server) as client:
        assert client.state == "joined"
        assert client.joined is not None
        assert client.joined.user_id == "ann"
        assert await client.request("a:b", {"x": 1}) == {"echo": {"x": 1}}
    assert client.state == "closed"
    assert server.latest.connect["token"] == "t"
    assert server.latest.received[-1]["event"] == "user:disconnect"


async def test_a_lost_ack_is_asked_for_again_and_takes_effect_once(server: ScriptedServer) -> None:
    lost: list[int] = []

    async def lose_first_ack(connection: Connection, frame: Json) -> bool:
        if frame["event"] != "a:b" or lost:
            return False
        lost.append(frame["id"])
        server.marks[(connection.client_id, frame["id"])] = "first"
        server.effects.append(frame)
        connection.drop()
        return True

    server.on_frame = lose_first_ack
    async with make(server) as client:
        assert await client.request("a:b", 1) == "first"
    assert [effect["id"] for effect in server.effects] == lost == [1]
    assert len(server.connections) == 2


async def test_messages_of_before_the_connection_are_sent_by_priority(server: ScriptedServer) -> None:
    client = make(server)
    for priority in ("low", "normal", "high"):
        client.emit("a:b", priority, priority=priority)
    async with client:
        await client.flush(timeout=5)
    assert [(e["data"], e["id"]) for e in server.effects] == [("high", 3), ("normal", 2), ("low", 1)]
    assert server.latest.payloads == 3  # user:connect, one batch, user:disconnect


async def test_a_full_offline_queue_is_an_error_and_loses_nothing(server: ScriptedServer) -> None:
    client = make(server, queue={"max_messages": 2})
    client.emit("a:b", 1)
    client.emit("a:b", 2)
    with pytest.raises(QueueFull):
        client.emit("a:b", 3)
    async with client:
        await client.flush(timeout=5)
    assert [e["data"] for e in server.effects] == [1, 2]


@pytest.mark.parametrize("code", ["overloaded", "rate_limited", "plugin_unavailable", "handler_timeout"])
async def test_errors_that_pass_are_retried_under_the_same_id(server: ScriptedServer, code: str) -> None:
    refused: list[int] = []

    async def refuse_twice(connection: Connection, frame: Json) -> bool:
        if frame["event"] != "a:b" or refused.count(frame["id"]) == 2:
            return False
        refused.append(frame["id"])
        error = {"code": code, "message": "not now", "retryAfterMs": 1}
        await connection.send({"event": "error", "id": frame["id"], "data": error})
        return True

    server.on_frame = refuse_twice
    async with make(server) as client:
        assert await client.request("a:b", "x", timeout=5) == {"echo": "x"}
        client.emit("a:b", "y")
        await client.flush(timeout=5)
    assert sorted(refused) == [1, 1, 2, 2]
    assert [e["id"] for e in server.effects] == [1, 2]


async def test_other_errors_are_final(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    async def refuse(connection: Connection, frame: Json) -> bool:
        if frame["event"] != "a:b":
            return False
        error = {"code": "invalid_payload", "message": "no", "details": [{"loc": ["x"]}], "incident": "i7"}
        await connection.send({"event": "error", "id": frame["id"], "data": error})
        return True

    server.on_frame = refuse
    client = make(server)
    errors: list[Message] = []
    async with client:
        with pytest.raises(ServerError, match="invalid_payload") as caught:
            await client.request("a:b", {"secret": 1})
        assert (caught.value.details, caught.value.incident) == ([{"loc": ["x"]}], "i7")
        client.emit("a:b", {"secret": 1})
        await client.flush(timeout=5)
        assert "a:b (id 2) was refused: invalid_payload" in caplog.text
        client.on("error", errors.append)
        id = client.emit("a:b", 1)
        await client.flush(timeout=5)
    assert [(m.id, m.data["code"]) for m in errors] == [(id, "invalid_payload")]
    assert "secret" not in caplog.text


async def test_a_request_that_times_out_is_withdrawn(server: ScriptedServer) -> None:
    async def ignore(connection: Connection, frame: Json) -> bool:
        return bool(frame["event"] == "a:b")

    server.on_frame = ignore
    async with make(server) as client:
        with pytest.raises(RequestTimeout) as caught:
            await client.request("a:b", 1, timeout=0.01)
        assert caught.value.sent
        assert client.pending == 0
        server.on_frame = None
        assert await client.request("a:b", 2) == {"echo": 2}
    assert [e["data"] for e in server.effects] == [2]
    client = make(server)
    with pytest.raises(RequestTimeout) as caught:
        await client.request("a:b", timeout=0.001)
    assert not caught.value.sent
    await client.close()


async def test_a_cancelled_request_is_withdrawn(server: ScriptedServer) -> None:
    client = make(server)
    task = asyncio.create_task(client.request("a:b"))
    await asyncio.sleep(0)
    assert client.pending == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert client.pending == 0
    assert await client.close() == 0


async def test_an_ack_that_comes_twice_is_heard_once(server: ScriptedServer) -> None:
    async def answer_twice(connection: Connection, frame: Json) -> bool:
        if frame["event"] != "a:b":
            return False
        await server.answer(connection, frame)
        await server.answer(connection, frame)
        return True

    server.on_frame = answer_twice
    client = make(server)
    acks: list[Message] = []
    client.on("ack", acks.append)
    async with client:
        client.emit("a:b", 1)
        client.emit("a:b", 2)
        await client.flush(timeout=5)
        await client.request("a:b", 3)
    assert [ack.id for ack in acks] == [1, 2]


async def test_an_attachment_goes_as_bytes(server: ScriptedServer) -> None:
    async with make(server) as client:
        await client.request("extension:screenshot", {"a": 1}, attachment=b"\x89PNG\x00")
    assert server.latest.attachments == [b"\x89PNG\x00"]
    assert server.effects[0]["data"] == {"a": 1}


async def test_the_announced_limit_paces_sending(server: ScriptedServer) -> None:
    server.joined_extra = {"limits": {"maxMessageBytes": 65536, "maxRequests": 2, "windowMs": 40}}
    async with make(server) as client:
        for n in range(4):
            client.emit("a:b", n)
        await server.until(lambda: len(server.effects) >= 2)
        assert len(server.effects) == 2
        await client.flush(timeout=5)
    async with make(server, rate_limit=RateLimit(0)) as client:
        for n in range(4):
            client.emit("a:b", n)
        await client.flush(timeout=5)
    assert len(server.effects) == 8


async def test_a_message_larger_than_the_server_takes_is_refused_here(server: ScriptedServer) -> None:
    async with make(server) as client:
        with pytest.raises(ServerError, match="too_large"):
            await client.request("a:b", "x" * 70_000)
        assert await client.request("a:b", 1)


async def test_an_emitted_model_is_sent_by_its_wire_names(server: ScriptedServer) -> None:
    from bonsai_core import Payload

    class Answer(Payload):
        time_spent: int

    async with make(server) as client:
        await client.request("a:b", Answer(time_spent=3))
        await client.request("a:b", {"list": [Answer(time_spent=4)]})
    assert [e["data"] for e in server.effects] == [{"timeSpent": 3}, {"list": [{"timeSpent": 4}]}]
