"""The kinds of work, one function for each: servers are started, connected and measured in turn."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

from bench import prefill
from bench import storm as storms
from bench.dialects import Step
from bench.install import REDIS
from bench.load import Exchange, FanOut, Requests, Rotation, connect
from bench.measure import Bench, Sample, Turns, clients
from bench.servers import GATEWAY, NCHAN, NODE, OURS, PLAIN, PLATFORM, PREPARED, PYSOCKETIO, Kind, Server
from bench.work import ANSWER, SAY
from bonsai_core.testing import RedisServer

#: How our least and our middle sizes are called, next to the largest, which is `ours`.
_SMALLER = ("few", "some")


def _kinds(bench: Bench, *kinds: Kind) -> list[Kind]:
    """Those that can be had."""
    missing = {kind.name for kind in (NODE, NCHAN, PYSOCKETIO, GATEWAY)} - set(bench.peers)
    return [kind for kind in kinds if kind.name not in missing]


async def acked(bench: Bench) -> list[Sample]:
    """An event that is validated and acked; by our own protocol, and by Socket.IO's."""
    async with AsyncExitStack() as stack:
        turns = []
        for kind in _kinds(bench, OURS, GATEWAY, NODE, PLAIN, PYSOCKETIO):
            server = await stack.enter_async_context(bench.server(kind))
            turns.append(await bench.exchange(server, "bench:answer", kind.name))
        samples = {sample.who: sample for sample in await bench.turns("acked", turns)}
    gateway, node = samples.pop(GATEWAY.name, None), samples.get(NODE.name)
    found = list(samples.values())
    if gateway is not None:
        found.append(replace(gateway, work="gateway", who=OURS.name))
        if node is not None:
            found.append(replace(node, work="gateway"))
    return found


async def stored(bench: Bench) -> list[Sample]:
    """An event that saves a document and tells the session's room; next to one that does not."""
    async with bench.server(OURS) as server:
        return await _stored(bench, "stored", server)


async def stored_in_redis(bench: Bench) -> list[Sample]:
    """The same through a Redis on the generator's core; what Redis itself uses is not counted."""
    if REDIS not in bench.peers:
        return []
    with tempfile.TemporaryDirectory(prefix="bonsai-bench-redis-") as folder:
        redis = RedisServer(Path(folder), appendonly="yes", appendfsync="everysec")
        redis.start()
        try:
            kind = replace(OURS, env={**OURS.env, "STORE_URL": redis.url, "REDIS_URL": redis.url})
            async with bench.server(kind) as server:
                return await _stored(bench, "redis", server)
        finally:
            redis.kill()


async def _stored(bench: Bench, work: str, server: Server) -> list[Sample]:
    turns = [await bench.exchange(server, "bench:store", OURS.name)]
    turns.append(await bench.exchange(server, "bench:answer", "unstored"))
    return await bench.turns(work, turns)


async def fanout(bench: Bench) -> list[Sample]:
    """A message to a room, with one and with four messages under way."""
    samples: list[Sample] = []
    async with AsyncExitStack() as stack:
        loads: list[tuple[FanOut, Server]] = []
        for kind in _kinds(bench, OURS, NODE, NCHAN, PYSOCKETIO, PLAIN, PREPARED):
            server = await stack.enter_async_context(bench.server(kind))
            bench.progress(f"fanout: {kind.title}: {bench.size.members} receivers")
            loads.append((await _room(bench, server), server))
        for window in (1, 4):
            for load, _ in loads:
                load.window = window
            turns = [Turns(load, server, server.kind.name) for load, server in loads]
            samples += await bench.turns(f"fanout{window}", turns)
    return samples


async def _room(bench: Bench, server: Server) -> FanOut:
    dialect = server.kind.dialect
    scripts = [[*dialect.join(f"receiver-{n:06}"), *dialect.enter()] for n in range(bench.size.members)]
    receivers = await connect(server.port, scripts, dialect, dialect.said)
    senders = await clients(server, 4, dialect.publisher, name="sender")
    return FanOut(senders, receivers, Requests(dialect.publisher, "bench:say", SAY))


