"""A small server of `bonsai.v1` for the client's tests: it keeps the protocol's promises, and breaks them on demand.

It joins, numbers room messages, recognises resends and recovers rooms, all in memory. A test may take over any
frame (`on_frame`), any join (`on_join`) or the handshake (`on_handshake`), and drop or close connections.
Beside it, what every test of the client needs: `make` and `Seen`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from aiohttp import WSMsgType, web

from bonsai_core.client import Auth, Client, Message

Json = dict[str, Any]


@dataclass(eq=False)
class Connection:
    """One client's connection, and every frame it sent."""

    ws: web.WebSocketResponse
    transport: asyncio.Transport
    received: list[Json] = field(default_factory=list)
    attachments: list[bytes] = field(default_factory=list)
    payloads: int = 0
    connect: Json = field(default_factory=dict)
    joined: bool = False

    @property
    def client_id(self) -> str:
        return str(self.connect.get("clientId"))

    async def send(self, *frames: Json) -> None:
        """Send one frame, or several in one array."""
        with contextlib.suppress(ConnectionError):
            await self.ws.send_str(json.dumps(frames[0] if len(frames) == 1 else frames))

    async def close(self, code: int, reason: str = "") -> None:
        await self.ws.close(code=code, message=reason.encode())

    def drop(self) -> None:
        """Vanish as a network does."""
        self.transport.abort()


class ScriptedServer:
    """See the module."""

    def __init__(self) -> None:
        self._url = ""
        self.connections: list[Connection] = []
        self.log: dict[str, list[Json]] = {"user:ann": [], "session:s1": []}
        self.epochs: dict[str, str] = dict.fromkeys(self.log, "e1")
        #: (client, id): the ack's data. What took effect, in order, is in `effects`.
        self.marks: dict[tuple[str, int], Any] = {}
        self.effects: list[Json] = []
        self.joined_extra: Json = {}
        self.user = "ann"
        self.on_handshake: Callable[[web.Request], web.Response | None] | None = None
        self.on_join: Callable[[Connection], Awaitable[bool]] | None = None
        self.on_frame: Callable[[Connection, Json], Awaitable[bool]] | None = None
        self.handshakes = 0
        self.arrived = asyncio.Condition()

    @property
    def url(self) -> str:
        """Its WebSocket address."""
        return self._url

    @property
    def latest(self) -> Connection:
        return self.connections[-1]

    @property
    def live(self) -> list[Connection]:
        return [c for c in self.connections if c.joined and not c.ws.closed]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Return once `condition` holds; it is looked at after every frame that arrives."""
        async with asyncio.timeout(5), self.arrived:
            await self.arrived.wait_for(condition)

    async def publish(self, room: str, event: str, data: Any) -> Json:
        """Add a message to a room's log and send it to everyone who is joined."""
        frame = {"event": event, "room": room, "offset": len(self.log[room]) + 1, "data": data, "ts": 1}
        self.log[room].append(frame)
        for connection in self.live:
            await connection.send(frame)
        return frame

    def lose_log(self, room: str) -> None:
        """As after a failover: a new epoch, and nothing in the log."""
        self.epochs[room] += "x"
        self.log[room].clear()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.handshakes += 1
        if self.on_handshake is not None and (response := self.on_handshake(request)) is not None:
            return response
        ws = web.WebSocketResponse(protocols=("bonsai.v1",))
        await ws.prepare(request)
        assert request.transport is not None
        connection = Connection(ws, request.transport)
        self.connections.append(connection)
        async for message in ws:
            connection.payloads += 1
            if message.type is WSMsgType.BINARY:
                length = int.from_bytes(message.data[:4], "big")
                frames = [json.loads(message.data[4 : 4 + length])]
                connection.attachments.append(message.data[4 + length :])
            else:
                decoded = json.loads(message.data)
                frames = decoded if isinstance(decoded, list) else [decoded]
            for frame in frames:
                connection.received.append(frame)
                await self._take(connection, frame)
                async with self.arrived:
                    self.arrived.notify_all()
        return ws

    async def _take(self, connection: Connection, frame: Json) -> None:
        event = frame["event"]
        if event == "user:connect":
            connection.connect = frame["data"]
            if self.on_join is None or not await self.on_join(connection):
                await self.join(connection)
        elif self.on_frame is not None and await self.on_frame(connection, frame):
            pass
        elif event == "ping":
            await connection.send({"event": "pong"})
        elif "id" in frame:
            await self.answer(connection, frame)

    async def join(self, connection: Connection) -> None:
        """Answer `user:joined`, and the missed messages."""
        offered = connection.connect.get("resume", {})
        rooms: Json = {}
        missed: list[Json] = []
        for room, log in self.log.items():
            since = offered.get(room)
            recovered = since is not None and since["epoch"] == self.epochs[room] and since["offset"] <= len(log)
            rooms[room] = {"epoch": self.epochs[room], "offset": len(log), "recovered": recovered}
            if recovered:
                missed += log[since["offset"] :]
        data = {
            "userId": self.user,
            "sessionId": connection.connect.get("sessionId", "s1"),
            "clientId": connection.client_id,
            "deviceId": "d1",
            "devices": [],
            "rooms": rooms,
            "heartbeat": {"intervalMs": 30000, "timeoutMs": 5000},
            "limits": {"maxMessageBytes": 65536, "maxRequests": 0, "windowMs": 60000},
            "serverTime": 1,
            "tokenExpiresAt": 2,
            **self.joined_extra,
        }
        connection.joined = True
        await connection.send({"event": "user:joined", "data": data, "ts": 1})
        for frame in missed:
            await connection.send(frame)

    async def answer(self, connection: Connection, frame: Json) -> None:
        """Let a message take effect once, and acknowledge it."""
        mark = (connection.client_id, frame["id"])
        if mark not in self.marks:
            self.marks[mark] = {"echo": frame.get("data")}
            self.effects.append(frame)
        await connection.send({"event": "ack", "id": frame["id"], "data": self.marks[mark], "ts": 1})


