"""WebSocket frames of a client as messages (RFC 6455 section 5), and no more than that. Sans-I/O.

A whole small frame in one piece, as nearly all are, takes one short path; everything else the long one.
"""

from __future__ import annotations

import base64
import hashlib

from bonsai_core.framing import BINARY, CLOSE, CONTINUATION, PONG, TEXT
from bonsai_core.protocol import CloseCode

try:  # compiled, in place; not public, so we do without it should it go
    from aiohttp._websocket.mask import _websocket_mask_cython as _unmask  # type: ignore[import-not-found]
except ImportError:

    def _unmask(mask: bytes, data: bytearray) -> None:
        length = len(data)
        key = int.from_bytes((mask * (length + 3 >> 2))[:length], "little")
        data[:] = (int.from_bytes(data, "little") ^ key).to_bytes(length, "little")


class FrameError(Exception):
    """A peer breaks the framing protocol; `close` is the code to end the connection with."""

    def __init__(self, close: CloseCode, message: str) -> None:
        super().__init__(message)
        self.close = close
        self.message = message


class FrameReader:
    """Puts a client's messages together.

    Args:
        max_size: the largest message, in bytes; may be changed at any time.
    """

    __slots__ = ("_kind", "_parts", "_rest", "_total", "flaw", "max_size")

    def __init__(self, max_size: int) -> None:
        self.max_size = max_size
        #: How the peer has broken the protocol.
        self.flaw: FrameError | None = None
        #: What came of a frame that is not whole yet.
        self._rest: bytes | bytearray = b""
        #: The fragmented message under way.
        self._kind = 0
        self._parts: list[bytes] | None = None
        self._total = 0

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Take bytes from the network.

        Returns:
            The messages that they complete: (opcode, payload). When what follows them breaks the protocol, or a message
            is too big, `flaw` says so, and nothing more can be fed.
        """
        if not self._rest and self._parts is None and len(data) > 6:
            length = data[1]
            # Final text frame, masked, of 7-bit length, which is all of the data.
            if data[0] == 0x81:
                if 128 <= length < 254:
                    length -= 128
                    if len(data) == length + 6 and length <= self.max_size:
                        return [(TEXT, unmask(data[2:6], data[6:]))]
                elif length == 254:
                    length = data[2] << 8 | data[3]
                    if len(data) == length + 8 and 125 < length <= self.max_size:
                        return [(TEXT, unmask(data[4:8], data[8:]))]
        messages: list[tuple[int, bytes]] = []
        try:
            self._feed(data, messages)
        except FrameError as error:
            self.flaw = error
        return messages

    def _feed(self, data: bytes, messages: list[tuple[int, bytes]]) -> None:
        rest: bytes | bytearray = data
        if self._rest:
            if not isinstance(self._rest, bytearray):
                self._rest = bytearray(self._rest)
            self._rest += data
            rest = self._rest
        at, end = 0, len(rest)
        while end - at >= 2:
            first, second = rest[at], rest[at + 1]
            opcode, length, start = first & 0x0F, second & 0x7F, at + 6
            if first & 0x70:
                raise FrameError(CloseCode.PROTOCOL_ERROR, "reserved bits are set")
            if not second & 0x80:
                raise FrameError(CloseCode.PROTOCOL_ERROR, "a client's frames are masked")
            if opcode >= 8:
                if opcode > PONG:
                    raise FrameError(CloseCode.PROTOCOL_ERROR, "unknown opcode")
                if length > 125 or not first & 0x80:
                    raise FrameError(CloseCode.PROTOCOL_ERROR, "a control frame is short and whole")
            elif opcode > BINARY:
                raise FrameError(CloseCode.PROTOCOL_ERROR, "unknown opcode")
            elif (opcode == CONTINUATION) is (self._parts is None):
                raise FrameError(CloseCode.PROTOCOL_ERROR, "fragments out of order")
            if length > 125:
                start += 2 if length == 126 else 8
                if end < start - 4:
                    break
                length = int.from_bytes(rest[at + 2 : start - 4], "big")
            if opcode < 8 and self._total + length > self.max_size:
                raise FrameError(CloseCode.TOO_BIG, f"a message is limited to {self.max_size} bytes")
            stop = start + length
            if end < stop:
                break
            payload = unmask(bytes(rest[start - 4 : start]), bytes(rest[start:stop])) if length else b""
            at = stop
            if opcode >= 8:
                if opcode == CLOSE:
                    _check_close(payload)
                messages.append((opcode, payload))
            elif first & 0x80:
                if self._parts is not None:
                    payload, opcode = b"".join((*self._parts, payload)), self._kind
                    self._parts, self._total = None, 0
                messages.append((opcode, payload))
            else:
                if self._parts is None:
                    self._parts, self._kind = [], opcode
                self._parts.append(payload)
                self._total += length
        self._rest = b"" if at == end else bytes(rest[at:]) if at else rest


def _check_close(payload: bytes) -> None:
    if len(payload) == 1:
        raise FrameError(CloseCode.PROTOCOL_ERROR, "a close code has two bytes")
    try:
        payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(CloseCode.INVALID_DATA, "a reason is UTF-8") from None


def unmask(mask: bytes, payload: bytes) -> bytes:
    """The payload without its mask (section 5.3)."""
    clear = bytearray(payload)
    _unmask(mask, clear)
    return bytes(clear)


def accept(key: str, subprotocol: str | None) -> bytes:
    """The answer to a good handshake (section 4.2.2)."""
    digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode(), usedforsecurity=False).digest()
    chosen = f"Sec-WebSocket-Protocol: {subprotocol}\r\n" if subprotocol else ""
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n{chosen}\r\n"
    ).encode()