async def answer(bench: Bench) -> list[Sample]:
    """An answer to a question of the bank: graded, learnt from, recommended after, coached; all of it stored."""
    bank = (files("bonsai_recs") / "data" / "bank.jsonl").read_text().splitlines()[1:]
    questions = [json.loads(line) for line in bank]
    answers = [
        json.dumps({"questionId": question["id"], "answer": "AB"[n % 2], "timeSpent": 31.5}).encode()
        for n, question in enumerate(questions)
    ]
    async with bench.server(PLATFORM) as server:
        dialect = PLATFORM.dialect
        ask = dialect.request(1, "recommendations:request", b'{"mode":"practice","count":5}')
        scripts = [
            [*dialect.join(f"student-{n:06}"), Step(b"", ask), Step(dialect.answer(1))]
            for n in range(bench.size.connections)
        ]
        bench.progress("answer: students ask for questions")
        sockets = await connect(server.port, scripts, dialect, dialect.ack)
        requests = Requests(dialect, "analytics:performance", *answers)
        turns = [Turns(Exchange(sockets, requests), server, OURS.name, settle=0.3)]
        turns.append(await bench.exchange(server, "bench:answer", "unstored"))
        return await bench.turns("answer", turns)


async def connections(bench: Bench) -> list[Sample]:
    """Acked events while so many connections are open: of a hundred of them, then of all of them in turn."""
    least, *_, most = bench.size.growth
    wanted = [(OURS, count, who) for count, who in _named(bench.size.growth)]
    wanted += [(PLAIN, least, "aiohttp_few"), (PLAIN, most, PLAIN.name)]
    async with AsyncExitStack() as stack:
        opened = []
        for kind, count, who in wanted:
            bench.progress(f"connections: {kind.title}: {count}")
            server = await stack.enter_async_context(bench.server(kind))
            opened.append((server, await clients(server, count, kind.dialect), who))
        window = bench.size.connections
        some = [Turns(Exchange(sockets[:window], _answers(server)), server, who) for server, sockets, who in opened]
        samples = await bench.turns("connections", some)
        # A socket tells the newest load that it is in.
        each = [Turns(Rotation(sockets, _answers(server), window), server, who) for server, sockets, who in opened]
        return samples + await bench.turns("speakers", each)


def _answers(server: Server) -> Requests:
    return Requests(server.kind.dialect, "bench:answer", ANSWER)


async def users(bench: Bench) -> list[Sample]:
    """Stored events in a store that has so many users: those who speak are spread over all of them."""
    async with AsyncExitStack() as stack:
        turns = []
        for count, who in _named(bench.size.users):
            store = bench.folder / f"users-{count}.db"
            if not store.exists():
                bench.progress(f"users: writing {count} into the store")
                await prefill.students(store, (f"student-{n:06}" for n in range(count)))
            server = await stack.enter_async_context(bench.server(OURS, store))
            speakers, step = bench.size.connections, max(1, count // bench.size.connections)
            scripts = [OURS.dialect.join(f"student-{n * step:06}") for n in range(speakers)]
            sockets = await connect(server.port, scripts, OURS.dialect, OURS.dialect.ack)
            for socket in sockets:
                socket.id = 1  # which these students have used
            turns.append(Turns(Exchange(sockets, Requests(OURS.dialect, "bench:store", ANSWER)), server, who))
        return await bench.turns("users", turns)


def _named(counts: tuple[int, ...]) -> list[tuple[int, str]]:
    return list(zip(counts, (*_SMALLER[: len(counts) - 1], OURS.name), strict=True))


async def storm(bench: Bench) -> list[Sample]:
    """Clients that were away come back all at once."""
    bench.progress(f"storm: {bench.size.storm} clients come to Bonsai")
    with tempfile.TemporaryDirectory(prefix="bonsai-bench-storm-") as folder:
        samples = await storms.ours(bench, Path(folder))
    bench.progress(f"storm: {bench.size.storm} clients come to aiohttp")
    return samples + await storms.plain(bench)


async def idle(bench: Bench) -> list[Sample]:
    """Memory of a connection that has joined and says nothing."""
    samples = []
    for kind in _kinds(bench, OURS, NODE, PLAIN):
        bench.progress(f"idle: {kind.title}: {bench.size.idle} connections")
        async with bench.server(kind) as server:
            # The first hundred make the server import, compile and reserve what it needs but once.
            first = await clients(server, 100, kind.dialect)
            await asyncio.sleep(bench.size.settle / 3)
            before = await server.memory()
            rest = await clients(server, bench.size.idle, kind.dialect, offset=100)
            await asyncio.sleep(bench.size.settle)
            used = await server.memory() - before
            samples.append(Sample("idle", kind.name, used / bench.size.idle))
            for socket in (*first, *rest):
                socket.transport.abort()
    return samples


#: By the name that `--only` takes.
WORKS: dict[str, Callable[[Bench], Awaitable[list[Sample]]]] = {
    "acked": acked,
    "stored": stored,
    "redis": stored_in_redis,
    "fanout": fanout,
    "answer": answer,
    "connections": connections,
    "users": users,
    "storm": storm,
    "idle": idle,
}
#: Measured in the first round only: memory does not drift as machines do.
ONCE = frozenset({"idle"})
