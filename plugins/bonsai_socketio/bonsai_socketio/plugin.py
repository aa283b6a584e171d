"""The plugin: stock Socket.IO clients come in beside native ones, over WebSocket or HTTP long-polling."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from bonsai_core import Plugin, hookimpl
from bonsai_socketio.hookspecs import NamespaceHooks
from bonsai_socketio.settings import SocketIoSettings

if TYPE_CHECKING:
    from bonsai_core import App
    from bonsai_socketio.engine.packets import Carrier
    from bonsai_socketio.engine.routes import EngineRoutes
    from bonsai_socketio.namespaces import Namespace
    from bonsai_socketio.wire import SocketIoWire


class SocketIo(Plugin):
    """The Socket.IO gateway.

    Args:
        settings: default is those of the environment.
    """

    name = "socketio"
    hookspecs: ClassVar[type] = NamespaceHooks

    def __init__(self, settings: SocketIoSettings | None = None) -> None:
        self.settings = settings or SocketIoSettings.read()
        self._app: App
        self._routes: EngineRoutes | None = None

    @hookimpl
    def add_routes(self, app: App) -> None:
        """One route for everything that Engine.IO does."""
        from bonsai_socketio.engine.routes import EngineRoutes

        self._app = app
        self._routes = EngineRoutes(
            app,
            self.settings.path,
            self._make_wire,
            max_payload=self.settings.max_payload_bytes or _largest(app),
            polling=self.settings.polling,
        )
        self._routes.add()

    @hookimpl
    def check_health(self, app: App) -> Mapping[str, Any]:
        """How many clients are being polled."""
        return {"polled": self._routes.polled if self._routes is not None else 0}

    def _make_wire(self, carrier: Carrier) -> SocketIoWire:
        from bonsai_socketio.wire import SocketIoWire

        return SocketIoWire(carrier, self._app, self.settings, self._claim)

    async def _claim(self, namespace: str) -> Namespace | None:
        for _, claimed in await self._app.call_hook("claim_namespace", namespace=namespace):
            if claimed is not None:
                return claimed  # type: ignore[no-any-return]
        return None


def _largest(app: App) -> int:
    """A body that holds the core's largest message, and its largest attachment in base64."""
    settings = app.settings
    return settings.max_message_bytes + settings.max_attachment_bytes * 4 // 3 + 1024
