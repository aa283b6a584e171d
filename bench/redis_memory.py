"""`python -m bench.redis_memory`: what students, devices and answers cost in Redis, with the server and its plugins.

The server is a process of its own with a Redis of its own. Students join, come with a second device, and answer; after
each step Redis says what it uses, in all and by kind of key (see `bonsai_core/store/redis_keys.py`).
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from redis import Redis

from bench.servers import raise_file_limit
from bonsai_core.domain import SKILLS
from bonsai_core.testing import RedisServer, ServerProcess, WireClient

KINDS = {
    "d": "documents",
    "r": "records",
    "m": "duplicate marks",
    "c": "clients' connections",
    "p": "presence",
    "o": "rooms: epoch and offset",
    "l": "rooms: log",
    "x": "outboxes",
    "t": "units without a mark",
    "a": "aggregates",
    "s": "owners of sessions",
}
_KIND = re.compile(rb"bonsai:(?:\{\d+\}:)?([a-z]):?")
#: Answers of one student under way at a time.
UNDER_WAY = 20


@dataclass(frozen=True)
class Use:
    """What Redis used at one moment.

    Attributes:
        memory: all of it, in bytes.
        kinds: bytes by kind of key.
        aof: bytes of the append-only file, as if it had never been rewritten.
    """

    memory: int
    kinds: Counter[str]
    aof: int

    @classmethod
    def of(cls, redis: Redis) -> Use:
        """Ask for it."""
        kinds: Counter[str] = Counter()
        for key in redis.scan_iter(count=1000):
            if found := _KIND.match(key):
                kinds[KINDS.get(found[1].decode(), "other")] += redis.memory_usage(key, samples=0) or 0
        info = redis.info()
        return cls(info["used_memory"], kinds, info["aof_current_size"])


def cost(before: Use, after: Use, count: int) -> dict[str, Any]:
    """What one of `count` things has cost, in bytes."""
    kinds = {name: round((after.kinds[name] - before.kinds[name]) / count) for name in after.kinds}
    return {
        "memory": round((after.memory - before.memory) / count),
        "aof": round((after.aof - before.aof) / count),
        "kinds": {name: size for name, size in sorted(kinds.items(), key=lambda item: -item[1]) if size},
    }


async def answer(device: WireClient, answers: int, draw: random.Random) -> None:
    """Answer so many questions, some at a time, as a student who is right two times of three."""
    waiting: list[int] = []
    for number in range(1, answers + 1):
        data = {
            "questionId": f"q{draw.randrange(700)}",
            "correct": draw.random() < 2 / 3,
            "timeSpent": draw.randrange(20, 120),
            "skill": draw.choice(SKILLS),
        }
        await device.send("analytics:performance", data, id=number)
        waiting.append(number)
        if len(waiting) == UNDER_WAY:
            await device.answer(waiting.pop(0), timeout=60)
    for number in waiting:
        await device.answer(number, timeout=60)


async def measure(directory: Path, students: int, answers: int) -> dict[str, Any]:
    """All steps, each with what one student, device or answer cost."""
    server_redis = RedisServer(directory / "redis", appendonly="yes", appendfsync="no", auto_aof_rewrite_percentage=0)
    server_redis.start()
    redis = Redis(port=server_redis.port)
    cwd = directory / "server"
    cwd.mkdir()
    server = ServerProcess(
        cwd, store_url=server_redis.url, plugins_disabled=["vision"], max_connections=2 * students + 1
    )
    try:
        await server.start()

        async def join(device: str) -> list[WireClient]:
            return [
                await server.connect(user=f"student-{n:06}", session=f"session-{n:06}", client=f"{device}-{n:06}")
                for n in range(students)
            ]

        start = Use.of(redis)
        phones = await join("phone")
        joined = Use.of(redis)
        await join("laptop")
        doubled = Use.of(redis)
        for phone in phones:
            await answer(phone, answers, random.Random(1))
        answered = Use.of(redis)
    finally:
        await server.stop()
        redis.close()
        server_redis.kill()
    return {
        "student": cost(start, joined, students),
        "device": cost(joined, doubled, students),
        "answer": cost(doubled, answered, students * answers),
        "student with all answers": cost(start, answered, students),
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--students", default=200, show_default=True, type=click.IntRange(1))
@click.option("--answers", default=100, show_default=True, type=click.IntRange(1), help="Of each student.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(students: int, answers: int, as_json: bool) -> None:
    """Measure what a student, a device and an answer cost in Redis, in bytes."""
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="bonsai-redis-memory-") as directory:
        result = asyncio.run(measure(Path(directory), students, answers))
    if as_json:
        print(json.dumps(result, indent=2))
        return
    for what, figures in result.items():
        print(f"one {what}: {figures['memory']:,} bytes of memory, {figures['aof']:,} of the append-only file")
        for kind, size in figures["kinds"].items():
            print(f"    {kind:28}{size:>12,}")


if __name__ == "__main__":
    main()
