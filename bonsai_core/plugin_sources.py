"""Where plugins come from: installed distributions (entry points) and the files of a folder; and their code, read anew.

Reading code anew replaces a plugin's modules in `sys.modules`. Its old code lives on in the objects that use it, until
they are done; while that is so, `Pinned` gives the old code the old modules when it imports something late.
"""

from __future__ import annotations

import builtins
import contextlib
import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

ENTRY_POINT_GROUP = "bonsai.plugins"
#: Files of BONSAI_PLUGINS_DIR are modules of this package, which is no file itself.
FOLDER_PACKAGE = "bonsai_plugins_dir"


class SourceError(Exception):
    """The folder of plugins cannot be read."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a plugin can be loaded from.

    Attributes:
        name: what it is called before it is loaded; the plugin itself may say otherwise.
        place: the entry point's value or the file's path, for people.
        module: the module that holds it.
        load: imports it; gives the class, the object or the module.
    """

    name: str
    place: str
    module: str
    load: Callable[[], Any]
    distribution: str | None = None
    version: str | None = None


def sources(directory: Path | None = None) -> Iterator[Source]:
    """Every installed plugin, then every file of `directory`. Nothing is loaded.

    Raises:
        SourceError: `directory` is no folder.
    """
    import importlib_metadata

    for entry in importlib_metadata.entry_points(group=ENTRY_POINT_GROUP):
        name, version = (entry.dist.name, entry.dist.version) if entry.dist else (None, None)
        yield Source(entry.name, entry.value, entry.module, entry.load, name, version)
    if directory is None:
        return
    if not directory.is_dir():
        raise SourceError(f"BONSAI_PLUGINS_DIR: {directory} is not a folder")
    for path in sorted(directory.iterdir()):
        file = path / "__init__.py" if path.is_dir() else path
        if path.name.startswith((".", "_")) or file.suffix != ".py" or not file.is_file():
            continue
        yield Source(path.stem, str(path), f"{FOLDER_PACKAGE}.{path.stem}", partial(_load_file, file, path.stem))


def _load_file(file: Path, name: str) -> ModuleType:
    module_name = f"{FOLDER_PACKAGE}.{name}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise SourceError(f"{file} cannot be imported")
    if FOLDER_PACKAGE not in sys.modules:  # a plugin of several files imports them from one another
        package = sys.modules[FOLDER_PACKAGE] = ModuleType(FOLDER_PACKAGE)
        package.__path__ = []
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(module_name, None)
        raise
    return module


# Code read anew


def code_of(module: str, others: Sequence[str]) -> str:
    """The package (or module) whose modules are a plugin's code: its top package, if that is its own alone.

    Args:
        module: the one that holds the plugin.
        others: those that hold the other plugins.
    """
    parts = module.split(".")
    for depth in range(1, len(parts) + 1):
        scope = ".".join(parts[:depth])
        loaded = sys.modules.get(scope)
        if scope == FOLDER_PACKAGE or (loaded is not None and getattr(loaded, "__file__", None) is None):
            continue  # a namespace, which belongs to nobody
        if not any(_within(other, scope) for other in others):
            return scope
    return module


def _within(module: str, scope: str) -> bool:
    return module == scope or module.startswith(f"{scope}.")


def _modules_of(scope: str) -> dict[str, ModuleType]:
    return {name: module for name, module in list(sys.modules.items()) if _within(name, scope)}


class Reading:
    """A plugin's code being read anew: made, `run` in any thread, then either kept or given up with `restore`.

    Args:
        source: what to load.
        scope: the package or module to read again, with all that is below it.
    """

    def __init__(self, source: Source, scope: str) -> None:
        self._source = source
        self._scope = scope
        self._lock = threading.Lock()
        self._restored = False
        self._number = 0
        #: The modules as they were.
        self.old = _modules_of(scope)

    def run(self) -> Any:
        """Load the plugin; the old modules are back when that fails, whatever it fails with."""
        with self._lock:
            self._number = _latest[self._scope] = _latest.get(self._scope, 0) + 1
            self.old |= _modules_of(self._scope)
            for name, module in self.old.items():
                del sys.modules[name]
                _forget_bytecode(module)
        importlib.invalidate_caches()
        try:
            loaded = self._source.load()
        except BaseException:
            self.restore()
            raise
        if self._restored:  # nobody waits any more: what came since is not to stay
            self.restore()
        return loaded

    def restore(self) -> None:
        """Put the old modules back in the place of the new ones."""
        with self._lock:
            self._restored = True
            if _latest.get(self._scope) != self._number:  # it came to its end after the code was read once more
                return
            for name in _modules_of(self._scope):
                del sys.modules[name]
            sys.modules.update(self.old)
            parent, _, child = self._scope.rpartition(".")
            if parent in sys.modules and self._scope in self.old:
                setattr(sys.modules[parent], child, self.old[self._scope])


#: How often the code of each package was read anew.
_latest: dict[str, int] = {}


def _forget_bytecode(module: ModuleType) -> None:
    """Python takes cached bytecode for fresh if the source's size and second are the same; an editor is quicker."""
    cached = getattr(getattr(module, "__spec__", None), "cached", None)
    if cached:
        with contextlib.suppress(OSError):
            Path(cached).unlink()


class Pinned:
    """While entered, code of replaced modules that imports from its own package gets the replaced modules.

    Python knows one module by a name, and plugins import late what is heavy. Without this, a handler that began in old
    code would go on with half of the new.

    Args:
        old: the replaced modules by name.
    """

    def __init__(self, old: Mapping[str, ModuleType]) -> None:
        self._old = old

    def __enter__(self) -> None:
        global _python_import
        if not self._old:
            return
        _pinned.update((id(vars(module)), self._old) for module in self._old.values())
        if builtins.__import__ is not _import:
            _python_import, builtins.__import__ = builtins.__import__, _import

    def __exit__(self, *_: object) -> None:
        for module in self._old.values():
            _pinned.pop(id(vars(module)), None)
        if not _pinned and builtins.__import__ is _import:
            builtins.__import__ = _python_import


#: Old modules by name, for each module that gets them, by the id of its globals.
_pinned: dict[int, Mapping[str, ModuleType]] = {}
_python_import = builtins.__import__


def _import(
    name: str,
    globals: Mapping[str, object] | None = None,
    locals: Mapping[str, object] | None = None,
    fromlist: Sequence[str] | None = (),
    level: int = 0,
) -> ModuleType:
    if globals is not None and (old := _pinned.get(id(globals))) is not None:
        full = importlib.util.resolve_name("." * level + name, str(globals.get("__package__") or "")) if level else name
        module = old.get(full)
        if module is not None and fromlist and all(hasattr(module, item) for item in fromlist):
            return module
        if module is not None and not fromlist and (top := old.get(full.partition(".")[0])) is not None:
            return top
    return _python_import(name, globals, locals, fromlist or (), level)
