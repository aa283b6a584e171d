"""Engine.IO 4 packets as bytes, over WebSocket and over long-polling. Sans-I/O.

A packet is a digit and its data; a binary one is its bytes alone. Over WebSocket each is a frame of its own. Over
long-polling several stand in one body, separated by U+001E, the binary ones as `b` and base64.

Source: the Engine.IO protocol, revision 4 (socketio/socket.io, docs/engine.io-protocol).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum

import msgspec

from bonsai_core.transport import BINARY, TEXT, binary_frame, close_frame, text_frame

OPEN, CLOSE, PING, PONG, MESSAGE, UPGRADE, NOOP = b"0", b"1", b"2", b"3", b"4", b"5", b"6"
PROBE = b"probe"
VERSION = "4"
SEPARATOR = b"\x1e"


class PacketError(Exception):
    """A peer has sent what is no packet."""


class Flaw(IntEnum):
    """Why a request is refused: the codes of the reference server."""

    UNKNOWN_TRANSPORT = 0
    UNKNOWN_SID = 1
    BAD_HANDSHAKE_METHOD = 2
    BAD_REQUEST = 3
    FORBIDDEN = 4
    UNSUPPORTED_PROTOCOL_VERSION = 5

    @property
    def words(self) -> str:
        """As the reference server says it."""
        return _WORDS[self]


_WORDS = {
    Flaw.UNKNOWN_TRANSPORT: "Transport unknown",
    Flaw.UNKNOWN_SID: "Session ID unknown",
    Flaw.BAD_HANDSHAKE_METHOD: "Bad handshake method",
    Flaw.BAD_REQUEST: "Bad request",
    Flaw.FORBIDDEN: "Forbidden",
    Flaw.UNSUPPORTED_PROTOCOL_VERSION: "Unsupported protocol version",
}


@dataclass(frozen=True, slots=True)
class Carrier:
    """How packets travel over one kind of transport: each as bytes, ready to be joined.

    Attributes:
        text: a packet, with its digit.
        binary: a binary packet.
        close: the goodbye: a WebSocket close code and its reason.
        closed: the answer to the client's goodbye.
    """

    text: Callable[[bytes], bytes]
    binary: Callable[[bytes], bytes]
    close: Callable[[int, str], bytes]
    closed: Callable[[int, str], bytes]


def _polled(packet: bytes) -> bytes:
    return SEPARATOR + packet


def _polled_binary(data: bytes) -> bytes:
    return SEPARATOR + b"b" + base64.b64encode(data)


#: Each packet begins with the separator; the first one of a body is left out.
POLLING = Carrier(_polled, _polled_binary, lambda code, reason: _polled(CLOSE), lambda code, reason: _polled(NOOP))
WEBSOCKET = Carrier(text_frame, binary_frame, close_frame, close_frame)


def split(body: bytes) -> list[tuple[int, bytes]]:
    """The packets in the body of a polling request: (`TEXT`, packet with its digit) or (`BINARY`, its bytes).

    Raises:
        PacketError: one of them is none.
    """
    packets = []
    for packet in body.split(SEPARATOR):
        if packet[:1] == b"b":
            try:
                packets.append((BINARY, base64.b64decode(packet[1:], validate=True)))
            except (binascii.Error, ValueError):
                raise PacketError("a binary packet is not base64") from None
        elif packet[:1] and packet[:1] in b"0123456":
            packets.append((TEXT, packet))
        else:
            raise PacketError("a packet begins with a digit from 0 to 6, or with b")
    return packets


def to_websocket(polled: bytes) -> bytes:
    """What was made for long-polling, as WebSocket frames."""
    return b"".join(
        binary_frame(base64.b64decode(packet[1:])) if packet[:1] == b"b" else text_frame(packet)
        for packet in polled.split(SEPARATOR)[1:]
    )


def open_packet(sid: str, upgrades: list[str], interval: int, timeout: int, max_payload: int) -> bytes:
    """The first packet of a session. Times are in ms."""
    return OPEN + msgspec.json.encode(
        {"sid": sid, "upgrades": upgrades, "pingInterval": interval, "pingTimeout": timeout, "maxPayload": max_payload}
    )
