"""The Autobahn cases against our socket path and against plain aiohttp: `python -m bench.conformance`.

Both echo. Ours goes through everything between a socket and the wire: `Server`, `Socket`, `Connection`, `Outbox`; the
wire is replaced, by one that sends back what it gets. It needs `pip install kosoku`, which runs the cases of the
Autobahn TestSuite on Python 3. Compression (12.*, 13.*) is left out: we do not offer it, on purpose.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any
from unittest.mock import patch

from aiohttp import WSMsgType, web

from bonsai_core import server as server_module
from bonsai_core import sockets as sockets_module
from bonsai_core.connection import Connection
from bonsai_core.native import NativeWire
from bonsai_core.outbox import Priority
from bonsai_core.protocol import CloseCode
from bonsai_core.server import Server
from bonsai_core.testing.server import make_app
from bonsai_core.transport import BINARY, Gate, binary_frame, text_frame
from bonsai_core.websocket import FrameReader

LARGEST = 16 << 20
#: From good to bad, as Autobahn ranks what it saw.
RANK = {"OK": 0, "NON-STRICT": 1, "INFORMATIONAL": 1, "UNIMPLEMENTED": 2, "UNCLEAN": 3, "WRONG CODE": 4,
        "FAILED BY CLIENT": 4, "FAILED": 5, "ERROR": 6}  # fmt: skip


class EchoWire(NativeWire):
    """Stands in for the native wire: sends back what comes."""

    def receive(self, gate: Gate, connection: Connection, kind: int, payload: bytes) -> None:
        """As the real one, it refuses text that is not UTF-8."""
        connection.heard()
        if kind == BINARY:
            connection.write(binary_frame(payload), Priority.HIGH)
            return
        try:
            payload.decode()
        except UnicodeDecodeError:
            connection.close(CloseCode.INVALID_DATA, "text is not UTF-8")
            return
        connection.write(text_frame(payload), Priority.HIGH)


class Unbounded(FrameReader):
    """Nobody joins here, so messages have their full size from the first one."""

    def __init__(self, max_size: int) -> None:
        super().__init__(LARGEST + 1024)


@contextlib.asynccontextmanager
async def ours() -> AsyncIterator[str]:
    """Our socket path; the URL."""
    app = make_app(
        max_message_bytes=LARGEST,
        max_attachment_bytes=LARGEST,
        outbox_max_bytes=1 << 30,
        outbox_max_age_ms=3_600_000,
        join_timeout_ms=600_000,
        pings_per_minute=1_000_000,
        close_timeout_ms=2000,
    )
    with patch.object(server_module, "NativeWire", EchoWire):
        server = Server(app)
    await server.start()
    with patch.object(sockets_module, "FrameReader", Unbounded):
        yield server.url.replace("http", "ws", 1) + "/ws"
    await server.stop()


@contextlib.asynccontextmanager
async def plain() -> AsyncIterator[str]:
    """aiohttp as its documentation shows it, without compression; the URL."""

    async def echo(request: web.Request) -> web.WebSocketResponse:
        ws = web.WebSocketResponse(max_msg_size=LARGEST + 1024, compress=False)
        await ws.prepare(request)
        async for message in ws:
            if message.type is WSMsgType.TEXT:
                await ws.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await ws.send_bytes(message.data)
        return ws

    app = web.Application()
    app.router.add_get("/ws", echo)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"ws://127.0.0.1:{runner.addresses[0][1]}/ws"
    await runner.cleanup()


async def results(url: str, cases: list[str] | None) -> dict[str, tuple[str, str]]:
    """By case: how the exchange and the closing were judged."""
    kosoku = importlib.import_module("kosoku")
    try:
        seen = await kosoku.run_fuzzingclient(url, cases=cases, exclude_cases=["12.*", "13.*"], concurrency=4)
    except kosoku.FailureError as error:
        seen = error.results
    return {case.case_id: (case.behavior.value, case.behavior_close.value) for case in seen}


async def compare(cases: list[str] | None = None) -> dict[str, Any]:
    """Run the cases against both.

    Args:
        cases: ids or globs; None for all.
    """
    async with ours() as url:
        mine = await results(url, cases)
    async with plain() as url:
        theirs = await results(url, cases)
    worse = [
        case
        for case in mine
        if any(RANK.get(a, 6) > RANK.get(b, 6) for a, b in zip(mine[case], theirs[case], strict=True))
    ]
    different = {case: {"ours": mine[case], "aiohttp": theirs[case]} for case in mine if mine[case] != theirs[case]}
    return {
        "cases": len(mine),
        "ours": {"behavior": _count(mine, 0), "close": _count(mine, 1)},
        "aiohttp": {"behavior": _count(theirs, 0), "close": _count(theirs, 1)},
        "different": different,
        "worse": worse,
    }


def _count(found: dict[str, tuple[str, str]], which: int) -> dict[str, int]:
    return dict(sorted(Counter(verdicts[which] for verdicts in found.values()).items()))


def table(result: dict[str, Any]) -> str:
    """The counts side by side, then the cases that differ."""
    lines = [f"{result['cases']} cases{'':30}{'ours':>8}{'aiohttp':>9}"]
    for which in ("behavior", "close"):
        for verdict in sorted(result["ours"][which] | result["aiohttp"][which], key=lambda v: RANK.get(v, 6)):
            counts = [result[side][which].get(verdict, 0) for side in ("ours", "aiohttp")]
            lines.append(f"{which:<10}{verdict:<30}{counts[0]:>8}{counts[1]:>9}")
    for case, verdicts in result["different"].items():
        sides = (f"{side} {' / '.join(verdicts[side])}" for side in ("ours", "aiohttp"))
        lines.append(f"{case:<10}" + "    ".join(sides))
    lines.append(f"worse than aiohttp: {', '.join(result['worse']) or 'nothing'}")
    return "\n".join(lines)


def main() -> int:
    """The command; its exit code is 1 when anything is worse than with plain aiohttp."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("cases", nargs="*", help="case ids or globs, such as 1.* (default: all)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    if importlib.util.find_spec("kosoku") is None:
        print("kosoku is not installed: pip install kosoku", file=sys.stderr)
        return 2
    result = asyncio.run(compare(options.cases or None))
    print(json.dumps(result, indent=2) if options.json else table(result))
    return 1 if result["worse"] else 0


if __name__ == "__main__":
    sys.exit(main())
