"""A peer without manners: bytes on a TCP socket, HTTP requests and WebSocket frames as a test spells them."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA

KEY = "dGhlIHNhbXBsZSBub25jZQ=="

Headers = list[tuple[str, str]]


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    rsv: int = 0,
    mask: bool = True,
    declared: int | None = None,
    width: int | None = None,
) -> bytes:
    """One WebSocket frame (RFC 6455 section 5.2), legal or not.

    Args:
        rsv: the three reserved bits, 0 to 7.
        declared: the length that the header claims, instead of the payload's.
        width: bytes of the length field, 0, 2 or 8, instead of the shortest that fits.
    """
    length = len(payload) if declared is None else declared
    if width is None:
        width = 0 if length < 126 else 2 if length < 65536 else 8
    flag = {0: length, 2: 126, 8: 127}[width]
    head = struct.pack("!BB", (0x80 if fin else 0) | rsv << 4 | opcode, (0x80 if mask else 0) | flag)
    head += {0: b"", 2: struct.pack("!H", length & 0xFFFF), 8: struct.pack("!Q", length)}[width]
    if not mask:
        return head + payload
    key = os.urandom(4)
    repeated = key * (len(payload) // 4 + 1)
    number = int.from_bytes(payload, "big") ^ int.from_bytes(repeated[: len(payload)], "big")
    return head + key + number.to_bytes(len(payload), "big")


def text(value: Any) -> bytes:
    """A text frame: of a string or bytes as they are, of anything else as JSON."""
    raw = value if isinstance(value, bytes) else (value if isinstance(value, str) else json.dumps(value)).encode()
    return frame(TEXT, raw)


def close_frame(code: int, reason: bytes = b"") -> bytes:
    """A close frame."""
    return frame(CLOSE, struct.pack("!H", code) + reason)


def handshake(
    *,
    method: str = "GET",
    path: str = "/ws",
    version: str = "HTTP/1.1",
    without: Iterable[str] = (),
    more: Iterable[tuple[str, str]] = (),
    **changed: str,
) -> bytes:
    """A WebSocket handshake, with headers left out, added, or changed (`sec_websocket_key="x"`)."""
    headers = {
        "Host": "127.0.0.1",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "bonsai.v1",
    }
    headers |= {name.replace("_", "-").title().replace("Websocket", "WebSocket"): v for name, v in changed.items()}
    lines = [f"{method} {path} {version}"]
    lines += [f"{name}: {value}" for name, value in headers.items() if name not in set(without)]
    lines += [f"{name}: {value}" for name, value in more]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "surrogateescape")


@dataclass
class End:
    """How a connection ended: the close code (1006 without a goodbye), its reason, and the frames before it."""

    code: int
    reason: str
    frames: list[dict[str, Any]]

    @property
    def errors(self) -> list[str]:
        """Codes of the `error` frames."""
        return [f["data"]["code"] for f in self.frames if f["event"] == "error"]


class RawPeer:
    """A TCP connection to a server. Nothing is sent or answered but what the test says."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        #: Payloads of the pongs that came.
        self.pongs: list[bytes] = []

    @classmethod
    async def open(cls, port: int, *, receive_buffer: int | None = None) -> RawPeer:
        """Connect.

        Args:
            receive_buffer: the stream's limit in bytes; beyond it nothing is read off the socket.
        """
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=receive_buffer or 1 << 20))

    async def send(self, *data: bytes) -> None:
        """Send bytes; a connection that the server has ended is no error."""
        with contextlib.suppress(ConnectionError):
            self.writer.write(b"".join(data))
            await self.writer.drain()

    async def response(self, timeout: float = 5.0) -> tuple[int, dict[str, str], str]:
        """The next HTTP response: status, headers in lower case, body. Status 0: the connection ended instead."""
        async with asyncio.timeout(timeout):
            try:
                head = await self.reader.readuntil(b"\r\n\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return 0, {}, ""
            lines = head.decode("latin-1").split("\r\n")
            headers = {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines[1:] if line)}
            body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        return int(lines[0].split()[1]), headers, body.decode()

    async def upgrade(self, **handshake_options: Any) -> int:
        """Shake hands; returns the HTTP status."""
        await self.send(handshake(**handshake_options))
        status, _, _ = await self.response()
        return status

    async def join(self, token: str, **data: Any) -> dict[str, Any]:
        """Shake hands and join; returns the data of `user:joined`."""
        assert await self.upgrade() == 101
        await self.send(text({"event": "user:connect", "data": {"token": token, **data}}))
        return (await self.event("user:joined"))["data"]  # type: ignore[no-any-return]

    async def receive(self, timeout: float = 5.0) -> tuple[int, bytes]:
        """The server's next frame: opcode and payload. Opcode -1: the connection ended."""
        async with asyncio.timeout(timeout):
            try:
                first, second = await self.reader.readexactly(2)
                length = second & 0x7F
                assert not second & 0x80, "a server does not mask"
                assert first & 0x80, "the server does not fragment"
                assert not first & 0x70, "no extension was agreed on"
                if length == 126:
                    (length,) = struct.unpack("!H", await self.reader.readexactly(2))
                elif length == 127:
                    (length,) = struct.unpack("!Q", await self.reader.readexactly(8))
                return first & 0xF, await self.reader.readexactly(length)
            except (asyncio.IncompleteReadError, ConnectionError):
                return -1, b""

    async def event(self, *names: str, timeout: float = 5.0) -> dict[str, Any]:
        """The server's next frame of one of these events; others are passed over."""
        async with asyncio.timeout(timeout):
            while True:
                opcode, payload = await self.receive()
                assert opcode in (TEXT, PING, PONG), f"the connection ended: {opcode} {payload!r}"
                if opcode == PONG:
                    self.pongs.append(payload)
                if opcode == TEXT and ((found := json.loads(payload))["event"] in names or not names):
                    return found  # type: ignore[no-any-return]

    async def end(self, timeout: float = 6.0) -> End:
        """Read to the end and tell how it was; the server's goodbye is answered as a good peer does."""
        seen = End(1006, "", [])
        async with asyncio.timeout(timeout):
            while True:
                opcode, payload = await self.receive(timeout)
                assert seen.code == 1006 or opcode == -1, "nothing comes after the goodbye"
                if opcode == TEXT:
                    seen.frames.append(json.loads(payload))
                elif opcode == CLOSE:
                    (seen.code,) = struct.unpack("!H", payload[:2]) if payload else (1005,)
                    seen.reason = payload[2:].decode()
                    await self.send(frame(CLOSE, payload[:2]))
                elif opcode == PONG:
                    self.pongs.append(payload)
                elif opcode == -1:
                    return seen

    async def ended(self, timeout: float = 6.0) -> None:
        """Wait until the server has ended the connection, whatever it still sends."""
        async with asyncio.timeout(timeout):
            with contextlib.suppress(ConnectionError):
                while await self.reader.read(65536):
                    pass

    async def close(self) -> None:
        """Drop the connection."""
        self.writer.transport.abort()
        with contextlib.suppress(Exception):
            await self.writer.wait_closed()
