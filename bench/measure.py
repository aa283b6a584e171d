"""The measurements. In a round the servers of one work take turns, slice by slice, so that ratios are paired."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bench.load import Exchange, FanOut, Load, Requests, Socket, connect
from bench.servers import NODE, OURS, PLAIN, PREPARED, Kind, Server, cpu_of
from bench.work import ANSWER, SAY

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Size:
    """How much is measured.

    Attributes:
        slices, seconds: each server's turns in a round, and how long one lasts.
        warm: seconds of load before the first turn, for just-in-time compilers and caches.
        connections: sockets with one request each under way.
        members: receivers in the room.
        idle: idle connections.
        settle: seconds that idle connections are left alone before memory is read.
    """

    slices: int = 4
    seconds: float = 1.5
    warm: float = 2.0
    connections: int = 100
    members: int = 800
    idle: int = 5000
    settle: float = 3.0


QUICK = Size(slices=2, seconds=0.6, warm=0.8, idle=1500, settle=1.0)


@dataclass(frozen=True)
class Sample:
    """One figure of one round.

    Attributes:
        work: what was measured, as in `WORKS`.
        who: the server's name, or `unstored` for our own acked event next to the stored one.
        value: microseconds of server CPU for each message or delivery, or bytes for each connection.
        busy: the share of its core that the server used meanwhile; low means that the generator was the limit.
        generator: the share of its core that the load generator used.
        per_second: messages or deliveries a second.
    """

    work: str
    who: str
    value: float
    busy: float = 0.0
    generator: float = 0.0
    per_second: float = 0.0


@dataclass
class _Turns:
    """What one server's turns add up to."""

    load: Load
    server: Server
    who: str
    count: int = 0
    cpu: float = 0.0
    own: float = 0.0
    wall: float = 0.0

    async def take(self, seconds: float) -> None:
        cpu, own, wall = self.server.cpu(), cpu_of(os.getpid()), time.perf_counter()
        self.count += await self.load.run(seconds)
        self.wall += time.perf_counter() - wall
        self.cpu += self.server.cpu() - cpu
        self.own += cpu_of(os.getpid()) - own

    def sample(self, work: str) -> Sample:
        return Sample(
            work,
            self.who,
            self.cpu / self.count * 1e6,
            self.cpu / self.wall,
            self.own / self.wall,
            self.count / self.wall,
        )


class Bench:
    """Runs rounds.

    Args:
        size: how much.
        core: the core for the servers; the generator is on another.
        with_node: whether Node's peer can be had.
        progress: told what is going on.
        python: the interpreter of Python servers, instead of ours.
    """

    def __init__(self, size: Size, core: int, with_node: bool, progress: Progress, python: str | None = None) -> None:
        self.size = size
        self._core = core
        self._with_node = with_node
        self._progress = progress
        self._python = python

    def _kinds(self, *kinds: Kind) -> list[Kind]:
        return [kind for kind in kinds if self._with_node or kind is not NODE]

    async def acked(self) -> list[Sample]:
        """An event that is validated and acked."""
        async with AsyncExitStack() as stack:
            turns = []
            for kind in self._kinds(OURS, NODE, PLAIN):
                server = await stack.enter_async_context(Server(kind, self._core, self._python))
                turns.append(await self._exchange(server, "bench:answer", kind.name))
            return await self._turns("acked", turns)

    async def stored(self) -> list[Sample]:
        """An event that saves a document and tells the session's room; next to one that does not."""
        async with Server(OURS, self._core, self._python) as server:
            turns = [await self._exchange(server, "bench:store", OURS.name)]
            turns.append(await self._exchange(server, "bench:answer", "unstored"))
            return await self._turns("stored", turns)

    async def fanout(self) -> list[Sample]:
        """A message to a room, with one and with four messages under way."""
        samples: list[Sample] = []
        async with AsyncExitStack() as stack:
            loads: list[tuple[FanOut, Server]] = []
            for kind in self._kinds(OURS, NODE, PLAIN, PREPARED):
                server = await stack.enter_async_context(Server(kind, self._core, self._python))
                self._progress(f"fanout: {kind.title}: {self.size.members} receivers")
                loads.append((await self._room(server), server))
            for window in (1, 4):
                for load, _ in loads:
                    load.window = window
                turns = [_Turns(load, server, server.kind.name) for load, server in loads]
                samples += await self._turns(f"fanout{window}", turns)
        return samples

    async def idle(self) -> list[Sample]:
        """Memory of a connection that has joined and says nothing."""
        samples = []
        for kind in self._kinds(OURS, NODE, PLAIN):
            self._progress(f"idle: {kind.title}: {self.size.idle} connections")
            async with Server(kind, self._core, self._python) as server:
                # The first hundred make the server import, compile and reserve what it needs but once.
                first = await self._clients(server, 100, kind.dialect.ack)
                await asyncio.sleep(self.size.settle / 3)
                before = await server.memory()
                rest = await self._clients(server, self.size.idle, kind.dialect.ack, offset=100)
                await asyncio.sleep(self.size.settle)
                used = await server.memory() - before
                samples.append(Sample("idle", kind.name, used / self.size.idle))
                for socket in (*first, *rest):
                    socket.transport.abort()
        return samples

    async def _turns(self, work: str, turns: Sequence[_Turns]) -> list[Sample]:
        for turn in turns:
            self._progress(f"{work}: {turn.server.kind.title}: warming up")
            await turn.load.run(self.size.warm)
        for number in range(self.size.slices):
            self._progress(f"{work}: turn {number + 1} of {self.size.slices}")
            for turn in turns:
                await turn.take(self.size.seconds)
        return [turn.sample(work) for turn in turns]

    async def _exchange(self, server: Server, event: str, who: str) -> _Turns:
        dialect = server.kind.dialect
        sockets = await self._clients(server, self.size.connections, dialect.ack, name=who)
        return _Turns(Exchange(sockets, Requests(dialect, event, ANSWER)), server, who)

    async def _room(self, server: Server) -> FanOut:
        dialect = server.kind.dialect
        scripts = [[*dialect.join(f"receiver-{n:06}"), *dialect.enter()] for n in range(self.size.members)]
        receivers = await connect(server.port, scripts, dialect, dialect.said)
        senders = await self._clients(server, 4, dialect.ack, name="sender")
        return FanOut(senders, receivers, Requests(dialect, "bench:say", SAY))

    async def _clients(
        self, server: Server, count: int, wanted: bytes, *, name: str = "student", offset: int = 0
    ) -> list[Socket]:
        dialect = server.kind.dialect
        scripts = [dialect.join(f"{name}-{n:06}") for n in range(offset, offset + count)]
        return await connect(server.port, scripts, dialect, wanted)
