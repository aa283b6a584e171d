"""The application: one process's store, plugins, rooms, sessions and connections, put together. Knows no sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog

from bonsai_core.admission import Admission
from bonsai_core.auth import Authenticator, system_clock
from bonsai_core.belongings import Belongings
from bonsai_core.connection import Connection, Writer
from bonsai_core.connections import Connections, Sessions
from bonsai_core.core_events import CoreEvents
from bonsai_core.dispatch import Dispatcher
from bonsai_core.events import Refused
from bonsai_core.gate import Gate
from bonsai_core.gossip import Gossip
from bonsai_core.isolation import PluginFault, Supervisor, where
from bonsai_core.limits import Limits
from bonsai_core.live import Documents
from bonsai_core.metrics import EventReport, Metrics
from bonsai_core.nodes import OtherNodes
from bonsai_core.plugins import Handler, PluginRecord, Plugins
from bonsai_core.protocol import CloseCode, decode_json
from bonsai_core.room_access import RoomAccess
from bonsai_core.rooms import Rooms
from bonsai_core.session import Session, to_json
from bonsai_core.settings import Settings
from bonsai_core.shared import Shared
from bonsai_core.store import create_store
from bonsai_core.store.base import Store, StoreUnavailable
from bonsai_core.transport import Entrance
from bonsai_core.units import run_unit_apart
from bonsai_core.upkeep import Upkeep

if TYPE_CHECKING:
    from bonsai_core.domain import Question

log = structlog.get_logger("bonsai.app")


@dataclass(slots=True, frozen=True)
class HttpRoute:
    """An HTTP route that a plugin adds: `handler` is an aiohttp request handler, `plugin` says whose it is."""

    method: str
    path: str
    handler: Callable[..., Any]
    plugin: PluginRecord


class App:
    """What hooks get as `app`.

    Attributes:
        settings: the process's settings.
        plugins: the plugin registry.
        store: the storage; plugins use `Session` instead.
        entrance: where connections begin, for plugins that bring a wire; set before hooks are called.

    Args:
        clock: wall clock, ms since the epoch. Tests put a fake one here.
        monotonic: monotonic clock, seconds.
    """

    def __init__(
        self,
        settings: Settings,
        plugins: Plugins | None = None,
        *,
        clock: Callable[[], int] = system_clock,
        monotonic: Callable[[], float] = time.monotonic,
        store: Store | None = None,
    ) -> None:
        self.settings = settings
        self.now = clock
        self.monotonic = monotonic
        self.plugins = plugins or Plugins(settings.plugins, settings.plugins_disabled, strict=settings.strict)
        self.core = CoreEvents(self)
        self.plugins.add_core(self.core)
        self.store = store or create_store(
            settings.effective_store_url,
            max_messages=settings.log_max_messages,
            max_age=settings.log_max_age_s,
            window=settings.dedup_window,
            clock=clock,
            node=settings.node_id,
            timeout=settings.redis_timeout_ms / 1000,
            lease=settings.node_lease_ms / 1000,
        )
        self.supervisor = Supervisor(
            timeout=settings.handler_timeout_ms / 1000,
            breaker_failures=settings.breaker_failures,
            breaker_rest=settings.breaker_rest_ms / 1000,
            blocked_after=settings.blocked_loop_ms / 1000,
            now_ms=clock,
            clock=monotonic,
            debug=settings.debug,
        )
        self.authenticator = Authenticator(settings, clock)
        self.documents = Documents(self.store, settings.document_cache_bytes)
        self.shared = Shared(self.store, self.plugins, self.supervisor)
        self.rooms = Rooms(self.store)
        self.sessions = Sessions()
        self.connections = Connections()
        self.writer = Writer()
        self.metrics = Metrics()
        self.limits = Limits(settings, self.plugins, monotonic)
        self.admission = Admission(
            max_connections=settings.max_connections,
            per_address=settings.connections_per_ip,
            attempts=settings.handshakes_per_ip,
            now=monotonic,
        )
        self.gate = Gate(self)
        self.room_access = RoomAccess(self)
        self.dispatcher = Dispatcher(self)
        self.other_nodes = OtherNodes(self)
        self.gossip = Gossip(self)
        self.upkeep = Upkeep(self)
        #: Replaced, never changed, when plugins come and go.
        self.routes: tuple[HttpRoute, ...] = ()
        self.belongings = Belongings(self.plugins)
        self.started_at = clock()
        self.entrance: Entrance
        self.draining = False
        self._adding: list[HttpRoute] = []
        self._adder: PluginRecord | None = None
        self._store_checked = float("-inf")
        self._store_status = "ok"
        self._tasks: set[asyncio.Task[Any]] = set()

    # Life

    async def start(self) -> None:
        """Open the store and start the plugins; after this, connections may come."""
        self.plugins.on_change = self._plugins_changed
        self._plugins_changed()
        await self.store.open(self.rooms.deliver, self._revoked)
        await self.authenticator.open()
        self.supervisor.start()
        self.gossip.start()
        self.upkeep.start()
        _ = self.create_task(self.shared.run(), name="fold contributions")
        await self._run_process_hook("on_startup")

    async def stop(self) -> None:
        """Finish work under way, stop the plugins, close the store. Connections are closed before."""
        await self.dispatcher.close(self.settings.drain_timeout_ms / 1000)
        await self._run_process_hook("on_shutdown")
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=1)
        self.supervisor.stop()
        self.upkeep.stop()
        await self.authenticator.close()
        await self.store.close()

    def _plugins_changed(self) -> None:
        self.limits.rebuild()
        self.supervisor.plugins = {r.name: r.guard for r in self.plugins.loaded()}

    async def _run_process_hook(self, name: str) -> None:
        _ = await self.call_hook(name, app=self)

    async def _call(self, handler: Handler, **named: Any) -> Any:
        return await self.supervisor.call_apart(
            handler.record.guard, handler.function, *handler.bind(None, named), what=handler.what
        )

    # For plugins

    def add_route(self, method: str, path: str, handler: Callable[..., Awaitable[Any]]) -> None:
        """Add an HTTP route. For the `add_routes` hook. It answers 503 while its plugin is switched off.

        Args:
            method: `GET`, `POST`, ...
            path: as aiohttp writes it: `/class/{name}`.
            handler: `async def handler(request) -> aiohttp.web.Response`.
        """
        if self._adder is None:
            raise RuntimeError("add_route is for the add_routes hook")
        self._adding.append(HttpRoute(method, path, handler, self._adder))

    def collect_routes(self) -> tuple[HttpRoute, ...]:
        """Run every `add_routes` hook."""
        handlers = self.plugins.hooks.get("add_routes", ())
        self.routes = tuple(route for handler in handlers for route in self.routes_of(handler))
        return self.routes

    def routes_of(self, handler: Handler) -> list[HttpRoute]:
        """Run one plugin's `add_routes` hook; what it added until it failed, should it fail."""
        self._adding, self._adder = [], handler.record
        try:
            handler.function(*handler.bind(None, {"app": self}))
        except (Exception, SystemExit) as error:
            log.error("plugin could not add its routes", plugin=handler.name, failure=type(error).__name__)
        finally:
            self._adder = None
        return self._adding

    def create_task(self, coroutine: Coroutine[Any, Any, Any], *, name: str | None = None) -> asyncio.Task[Any]:
        """Run background work that ends with the server, or with the plugin whose code calls this. Its exceptions are
        logged, not raised."""
        task = asyncio.create_task(coroutine, name=name)
        self._tasks.add(task)
        self.belongings.add(task, task.cancel)
        task.add_done_callback(self._task_done)
        return task

    def _task_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        self.belongings.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("background task failed", task=task.get_name(), failure=type(error).__name__)

    async def act(self, plugin: object, user: str, session_id: str, function: Callable[[Session], Any]) -> Any:
        """Do something in a session without an event of its own: on a timer, or in another user's session.

        It is a unit of work like a handler's, in the session's turn, and runs again when a document changed meanwhile.
        What it emits is not observed by other plugins. A handler must not call it for the session that it works in: it
        would wait for itself. To act once for a message that may be resent, remember `Session.event_key`.

        Args:
            plugin: the calling plugin object: its documents and streams are the ones that `function` sees.
            function: `function(session)`, sync or async; `session.device` is None.

        Returns:
            What `function` returned.

        Raises:
            Refused: the user has no such session, or `function` refused.
            PluginFault, StoreUnavailable: it failed, or the store is away: nothing happened.
        """
        return await self.dispatcher.act(self.plugins.record_of(plugin), user, session_id, function)

    async def call_hook(self, hook: str, **arguments: Any) -> list[tuple[str, Any]]:
        """Call a hook that a plugin defined (`Plugin.hookspecs`) on all plugins, each with its own deadline.

        Returns:
            (plugin name, result) of each implementation that got through; the others' failures are logged.
        """
        results = []
        for handler in self.plugins.hooks.get(hook, ()):
            try:
                results.append((handler.name, await self._call(handler, **arguments)))
            except (PluginFault, Refused, StoreUnavailable):
                log.error("plugin did not get through a hook", plugin=handler.name, hook=hook)
        return results

    async def find_question(self, question_id: str) -> Question | None:
        """The question with this id, from the first plugin that knows it; None when nobody does."""
        for handler in self.plugins.hooks.get("find_question", ()):
            try:
                question = await self._call(handler, question_id=question_id)
            except (PluginFault, Refused):
                continue
            if question is not None:
                return question  # type: ignore[no-any-return]
        return None

    async def gather_summary(self, session: Session) -> dict[str, Any]:
        """What plugins have to say at the end of a session, by plugin name. The caller holds the session's turn."""
        summary: dict[str, Any] = {}
        for handler in self.plugins.hooks.get("on_session_end", ()):
            try:
                part, _ = await run_unit_apart(
                    self, session.live, session.connection, handler, {}, timeout=self.supervisor.timeout / 2
                )
                if part:
                    summary[handler.name] = decode_json(to_json(dict(part)))
            except (PluginFault, Refused, StoreUnavailable):
                continue
            except (TypeError, ValueError, OverflowError, RecursionError) as error:
                self.supervisor.fault(handler.record.guard, "on_session_end (result)", error)
        return summary

    async def revoke(self, kind: str, value: str, *, seconds: int = 30 * 86400) -> None:
        """Revoke a token by its `jti` or all tokens of a `user`; open sockets that use them are closed with 4401.

        Args:
            kind: `jti` or `user`.
            seconds: how long this is remembered: at least the longest life of a token.
        """
        await self.store.revoke(kind, value, self.now() + seconds * 1000)

    def _revoked(self, kind: str, value: str, at: int) -> None:
        for connection in list(self.connections.all):
            identity = connection.identity
            if identity is None:
                continue
            if (kind == "jti" and identity.jti == value) or (
                kind == "user" and identity.user == value and identity.issued_at <= at
            ):
                connection.refuse(None, "unauthenticated", "the token was revoked")
                connection.close(CloseCode.UNAUTHENTICATED, "token revoked", leave="expired")

    # For operations

    def watch_events(self, listener: Callable[[EventReport], None]) -> Callable[[], None]:
        """Have `listener` called for each client event that this process answers. Costs nothing while nobody watches.

        It ends with the plugin whose code calls this.

        Args:
            listener: sync and quick: it runs on the event path. One that raises is called no more.

        Returns:
            What ends it; to be called once.
        """
        listeners = self.metrics.listeners
        listeners.append(listener)

        def stop() -> None:
            self.belongings.discard(stop)
            if listener in listeners:
                listeners.remove(listener)

        self.belongings.add(stop, stop)
        return stop

    def report(self, connection: Connection, event: str, outcome: str, seconds: float, size: int) -> None:
        """Tell listeners of an answered event. To be called only while there are some."""
        live = connection.session
        if live is None:
            return
        route = self.plugins.route(event)
        name = event if route is not None and route.owner is not None else ""
        told = EventReport(name, live.user, live.id, outcome, seconds, size, self.now())
        for listener in tuple(self.metrics.listeners):
            try:
                listener(told)
            except Exception as error:
                self.metrics.listeners.remove(listener)
                log.error("a listener of events failed", failure=type(error).__name__, where=where(error))

    # Between nodes

    async def tell_node(self, node: str, topic: str, data: bytes) -> bool:
        """Tell one node of a shared store something. It may be lost.

        Args:
            node: its `node_id`.
            topic: whom it is for, such as the plugin's name; no zero byte.
            data: at most about a megabyte: it passes through Redis' publish/subscribe.

        Returns:
            False when certainly nobody has heard it: there is no such node.

        Raises:
            StoreUnavailable: the store is away.
        """
        return await self.store.tell_node(node, topic.encode() + b"\0" + data)

    def on_told(self, topic: str, listener: Callable[[bytes], None]) -> None:
        """Have `listener` called with what other nodes tell this one under a topic, instead of an earlier listener.

        It ends with the plugin whose code calls this.
        """
        told = self.other_nodes.told
        told[topic] = listener

        def stop() -> None:
            if told.get(topic) is listener:  # new code of the plugin may listen already
                del told[topic]

        self.belongings.add(stop, stop)

    async def waiting(self) -> int:
        """Contributions to what many users share that have not been folded yet.

        Raises:
            StoreUnavailable: the store is away.
        """
        return await self.store.waiting()

    # Health

    async def health(self) -> dict[str, Any]:
        """How the process is: `ready`, the store, every plugin."""
        store = await self._check_store()
        plugins: dict[str, Any] = {}
        ready = store == "ok" and not self.draining
        for record in self.plugins.records.values():
            if record.name == "core":
                continue
            failures = record.guard.failures
            resting = failures.rest_until > self.monotonic()
            entry: dict[str, Any] = {
                "status": "resting" if resting and record.status == "loaded" else record.status,
                "version": record.version,
                "failures": failures.total,
            }
            if record.error:
                entry["error"] = record.error
            if failures.last:
                entry["lastFailure"] = failures.last
                entry["lastFailureAt"] = failures.last_at
            plugins[record.name] = entry
        for handler in self.plugins.hooks.get("check_health", ()):
            details = await self._check_plugin(handler)
            plugins[handler.name].update(details)
            ready = ready and details.get("ready", True) is not False
        return {
            "status": "ok" if ready else "unavailable",
            "ready": ready,
            "store": store,
            "draining": self.draining,
            "node": self.settings.node_id,
            "uptimeMs": self.now() - self.started_at,
            "plugins": plugins,
        }

    async def _check_plugin(self, handler: Handler) -> dict[str, Any]:
        """What a plugin says of its health, as plain JSON data, whatever it says."""
        try:
            details = await self._call(handler, app=self)
            return decode_json(to_json(dict(details))) if details else {}
        except (PluginFault, Refused, StoreUnavailable):
            pass
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            self.supervisor.fault(handler.record.guard, "check_health (result)", error)
        return {"error": "the health check failed"}  # not unready: one bad plugin does not close the server

    async def _check_store(self) -> str:
        """`ok`, or why the store cannot commit; asked at most once a second, for a check is a durable write."""
        if self.monotonic() - self._store_checked >= 1.0:
            self._store_checked = self.monotonic()
            try:
                await self.store.check()
                self._store_status = "ok"
            except StoreUnavailable as error:
                self._store_status = str(error) or "unavailable"
        return self._store_status

    def stats(self) -> Mapping[str, Any]:
        """Connection statistics of this process; `opened`, `closed` and `outboxDropped` since its start."""
        joined = sum(1 for c in self.connections.all if c.joined)
        return {
            "connections": len(self.connections.all),
            "joined": joined,
            "sessions": len(self.sessions),
            "rooms": len(self.rooms),
            "opened": self.metrics.opened,
            "closed": sum(self.metrics.closed.values()),
            "outboxBytes": sum(c.waiting for c in self.connections.all),
            "outboxDropped": self.metrics.dropped,
            "uptimeMs": self.now() - self.started_at,
            "node": self.settings.node_id,
        }

    # Connections over time

    async def over(self, connection: Connection) -> None:
        """A connection's transport is gone: everything that its end means is done, once."""
        if connection.over:
            return
        connection.over = True
        connection.wire.gone()
        self.metrics.closed[connection.close_code or CloseCode.LOST] += 1
        self.metrics.dropped += connection.dropped
        try:
            await self.gate.left(connection)
        finally:
            self.connections.closed(connection)

    def give_up(self, connection: Connection) -> None:
        """The connection's reader is stuck in a plugin for good: end the connection without it."""
        connection.close(CloseCode.SERVER_FAULT, "a plugin hangs")
        _ = self.create_task(self.over(connection), name="give up a connection")
