"""A raw client of `bonsai.v1`: sends exactly what a test says and keeps every frame, with no help of its own.

For behaviour over a bad network use `bonsai_core.client.Client`, which resends and resumes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import aiohttp

from bonsai_core.auth import mint_token, system_clock
from bonsai_core.protocol import SUBPROTOCOL, encode_binary

Frame = dict[str, Any]
Resume = Mapping[str, Mapping[str, Any]]

#: Signs the tokens of test servers.
SECRET = "a secret for tests only, of more than 32 bytes"  # noqa: S105


class WireError(AssertionError):
    """The server answered with an `error` frame.

    Attributes:
        frame: the whole frame.
        code: its error code.
    """

    def __init__(self, frame: Frame) -> None:
        self.frame = frame
        self.data: dict[str, Any] = frame.get("data") or {}
        self.code = str(self.data.get("code"))
        super().__init__(f"{self.code}: {self.data.get('message')}")


class WireClosed(AssertionError):
    """The connection ended while a frame was awaited; `code` is its close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"the connection is closed: {code} {reason}".rstrip())
        self.code = code
        self.reason = reason


class WireClient:
    """One WebSocket. Made by `TestServer.connect`, `ServerProcess.connect` or `WireClient.open`.

        device = await server.connect(user="ada", session="s1", client="phone")
        await device.send("hello:greet", {"name": "Bo"}, id=1)
        ack = await device.recv("ack")
        again = await server.connect(user="ada", session="s1", client="phone", resume=device.positions)
        assert await device.closed() == 4001

    Attributes:
        frames: every frame that has come, in order, those of batches one by one.
        joined: the data of `user:joined`.
    """

    def __init__(self, http: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self.frames: list[Frame] = []
        self.joined: dict[str, Any] = {}
        self._http = http
        self._socket = socket
        #: Frames that no `recv` has given out yet.
        self._unread: list[Frame] = []
        self._arrived = asyncio.Event()
        self._next_id = 1
        self._positions: dict[str, dict[str, Any]] = {}
        self._offered: Resume = {}
        self._close_code: int | None = None
        self._close_reason = ""
        self._reader = asyncio.create_task(self._read(), name="wire client")

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        protocols: Sequence[str] = (SUBPROTOCOL,),
        autoping: bool = True,
    ) -> WireClient:
        """Connect without joining.

        Args:
            url: `ws://...`.
            headers: sent with the handshake.
            protocols: the subprotocols to offer.
            autoping: answer the server's pings, as every browser does.

        Raises:
            aiohttp.WSServerHandshakeError: the server refused the handshake.
        """
        http = aiohttp.ClientSession()
        try:
            socket = await http.ws_connect(
                url, headers=headers, protocols=protocols, autoping=autoping, max_msg_size=0, heartbeat=None
            )
        except BaseException:
            await http.close()
            raise
        return cls(http, socket)

    # Sending

    async def send(self, event: str, data: Any = None, id: int | None = None) -> None:
        """Send one frame."""
        await self.send_raw(json.dumps(_frame(event, data, id)))

    async def send_batch(self, *frames: tuple[str, Any, int | None]) -> None:
        """Send several frames, each `(event, data, id)`, in one array."""
        await self.send_raw(json.dumps([_frame(*frame) for frame in frames]))

    async def send_attachment(self, event: str, data: Any, attachment: bytes, id: int | None = None) -> None:
        """Send a binary frame with an attachment."""
        await self.send_raw(encode_binary(json.dumps(_frame(event, data, id)).encode(), attachment))

    async def send_raw(self, message: str | bytes) -> None:
        """Send a text message, or a binary one when it is bytes, as it is."""
        if isinstance(message, str):
            await self._socket.send_str(message)
        else:
            await self._socket.send_bytes(message)

    async def join(
        self,
        *,
        token: str | None = None,
        session: str | None = None,
        client: str | None = None,
        resume: Resume | None = None,
        device: Mapping[str, Any] | None = None,
        timeout: float = 5.0,
    ) -> dict[str, Any]:
        """Send `user:connect` and return the data of `user:joined`.

        Args:
            resume: by room `{"epoch": ..., "offset": ...}`, such as another client's `positions`.

        Raises:
            WireError: the server refused.
        """
        request = {"token": token, "sessionId": session, "clientId": client, "resume": resume, "device": device}
        self._offered = resume or {}
        await self.send("user:connect", {name: value for name, value in request.items() if value is not None})
        frame = await self.recv("user:joined", "error", timeout=timeout)
        if frame["event"] == "error":
            raise WireError(frame)
        return self.joined

    async def request(self, event: str, data: Any = None, *, id: int | None = None, timeout: float = 5.0) -> Any:
        """Send a frame with an id and return the data of its ack.

        Args:
            id: default is the next of this connection, from 1; give it to resend, or after a reconnect.

        Raises:
            WireError: it was answered with an error.
        """
        if id is None:
            id = self._next_id
        self._next_id = max(self._next_id, id + 1)
        await self.send(event, data, id)
        return await self.answer(id, timeout=timeout)

    # Receiving

    async def recv(self, *events: str, timeout: float = 2.0) -> Frame:
        """The next frame that was not received yet; frames of other events stay for a later `recv`.

        Args:
            events: only a frame of one of these events; none given: any.
            timeout: seconds.

        Raises:
            TimeoutError: none came; the message tells what did.
            WireClosed: the connection ended first.
        """
        return await self._take(lambda frame: not events or frame["event"] in events, " or ".join(events), timeout)

    async def answer(self, id: int, *, timeout: float = 5.0) -> Any:
        """The data of the ack of message `id`.

        Raises:
            WireError: it was answered with an error.
        """
        frame = await self._take(
            lambda frame: frame["event"] in ("ack", "error") and frame.get("id") == id, f"an answer to {id}", timeout
        )
        if frame["event"] == "error":
            raise WireError(frame)
        return frame["data"]

    async def sync(self, timeout: float = 2.0) -> None:
        """Return when everything that the server has said until now is here: frames come in order, so a ping tells."""
        await self.send_raw('{"event":"ping"}')
        await self._take(lambda frame: frame["event"] == "pong", "pong", timeout)

    def of(self, event: str) -> list[Frame]:
        """Every frame of an event that has come."""
        return [frame for frame in self.frames if frame["event"] == event]

    def room(self, name: str) -> list[Frame]:
        """Every logged message of a room that has come."""
        return [frame for frame in self.frames if frame.get("room") == name and frame.get("offset")]

    @property
    def positions(self) -> dict[str, dict[str, Any]]:
        """How far each room was received: what to give as `resume` of the next connection."""
        return {room: dict(position) for room, position in self._positions.items()}

    @property
    def unread(self) -> list[Frame]:
        """Frames that no `recv` has given out."""
        return list(self._unread)

    # Ending

    async def closed(self, timeout: float = 5.0) -> int:
        """Wait for the end of the connection and return its close code; 1006 for an end without a goodbye."""
        await asyncio.wait((self._reader,), timeout=timeout)
        if self._close_code is None:
            raise TimeoutError(f"the connection is still open after {timeout:g} s")
        return self._close_code

    @property
    def close_reason(self) -> str:
        """What the server gave as its reason."""
        return self._close_reason

    async def close(self) -> None:
        """Close the connection politely. Idempotent."""
        with contextlib.suppress(Exception):
            await asyncio.wait_for(self._socket.close(), 2)
        await self._end()

    async def abort(self) -> None:
        """Drop the connection as a lost network does: no goodbye. Idempotent."""
        transport = _transport(self._socket)
        if transport is not None:
            transport.abort()
        await self._end()

    async def _end(self) -> None:
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)
        self._socket._response.close()  # after a connection that broke, aiohttp holds on to it
        await self._http.close()

    async def _read(self) -> None:
        socket = self._socket
        try:
            while True:
                message = await socket.receive()
                if message.type is aiohttp.WSMsgType.TEXT:
                    received = json.loads(message.data)
                    for frame in received if isinstance(received, list) else [received]:
                        self._receive(frame)
                elif message.type is aiohttp.WSMsgType.CLOSE:
                    self._close_reason = message.extra or ""
                elif message.type in (
                    aiohttp.WSMsgType.CLOSED,
                    aiohttp.WSMsgType.CLOSING,
                    aiohttp.WSMsgType.ERROR,
                ):
                    return
                if socket.closed:
                    return
        finally:
            self._close_code = socket.close_code or 1006
            self._arrived.set()

    def _receive(self, frame: Frame) -> None:
        if frame["event"] == "user:joined":
            self.joined = frame["data"]
            for room, info in frame["data"]["rooms"].items():
                known = self._offered.get(room, info) if info["recovered"] else info
                self._positions[room] = {"epoch": known["epoch"], "offset": known["offset"]}
        elif frame["event"] == "room:joined":
            info = frame["data"]
            self._positions[info["room"]] = {"epoch": info["epoch"], "offset": info["offset"]}
        elif frame.get("offset") and (position := self._positions.get(frame["room"])):
            position["offset"] = max(position["offset"], frame["offset"])
        self.frames.append(frame)
        self._unread.append(frame)
        self._arrived.set()

    async def _take(self, wanted: Any, name: str, timeout: float) -> Frame:
        try:
            async with asyncio.timeout(timeout):
                while True:
                    for index, frame in enumerate(self._unread):
                        if wanted(frame):
                            return self._unread.pop(index)
                    if self._close_code is not None:
                        raise WireClosed(self._close_code, self._close_reason)
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            seen = ", ".join(str(frame["event"]) for frame in self._unread) or "nothing"
            raise TimeoutError(f"{name or 'a frame'} did not come within {timeout:g} s; unread: {seen}") from None


