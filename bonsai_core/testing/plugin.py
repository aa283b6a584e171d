"""The pytest plugin: fixtures of the test kit. See `bonsai_core.testing`.

pytest imports this module in every run, so it imports nothing heavy; a fixture loads what it needs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bonsai_core.testing import FakeClock, RedisServer, StartProcess, StartProxy, StartRedis, StartServer

try:
    from pytest_asyncio import fixture as async_fixture
except ImportError:  # somebody else's project, without pytest-asyncio: the fixtures would say so when asked for

    def async_fixture(function: Callable[..., Any]) -> Any:  # type: ignore[no-redef]
        def missing() -> None:
            pytest.fail("the fixtures of bonsai_core.testing need pytest-asyncio: pip install pytest-asyncio")

        return pytest.fixture(name=function.__name__)(missing)


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock that moves only when told, for `bonsai_server(clock=fake_clock)`."""
    from bonsai_core.testing.clock import FakeClock

    return FakeClock()


@async_fixture
async def bonsai_server() -> AsyncIterator[StartServer]:
    """Starts servers in this process: `server = await bonsai_server(plugins=[MyPlugin()])`."""
    from bonsai_core.testing.server import StartServer

    start = StartServer()
    yield start
    await start.stop_all()


@async_fixture
async def bonsai_process(tmp_path: Path) -> AsyncIterator[StartProcess]:
    """Starts servers as processes: `server = await bonsai_process(plugins_dir=...)`."""
    from bonsai_core.testing.process import StartProcess

    start = StartProcess(tmp_path)
    yield start
    await start.stop_all()


@async_fixture
async def tcp_proxy() -> AsyncIterator[StartProxy]:
    """Starts proxies that cut, stall and delay: `proxy = await tcp_proxy(server.url)`."""
    from bonsai_core.testing.proxy import StartProxy

    start = StartProxy()
    yield start
    await start.stop_all()


@pytest.fixture
def redis_servers(tmp_path: Path) -> Iterator[StartRedis]:
    """Starts real Redis servers: `redis = await redis_servers(appendonly="yes")`."""
    from bonsai_core.testing.redis import StartRedis

    start = StartRedis(tmp_path)
    yield start
    start.stop_all()


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One real Redis for a whole run; `redis_url` empties it for each test."""
    from bonsai_core.testing.redis import RedisServer

    server = RedisServer(tmp_path_factory.mktemp("redis"), databases=1).start()
    yield server
    server.kill()


@pytest.fixture
def redis_url(shared_redis: RedisServer) -> str:
    """The address of an empty Redis."""
    shared_redis.command("FLUSHALL")
    return shared_redis.url
