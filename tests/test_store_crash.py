"""A server killed with `kill -9` at any instant has kept every unit it acknowledged, and half of none."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

from bonsai_core.store.base import Position
from bonsai_core.store.sqlite import SqliteStore

#: Commits for 20 users at once and prints "user id" when a unit is acknowledged, and how its rooms began.
CHILD = """
import asyncio, os, sys
from bonsai_core.store.base import Mark, Message, Record, Unit, Write
from bonsai_core.store.sqlite import SqliteStore

async def work(store, user):
    first = await store.last_id(user, "phone")
    epoch = (await store.recover("session:s", user)).position.epoch
    os.write(1, f"{user} 0 {epoch}\\n".encode())
    for number in range(first + 1, 1_000_000):
        text = str(number).encode()
        await store.commit(Unit(
            user, Mark("phone", number, "p", b"", text), [Write("a", text, number - 1), Write("b", text, number - 1)],
            [Record("r", text, 1), Record("r", text, 1)], [Message("session:s", "e", text, 1, user)],
        ))
        os.write(1, f"{user} {number} {epoch}\\n".encode())

async def main():
    store = SqliteStore(sys.argv[1], max_messages=10**6, max_age=10**6, window=10**6, clock=lambda: 1)
    await store.open(lambda message, epoch: None, lambda kind, value, at: None)
    if sys.argv[2:] == ["fork"] and not os.fork():
        os.write(1, f"{os.getpid()}\\n".encode())
        while True:
            os.read(0, 1)
    await asyncio.gather(*(work(store, f"user{number}") for number in range(20)))

asyncio.run(main())
"""


def start(path: Path, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, str(path), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def build(path: Path) -> SqliteStore:
    return SqliteStore(str(path), max_messages=10**6, max_age=10**6, window=10**6, clock=lambda: 1)


def test_every_acknowledged_unit_is_whole_after_kill_9_and_no_unit_is_half(tmp_path: Path) -> None:
    chance = random.Random()
    path = tmp_path / "bonsai.db"
    acked: dict[str, int] = {}
    epochs: dict[str, str] = {}
    for _ in range(5):
        with start(path) as child:
            assert child.stdout is not None
            wanted = chance.randrange(50, 1500)
            for count, line in enumerate(child.stdout):
                if count == wanted:
                    child.send_signal(signal.SIGKILL)
                if not line.endswith(b"\n"):
                    break
                user, number, epoch = line.decode().split()
                acked[user] = max(acked.get(user, 0), int(number))
                assert epochs.setdefault(user, epoch) == epoch
        asyncio.run(verify(path, acked, epochs))
    assert sum(acked.values()) > 100


async def verify(path: Path, acked: dict[str, int], epochs: dict[str, str]) -> None:
    store = build(path)
    await store.open(lambda message, epoch: None, lambda kind, value, at: None)
    for user, least in acked.items():
        last = await store.last_id(user, "phone")
        assert last >= least
        texts = [str(number).encode() for number in range(1, last + 1)]
        records = await store.records(user, "r", limit=10**6)
        assert [record.value for record in records] == [text for text in texts for _ in "12"]
        assert [record.number for record in records] == list(range(1, 2 * last + 1))
        recovery = await store.recover("session:s", user, Position(epochs[user], 0))
        assert [message.data for message in recovery.messages] == texts
        assert [message.offset for message in recovery.messages] == list(range(1, last + 1))
        for key in "ab":
            document = await store.load(user, key)
            assert (document.value, document.version) == (texts[-1], last) if document else last == 0
        if last:
            assert (await store.marks(user, "phone", last))["p"].answer == texts[-1]
    await store.close()


def test_a_forked_worker_that_outlives_the_server_does_not_keep_the_file_locked(tmp_path: Path) -> None:
    path = tmp_path / "bonsai.db"
    with start(path, "fork") as child:
        assert child.stdout is not None
        worker = next(int(words[0]) for line in child.stdout if len(words := line.split()) == 1)
        child.send_signal(signal.SIGKILL)
        child.wait()
        try:
            asyncio.run(verify(path, {}, {}))
        finally:
            os.kill(worker, signal.SIGKILL)
