"""A plugin is switched off, on and reloaded while the server runs: no connection ends, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
import uuid
import weakref
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner, Result

from bonsai_core import Plugin, Session, care, isolation, on, testing
from bonsai_core.cli import cli
from bonsai_core.client import Auth
from bonsai_core.settings import Settings, env_name
from bonsai_core.testing import ServerProcess, StartProcess, StartServer, TestServer, WireClient, WireError
from tests.scripted_server import make

#: Two modules, one of which is imported late; each knows its version, so that a mixture shows.
PLUGIN = '''
import asyncio
import sys

from aiohttp import web
from bonsai_core import Payload, Plugin, Session, folds, hookimpl, observes, on

VERSION = 1
LIFE = []


class Item(Payload):
    number: int


class Ledger(Plugin):
    """Remembers every number that was added, twice if it took effect twice."""

    name = "ledger"
    emits = {"ledger:added": Item}

    @on("ledger:add")
    async def add(self, session: Session, item: Item) -> dict[str, int]:
        from . import late

        numbers = await session.load("numbers") or []
        session.save("numbers", [*numbers, item.number])
        session.emit("ledger:added", item)
        session.contribute("sum", "all", item.number)
        await asyncio.sleep(0)
        from .late import VERSION as LATE

        return {"number": item.number, "version": VERSION, "mixed": late.VERSION != VERSION or LATE != VERSION}

    @on("ledger:read")
    async def read(self, session: Session) -> list[int]:
        return await session.load("numbers") or []

    @on("ledger:slow", concurrent=True, timeout_ms=60_000)
    async def slow(self, session: Session) -> int:
        await session.notify("ledger:begun")
        await self.go.wait()
        session.save("slow", VERSION)
        return VERSION

    @observes("other:said")
    async def observed(self, session: Session) -> None:
        session.emit("ledger:observed")

    @folds("sum")
    def fold(self, key, aggregate, deltas):
        return (aggregate or 0) + sum(deltas)

    @hookimpl
    async def on_startup(self, app):
        self.go = asyncio.Event()
        sys.modules["bonsai_core.testing"].LIFE.append(f"start {VERSION}")
        self.task = app.create_task(self.tick(app), name="tick")
        app.watch_events(self.seen)

    def seen(self, report):
        pass

    async def tick(self, app):
        try:
            await asyncio.sleep(3600)
        finally:
            sys.modules["bonsai_core.testing"].LIFE.append(f"tick over {VERSION}")

    @hookimpl
    async def on_shutdown(self, app):
        sys.modules["bonsai_core.testing"].LIFE.append(f"stop {VERSION}")

    @hookimpl
    def add_routes(self, app):
        async def page(request):
            return web.json_response({"version": VERSION, "name": request.match_info["name"]})

        app.add_route("GET", "/ledger/{name}", page)
        if VERSION > 1:
            app.add_route("GET", "/new-in-two", page_of_two)


async def page_of_two(request):
    return web.Response(text="two")
'''


class Other(Plugin):
    """What goes on beside it."""

    name = "other"

    @on("other:say")
    async def say(self, session: Session) -> int:
        count = (await session.load("count") or 0) + 1
        session.save("count", count)
        session.emit("other:said")
        return count


#: What the plugin says of its life.
LIFE: list[str] = []
testing.LIFE = LIFE


class Code:
    """The plugin's code in a folder, which a test changes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "ledger").mkdir(parents=True)
        self.deploy(1)

    def deploy(self, version: int, text: str = PLUGIN) -> None:
        code = text.replace("VERSION = 1\n", f"VERSION = {version}\n")
        (self.folder / "ledger" / "__init__.py").write_text(code)
        (self.folder / "ledger" / "late.py").write_text(f"VERSION = {version}\n")


@pytest.fixture
def code(tmp_path: Path) -> Code:
    return Code(tmp_path / "plugins")


Start = Callable[..., Awaitable[TestServer]]


