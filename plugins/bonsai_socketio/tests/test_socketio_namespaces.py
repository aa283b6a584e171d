"""Namespaces that plugins claim: acks both ways, binary both ways, refusals, failures that stay inside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from bonsai_socketio import conformance
from bonsai_socketio.namespaces import Peer

from bonsai_core import Plugin, Refused, hookimpl
from bonsai_core.testing import StartServer, TestServer

Gateway = Callable[..., Awaitable[TestServer]]
#: Makes a raw client: `conftest.Raw`.
Raw = Callable[..., Any]


class Board:
    """Looks after the clients of `/board`."""

    def __init__(self) -> None:
        self.left: asyncio.Queue[str] = asyncio.Queue()
        self.tasks: set[asyncio.Task[None]] = set()
        self.answers: asyncio.Queue[Any] = asyncio.Queue()

    async def connect(self, peer: Peer, auth: dict[str, Any]) -> None:
        if auth.get("key") == "wrong":
            raise Refused("forbidden", "not with this key")
        if auth.get("key") == "bug":
            raise RuntimeError
        peer.emit("welcome", auth.get("key"))

    async def event(self, peer: Peer, name: str, arguments: list[Any]) -> list[Any] | None:
        if name == "size":
            return [len(arguments[0])]
        if name == "draw":
            peer.emit("drawn", {"pixels": b"\x01\x02"})
        if name == "ask":
            self.tasks.add(asyncio.create_task(self._ask(peer)))
        if name == "fail":
            raise RuntimeError
        return None

    async def disconnect(self, peer: Peer) -> None:
        self.left.put_nowait(peer.namespace)

    async def _ask(self, peer: Peer) -> None:
        try:
            await self.answers.put(await peer.call("question", 6, timeout=10))
        except ConnectionError as error:
            await self.answers.put(error)


class Boards(Plugin):
    name = "boards"

    def __init__(self) -> None:
        self.board = Board()

    @hookimpl(optionalhook=True)
    async def claim_namespace(self, namespace: str) -> Board | None:
        return self.board if namespace == "/board" else None


async def enter(client: Any, **auth: Any) -> str:
    await client.websocket()
    assert (await client.recv()).startswith("0{")
    await client.ws.send_str("40/board," + json.dumps(auth))
    return str(await client.recv())


async def test_a_claimed_namespace_needs_no_session_and_acks_go_both_ways(gateway: Gateway, raw: Raw) -> None:
    boards = Boards()
    server = await gateway(plugins=(boards,), join_timeout_ms=50)
    client = raw(server)
    assert (await enter(client, key="k")).startswith("40/board,{")
    assert await client.recv() == '42/board,["welcome","k"]'
    await client.ws.send_str('451-/board,12["size",{"_placeholder":true,"num":0}]')
    await client.ws.send_bytes(b"12345")
    assert await client.recv() == "43/board,12[5]"
    await client.ws.send_str('42/board,["draw"]')
    assert await client.recv() == '451-/board,["drawn",{"pixels":{"_placeholder":true,"num":0}}]'
    assert (await client.ws.receive(timeout=5)).data == b"\x01\x02"
    await client.ws.send_str('42/board,["ask"]')
    assert await client.recv() == '42/board,0["question",6]'
    await client.ws.send_str("43/board,0[42]")
    assert await boards.board.answers.get() == [42]
    await client.ws.send_str('42/board,["ask"]')
    assert await client.recv() == '42/board,1["question",6]'
    await client.ws.send_str("41/board")
    assert isinstance(await boards.board.answers.get(), ConnectionError), "nobody is left to answer"
    assert await boards.board.left.get() == "/board"


async def test_a_namespace_and_the_session_share_a_connection(gateway: Gateway, raw: Raw) -> None:
    boards = Boards()
    server = await gateway(plugins=(boards,))
    client = raw(server)
    await client.connect()
    await client.ws.send_str("40/board,{}")
    while not (await client.recv()).startswith("40/board,"):
        pass
    assert await client.emit("talk:say", {"text": "hi"}, ack=1) == [{"count": 1}]
    await client.ws.close()
    assert await boards.board.left.get() == "/board"


@pytest.mark.parametrize(("key", "code"), [("wrong", "forbidden"), ("bug", "handler_failed")])
async def test_who_is_refused_there_is_told_why(gateway: Gateway, raw: Raw, key: str, code: str) -> None:
    client = raw(await gateway(plugins=(Boards(),)))
    text = await enter(client, key=key)
    assert text.startswith("44/board,{")
    assert json.loads(text[len("44/board,") :])["data"]["code"] == code


async def test_a_handler_that_fails_hurts_nobody_else(gateway: Gateway, raw: Raw) -> None:
    client = raw(await gateway(plugins=(Boards(),)))
    await enter(client)
    assert "welcome" in await client.recv()
    await client.ws.send_str('42/board,3["fail"]')
    text = await client.recv()
    assert text.startswith("43/board,3[")
    assert json.loads(text[text.index("[") :])[0]["error"]["code"] == "handler_failed"
    await client.ws.send_str('42/board,4["size","abc"]')
    assert await client.recv() == "43/board,4[3]"


async def test_events_there_count_against_the_limits(gateway: Gateway, raw: Raw) -> None:
    client = raw(await gateway(plugins=(Boards(),), rate_max_requests=2, rate_window_ms=60_000))
    await enter(client)
    for number in range(3):
        await client.ws.send_str(f'42/board,{number}["size","abc"]')
    seen = [await client.recv() for _ in range(4)]
    assert [text for text in seen if text.startswith("43")] == ["43/board,0[3]", "43/board,1[3]"]
    assert any("rate_limited" in text for text in seen)


async def test_the_server_for_the_official_suites_sends_back_what_comes(bonsai_server: StartServer, raw: Raw) -> None:
    url = await conformance.serve(bonsai_server, 0)
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/engine.io/?EIO=4&transport=websocket") as ws:
        assert json.loads((await ws.receive_str())[1:])["pingInterval"] == 300
        await ws.send_str("4hello")
        assert await ws.receive_str() == "4hello"
        await ws.send_bytes(b"\x01\x02")
        assert await ws.receive_bytes() == b"\x01\x02"
    async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}/socket.io/?EIO=4&transport=websocket") as ws:
        await ws.receive_str()
        await ws.send_str('40/custom,{"token":"abc"}')
        assert (await ws.receive_str()).startswith('40/custom,{"sid":')
        assert await ws.receive_str() == '42/custom,["auth",{"token":"abc"}]'
        await ws.send_str('42/custom,7["message-with-ack",1,"2",{"3":[false]}]')
        assert await ws.receive_str() == '43/custom,7[1,"2",{"3":[false]}]'
