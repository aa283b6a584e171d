"""What clients send, on its way to the gate: intakes, sockets that have become WebSockets, the tasks for both."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from typing import TYPE_CHECKING

import structlog

from bonsai_core import transport
from bonsai_core.framing import BINARY, CLOSE, PING, TEXT, pong_frame
from bonsai_core.isolation import where
from bonsai_core.outbox import Priority
from bonsai_core.protocol import CloseCode, is_close_code
from bonsai_core.websocket import FrameError, FrameReader

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bonsai_core.app import App
    from bonsai_core.connection import Connection

log = structlog.get_logger("bonsai.server")

#: Stands among opcodes for the place where a peer broke the protocol.
FLAW = 0x10
#: Workers kept for the next event that has to wait.
MAX_IDLE_WORKERS = 64
#: How many clients get a worker of their own after an event had to wait.
GENEROUS = 500
#: Messages of one client that wait for a worker, before no more is read from it.
MAX_WAITING = 64


class Workers:
    """Tasks that run what clients have sent. An idle client has none, and a turn of the loop needs but one.

    A worker takes one client after another for as long as nothing makes it wait; when an event waits (for a commit, for
    a plugin), others go on with the rest. While events wait, a worker is woken for each client at once, so that what
    came together is committed together.
    """

    def __init__(self) -> None:
        self._ready: deque[Intake] = deque()
        self._idle: list[asyncio.Future[None]] = []
        self._tasks: set[asyncio.Task[None]] = set()
        #: Workers that were woken and have not begun.
        self._awake = 0
        self._watched = False
        #: For so many more clients a worker of their own is woken.
        self._generous = 0

    def submit(self, intake: Intake) -> None:
        """Have a client's messages worked on."""
        self._ready.append(intake)
        if not self._awake:
            self._wake()
        elif self._generous:
            self._generous -= 1
            if self._idle:
                self._wake()

    def close(self) -> None:
        """End all workers."""
        for task in self._tasks:
            task.cancel()

    def _wake(self) -> None:
        self._awake += 1
        if self._idle:
            self._idle.pop().set_result(None)
            return
        task = asyncio.create_task(self._work(), name="worker")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        loop = asyncio.get_running_loop()
        ready = self._ready
        while True:
            self._awake -= 1
            while ready:
                intake = ready.popleft()
                if ready and not self._watched:
                    self._watched = True
                    loop.call_soon(self._look)
                await intake.work()
            if len(self._idle) >= MAX_IDLE_WORKERS:
                return
            woken = loop.create_future()
            self._idle.append(woken)
            await woken

    def _look(self) -> None:
        """After a worker's turn: what it left behind, because an event waits, is for others."""
        self._watched = False
        if self._ready:
            self._generous = GENEROUS
        for _ in range(min(len(self._ready), MAX_IDLE_WORKERS) - self._awake):
            self._wake()


def _descriptor(transport: asyncio.Transport) -> int:
    """The descriptor of a plain socket that `os.write` can write to; else -1."""
    raw = transport.get_extra_info("socket")
    if raw is None or transport.get_extra_info("sslcontext") is not None or sys.platform == "win32":
        return -1
    return int(raw.fileno())


class Intake(transport.Intake):
    """What came from one client and is not worked on yet.

    Args:
        workers: who takes it.

    Attributes:
        connection: whose wire it is given to; to be set at once.
    """

    __slots__ = ("_app", "_ended", "_full", "_messages", "_room", "_workers", "_working")

    def __init__(self, app: App, workers: Workers) -> None:
        self._app = app
        self._workers = workers
        self._messages: list[tuple[int, bytes]] = []
        #: Whether a worker has it, or will.
        self._working = False
        #: Whether it is over: nothing more comes, and the last work is the leaving.
        self._ended = False
        #: Whether no more is to come, or somebody waits, until there is room.
        self._full = False
        self._room: asyncio.Future[None] | None = None
        self.connection: Connection

    def put(self, messages: Iterable[tuple[int, bytes]]) -> None:
        self._messages += messages
        if not self._working:
            self._working = True
            self._workers.submit(self)

    async def ready(self) -> None:
        while len(self._messages) > MAX_WAITING and not self._ended:
            await self._change()

    async def idle(self) -> None:
        while self._working and not self._ended:
            await self._change()

    async def _change(self) -> None:
        self._full = True
        if self._room is None:
            self._room = asyncio.get_running_loop().create_future()
        await asyncio.shield(self._room)

    def end(self) -> None:
        if self._ended:
            return
        self._ended = True
        if self._full:
            self._has_room()
        self.connection.lost()
        self._app.admission.closed(self.connection.address)
        if not self._working:
            self._working = True
            self._workers.submit(self)

    async def work(self) -> None:
        """Work on what came, in order; leave when it is over."""
        gate, connection = self._app.gate, self.connection
        try:
            while self._messages:
                messages, self._messages = self._messages, []
                for kind, payload in messages:
                    connection = self.connection  # it may have moved
                    if kind in (TEXT, BINARY):
                        if connection.close_code is None:  # else over: what was not worked on is sent again
                            doing = connection.wire.receive(gate, connection, kind, payload)
                            if doing is not None:
                                await doing
                    elif not self._control(kind, payload):
                        break
                if self._full:
                    self._has_room()
        except Exception as error:  # a fault of ours: it ends this connection alone, and the client resumes
            log.error("connection failed", failure=type(error).__name__, where=where(error))
            connection.close(CloseCode.SERVER_FAULT, "server fault")
            self.end()
        if self._ended:
            await self._app.over(connection)
        else:
            self._working = False
            if self._full:
                self._has_room()

    def _control(self, kind: int, payload: bytes) -> bool:
        """What is no message of the wire; False when nothing may follow."""
        raise AssertionError(kind)

    def _has_room(self) -> None:
        self._full = False
        if self._room is not None:
            self._room.set_result(None)
            self._room = None


