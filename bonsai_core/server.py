"""The aiohttp server: handshakes, sockets, start and stop. The only place, with `http.py`, that knows aiohttp."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import math
import os
import random
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from aiohttp import WSCloseCode, WSMsgType, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import HttpProcessingError, WebSocketWriter

from bonsai_core import http
from bonsai_core.admission import client_address
from bonsai_core.app import App
from bonsai_core.connection import Connection
from bonsai_core.events import Refused
from bonsai_core.handshake import find_flaw
from bonsai_core.isolation import PluginFault, where
from bonsai_core.joinguard import FrameError, JoinGuard
from bonsai_core.outbox import Priority
from bonsai_core.plugins import PluginError
from bonsai_core.protocol import SUBPROTOCOL, CloseCode, is_close_code
from bonsai_core.settings import Settings, SettingsError
from bonsai_core.store.base import StoreError, StoreUnavailable
from bonsai_core.transport import NATIVE, Transport

log = structlog.get_logger("bonsai.server")

#: Clients of a stopping server come back spread over this many milliseconds.
RECONNECT_SPREAD_MS = 3000


class SocketTransport(Transport):
    """An asyncio transport whose HTTP exchange has become a WebSocket."""

    __slots__ = ("_stream", "_transport")

    def __init__(self, transport: asyncio.Transport, stream: AbstractStreamWriter) -> None:
        self._transport = transport
        self._stream = stream

    def write(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def buffered(self) -> int:
        return self._transport.get_write_buffer_size()

    async def drained(self) -> None:
        with contextlib.suppress(ConnectionError):
            await self._stream.drain()

    def abort(self) -> None:
        self._transport.abort()


class GuardedSocket(web.WebSocketResponse[bool]):
    """A WebSocket whose bytes pass a `JoinGuard` until its connection has joined.

    aiohttp has no public place for this. Three private names of it are used: `_post_start`, where it begins to read
    frames, and the protocol's `_message_tail` and `_payload_parser`. tests/hostile/test_hostile_guard.py fails if they
    come to mean something else.
    """

    def __init__(self, settings: Settings) -> None:
        super().__init__(
            protocols=(SUBPROTOCOL,),
            timeout=settings.close_timeout_ms / 1000,
            autoclose=False,
            autoping=False,
            compress=False,
            decode_text=False,
            # A message must be smaller than this: a header of four bytes, the frame, the attachment.
            max_msg_size=settings.max_message_bytes + settings.max_attachment_bytes + 5,
        )
        self._guard: JoinGuard | None = JoinGuard(settings.max_join_bytes, settings.max_message_bytes)
        self._guarded: Any = None
        self._handler: Any = None
        #: Whose socket it is, once it has one.
        self.connection: Connection | None = None
        #: What came before it had.
        self._flaw: FrameError | None = None

    def attach(self, connection: Connection) -> None:
        """Tell whose socket this is."""
        self.connection = connection
        if self._flaw is not None:
            connection.close(self._flaw.close, self._flaw.message)

    def _post_start(self, request: web.BaseRequest, protocol: str | None, writer: WebSocketWriter) -> None:
        handler = request.protocol
        early, handler._message_tail = handler._message_tail, b""
        super()._post_start(request, protocol, writer)
        self._handler, self._guarded = handler, handler._payload_parser
        handler._payload_parser = self
        if early:
            self.feed_data(early)

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"", drain: bool = True) -> bool:
        """aiohttp says goodbye to a peer that broke the protocol; it goes out after what we said before."""
        if code == WSCloseCode.OK or self.connection is None:
            return await super().close(code=code, message=message, drain=drain)
        self.connection.close(code, message.decode())
        return True

    def feed_data(self, data: bytes) -> tuple[bool, bytes]:
        """The transport has received bytes. Called by aiohttp's protocol until the join."""
        connection, guard = self.connection, self._guard
        if guard is None:
            return False, b""  # the flaw was told; what still comes is not kept
        if connection is not None and connection.session is not None:
            self._handler._payload_parser = self._guarded
            self._handler = self._guard = None
            return self._guarded.feed_data(data)  # type: ignore[no-any-return]
        try:
            guard.follow(data)
        except FrameError as error:
            self._guard = None
            if connection is None:
                self._flaw = error
            else:
                connection.close(error.close, error.message)
            return False, b""
        return self._guarded.feed_data(data)  # type: ignore[no-any-return]

    def feed_eof(self) -> None:
        """The transport is gone. Called by aiohttp's protocol until the join."""
        self._guarded.feed_eof()


