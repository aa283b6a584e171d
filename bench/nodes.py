"""`python -m bench.nodes`: messages between devices on different nodes, next to Node socket.io with its Redis adapter.

Both systems run two nodes on one core and share one Redis, which runs on the other core beside the load generator. The
two devices of a session are on different nodes; one speaks, at a steady rate over all pairs, and the other hears it.
The systems take turns, so that whatever else the machine does meets all of them. Latency is from the speaker's write to
the hearer's read; the processor time is that of both nodes.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import uvloop

from bench import install
from bench.dialects import Dialect, SocketIo
from bench.load import Load, Socket, connect, masked_frame
from bench.servers import NODE, OURS, Kind, Server, raise_file_limit
from bench.work import SAY
from bonsai_core.testing.redis import RedisServer


class Pairs(Load):
    """Each speaker's messages are heard by its partner; `rate` a second over all pairs."""

    def __init__(self, speakers: list[Socket], hearers: list[Socket], dialect: Dialect, event: str) -> None:
        super().__init__(hearers)
        self._speakers = speakers
        self._dialect = dialect
        self._event = event
        self._partner = {id(hearer): number for number, hearer in enumerate(hearers)}
        self._sent: list[list[float]] = [[] for _ in speakers]
        self.latencies: list[float] = []
        self.overtaken = 0

    async def play(self, rate: float, seconds: float) -> None:
        """Speak for so long, then wait until all was heard."""
        loop = asyncio.get_running_loop()
        self.latencies.clear()
        start = loop.time()
        number = 0
        while (now := loop.time()) - start < seconds:
            due = int((now - start) * rate)
            while number < due:
                self._speak(number % len(self._speakers))
                number += 1
            await asyncio.sleep(0.001)
        async with asyncio.timeout(30):
            while any(self._sent):  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    def arrived(self, socket: Socket, count: int) -> None:
        now = time.perf_counter()
        sent = self._sent[self._partner[id(socket)]]
        for _ in range(count):
            self.latencies.append(now - sent.pop(0))

    def _speak(self, number: int) -> None:
        speaker = self._speakers[number]
        speaker.id += 1
        self._sent[number].append(time.perf_counter())
        speaker.transport.write(masked_frame(self._dialect.request(speaker.id, self._event, SAY)))


class System:
    """Two nodes of one system, with pairs of devices that are connected to them."""

    def __init__(self, title: str, servers: list[Server], load: Pairs) -> None:
        self.title = title
        self._servers = servers
        self._load = load
        self._samples: list[dict[str, float]] = []

    async def warm(self, rate: float) -> None:
        """Speak before anything counts."""
        await self._load.play(rate, 2.0)

    async def measure(self, rate: float, seconds: float) -> None:
        """One round: latencies, and processor time of both nodes."""
        before = sum(server.cpu() for server in self._servers)
        await self._load.play(rate, seconds)
        spent = sum(server.cpu() for server in self._servers) - before
        ordered = sorted(self._load.latencies)
        self._samples.append(
            {
                "deliveries": len(ordered),
                "p50_ms": round(ordered[len(ordered) // 2] * 1000, 3),
                "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1000, 3),
                "cpu_us": round(spent / len(ordered) * 1e6, 1),
            }
        )

    def result(self) -> dict[str, Any]:
        """All rounds, and their medians."""
        names = ("p50_ms", "p99_ms", "cpu_us")
        medians = {name: round(statistics.median(sample[name] for sample in self._samples), 3) for name in names}
        return {"title": self.title, "samples": self._samples} | medians


async def build(
    stack: contextlib.AsyncExitStack, title: str, kind: Kind, event: str, redis: RedisServer, pairs: int
) -> System:
    """Start a system and connect its devices."""
    kind = replace(kind, env={**kind.env, "STORE_URL": redis.url, "REDIS_URL": redis.url})
    here, there = [await stack.enter_async_context(Server(kind, 0)) for _ in range(2)]
    dialect = kind.dialect
    sides = []
    for server, client in ((here, "speaker"), (there, "hearer")):
        scripts = [_join(dialect, f"{event[-4:]}{number}", client) for number in range(pairs)]
        sides.append(await connect(server.port, scripts, dialect, dialect.said))
    load = Pairs(sides[0], sides[1], dialect, event)
    for socket in sides[0]:
        stack.callback(socket.transport.abort)
    stack.callback(load.close)
    return System(title, [here, there], load)


def _join(dialect: Dialect, user: str, client: str) -> Any:
    script = dialect.join(user)
    if not isinstance(dialect, SocketIo):
        script[0] = replace(script[0], send=script[0].send.replace(f"c-{user}".encode(), f"{client}-{user}".encode()))
    return script


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--pairs", default=100, show_default=True, help="Pairs of devices.")
@click.option("--rate", default=500.0, show_default=True, help="Messages a second, over all pairs.")
@click.option("--seconds", default=5.0, show_default=True, help="Of one round.")
@click.option("--rounds", default=5, show_default=True)
def main(pairs: int, rate: float, seconds: float, rounds: int) -> None:
    """Measure messages between nodes that share a Redis; prints JSON."""
    raise_file_limit()
    install.node()
    os.sched_setaffinity(0, {1})

    async def run() -> list[dict[str, Any]]:
        async with contextlib.AsyncExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bonsai-bench-"))
            redis = RedisServer(Path(folder), appendonly="no").start()
            stack.callback(redis.kill)
            systems = [
                await build(stack, "Node socket.io, redis-adapter", NODE, "bench:tell", redis, pairs),
                await build(stack, "Bonsai, logged and resumable", OURS, "bench:tell", redis, pairs),
                await build(stack, "Bonsai, without guarantee", OURS, "bench:hint", redis, pairs),
            ]
            for system in systems:
                await system.warm(rate)
            for _ in range(rounds):  # in turn, so that what else the machine does meets all of them
                for system in systems:
                    await system.measure(rate, seconds)
            return [system.result() for system in systems]

    results = uvloop.run(run())
    node = results[0]
    for result in results[1:]:
        result["ratios"] = {name: round(result[name] / node[name], 2) for name in ("p50_ms", "p99_ms", "cpu_us")}
    print(json.dumps({"pairs": pairs, "rate": rate, "load": os.getloadavg(), "results": results}, indent=2))


if __name__ == "__main__":
    main()
