"""`bonsai serve --workers N`: workers share a port and a Redis, are replaced when they die, and restart in turn."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from bonsai_core.cli import cli
from bonsai_core.client import Auth, Client
from bonsai_core.metrics import merge
from bonsai_core.settings import Settings, env_name
from bonsai_core.testing import ServerProcess, StartProcess, WireClient
from tests.scripted_server import FAST

pytestmark = pytest.mark.redis

PLUGIN = '''
import asyncio
import os

from bonsai_core import Payload, Plugin, Session, on

VERSION = 1


class Add(Payload):
    number: int


class Ledger(Plugin):
    """Remembers every number that was added, in order, twice if it took effect twice."""

    name = "ledger"

    @on("ledger:add")
    async def add(self, session: Session, add: Add) -> dict[str, int]:
        numbers = await session.load("numbers") or []
        session.save("numbers", [*numbers, add.number])
        session.emit("ledger:added", {"number": add.number})
        return {"number": add.number, "version": VERSION}

    @on("ledger:read")
    async def read(self, session: Session) -> list[int]:
        return await session.load("numbers") or []

    @on("ledger:where")
    async def where(self, session: Session) -> int:
        return os.getpid()

    @on("ledger:slow", concurrent=True, timeout_ms=60_000)
    async def slow(self, session: Session) -> None:
        await asyncio.sleep(50)
'''

DIES = """
import os

from bonsai_core import Plugin, hookimpl


class Dies(Plugin):
    name = "ledger"

    @hookimpl
    def on_startup(self, app):
        os._exit(7)
"""

StartWorkers = Callable[..., Awaitable[ServerProcess]]


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The plugin's file, which a test may change."""
    folder = tmp_path / "plugins"
    folder.mkdir()
    file = folder / "ledger.py"
    file.write_text(PLUGIN)
    return file


@pytest.fixture
def start_workers(bonsai_process: StartProcess, redis_url: str, code: Path) -> StartWorkers:
    """Starts a parent and waits until all of its workers are ready."""

    async def start(workers: int = 2, **settings: Any) -> ServerProcess:
        server = await bonsai_process(
            workers=workers,
            store_url=redis_url,
            node_id="web",
            plugins=["ledger"],
            plugins_dir=code.parent,
            node_lease_ms=2000,
            **{"drain_timeout_ms": 3000} | settings,
        )
        await until(lambda: "listening" in server.logs)
        return server

    return start


def deploy(code: Path, text: str) -> None:
    code.write_text(text)


async def until(holds: Callable[[], bool], timeout: float = 15.0) -> None:
    async with asyncio.timeout(timeout):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def pids(server: ServerProcess) -> dict[str, int]:
    """The process of every worker that was ever ready, by node."""
    return {node: int(pid) for node, pid in re.findall(r"a worker is ready .* node=(\S+) pid=(\d+)", server.logs)}


def runs(pid: int) -> bool:
    with suppress(OSError):
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    return False


async def ended(server: ServerProcess) -> int:
    await until(lambda: server.exit_code is not None)
    assert server.exit_code is not None
    return server.exit_code


async def metrics(server: ServerProcess) -> dict[str, dict[str, float]]:
    """Samples without other labels, by name and node."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/metrics") as response:
        text = await response.text()
    found: dict[str, dict[str, float]] = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.labels.keys() == {"node"}:
                found.setdefault(sample.name, {})[sample.labels["node"]] = sample.value
    return found


async def on_every_worker(server: ServerProcess, session: str, workers: int = 2) -> dict[int, WireClient]:
    """Devices of one session, one on each worker, by the worker's pid."""
    found: dict[int, WireClient] = {}
    for number in range(100):
        device = await server.connect(user="ada", session=session, client=f"device{number}")
        found.setdefault(await device.request("ledger:where"), device)
        if len(found) == workers:
            return found
    raise AssertionError(f"100 connections reached only the workers {list(found)}")


class Load:
    """Clients that add number after number, and what they were told."""

    def __init__(self, server: ServerProcess, clients: int = 4) -> None:
        self.sent: Counter[int] = Counter()
        self.acked: dict[int, list[int]] = {number: [] for number in range(clients)}
        self.versions: set[int] = set()
        self._stop = asyncio.Event()
        self._clients = [
            Client(server.url, auth=Auth(token=server.token(f"user{number}"), session_id=f"s{number}"), reconnect=FAST)
            for number in range(clients)
        ]
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        for number, client in enumerate(self._clients):
            await client.connect(timeout=20)
            self._tasks.append(asyncio.create_task(self._run(number, client)))
        await asyncio.sleep(0.3)
        assert any(self.acked.values())

    async def _run(self, number: int, client: Client) -> None:
        async def one(value: int) -> None:
            answer = await client.request("ledger:add", {"number": value}, timeout=40)
            self.acked[number].append(answer["number"])
            self.versions.add(answer["version"])

        async with asyncio.TaskGroup() as group:
            while not self._stop.is_set():
                self.sent[number] += 1
                group.create_task(one(self.sent[number]))
                await asyncio.sleep(0.01)

    async def check(self) -> None:
        """Stop; every number took effect once and in order, and each was acked."""
        self._stop.set()
        await asyncio.wait_for(asyncio.gather(*self._tasks), 40)
        for number, client in enumerate(self._clients):
            numbers = list(range(1, self.sent[number] + 1))
            assert await client.request("ledger:read", timeout=20) == numbers
            assert sorted(self.acked[number]) == numbers
            await client.close()


