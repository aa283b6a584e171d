"""Close codes, refused tokens, refused handshakes, silence: when the client stops and when it comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from aiohttp import web

from bonsai_core.client import (
    Auth,
    Client,
    ClientClosed,
    Queue,
    Refused,
    State,
)
from tests.scripted_server import (
    FAST,
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


@pytest.mark.parametrize("code", [1000, 1002, 1003, 1007, 1008, 1009, 4001, 4403])
async def test_after_these_codes_the_client_stops(server: ScriptedServer, code: int) -> None:
    client = make(server)
    async with client:
        request = asyncio.create_task(client.request("never:answered", timeout=5))
        server.on_frame = swallow
        await server.until(lambda: server.latest.received[-1]["event"] == "never:answered")
        await server.latest.close(code, "because")
        with pytest.raises(Refused) as caught:
            await request
        assert (caught.value.code, caught.value.reason) == (code, "because")
        assert client.state == "closed"
    assert len(server.connections) == 1


@pytest.mark.parametrize("code", [1001, 1011, 1012, 1013, 4008, 4408, 4429])
async def test_after_these_codes_the_client_comes_back(server: ScriptedServer, code: int) -> None:
    client = make(server)
    seen = Seen(client)
    states: list[State] = []
    client.on_state(states.append)
    async with client:
        await server.latest.close(code, "in 2 ms")
        await seen.until(2, "user:joined")
    assert states == ["connecting", "joined", "waiting", "connecting", "joined", "closed"]


async def test_the_server_s_delay_is_honoured(server: ScriptedServer) -> None:
    async with make(server) as client:
        await server.latest.close(1012, "reconnect in 60000 ms")
        await eventually(lambda: client.state is State.WAITING)
        await asyncio.sleep(0.01)
        assert len(server.connections) == 1
        assert client.failure is not None


async def test_a_refused_token_without_a_provider_is_final(server: ScriptedServer) -> None:
    async def refuse(connection: Connection) -> bool:
        await connection.send({"event": "error", "data": {"code": "unauthenticated", "message": "expired"}})
        await connection.close(4401, "the token has expired")
        return True

    server.on_join = refuse
    with pytest.raises(Refused, match="token_provider") as caught:
        async with make(server):
            pass
    assert caught.value.code == 4401
    assert len(server.connections) == 1


async def test_a_refused_token_is_renewed_by_the_provider(server: ScriptedServer) -> None:
    tokens = iter(["old", "new"])

    async def provide() -> str:
        await asyncio.sleep(0)
        return next(tokens)

    async def refuse_old(connection: Connection) -> bool:
        if connection.connect["token"] == "new":
            return False
        await connection.close(4401)
        return True

    server.on_join = refuse_old
    async with make(server, auth=Auth(token_provider=provide)):
        assert server.latest.connect["token"] == "new"
    assert len(server.connections) == 2


@pytest.mark.parametrize("fresh", [True, False])
async def test_several_refused_tokens_in_a_row_stop_the_client(server: ScriptedServer, fresh: bool) -> None:
    async def refuse(connection: Connection) -> bool:
        await connection.close(4401)
        return True

    given: list[str] = []

    def provide() -> str:
        given.append(f"t{len(given)}" if fresh else "same")
        return given[-1]

    server.on_join = refuse
    with pytest.raises(Refused):
        async with make(server, auth=Auth(token_provider=provide)):
            pass
    assert len(server.connections) == (3 if fresh else 1)


async def test_an_expiring_token_is_renewed_in_place(server: ScriptedServer) -> None:
    tokens = iter(["first", "second"])
    async with make(server, auth=Auth(token_provider=lambda: next(tokens))) as client:
        await server.latest.send({"event": "auth:expiring", "data": {"inMs": 1000}})
        await server.until(lambda: server.latest.received[-1]["event"] == "auth:refresh")
        assert server.latest.received[-1]["data"] == {"token": "second"}
        await client.request("a:b")
        server.latest.drop()
        await server.until(lambda: len(server.connections) == 2 and bool(server.latest.received))
        assert server.latest.connect["token"] == "second"


async def test_a_renewal_that_comes_too_often_is_asked_again(server: ScriptedServer) -> None:
    refused: list[int] = []

    async def refuse_once(connection: Connection, frame: Json) -> bool:
        if frame["event"] != "auth:refresh" or refused:
            return False
        refused.append(frame["id"])
        error = {"code": "rate_limited", "message": "slow", "retryAfterMs": 1}
        await connection.send({"event": "error", "id": frame["id"], "data": error})
        return True

    server.on_frame = refuse_once
    async with make(server) as client:
        client.refresh_token("next")
        await server.until(lambda: len(server.effects) == 1)
        assert client.pending == 0


async def test_a_provider_that_fails_is_asked_again_later(server: ScriptedServer) -> None:
    calls: list[int] = []

    def provide() -> str:
        calls.append(1)
        if len(calls) < 3:
            raise OSError("no network yet")
        return "t"

    async with make(server, auth=Auth(token_provider=provide)):
        assert len(calls) == 3


async def test_a_join_that_the_server_does_not_understand_is_final(server: ScriptedServer) -> None:
    async def refuse(connection: Connection) -> bool:
        await connection.send({"event": "error", "data": {"code": "invalid_payload", "message": "bad sessionId"}})
        return True

    server.on_join = refuse
    with pytest.raises(Refused, match="bad sessionId"):
        async with make(server):
            pass


async def test_a_token_of_another_user_is_not_given_the_first_one_s_messages(server: ScriptedServer) -> None:
    async with make(server) as client:
        server.user = "bob"
        server.on_frame = swallow
        client.emit("diary:entry", "mine")
        server.latest.drop()
        with pytest.raises(Refused, match="bob"):
            await client.wait_closed()
    assert all(frame["event"] == "user:connect" for frame in server.latest.received)


@pytest.mark.parametrize(("status", "code"), [(403, 403), (404, 404), (400, 400)])
async def test_an_http_refusal_is_final(server: ScriptedServer, status: int, code: int) -> None:
    server.on_handshake = lambda request: web.Response(status=status)
    with pytest.raises(Refused) as caught:
        async with make(server):
            pass
    assert caught.value.code == code
    assert server.handshakes == 1


async def test_a_server_that_is_busy_is_tried_again(server: ScriptedServer) -> None:
    server.on_handshake = lambda request: web.Response(status=503) if server.handshakes < 3 else None
    async with make(server):
        assert server.handshakes == 3


async def test_another_subprotocol_is_final(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bonsai_core.client.link.SUBPROTOCOL", "bonsai.v2")
    with pytest.raises(Refused, match="does not speak"):
        async with make(server):
            pass


async def test_nobody_there_ends_after_the_allowed_attempts(unused_tcp_port: int) -> None:
    client = Client(f"ws://127.0.0.1:{unused_tcp_port}", reconnect={**FAST, "attempts": 2})
    with pytest.raises(Refused, match="no attempts left"):
        await client.connect()
    assert await client.close() == 0


async def test_nobody_there_ends_after_the_allowed_time(unused_tcp_port: int) -> None:
    client = Client(f"ws://127.0.0.1:{unused_tcp_port}", reconnect=FAST)
    client.emit("a:b")
    with pytest.raises(Refused, match=r"not joined within 0\.03 s"):
        await client.connect(timeout=0.03)
    assert client.state == "idle"
    assert await client.close(timeout=0) == 1
    with pytest.raises(ClientClosed):
        await client.connect()


async def test_a_server_that_accepts_and_says_nothing_is_given_up(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def say_nothing(connection: Connection) -> bool:
        return len(server.connections) < 3

    monkeypatch.setattr("bonsai_core.client.engine.JOIN_TIMEOUT", 0.05)
    server.on_join = say_nothing
    async with make(server):
        assert len(server.connections) >= 3


async def test_nonsense_from_the_server_is_a_failed_connection(server: ScriptedServer) -> None:
    client = make(server)
    seen = Seen(client)
    async with client:
        await server.latest.ws.send_str("{nonsense")
        await seen.until(2, "user:joined")
        await server.latest.ws.send_bytes(b"\x00\x00\xff\xff")
        await seen.until(3, "user:joined")


# Heartbeat


async def test_a_silent_connection_is_pinged_and_then_given_up(server: ScriptedServer) -> None:
    async def silent(connection: Connection, frame: Json) -> bool:
        return len(server.connections) == 1

    server.on_frame = silent
    client = make(server, heartbeat={"interval": 0.01, "timeout": 0.01})
    seen = Seen(client)
    async with client:
        await seen.until(2, "user:joined")
        assert server.connections[0].received[-1] == {"event": "ping"}
        await server.until(lambda: {"event": "ping"} in server.connections[1].received)
        await client.request("a:b")
        assert len(server.connections) == 2


async def test_a_peer_that_reads_nothing_does_not_block_the_end(server: ScriptedServer) -> None:
    async def stop_reading(connection: Connection) -> bool:
        connection.transport.pause_reading()
        return False

    server.on_join = stop_reading
    server.joined_extra = {"limits": {"maxMessageBytes": 2**24, "maxRequests": 0, "windowMs": 1}}
    client = make(server, heartbeat={"interval": 0.02, "timeout": 0.02}, queue=Queue(max_bytes=2**30))
    seen = Seen(client)
    async with client:
        for _ in range(3):
            client.emit("a:b", "x" * 2**23)
        await seen.until(2, "user:joined")
        assert await client.close(timeout=0) == 3


async def test_the_server_s_ping_is_answered(server: ScriptedServer) -> None:
    async with make(server):
        await server.latest.send({"event": "ping"})
        await server.until(lambda: server.latest.received[-1] == {"event": "pong"})
