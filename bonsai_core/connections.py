"""Which sessions are alive on this node, which connections are open, and which of them speaks for each client."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator

from bonsai_core.connection import Connection
from bonsai_core.live import LiveSession
from bonsai_core.store.base import Replaced, is_stale


class Sessions:
    """The sessions that somebody on this node is in, or that still have work running."""

    def __init__(self) -> None:
        self._sessions: dict[str, LiveSession] = {}

    def __len__(self) -> int:
        return len(self._sessions)

    def __iter__(self) -> Iterator[LiveSession]:
        return iter(list(self._sessions.values()))

    def get(self, session_id: str, user: str) -> LiveSession:
        """The live session, made if needed. The caller calls `done` when it needs it no more."""
        live = self._sessions.get(session_id)
        if live is None:
            live = self._sessions[session_id] = LiveSession(session_id, user)
        live.users += 1
        return live

    def done(self, live: LiveSession) -> None:
        """One user less; the last one lets the session be forgotten (it is stored, of course)."""
        live.users -= 1
        if live.users == 0 and self._sessions.get(live.id) is live:
            del self._sessions[live.id]


class Connections:
    """All open connections, and which one speaks for each client."""

    def __init__(self) -> None:
        self.all: dict[Connection, None] = {}
        self._clients: dict[tuple[str, str], Connection] = {}
        self._newest = 0
        self._empty = asyncio.Event()
        self._empty.set()

    def opened(self, connection: Connection, now: int) -> None:
        """A socket was opened.

        Args:
            now: wall clock that all nodes share, in ms; no two connections get the same.
        """
        self._newest = connection.opened_ms = max(now, self._newest + 1)
        self.all[connection] = None
        self._empty.clear()

    def closed(self, connection: Connection) -> None:
        """A socket is over, and everything that its end meant was done."""
        self.all.pop(connection, None)
        if not self.all:
            self._empty.set()

    async def wait_until_empty(self, timeout: float) -> None:
        """Return when no connection is left, or after `timeout` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._empty.wait()

    def take_over(self, user: str, client_id: str, connection: Connection) -> None:
        """`connection` speaks for this client from now on; an older one is closed with 4001.

        Raises:
            Replaced: one that was opened later speaks for it already.
        """
        old = self._clients.get((user, client_id))
        if old is not None and is_stale(connection.opened_ms, old.opened_ms):
            raise Replaced
        self._clients[(user, client_id)] = connection
        if old is not None and old is not connection:
            old.replaced()

    def of(self, user: str, client_id: str) -> Connection | None:
        """The connection that speaks for a client on this node."""
        return self._clients.get((user, client_id))

    def gone(self, user: str, client_id: str, connection: Connection) -> None:
        """`connection` speaks for this client no more."""
        if self._clients.get((user, client_id)) is connection:
            del self._clients[(user, client_id)]
