"""The plugin: serves the page, and tells admins who watch how the process is doing."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from bonsai_core import ErrorCode, Plugin, Refused, Session, hookimpl, on
from bonsai_dashboard.events import Figures, Watch, Watching
from bonsai_dashboard.settings import DashboardSettings

if TYPE_CHECKING:
    from bonsai_core import App
    from bonsai_dashboard.monitor import Monitor
    from bonsai_dashboard.routes import Routes

log = logging.getLogger("bonsai.dashboard")

#: One connection of an admin's client: (clientId, when it joined).
Watcher = tuple[str, int]


class Dashboard(Plugin):
    """The web page, and the figures of its Operations view.

    Args:
        settings: default is those of the environment.
        static: the folder of the built page; default is the one that comes with the package.
        every_s: how often figures are sent, in seconds.
    """

    name = "dashboard"
    emits: ClassVar[dict[str, type[BaseModel]]] = {"dashboard:operations": Figures}

    def __init__(
        self, settings: DashboardSettings | None = None, *, static: Path | None = None, every_s: float = 1.0
    ) -> None:
        self.settings = settings or DashboardSettings.read()
        self._static = static
        self._every_s = every_s
        self._routes: Routes | None = None
        self._monitor: Monitor | None = None
        #: Who watches, and in which of whose sessions: (user, session).
        self._watchers: dict[Watcher, tuple[str, str]] = {}

    # Events

    @on("dashboard:watch")
    async def watch(self, session: Session, watch: Watch) -> Watching:
        """An admin's device begins or ends to watch this process."""
        if "admin" not in session.roles:
            raise Refused(ErrorCode.FORBIDDEN, "operations are for the role admin")
        if watch.on:
            await session.join(self._room(session.app))
            self._watchers[_watcher(session)] = (session.user, session.id)
            self._begin(session.app)
        else:
            self._watchers.pop(_watcher(session), None)
            await session.leave(self._room(session.app))
        return Watching(on=watch.on, every_ms=round(self._every_s * 1000))

    # Hooks

    @hookimpl
    def authorize_room(self, session: Session, room: str) -> bool | None:
        """Only admins are let into the room of this process's figures; asked again when a device has a new token."""
        if not room.startswith("dashboard:"):
            return None
        allowed = "admin" in session.roles and room == self._room(session.app)
        if not allowed:
            self._watchers.pop(_watcher(session), None)
        return allowed

    @hookimpl
    async def on_disconnect(self, session: Session, reason: str) -> None:
        """Who is gone watches no more."""
        self._watchers.pop(_watcher(session), None)

    @hookimpl
    def add_routes(self, app: App) -> None:
        """Add the page, and in development the demo login."""
        from bonsai_dashboard.page import STATIC
        from bonsai_dashboard.routes import Routes

        self._routes = Routes(app, self.settings, self._static or STATIC)
        self._routes.add()

    @hookimpl
    async def on_startup(self, app: App) -> None:
        """Read the page; nobody watches yet."""
        self._watchers = {}
        if self._routes is not None:
            await self._routes.load()

    @hookimpl
    def on_shutdown(self, app: App) -> None:
        """Stop watching events."""
        if self._monitor is not None:
            self._monitor.stop()

    @hookimpl
    def check_health(self, app: App) -> dict[str, Any]:
        """Whether the page was built, and how many watch."""
        return {"page": self._routes is not None and self._routes.page.complete, "watchers": len(self._watchers)}

    # Private

    def _room(self, app: App) -> str:
        return f"dashboard:{app.settings.node_id}"

    def _begin(self, app: App) -> None:
        """Collect and tell figures for as long as somebody watches."""
        if self._monitor is None:
            from bonsai_dashboard.monitor import Monitor

            self._monitor = Monitor(app, self.settings.log)
            _ = app.create_task(self._tell(app, self._monitor), name="tell operations")

    async def _tell(self, app: App, monitor: Monitor) -> None:
        try:
            while True:
                await asyncio.sleep(self._every_s)
                if not self._watchers:
                    return
                figures = await monitor.figures()
                watcher, (user, session_id) = next(iter(self._watchers.items()))

                async def tell(session: Session, figures: Figures = figures) -> None:
                    await session.notify("dashboard:operations", figures, room=self._room(app), key="operations")

                try:
                    await app.act(self, user, session_id, tell)
                except Refused:  # its session is no more
                    self._watchers.pop(watcher, None)
                except Exception as error:  # the store may be away: admins want to know as soon as it is back
                    log.warning("operations could not be told: %s", type(error).__name__)
        finally:
            monitor.stop()
            self._monitor = None


def _watcher(session: Session) -> Watcher:
    return session.client_id, session.device.joined_at if session.device is not None else 0
