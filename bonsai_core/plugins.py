"""The plugin registry: find, allow or deny, order, check, and compile plugins into a dispatch table.

pluggy validates and lists the hooks; calling is ours (see `isolation.py`), because with async implementations a failure
must be pinned on one plugin and must not stop the rest.
Where plugins come from: `plugin_sources.py`. Changing them while the server runs: `care.py`.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
import structlog
from pydantic import BaseModel

from bonsai_core.events import PROJECT, Plugin, Refused, Signature, declared_folds, declared_handlers
from bonsai_core.hookspecs import HookSpecs
from bonsai_core.isolation import Guarded, where
from bonsai_core.plugin_sources import FOLDER_PACKAGE, Source, SourceError, sources
from bonsai_core.protocol import ErrorCode

log = structlog.get_logger("bonsai.plugins")

#: The name that owns the core's own events; no plugin can be called so or handle them.
CORE = "core"
CORE_DOMAINS = ("user:", "auth:", "session:")
CORE_EVENTS = frozenset({"ack", "error", "ping", "pong"})
#: Clients of a plugin that is switched off ask again after so long, in ms.
RETRY_OFF_MS = 5000


class PluginError(Exception):
    """A plugin cannot be used; the message names it and says what to do."""


class PluginConflict(PluginError):
    """Two plugins want to own the same client event."""


@dataclass(slots=True, eq=False)
class PluginRecord:
    """One plugin as operators see it, loaded or not.

    Attributes:
        origin: where it can be loaded from again; None for an object that was registered by hand.
        off: it was in use and was switched off: its events are answered `plugin_unavailable`.
        generation: how often its code was read anew.
        requests: HTTP requests to its routes that are under way.
    """

    name: str
    source: str
    distribution: str | None = None
    version: str | None = None
    status: str = "loaded"
    error: str | None = None
    instance: Any = None
    guard: Guarded = field(default_factory=lambda: Guarded(""))
    hooks: tuple[str, ...] = ()
    handles: tuple[str, ...] = ()
    observes: tuple[str, ...] = ()
    emits: dict[str, type[BaseModel]] = field(default_factory=dict)
    folds: dict[str, Callable[..., Any]] = field(default_factory=dict)
    origin: Source | None = None
    off: bool = False
    generation: int = 0
    requests: int = 0

    @classmethod
    def of(cls, origin: Source) -> PluginRecord:
        """The record of a plugin that is about to be loaded."""
        return cls(origin.name, origin.place, origin.distribution, origin.version, origin=origin)

    def switched_off(self) -> PluginRecord:
        """Its record once it is switched off: known, but without its code."""
        return replace(self, instance=None, status="disabled", off=True, guard=Guarded(self.name), requests=0)

    def summary(self) -> dict[str, Any]:
        """How it is, in a few words, as JSON data."""
        return {"status": self.status, "version": self.version, "generation": self.generation}

    @property
    def remedy(self) -> str:
        """How to go on without this plugin."""
        return f"disable it with BONSAI_PLUGINS_DISABLED={self.name} (or --plugins-disabled {self.name})"


@dataclass(slots=True)
class Handler:
    """One compiled implementation: whose it is, what to call, and with what.

    Attributes:
        name: the plugin's.
        what: the event or hook, for logs.
        timeout: the call's own deadline in seconds; None for the default.
        concurrent: whether it runs in a task of its own.
        validate: reads JSON bytes into the payload's model; None for a handler that takes the event as it came.
    """

    record: PluginRecord
    function: Callable[..., Any]
    arguments: tuple[str, ...]
    signature: Signature | None = None
    name: str = field(init=False)
    what: str = field(init=False)
    timeout: float | None = field(init=False, default=None)
    concurrent: bool = field(init=False, default=False)
    validate: Callable[[bytes], Any] | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        self.name = self.record.name
        if self.signature is None:
            self.what = str(getattr(self.function, "__name__", "hook"))
            return
        handles, model = self.signature.handles, self.signature.model
        self.what = handles.event
        self.timeout = None if handles.timeout_ms is None else handles.timeout_ms / 1000
        self.concurrent = handles.concurrent
        if model is not None:
            self.validate = model.__pydantic_validator__.validate_json

    def bind(self, session: Any, named: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments of a call, in the function's order."""
        if self.signature is not None:
            return (session, named["payload"]) if self.signature.takes_payload else (session,)
        return tuple(session if name == "session" else named[name] for name in self.arguments)


@dataclass(slots=True, frozen=True)
class Route:
    """Who handles a client event: its owner, then every bare `on_event` hook."""

    owner: Handler | None
    watchers: tuple[Handler, ...]


