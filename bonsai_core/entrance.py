"""Where connections begin: requests are judged, counted, and become sockets. Knows aiohttp, as `server.py` does."""

from __future__ import annotations

import ipaddress
import math
from collections.abc import Callable, Mapping

from aiohttp import web

from bonsai_core import http, transport
from bonsai_core.admission import client_address
from bonsai_core.app import App
from bonsai_core.connection import Connection
from bonsai_core.events import Refused
from bonsai_core.handshake import Flaw, find_flaw
from bonsai_core.isolation import PluginFault
from bonsai_core.sockets import Intake, Socket, Workers
from bonsai_core.store.base import StoreUnavailable
from bonsai_core.transport import Transport, Wire
from bonsai_core.websocket import accept

#: Under which a request keeps its address.
_ADDRESS = web.RequestKey("bonsai.address", str)


class Upgraded(web.StreamResponse):
    """The answer to a handshake that was answered already: nothing is left for aiohttp to do."""

    async def prepare(self, request: web.BaseRequest) -> None:
        """Nothing to prepare."""

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing to end."""


class Entrance(transport.Entrance):
    """Begins connections of one process.

    Args:
        workers: who works on what clients send.
    """

    def __init__(self, app: App, workers: Workers) -> None:
        self._app = app
        self._workers = workers
        self._trusted = [ipaddress.ip_network(network) for network in app.settings.trusted_proxies]

    def find_flaw(self, request: web.Request) -> Flaw | None:
        """What is wrong with a WebSocket handshake, apart from who sends it."""
        return find_flaw((request.version.major, request.version.minor), request.headers)

    def origin_allowed(self, request: web.Request) -> bool:
        return all(http.origin_allowed(self._app, origin, request) for origin in request.headers.getall("Origin", ()))

    async def refuse(self, request: web.Request) -> tuple[int, str, Mapping[str, str]] | None:
        refusal = self._refuse(request) or await self._ask_plugins(request)
        if refusal is not None:
            self._app.metrics.refused[refusal[0]] += 1
        return refusal

    def _refuse(self, request: web.Request) -> tuple[int, str, Mapping[str, str]] | None:
        if self._app.draining:
            return 503, "draining\n", {"Retry-After": "1"}
        if not self.origin_allowed(request):
            return 403, "this origin is not allowed; see ALLOWED_ORIGINS\n", {}
        status, wait = self._app.admission.ask(self._address(request))
        if status:
            return status, "too many connections\n", {"Retry-After": str(math.ceil(wait))}
        return None

    async def _ask_plugins(self, request: web.Request) -> tuple[int, str, Mapping[str, str]] | None:
        app = self._app
        for handler in app.plugins.hooks.get("allow_handshake", ()):
            named = {"address": self._address(request), "headers": request.headers}
            try:
                verdict = await app.supervisor.call_apart(
                    handler.record.guard, handler.function, *handler.bind(None, named), what=handler.what
                )
            except (PluginFault, Refused, StoreUnavailable):
                verdict = False
            if verdict is False:
                return 403, "this client is not allowed here\n", {}
        return None

    def open(self, request: web.Request, transport: Transport, wire: Wire) -> Intake:
        intake = Intake(self._app, self._workers)
        intake.connection = self._connection(request, transport, wire)
        self._opened(intake.connection)
        return intake

    def upgrade(
        self, request: web.Request, wire: Wire, subprotocol: str | None = None
    ) -> tuple[Socket, web.StreamResponse]:
        if (flaw := self.find_flaw(request)) is not None:
            raise ValueError(flaw.text)
        handler, transport = request.protocol, request.transport
        if transport is None:
            raise ValueError("the client is gone")
        socket = Socket(self._app, self._workers, transport)
        socket.connection = self._connection(request, socket, wire)
        transport.write(accept(request.headers["Sec-WebSocket-Key"], subprotocol))
        transport.set_protocol(socket)
        early = handler._message_tail
        # aiohttp lets go: for it the connection is lost, but the socket is not its to close any more.
        handler.transport = None
        handler.connection_lost(None)
        self._opened(socket.connection)
        if early:
            socket.data_received(early)
        return socket, Upgraded()

    def move(
        self, socket: transport.Intake, connection: Connection, wire: Wire, convert: Callable[[bytes], bytes]
    ) -> None:
        assert isinstance(socket, Socket)
        began = socket.connection
        began.close_code = began.close_code or 1000  # nobody writes by it any more
        self._app.connections.closed(began)
        self._app.admission.closed(began.address)
        socket.connection = connection
        connection.switch(socket, wire, convert)

    def _connection(self, request: web.Request, transport: Transport, wire: Wire) -> Connection:
        app, settings = self._app, self._app.settings
        return Connection(
            transport,
            wire,
            app.writer,
            now=app.monotonic,
            now_ms=app.now,
            max_bytes=settings.outbox_max_bytes,
            close_timeout=settings.close_timeout_ms / 1000,
            address=self._address(request),
            bearer=_bearer(request),
        )

    def _opened(self, connection: Connection) -> None:
        app = self._app
        app.connections.opened(connection, app.now() + app.store.clock_offset)
        app.admission.opened(connection.address)
        app.metrics.opened += 1

    def _address(self, request: web.Request) -> str:
        address = request.get(_ADDRESS)
        if address is None:
            forwarded = request.headers.getall("X-Forwarded-For", None)
            joined = ",".join(forwarded) if forwarded else None
            address = request[_ADDRESS] = client_address(request.remote or "", joined, self._trusted)
        return address


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None