class _HttpLog:
    """What aiohttp says of requests. A peer's malformed request is its own fault: no traceback, nothing quoted."""

    def debug(self, message: str, *args: object, **more: object) -> None:
        self._report(more.get("exc_info"))

    def exception(self, message: str, *args: object, **more: object) -> None:
        self._report(more.get("exc_info"))

    def _report(self, error: object) -> None:
        if isinstance(error, HttpProcessingError | web.RequestPayloadError | ConnectionError):
            log.debug("malformed request", failure=type(error).__name__)
        elif isinstance(error, BaseException):
            log.error("request failed", failure=type(error).__name__, where=where(error))


class Server:
    """A running server: an `App` behind an aiohttp site.

    Args:
        app: the application; started and stopped with the server.
    """

    def __init__(self, app: App) -> None:
        self.app = app
        self._runner: web.AppRunner | None = None
        self._stopping = False
        self._trusted = [ipaddress.ip_network(network) for network in app.settings.trusted_proxies]

    @property
    def port(self) -> int:
        """The port that it listens on; useful when the setting is 0."""
        assert self._runner is not None
        return int(self._runner.addresses[0][1])

    @property
    def url(self) -> str:
        """Where it answers HTTP."""
        host = self.app.settings.websocket_host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def start(self) -> None:
        """Start the application, then listen.

        Raises:
            OSError: the port is taken.
            StoreError: the store cannot be opened.
        """
        settings = self.app.settings
        web_app = web.Application(client_max_size=settings.max_message_bytes, logger=structlog.get_logger("aiohttp"))
        web_app.router.add_get("/ws", self._websocket, allow_head=False)
        http.add_routes(web_app, self.app)
        await self.app.start()
        try:
            self._runner = web.AppRunner(
                web_app,
                access_log=None,
                logger=_HttpLog(),
                handle_signals=False,
                shutdown_timeout=1.0,
                # How long what remains of a refused request's body is read, also of a peer that is gone.
                lingering_time=1.0,
                # A connection that has not sent a whole request counts as idle, so this bounds dripped headers too.
                keepalive_timeout=settings.header_timeout_ms / 1000,
            )
            await self._runner.setup()
            await web.TCPSite(self._runner, settings.websocket_host, settings.websocket_port, backlog=4096).start()
        except BaseException:
            await self.app.stop()
            raise

    async def stop(self) -> None:
        """Stop: not ready, every client told when to come back, work finished, store closed. Idempotent."""
        if self._stopping:
            return
        self._stopping = True
        app = self.app
        app.draining = True
        for connection in list(app.connections.all):
            delay = random.randrange(RECONNECT_SPREAD_MS)
            connection.close(CloseCode.RESTARTING, f"restarting; reconnect in {delay} ms", leave="shutdown")
        await app.connections.wait_until_empty(app.settings.close_timeout_ms / 1000 + 0.5)
        for connection in list(app.connections.all):
            connection.abort()
        if self._runner is not None:
            await self._runner.cleanup()
        await app.stop()

    # One WebSocket

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        app, settings = self.app, self.app.settings
        forwarded = request.headers.getall("X-Forwarded-For", None)
        address = client_address(request.remote or "", ",".join(forwarded) if forwarded else None, self._trusted)
        refusal = self._refuse_handshake(request, address) or await self._ask_plugins(request, address)
        if refusal is not None:
            app.metrics.refused[refusal.status] += 1
            return refusal
        ws = GuardedSocket(settings)
        if "Sec-WebSocket-Protocol" in request.headers:
            ws.headers["Sec-WebSocket-Protocol"] = SUBPROTOCOL  # aiohttp looks at the first such header alone
        stream = await ws.prepare(request)
        transport = request.transport
        if transport is None:
            return ws
        connection = Connection(
            SocketTransport(transport, stream),
            NATIVE,
            app.writer,
            now=app.monotonic,
            now_ms=app.now,
            max_bytes=settings.outbox_max_bytes,
            close_timeout=settings.close_timeout_ms / 1000,
            address=address,
            bearer=_bearer(request),
        )
        ws.attach(connection)
        app.connections.opened(connection)
        app.admission.opened(address)
        app.metrics.opened += 1
        try:
            await self._read(ws, connection)
        except Exception as error:  # a fault of ours: it ends this connection alone, and the client resumes
            log.error("connection failed", failure=type(error).__name__, where=where(error))
            connection.close(CloseCode.SERVER_FAULT, "server fault")
        finally:
            connection.flush()
            connection.lost()
            transport.close()
            # Closing waits for what is still buffered; a peer that takes nothing must not keep the socket.
            asyncio.get_running_loop().call_later(settings.close_timeout_ms / 1000, transport.abort)
            app.admission.closed(address)
            await app.over(connection)
        return ws

    async def _read(self, ws: web.WebSocketResponse[bool], connection: Connection) -> None:
        gate = self.app.gate
        while True:
            message = await ws.receive()
            kind = message.type
            if connection.close_code is not None and kind in (WSMsgType.TEXT, WSMsgType.BINARY):
                continue  # we said goodbye; wait for the peer's
            if kind is WSMsgType.TEXT:
                await gate.text(connection, message.data)
            elif kind is WSMsgType.BINARY:
                await gate.binary(connection, message.data)
            elif kind is WSMsgType.PING:
                if gate.control(connection):
                    connection.write(NATIVE.pong(message.data), Priority.HIGH)
            elif kind is WSMsgType.PONG:
                gate.control(connection)
            else:
                if kind is WSMsgType.CLOSE and connection.close_code is None:
                    connection.leave_reason = "closed"
                    code = int(message.data) or CloseCode.NORMAL
                    connection.close(code if is_close_code(code) else CloseCode.PROTOCOL_ERROR)
                return

    def _refuse_handshake(self, request: web.Request, address: str) -> web.Response | None:
        app = self.app
        if app.draining:
            return web.Response(status=503, text="draining\n", headers={"Retry-After": "1"})
        flaw = find_flaw((request.version.major, request.version.minor), request.headers)
        if flaw is not None:
            return web.Response(status=flaw.status, text=flaw.text, headers=flaw.headers)
        if not all(http.origin_allowed(app, origin, request) for origin in request.headers.getall("Origin", ())):
            return web.Response(status=403, text="this origin is not allowed; see ALLOWED_ORIGINS\n")
        status, wait = app.admission.ask(address)
        if status:
            headers = {"Retry-After": str(math.ceil(wait))}
            return web.Response(status=status, text="too many connections\n", headers=headers)
        return None

    async def _ask_plugins(self, request: web.Request, address: str) -> web.Response | None:
        app = self.app
        for handler in app.plugins.hooks.get("allow_handshake", ()):
            named = {"address": address, "headers": request.headers}
            try:
                verdict = await app.supervisor.call_apart(
                    handler.record.guard, handler.function, *handler.bind(None, named), what=handler.what
                )
            except (PluginFault, Refused, StoreUnavailable):
                verdict = False
            if verdict is False:
                return web.Response(status=403, text="this client is not allowed here\n")
        return None


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def run(settings: Settings, *, on_ready: Callable[[Server], None] | None = None) -> int:
    """Run a server until SIGTERM or SIGINT. For the command line.

    Args:
        on_ready: called once it listens.

    Returns:
        The process's exit code: 0 stopped as asked, 1 could not start.

    Raises:
        SettingsError: the settings do not suffice to start.
    """
    settings.check_startable()
    runner: Callable[[Coroutine[Any, Any, int]], int] = asyncio.run
    with contextlib.suppress(ImportError):
        import uvloop

        runner = uvloop.run
    return runner(_serve(settings, on_ready))


async def _serve(settings: Settings, on_ready: Callable[[Server], None] | None) -> int:
    app = App(settings)
    try:
        app.plugins.discover(settings.plugins_dir)
        server = Server(app)
        await server.start()
    except (PluginError, StoreError, SettingsError, OSError) as error:
        log.error("cannot start", reason=str(error))
        return 1
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()

    def asked_to_stop() -> None:
        if stop.is_set():
            log.warning("stopping at once")
            sys.stderr.flush()
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    log.info(
        "listening",
        url=server.url,
        store=settings.effective_store_url.partition(":")[0],
        plugins=[r.name for r in app.plugins.loaded()],
        dev=settings.dev,
    )
    if on_ready is not None:
        on_ready(server)
    await stop.wait()
    log.info("stopping")
    await server.stop()
    await _leave_the_stuck()
    return 0


async def _leave_the_stuck() -> None:
    """End the process at once if tasks of plugins ignore their cancellation: the loop would wait for them for ever."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    _, stuck = await asyncio.wait(tasks, timeout=1.0)
    if stuck:
        log.warning("stopped without tasks that ignore their cancellation", tasks=sorted(t.get_name() for t in stuck))
        sys.stderr.flush()
        os._exit(0)
