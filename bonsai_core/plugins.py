"""The plugin registry: find, allow or deny, order, check, and compile plugins into a dispatch table.

pluggy validates and lists the hooks; calling is ours (see `isolation.py`), because with async implementations a failure
must be pinned on one plugin and must not stop the rest.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pluggy
import structlog
from pydantic import BaseModel

from bonsai_core.events import PROJECT, Plugin, Signature, declared_folds, declared_handlers
from bonsai_core.hookspecs import HookSpecs
from bonsai_core.isolation import Guarded, where

log = structlog.get_logger("bonsai.plugins")

ENTRY_POINT_GROUP = "bonsai.plugins"
#: The name that owns the core's own events; no plugin can be called so or handle them.
CORE = "core"
CORE_DOMAINS = ("user:", "auth:", "session:")
CORE_EVENTS = frozenset({"ack", "error", "ping", "pong"})


class PluginError(Exception):
    """A plugin cannot be used; the message names it and says what to do."""


class PluginConflict(PluginError):
    """Two plugins want to own the same client event."""


@dataclass(slots=True)
class PluginRecord:
    """One plugin as operators see it, loaded or not."""

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
        #: Called after the tables were rebuilt.
        self.on_change: Callable[[], None] | None = None
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(HookSpecs)
        self._compile()

    # Finding

    def discover(self, directory: Path | None = None) -> None:
        """Load every installed plugin (entry points) and every file of `directory` that settings allow.

        Raises:
            PluginConflict: two plugins own one event.
            PluginError: with `strict`, a plugin could not be loaded.
        """
        found = [*self._installed(), *(self._in_directory(directory) if directory else ())]
        rank = {name: position for position, name in enumerate(self.allowed)}
        conflict: PluginConflict | None = None
        for record, load in sorted(found, key=lambda pair: (rank.get(pair[0].name, len(rank)), pair[0].name)):
            if record.name in self.disabled or (self.allowed and record.name not in rank):
                record.status = "disabled"
                self.records.setdefault(record.name, record)
                continue
            try:
                self._load(record, load)
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

    def _installed(self) -> Iterable[tuple[PluginRecord, Callable[[], Any]]]:
        import importlib_metadata

        for entry in importlib_metadata.entry_points(group=ENTRY_POINT_GROUP):
            dist = entry.dist
            yield (
                PluginRecord(entry.name, entry.value, dist.name if dist else None, dist.version if dist else None),
                entry.load,
            )

    def _in_directory(self, directory: Path) -> Iterable[tuple[PluginRecord, Callable[[], Any]]]:
        if not directory.is_dir():
            raise PluginError(f"BONSAI_PLUGINS_DIR: {directory} is not a folder")
        for path in sorted(directory.iterdir()):
            file = path / "__init__.py" if path.is_dir() else path
            if path.name.startswith((".", "_")) or file.suffix != ".py" or not file.is_file():
                continue
            yield PluginRecord(path.stem, str(path)), partial(_load_file, file, path.stem)

    def _load(self, record: PluginRecord, load: Callable[[], Any]) -> None:
        try:
            loaded = load()
            instance = _instantiate(loaded)
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
        instance = _instantiate(plugin)
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
        signatures = declared_handlers(instance)
        if not core:
            self._check_owners(record, signatures)
        if (specs := getattr(instance, "hookspecs", None)) is not None:  # hooks that this plugin calls on others
            self._manager.add_hookspecs(specs)
        self._manager.register(instance, record.name)
        try:
            self._manager.check_pending()
            callers = self._manager.get_hookcallers(instance) or []
            for caller in callers:
                for impl in caller.get_hookimpls():
                    if impl.plugin is instance and (impl.hookwrapper or impl.wrapper):
                        raise PluginError(f"{record.name}: {caller.name} is a wrapper; hooks here are plain functions")
        except BaseException:
            self._manager.unregister(instance)
            raise
        record.instance = instance
        record.status = "loaded"
        record.hooks = tuple(sorted(caller.name for caller in callers))
        record.handles = tuple(s.handles.event for s in signatures if not s.handles.observes)
        record.observes = tuple(s.handles.event for s in signatures if s.handles.observes)
        record.emits = dict(getattr(instance, "emits", {}))
        record.guard = Guarded(record.name, _files(instance))
        self.records[record.name] = record

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
            other = next((r for r in self.records.values() if r.instance is not None and event in r.handles), None)
            if other is not None:
                raise PluginConflict(
                    f"plugins {other.name} and {record.name} both handle {event!r}; disable one of them with "
                    f"BONSAI_PLUGINS_DISABLED={other.name} or BONSAI_PLUGINS_DISABLED={record.name}"
                )

    # Compiling

    def _compile(self) -> None:
        """Rebuild the tables that events are dispatched by."""
        loaded = [r for r in self.records.values() if r.instance is not None]
        order = {id(r.instance): (position, r) for position, r in enumerate(loaded)}
        self.hooks: dict[str, tuple[Handler, ...]] = {}
        for caller in vars(self._manager.hook).values():
            if not isinstance(caller, pluggy.HookCaller):
                continue
            impls = sorted(
                (i for i in caller.get_hookimpls() if id(i.plugin) in order),
                key=lambda i: (not i.tryfirst, i.trylast, order[id(i.plugin)][0]),
            )
            self.hooks[caller.name] = tuple(
                Handler(order[id(i.plugin)][1], i.function, tuple(i.argnames)) for i in impls
            )
        watchers = self.hooks.get("on_event", ())
        self.routes: dict[str, Route] = {}
        self.observers: dict[str, tuple[Handler, ...]] = {}
        for record in loaded:
            for signature in declared_handlers(record.instance):
                handler = Handler(record, signature.function, (), signature)
                event = signature.handles.event
                if signature.handles.observes:
                    self.observers[event] = (*self.observers.get(event, ()), handler)
                else:
                    self.routes[event] = Route(handler, () if record.name == CORE else watchers)
        self.folds = {
            f"{record.name}/{collection}": (record, function)
            for record in loaded
            for collection, function in declared_folds(record.instance).items()
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
        for record in self.records.values():
            if record.instance is plugin:
                return record
        raise PluginError(f"{type(plugin).__name__} is not a plugin in use")

    def loaded(self) -> list[PluginRecord]:
        """Records of the plugins in use, in calling order, without the core's own."""
        return [r for r in self.records.values() if r.instance is not None and r.name != CORE]


def _instantiate(loaded: Any) -> Any:
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


def _load_file(file: Path, name: str) -> ModuleType:
    module_name = f"bonsai_plugins_dir.{name}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(module_name, None)
        raise
    return module


def _files(instance: object) -> tuple[str, ...]:
    """Source paths by which a stack frame belongs to this plugin: its package's folder, or its file."""
    module = instance if isinstance(instance, ModuleType) else sys.modules.get(type(instance).__module__)
    file = getattr(module, "__file__", None)
    if module is None or file is None:
        return ()
    package = module.__name__.partition(".")[0]
    top = getattr(sys.modules.get(package), "__file__", None)
    if "." in module.__name__ and package != "bonsai_plugins_dir" and top and top.endswith("__init__.py"):
        return (str(Path(top).parent) + "/",)
    if file.endswith("__init__.py"):
        return (str(Path(file).parent) + "/",)
    return (file,)
