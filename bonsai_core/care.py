"""Hot care: a plugin is switched off, on, or replaced by its new code while the server runs, without a lost connection.

New code is read, checked and started beside the old, as if on another node; then it takes the old one's place in one
step; then the old one finishes what it has under way, and stops. Whatever goes wrong before that step leaves the old
one as it is. Nothing of this is on the event path: the tables that events are dispatched by are built anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Literal

import structlog

from bonsai_core.app import App, HttpRoute
from bonsai_core.events import Refused
from bonsai_core.isolation import GRACE, PluginFault, where
from bonsai_core.plugin_sources import Pinned, Reading, Source, SourceError, code_of, sources
from bonsai_core.plugins import CORE, Handler, PluginError, PluginRecord
from bonsai_core.store.base import StoreUnavailable
from bonsai_core.threads import in_thread

log = structlog.get_logger("bonsai.plugins")

Action = Literal["disable", "enable", "reload"]

#: How long reading a plugin's code may take, in seconds.
READ_TIMEOUT = 30.0
#: How long a plugin may say that it is not ready, and how often it is asked, in seconds.
READY_TIMEOUT = 30.0
LOOK_READY = 0.05
#: How often calls under way are looked at while a plugin is being stopped, in seconds.
LOOK = 0.01
#: How long tasks of a plugin may take to end once cancelled, in seconds.
TASKS_TIMEOUT = 1.0


#: Hooks that say who may do what: while their plugin is off, it says nothing.
_DECIDING = frozenset({"allow_handshake", "validate_user", "authorize_room"})


class UnknownPlugin(PluginError):
    """There is no plugin of this name."""


class Care:
    """Switches plugins of one process off and on, and reloads them, one at a time.

    Args:
        app: the running application.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._lock = asyncio.Lock()

    async def act(self, action: Action, name: str) -> PluginRecord:
        """Do it; returns how the plugin is now. To do what is so already does nothing.

        Raises:
            UnknownPlugin: there is no such plugin.
            PluginError: it was not done, and why; the plugin is as it was.
        """
        async with self._lock:
            if self._app.draining:
                raise PluginError("the server is stopping")
            record = await {"disable": self._disable, "enable": self._enable, "reload": self._reload}[action](name)
        log.info("plugin care", action=action, plugin=name, status=record.status, version=record.version)
        return record

    async def answer(self, action: str, name: str) -> dict[str, Any]:
        """As `act`, for another process: how the plugin is now, or the key `error` with the reason."""
        try:
            return (await self.act(action, name)).summary()  # type: ignore[arg-type]
        except PluginError as error:
            log.error("plugin care failed", action=action, plugin=name, reason=str(error))
            return {"error": str(error)}

    async def _disable(self, name: str) -> PluginRecord:
        record = self._known(name)
        if record.instance is None:
            return record
        if deciding := sorted(_DECIDING & set(record.hooks)):
            log.warning("a plugin that decides who may come in is switched off", plugin=name, hooks=deciding)
        off = record.switched_off()
        await self._put(off, ())
        return off

    async def _enable(self, name: str) -> PluginRecord:
        known = self._app.plugins.records.get(name)
        if known is not None and known.instance is not None:
            return known
        return await self._load(name, known)

    async def _reload(self, name: str) -> PluginRecord:
        known = self._known(name)
        if known.instance is None:
            raise PluginError(f"plugin {name} is {known.status}: enable it, which reads its code anew")
        return await self._load(name, known)

    def _known(self, name: str) -> PluginRecord:
        record = self._app.plugins.records.get(name)
        if record is None or name == CORE:
            raise UnknownPlugin(f"there is no plugin {name!r} here")
        return record

    async def _load(self, name: str, known: PluginRecord | None) -> PluginRecord:
        """Bring new code into use, and stop the old."""
        plugins = self._app.plugins
        source = self._source(name, known)
        others = [r.origin.module for r in plugins.loaded() if r.origin is not None and r.name != name]
        reading = Reading(source, code_of(source.module, others))
        with Pinned(reading.old):
            loaded = await self._read(name, reading)
            try:
                record, hooks = plugins.prepare(source, loaded, name)
                routes = await self._start(record, hooks)
            except BaseException as error:
                reading.restore()
                if isinstance(error, PluginError | asyncio.CancelledError):
                    raise
                raise PluginError(f"plugin {name}: {type(error).__name__}: {error}") from error
            if record.name != name:  # it had never been loaded, and was known by its file
                plugins.records.pop(name, None)
            await self._put(record, routes)
        return record

    def _source(self, name: str, known: PluginRecord | None) -> Source:
        if known is not None and known.origin is None:
            raise PluginError(f"plugin {name} was registered by hand: there is no code to read anew")
        wanted = known.origin.name if known is not None and known.origin is not None else name
        try:
            found = [s for s in sources(self._app.settings.plugins_dir) if s.name == wanted]
        except SourceError as error:
            raise PluginError(str(error)) from None
        if known is not None and known.origin is not None:
            found.sort(key=lambda source: source.place != known.source)
        if not found:
            if known is None:
                raise UnknownPlugin(f"there is no plugin {name!r} here, and none is installed")
            raise PluginError(f"plugin {name} is not installed any more ({known.source})")
        return found[0]

    async def _read(self, name: str, reading: Reading) -> Any:
        """In a thread: a module that takes long, or for ever, is not to hold up events."""
        try:
            async with asyncio.timeout(READ_TIMEOUT):
                return await in_thread(reading.run)
        except TimeoutError:
            reading.restore()
            raise PluginError(f"plugin {name} does not load: its code took longer than {READ_TIMEOUT:g} s") from None
        except asyncio.CancelledError:
            reading.restore()
            raise
        except BaseException as error:
            detail = f"{type(error).__name__}: {error}"
            log.error("plugin failed to load", plugin=name, error=detail, where=where(error))
            raise PluginError(f"plugin {name} does not load: {detail}") from error

    async def _start(self, record: PluginRecord, hooks: Mapping[str, tuple[Handler, ...]]) -> list[HttpRoute]:
        """Let a new plugin add its routes and start."""
        app = self._app
        app.plugins.beside.append(record)
        try:
            routes = [route for handler in hooks.get("add_routes", ()) for route in app.routes_of(handler)]
            for handler in hooks.get("on_startup", ()):
                await self._call(handler)
            for handler in hooks.get("check_health", ()):
                await self._until_ready(handler)
        except BaseException as error:
            why = record.guard.failures.last or str(error)
            await self._stop(record, hooks.get("on_shutdown", ()))
            if not isinstance(error, PluginFault | Refused | StoreUnavailable):
                raise
            raise PluginError(f"plugin {record.name} does not start: {why}; the log has the details") from None
        finally:
            app.plugins.beside.remove(record)
        return routes

    async def _until_ready(self, handler: Handler) -> None:
        """The old one goes on until the new one says that it is ready, as a load balancer would have it."""
        for _ in range(round(READY_TIMEOUT / LOOK_READY)):
            said = await self._call(handler)
            if not isinstance(said, Mapping) or said.get("ready", True) is not False:
                return
            await asyncio.sleep(LOOK_READY)
        raise PluginError(f"plugin {handler.name} is not ready after {READY_TIMEOUT:g} s")

    async def _put(self, record: PluginRecord, routes: Iterable[HttpRoute]) -> None:
        """Take a plugin into use in one step; what it replaces finishes what it has under way, and is stopped."""
        app = self._app
        stops = [h for h in app.plugins.hooks.get("on_shutdown", ()) if h.name == record.name]
        old = app.plugins.put(record)
        kept = app.routes
        if record.off:  # they stay, to answer 503
            app.routes = tuple(replace(r, plugin=record) if r.plugin is old else r for r in kept)
        else:
            app.routes = (*(r for r in kept if r.plugin.name != record.name), *routes)
        if old is None or old.instance is None:
            return
        app.plugins.beside.append(old)
        try:
            await self._finish(old)
            await self._stop(old, stops)
        finally:
            app.plugins.beside.remove(old)

    async def _stop(self, record: PluginRecord, stops: Iterable[Handler]) -> None:
        for handler in stops:
            try:
                await self._call(handler)
            except (PluginFault, Refused, StoreUnavailable):
                log.error("plugin did not get through a hook", plugin=record.name, hook=handler.what)
        self._app.supervisor.close(record.guard)
        await self._end_tasks(record)

    async def _finish(self, record: PluginRecord) -> None:
        app = self._app
        work = [*app.dispatcher.under_way(record), self._until_idle(record)]
        waiting = {asyncio.create_task(one, name=f"wait for {record.name}") for one in work}
        late: set[asyncio.Task[Any]] = set()
        for timeout in (app.settings.drain_timeout_ms / 1000, GRACE * 2):
            _, late = await asyncio.wait(waiting, timeout=timeout)
            if not late:
                return
            app.supervisor.expire(record.guard)
        log.warning("a plugin is stopped although work of it is under way", plugin=record.name, left=len(late))
        for task in late:
            task.cancel()

    async def _until_idle(self, record: PluginRecord) -> None:
        # Looked at, not told: whoever ends a call has no time to see who waits for it.
        while self._app.supervisor.is_calling(record.guard) or record.requests:  # noqa: ASYNC110
            await asyncio.sleep(LOOK)

    async def _call(self, handler: Handler) -> Any:
        arguments = handler.bind(None, {"app": self._app})
        call = self._app.supervisor.call_apart
        return await call(handler.record.guard, handler.function, *arguments, what=handler.what)

    async def _end_tasks(self, record: PluginRecord) -> None:
        tasks = [thing for thing in self._app.belongings.end(record) if isinstance(thing, asyncio.Task)]
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=TASKS_TIMEOUT)
            if late:
                names = sorted(task.get_name() for task in late)
                log.warning("tasks of a plugin ignore their cancellation", plugin=record.name, tasks=names)
