"""The command line: what runs, what it says, its exit codes, and that it loads no more than it needs."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import jwt
import pytest
import structlog
from click.testing import CliRunner, Result

import bonsai_core
from bonsai_core.cli import BUILT_IN, Commands, cli, with_default
from bonsai_core.reload import supervise, watched_paths
from bonsai_core.settings import Settings, describe, env_name, flag_name

SECRET = "0123456789abcdef0123456789abcdef"
ROOT = str(Path(next(iter(bonsai_core.__path__))).parent)


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in Settings.model_fields:
        monkeypatch.delenv(env_name(name), raising=False)
    monkeypatch.setenv("PYTHONPATH", ROOT)
    monkeypatch.chdir(tmp_path)
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(False)
    structlog.reset_defaults()


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that the server was run with, in place of a server."""
    runs: list[Settings] = []

    def run(settings: Settings) -> int:
        runs.append(settings)
        return 7

    monkeypatch.setitem(sys.modules, "bonsai_core.server", SimpleNamespace(run=run))
    return runs


def bonsai(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments)


def module(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m bonsai_core`, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "bonsai_core", *arguments],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def test_help_lists_every_command_with_an_example() -> None:
    shown = bonsai("--help")
    assert shown.exit_code == 0
    for name, (_, line) in BUILT_IN.items():
        assert re.search(rf"^  {name} +{re.escape(line)}$", shown.output, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_every_command_has_help_with_examples(name: str) -> None:
    shown = bonsai(name, "-h")
    assert shown.exit_code == 0
    assert re.search(r"^  Examples?:", shown.output, re.MULTILINE)
    assert f"bonsai {name}" in shown.output


def test_version_is_told() -> None:
    assert bonsai("--version").output.startswith("bonsai-core ")


def test_serve_has_a_flag_for_every_setting() -> None:
    shown = bonsai("serve", "--help").output
    for info in describe(Settings(env_file=None)):
        assert re.search(rf"^  {info.flag}( |$)", shown, re.MULTILINE), info.flag
        assert info.env in shown.replace("\n", "")


def test_flags_reach_the_server_and_its_exit_code_comes_back(served: list[Settings]) -> None:
    result = bonsai("serve", "--jwt-secret", SECRET, "--websocket-port", "0", "--strict", "--plugins", "a,b")
    assert result.exit_code == 7, result.output
    (settings,) = served
    assert (settings.websocket_port, settings.strict, settings.plugins) == (0, True, ("a", "b"))
    assert settings.source_of("strict") == "flag"
    assert settings.source_of("dev") == "default"


def test_a_flag_switches_off_what_the_environment_switches_on(
    served: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONSAI_DEV", "1")
    assert bonsai("serve", "--no-dev", "--jwt-secret", SECRET).exit_code == 7
    assert served[0].dev is False


def test_development_mode_says_where_the_generated_secret_is(served: list[Settings]) -> None:
    result = bonsai("serve", "--dev")
    assert result.exit_code == 7
    assert ".bonsai/dev-secret" in result.stderr
    assert served[0].dev_secret.get_secret_value() not in result.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["serve"], "JWT_SECRET"),
        (["serve", "--jwt-secret", "short"], "too short"),
        (["serve", "--dev", "--websocket-host", "0.0.0.0"], "WEBSOCKET_HOST"),
        (["serve", "--rate-window-ms", "soon"], "--rate-window-ms"),
        (["serve", "--websocket-prot", "1"], "--websocket-prot"),
        (["serv"], "serv"),
        (["token"], "--user"),
        (["token", "--user", "ada"], "JWT_SECRET"),
        (["token", "--user", "ada", "--dev", "--role", "root"], "no such role"),
        (["token", "--user", "ada", "--dev", "--ttl", "0"], "--ttl"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_to_do(arguments: list[str], said: str, served: list[Settings]) -> None:
    result = bonsai(*arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert "Traceback" not in result.output
    assert not served


def test_without_a_command_the_module_serves() -> None:
    for arguments in ([], ["--websocket-port", "0"]):
        result = module(*arguments)
        assert result.returncode == 2
        assert "JWT_SECRET" in result.stderr
        assert "Traceback" not in result.stderr
    assert "Run the server until" in module("serve", "--help").stdout
    assert "Commands:" in module("--help").stdout
    assert module("--version").stdout.startswith("bonsai-core ")


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ([], ["serve"]),
        (["--dev"], ["serve", "--dev"]),
        (["--help"], ["--help"]),
        (["--version"], ["--version"]),
        (["settings", "--json"], ["settings", "--json"]),
    ],
)
def test_options_without_a_command_are_those_of_the_default_command(given: list[str], meant: list[str]) -> None:
    assert with_default(given, "serve") == meant
    assert with_default(given, None) == given


def test_settings_lists_everything_and_what_keeps_the_server_from_starting() -> None:
    result = bonsai("settings")
    assert result.exit_code == 0
    for name in Settings.model_fields:
        assert env_name(name) in result.stdout
    assert "JWT_SECRET" in result.stderr


def test_settings_as_json_tell_values_and_sources_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", SECRET)
    monkeypatch.setenv("REDIS_URL", "redis://u:hunter2@h")
    Path(".env").write_text("BONSAI_MAX_PENDING=5\n")
    result = bonsai("settings", "--json")
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows.keys() == Settings.model_fields.keys()
    assert rows["max_pending"] | {"description": ""} == {
        "name": "max_pending",
        "flag": flag_name("max_pending"),
        "env": "BONSAI_MAX_PENDING",
        "default": 128,
        "value": 5,
        "source": ".env",
        "unit": "events",
        "description": "",
    }
    assert rows["jwt_secret"]["source"] == "environment"
    assert SECRET not in result.output
    assert "hunter2" not in result.output


def test_a_token_is_made_out_as_the_settings_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", SECRET)
    monkeypatch.setenv("JWT_AUDIENCE", "bonsai")
    monkeypatch.setenv("JWT_ISSUER", "https://id")
    options = ["--session", "s1", "--role", "tutor", "--student", "bob", "--student", "eve", "--ttl", "60"]
    result = bonsai("token", "--user", "ada", *options)
    claims = jwt.decode(result.stdout.strip(), SECRET, algorithms=["HS256"], audience="bonsai", issuer="https://id")
    assert claims["exp"] - claims["iat"] == 60
    assert (claims["sub"], claims["sid"], claims["roles"]) == ("ada", "s1", ["tutor"])
    assert claims["students"] == ["bob", "eve"]
    assert result.stderr == ""


def test_a_development_token_is_signed_with_the_development_servers_secret() -> None:
    result = bonsai("token", "--user", "ada", "--dev")
    secret = Path(".bonsai/dev-secret").read_text()
    assert jwt.decode(result.stdout.strip(), secret, algorithms=["HS256"])["sub"] == "ada"
    assert ".bonsai/dev-secret" in result.stderr


PLUGIN = """
import click
from bonsai_core import Plugin, hookimpl

class Hello(Plugin):
    name = "hello"

    @hookimpl
    def add_commands(self, cli):
        @cli.command()
        def wave():
            "Wave at everybody."
            click.echo("hello, everybody")
"""


@pytest.fixture
def plugins_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "my-plugins"
    folder.mkdir()
    monkeypatch.setenv("BONSAI_PLUGINS_DIR", str(folder))
    return folder


def test_a_plugins_command_is_listed_and_runs(plugins_dir: Path) -> None:
    (plugins_dir / "hello.py").write_text(PLUGIN)
    listed = module("--help")
    assert re.search(r"^  wave +Wave at everybody\.$", listed.stdout, re.MULTILINE), listed
    assert module("wave").stdout == "hello, everybody\n"


def test_plugins_are_listed_with_what_failed(plugins_dir: Path) -> None:
    (plugins_dir / "hello.py").write_text(PLUGIN)
    (plugins_dir / "broken.py").write_text("raise RuntimeError('no luck')\n")
    result = module("plugins", "--json")
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows["hello"]["status"] == "loaded"
    assert "add_commands" in rows["hello"]["hooks"]
    assert rows["broken"]["status"] == "failed"
    assert "no luck" in rows["broken"]["error"]
    table = module("plugins").stdout
    assert "no luck" in table
    assert "hello" in table


def test_a_broken_plugin_takes_no_built_in_command_along(plugins_dir: Path) -> None:
    (plugins_dir / "broken.py").write_text("raise RuntimeError('no luck')\n")
    (plugins_dir / "hello.py").write_text(PLUGIN.replace("@cli.command()", "raise RuntimeError('not today')"))
    listed = module("--help")
    assert listed.returncode == 0
    assert "  serve" in listed.stdout
    assert "not today" in listed.stderr


def test_strictly_a_broken_plugin_is_an_error_without_a_traceback(plugins_dir: Path) -> None:
    (plugins_dir / "broken.py").write_text("raise RuntimeError('no luck')\n")
    result = module("plugins", BONSAI_STRICT="1")
    assert result.returncode == 2
    assert "no luck" in result.stderr
    assert "Traceback" not in result.stderr


def group(load_more: Any) -> Commands:
    return Commands("bonsai", built_in={"settings": BUILT_IN["settings"]}, load_more=load_more)


def test_plugins_are_not_loaded_for_a_built_in_command() -> None:
    calls: list[click.Group] = []
    commands = group(calls.append)
    runner = CliRunner()
    assert runner.invoke(commands, ["settings", "--json"]).exit_code == 0
    assert calls == []
    for _ in range(2):
        assert runner.invoke(commands, ["absent"]).exit_code == 2
    assert calls == [commands]


def test_a_plugin_cannot_replace_a_built_in_command() -> None:
    def load(target: click.Group) -> None:
        target.add_command(click.Command("settings", callback=lambda: click.echo("mine now")))

    commands = group(load)
    runner = CliRunner()
    assert runner.invoke(commands, ["--help"]).output.count("  settings ") == 1
    assert "mine now" not in runner.invoke(commands, ["settings"]).output


def test_commands_that_cannot_be_loaded_are_reported() -> None:
    def load(_: click.Group) -> None:
        raise RuntimeError("no luck")

    shown = CliRunner().invoke(group(load), ["--help"])
    assert shown.exit_code == 0
    assert "RuntimeError: no luck" in shown.stderr


def test_a_fault_of_ours_keeps_its_traceback() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    commands = group(None)
    commands.add_command(click.Command("fail", callback=fail))
    assert isinstance(CliRunner().invoke(commands, ["fail"]).exception, ZeroDivisionError)


@pytest.mark.parametrize("start", ["bonsai_core.cli", "bonsai_core.commands"])
def test_starting_loads_nothing_that_only_other_commands_need(start: str) -> None:
    heavy = "{'rich', 'prompt_toolkit', 'watchfiles', 'jwt', 'cryptography', 'importlib_metadata'}"
    code = f"import sys, {start}; print(*sorted({heavy} & sys.modules.keys()))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.split() == []


def test_reload_watches_the_core_and_the_plugins_folder(plugins_dir: Path) -> None:
    watched = list(watched_paths(Settings()))
    assert plugins_dir in watched
    assert Path(next(iter(bonsai_core.__path__))) in watched


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_reload_starts_again_after_a_change_and_stops_when_told(tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    script = (
        "import os, signal, sys; f = open(sys.argv[1], 'w', buffering=1); print(os.getpid(), file=f); signal.pause()"
    )
    stop = threading.Event()
    command = [sys.executable, "-c", script, str(pipe)]
    supervisor = threading.Thread(target=supervise, args=(command, [code], 5.0, stop))
    edited = threading.Event()

    def edit() -> None:
        # The first edits may come before the watch is set up.
        number = 0
        while not edited.wait(0.2):
            number += 1
            (code / "plugin.py").write_text(f"x = {number}\n")

    editor = threading.Thread(target=edit)
    supervisor.start()
    try:
        with pipe.open() as first:
            before = int(first.readline())
            editor.start()
            assert first.readline() == ""
        with pipe.open() as second:
            edited.set()
            after = int(second.readline())
            assert after != before
            editor.join()
            stop.set()
            assert second.read().split() in ([], [str(after)])
    finally:
        edited.set()
        stop.set()
        # A child that was just started waits for somebody to open the pipe.
        with contextlib.suppress(OSError):
            os.close(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))
        supervisor.join(10)
    assert not supervisor.is_alive()