@contextlib.asynccontextmanager
async def scripted_server() -> AsyncIterator[ScriptedServer]:
    """A running server on a free port of the loopback. Clients must have left no task behind when it ends."""
    server = ScriptedServer()
    app = web.Application()
    app.router.add_get("/ws", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server._url = f"ws://127.0.0.1:{runner.addresses[0][1]}/ws"
    try:
        yield server
    finally:
        for connection in server.connections:
            connection.drop()
        await runner.cleanup()
    left = [task for task in asyncio.all_tasks() if "bonsai client" in task.get_name()]
    assert not left, left


FAST = {"delay": 0.001, "max_delay": 0.002}


class HasUrl(Protocol):
    """Any server of the tests."""

    @property
    def url(self) -> str: ...


def make(server: HasUrl, **options: Any) -> Client:
    """A client of `server` that reconnects quickly."""
    options.setdefault("auth", Auth(token="t"))
    options.setdefault("reconnect", FAST)
    return Client(server.url, **options)


async def eventually(condition: Callable[[], bool]) -> None:
    """Return once `condition` holds, for what nothing can be awaited on."""
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def swallow(connection: Connection, frame: Json) -> bool:
    """An `on_frame` that answers nothing."""
    return True


class Seen:
    """What a client's handlers got, with something to wait on."""

    def __init__(self, client: Client) -> None:
        self.messages: list[Message] = []
        self._arrived = asyncio.Condition()
        client.on("*", self._take)

    async def _take(self, message: Message) -> None:
        self.messages.append(message)
        async with self._arrived:
            self._arrived.notify_all()

    async def until(self, count: int, event: str) -> list[Message]:
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: len(self.of(event)) >= count)
        return self.of(event)

    def of(self, event: str) -> list[Message]:
        return [message for message in self.messages if message.event == event]
