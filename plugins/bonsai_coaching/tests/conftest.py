"""A server with the coach and a player that stands in for the other plugins."""

import importlib.util
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from bonsai_coaching.plugin import Coaching
from bonsai_coaching.settings import Settings

from bonsai_core import Plugin
from bonsai_core.testing import FakeClock, StartServer, TestServer

PLUGINS = Path(__file__).parent / "plugins"

Start = Callable[..., Awaitable[TestServer]]


def make_player() -> Plugin:
    spec = importlib.util.spec_from_file_location("player", PLUGINS / "player.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    player: Plugin = module.Player()
    return player


@pytest.fixture
def plugins_folder() -> Path:
    """The folder with the player, for server processes."""
    return PLUGINS


@pytest.fixture
def start(bonsai_server: StartServer, fake_clock: FakeClock) -> Start:
    """`await start(Other(), coaching=Coaching(...), dwell_seconds=10)`: a server with the coach and the player."""

    async def start(*others: Plugin, coaching: Coaching | None = None, **settings: Any) -> TestServer:
        own = {name: settings.pop(name) for name in Settings.model_fields if name in settings}
        plugins = [coaching or Coaching(Settings(**own), look_every=3600), make_player(), *others]
        return await bonsai_server(plugins=plugins, clock=fake_clock, **settings)

    return start