class Plugins:
    """All plugins of a process, and the tables compiled from them.

    Args:
        allowed: only these names, in this order; empty for all.
        disabled: never these.
        strict: a plugin that cannot be loaded stops the start instead of being left out.
    """

    def __init__(self, allowed: Sequence[str] = (), disabled: Sequence[str] = (), *, strict: bool = False) -> None:
        self.allowed = tuple(allowed)
        self.disabled = frozenset(disabled)
        self.strict = strict
        self.records: dict[str, PluginRecord] = {}
        #: Plugins that are about to come into use, and those that were in use and have work under way.
        self.beside: list[PluginRecord] = []
        #: Called after the tables were rebuilt.
        self.on_change: Callable[[], None] | None = None
        self._manager = _manager(())
        self._compile()

    # Finding

    def discover(self, directory: Path | None = None) -> None:
        """Load every installed plugin (entry points) and every file of `directory` that settings allow.

        Raises:
            PluginConflict: two plugins own one event.
            PluginError: with `strict`, a plugin could not be loaded.
        """
        try:
            found = [PluginRecord.of(source) for source in sources(directory)]
        except SourceError as error:
            raise PluginError(str(error)) from None
        rank = {name: position for position, name in enumerate(self.allowed)}
        conflict: PluginConflict | None = None
        for record in sorted(found, key=lambda found: (rank.get(found.name, len(rank)), found.name)):
            if record.name in self.disabled or (self.allowed and record.name not in rank):
                record.status = "disabled"
                self.records.setdefault(record.name, record)
                continue
            try:
                self._load(record)
            except PluginConflict as error:  # the rest is loaded all the same, to be listed
                record.status, record.error = "failed", str(error)
                self.records.setdefault(record.name, record)
                conflict = conflict or error
        unknown = [n for n in (*self.allowed, *sorted(self.disabled)) if n not in self.records]
        if unknown:
            log.warning("settings name plugins that are not installed", names=unknown)
        self._compile()
        if conflict is not None:
            raise conflict

    def _load(self, record: PluginRecord) -> None:
        assert record.origin is not None
        try:
            instance = instantiate(record.origin.load())
            record.name = getattr(instance, "name", "") or record.name
            if record.name in self.disabled:
                record.status = "disabled"
                self.records.setdefault(record.name, record)
                return
            self._register(record, instance)
        except PluginConflict:
            raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit and CancelledError too: a plugin does not end the server
            record.status = "failed"
            record.error = f"{type(error).__name__}: {error}"
            self.records.setdefault(record.name, record)
            if self.strict:
                raise PluginError(f"plugin {record.name} ({record.source}) failed to load: {record.error}") from error
            log.error(
                "plugin failed to load",
                plugin=record.name,
                distribution=record.distribution,
                version=record.version,
                source=record.source,
                error=record.error,
                where=where(error),
                remedy=record.remedy,
            )

    # Registering

    def add(self, plugin: object, name: str | None = None) -> PluginRecord:
        """Register a plugin object (or class, or module) by hand, as tests do.

        Raises:
            PluginError: it cannot be registered.
        """
        instance = instantiate(plugin)
        name = name or getattr(instance, "name", "") or type(instance).__name__.lower()
        record = PluginRecord(name, f"{type(instance).__module__}:{type(instance).__qualname__}")
        self._register(record, instance)
        self._compile()
        return record

    def add_core(self, plugin: object) -> None:
        """Register the core's own events."""
        record = PluginRecord(CORE, "bonsai_core")
        self._register(record, plugin, core=True)
        self._compile()

    def remove(self, name: str) -> PluginRecord:
        """Unregister a plugin; its events become unknown. Its record stays, disabled."""
        record = self.records[name]
        if record.instance is not None:
            self._manager.unregister(record.instance)
        record.instance = None
        record.status = "disabled"
        self._compile()
        return record

    def _register(self, record: PluginRecord, instance: object, *, core: bool = False) -> None:
        known = self.records.get(record.name)
        if (record.name == CORE and not core) or (known is not None and known.instance is not None):
            taken = CORE if record.name == CORE else known.source if known else ""
            raise PluginError(f"two plugins are called {record.name!r}: {taken} and {record.source}")
        self._check(record, instance, core=core)
        add_to(self._manager, record.name, instance)
        self._describe(record, instance, self._manager)
        self.records[record.name] = record

    def _check(self, record: PluginRecord, instance: object, *, core: bool = False) -> None:
        signatures = declared_handlers(instance)
        if not core:
            self._check_owners(record, signatures)

    def _describe(self, record: PluginRecord, instance: object, manager: pluggy.PluginManager) -> None:
        signatures = declared_handlers(instance)
        record.instance = instance
        record.status = "loaded"
        record.hooks = tuple(sorted(caller.name for caller in manager.get_hookcallers(instance) or []))
        record.handles = tuple(s.handles.event for s in signatures if not s.handles.observes)
        record.observes = tuple(s.handles.event for s in signatures if s.handles.observes)
        record.emits = dict(getattr(instance, "emits", {}))
        record.folds = declared_folds(instance)
        record.guard = Guarded(record.name, _files(instance))

    def _check_owners(self, record: PluginRecord, signatures: Sequence[Signature]) -> None:
        observed = [s.handles.event for s in signatures if s.handles.observes]
        for event in set(observed):
            if observed.count(event) > 1:  # they would share one duplicate mark
                raise PluginError(f"{record.name} observes {event!r} twice")
        owned: dict[str, str] = {}
        for event in (s.handles.event for s in signatures if not s.handles.observes):
            if event.startswith(CORE_DOMAINS) or event in CORE_EVENTS:
                raise PluginError(f"{record.name} handles {event!r}, which belongs to the core")
            if event in owned:
                raise PluginError(f"{record.name} handles {event!r} twice")
            owned[event] = record.name
            others = (r for r in self.records.values() if r.instance is not None and r.name != record.name)
            other = next((r for r in others if event in r.handles), None)
            if other is not None:
                raise PluginConflict(
                    f"plugins {other.name} and {record.name} both handle {event!r}; disable one of them with "
                    f"BONSAI_PLUGINS_DISABLED={other.name} or BONSAI_PLUGINS_DISABLED={record.name}"
                )

    # Changing them while they are in use

    def prepare(self, origin: Source, loaded: Any, name: str) -> tuple[PluginRecord, dict[str, tuple[Handler, ...]]]:
        """Check what was loaded as if it were registered; nothing changes.

        Args:
            origin: where it was loaded from.
            name: what it was known as; one that is in use keeps its name.

        Returns:
            Its record, and its own hooks compiled.

        Raises:
            PluginConflict: another plugin owns one of its events.
            PluginError: it cannot be registered.
        """
        instance = instantiate(loaded)
        record = PluginRecord.of(origin)
        record.name = getattr(instance, "name", "") or record.name
        for taken in (name, record.name):
            known = self.records.get(taken)
            if record.name != name and known is not None and known.instance is not None:
                raise PluginError(f"the code of plugin {name} calls itself {record.name}; names stay while servers run")
        try:
            self._check(record, instance)
            manager = _manager(r for r in self.records.values() if r.name != record.name)
            add_to(manager, record.name, instance)
        except (TypeError, ValueError, pluggy.PluginValidationError) as error:
            raise PluginError(f"{record.name}: {error}") from None
        self._describe(record, instance, manager)
        if (known := self.records.get(record.name)) is not None:
            record.generation = known.generation + 1
        return record, compile_hooks(manager, [record])

    def put(self, record: PluginRecord) -> PluginRecord | None:
        """Take a prepared plugin, or one that is off, into use in the place of the one of its name, all in one step.

        Returns:
            The record that was there.
        """
        old = self.records.get(record.name)
        if old is not None:
            record.guard.failures.total = old.guard.failures.total  # a counter of the process, for metrics
        self.records[record.name] = record
        self._manager = _manager(self.records.values())
        self._compile()
        return old

    def leave_off(self, names: Iterable[str]) -> None:
        """Switch off plugins that were loaded, but are not started yet."""
        for name in names:
            record = self.records.get(name)
            if record is not None and record.instance is not None:
                self.put(record.switched_off())

    # Compiling

    def _compile(self) -> None:
        """Rebuild the tables that events are dispatched by."""
        loaded = [r for r in self.records.values() if r.instance is not None]
        self.hooks = compile_hooks(self._manager, loaded)
        watchers = self.hooks.get("on_event", ())
        self.routes: dict[str, Route] = {}
        self.observers: dict[str, tuple[Handler, ...]] = {}
        for record in self.records.values():
            if record.off:
                closed = Handler(record, partial(_refuse, record.name), ())
                self.routes |= {event: Route(closed, ()) for event in record.handles}
        for record in loaded:
            for signature in declared_handlers(record.instance):
                handler = Handler(record, signature.function, (), signature)
                event = signature.handles.event
                if signature.handles.observes:
                    self.observers[event] = (*self.observers.get(event, ()), handler)
                else:
                    self.routes[event] = Route(handler, () if record.name == CORE else watchers)
        #: Also of plugins that are switched off: what was contributed before is still folded.
        self.folds = {
            f"{record.name}/{collection}": (record, function)
            for record in self.records.values()
            for collection, function in record.folds.items()
        }
        self.unowned = Route(None, watchers)
        if self.on_change is not None:
            self.on_change()

    def route(self, event: str) -> Route | None:
        """Who handles `event`; None when nobody can."""
        route = self.routes.get(event)
        if route is None and self.unowned.watchers:
            return self.unowned
        return route

    def record_of(self, plugin: object) -> PluginRecord:
        """The record of a plugin object in use.

        Raises:
            PluginError: it is not in use.
        """
        for record in (*self.records.values(), *self.beside):
            if record.instance is plugin:
                return record
        raise PluginError(f"{type(plugin).__name__} is not a plugin in use")

    def loaded(self) -> list[PluginRecord]:
        """Records of the plugins in use, in calling order, without the core's own."""
        return [r for r in self.records.values() if r.instance is not None and r.name != CORE]


