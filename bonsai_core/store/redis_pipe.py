"""One connection to Redis with many commands under way, and the same for pub/sub.

redis-py connects: it knows TLS, passwords, Sentinel and Cluster. From then on we write and read ourselves, since a pool
lends each command a connection of its own: a hundred commands at a time would be a hundred connections, and each costs
several times what a pipelined one does.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast


class Lost(Exception):
    """The connection ended; what was under way may or may not have been done."""


class Refusal(Exception):
    """Redis answered with an error. `word` is its first word, such as `NOSCRIPT`."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.word = text.partition(" ")[0]


class Taken(asyncio.Protocol):
    """A protocol that takes a connection over; `writer` keeps the stream from closing it when it is collected."""

    writer: Any = None


async def connect(make: Callable[[], Any], protocol: Taken) -> None:
    """Have redis-py open a connection, then let `protocol` have it.

    Args:
        make: makes a connection object of redis-py.

    Raises:
        redis.exceptions.RedisError, OSError: it could not be opened.
    """
    connection = make()
    try:
        await connection.connect()
    except BaseException:
        await connection.disconnect(nowait=True)
        raise
    protocol.writer, connection._writer, connection._reader = connection._writer, None, None
    transport = protocol.writer.transport
    transport.set_protocol(protocol)
    protocol.connection_made(transport)


class Pipe(Taken):
    """Commands and their answers, in order.

    Args:
        timeout: the connection is given up when an answer takes longer, in seconds.
    """

    def __init__(self, timeout: float) -> None:
        import hiredis

        self._timeout = timeout
        self._reader = hiredis.Reader()
        self._pack = hiredis.pack_command
        self._error: type[Exception] = hiredis.ReplyError
        self._waiting: deque[tuple[asyncio.Future[Any], float]] = deque()
        self._outgoing: list[bytes] = []
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()  # asking for it each time costs a system call before Python 3.12
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._timer = self._loop.call_later(self._timeout / 4, self._look)

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting = self._waiting, deque()
        for answer, _ in waiting:
            if not answer.done():
                answer.set_exception(Lost())
                answer.exception()  # its caller may be gone

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        gets, waiting = self._reader.gets, self._waiting
        while (reply := gets()) is not False:
            answer, _ = waiting.popleft()
            if answer.done():
                continue
            if isinstance(reply, self._error):
                answer.set_exception(Refusal(str(reply)))
                answer.exception()
            else:
                answer.set_result(reply)

    def send(self, words: tuple[Any, ...]) -> asyncio.Future[Any]:
        """Send a command; the commands of one loop turn leave in one write.

        Returns:
            Its answer, as bytes, ints, lists and None; or `Lost`, `Refusal`.
        """
        answer: asyncio.Future[Any] = self._loop.create_future()
        if self.lost:
            answer.set_exception(Lost())
            return answer
        if not self._outgoing:
            self._loop.call_soon(self._flush)
        self._outgoing.append(self._pack(words))
        self._waiting.append((answer, time.monotonic()))
        return answer

    def abort(self) -> None:
        """End the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def close(self) -> None:
        """End the connection once all was answered or given up."""
        if self._transport is not None:
            self._transport.close()

    async def drained(self) -> None:
        """Return when nothing is under way."""
        while self._waiting:
            await asyncio.wait([self._waiting[-1][0]])

    def _flush(self) -> None:
        outgoing, self._outgoing = self._outgoing, []
        if self._transport is not None and not self.lost:
            self._transport.write(b"".join(outgoing))

    def _look(self) -> None:
        """Give the connection up when its oldest command has waited too long."""
        if self._waiting and time.monotonic() - self._waiting[0][1] > self._timeout:
            self.abort()
            return
        self._timer = self._loop.call_later(self._timeout / 4, self._look)


class Feed(Taken):
    """A pub/sub connection.

    Args:
        heard: called with everything that comes, as lists.
    """

    def __init__(self, heard: Callable[[list[Any]], None]) -> None:
        import hiredis

        self._reader = hiredis.Reader()
        self._pack = hiredis.pack_command
        self._error: type[Exception] = hiredis.ReplyError
        self._heard = heard
        self._transport: asyncio.Transport | None = None
        #: Set with why, when the connection has ended.
        self.over: asyncio.Future[Exception] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._end(Lost())

    def data_received(self, data: bytes) -> None:
        self._reader.feed(data)
        gets = self._reader.gets
        while (reply := gets()) is not False:
            if isinstance(reply, self._error):
                self._end(Refusal(str(reply)))
                self.abort()
            else:
                self._heard(reply)

    def send(self, *words: Any) -> None:
        """Send a command; pub/sub answers come like everything else."""
        if self._transport is not None and not self.over.done():
            self._transport.write(self._pack(words))

    def abort(self) -> None:
        """End the connection now."""
        if self._transport is not None:
            self._transport.abort()

    def _end(self, why: Exception) -> None:
        if not self.over.done():
            self.over.set_result(why)
