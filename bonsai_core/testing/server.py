"""A real server in the test's own process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

from bonsai_core.app import App
from bonsai_core.server import Server
from bonsai_core.settings import Settings, env_name
from bonsai_core.store.base import Store
from bonsai_core.testing.clock import FakeClock
from bonsai_core.testing.wire import SECRET, Endpoint

#: What differs from a production server: nothing on disk, no limits that a fast test would hit, quick ends.
DEFAULTS: dict[str, Any] = {
    "websocket_host": "127.0.0.1",
    "websocket_port": 0,
    "dev": True,
    "store_url": "sqlite://",
    "rate_max_requests": 0,
    "connections_per_ip": 0,
    "handshakes_per_ip": 0,
    "close_timeout_ms": 500,
    "drain_timeout_ms": 1000,
}


class TestServer(Endpoint):
    """A running server. Made by the fixture `bonsai_server`, which also stops it.

    server = await bonsai_server(plugins=[Hello()], breaker_failures=2)
    device = await server.connect(user="ada", session="s1", client="phone")
    assert server.app.stats()["joined"] == 1
    await server.stop()
    """

    __test__ = False

    def __init__(self, server: Server) -> None:
        super().__init__(SECRET)
        self.server = server
        self._url = server.url

    @property
    def app(self) -> App:
        """The application: plugins, rooms, sessions, store."""
        return self.server.app

    @property
    def url(self) -> str:
        return self._url

    def now(self) -> int:
        return self.app.now()

    async def stop(self) -> None:
        """Stop the server as SIGTERM does, then end its clients. Idempotent."""
        await self.server.stop()
        await self.disconnect_all()


class StartServer:
    """What the fixture `bonsai_server` is: call it to start a server."""

    def __init__(self) -> None:
        self._servers: list[TestServer] = []

    async def __call__(
        self,
        plugins: Sequence[object] = (),
        *,
        discover: bool = False,
        only: Sequence[str] = (),
        clock: FakeClock | None = None,
        store: Store | None = None,
        **settings: Any,
    ) -> TestServer:
        """Start a server on a free port: development mode, a store in memory, no rate limits.

        The environment and `.env` are not looked at.

        Args:
            plugins: plugin objects to register, in this order.
            discover: also load installed plugins, as `bonsai serve` does. Implied by `plugins_dir`.
            only: the setting BONSAI_PLUGINS: the names that `discover` may load.
            clock: a fake clock for everything but the event loop's own timers.
            store: a store object, instead of the one of `store_url`.
            settings: fields of `bonsai_core.settings.Settings`.
        """
        app = make_app(only=only, clock=clock, store=store, **settings)
        for plugin in plugins:
            app.plugins.add(plugin)
        if discover or app.settings.plugins_dir is not None:
            app.plugins.discover(app.settings.plugins_dir)
        server = Server(app)
        await server.start()
        running = TestServer(server)
        self._servers.append(running)
        return running

    async def stop_all(self) -> None:
        """Stop every server that was started."""
        servers, self._servers = self._servers, []
        for server in servers:
            await server.stop()


def make_app(
    *, only: Sequence[str] = (), clock: FakeClock | None = None, store: Store | None = None, **settings: Any
) -> App:
    """An application with a test's settings, not started. For the arguments see `StartServer`."""
    values = DEFAULTS | {"jwt_secret": SECRET, "plugins": tuple(only)} | settings
    with patch.dict(os.environ):
        for field in Settings.model_fields:
            os.environ.pop(env_name(field), None)
        made = Settings(env_file=None, **values)
    if clock is None:
        return App(made, store=store)
    return App(made, clock=clock.now, monotonic=clock.monotonic, store=store)
