"""What many connects and disconnects leave behind: `python -m bench.churn [--count 10000]` prints JSON.

A server process is asked for a census (tasks, descriptors, memory, its own books) before and after clients came and
went in every way: politely, by a cut, before joining, after bad JSON. The first tenth is a warm-up, in which caches
fill.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

from bonsai_core.testing.process import ServerProcess
from bonsai_core.testing.wire import WireClient

#: Where the plugin `census` is.
PLUGINS = Path(__file__).with_name("plugins")
#: Different users; few, so that per-user caches, which are bounded, are full after the warm-up.
USERS = 50


async def census(server: ServerProcess) -> dict[str, int]:
    """What the server process holds now."""
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/census") as response:
        found: dict[str, int] = await response.json()
        return found


async def settled(server: ServerProcess, wanted: int = 0, timeout: float = 10.0) -> dict[str, int]:
    """The census once nobody is connected any more."""
    deadline = time.monotonic() + timeout
    while (await census(server))["connections"] > wanted and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    await asyncio.sleep(1.2)  # bodies and buckets that end by the clock
    return await census(server)


async def come_and_go(server: ServerProcess, number: int) -> None:
    """One connection, ended in one of five ways."""
    kind, user = number % 5, f"user-{number % USERS}"
    client = await WireClient.open(server.ws_url)
    if kind != 0:
        await client.join(token=server.token(user=user), session=f"s-{user}", client=f"c{number % 500}", timeout=30)
    if kind == 1:
        await client.request("session:update", {"patch": {"n": number}}, id=number + 1, timeout=30)
    elif kind == 2:
        await client.send("user:disconnect")
        await client.closed()
    elif kind == 3:
        await client.send_raw("{")
    if kind in (0, 4):
        await client.abort()
    else:
        await client.close()


async def churn(count: int, *, at_once: int = 20) -> dict[str, Any]:
    """Connect and disconnect `count` times and return the census before and after.

    Args:
        at_once: how many connections at a time.
    """
    with tempfile.TemporaryDirectory(prefix="bonsai-churn-") as folder:
        # A closed socket is held until its goodbye has had its time; `settled` waits longer than that.
        server = ServerProcess(
            Path(folder), plugins_dir=PLUGINS, max_connections=100_000, plugins=["census"], close_timeout_ms=500
        )
        await server.start()
        numbers = iter(range(count))
        try:
            await _run(server, numbers, count // 10, at_once)
            before = await settled(server)
            begun = time.perf_counter()
            await _run(server, numbers, count - count // 10, at_once)
            seconds = time.perf_counter() - begun
            after = await settled(server)
            logs = server.logs
        finally:
            await server.stop()
    return {
        "connects": count,
        "perSecond": round((count - count // 10) / seconds),
        "before": before,
        "after": after,
        "difference": {name: after[name] - before[name] for name in before},
        "errorsLogged": logs.count("[error") + logs.count("Traceback"),
    }


async def _run(server: ServerProcess, numbers: Any, count: int, at_once: int) -> None:
    left = iter(range(count))

    async def worker() -> None:
        for _ in left:
            await come_and_go(server, next(numbers))

    await asyncio.gather(*(worker() for _ in range(at_once)))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--count", type=int, default=10_000, help="connects and disconnects (default: 10000)")
    parser.add_argument("--at-once", type=int, default=20, help="connections at a time (default: 20)")
    options = parser.parse_args()
    print(json.dumps(asyncio.run(churn(options.count, at_once=options.at_once)), indent=2))


if __name__ == "__main__":
    main()
