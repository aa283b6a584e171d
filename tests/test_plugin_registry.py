"""Which plugins load, in which order, what happens when two want the same, and what `bonsai plugins` says of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import structlog

from bonsai_core import Event, Plugin, Session, hookimpl, on
from bonsai_core.plugins import PluginConflict, PluginError, Plugins
from bonsai_core.settings import Settings, env_name
from bonsai_core.testing import StartProcess, StartServer, WireError

ECHO = """
from bonsai_core import Plugin, Session, on

class Echo(Plugin):
    name = "{name}"

    @on("{event}")
    async def do(self, session: Session) -> str:
        return "{name}"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir()
    for name in ("one", "two"):
        (folder / f"{name}.py").write_text(ECHO.format(name=name, event=f"{name}:do"))
    return folder


def test_two_owners_of_an_event_stop_the_start_and_the_way_out_is_told(folder: Path) -> None:
    (folder / "thief.py").write_text(ECHO.format(name="thief", event="one:do"))
    plugins = Plugins()
    with pytest.raises(PluginConflict) as conflict:
        plugins.discover(folder)
    for words in ("one", "thief", "'one:do'", "BONSAI_PLUGINS_DISABLED=one", "BONSAI_PLUGINS_DISABLED=thief"):
        assert words in str(conflict.value)
    assert plugins.records["thief"].status == "failed"
    assert plugins.records["two"].status == "loaded", "the others are listed all the same"
    for loser, winner in (("one", "thief"), ("thief", "one")):
        cured = Plugins(disabled=[loser])
        cured.discover(folder)
        assert cured.records[loser].status == "disabled"
        route = cured.route("one:do")
        assert route is not None
        assert route.owner is not None
        assert route.owner.name == winner


async def test_a_conflict_stops_a_real_server_with_both_names(bonsai_process: StartProcess, folder: Path) -> None:
    (folder / "thief.py").write_text(ECHO.format(name="thief", event="one:do"))
    with pytest.raises(RuntimeError, match="ended with 1") as failed:
        await bonsai_process(plugins_dir=folder)
    assert "plugins one and thief both handle 'one:do'" in str(failed.value)


def test_two_plugins_of_one_name_are_told_apart(folder: Path) -> None:
    (folder / "second.py").write_text(ECHO.format(name="one", event="other:do"))
    with structlog.testing.capture_logs() as log:
        Plugins().discover(folder)
    (line,) = [line for line in log if line["event"] == "plugin failed to load"]
    assert "two plugins are called 'one'" in line["error"]
    assert "one.py" in line["error"]
    assert "second.py" in line["error"]


def test_strict_mode_stops_at_what_lenient_mode_leaves_out(folder: Path) -> None:
    (folder / "broken.py").write_text("1/0")
    lenient = Plugins()
    lenient.discover(folder)
    assert lenient.records["broken"].status == "failed"
    with pytest.raises(PluginError, match=r"plugin broken .* failed to load: ZeroDivisionError"):
        Plugins(strict=True).discover(folder)


async def test_only_allowed_plugins_load_and_denied_ones_do_not(bonsai_server: StartServer, folder: Path) -> None:
    allowed = await bonsai_server(plugins_dir=folder, only=["two"])
    denied = await bonsai_server(plugins_dir=folder, plugins_disabled=["one"])
    for server in (allowed, denied):
        device = await server.connect()
        assert await device.request("two:do") == "two"
        with pytest.raises(WireError) as refused:
            await device.request("one:do")
        assert refused.value.code == "unknown_event"
        assert server.app.plugins.records["one"].status == "disabled"


def test_names_in_settings_that_nobody_has_are_told(folder: Path) -> None:
    with structlog.testing.capture_logs() as log:
        Plugins(["one", "oen"], ["tow"]).discover(folder)
    (line,) = [line for line in log if line["event"] == "settings name plugins that are not installed"]
    assert line["names"] == ["oen", "tow"]


async def test_a_single_file_is_a_plugin_as_a_class_or_as_a_module(bonsai_server: StartServer, tmp_path: Path) -> None:
    folder = tmp_path / "plugins"
    (folder / "packaged").mkdir(parents=True)
    (folder / "packaged" / "__init__.py").write_text(ECHO.format(name="packaged", event="packaged:do"))
    (folder / "plain.py").write_text(
        "from bonsai_core import Event, hookimpl\n"
        "@hookimpl\n"
        "def on_event(session, event):\n"
        "    return 'plain' if event.name == 'plain:do' else None\n"
    )
    (folder / "_private.py").write_text("1/0")
    (folder / "notes.txt").write_text("no plugin")
    server = await bonsai_server(plugins_dir=folder, only=["packaged", "plain"])
    device = await server.connect()
    assert await device.request("plain:do") == "plain"
    assert await device.request("packaged:do") == "packaged"
    assert not {"_private", "notes"} & server.app.plugins.records.keys()


class Noting(Plugin):
    """Writes its name into a list shared with others whenever it is called."""

    def __init__(self, name: str, calls: list[str]) -> None:
        self.name = name  # type: ignore[misc]
        self.calls = calls


