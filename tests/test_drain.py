"""SIGTERM under load: nothing that was acked is lost, everybody is told when to come back, and it is over in time."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from pathlib import Path

from bonsai_core.client import Auth, Client
from bonsai_core.testing import ServerProcess, StartProcess
from tests.scripted_server import FAST

PLUGIN = '''
import asyncio

from bonsai_core import Payload, Plugin, Session, on


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
        return {"number": add.number}

    @on("ledger:read")
    async def read(self, session: Session) -> list[int]:
        return await session.load("numbers") or []

    @on("ledger:slow", concurrent=True, timeout_ms=60_000)
    async def slow(self, session: Session) -> None:
        await asyncio.sleep(50)
'''

CLIENTS = 8


def plugins_of(tmp_path: Path) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "ledger.py").write_text(PLUGIN)
    return folder


async def until_ended(server: ServerProcess, timeout: float) -> int:
    async with asyncio.timeout(timeout):
        while (code := server.exit_code) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return code


async def test_nothing_acked_is_lost_and_everybody_comes_back(bonsai_process: StartProcess, tmp_path: Path) -> None:
    server = await bonsai_process(plugins_dir=plugins_of(tmp_path), drain_timeout_ms=3000)
    acked: dict[int, list[int]] = {n: [] for n in range(CLIENTS)}
    sent: dict[int, int] = dict.fromkeys(range(CLIENTS), 0)
    stop = asyncio.Event()

    async def load(number: int, client: Client) -> None:
        async def one(value: int) -> None:
            answer = await client.request("ledger:add", {"number": value}, timeout=60)
            acked[number].append(answer["number"])

        async with asyncio.TaskGroup() as group:
            while not stop.is_set():
                sent[number] += 1
                group.create_task(one(sent[number]))
                await asyncio.sleep(0.01)

    def token_of(number: int) -> Auth:
        return Auth(token_provider=lambda: server.token(f"user-{number}"), session_id=f"s{number}")

    clients = [Client(server.url, auth=token_of(number), reconnect=FAST) for number in range(CLIENTS)]
    watchers = [await server.connect(user=f"w{n}", session=f"w{n}", client=f"w{n}") for n in range(10)]
    for client in clients:
        await client.connect(timeout=20)
    loads = [asyncio.create_task(load(n, client)) for n, client in enumerate(clients)]
    await asyncio.sleep(0.6)
    assert any(acked.values()), "under load"
    assert await server.terminate(timeout=15) == 0, "ended by itself, within its budget"

    assert [await watcher.closed() for watcher in watchers] == [1012] * 10
    delays = [re.fullmatch(r"restarting; reconnect in (\d+) ms", watcher.close_reason) for watcher in watchers]
    assert all(delays)
    assert len({match[1] for match in delays if match}) > 5, "spread"
    before = {n: list(values) for n, values in acked.items()}

    await server.start()
    await asyncio.sleep(0.3)
    stop.set()
    await asyncio.wait_for(asyncio.gather(*loads), 40)
    for number, client in enumerate(clients):
        ledger = await client.request("ledger:read", timeout=20)
        assert ledger == list(range(1, sent[number] + 1)), "each once, in order"
        assert set(before[number]) <= set(ledger)
        assert sorted(acked[number]) == ledger
        await client.close()
    assert "Traceback" not in server.logs
    assert "[error" not in server.logs


async def test_a_second_sigterm_ends_it_at_once(bonsai_process: StartProcess, tmp_path: Path) -> None:
    server = await bonsai_process(plugins_dir=plugins_of(tmp_path), drain_timeout_ms=40_000)
    client = await server.connect()
    await client.send("ledger:slow", id=1)
    await client.sync()
    os.kill(server.pid, signal.SIGTERM)
    assert await client.closed() == 1012
    await client.abort()
    await asyncio.sleep(0.3)
    assert server.running, "it waits for the handler under way"
    os.kill(server.pid, signal.SIGTERM)
    assert await until_ended(server, 5) == 1
    assert "stopping at once" in server.logs


async def test_a_handler_that_does_not_end_is_cancelled_after_the_budget(
    bonsai_process: StartProcess, tmp_path: Path
) -> None:
    server = await bonsai_process(plugins_dir=plugins_of(tmp_path), drain_timeout_ms=300, close_timeout_ms=200)
    client = await server.connect()
    await client.send("ledger:slow", id=1)
    await client.sync()
    assert await server.terminate(timeout=10) == 0
    assert await client.closed() == 1012