def _manager(records: Iterable[PluginRecord]) -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(HookSpecs)
    for record in records:
        if record.instance is not None:
            if (specs := getattr(record.instance, "hookspecs", None)) is not None:
                manager.add_hookspecs(specs)
            manager.register(record.instance, record.name)
    return manager


def add_to(manager: pluggy.PluginManager, name: str, instance: object) -> None:
    """Register a plugin object with pluggy, or nothing of it.

    Raises:
        PluginError: it has a wrapper.
        pluggy.PluginValidationError: it implements a hook that does not exist, or with arguments that it does not have.
    """
    if (specs := getattr(instance, "hookspecs", None)) is not None:  # hooks that this plugin calls on others
        manager.add_hookspecs(specs)
    manager.register(instance, name)
    try:
        for caller in manager.get_hookcallers(instance) or []:
            for impl in caller.get_hookimpls():
                if impl.plugin is not instance:
                    continue
                if not caller.has_spec() and not impl.optionalhook:
                    raise PluginError(f"{name}: there is no hook {caller.name!r} (for another plugin's: optionalhook)")
                if impl.hookwrapper or impl.wrapper:
                    raise PluginError(f"{name}: {caller.name} is a wrapper; hooks here are plain functions")
    except BaseException:
        manager.unregister(instance)
        raise


