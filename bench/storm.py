"""The reconnect storm: everybody comes at once and wants what they missed, while others go on working."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bench import prefill
from bench.dialects import Dialect, Plain, Step
from bench.load import STALL, Load, LoadError, Socket
from bench.measure import Bench, Sample
from bench.servers import OURS, PLAIN, ROOT, Server, cpu_of
from bench.work import SECRET
from bonsai_core import mint_token

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bonsai_core.store.base import Position

#: Messages that each has missed.
MISSED = 20
#: Handshakes under way at a time.
_AT_ONCE = 1000


class Welcomed(Plain):
    """Plain aiohttp, which sends its messages to everybody who comes."""

    path = f"/storm?count={MISSED}"


def resume(user: str, rooms: dict[str, Position]) -> list[Step]:
    """The script of a client that comes back."""
    places = {name: {"epoch": at.epoch, "offset": at.offset} for name, at in rooms.items()}
    data = {
        "token": mint_token(SECRET, user=user),
        "sessionId": prefill.session_of(user),
        "clientId": f"c-{user}",
        "resume": places,
    }
    join = json.dumps({"event": "user:connect", "data": data}, separators=(",", ":"))
    return [Step(b"", join.encode()), Step(b'{"event":"user:joined"')]


class Storm(Load):
    """So many clients that each wait for `MISSED` messages."""

    def __init__(self, clients: int) -> None:
        super().__init__([])
        self._clients = clients
        self._got: Counter[int] = Counter()
        self._all: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def rage(self, port: int, scripts: Sequence[Sequence[Step]], dialect: Dialect) -> float:
        """Connect all and wait until each has everything; returns the seconds that it took.

        Raises:
            LoadError: somebody did not get what they missed, or got more.
        """
        loop = asyncio.get_running_loop()
        slots = asyncio.Semaphore(_AT_ONCE)
        begun = time.perf_counter()

        async def one(script: Sequence[Step]) -> None:
            async with slots:
                socket = Socket(dialect, script, dialect.said)
                socket.load = self
                self.sockets.append(socket)
                ready = socket.ready
                assert ready is not None
                await loop.create_connection(lambda: socket, "127.0.0.1", port)
                await ready

        try:
            async with asyncio.timeout(4 * STALL):
                await asyncio.gather(*map(one, scripts))
                await self._all
        except TimeoutError:
            raise LoadError(f"{self._clients * MISSED - self.done} missed messages never came") from None
        except OSError as error:
            raise LoadError(f"cannot connect: {error}") from None
        seconds = time.perf_counter() - begun
        if wrong := [count for count in self._got.values() if count != MISSED]:
            raise LoadError(f"{len(wrong)} clients got another number of messages than they missed: {wrong[0]}")
        return seconds

    def arrived(self, socket: Socket, count: int) -> None:
        self._got[id(socket)] += count
        self.done += count
        if self.done >= self._clients * MISSED and not self._all.done():
            self._all.set_result(None)

    def failed(self, error: LoadError) -> None:
        if not self._all.done():
            self._all.set_exception(error)


async def ours(bench: Bench, folder: Path) -> list[Sample]:
    """Seconds until everybody is caught up with our server, and the p99 of the others meanwhile, in ms."""
    users = [f"student-{n:06}" for n in range(bench.size.storm)]
    places = await prefill.missed(folder / "storm.db", users, MISSED)
    scripts = [resume(user, places[user]) for user in users]
    async with bench.server(OURS, folder / "storm.db") as server, _live(server.port) as latencies:
        storm = Storm(len(users))
        sample = await _watched(storm.rage(server.port, scripts, OURS.dialect), server)
    storm.close()
    ordered = sorted(latencies)
    if not ordered:
        raise LoadError("no answer came to the others meanwhile")
    return [sample, Sample("live", OURS.name, ordered[int(len(ordered) * 0.99)] * 1000)]


async def plain(bench: Bench) -> list[Sample]:
    """Seconds that plain aiohttp takes to accept as many and send each as many messages."""
    async with bench.server(PLAIN) as server:
        storm = Storm(bench.size.storm)
        sample = await _watched(storm.rage(server.port, [[]] * bench.size.storm, Welcomed()), server)
        storm.close()
    return [sample]


async def _watched(storm: Coroutine[None, None, float], server: Server) -> Sample:
    """How long a storm lasts, and how busy both sides are meanwhile."""
    cpu, own = server.cpu(), cpu_of(os.getpid())
    seconds = await storm
    busy, generator = (server.cpu() - cpu) / seconds, (cpu_of(os.getpid()) - own) / seconds
    return Sample("storm", server.kind.name, seconds, busy, generator)


@asynccontextmanager
async def _live(port: int) -> AsyncIterator[list[float]]:
    """Others who work meanwhile; their latencies in seconds are there at the end."""
    latencies: list[float] = []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.live", str(port), cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(STALL):
            if await process.stdout.readline() != b"ready\n":
                raise LoadError("those who work meanwhile could not connect")
        yield latencies
        async with asyncio.timeout(STALL):
            told, _ = await process.communicate(b"")
        if process.returncode:
            raise LoadError("the server failed those who worked meanwhile")
        latencies += json.loads(told)["latencies"]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
