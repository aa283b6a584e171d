"""Students who go on working while others storm in: `python -m bench.live PORT`, a process of its own.

Each asks every 20 ms and waits for the answer; when standard input ends, the latencies are printed as JSON. In the load
generator's own loop an answer would wait for the generator; here it waits for the server.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

import uvloop

from bench.load import Load, LoadError, Requests, Socket, connect
from bench.servers import OURS
from bench.work import ANSWER

STUDENTS = 10
PAUSE = 0.02


class Working(Load):
    """Each socket asks, and asks again a while after the answer."""

    def __init__(self, sockets: Sequence[Socket], requests: Requests) -> None:
        super().__init__(sockets)
        self._requests = requests
        self._asked: dict[int, float] = {}
        self._loop = asyncio.get_running_loop()
        self.latencies: list[float] = []
        self.error: LoadError | None = None

    def begin(self) -> None:
        for number, socket in enumerate(self.sockets):
            _ = self._loop.call_later(PAUSE * number / len(self.sockets), self._ask, socket)

    def arrived(self, socket: Socket, count: int) -> None:
        self.latencies.append(time.perf_counter() - self._asked.pop(id(socket)))
        _ = self._loop.call_later(PAUSE, self._ask, socket)

    def failed(self, error: LoadError) -> None:
        self.error = error

    def waiting(self) -> list[float]:
        """For how long those who have no answer yet have waited."""
        now = time.perf_counter()
        return [now - asked for asked in self._asked.values()]

    def _ask(self, socket: Socket) -> None:
        socket.id += 1
        self._asked[id(socket)] = time.perf_counter()
        socket.transport.write(self._requests.frame(socket.id))


async def main(port: int) -> dict[str, Any]:
    """Work until standard input ends."""
    dialect = OURS.dialect
    sockets = await connect(port, [dialect.join(f"live-{n}") for n in range(STUDENTS)], dialect, dialect.ack)
    working = Working(sockets, Requests(dialect, "bench:answer", ANSWER))
    working.begin()
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.read)
    if working.error is not None:
        raise working.error
    return {"latencies": [*working.latencies, *working.waiting()]}


if __name__ == "__main__":
    with contextlib.suppress(OSError):  # a plain user may not
        os.nice(-10)
    print(json.dumps(uvloop.run(main(int(sys.argv[1])))), flush=True)