@pytest.fixture
def start(bonsai_server: StartServer, code: Code) -> Start:
    """Starts a server with the plugins `ledger`, whose code can be changed, and `other`."""

    async def start(**settings: Any) -> TestServer:
        LIFE.clear()
        for name in [name for name in sys.modules if name.startswith("bonsai_plugins_dir.")]:  # another test's
            del sys.modules[name]
        server = await bonsai_server([Other()], plugins_dir=code.folder, only=["ledger"], **settings)
        if server.app.plugins.records["ledger"].instance is not None:  # what it imports late is there, as after a while
            importlib.import_module("bonsai_plugins_dir.ledger.late")
        return server

    return start


async def until(holds: Callable[[], bool], timeout: float = 15.0) -> None:
    async with asyncio.timeout(timeout):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def post(server: Any, action: str, name: str = "ledger", **options: Any) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as http,
        http.post(f"{server.url}/api/plugins/{name}", json={"action": action}, **options) as response,
    ):
        return response.status, await response.json()


async def done(server: Any, action: str, name: str = "ledger") -> dict[str, Any]:
    status, answer = await post(server, action, name)
    assert status == 200, answer
    states: dict[str, Any] = answer["nodes"]
    return next(iter(states.values()))


async def get(server: Any, path: str) -> tuple[int, Any]:
    async with aiohttp.ClientSession() as http, http.get(server.url + path) as response:
        return response.status, await (
            response.json() if response.content_type == "application/json" else response.text()
        )


async def test_a_plugin_that_is_switched_off_refuses_until_it_is_on_again(start: Start) -> None:
    server = await start()
    device = await server.connect(user="ada", session="s", client="phone")
    await device.send("ledger:add", {"number": 1}, id=1)
    assert (await device.recv("ack"))["data"]["version"] == 1
    assert await done(server, "disable") == {"status": "disabled", "version": None, "generation": 0}
    await device.send("ledger:add", {"number": 2}, id=2)
    refused = (await device.recv("error"))["data"]
    assert (refused["code"], refused["message"]) == ("plugin_unavailable", "plugin ledger is switched off")
    assert refused["retryAfterMs"] > 0
    await device.send("ledger:add", {"number": 1}, id=1)
    assert (await device.recv("ack"))["data"]["number"] == 1, "what was done before is known to be done"
    assert await device.request("other:say", id=10) == 1
    assert await done(server, "enable") == {"status": "loaded", "version": None, "generation": 1}
    await device.send("ledger:add", {"number": 2}, id=2)
    assert (await device.recv("ack"))["data"]["number"] == 2
    assert await device.request("ledger:read", id=11) == [1, 2]


async def test_a_disabled_plugin_is_stopped_and_an_enabled_one_is_started(start: Start) -> None:
    server = await start()
    device = await server.connect()
    assert LIFE == ["start 1"]
    assert len(server.app.metrics.listeners) == 1
    await done(server, "disable")
    assert LIFE == ["start 1", "stop 1", "tick over 1"]
    assert server.app.metrics.listeners == []
    await device.request("other:say")
    assert not any(frame["event"] == "ledger:observed" for frame in device.frames)
    await done(server, "enable")
    assert LIFE[3:] == ["start 1"]
    await device.request("other:say")
    await device.recv("ledger:observed")


async def test_its_routes_answer_503_while_it_is_off(start: Start, code: Code) -> None:
    server = await start()
    assert await get(server, "/ledger/a") == (200, {"version": 1, "name": "a"})
    assert (await get(server, "/new-in-two"))[0] == 404
    await done(server, "disable")
    status, answer = await get(server, "/ledger/a")
    assert (status, answer["error"]["code"]) == (503, "plugin_unavailable")
    code.deploy(2)
    await done(server, "enable")
    assert await get(server, "/ledger/a") == (200, {"version": 2, "name": "a"})
    assert await get(server, "/new-in-two") == (200, "two")
    assert (await get(server, "/nobody"))[0] == 404