async def knock(server: ServerProcess) -> int:
    """Open connections, one after another, until cancelled; how many were refused."""
    refused = 0
    with suppress(asyncio.CancelledError):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", server.port)
                writer.close()
            except ConnectionError:
                refused += 1
            await asyncio.sleep(0.005)
    return refused


async def test_all_workers_serve_one_session_on_one_port(start_workers: StartWorkers) -> None:
    server = await start_workers(3)
    assert server.logs.count("listening") == 1
    assert sorted(pids(server)) == ["web-1", "web-2", "web-3"]
    devices = await on_every_worker(server, "s1", workers=3)
    assert devices.keys() == set(pids(server).values())
    first, *others = devices.values()
    assert await first.request("ledger:add", {"number": 7}) == {"number": 7, "version": 1}
    for device in others:
        assert (await device.recv("ledger:added"))["data"] == {"number": 7}
        assert await device.request("ledger:read") == [7]


async def test_any_worker_tells_what_all_count_and_whether_they_answer(start_workers: StartWorkers) -> None:
    server = await start_workers()
    devices = await on_every_worker(server, "s1")
    told = await metrics(server)
    assert told["bonsai_worker_up"] == {"web-1": 1, "web-2": 1}
    assert told["bonsai_connections_joined"].keys() == {"web-1", "web-2"}
    assert all(told["bonsai_connections_joined"].values())
    stuck = pids(server)["web-2"]
    os.kill(stuck, signal.SIGSTOP)
    try:
        async with asyncio.timeout(30):  # connections that the kernel gives to the stuck one are not answered
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(2):
                        told = await metrics(server)
                        break
    finally:
        os.kill(stuck, signal.SIGCONT)
    assert told["bonsai_worker_up"] == {"web-1": 1, "web-2": 0}
    assert told["bonsai_connections"].keys() == {"web-1"}
    assert len(devices) == 2


async def test_a_worker_that_dies_is_replaced_and_nothing_is_lost(start_workers: StartWorkers) -> None:
    server = await start_workers()
    devices = await on_every_worker(server, "watched")
    load = Load(server)
    await load.start()
    victim = pids(server)["web-1"]
    survivor = next(device for pid, device in devices.items() if pid != victim)
    gone = next(device for pid, device in devices.items() if pid == victim)
    os.kill(victim, signal.SIGKILL)
    await until(lambda: "web-3" in pids(server))
    assert re.search(r"a worker ended .* how=SIGKILL .*node=web-1", server.logs)
    left: set[str] = set()
    while gone.joined["clientId"] not in left:  # devices that were tried on other workers left before
        left.add((await survivor.recv("user:disconnect", timeout=10))["data"]["device"]["clientId"])
    await load.check()
    assert (await on_every_worker(server, "s9")).keys() == {pids(server)["web-2"], pids(server)["web-3"]}
    assert (await metrics(server))["bonsai_worker_up"] == {"web-2": 1, "web-3": 1}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_all_of_them(start_workers: StartWorkers, number: signal.Signals) -> None:
    server = await start_workers()
    devices = await on_every_worker(server, "s1")
    os.kill(server.pid, number)
    assert await ended(server) == 0
    for device in devices.values():
        assert await device.closed() == 1012
        assert device.close_reason.startswith("restarting; reconnect in ")
    assert not any(map(runs, pids(server).values()))
    for node in ("web-1", "web-2"):
        assert re.search(rf"stopping +\[bonsai\.server\] node={node}", server.logs), "lines name their node"
    assert "Traceback" not in server.logs
    assert "[error" not in server.logs


async def test_a_signal_that_reaches_parent_and_workers_lets_them_drain(start_workers: StartWorkers) -> None:
    server = await start_workers()
    device = await server.connect()
    await device.send("ledger:slow", id=1)
    await device.sync()
    for pid in (*pids(server).values(), server.pid):  # as a service manager that signals the whole group
        os.kill(pid, signal.SIGTERM)
    assert await device.closed() == 1012
    await asyncio.sleep(0.3)
    assert server.running, "the handler under way has its time"
    assert await ended(server) == 0
    assert "stopping at once" not in server.logs


async def test_a_second_signal_ends_them_at_once(start_workers: StartWorkers) -> None:
    server = await start_workers(drain_timeout_ms=60_000)
    device = await server.connect()
    await device.send("ledger:slow", id=1)
    await device.sync()
    os.kill(server.pid, signal.SIGTERM)
    assert await device.closed() == 1012
    os.kill(server.pid, signal.SIGTERM)
    assert await ended(server) == 1
    assert not any(map(runs, pids(server).values()))


