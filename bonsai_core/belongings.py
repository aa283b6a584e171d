"""Which plugin's code began what goes on by itself, so that it can be ended with the plugin.

Nothing is noted on the event path: who calls is read off the stack when a task is made, which is seldom.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Hashable
from types import FrameType

from bonsai_core.plugins import PluginRecord, Plugins


class Belongings:
    """What plugins have going on.

    Args:
        plugins: those that may call.
    """

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._all: dict[Hashable, tuple[PluginRecord, Callable[[], object]]] = {}

    def add(self, thing: Hashable, end: Callable[[], object]) -> None:
        """Note that `thing` was begun by the plugin whose code is on the stack; if there is none, it is the core's.

        Args:
            end: ends it.
        """
        owner = self._owner(sys._getframe(2))
        if owner is not None:
            self._all[thing] = (owner, end)

    def discard(self, thing: Hashable) -> None:
        """It is over."""
        self._all.pop(thing, None)

    def end(self, record: PluginRecord) -> list[Hashable]:
        """End all that a plugin has going on; says what it was."""
        own = [(thing, end) for thing, (owner, end) in self._all.items() if owner is record]
        for thing, end in own:
            self.discard(thing)
            end()
        return [thing for thing, _ in own]

    def _owner(self, frame: FrameType | None) -> PluginRecord | None:
        records = [*self._plugins.loaded(), *self._plugins.beside]
        while frame is not None:
            file = frame.f_code.co_filename
            found = [r for r in records if any(_holds(path, file) for path in r.guard.files)]
            if found:
                module = sys.modules.get(frame.f_globals.get("__name__", ""))
                is_new = module is not None and vars(module) is frame.f_globals
                return (max if is_new else min)(found, key=lambda record: record.generation)
            frame = frame.f_back
        return None


def _holds(path: str, file: str) -> bool:
    return file == path or (path.endswith("/") and file.startswith(path))
