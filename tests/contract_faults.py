"""For the tests of contracts: example plugins, plugins with a fault, and whether a contract finds the fault."""

from __future__ import annotations

import functools
import importlib.util
import inspect
import itertools
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bonsai_core import Session, hookimpl
from bonsai_core.testing import FakeClock, StartServer
from bonsai_core.testing.contracts import Contract

EXAMPLES = Path(__file__).parent / "example_plugins"

#: `change(event, data)` of all that a plugin sends: what is sent instead; None for nothing. `ack` is an event, too.
Change = Callable[[str, Any], Any]


def load_example(path: str) -> ModuleType:
    """The module of an example, as if it were installed."""
    return load_file(EXAMPLES / path)


def load_file(file: Path) -> ModuleType:
    """The module that is in a file, wherever that is."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Tampered:
    """A session whose messages pass through `change`, and go out by `send` if that is given (see `broken`)."""

    def __init__(self, session: Session, change: Change, send: str | None) -> None:
        self._session, self._change, self._send = session, change, send

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def emit(self, event: str, data: Any = None, *, room: str | None = None) -> None:
        changed = self._change(event, _plain(data))
        if changed is not None and self._send == "reply":
            self._session.reply(event, changed)
        elif changed is not None:
            self._session.emit(event, changed, room=room)
            if self._send is not None:
                self._session.emit(event, changed, room=self._send)

    def reply(self, event: str, data: Any = None) -> None:
        changed = self._change(event, _plain(data))
        if changed is not None:
            self._session.reply(event, changed)


def broken(base: type[Any], change: Change = lambda event, data: data, *, send: str | None = None) -> type[Any]:
    """The plugin class, but with what it sends changed.

    Args:
        send: `reply` for messages that reach the asking device alone; or a room of the plugin's, that all devices are
            in and that gets them besides.
    """
    body: dict[str, Any] = {}
    for name in dir(base):
        function = getattr(base, name)
        if hasattr(function, "__bonsai_handles__") or name == "on_connect":
            body[name] = _wrapped(function, change, send)
    if send is not None and send != "reply":
        body |= {"on_connect": _joins(send, body.get("on_connect")), "authorize_room": _allows}
    return type(f"Broken{base.__name__}", (base,), body)


@hookimpl
def _allows(self: Any, session: Session, room: str, owner: str) -> bool:
    return True


def _joins(room: str, before: Callable[..., Any] | None) -> Callable[..., Any]:
    """The hook `on_connect` of a plugin that puts everybody into a room."""

    @hookimpl
    async def on_connect(self: Any, session: Session) -> None:
        await session.join(room)
        if before is not None:
            await before(self, session)

    return on_connect


def _wrapped(function: Callable[..., Any], change: Change, send: str | None) -> Callable[..., Any]:
    @functools.wraps(function)
    async def run(self: Any, session: Session, *payload: Any) -> Any:
        return change("ack", _plain(await function(self, Tampered(session, change, send), *payload)))

    return run


def _plain(data: Any) -> Any:
    return data.model_dump(mode="json", by_alias=True, exclude_none=True) if hasattr(data, "model_dump") else data


async def run_check(
    contract: type[Contract],
    check: str,
    plugin: object,
    bonsai_server: StartServer,
    clock: FakeClock,
    *,
    timeout: float = 30.0,
    **more: Any,
) -> None:
    """Run a check of a contract on this plugin.

    Args:
        timeout: the contract's, in seconds.
        more: what else the check is to be given, such as the arguments that it is parametrized with.
    """
    suite: Any = contract()
    suite.timeout = timeout
    run = getattr(suite, check)
    given = {
        "bonsai_server": bonsai_server,
        "plugin": plugin,
        "fake_clock": clock,
        "ids": itertools.count(1),
        **more,
    }
    needed = inspect.signature(run).parameters
    await run(**{name: value for name, value in given.items() if name in needed})


async def finds(contract: type[Contract], check: str, plugin: object, *given: Any, **more: Any) -> None:
    """Assert that a check of a contract fails with this plugin. For the arguments see `run_check`."""
    # `Exception` would also hide mistakes in these tests, such as a missing argument.
    with pytest.raises((AssertionError, TimeoutError, KeyError, ValueError, pytest.fail.Exception)):
        await run_check(contract, check, plugin, *given, timeout=0.5, **more)
