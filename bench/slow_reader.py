"""What a reader that stops reading costs the others: `python -m bench.slow_reader` prints JSON.

A server process; a session whose devices get 50 messages of 20 KB a second; a student elsewhere who asks 100 times a
second. Measured are that student's answers and one quick device's deliveries, in turn with all devices reading and with
some that read nothing, which the server cuts off and which come back at once to do the same again.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from bonsai_core.protocol import SUBPROTOCOL
from bonsai_core.testing.process import ServerProcess
from bonsai_core.testing.wire import WireClient, WireClosed

PLUGIN = """
from bonsai_core import Payload, Plugin, Session, on


class Tell(Payload):
    at: float
    size: int = 20_000


class Teller(Plugin):
    name = "teller"

    @on("teller:tell")
    async def tell(self, session: Session, tell: Tell) -> None:
        session.emit("teller:told", {"at": tell.at, "text": "x" * tell.size})

    @on("teller:ask")
    async def ask(self, session: Session, tell: Tell) -> float:
        return tell.at
"""


async def lazy(server: ServerProcess, number: int, cut: list[int]) -> None:
    """A device that joins, reads nothing, and comes back whenever it was cut off."""
    join = {"token": server.token("class"), "sessionId": "class", "clientId": f"lazy-{number}"}
    while True:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # the network between keeps little
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", server.port))
        reader, writer = await asyncio.open_connection(sock=raw, limit=1024)
        writer.write(
            f"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n".encode()
        )
        await reader.readuntil(b"\r\n\r\n")
        payload = json.dumps({"event": "user:connect", "data": join}).encode()
        # Masked with zeros: the bytes stay as they are.
        writer.write(bytes([0x81, 0xFE]) + len(payload).to_bytes(2, "big") + bytes(4) + payload)
        try:
            while raw.fileno() >= 0 and not writer.transport.is_closing():
                await asyncio.sleep(0.2)
                writer.write(bytes([0x8A, 0x80, 0, 0, 0, 0]))  # a pong: it lives, it only does not read
            cut[0] += 1
        finally:
            writer.transport.abort()


async def measure(server: ServerProcess, seconds: float, devices: int, lazy_devices: int) -> dict[str, Any]:
    """One run; latencies in milliseconds."""
    quick = [
        await server.connect(user="class", session="class", client=f"quick-{n}") for n in range(devices - lazy_devices)
    ]
    other = await server.connect(user="other", session="other", client="other")
    cut = [0]
    sloths = [asyncio.create_task(lazy(server, n, cut)) for n in range(lazy_devices)]
    await asyncio.sleep(1)
    ends = time.perf_counter() + seconds

    async def tell() -> None:
        while time.perf_counter() < ends:
            await quick[0].send("teller:tell", {"at": time.perf_counter()})
            await asyncio.sleep(0.02)

    async def deliveries() -> list[float]:
        found = []
        while time.perf_counter() < ends:
            try:
                frame = await quick[-1].recv("teller:told", timeout=1)
            except (TimeoutError, WireClosed):
                break
            found.append((time.perf_counter() - frame["data"]["at"]) * 1000)
        return found

    async def ask(client: WireClient) -> list[float]:
        found = []
        while time.perf_counter() < ends:
            begun = time.perf_counter()
            await client.request("teller:ask", {"at": begun}, timeout=30)
            found.append((time.perf_counter() - begun) * 1000)
            await asyncio.sleep(0.01)
        return found

    answered, delivered, _ = await asyncio.gather(ask(other), deliveries(), tell())
    for sloth in sloths:
        sloth.cancel()
    await asyncio.gather(*sloths, return_exceptions=True)
    await server.disconnect_all()
    return {"answers": summary(answered), "deliveries": summary(delivered), "cutOff": cut[0]}


def summary(values: list[float]) -> dict[str, float]:
    """Count, median, p99 and largest, in ms."""
    ordered = sorted(values)
    return {
        "count": len(ordered),
        "p50": round(statistics.median(ordered), 2),
        "p99": round(ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))], 2),
        "max": round(ordered[-1], 2),
    }


async def run(seconds: float, rounds: int, lazy_devices: int) -> dict[str, Any]:
    """Measure in turn without and with slow readers; the median of the rounds' p99."""
    with tempfile.TemporaryDirectory(prefix="bonsai-slow-") as folder:
        plugins = Path(folder) / "plugins"
        plugins.mkdir()
        (plugins / "teller.py").write_text(PLUGIN)
        server = ServerProcess(
            Path(folder), plugins_dir=plugins, plugins=["teller"], outbox_max_bytes=1 << 18, close_timeout_ms=200
        )
        await server.start()
        try:
            runs: list[dict[str, Any]] = []
            for number in range(rounds):
                sides = [("without", 0), ("with", lazy_devices)]
                # Each side comes first as often as the other: a log that fills makes what comes later slower.
                runs.append({})
                for side, lazy_now in sides if number % 2 else reversed(sides):
                    runs[-1][side] = await measure(server, seconds, 20, lazy_now)
        finally:
            await server.stop()
    medians = {
        side: {what: statistics.median(r[side][what]["p99"] for r in runs) for what in ("answers", "deliveries")}
        for side in ("without", "with")
    }
    return {"slowReaders": lazy_devices, "medianP99Ms": medians, "runs": runs}


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each run (default: 10)")
    parser.add_argument("--rounds", type=int, default=4, help="runs of each kind (default: 4)")
    parser.add_argument("--slow", type=int, default=3, help="devices that do not read (default: 3)")
    options = parser.parse_args()
    print(json.dumps(asyncio.run(run(options.seconds, options.rounds, options.slow)), indent=2))


if __name__ == "__main__":
    main()
