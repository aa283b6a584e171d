"""What somebody does who has never seen the code: six commands, from `pip install` to a plugin that answers.

The wheels that pip finds are ours, built here, and for what they need those of this environment made again; so nothing
is taken from a network.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import aiohttp
import pytest
from packaging.requirements import Requirement

from bonsai_core.client import Auth, Client
from bonsai_core.testing.process import free_port
from tests.contract_faults import load_file

ROOT = Path(__file__).resolve().parent.parent
MOST_COMMANDS = 6

alone: ModuleType = load_file(ROOT / "tools" / "alone.py")


@pytest.fixture
def wheelhouse(tmp_path: Path) -> Path:
    """A folder with the core's wheel and all that a newcomer's commands ask for besides."""
    house = tmp_path / "wheelhouse"
    needed = [Requirement(line) for line in alone.declared(ROOT)["dependencies"]]
    needed += [Requirement(name) for name in ("pytest", "pytest-asyncio", "hatchling", "editables")]
    for name in alone.closure(needed):
        if not name.startswith("bonsai-"):
            alone.wheel_again(name, house)
    alone.build_wheel(ROOT, house)
    return house


class Terminal:
    """Where a newcomer types: an empty folder, and none of the settings and paths of this test."""

    def __init__(self, home: Path, wheelhouse: Path) -> None:
        self.home = home
        self.commands: list[str] = []
        self.env = {
            "HOME": str(home),
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), "/usr/bin", "/bin"]),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(wheelhouse),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_COMPILE": "1",
        }

    def run(self, command: str) -> str:
        """Run a command to its end; what it printed."""
        self.commands.append(command)
        done = subprocess.run(
            command.split(),
            cwd=self.home,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    def begin(self, command: str) -> subprocess.Popen[bytes]:
        """Run a command that goes on."""
        self.commands.append(command)
        with (self.home / "log").open("wb") as log:
            return subprocess.Popen(command.split(), cwd=self.home, env=self.env, stdout=log, stderr=log)


@pytest.fixture
def terminal(tmp_path: Path, wheelhouse: Path) -> Terminal:
    home = tmp_path / "home"
    home.mkdir()
    return Terminal(home, wheelhouse)


async def first_token(url: str) -> str:
    """The token that a server in development mode gives, once there is one."""
    async with asyncio.timeout(60), aiohttp.ClientSession() as http:
        while True:
            with contextlib.suppress(aiohttp.ClientConnectionError):
                async with http.post(f"{url}/api/token", json={"userId": "ada"}) as given:
                    return str((await given.json())["token"])
            await asyncio.sleep(0.02)


@pytest.mark.timeout(300)
async def test_six_commands_from_nothing_to_a_plugin_of_ones_own_that_answers(terminal: Terminal) -> None:
    began, before = time.perf_counter(), os.times()
    port = free_port()
    terminal.run("python -m venv env")
    terminal.run("env/bin/pip install bonsai-core")
    terminal.run("env/bin/bonsai new study-plan")
    terminal.run("env/bin/pip install -e bonsai-study-plan[test]")
    assert " passed" in terminal.run("env/bin/pytest bonsai-study-plan")
    server = terminal.begin(f"env/bin/bonsai serve --dev --websocket-port {port}")
    try:
        token = await first_token(f"http://127.0.0.1:{port}")
        async with Client(f"ws://127.0.0.1:{port}", auth=Auth(token=token)) as client:
            answer = await client.request("study_plan:set", {"answers": 3})
        assert answer == {"goal": 3, "answered": 0, "reached": False}
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)
    assert server.returncode == 0, (terminal.home / "log").read_text()
    assert len(terminal.commands) <= MOST_COMMANDS
    after = os.times()
    machine = after.children_user + after.children_system - before.children_user - before.children_system
    print(f"{len(terminal.commands)} commands, {time.perf_counter() - began:.1f} s, of a processor {machine:.1f} s")