def compile_hooks(manager: pluggy.PluginManager, records: Sequence[PluginRecord]) -> dict[str, tuple[Handler, ...]]:
    """By hook the implementations of these plugins, in calling order."""
    order = {id(r.instance): (position, r) for position, r in enumerate(records)}
    hooks = {}
    for caller in vars(manager.hook).values():
        if not isinstance(caller, pluggy.HookCaller):
            continue
        impls = sorted(
            (i for i in caller.get_hookimpls() if id(i.plugin) in order),
            key=lambda i: (not i.tryfirst, i.trylast, order[id(i.plugin)][0]),
        )
        hooks[caller.name] = tuple(Handler(order[id(i.plugin)][1], i.function, tuple(i.argnames)) for i in impls)
    return hooks


def _refuse(name: str) -> None:
    raise Refused(ErrorCode.PLUGIN_UNAVAILABLE, f"plugin {name} is switched off", retry_after_ms=RETRY_OFF_MS)


def instantiate(loaded: Any) -> Any:
    """The plugin object of what was loaded: a class, an object, or a module.

    Raises:
        PluginError: a module defines more than one plugin.
    """
    if isinstance(loaded, ModuleType):
        classes = [
            c
            for c in vars(loaded).values()
            if inspect.isclass(c) and issubclass(c, Plugin) and c.__module__ == loaded.__name__
        ]
        if len(classes) > 1:
            raise PluginError(f"{loaded.__name__} defines {len(classes)} plugins; a file holds one")
        return classes[0]() if classes else loaded
    return loaded() if inspect.isclass(loaded) else loaded


def _files(instance: object) -> tuple[str, ...]:
    """Source paths by which a stack frame belongs to this plugin: its package's folder, or its file."""
    module = instance if isinstance(instance, ModuleType) else sys.modules.get(type(instance).__module__)
    file = getattr(module, "__file__", None)
    if module is None or file is None:
        return ()
    package = module.__name__.partition(".")[0]
    top = getattr(sys.modules.get(package), "__file__", None)
    if "." in module.__name__ and package != FOLDER_PACKAGE and top and top.endswith("__init__.py"):
        return (str(Path(top).parent) + "/",)
    if file.endswith("__init__.py"):
        return (str(Path(file).parent) + "/",)
    return (file,)
