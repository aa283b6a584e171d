"""What every measurement is made of: sizes, samples, and servers that take turns, slice by slice."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.dialects import Dialect
from bench.load import Exchange, Load, Requests, Socket, connect
from bench.servers import Kind, Server, cpu_of
from bench.work import ANSWER

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
        storm: clients that come back at once.
        growth: numbers of open connections, the least first.
        users: numbers of stored users, the least first.
    """

    slices: int = 3
    seconds: float = 1.2
    warm: float = 1.0
    connections: int = 100
    members: int = 800
    idle: int = 5000
    settle: float = 3.0
    storm: int = 5000
    growth: tuple[int, ...] = (100, 1000, 8000)
    users: tuple[int, ...] = (1, 100_000)


QUICK = Size(
    slices=2, seconds=0.5, warm=0.5, idle=1000, settle=1.0, storm=1000, growth=(100, 500, 2000), users=(1, 5000)
)


@dataclass(frozen=True)
class Sample:
    """One figure of one round.

    Attributes:
        work: what was measured, as in `bench.rows.ROWS`.
        who: `ours`, or with what that is compared, as in `bench.rows.NAMES`.
        value: in the unit of the row.
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
class Turns:
    """What one server's turns add up to.

    Attributes:
        settle: seconds after a turn in which the server ends what its last answers have set in motion.
    """

    load: Load
    server: Server
    who: str
    settle: float = 0.0
    count: int = 0
    cpu: float = 0.0
    own: float = 0.0
    wall: float = 0.0

    async def take(self, seconds: float) -> None:
        """One turn."""
        cpu, own, wall = self.server.cpu(), cpu_of(os.getpid()), time.perf_counter()
        self.count += await self.load.run(seconds)
        await asyncio.sleep(self.settle)
        self.wall += time.perf_counter() - wall
        self.cpu += self.server.cpu() - cpu
        self.own += cpu_of(os.getpid()) - own

    def sample(self, work: str, who: str | None = None) -> Sample:
        """The figure of all turns."""
        return Sample(
            work,
            who or self.who,
            self.cpu / self.count * 1e6,
            self.cpu / self.wall,
            self.own / self.wall,
            self.count / self.wall,
        )


@dataclass(frozen=True)
class Bench:
    """Where and how measurements run.

    Attributes:
        size: how much.
        core: the core for the servers; the generator is on another.
        peers: the names of the kinds of server that may be missing and are not.
        progress: told what is going on.
        folder: for files that rounds share.
        python: the interpreter of Python servers, instead of ours.
    """

    size: Size
    core: int
    peers: Collection[str]
    progress: Progress
    folder: Path
    python: str | None = None

    def server(self, kind: Kind, store: Path | None = None) -> Server:
        """A server to be started, perhaps with a copy of this store's file."""
        return Server(kind, self.core, self.python, store)

    async def turns(self, work: str, turns: Sequence[Turns]) -> list[Sample]:
        """Warm up, then take turns; a sample of each."""
        for turn in turns:
            self.progress(f"{work}: {turn.who}: warming up")
            await turn.load.run(self.size.warm)
        for number in range(self.size.slices):
            self.progress(f"{work}: turn {number + 1} of {self.size.slices}")
            for turn in turns:
                await turn.take(self.size.seconds)
        return [turn.sample(work) for turn in turns]

    async def exchange(self, server: Server, event: str, who: str) -> Turns:
        """Connect students who each have one request of this event under way."""
        dialect = server.kind.dialect
        sockets = await clients(server, self.size.connections, dialect, name=who)
        return Turns(Exchange(sockets, Requests(dialect, event, ANSWER)), server, who)


async def clients(
    server: Server, count: int, dialect: Dialect, *, name: str = "student", offset: int = 0
) -> list[Socket]:
    """Connect so many users, each with a session of its own; their answers count."""
    scripts = [dialect.join(f"{name}-{n:06}") for n in range(offset, offset + count)]
    return await connect(server.port, scripts, dialect, dialect.ack)
