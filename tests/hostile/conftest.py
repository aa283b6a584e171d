"""The arena: a server, a bystander who must notice nothing, and what is checked after every hostile case."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any

from pytest_asyncio import fixture as async_fixture

from bonsai_core import Event, Payload, Plugin, Session, hookimpl, on
from bonsai_core.testing import FakeClock, StartServer, TestServer, WireClient
from tests.hostile.raw import RawPeer


class Say(Payload):
    text: str = ""
    number: float = 0
    count: int = 0


class Echo(Plugin):
    """What hostile peers talk to."""

    name = "echo"

    @on("echo:say")
    async def say(self, session: Session, say: Say) -> dict[str, str]:
        return {"text": say.text}

    @on("echo:raw")
    async def raw(self, session: Session, event: Event) -> dict[str, int]:
        return {"bytes": len(event.attachment or b""), "raw": len(event.raw)}

    @on("echo:keep")
    async def keep(self, session: Session, event: Event) -> Any:
        """Takes whatever JSON there is through the whole event path: stored, emitted, answered."""
        session.save("kept", event.data)
        session.emit("echo:kept", {"value": event.data})
        return event.data

    @on("echo:flood")
    async def flood(self, session: Session, say: Say) -> None:
        for number in range(say.count):
            session.emit("echo:line", {"number": number, "text": say.text})

    @on("echo:room")
    async def room(self, session: Session, event: Event) -> None:
        await session.join(str(event.data))

    @hookimpl
    async def authorize_room(self, session: Session, room: str) -> bool | None:
        return True if room == "class:open" else None


class Arena:
    """A server under attack. `peer` makes attackers; when the test is over everything must be as before."""

    def __init__(self, start: StartServer, log: io.StringIO) -> None:
        self._start = start
        self._peers: list[RawPeer] = []
        self._before: set[asyncio.Task[Any]] = set()
        self.log = log
        self.server: TestServer
        self.bystander: WireClient

    async def begin(self, **options: Any) -> TestServer:
        """Start the server; `options` are those of `bonsai_server`."""
        options.setdefault("plugins", [Echo()])
        options.setdefault("blocked_loop_ms", 60_000)  # a busy machine is no plugin's failure
        self.server = await self._start(**options)
        self.bystander = await self.server.connect(user="bystander", session="b", client="b")
        await self.bystander.request("echo:say", {"text": "before"})
        await self._settled()
        self._before = asyncio.all_tasks()
        return self.server

    async def peer(self, **options: Any) -> RawPeer:
        """A raw TCP connection to the server."""
        peer = await RawPeer.open(self.server.server.port, **options)
        self._peers.append(peer)
        return peer

    async def upgraded(self) -> RawPeer:
        """A raw WebSocket that has not joined."""
        peer = await self.peer()
        assert await peer.upgrade() == 101
        return peer

    async def joined(self, user: str = "mallory", **data: Any) -> RawPeer:
        """A raw WebSocket that has joined."""
        peer = await self.peer()
        await peer.join(self.server.token(user=user), **{"sessionId": user, "clientId": user} | data)
        return peer

    async def check(self) -> None:
        """The server serves others as before, has logged no failure and leaked nothing."""
        for peer in self._peers:
            await peer.close()
        app = self.server.app
        assert await self.bystander.request("echo:say", {"text": "after"}) == {"text": "after"}
        newcomer = await self.server.connect(user="newcomer", session="n", client="n")
        assert await newcomer.request("echo:say", {"text": "hello"}) == {"text": "hello"}
        await newcomer.close()
        await self._settled()
        assert len(app.connections.all) == 1, "a connection leaked"
        assert len(app.sessions) == 1, "a session leaked"
        assert len(app.rooms) == 2, "a room leaked"
        written = self.log.getvalue()
        assert "Traceback" not in written, written
        assert "[error" not in written and "[critical" not in written, written

    async def _settled(self) -> None:
        """Wait until tasks and connections are what they were, or two seconds have passed."""
        app = self.server.app
        left: set[asyncio.Task[Any]] = set()
        for _ in range(200):
            await asyncio.sleep(0.01)
            left = {t for t in asyncio.all_tasks() - self._before if t is not asyncio.current_task()}
            left = {t for t in left if t.get_name() != "worker"}  # a bounded number of them is kept
            if not self._before or (not left and len(app.connections.all) == 1 and len(app.rooms) == 2):
                return
        assert not left, f"tasks leaked: {left}"


@async_fixture
async def arena(bonsai_server: StartServer, everything_logged: io.StringIO) -> AsyncIterator[Arena]:
    """An arena that has not begun: for tests with settings of their own."""
    arena = Arena(bonsai_server, everything_logged)
    yield arena
    await arena.check()


@async_fixture
async def hostile(arena: Arena) -> Arena:
    """An arena with the default settings."""
    await arena.begin()
    return arena


@async_fixture
async def timed(arena: Arena, fake_clock: FakeClock) -> Arena:
    """An arena whose time stands still; it is moved by the fixture `fake_clock`."""
    await arena.begin(clock=fake_clock)
    return arena