async def test_health_the_list_and_metrics_show_it(start: Start) -> None:
    server = await start()
    await done(server, "disable")
    status, health = await get(server, "/readyz")
    assert (status, health["plugins"]["ledger"]["status"]) == (200, "disabled")
    assert 'bonsai_plugin_loaded{plugin="ledger"} 0.0' in (await get(server, "/metrics"))[1]
    await done(server, "enable")
    assert (await get(server, "/readyz"))[1]["plugins"]["ledger"]["status"] == "loaded"
    assert 'bonsai_plugin_loaded{plugin="ledger"} 1.0' in (await get(server, "/metrics"))[1]


async def test_a_reload_starts_the_new_code_before_it_stops_the_old(start: Start, code: Code) -> None:
    server = await start()
    device = await server.connect()
    code.deploy(2)
    assert (await device.request("ledger:add", {"number": 1}))["version"] == 1, "not before it is told"
    assert (await done(server, "reload"))["generation"] == 1
    assert LIFE == ["start 1", "start 2", "stop 1", "tick over 1"]
    assert (await device.request("ledger:add", {"number": 2})) == {"number": 2, "version": 2, "mixed": False}
    assert await device.request("ledger:read") == [1, 2]
    while await server.app.shared.fold():
        pass
    assert await server.app.shared.load("ledger/sum", "all") == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1/0", "ZeroDivisionError"),
        ("import nothing_of_this_name", "nothing_of_this_name"),
        ("raise SystemExit(3)", "SystemExit"),
        ("def (", "SyntaxError"),
        (PLUGIN.replace('"ledger:add"', '"other:say"'), "plugins other and ledger both handle 'other:say'"),
        (PLUGIN.replace("def on_shutdown(self, app)", "def on_shutdown(self, application)"), "application"),
        (PLUGIN.replace('name = "ledger"', 'name = "other"'), "calls itself other"),
        (PLUGIN.replace("self.go = asyncio.Event()", "raise KeyError"), "does not start: on_startup: KeyError"),
        (
            PLUGIN.replace("class Ledger(Plugin):", "class Ledger(Plugin):\n    def __init__(self): 1/0\n"),
            "ZeroDivision",
        ),
    ],
)
async def test_new_code_that_will_not_do_leaves_the_old_running(start: Start, code: Code, text: str, said: str) -> None:
    server = await start()
    device = await server.connect()
    code.deploy(2, text)
    status, answer = await post(server, "reload")
    assert (status, answer["error"]["code"]) == (409, "plugin_refused")
    assert said in answer["error"]["message"]
    assert (await device.request("ledger:add", {"number": 1})) == {"number": 1, "version": 1, "mixed": False}
    assert not any(line.startswith(("stop 1", "tick over 1")) for line in LIFE)
    assert (await get(server, "/readyz"))[1]["plugins"]["ledger"]["status"] == "loaded"
    code.deploy(3)
    await done(server, "reload")
    assert (await device.request("ledger:add", {"number": 2}))["version"] == 3


