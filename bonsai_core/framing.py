"""Our WebSocket frames (RFC 6455 section 5.2): unmasked, unfragmented, uncompressed. Sans-I/O.

They are built here and written straight to the transport, so that a room message is framed once for all of its sockets.
"""

from __future__ import annotations

import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

_SHORT = struct.Struct("!BB").pack
_MEDIUM = struct.Struct("!BBH").pack
_LONG = struct.Struct("!BBQ").pack
_FINAL = 0x80


def text_frame(payload: bytes, _first: int = _FINAL | TEXT) -> bytes:
    """A text message."""
    length = len(payload)
    if length < 126:
        return _SHORT(_first, length) + payload
    if length < 65536:
        return _MEDIUM(_first, 126, length) + payload
    return _LONG(_first, 127, length) + payload


def binary_frame(payload: bytes) -> bytes:
    """A binary message."""
    return text_frame(payload, _FINAL | BINARY)


def ping_frame() -> bytes:
    """Asks the peer for a pong."""
    return _SHORT(_FINAL | PING, 0)


def pong_frame(payload: bytes) -> bytes:
    """The answer to a peer's ping, whose payload is at most 125 bytes."""
    return _SHORT(_FINAL | PONG, len(payload)) + payload


def close_frame(code: int, reason: str) -> bytes:
    """The goodbye; of the reason so much as fits."""
    body = struct.pack("!H", code) + reason.encode()[:123].decode(errors="ignore").encode()
    return _SHORT(_FINAL | CLOSE, len(body)) + body
