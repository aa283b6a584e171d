"""Engine.IO's one HTTP route: handshakes, polls, posts, upgrades, and what is wrong with any of them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from aiohttp import web

from bonsai_core.transport import CloseCode, Intake, Wire
from bonsai_socketio.engine.packets import POLLING, VERSION, WEBSOCKET, Carrier, Flaw, PacketError, open_packet, split
from bonsai_socketio.engine.polling import Overlap, Polling, ProbeWire
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

    def add(self) -> None:
        """Add the route to the application. Call it from the hook `add_routes`."""
        self._app.add_route("*", self._path, self.handle)

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
        session = self._sessions.get(sid)
        if session is None:
            raise Refusal(Flaw.UNKNOWN_SID, message=self._whereabouts(sid))
        if transport == "websocket":
            return await self._upgrade(request, session)
        if self._is_silent(session.connection):
            session.abort()
        if session.upgraded:
            raise Refusal(Flaw.BAD_REQUEST)
        if not session.is_open:
            raise Refusal(Flaw.UNKNOWN_SID)
        if request.method == "GET":
            return await self._poll(request, session, headers)
        if request.method == "POST":
            return await self._post(request, session, headers)
        raise Refusal(Flaw.BAD_REQUEST)

    # Beginnings

    async def _open(self, request: web.Request, transport: str, headers: dict[str, str]) -> web.StreamResponse:
        if transport == "websocket" and "Upgrade" not in request.headers:
            raise Refusal(Flaw.BAD_REQUEST)
        await self._admit(request)
        settings = self._app.settings
        sid = self._new_sid()
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

    async def _upgrade(self, request: web.Request, session: Polling) -> web.StreamResponse:
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

    def _new_sid(self) -> str:
        return secrets.token_urlsafe(15)

    def _whereabouts(self, sid: str) -> str | None:
        return None

    # Polling

    async def _poll(self, request: web.Request, session: Polling, headers: dict[str, str]) -> web.StreamResponse:
        session.connection.heard()
        try:
            body = await session.poll()
        except Overlap:
            raise Refusal(Flaw.BAD_REQUEST, message="two polls at a time") from None
        transport = request.transport
        if transport is None or transport.is_closing():  # the client will never read this: it is to come back
            session.connection.abort()
        return _answer(body, headers)

    async def _post(self, request: web.Request, session: Polling, headers: dict[str, str]) -> web.StreamResponse:
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
            body = await _read(request, limit)
            packets = split(body)
            session.intake.put(packets)
            await session.intake.ready()
        except PacketError as error:
            connection.close(CloseCode.PROTOCOL_ERROR, str(error))
            session.abort()
            raise Refusal(Flaw.BAD_REQUEST, message=str(error)) from None
        finally:
            session.posting = False
        # text/html, as the reference server, for the sake of old browsers
        return web.Response(text="ok", content_type="text/html", headers=headers)

    def _is_silent(self, connection: Connection) -> bool:
        """Whether a client has missed its heartbeat; told exactly, where the core's timer looks now and then."""
        settings = self._app.settings
        longest = (settings.heartbeat_interval_ms + settings.heartbeat_timeout_ms) / 1000
        return self._app.monotonic() - connection.last_seen >= longest


async def _read(request: web.Request, limit: int) -> bytes:
    if request.content_type == "application/octet-stream":
        raise PacketError("binary packets are base64 in Engine.IO 4")
    too_large = Refusal(Flaw.BAD_REQUEST, 413, f"a payload is limited to {limit} bytes")
    if (request.content_length or 0) > limit:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > limit:
                    raise too_large
    except TimeoutError:
        raise Refusal(Flaw.BAD_REQUEST, 408, "the body did not come in time") from None
    except web.RequestPayloadError:
        raise PacketError("the body is not encoded as its headers say") from None
    return bytes(body)


def _answer(body: bytes, headers: Mapping[str, str]) -> web.Response:
    return web.Response(body=body, headers={**headers, "Content-Type": "text/plain; charset=UTF-8"})


def _preflight(request: web.Request) -> dict[str, str]:
    asked = request.headers.get("Access-Control-Request-Headers", "")
    return {
        "Access-Control-Allow-Methods": "GET,POST",
        "Access-Control-Allow-Headers": asked if asked.isascii() and asked.isprintable() else "",
        "Access-Control-Max-Age": PREFLIGHT_AGE,
    }
