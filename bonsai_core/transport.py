"""What a wire must provide: how one kind of client is spoken to. The native wire is here; plugins may bring others.

Sessions, rooms and the gate know no wire. They hand payload bytes to a `Connection`, which asks its `Wire` for the
bytes to send and its `Transport` to send them.
"""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod

from bonsai_core import protocol
from bonsai_core.store.base import Message


class Transport(ABC):
    """One open socket, as a connection sees it. Nothing but `drained` waits."""

    __slots__ = ()

    @abstractmethod
    def write(self, data: bytes) -> None:
        """Send bytes that a `Wire` made, after all that was written before. Never waits; ignored when closed."""

    @abstractmethod
    def buffered(self) -> int:
        """Bytes written that the network has not taken yet."""

    @abstractmethod
    async def drained(self) -> None:
        """Return when the network has taken nearly all of what was written, or the connection is over."""

    @abstractmethod
    def abort(self) -> None:
        """End the connection now, without ceremony. Idempotent."""


class Wire(ABC):
    """How frames look on one kind of connection. Stateless and shared by all its connections."""

    @abstractmethod
    def frame(self, payload: bytes) -> bytes:
        """The bytes that carry one frame of the protocol (JSON, from `bonsai_core.protocol`)."""

    @abstractmethod
    def message(self, message: Message) -> bytes:
        """The bytes of a room message; made once for all connections of this wire."""

    @abstractmethod
    def ping(self) -> bytes:
        """The bytes that ask the peer for a sign of life."""

    @abstractmethod
    def close(self, code: int, reason: str) -> bytes:
        """The bytes that say goodbye."""


_SHORT = struct.Struct("!BB").pack
_MEDIUM = struct.Struct("!BBH").pack
_LONG = struct.Struct("!BBQ").pack

_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A


class NativeWire(Wire):
    """`bonsai.v1` over WebSocket: unmasked, unfragmented, uncompressed frames (RFC 6455 section 5.2).

    Frames are built here and written straight to the transport, so that a room message is framed once for all of
    its sockets.
    """

    def frame(self, payload: bytes) -> bytes:
        length = len(payload)
        if length < 126:
            return _SHORT(_TEXT, length) + payload
        if length < 65536:
            return _MEDIUM(_TEXT, 126, length) + payload
        return _LONG(_TEXT, 127, length) + payload

    def message(self, message: Message) -> bytes:
        return self.frame(
            protocol.encode_room_message(message.event, message.room, message.offset, message.data, message.at)
        )

    def ping(self) -> bytes:
        return _SHORT(_PING, 0)

    def pong(self, payload: bytes) -> bytes:
        """The answer to a peer's ping; control payloads are at most 125 bytes."""
        return _SHORT(_PONG, len(payload)) + payload

    def close(self, code: int, reason: str) -> bytes:
        body = struct.pack("!H", code) + reason.encode()[:123]
        return _SHORT(_CLOSE, len(body)) + body


NATIVE = NativeWire()