class Socket(Intake, asyncio.Protocol, transport.Transport):
    """A socket that has become a WebSocket: aiohttp did the handshake and has let go of it."""

    __slots__ = ("_clear", "_drain", "_fd", "_flaw", "_reader", "_transport", "_trusted")

    def __init__(self, app: App, workers: Workers, transport: asyncio.Transport) -> None:
        super().__init__(app, workers)
        self._transport = transport
        #: The socket's descriptor, to write to while the transport has nothing to send; -1 where that cannot be done.
        self._fd = _descriptor(transport)
        #: Whether the network took all that was written last, and straight from us.
        self._clear = False
        self._reader: FrameReader | None = FrameReader(app.settings.max_join_bytes)
        #: What ends the messages: the peer broke the protocol.
        self._flaw: FrameError | None = None
        #: Whether it has joined, so that it may send messages of full size.
        self._trusted = False
        self._drain: asyncio.Future[None] | None = None

    # What the connection does

    def write(self, data: bytes) -> bool:
        transport = self._transport
        if transport.is_closing():  # its descriptor may soon be another's
            return True
        if self._clear or (self._fd >= 0 and not transport.get_write_buffer_size()):
            # Straight to the kernel: the transport would do the same a turn later, for 0.4 µs more (6 % of an echo).
            try:
                sent = os.write(self._fd, data)
            except OSError:  # full, or broken: the transport finds out which
                sent = 0
            self._clear = sent == len(data)
            if self._clear:
                return True
            data = data[sent:]
        transport.write(data)
        return False

    def buffered(self) -> int:
        return 0 if self._clear else self._transport.get_write_buffer_size()

    async def drained(self) -> None:
        if self._drain is not None:
            await asyncio.shield(self._drain)

    def abort(self) -> None:
        self._transport.abort()

    # What the event loop tells

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        if reader is None:
            return
        if not self._trusted and self.connection.session is not None:
            settings = self._app.settings
            self._trusted = True
            reader.max_size = settings.max_message_bytes + settings.max_attachment_bytes + 4
        messages = reader.feed(data)
        if reader.flaw is not None:  # told when what came before it was worked on
            self._flaw = reader.flaw
            self._reader = None
            messages.append((FLAW, b""))
        if not messages:
            return
        self._messages += messages
        if not self._trusted:  # a client may send on before it is told that it has joined
            reader.max_size = self._app.settings.max_message_bytes
        if not self._working:
            self._working = True
            self._workers.submit(self)
        elif len(self._messages) > MAX_WAITING and not self._full:
            self._full = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        self.end()

    def connection_lost(self, error: Exception | None) -> None:
        self.resume_writing()
        self.end()

    def pause_writing(self) -> None:
        if self._drain is None:
            self._drain = asyncio.get_running_loop().create_future()

    def resume_writing(self) -> None:
        if self._drain is not None:
            self._drain.set_result(None)
            self._drain = None

    # What a worker does

    def _control(self, kind: int, payload: bytes) -> bool:
        connection = self.connection
        if kind == CLOSE:
            self._closed(payload)
            return False
        if connection.close_code is not None:
            return True
        if kind == FLAW:
            assert self._flaw is not None
            connection.close(self._flaw.close, self._flaw.message)
        elif self._app.gate.control(connection) and kind == PING:
            connection.write(pong_frame(payload), Priority.HIGH)
        return True

    def _has_room(self) -> None:
        self._full = False
        if not self._ended:
            self._transport.resume_reading()

    def _closed(self, payload: bytes) -> None:
        connection = self.connection
        if connection.close_code is None:
            connection.leave_reason = "closed"
            code = int.from_bytes(payload[:2], "big") if payload else CloseCode.NORMAL
            connection.close(code if is_close_code(code) else CloseCode.PROTOCOL_ERROR)
        self.end()

    def end(self) -> None:
        """Read nothing more, send what is left, let go of the socket; leave when the work under way is done."""
        if self._ended:
            return
        self._reader = None
        transport, settings = self._transport, self._app.settings
        self.connection.flush()
        super().end()
        transport.close()
        # Closing waits for what is still buffered; a peer that takes nothing must not keep the socket.
        asyncio.get_running_loop().call_later(settings.close_timeout_ms / 1000, transport.abort)
