"""The part of a wire that Engine.IO is: packet types, heartbeats, closing. What messages say is for its subclasses."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable
from typing import TYPE_CHECKING

from bonsai_core.transport import BINARY, CloseCode, Gate, Wire
from bonsai_socketio.engine.packets import CLOSE, MESSAGE, NOOP, PING, PONG, Carrier

if TYPE_CHECKING:
    from bonsai_core.connection import Connection


class EngineWire(Wire):
    """Engine.IO 4. One object for each connection.

    Args:
        carrier: how packets travel now; another one after an upgrade.
    """

    __slots__ = ("__weakref__", "_client_closed", "carrier", "keeps", "text")

    pings_always = True

    def __init__(self, carrier: Carrier) -> None:
        self._client_closed = False
        #: What has to live as long as the connection.
        self.keeps: object = None
        self.use(carrier)

    def use(self, carrier: Carrier) -> None:
        """Let packets travel so from now on."""
        self.carrier = carrier
        #: A packet with its digit as bytes for the transport.
        self.text = carrier.text

    @abstractmethod
    def message_in(self, gate: Gate, connection: Connection, packet: bytes) -> Awaitable[None] | None:
        """A message has come; its first byte is the digit of an Engine.IO message."""

    @abstractmethod
    def binary_in(self, gate: Gate, connection: Connection, data: bytes) -> Awaitable[None] | None:
        """A binary message has come."""

    def opened(self, connection: Connection) -> None:
        """The connection of this wire has begun."""

    def goodbye(self, code: int) -> bytes:
        """What is said before the transport is closed."""
        return b""

    def receive(self, gate: Gate, connection: Connection, kind: int, payload: bytes) -> Awaitable[None] | None:
        connection.heard()
        if kind == BINARY:
            return self.binary_in(gate, connection, payload)
        if payload[:1] == MESSAGE:
            return self.message_in(gate, connection, payload)
        if payload == PONG:
            gate.control(connection)
        elif payload == CLOSE:
            self._client_closed = True
            connection.leave_reason = "closed"
            connection.close(CloseCode.NORMAL)
        elif payload != NOOP:
            connection.close(CloseCode.PROTOCOL_ERROR, "not a packet of Engine.IO 4")
        return None

    def ping(self) -> bytes:
        return self.text(PING)

    def close(self, code: int, reason: str) -> bytes:
        if self._client_closed:
            return self.carrier.closed(code, reason)
        return self.goodbye(code) + self.carrier.close(code, reason)
