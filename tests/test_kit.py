"""The test kit: servers, raw clients, processes, proxies and the fake clock do what their docstrings say."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from bonsai_core import Payload, Plugin, Session, on
from bonsai_core.testing import FakeClock, StartProcess, StartProxy, StartServer, WireClosed, WireError

HELLO = """
from bonsai_core import Payload, Plugin, Session, on

class Greet(Payload):
    name: str

class Hello(Plugin):
    name = "hello"

    @on("hello:greet")
    async def greet(self, session: Session, greet: Greet) -> dict:
        count = (await session.load("count") or 0) + 1
        session.save("count", count)
        session.emit("hello:greeting", {"text": f"Hello, {greet.name}"})
        return {"count": count}
"""


class Greet(Payload):
    name: str


class Hello(Plugin):
    name = "hello"

    @on("hello:greet")
    async def greet(self, session: Session, greet: Greet) -> Greet:
        session.emit("hello:greeting", greet)
        return greet


async def test_a_server_in_process_serves_raw_clients(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Hello()])
    phone = await server.connect(client="phone")
    laptop = await server.connect(client="laptop")
    assert await phone.request("hello:greet", {"name": "Bo"}) == {"name": "Bo"}
    assert (await laptop.recv("hello:greeting"))["data"] == {"name": "Bo"}
    await phone.sync()
    assert [f["event"] for f in phone.frames].count("hello:greeting") == 1
    assert phone.positions["session:s1"]["offset"] == 1
    with pytest.raises(WireError) as refused:
        await phone.request("hello:greet", {})
    assert refused.value.code == "invalid_payload"
    with pytest.raises(TimeoutError, match="unread"):
        await phone.recv("never", timeout=0.01)
    await server.stop()
    assert await laptop.closed() == 1012


async def test_each_server_is_its_own(bonsai_server: StartServer) -> None:
    one, two = await bonsai_server(plugins=[Hello()]), await bonsai_server(plugins=[Hello()])
    assert one.url != two.url
    device = await one.connect()
    assert len(device.joined["devices"]) == 1
    assert two.app.stats()["joined"] == 0


async def test_the_environment_is_not_looked_at(bonsai_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORE_URL", "sqlite:////nowhere/at/all.db")
    monkeypatch.setenv("BONSAI_STRICT", "1")
    server = await bonsai_server()
    assert server.app.settings.strict is False
    assert server.app.settings.effective_store_url == "sqlite://"


async def test_the_fake_clock_drives_the_server(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    server = await bonsai_server(clock=fake_clock)
    silent = await server.connect(join=False)
    assert server.app.now() == fake_clock.now()
    fake_clock.advance(6)
    assert await silent.closed() == 4408


async def test_a_process_can_be_killed_and_started_again(bonsai_process: StartProcess, tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "hello.py").write_text(HELLO)
    server = await bonsai_process(plugins_dir=plugins)
    device = await server.connect()
    assert await device.request("hello:greet", {"name": "Bo"}) == {"count": 1}
    first = server.pid
    await server.kill()
    assert not server.running
    assert await device.closed() == 1006
    await server.start()
    assert server.pid != first
    again = await server.connect(resume=device.positions)
    assert again.joined["rooms"]["session:s1"] == {**device.positions["session:s1"], "recovered": True}
    assert await again.request("hello:greet", {"name": "Bo"}, id=1) == {"count": 1}, "the resend is recognised"
    assert await server.terminate() == 0
    assert await again.closed() == 1012
    assert "listening" in server.logs


async def test_a_process_that_cannot_start_says_why(bonsai_process: StartProcess) -> None:
    with pytest.raises(RuntimeError, match="JWT_SECRET is too short"):
        await bonsai_process(env={"JWT_SECRET": "short"})


async def test_a_proxy_cuts_every_link(bonsai_server: StartServer, tcp_proxy: StartProxy) -> None:
    server = await bonsai_server(plugins=[Hello()])
    proxy = await tcp_proxy(server.url)
    near, far = await server.connect(client="near"), await server.connect(client="far", url=proxy.ws_url)
    assert proxy.links == 1
    assert proxy.cut() == 1
    assert await far.closed() == 1006
    assert await near.request("hello:greet", {"name": "Bo"}) == {"name": "Bo"}
    back = await server.connect(client="far", url=proxy.ws_url)
    proxy.cut(reset=False)
    assert await back.closed() == 1006


async def test_a_proxy_stalls_one_direction_and_resumes(bonsai_server: StartServer, tcp_proxy: StartProxy) -> None:
    server = await bonsai_server(plugins=[Hello()])
    proxy = await tcp_proxy(server.url)
    near, far = await server.connect(client="near"), await server.connect(client="far", url=proxy.ws_url)
    proxy.stall("down")
    await far.send("hello:greet", {"name": "Bo"}, id=1)
    await near.recv("hello:greeting")
    with pytest.raises(TimeoutError):
        await far.recv("ack", timeout=0.05)
    proxy.resume()
    await far.recv("ack")
    proxy.stall()
    assert proxy.cut() == 1
    assert await far.closed() == 1006, "a stalled link can be cut"


async def test_a_proxy_delays(bonsai_server: StartServer, tcp_proxy: StartProxy) -> None:
    server = await bonsai_server(plugins=[Hello()])
    proxy = await tcp_proxy(server.url)
    far = await server.connect(url=proxy.ws_url)
    proxy.delay(0.1, "up")
    loop = asyncio.get_running_loop()
    start = loop.time()
    await far.request("hello:greet", {"name": "Bo"})
    assert 0.1 <= loop.time() - start < 1


async def test_a_proxy_refuses(bonsai_server: StartServer, tcp_proxy: StartProxy) -> None:
    server = await bonsai_server()
    proxy = await tcp_proxy(server.url)
    proxy.refuse()
    with pytest.raises((aiohttp.ClientError, OSError)):
        await server.connect(url=proxy.ws_url)
    proxy.refuse(False)
    await server.connect(url=proxy.ws_url)
    await server.stop()
    with pytest.raises((aiohttp.ClientError, OSError)):
        await server.connect(url=proxy.ws_url)


async def test_waiting_on_a_closed_connection_says_so(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    device = await server.connect()
    await device.send("user:disconnect")
    with pytest.raises(WireClosed) as closed:
        await device.recv("never")
    assert closed.value.code == 1000


def test_pytest_pays_little_for_the_plugin() -> None:
    script = (
        "import sys, bonsai_core.testing.plugin as p;"
        "print([m for m in ('aiohttp', 'bonsai_core.server', 'bonsai_core.store', 'jwt') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
