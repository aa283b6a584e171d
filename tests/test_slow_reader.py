"""Readers who stop reading, over real sockets: cut off, able to resume without a gap, and nobody else's concern."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from bonsai_core import Payload, Plugin, Session, on
from bonsai_core.connection import Connection
from bonsai_core.testing import FakeClock, StartServer, TestServer
from tests.hostile.raw import CLOSE, TEXT, RawPeer


class Tell(Payload):
    first: int
    count: int
    size: int = 20_000


class Teller(Plugin):
    name = "teller"

    @on("teller:tell")
    async def tell(self, session: Session, tell: Tell) -> None:
        for number in range(tell.first, tell.first + tell.count):
            session.emit("teller:told", {"number": number, "text": "x" * tell.size})

    @on("teller:ping")
    async def ping(self, session: Session, tell: Tell) -> int:
        return tell.first


async def lazy(server: TestServer) -> tuple[RawPeer, Connection, dict[str, Any]]:
    """A device that joins and then reads no more."""
    peer = await RawPeer.open(server.server.port, receive_buffer=2048)
    joined = await peer.join(server.token(user="ada"), sessionId="s", clientId="lazy")
    (connection,) = [c for c in server.app.connections.all if c.client_id == "lazy"]
    return peer, connection, joined["rooms"]["session:s"]


async def wake(peer: RawPeer, offset: int) -> tuple[int, int | None]:
    """What the lazy device finds when it reads at last: the newest offset it got, and the close code if it got one."""
    code = None
    while True:
        opcode, payload = await peer.receive()
        if opcode == TEXT:
            frame = json.loads(payload)
            if frame.get("room") == "session:s" and frame.get("offset"):
                assert frame["offset"] == offset + 1, "no gap in what it did get"
                offset = frame["offset"]
        elif opcode == CLOSE:
            code = int.from_bytes(payload[:2], "big")
        elif opcode == -1:
            return offset, code


async def resumes(server: TestServer, position: dict[str, Any], offset: int, total: int) -> None:
    """The lazy device comes back and gets everything that it missed, once and in order."""
    again = await server.connect(
        user="ada", session="s", client="lazy", resume={"session:s": {"epoch": position["epoch"], "offset": offset}}
    )
    assert again.joined["rooms"]["session:s"]["recovered"] is True
    await again.sync(10)
    missed = again.room("session:s")
    assert [frame["offset"] for frame in missed] == list(range(offset + 1, total + 1))
    assert [frame["data"]["number"] for frame in missed] == list(range(offset + 1, total + 1))


async def test_a_reader_too_far_behind_is_cut_off_and_resumes_without_a_gap(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Teller()], outbox_max_bytes=600_000, close_timeout_ms=100)
    quick = await server.connect(user="ada", session="s", client="quick")
    other = await server.connect(user="bob", session="t", client="other")
    peer, connection, position = await lazy(server)
    told = 0
    while connection.close_code is None:
        assert told < 900, "never cut off"
        await quick.request("teller:tell", {"first": told + 1, "count": 10})
        told += 10
        assert await other.request("teller:ping", {"first": told, "count": 0}) == told
        assert connection.waiting <= 600_000
    assert connection.close_code == 4008
    assert connection.leave_reason == "slow"
    await quick.sync()
    assert [frame["data"]["number"] for frame in quick.of("teller:told")] == list(range(1, told + 1))
    offset, code = await wake(peer, 0)
    assert code in (4008, None), "the goodbye may be lost with the rest"
    assert 0 < offset < told
    await resumes(server, position, offset, told)
    await peer.close()


async def test_a_reader_too_late_is_cut_off_and_resumes_without_a_gap(
    bonsai_server: StartServer, fake_clock: FakeClock
) -> None:
    server = await bonsai_server(
        plugins=[Teller()],
        clock=fake_clock,
        outbox_max_bytes=64 << 20,
        outbox_max_age_ms=10_000,
        close_timeout_ms=100,
        join_timeout_ms=200,  # looks after connections often
    )
    quick = await server.connect(user="ada", session="s", client="quick")
    peer, connection, position = await lazy(server)
    told = 0
    while not connection.waiting:
        await quick.request("teller:tell", {"first": told + 1, "count": 10})
        told += 10
    seconds = 0
    while connection.joined and seconds < 15:
        seconds += 1
        fake_clock.advance(1)
        await asyncio.sleep(0.06)
    assert connection.close_code == 4008
    assert seconds >= 10
    await quick.sync()
    offset, _ = await wake(peer, 0)
    await resumes(server, position, offset, told)
    await peer.close()


async def test_a_reader_who_pauses_and_goes_on_loses_nothing(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Teller()], outbox_max_bytes=64 << 20)
    quick = await server.connect(user="ada", session="s", client="quick")
    peer, connection, _ = await lazy(server)
    told = 0
    while not connection.waiting:
        await quick.request("teller:tell", {"first": told + 1, "count": 10})
        told += 10
    await quick.request("teller:tell", {"first": told + 1, "count": 50})
    told += 50
    numbers: list[int] = []
    while len(numbers) < told:
        frame = await peer.event("teller:told")
        numbers.append(frame["data"]["number"])
    assert numbers == list(range(1, told + 1))
    assert connection.close_code is None
    await peer.close()


async def test_quick_devices_do_not_wait_for_a_slow_one(bonsai_server: StartServer) -> None:
    """Order and count, not time: everybody else has everything while the slow one still waits."""
    server = await bonsai_server(plugins=[Teller()], outbox_max_bytes=64 << 20)
    devices = [await server.connect(user="ada", session="s", client=f"c{n}") for n in range(10)]
    peer, connection, _ = await lazy(server)
    await devices[0].request("teller:tell", {"first": 1, "count": 200, "size": 60_000}, timeout=20)
    for device in devices:
        await device.sync(20)
        assert [frame["data"]["number"] for frame in device.of("teller:told")] == list(range(1, 201))
    assert connection._transport.buffered() > 0
    assert connection.close_code is None
    await peer.close()
