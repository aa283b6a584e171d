"""The test kit for plugin authors, and for ourselves: a real server in a test, raw clients, a bad network, a clock.

Installing `bonsai-core` next to pytest and pytest-asyncio gives tests these fixtures, without an import:

- `bonsai_server`: starts servers in this process, on a free port, and stops them after the test;
- `bonsai_process`: starts servers as processes of their own, which can be killed;
- `tcp_proxy`: starts proxies that cut, stall and delay;
- `redis_url`, `redis_servers`: an empty Redis, or several of one's own that can be frozen, killed and started again;
- `fake_clock`: a clock that moves only when told.

    from bonsai_core.testing import StartServer
    from bonsai_hello import Hello

    async def test_a_greeting_reaches_every_device(bonsai_server: StartServer) -> None:
        server = await bonsai_server(plugins=[Hello()])
        phone = await server.connect(user="ada", session="s1", client="phone")
        laptop = await server.connect(user="ada", session="s1", client="laptop")
        assert await phone.request("hello:greet", {"name": "Bo"}) == {"text": "Hello, Bo"}
        assert (await laptop.recv("hello:greeting"))["data"] == {"text": "Hello, Bo"}
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bonsai_core.testing.clock import FakeClock
    from bonsai_core.testing.process import ServerProcess, StartProcess
    from bonsai_core.testing.proxy import StartProxy, TcpProxy
    from bonsai_core.testing.redis import RedisServer, StartRedis
    from bonsai_core.testing.server import StartServer, TestServer
    from bonsai_core.testing.wire import WireClient, WireClosed, WireError

__all__ = [
    "FakeClock",
    "RedisServer",
    "ServerProcess",
    "StartProcess",
    "StartProxy",
    "StartRedis",
    "StartServer",
    "TcpProxy",
    "TestServer",
    "WireClient",
    "WireClosed",
    "WireError",
]

# pytest imports this package in every run, of whatever project: what a test does not use must cost it nothing.
_MODULES = {
    "FakeClock": "clock",
    "RedisServer": "redis",
    "ServerProcess": "process",
    "StartProcess": "process",
    "StartProxy": "proxy",
    "StartRedis": "redis",
    "StartServer": "server",
    "TcpProxy": "proxy",
    "TestServer": "server",
    "WireClient": "wire",
    "WireClosed": "wire",
    "WireError": "wire",
}


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{module}"), name)