class Endpoint:
    """Where a server is: makes tokens for it and connects clients, which end with it.

    Args:
        secret: signs the tokens.
    """

    def __init__(self, secret: str = SECRET) -> None:
        self.secret = secret
        self._clients: list[WireClient] = []

    @property
    def url(self) -> str:
        """`http://...`."""
        raise NotImplementedError

    @property
    def ws_url(self) -> str:
        """`ws://.../ws`."""
        return f"ws{self.url.removeprefix('http')}/ws"

    def now(self) -> int:
        """The server's time, in ms since the epoch."""
        return system_clock()

    def token(
        self,
        user: str = "u1",
        *,
        session: str | None = None,
        roles: Sequence[str] = ("student",),
        students: Sequence[str] = (),
        ttl_s: int = 3600,
        **claims: Any,
    ) -> str:
        """A token for this server.

        Args:
            session: binds the token to one session.
            ttl_s: seconds until it expires.
            claims: further arguments of `bonsai_core.auth.mint_token`.
        """
        claims.setdefault("now", self.now())
        return mint_token(
            self.secret, user=user, session=session, roles=roles, students=students, ttl_s=ttl_s, **claims
        )

    async def connect(
        self,
        user: str = "u1",
        session: str | None = "s1",
        client: str | None = "c1",
        *,
        resume: Resume | None = None,
        join: bool = True,
        token: str | None = None,
        roles: Sequence[str] = ("student",),
        students: Sequence[str] = (),
        device: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        autoping: bool = True,
        url: str | None = None,
    ) -> WireClient:
        """Open a WebSocket and join; the client is closed when the server stops.

        Args:
            join: False leaves `user:connect` to the test.
            token: instead of a fresh one for `user` with `roles` and, for a tutor, `students`.
            url: connect there instead, such as to a `TcpProxy`.

        Raises:
            WireError: the server refused the join.
        """
        wire = await WireClient.open(url or self.ws_url, headers=headers, autoping=autoping)
        self._clients.append(wire)
        if join:
            token = token or self.token(user, roles=roles, students=students)
            await wire.join(token=token, session=session, client=client, resume=resume, device=device)
        return wire

    async def disconnect_all(self) -> None:
        """End every client that `connect` made."""
        clients, self._clients = self._clients, []
        for client in clients:
            await client.abort()


def _frame(event: str, data: Any, id: int | None) -> Frame:
    frame: Frame = {"event": event}
    if data is not None:
        frame["data"] = data
    if id is not None:
        frame["id"] = id
    return frame


def _transport(socket: aiohttp.ClientWebSocketResponse[bool]) -> asyncio.Transport | None:
    """aiohttp gives out facts of the transport but not the transport."""
    connection = socket._conn
    return connection.transport if connection is not None else None
