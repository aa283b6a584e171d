"""Engine.IO's one HTTP route: handshakes, polls, posts, upgrades, and what is wrong with any of them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from aiohttp import web

from bonsai_core.transport import CloseCode, Intake, Wire
from bonsai_socketio.engine.packets import POLLING, VERSION, WEBSOCKET, Carrier, Flaw, PacketError, open_packet, split
from bonsai_socketio.engine.polling import Overlap, Polling, ProbeWire
from bonsai_socketio.engine.relay import MAX_CARRIED, Answered, Asked, NoAnswer, Relay
from bonsai_socketio.engine.wire import EngineWire

if TYPE_CHECKING:
    from bonsai_core import App
    from bonsai_core.connection import Connection

#: How long a request's body may take, in seconds.
BODY_TIMEOUT = 10.0
#: How long a browser may remember what a preflight was answered, in seconds.
PREFLIGHT_AGE = "600"


class Refusal(Exception):
    """A request that gets an error."""

    def __init__(
        self, flaw: Flaw, status: int = 400, message: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(flaw.words)
        self.flaw = flaw
        self.status = status
        self.body = {"code": int(flaw), "message": message or flaw.words}
        self.headers = dict(headers or {})


class EngineRoutes:
    """Engine.IO under one path.

    Args:
        path: with slashes at both ends.
        make_wire: makes the wire of a new connection.
        max_payload: largest body of a request of a client that is in, in bytes.
        polling: whether long-polling is offered.
    """

    def __init__(
        self, app: App, path: str, make_wire: Callable[[Carrier], EngineWire], *, max_payload: int, polling: bool = True
    ) -> None:
        self._app = app
        self._path = path
        self._make_wire = make_wire
        self._max_payload = max_payload
        self._transports = ("polling", "websocket") if polling else ("websocket",)
        #: Sessions that began with polling. They live as long as their connections.
        self._sessions: WeakValueDictionary[str, Polling] = WeakValueDictionary()
        self._relay = Relay(app, self._serve, self._lose)

    def add(self) -> None:
        """Add the route to the application. Call it from the hook `add_routes`."""
        self._app.add_route("*", self._path, self.handle)
        self._relay.start()

    @property
    def polled(self) -> int:
        """Sessions that are being polled."""
        return sum(session.is_open for session in self._sessions.values())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Any request."""
        headers = {"Cache-Control": "no-store"}
        try:
            if not self._app.entrance.origin_allowed(request):
                raise Refusal(Flaw.FORBIDDEN, 403, "this origin is not allowed; see ALLOWED_ORIGINS")
            if (origin := request.headers.get("Origin")) is not None:
                headers |= {
                    "Access-Control-Allow-Origin": origin,
                    "Access-Control-Allow-Credentials": "true",
                    "Vary": "Origin",
                }
            if request.method == "OPTIONS":
                return web.Response(status=204, headers=headers | _preflight(request))
            return await self._handle(request, headers)
        except Refusal as refusal:
            response = web.json_response(refusal.body, status=refusal.status, headers=headers | refusal.headers)
            if refusal.status == 413:
                response.force_close()
            return response

    async def _handle(self, request: web.Request, headers: dict[str, str]) -> web.StreamResponse:
        query = request.query
        transport, sid = query.get("transport"), query.get("sid")
        if transport is None or transport not in self._transports:
            raise Refusal(Flaw.UNKNOWN_TRANSPORT)
        if query.get("EIO") != VERSION:
            raise Refusal(Flaw.UNSUPPORTED_PROTOCOL_VERSION)
        if sid is None:
            if request.method != "GET":
                raise Refusal(Flaw.BAD_HANDSHAKE_METHOD)
            return await self._open(request, transport, headers)
        if transport == "websocket":
            return await self._upgrade(request, sid)
        if request.method not in ("GET", "POST"):
            raise Refusal(Flaw.BAD_REQUEST)
        if sid not in self._sessions and self._relay.node_of(sid):
            return await self._carry(request, sid, headers)
        session = self._find(sid)
        if request.method == "GET":
            return await self._poll(request, session, headers)
        await self._take(session, lambda limit: _read(request, limit))
        return _posted(headers)

    def _find(self, sid: str) -> Polling:
        """The session that a client polls.

        Raises:
            Refusal: there is none.
        """
        session = self._sessions.get(sid)
        if session is None:
            raise Refusal(Flaw.UNKNOWN_SID)
        if self._is_silent(session.connection):
            session.abort()
        if session.upgraded:
            raise Refusal(Flaw.BAD_REQUEST)
        if not session.is_open:
            raise Refusal(Flaw.UNKNOWN_SID)
        return session

    # Beginnings

    async def _open(self, request: web.Request, transport: str, headers: dict[str, str]) -> web.StreamResponse:
        if transport == "websocket" and "Upgrade" not in request.headers:
            raise Refusal(Flaw.BAD_REQUEST)
        await self._admit(request)
        settings = self._app.settings
        sid = self._relay.mark(secrets.token_urlsafe(15))
        upgrades = ["websocket"] if transport == "polling" else []
        first = open_packet(
            sid, upgrades, settings.heartbeat_interval_ms, settings.heartbeat_timeout_ms, self._max_payload
        )
        if transport == "websocket":
            wire = self._make_wire(WEBSOCKET)
            intake, response = self._take_over(request, wire)
            wire.opened(intake.connection)
            intake.connection.write(wire.text(first))
            return response
        wire = self._make_wire(POLLING)
        session = wire.keeps = Polling(sid, wire)
        session.intake = self._app.entrance.open(request, session, wire)
        wire.opened(session.connection)
        self._sessions[sid] = session
        return _answer(first, headers)

    async def _upgrade(self, request: web.Request, sid: str) -> web.StreamResponse:
        session = self._sessions.get(sid)
        if session is None:
            if node := self._relay.node_of(sid):
                message = f"the session is on node {node}: it can be polled here, but upgrades only there"
                raise Refusal(Flaw.BAD_REQUEST, message=message)
            raise Refusal(Flaw.UNKNOWN_SID)
        if session.upgraded or not session.is_open:  # as the reference server: a socket that is closed at once
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            await socket.close()
            return socket
        await self._admit(request)
        wire = ProbeWire(self._app.entrance, session)
        wire.socket, response = self._take_over(request, wire)
        return response

    def _take_over(self, request: web.Request, wire: Wire) -> tuple[Intake, web.StreamResponse]:
        try:
            intake, response = self._app.entrance.upgrade(request, wire)
        except ValueError as flaw:
            raise Refusal(Flaw.BAD_REQUEST, message=str(flaw).strip()) from None
        return intake, response

    async def _admit(self, request: web.Request) -> None:
        refusal = await self._app.entrance.refuse(request)
        if refusal is not None:
            status, text, headers = refusal
            raise Refusal(Flaw.FORBIDDEN, status, text.strip(), headers)

    # Polling

    async def _poll(self, request: web.Request, session: Polling, headers: dict[str, str]) -> web.StreamResponse:
        body = await self._wait(session)
        if _is_gone(request):  # the client will never read this: it is to come back
            session.connection.abort()
        return _answer(body, headers)

    async def _wait(self, session: Polling) -> bytes:
        session.connection.heard()
        try:
            return await session.poll()
        except Overlap:
            raise Refusal(Flaw.BAD_REQUEST, message="two polls at a time") from None

    async def _take(self, session: Polling, read: Callable[[int], Awaitable[bytes]]) -> None:
        """Take in the packets of a post.

        Args:
            read: gives the body, given the most bytes that it may have.
        """
        connection = session.connection
        connection.heard()
        if session.posting:
            connection.close(CloseCode.PROTOCOL_ERROR, "two posts at a time")
            raise Refusal(Flaw.BAD_REQUEST, message="two posts at a time")
        session.posting = True
        try:
            limit = self._max_payload
            if connection.session is None:
                limit = min(limit, self._app.settings.max_message_bytes)
            session.intake.put(split(await read(limit)))
            await session.intake.ready()
        except PacketError as error:
            connection.close(CloseCode.PROTOCOL_ERROR, str(error))
            session.abort()
            raise Refusal(Flaw.BAD_REQUEST, message=str(error)) from None
        finally:
            session.posting = False

    # Between nodes

    async def _carry(self, request: web.Request, sid: str, headers: dict[str, str]) -> web.StreamResponse:
        """Have the node that has the session answer."""
        settings = self._app.settings
        timeout = (settings.heartbeat_interval_ms + settings.heartbeat_timeout_ms) / 1000 + BODY_TIMEOUT
        try:
            body = await _read(request, min(self._max_payload, MAX_CARRIED)) if request.method == "POST" else b""
            answered = await self._relay.carry(sid, request.method, body, timeout)
        except PacketError as error:
            raise Refusal(Flaw.BAD_REQUEST, message=str(error)) from None
        except NoAnswer:
            raise Refusal(Flaw.UNKNOWN_SID) from None
        if answered.flaw >= 0:
            raise Refusal(Flaw(answered.flaw), answered.status, answered.body.decode())
        if request.method == "POST":
            return _posted(headers)
        if _is_gone(request):
            await self._relay.lost(sid)
        return _answer(answered.body, headers)

    async def _serve(self, asked: Asked) -> Answered:
        """Answer for another node."""

        async def read(limit: int) -> bytes:
            if len(asked.body) > limit:
                raise _too_large(limit)
            return asked.body

        try:
            session = self._find(asked.sid)
            if asked.method == "GET":
                return Answered(asked.number, 200, await self._wait(session))
            await self._take(session, read)
        except Refusal as refusal:
            return Answered(asked.number, refusal.status, str(refusal.body["message"]).encode(), refusal.flaw)
        return Answered(asked.number, 200, b"")

    def _lose(self, sid: str) -> None:
        if (session := self._sessions.get(sid)) is not None and session.is_open:
            session.connection.abort()

    def _is_silent(self, connection: Connection) -> bool:
        """Whether a client has missed its heartbeat; told exactly, where the core's timer looks now and then."""
        settings = self._app.settings
        longest = (settings.heartbeat_interval_ms + settings.heartbeat_timeout_ms) / 1000
        return self._app.monotonic() - connection.last_seen >= longest


