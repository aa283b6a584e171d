"""The aiohttp server: handshakes, sockets, start and stop. The only place, with `http.py`, that knows aiohttp."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import structlog
from aiohttp import web
from aiohttp.http import HttpProcessingError

from bonsai_core import http, metrics
from bonsai_core.app import App
from bonsai_core.care import Care
from bonsai_core.entrance import Entrance, Upgraded
from bonsai_core.isolation import where
from bonsai_core.native import NativeWire
from bonsai_core.plugins import PluginError
from bonsai_core.protocol import SUBPROTOCOL, CloseCode
from bonsai_core.settings import Settings, SettingsError
from bonsai_core.siblings import Siblings
from bonsai_core.sockets import Workers
from bonsai_core.store.base import StoreError

log = structlog.get_logger("bonsai.server")

#: Clients of a stopping server come back spread over this many milliseconds.
RECONNECT_SPREAD_MS = 3000
#: Connections that may wait to be taken.
BACKLOG = 4096
#: How long a worker that takes no more connections waits for the first request of those that it has just taken, in s.
LINGER = 0.2


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
        siblings: the other workers of its port, if there are any: it listens on the sockets that it has inherited.
    """

    def __init__(self, app: App, siblings: Siblings | None = None) -> None:
        self.app = app
        self._siblings = siblings
        self._runner: web.AppRunner | None = None
        self._stopping = False
        self.workers = Workers()
        self.care = Care(app)
        self._native = NativeWire(app.settings)
        self._entrance = app.entrance = Entrance(app, self.workers)

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
        web_app._router = http.Router(self.app)
        web_app.router.add_get("/ws", self._websocket, allow_head=False)
        http.add_routes(web_app, self.app, self.care, self._siblings)
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
            for site in self._sites(self._runner):
                await site.start()
        except BaseException:
            await self.app.stop()
            raise

    def _sites(self, runner: web.AppRunner) -> list[web.BaseSite]:
        settings = self.app.settings
        if self._siblings is not None:
            return [web.SockSite(runner, inherited, backlog=BACKLOG) for inherited in self._siblings.sockets]
        return [web.TCPSite(runner, settings.websocket_host, settings.websocket_port, backlog=BACKLOG)]

    async def stop(self) -> None:
        """Stop: not ready, every client told when to come back, work finished, store closed. Idempotent."""
        if self._stopping:
            return
        self._stopping = True
        app = self.app
        app.draining = True
        if self._siblings is not None and self._runner is not None:
            for site in list(self._runner.sites):  # new connections are for the others
                await site.stop()
            await asyncio.sleep(LINGER)
        for connection in list(app.connections.all):
            delay = random.randrange(RECONNECT_SPREAD_MS)
            connection.close(CloseCode.RESTARTING, f"restarting; reconnect in {delay} ms", leave="shutdown")
        await app.connections.wait_until_empty(app.settings.close_timeout_ms / 1000 + 0.5)
        for connection in list(app.connections.all):
            connection.abort()
        await app.connections.wait_until_empty(1.0)  # plugins may still say goodbye
        if self._runner is not None:
            await self._runner.cleanup()
        await app.stop()
        self.workers.close()

    # One WebSocket

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        app, entrance = self.app, self._entrance
        flaw = None if app.draining else entrance.find_flaw(request)
        if flaw is not None:
            app.metrics.refused[flaw.status] += 1
            return web.Response(status=flaw.status, text=flaw.text, headers=flaw.headers)
        refusal = await entrance.refuse(request)
        if refusal is not None:
            status, text, headers = refusal
            return web.Response(status=status, text=text, headers=headers)
        subprotocol = SUBPROTOCOL if "Sec-WebSocket-Protocol" in request.headers else None
        try:
            return entrance.upgrade(request, self._native, subprotocol)[1]
        except ValueError:  # the client is gone
            return Upgraded()


def run(
    settings: Settings, *, on_ready: Callable[[Server], None] | None = None, siblings: Siblings | None = None
) -> int:
    """Run a server until SIGTERM or SIGINT. For the command line.

    Args:
        on_ready: called once it listens.
        siblings: the other workers of its port; without a parent they end too.

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
    return runner(_serve(settings, on_ready, siblings))


async def _serve(settings: Settings, on_ready: Callable[[Server], None] | None, siblings: Siblings | None) -> int:
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    app = App(settings)
    try:
        if siblings is not None:
            await siblings.open(stop.set)
        app.plugins.discover(settings.plugins_dir)
        if siblings is not None:
            app.plugins.leave_off(name for name, on in siblings.choices().items() if not on)
        server = Server(app, siblings)
        await server.start()
    except (PluginError, StoreError, SettingsError, OSError) as error:
        log.error("cannot start", reason=str(error))
        return 1

    def asked_to_stop() -> None:
        if stop.is_set() and siblings is None:  # a worker may be told twice, and its parent knows how to end it
            log.warning("stopping at once")
            sys.stderr.flush()
            os._exit(1)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked_to_stop)
    plugins = [record.name for record in app.plugins.loaded()]
    if siblings is None:
        store = settings.effective_store_url.partition(":")[0]
        log.info("listening", url=server.url, store=store, plugins=plugins, dev=settings.dev)
    else:
        await siblings.ready(lambda: metrics.render(app), server.care.answer, plugins=plugins)
    # Nearly everything that an event makes is freed by reference counts. The collector's defaults are for short
    # scripts: with thousands of connections it would spend a tenth of the time looking at what lives on.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    if on_ready is not None:
        on_ready(server)
    await stop.wait()
    log.info("stopping")
    await server.stop()
    if siblings is not None:
        await siblings.close()
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