class Plain(Noting):
    @hookimpl
    def on_event(self, session: Session, event: Event) -> None:
        self.calls.append(self.name)


class First(Noting):
    @hookimpl(tryfirst=True)
    async def on_event(self, session: Session, event: Event) -> None:
        self.calls.append(self.name)


class Last(Noting):
    @hookimpl(trylast=True)
    async def on_event(self, session: Session, event: Event) -> None:
        self.calls.append(self.name)


async def test_hooks_run_in_the_order_of_registration_but_for_tryfirst_and_trylast(bonsai_server: StartServer) -> None:
    calls: list[str] = []
    server = await bonsai_server([Last("l", calls), Plain("p1", calls), First("f", calls), Plain("p2", calls)])
    device = await server.connect()
    with pytest.raises(WireError) as refused:
        await device.request("nobody:handles")
    assert refused.value.code == "unknown_event", "seeing an event is not handling it"
    assert calls == ["f", "p1", "p2", "l"]


def test_the_allow_list_gives_the_order(folder: Path) -> None:
    for names in (["one", "two"], ["two", "one"]):
        plugins = Plugins(names)
        plugins.discover(folder)
        assert [record.name for record in plugins.loaded()] == names


async def test_a_plugin_can_be_removed_and_added_while_the_server_runs(bonsai_server: StartServer) -> None:
    class Late(Plugin):
        name = "late"

        @on("late:do")
        def do(self, session: Session) -> int:
            return 1

    server = await bonsai_server()
    device = await server.connect()
    server.app.plugins.add(Late())
    assert await device.request("late:do") == 1
    server.app.plugins.remove("late")
    with pytest.raises(WireError):
        await device.request("late:do")
    server.app.plugins.add(Late())
    assert await device.request("late:do") == 1


def bonsai_plugins(cwd: Path, *arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
    ours = {env_name(field) for field in Settings.model_fields}
    env: Mapping[str, str] = {name: value for name, value in os.environ.items() if name not in ours}
    given = {env_name(field): str(value) for field, value in settings.items()}
    command = [sys.executable, "-m", "bonsai_core", "plugins", *arguments]
    return subprocess.run(command, cwd=cwd, env={**env, **given}, capture_output=True, text=True, timeout=30)  # noqa: PLW1510


async def test_bonsai_plugins_tells_how_they_are_doing_in_the_running_server(
    bonsai_process: StartProcess, folder: Path, tmp_path: Path
) -> None:
    (folder / "broken.py").write_text("import nothing_of_this_name")
    (folder / "exits.py").write_text("raise SystemExit(3)")
    (folder / "shaky.py").write_text(
        "from bonsai_core import Plugin, Session, hookimpl, on\n"
        "class Shaky(Plugin):\n"
        "    name = 'shaky'\n"
        "    @on('shaky:do')\n"
        "    def do(self, session: Session) -> None: raise KeyError('x')\n"
        "    @hookimpl\n"
        "    def check_health(self): raise SystemExit\n"
        "    @hookimpl\n"
        "    def add_commands(self): raise SystemExit\n"
    )
    server = await bonsai_process(plugins_dir=folder, breaker_failures=2, breaker_rest_ms=60_000)
    device = await server.connect()
    for _ in range(2):
        with pytest.raises(WireError):
            await device.request("shaky:do")
    where = {"plugins_dir": folder, "websocket_port": server.port}
    done = bonsai_plugins(tmp_path, "--json", **where)
    assert done.returncode == 0, done.stderr
    rows = {row["name"]: row for row in json.loads(done.stdout)}
    assert (rows["one"]["status"], rows["one"]["failures"], rows["one"]["handles"]) == ("loaded", 0, ["one:do"])
    assert rows["shaky"]["status"] == "resting"
    assert rows["shaky"]["failures"] >= 2
    assert rows["shaky"]["hooks"] == ["add_commands", "check_health"]
    assert rows["shaky"]["lastFailure"]
    assert rows["shaky"]["lastFailureAt"].startswith("20")
    assert (rows["broken"]["status"], rows["exits"]["status"]) == ("failed", "failed")
    assert "nothing_of_this_name" in rows["broken"]["error"]

    shown = bonsai_plugins(tmp_path, **where)
    assert f"As they run at {server.url}." in shown.stdout
    for words in ("shaky", "resting", "SystemExit", "ModuleNotFoundError"):
        assert words in shown.stdout

    await server.kill()
    alone = bonsai_plugins(tmp_path, "--json", **where)
    rows = {row["name"]: row for row in json.loads(alone.stdout)}
    assert (rows["shaky"]["status"], rows["shaky"]["failures"]) == ("loaded", None)


def test_bonsai_plugins_lists_a_conflict(folder: Path, tmp_path: Path) -> None:
    (folder / "thief.py").write_text(ECHO.format(name="thief", event="one:do"))
    done = bonsai_plugins(tmp_path, "--json", plugins_dir=folder, websocket_port=1)
    assert done.returncode == 1
    assert "BONSAI_PLUGINS_DISABLED=thief" in done.stderr
    assert {row["name"] for row in json.loads(done.stdout)} >= {"one", "two", "thief"}
