"""A gateway with a small plugin behind it, and raw clients of Engine.IO: requests as bytes, no client library."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from bonsai_socketio.plugin import SocketIo
from bonsai_socketio.settings import SocketIoSettings

from bonsai_core import Attachment, Payload, Plugin, Refused, Session, on
from bonsai_core.testing import StartServer, TestServer


class Say(Payload):
    text: str


class Picture(Payload):
    name: str = ""
    image: Attachment


class Talk(Plugin):
    """Counts what is said, so that an effect that is doubled shows."""

    name = "talk"

    @on("talk:say")
    async def say(self, session: Session, say: Say) -> dict[str, Any]:
        if say.text == "no":
            raise Refused("not_now", "later", retry_after_ms=5)
        said: list[str] = await session.load("said") or []
        said.append(say.text)
        session.save("said", said)
        session.emit("talk:said", {"text": say.text})
        return {"count": len(said)}

    @on("talk:picture")
    async def picture(self, session: Session, picture: Picture) -> dict[str, Any]:
        return {"name": picture.name, "size": len(picture.image)}


class Raw:
    """One Engine.IO client, packet by packet.

    Attributes:
        sid: of the session that it has opened by polling.
    """

    def __init__(self, server: TestServer, http: aiohttp.ClientSession, path: str = "/socket.io/") -> None:
        self.server = server
        self._http = http
        self._url = server.url + path
        self.sid = ""
        self.ws: aiohttp.ClientWebSocketResponse

    async def request(self, method: str, *, headers: dict[str, str] | None = None, **query: str) -> tuple[int, Any]:
        """Any request; its status, and what it says: JSON of an error as data, else text."""
        async with self._http.request(method, self._url, params=query, headers=headers) as answer:
            text = await answer.text()
            return answer.status, json.loads(text) if answer.content_type == "application/json" else text

    async def open(self) -> dict[str, Any]:
        """Begin a polling session; its open packet."""
        status, text = await self.request("GET", EIO="4", transport="polling")
        assert status == 200
        assert text.startswith("0")
        opened: dict[str, Any] = json.loads(text[1:])
        self.sid = opened["sid"]
        return opened

    async def poll(self) -> list[str]:
        """The packets that wait."""
        status, text = await self.request("GET", EIO="4", transport="polling", sid=self.sid)
        assert status == 200, text
        return str(text).split("\x1e")

    async def post(self, *packets: str | bytes, **more: Any) -> tuple[int, str]:
        """Send packets; the answer's status and text."""
        body = b"\x1e".join(packet.encode() if isinstance(packet, str) else packet for packet in packets)
        query = {"EIO": "4", "transport": "polling", "sid": self.sid}
        more.setdefault("headers", {"Content-Type": "text/plain;charset=UTF-8"})
        async with self._http.post(self._url, params=query, data=io.BytesIO(body), **more) as answer:
            return answer.status, await answer.text()

    async def websocket(self, sid: str = "") -> None:
        """Open a WebSocket, as an upgrade of a session if there is one."""
        query = f"?EIO=4&transport=websocket{f'&sid={sid}' if sid else ''}"
        self.ws = await self._http.ws_connect(self._url + query)

    async def recv(self) -> str:
        """The next packet over the WebSocket that is no ping."""
        while (text := await self.ws.receive_str(timeout=10)) == "2":
            await self.ws.send_str("3")
        return text

    async def recv_event(self, name: str) -> list[Any]:
        """The arguments of the next event of this name; what comes before is left out."""
        while True:
            text = await self.recv()
            if text.startswith("42") and (arguments := json.loads(text[text.index("[") :]))[0] == name:
                return list(arguments[1:])

    async def connect(self, **auth: Any) -> dict[str, Any]:
        """Join over a new WebSocket; what `CONNECT` is answered."""
        await self.websocket()
        assert (await self.recv()).startswith("0{")
        await self.ws.send_str("40" + json.dumps({"token": self.server.token("ada"), "sessionId": "s1", **auth}))
        text = await self.recv()
        assert text.startswith("40"), text
        answer: dict[str, Any] = json.loads(text[2:])
        return answer

    async def emit(self, name: str, *arguments: Any, ack: int | None = None) -> Any:
        """Send an event; with `ack` wait for its answer."""
        await self.ws.send_str(f"42{'' if ack is None else ack}{json.dumps([name, *arguments])}")
        if ack is None:
            return None
        while not (text := await self.recv()).startswith(f"43{ack}["):
            pass
        return json.loads(text[len(f"43{ack}") :])


Start = Callable[..., Awaitable[TestServer]]
Connect = Callable[..., Raw]


@pytest.fixture
def gateway(bonsai_server: StartServer) -> Start:
    """Starts a server: fields of `SocketIoSettings` in `gateway`, further plugins, settings of the core."""

    async def start(
        gateway: SocketIoSettings | None = None, plugins: tuple[object, ...] = (), **settings: Any
    ) -> TestServer:
        return await bonsai_server(plugins=[SocketIo(gateway or SocketIoSettings()), Talk(), *plugins], **settings)

    return start


@pytest.fixture
async def raw(gateway: Start) -> AsyncIterator[Connect]:
    """Makes raw clients of a server."""
    async with aiohttp.ClientSession() as http:
        yield lambda server, path="/socket.io/": Raw(server, http, path)
