"""PyPI's `python-socketio` as a client: every transport, acks, errors, a native device of its session, refusals."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
import socketio  # type: ignore[import-untyped]

from bonsai_core.testing import TestServer

#: Starts a server with the gateway and `conftest.Talk`.
Gateway = Callable[..., Awaitable[TestServer]]

WEBSOCKET, POLLING, UPGRADE = ["websocket"], ["polling"], ["polling", "websocket"]


class Client:
    """One client; what it is told waits for `recv`."""

    def __init__(self, server: TestServer) -> None:
        self.io = socketio.AsyncClient(reconnection_delay=0.05, reconnection_delay_max=0.2, randomization_factor=0)
        self._server = server
        self._told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.io.on("*", self._put)
        self.io.on("connect_error", self._refused)

    async def connect(self, transports: list[str], **auth: Any) -> Client:
        """Join, by default as ada's device in session `s1`."""
        shown = {"token": self._server.token("ada"), "sessionId": "s1", **auth}
        await self.io.connect(self._server.url, auth=shown, transports=transports, wait_timeout=5)
        return self

    async def recv(self, name: str) -> Any:
        """The data of the next event of this name; what comes before it is left out."""
        async with asyncio.timeout(5):
            while True:
                told, data = await self._told.get()
                if told == name:
                    return data

    async def request(self, name: str, data: Any = None) -> Any:
        """Emit an event; what is acked."""
        return await self.io.call(name, data, timeout=5)

    def _put(self, name: str, *arguments: Any) -> None:
        self._told.put_nowait((name, arguments[0] if arguments else None))

    def _refused(self, error: Any) -> None:
        self._told.put_nowait(("connect_error", error))


Connect = Callable[..., Awaitable[Client]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Connects clients: `await connect(server, transports, clientId=...)`."""
    clients: list[Client] = []

    async def one(server: TestServer, transports: list[str] = WEBSOCKET, **auth: Any) -> Client:
        clients.append(Client(server))
        return await clients[-1].connect(transports, **auth)

    yield one
    for client in clients:
        await client.io.disconnect()


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING, UPGRADE])
async def test_events_acks_and_errors(gateway: Gateway, connect: Connect, transports: list[str]) -> None:
    client = await connect(await gateway(), transports)
    assert client.io.transport() == transports[-1]
    joined = await client.recv("user:joined")
    assert (joined["userId"], joined["sessionId"]) == ("ada", "s1")
    for count in range(1, 4):
        assert await client.request("talk:say", {"text": f"ü {count}"}) == {"count": count}
        assert await client.recv("talk:said") == {"text": f"ü {count}"}
    assert (await client.request("talk:say", {"wrong": 1}))["error"]["code"] == "invalid_payload"
    assert (await client.request("talk:say", {"text": "no"}))["error"]["retryAfterMs"] == 5
    assert (await client.request("talk:nothing"))["error"]["code"] == "unknown_event"


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING, UPGRADE])
async def test_a_picture_arrives_whole(gateway: Gateway, connect: Connect, transports: list[str]) -> None:
    client = await connect(await gateway(), transports)
    image = hashlib.sha256(b"seed").digest() * 1000
    assert await client.request("talk:picture", {"name": "shot", "image": image}) == {"name": "shot", "size": 32_000}


async def test_a_native_device_and_a_stock_one_share_a_session(gateway: Gateway, connect: Connect) -> None:
    server = await gateway()
    native = await server.connect(user="ada", session="s1", client="laptop")
    phone = await connect(server, clientId="phone", device={"kind": "mobile"})
    assert (await native.recv("user:connect"))["data"]["device"]["kind"] == "mobile"
    assert await phone.request("talk:say", {"text": "from the phone"}) == {"count": 1}
    assert (await native.recv("talk:said"))["data"] == {"text": "from the phone"}
    assert await native.request("talk:say", {"text": "from the laptop"}) == {"count": 2}
    assert [await phone.recv("talk:said") for _ in range(2)] == [
        {"text": "from the phone"},
        {"text": "from the laptop"},
    ]
    await phone.io.disconnect()
    assert (await native.recv("user:disconnect"))["data"]["device"]["clientId"] == "phone"


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING])
async def test_who_is_refused_learns_the_code(gateway: Gateway, transports: list[str]) -> None:
    server = await gateway()
    client = Client(server)
    with pytest.raises(socketio.exceptions.ConnectionError):
        await client.connect(transports, token=server.token("ada", ttl_s=-60))
    refused = await client.recv("connect_error")
    assert refused["data"]["code"] == "unauthenticated"
    assert refused["message"] == refused["data"]["message"]
    await client.io.disconnect()


async def test_a_client_whose_connection_is_lost_comes_back_by_itself(gateway: Gateway, connect: Connect) -> None:
    server = await gateway()
    client = await connect(server, clientId="phone")
    assert await client.request("talk:say", {"text": "a"}) == {"count": 1}
    await client.recv("user:joined")
    (connection,) = server.app.connections.all
    connection.abort()
    assert (await client.recv("user:joined"))["clientId"] == "phone"
    assert await client.request("talk:say", {"text": "a"}) == {"count": 2}