async def test_code_that_loads_for_ever_is_given_up(start: Start, code: Code, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(care, "READ_TIMEOUT", 0.3)
    server = await start()
    device = await server.connect()
    code.deploy(2, "import time\nfor _ in range(20): time.sleep(0.05)\n" + PLUGIN)
    reloading = asyncio.create_task(post(server, "reload"))
    answered = 0
    while not reloading.done():
        await device.request("other:say")
        answered += 1
    assert (await reloading)[1]["error"]["message"].startswith("plugin ledger does not load: its code took longer")
    assert answered > 10, "others are not held up"
    assert (await device.request("ledger:add", {"number": 1})) == {"number": 1, "version": 1, "mixed": False}
    code.deploy(3)
    monkeypatch.undo()
    await done(server, "reload")
    await asyncio.sleep(1.0)  # the other comes to its end after all
    assert (await device.request("ledger:add", {"number": 1})) == {"number": 1, "version": 3, "mixed": False}


async def test_a_new_version_takes_over_when_it_is_ready(
    start: Start, code: Code, monkeypatch: pytest.MonkeyPatch
) -> None:
    health = """
    @hookimpl
    def check_health(self, app):
        self.asked = getattr(self, "asked", 0) + 1
        return {"ready": VERSION == 1 or self.asked > 3}
"""
    server = await start()
    device = await server.connect()
    code.deploy(2, PLUGIN.replace("    @folds", health + "\n    @folds"))
    reloading = asyncio.create_task(done(server, "reload"))
    seen = set()
    while not reloading.done():
        assert (await get(server, "/readyz"))[0] == 200
        seen.add((await device.request("ledger:add", {"number": 1}))["version"])
    assert seen >= {1}
    assert (await device.request("ledger:add", {"number": 1}))["version"] == 2
    code.deploy(3, PLUGIN.replace("    @folds", health.replace("> 3", "> 10_000") + "\n    @folds"))
    monkeypatch.setattr(care, "READY_TIMEOUT", 0.2)
    assert "is not ready after 0.2 s" in (await post(server, "reload"))[1]["error"]["message"]
    assert (await device.request("ledger:add", {"number": 1}))["version"] == 2


async def test_replaced_code_is_freed(start: Start, code: Code) -> None:
    server = await start()
    device = await server.connect()
    await device.request("ledger:add", {"number": 1})
    for version in (2, 3):
        old = weakref.ref(server.app.plugins.records["ledger"].instance)
        code.deploy(version)
        await done(server, "reload")
        await device.request("ledger:add", {"number": 1})
        gc.collect()
        assert old() is None


async def test_handlers_under_way_finish_in_the_old_code(start: Start, code: Code) -> None:
    server = await start(drain_timeout_ms=2000)
    device = await server.connect(client="phone")
    old = server.app.plugins.records["ledger"].instance
    await device.send("ledger:slow", id=100)
    await device.recv("ledger:begun")
    code.deploy(2)
    reloading = asyncio.create_task(done(server, "reload"))
    number = 100
    while (await device.request("ledger:add", {"number": 1}, id=(number := number + 1)))["version"] == 1:
        pass
    assert not reloading.done()
    assert "stop 1" not in LIFE
    old.go.set()
    assert await device.answer(100) == 1
    await reloading
    assert LIFE[-2:] == ["stop 1", "tick over 1"]


async def test_a_handler_that_will_not_finish_is_ended_and_answered(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "GRACE", 0.2)
    monkeypatch.setattr(care, "GRACE", 0.2)
    server = await start(drain_timeout_ms=100)
    device = await server.connect(client="phone")
    await device.send("ledger:slow", id=100)
    await device.recv("ledger:begun")
    await done(server, "disable")
    assert (await device.recv("error"))["data"]["code"] == "handler_timeout"
    assert LIFE == ["start 1", "stop 1", "tick over 1"]


@pytest.mark.parametrize(
    ("action", "name", "status"),
    [("disable", "nobody", 404), ("enable", "nobody", 404), ("reload", "core", 404), ("reload", "other", 409)],
)
async def test_what_cannot_be_done_is_refused(start: Start, action: str, name: str, status: int) -> None:
    server = await start()
    assert (await post(server, action, name))[0] == status
    assert (await post(server, "explode"))[0] == 400


async def test_doing_it_again_changes_nothing(start: Start) -> None:
    server = await start()
    assert (await done(server, "enable"))["generation"] == 0
    await done(server, "disable")
    await done(server, "disable")
    assert LIFE == ["start 1", "stop 1", "tick over 1"]
    assert "enable it" in (await post(server, "reload"))[1]["error"]["message"]


async def test_a_plugin_that_was_repaired_or_installed_later_can_be_enabled(start: Start, code: Code) -> None:
    code.deploy(1, "1/0")
    server = await start()
    device = await server.connect()
    with pytest.raises(WireError):
        await device.request("ledger:read")
    code.deploy(1)
    await done(server, "enable")
    assert await device.request("ledger:read") == []
    (code.folder / "late_one.py").write_text(
        "from bonsai_core import Plugin, Session, on\n"
        "class Late(Plugin):\n"
        "    name = 'late_one'\n"
        "    @on('late:do')\n"
        "    def do(self, session: Session): return 'late'\n"
    )
    await done(server, "enable", "late_one")
    assert await device.request("late:do") == "late"


async def test_only_admins_may_and_no_foreign_page(start: Start) -> None:
    server = await start(dev=False)
    student, admin = server.token(user="ada"), server.token(user="root", roles=["admin"])
    for headers in ({}, {"Authorization": f"Bearer {student}"}):
        assert (await post(server, "disable", headers=headers))[0] == 401
    allowed = {"Authorization": f"Bearer {admin}"}
    assert (await post(server, "disable", headers=allowed | {"Origin": "https://elsewhere.example"}))[0] == 403
    assert server.app.plugins.records["ledger"].status == "loaded"
    assert (await post(server, "disable", headers=allowed))[0] == 200
    assert server.app.plugins.records["ledger"].status == "disabled"


async def test_under_load_nothing_is_lost_doubled_or_mixed_over_twenty_reloads(start: Start, code: Code) -> None:
    server = await start()
    stop = asyncio.Event()
    versions: set[int] = set()

    async def student(number: int) -> tuple[WireClient, int]:
        device = await server.connect(user=f"u{number}", session=f"s{number}", client="phone")
        id = 0
        while not stop.is_set():
            id += 1
            await device.send("ledger:add", {"number": id}, id=2 * id)
            await device.send("other:say", id=2 * id + 1)
            ack = await device.recv("ack", "error", timeout=20)
            assert ack["event"] == "ack", ack
            assert (ack["id"], ack["data"]["number"], ack["data"]["mixed"]) == (2 * id, id, False)
            versions.add(ack["data"]["version"])
            second = await device.recv("ack", "error", timeout=20)
            assert (second["event"], second["data"]) == ("ack", id), second
            await asyncio.sleep(0.005)
        return device, id

    students = [asyncio.create_task(student(number)) for number in range(8)]
    for version in range(2, 22):
        code.deploy(version)
        await done(server, "reload")
        while version not in versions:  # each serves somebody
            over, _ = await asyncio.wait(students, timeout=0.005)
            assert not over, await next(iter(over))
    stop.set()
    sent = 0
    for device, count in await asyncio.gather(*students):
        assert await device.request("ledger:read", id=1_000_000) == list(range(1, count + 1))
        assert await device.request("other:say", id=1_000_001) == count + 1
        sent += count
    assert versions >= set(range(2, 22))
    assert server.app.stats()["closed"] == 0
    assert server.app.metrics.events["ledger:add", "ack"] == sent
    assert LIFE[-1] == "tick over 20"
    assert [line for line in LIFE if line.startswith("start")] == [f"start {n}" for n in range(1, 22)]


async def test_a_client_that_sends_to_a_plugin_that_is_off_is_served_when_it_is_on(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bonsai_core.plugins.RETRY_OFF_MS", 50)
    server = await start()
    await done(server, "disable")
    async with make(server, auth=Auth(token=server.token(user="ada"))) as client:
        sending = asyncio.create_task(client.request("ledger:add", {"number": 1}))
        await until(lambda: server.app.metrics.events["ledger:add", "plugin_unavailable"] > 1)
        await done(server, "enable")
        assert (await sending)["number"] == 1
        assert await client.request("ledger:read") == [1]


# The command line, and workers


async def bonsai(*arguments: str, **settings: Any) -> Result:
    """The command line with these settings, beside the test's own loop."""
    env: dict[str, str | None] = {env_name(field): None for field in Settings.model_fields}
    env |= {env_name(field): str(value) for field, value in settings.items()}
    return await asyncio.to_thread(CliRunner(env=env).invoke, cli, arguments)


SIMPLE = """
from bonsai_core import Plugin, Session, on
import os

VERSION = 1

class Ledger(Plugin):
    name = "ledger"

    @on("ledger:which")
    def which(self, session: Session) -> list[int]:
        return [os.getpid(), VERSION]
"""


async def test_the_command_line_makes_its_own_token_for_the_server_of_its_settings(
    bonsai_process: StartProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "ledger.py").write_text(SIMPLE)
    server = await bonsai_process(plugins_dir=folder, plugins=["ledger"], dev=False)
    device = await server.connect()
    assert (await device.request("ledger:which"))[1] == 1
    place = {"websocket_port": server.port}
    denied = await bonsai("plugins", "reload", "ledger", **place)
    assert denied.exit_code == 1
    assert "needs a token with the role admin" in denied.stderr
    trusted = place | {"jwt_secret": server.secret, "plugins": "ledger"}
    (folder / "ledger.py").write_text(SIMPLE.replace("VERSION = 1", "VERSION = 2"))
    reloaded = await bonsai("plugins", "reload", "ledger", **trusted)
    assert reloaded.exit_code == 0, reloaded.stderr
    assert reloaded.stdout.startswith("ledger: loaded on ")
    assert (await device.request("ledger:which"))[1] == 2
    off = await bonsai("plugins", "disable", "ledger", **trusted)
    assert "BONSAI_PLUGINS_DISABLED=ledger" in off.stderr
    listed = await bonsai("plugins", "--json", **trusted, plugins_dir=folder)
    assert {row["name"]: row["status"] for row in json.loads(listed.stdout)}["ledger"] == "disabled"
    token = server.token(user="root", roles=["admin"])
    far = await bonsai("plugins", "enable", "ledger", "--url", server.url, "--token", token)
    assert far.exit_code == 0, far.stderr
    assert (await device.request("ledger:which"))[1] == 2
    await server.kill()
    nobody = await bonsai("plugins", "disable", "ledger", **trusted)
    assert nobody.exit_code == 1
    assert "No server answers" in nobody.stderr
    assert "BONSAI_PLUGINS_DISABLED=ledger" in nobody.stderr


@pytest.mark.redis
async def test_all_workers_are_told_and_those_that_start_later(
    bonsai_process: StartProcess, redis_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "ledger.py").write_text(SIMPLE)
    server = await bonsai_process(
        workers=2, store_url=redis_url, node_id="web", plugins_dir=folder, plugins=["ledger"], node_lease_ms=2000
    )
    await until(lambda: "listening" in server.logs)
    (folder / "ledger.py").write_text(SIMPLE.replace("VERSION = 1", "VERSION = 2"))
    status, answer = await post(server, "reload")
    assert (status, sorted(answer["nodes"])) == (200, ["web-1", "web-2"])
    workers = dict([await which(server) for _ in range(12)])
    assert len(workers) == 2
    assert set(workers.values()) == {2}
    assert (await post(server, "disable"))[0] == 200
    os.kill(next(iter(workers)), 9)
    await until(lambda: server.logs.count("a worker is ready") == 3)
    for _ in range(12):
        with pytest.raises(WireError, match="plugin_unavailable"):
            await which(server)
    assert (await post(server, "enable"))[0] == 200
    assert len(dict([await which(server) for _ in range(12)])) == 2


async def which(server: ServerProcess) -> tuple[int, int]:
    device = await server.connect(client=uuid.uuid4().hex)
    pid, version = await device.request("ledger:which")
    return pid, version


async def test_installing_says_how() -> None:
    done = await bonsai("plugins", "install", "bonsai-hello")
    assert done.exit_code == 1
    assert "pip install bonsai-hello" in done.stdout