async def _read(request: web.Request, limit: int) -> bytes:
    if request.content_type == "application/octet-stream":
        raise PacketError("binary packets are base64 in Engine.IO 4")
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise _too_large(limit)
    except TimeoutError:
        raise Refusal(Flaw.BAD_REQUEST, 408, "the body did not come in time") from None
    except web.RequestPayloadError:
        raise PacketError("the body is not encoded as its headers say") from None
    return bytes(body)


def _too_large(limit: int) -> Refusal:
    return Refusal(Flaw.BAD_REQUEST, 413, f"a payload is limited to {limit} bytes")


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _posted(headers: Mapping[str, str]) -> web.Response:
    # text/html, as the reference server, for the sake of old browsers
    return web.Response(text="ok", content_type="text/html", headers=headers)


def _answer(body: bytes, headers: Mapping[str, str]) -> web.Response:
    return web.Response(body=body, headers={**headers, "Content-Type": "text/plain; charset=UTF-8"})


def _preflight(request: web.Request) -> dict[str, str]:
    asked = request.headers.get("Access-Control-Request-Headers", "")
    return {
        "Access-Control-Allow-Methods": "GET,POST",
        "Access-Control-Allow-Headers": asked if asked.isascii() and asked.isprintable() else "",
        "Access-Control-Max-Age": PREFLIGHT_AGE,
    }
