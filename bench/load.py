"""The load generator: raw WebSocket clients on one uvloop, cheap enough that the server is what limits.

Client frames are made by hand and masked beforehand (with one fixed mask that is not zero: a server might skip
unmasking for a zero one). All sockets of a load use the same ids, so they share the frames.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from bench.dialects import Dialect, Step

MASK = bytes((0x37, 0xFA, 0x21, 0x3D))
_TEXT, _CLOSE, _PING, _PONG = 0x81, 0x88, 0x89, 0x8A
#: A load that stands still for so many seconds has failed.
STALL = 30.0


class LoadError(Exception):
    """A server did not do its work."""


def masked_frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """A client's WebSocket frame (RFC 6455 section 5.2)."""
    length = len(payload)
    if length < 126:
        head = bytes((opcode, 0x80 | length))
    elif length < 65536:
        head = bytes((opcode, 0x80 | 126)) + length.to_bytes(2, "big")
    else:
        head = bytes((opcode, 0x80 | 127)) + length.to_bytes(8, "big")
    mask = (MASK * (length // 4 + 1))[:length]
    body = int.from_bytes(payload, "big") ^ int.from_bytes(mask, "big")
    return head + MASK + body.to_bytes(length, "big")


class Requests:
    """The frames of one event's requests, by id, made when first needed; several payloads take turns."""

    def __init__(self, dialect: Dialect, event: str, *data: bytes) -> None:
        self._dialect = dialect
        self._event = event
        self._data = data
        self._frames: list[bytes] = []

    def frame(self, id: int) -> bytes:
        """The request with this id."""
        frames, data = self._frames, self._data
        for n in range(len(frames), id + 1000 if id >= len(frames) else 0):
            frames.append(masked_frame(self._dialect.request(n, self._event, data[n % len(data)])))
        return frames[id]


class Socket(asyncio.Protocol):
    """One client.

    Attributes:
        wanted: how a text begins that counts.
        load: whom to tell of texts that count.
        id: the id of its newest request.
        bytes: bytes that it received.
    """

    __slots__ = ("_dialect", "_rest", "_script", "_upgraded", "bytes", "id", "load", "ready", "transport", "wanted")

    def __init__(self, dialect: Dialect, script: Sequence[Step], wanted: bytes) -> None:
        self._dialect = dialect
        self._script = list(script)
        self._rest = b""
        self._upgraded = False
        self.wanted = wanted
        self.load: Load | None = None
        self.id = 1
        self.bytes = 0
        self.ready: asyncio.Future[None] | None = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        offered = f"Sec-WebSocket-Protocol: {self._dialect.subprotocol}\r\n" if self._dialect.subprotocol else ""
        self.transport.write(
            (
                f"GET {self._dialect.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{offered}\r\n"
            ).encode()
        )

    def connection_lost(self, error: Exception | None) -> None:
        self._fail("the server closed a connection")

    def data_received(self, data: bytes) -> None:
        self.bytes += len(data)
        if self._rest:
            data = self._rest + data
            self._rest = b""
        at, end = 0, len(data)
        if not self._upgraded:
            at = data.find(b"\r\n\r\n") + 4
            if at < 4:
                self._rest = data
                return
            if not data.startswith(b"HTTP/1.1 101"):
                self._fail(f"handshake refused: {data[:200]!r}")
                return
            self._upgraded = True
            self._advance()
        counted = 0
        wanted = self.wanted
        while end - at >= 2:
            length = data[at + 1]
            start = at + 2
            if length == 126:
                start = at + 4
                length = int.from_bytes(data[at + 2 : start], "big")
            elif length == 127:
                start = at + 10
                length = int.from_bytes(data[at + 2 : start], "big")
            stop = start + length
            if stop > end or start > end:
                break
            if data.startswith(wanted, start) and self.ready is None:
                counted += 1
            else:
                self._other(data[at], data[start:stop])
            at = stop
        if at < end:
            self._rest = data[at:]
        if counted and self.load is not None:
            self.load.arrived(self, counted)

    def send(self, text: bytes) -> None:
        """Send a text message."""
        self.transport.write(masked_frame(text))

    def _other(self, opcode: int, payload: bytes) -> None:
        if opcode == _PING:
            self.transport.write(masked_frame(payload, _PONG))
        elif opcode == _CLOSE:
            self._fail(f"the server said goodbye: {payload!r}")
        elif payload == self._dialect.ping[0] != b"":
            self.send(self._dialect.ping[1])
        elif self._script and payload.startswith(self._script[0].expect):
            self._step()
            self._advance()
        elif payload.startswith((b'{"event":"error"', b"44")):
            self._fail(f"the server refused: {payload[:200]!r}")

    def _step(self) -> None:
        step = self._script.pop(0)
        if step.send:
            self.send(step.send)

    def _advance(self) -> None:
        """Take the steps that wait for nothing."""
        while self._script and not self._script[0].expect:
            self._step()
        if not self._script and self.ready is not None:
            if not self.ready.done():
                self.ready.set_result(None)
            self.ready = None

    def _fail(self, message: str) -> None:
        error = LoadError(message)
        if self.ready is not None and not self.ready.done():
            self.ready.set_exception(error)
        elif self.load is not None:
            self.load.failed(error)


class Load:
    """A closed loop: each answer lets the next request go, while it runs."""

    def __init__(self, sockets: Sequence[Socket]) -> None:
        self.sockets = list(sockets)
        #: What the figures are divided by: answers, or deliveries.
        self.done = 0
        self._running = False
        self._outstanding = 0
        self._drained: asyncio.Future[None] | None = None
        for socket in sockets:
            socket.load = self

    async def run(self, seconds: float) -> int:
        """Run for so long, then let what is under way end; returns how many were done.

        Raises:
            LoadError: the server closed, refused, or stood still.
        """
        before = self.done
        self._drained = asyncio.get_running_loop().create_future()
        self._running = True
        self.begin()
        _ = asyncio.get_running_loop().call_later(seconds, self._stop)
        try:
            async with asyncio.timeout(seconds + STALL):
                await self._drained
        except TimeoutError:
            raise LoadError(f"{self._outstanding} requests or deliveries were never answered") from None
        finally:
            self._running = False
        return self.done - before

    def begin(self) -> None:
        """Send the first requests."""
        raise NotImplementedError

    def arrived(self, socket: Socket, count: int) -> None:
        """So many texts that count have come."""
        raise NotImplementedError

    def failed(self, error: LoadError) -> None:
        """A socket failed."""
        if self._drained is not None and not self._drained.done():
            self._drained.set_exception(error)

    def close(self) -> None:
        """Let go of the sockets without ceremony."""
        for socket in self.sockets:
            socket.load = None
            socket.transport.abort()

    def _stop(self) -> None:
        self._running = False

    def _ended(self) -> None:
        if self._drained is not None and not self._drained.done():
            self._drained.set_result(None)


class Exchange(Load):
    """Every socket has one request under way and sends the next when it is answered."""

    def __init__(self, sockets: Sequence[Socket], requests: Requests) -> None:
        super().__init__(sockets)
        self._requests = requests

    def begin(self) -> None:
        self._outstanding = len(self.sockets)
        for socket in self.sockets:
            self._next(socket)

    def arrived(self, socket: Socket, count: int) -> None:
        self.done += count
        if self._running:
            self._next(socket)
            return
        self._outstanding -= count
        if not self._outstanding:
            self._ended()

    def _next(self, socket: Socket) -> None:
        socket.id += 1
        socket.transport.write(self._requests.frame(socket.id))


class Rotation(Load):
    """All sockets speak in turn; `window` requests are under way, each of another socket."""

    def __init__(self, sockets: Sequence[Socket], requests: Requests, window: int) -> None:
        super().__init__(sockets)
        self._requests = requests
        self._window = window
        self._turn = 0

    def begin(self) -> None:
        self._outstanding = self._window
        for _ in range(self._window):
            self._next()

    def arrived(self, socket: Socket, count: int) -> None:
        self.done += count
        for _ in range(count):
            if self._running:
                self._next()
            else:
                self._outstanding -= 1
        if not self._outstanding:
            self._ended()

    def _next(self) -> None:
        socket = self.sockets[self._turn]
        self._turn = (self._turn + 1) % len(self.sockets)
        socket.id += 1
        socket.transport.write(self._requests.frame(socket.id))


class FanOut(Load):
    """Senders, each a student of its own, speak in turn to a room of receivers; `window` messages are under way."""

    def __init__(
        self, senders: Sequence[Socket], receivers: Sequence[Socket], requests: Requests, window: int = 1
    ) -> None:
        super().__init__(receivers)
        self._senders = list(senders)
        self._size = len(receivers)
        self._requests = requests
        self._sent = 0
        self.window = window

    def begin(self) -> None:
        self._fill()

    def arrived(self, socket: Socket, count: int) -> None:
        self.done += count
        missing = self._sent * self._size - self.done
        if self._running:
            if missing <= (self.window - 1) * self._size:
                self._fill()
        elif not missing:
            self._ended()
        self._outstanding = missing

    def close(self) -> None:
        super().close()
        for sender in self._senders:
            sender.transport.abort()

    def _fill(self) -> None:
        while self._sent - self.done // self._size < self.window:
            sender = self._senders[self._sent % len(self._senders)]
            self._sent += 1
            sender.id += 1
            sender.transport.write(self._requests.frame(sender.id))


async def connect(port: int, scripts: Sequence[Sequence[Step]], dialect: Dialect, wanted: bytes) -> list[Socket]:
    """Open a socket for each script, a hundred at a time, and return them when all are through.

    Raises:
        LoadError: the server refused one.
    """
    loop = asyncio.get_running_loop()
    slots = asyncio.Semaphore(100)

    async def one(script: Sequence[Step]) -> Socket:
        async with slots:
            socket = Socket(dialect, script, wanted)
            ready = socket.ready
            assert ready is not None
            try:
                async with asyncio.timeout(STALL):
                    await loop.create_connection(lambda: socket, "127.0.0.1", port)
                    await ready
            except (OSError, TimeoutError) as error:
                raise LoadError(f"cannot connect: {type(error).__name__}: {error}") from None
            return socket

    return list(await asyncio.gather(*map(one, scripts)))