async def test_a_rolling_restart_brings_new_code_and_loses_nothing(start_workers: StartWorkers, code: Path) -> None:
    server = await start_workers()
    load = Load(server)
    await load.start()
    knocks = asyncio.create_task(knock(server))
    deploy(code, PLUGIN.replace("VERSION = 1", "VERSION = 2"))
    os.kill(server.pid, signal.SIGHUP)
    await until(lambda: "all workers were restarted" in server.logs, 30)
    knocks.cancel()
    assert await knocks == 0, "a connection was refused"
    assert sorted(pids(server)) == ["web-1", "web-2", "web-3", "web-4"]
    assert (await on_every_worker(server, "s9")).keys() == {pids(server)["web-3"], pids(server)["web-4"]}
    assert server.logs.index("node=web-3 pid=") < server.logs.index("[bonsai.server] node=web-1"), "ready first"
    await asyncio.sleep(0.3)
    await load.check()
    assert load.versions == {1, 2}
    assert server.running
    assert "a worker ended" not in server.logs


async def test_a_rolling_restart_stops_when_the_new_code_does_not_start(
    start_workers: StartWorkers, code: Path
) -> None:
    server = await start_workers()
    device = await server.connect(user="ada", session="s1", client="first")
    deploy(code, DIES)
    os.kill(server.pid, signal.SIGHUP)
    await until(lambda: "the restart was given up" in server.logs)
    assert await device.request("ledger:add", {"number": 1}) == {"number": 1, "version": 1}
    assert (await on_every_worker(server, "s1")).keys() == set(pids(server).values())
    assert await server.terminate() == 0


async def test_workers_that_die_as_they_start_are_given_up(
    bonsai_process: StartProcess, redis_url: str, code: Path
) -> None:
    deploy(code, DIES)
    with pytest.raises(RuntimeError, match="ended with 1") as failed:
        await bonsai_process(workers=2, store_url=redis_url, plugins=["ledger"], plugins_dir=code.parent)
    log = str(failed.value)
    assert re.search(r"giving up: workers end as they start.* last='exit code 7' tries=5", log)
    assert "listening" not in log


async def test_workers_end_with_a_parent_that_was_killed(start_workers: StartWorkers, code: Path) -> None:
    server = await start_workers(env={"TMPDIR": str(code.parent.parent)})
    devices = await on_every_worker(server, "s1")
    assert len(list(code.parent.parent.glob("bonsai-*"))) == 1
    await server.kill()
    for device in devices.values():
        assert await device.closed() == 1012
    await until(lambda: not any(map(runs, pids(server).values())))
    assert not list(code.parent.parent.glob("bonsai-*")), "nothing is left behind"
    await server.start()
    assert (await server.connect(user="ada", session="s1", client="later")).joined


async def test_a_port_that_is_taken_is_said_at_once(start_workers: StartWorkers) -> None:
    server = await start_workers()
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        for port in (server.port, other.getsockname()[1]):
            flags = ["--dev", "--workers=2", f"--websocket-port={port}", "--redis-url=redis://127.0.0.1:1"]
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "bonsai_core", "serve", *flags), cwd=server.cwd, stderr=asyncio.subprocess.PIPE
            )
            _, said = await asyncio.wait_for(process.communicate(), 20)
            assert process.returncode == 1
            assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in said.decode()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--workers", "2"], "REDIS_URL"),
        (["--workers", "2", "--store-url", "sqlite://"], "REDIS_URL"),
        (["--workers", "0"], "greater than or equal to 1"),
        (["--workers", "2", "--redis-url", "redis://127.0.0.1", "--reload"], "--reload"),
        (["--workers", "2", "--redis-url", "redis://127.0.0.1", "--node-id", "n" * 60], "BONSAI_NODE_ID"),
    ],
)
def test_what_cannot_work_is_refused_with_the_way_out(
    flags: list[str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(env_name(name), raising=False)
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["serve", "--dev", *flags])
    assert result.exit_code == 2
    assert said in result.stderr


def test_merged_metrics_keep_each_metric_together_and_every_label() -> None:
    text = '# HELP a_total A.\n# TYPE a_total counter\na_total{x="1"} 2.0\n# HELP b B.\n# TYPE b gauge\nb 3.0\n'
    merged = merge({"n-1": text, "n-2": text.replace("2.0", "5.0")})
    assert merged.splitlines() == [
        "# HELP a_total A.",
        "# TYPE a_total counter",
        'a_total{node="n-1",x="1"} 2.0',
        'a_total{node="n-2",x="1"} 5.0',
        "# HELP b B.",
        "# TYPE b gauge",
        'b{node="n-1"} 3.0',
        'b{node="n-2"} 3.0',
    ]
