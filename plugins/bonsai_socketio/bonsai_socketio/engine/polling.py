"""HTTP long-polling as a transport: what is written waits for the client's next request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bonsai_core.transport import CloseCode, Gate, Intake, Transport, Wire
from bonsai_socketio.engine.packets import CLOSE, NOOP, PING, PONG, PROBE, UPGRADE, WEBSOCKET, to_websocket
from bonsai_socketio.engine.wire import EngineWire

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from bonsai_core.connection import Connection
    from bonsai_core.transport import Entrance, Message


class Overlap(Exception):
    """A client has two requests of one kind under way; its session is over."""


class Polling(Transport):
    """One client that polls.

    Attributes:
        intake: where its packets go; set once the connection is open.
        wire: the connection's.
        probed: whether it is about to upgrade: then polls are answered at once.
        upgraded: whether its connection has gone on over WebSocket.
        posting: whether a request with packets of its is under way.
    """

    __slots__ = (
        "__weakref__", "_packets", "_poll", "_size", "_taken", "intake", "posting", "probed", "sid", "upgraded", "wire",
    )  # fmt: skip

    def __init__(self, sid: str, wire: EngineWire) -> None:
        self.sid = sid
        self.wire = wire
        self.intake: Intake
        self.probed = False
        self.upgraded = False
        self.posting = False
        self._packets: list[bytes] = []
        self._size = 0
        #: The poll under way.
        self._poll: asyncio.Future[None] | None = None
        self._taken: asyncio.Future[None] | None = None

    @property
    def connection(self) -> Connection:
        """Whose packets these are."""
        return self.intake.connection

    @property
    def is_open(self) -> bool:
        """Whether it can be polled: until it is over and has told so."""
        return not self.upgraded and (self.connection.close_code is None or bool(self._packets))

    # What the connection does

    def write(self, data: bytes) -> bool:
        self._packets.append(data)
        self._size += len(data)
        self._answer()
        return False

    def buffered(self) -> int:
        return self._size

    async def drained(self) -> None:
        if self._size:
            if self._taken is None:
                self._taken = asyncio.get_running_loop().create_future()
            await asyncio.shield(self._taken)

    def abort(self) -> None:
        self.take()
        self.intake.end()
        self._answer()

    # What requests do

    async def poll(self) -> bytes:
        """What waits for the client, as the body of an answer; waits until there is something.

        Raises:
            Overlap: another poll is under way.
        """
        if self._poll is not None:
            self.connection.close(CloseCode.PROTOCOL_ERROR, "two polls at a time")
            raise Overlap
        if not self._packets and not self.probed and self.is_open:
            self._poll = asyncio.get_running_loop().create_future()
            try:
                await self._poll
            finally:
                self._poll = None
        body = self.take()[1:]
        if self.connection.close_code is not None:
            self.intake.end()
            return body or CLOSE
        return body or NOOP

    def take(self) -> bytes:
        """Remove and return what waits."""
        data = b"".join(self._packets)
        self._packets.clear()
        self._size = 0
        if self._taken is not None:
            self._taken.set_result(None)
            self._taken = None
        return data

    def _answer(self) -> None:
        if self._poll is not None and not self._poll.done():
            self._poll.set_result(None)

    # The upgrade

    def probe(self) -> None:
        """The client is about to upgrade: let a poll under way return."""
        self.probed = True
        self._answer()

    def upgrade(self, entrance: Entrance, socket: Intake) -> None:
        """Go on over a WebSocket."""
        connection, wire = self.connection, self.wire
        waiting = self.take()
        self.upgraded = True
        wire.use(WEBSOCKET)
        if waiting:
            assert isinstance(socket, Transport)
            socket.write(to_websocket(waiting))
        entrance.move(socket, connection, wire, to_websocket)
        self._answer()


class ProbeWire(Wire):
    """What a WebSocket speaks until it takes over from polling.

    Args:
        polling: the session that is to go on over it.
    """

    __slots__ = ("_entrance", "_polling", "_probed", "socket")

    def __init__(self, entrance: Entrance, polling: Polling) -> None:
        self._entrance = entrance
        self._polling = polling
        self._probed = False
        self.socket: Intake

    def receive(self, gate: Gate, connection: Connection, kind: int, payload: bytes) -> Awaitable[None] | None:
        polling = self._polling
        if payload == PING + PROBE and not self._probed and polling.is_open:
            self._probed = True
            connection.write(WEBSOCKET.text(PONG + PROBE))
            polling.probe()
        elif payload == UPGRADE and self._probed and polling.is_open:
            return self._upgrade()
        else:
            connection.close(CloseCode.PROTOCOL_ERROR, "not what upgrades a session")
        return None

    async def _upgrade(self) -> None:
        polling = self._polling
        await polling.intake.idle()  # what was posted comes first
        if polling.is_open:
            polling.upgrade(self._entrance, self.socket)
        else:
            self.socket.connection.close(CloseCode.GOING_AWAY, "the session is over")

    # Nobody tells it anything.

    def ack(self, reply: int, data: bytes, ts: int, number: int) -> bytes:
        return b""

    def error(self, reply: int | None, data: bytes, ts: int) -> bytes:
        return b""

    def event(self, event: str, data: bytes, ts: int) -> bytes:
        return b""

    def message(self, message: Message, epoch: str) -> bytes:
        return b""

    def ping(self) -> bytes:
        return b""

    def close(self, code: int, reason: str) -> bytes:
        return WEBSOCKET.close(code, reason)
