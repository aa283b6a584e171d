"""One socket: what is said to it, in order, by one writer with a bounded outbox; its heartbeat; its end.

A connection never waits for its peer. Frames of one loop turn leave in one write; what the network does not take is
counted, and a peer that lets too much pile up, or lets it lie too long, is cut off (4008) and can resume.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog

from bonsai_core import protocol
from bonsai_core.protocol import CloseCode
from bonsai_core.store.base import DeviceInfo, Message
from bonsai_core.transport import Transport, Wire

if TYPE_CHECKING:
    from bonsai_core.auth import Identity
    from bonsai_core.session import LiveSession

log = structlog.get_logger("bonsai.connection")


class Writer:
    """Flushes the connections that have something to say, once a loop turn."""

    def __init__(self) -> None:
        self._dirty: list[Connection] = []

    def mark(self, connection: Connection) -> None:
        """Flush `connection` when this turn of the loop is over."""
        if not self._dirty:
            asyncio.get_running_loop().call_soon(self._flush)
        self._dirty.append(connection)

    def _flush(self) -> None:
        dirty, self._dirty = self._dirty, []
        for connection in dirty:
            connection.flush()


class Connection:
    """A client's socket, from the handshake to its end.

    Args:
        transport: where bytes go.
        wire: how frames look there.
        writer: the process's flusher.
        now: monotonic seconds.
        max_bytes: the outbox's bound in bytes.
        close_timeout: how long a goodbye may take before the transport is aborted, in seconds.
        address: the peer's address, for limits and the log.
    """

    __slots__ = (
        "__weakref__",
        "_backlog",
        "_close_handle",
        "_close_timeout",
        "_frames",
        "_max_bytes",
        "_now",
        "_transport",
        "_writer",
        "_written",
        "address",
        "bad_frames",
        "bad_json",
        "bearer",
        "buckets",
        "client_id",
        "close_code",
        "device",
        "expiring_told",
        "holds",
        "identity",
        "last_seen",
        "leave_reason",
        "opened_at",
        "over",
        "pinged_at",
        "recovered",
        "rooms",
        "session",
        "wire",
    )

    def __init__(
        self,
        transport: Transport,
        wire: Wire,
        writer: Writer,
        *,
        now: Callable[[], float],
        max_bytes: int,
        close_timeout: float,
        address: str = "",
        bearer: str | None = None,
    ) -> None:
        self.wire = wire
        self.address = address
        self.bearer = bearer
        self.opened_at = self.last_seen = now()
        self.pinged_at = 0.0
        #: Set at join.
        self.identity: Identity | None = None
        self.session: LiveSession | None = None
        self.device: DeviceInfo | None = None
        self.client_id = ""
        self.recovered = False
        #: Names of the rooms this connection is in.
        self.rooms: set[str] = set()
        #: Room messages held back while a room's log is being read, by room; None when nothing is held.
        self.holds: dict[str, list[Message]] | None = None
        self.buckets: Any = None
        self.expiring_told = False
        #: Faults of the peer, in a row.
        self.bad_json = 0
        self.bad_frames = 0
        #: Set once a goodbye was sent or the transport was lost.
        self.close_code: int | None = None
        self.leave_reason = "lost"
        #: Set once its leaving was dealt with.
        self.over = False
        self._transport = transport
        self._writer = writer
        self._now = now
        self._max_bytes = max_bytes
        self._close_timeout = close_timeout
        self._close_handle: asyncio.TimerHandle | None = None
        self._frames: list[bytes] = []
        #: Bytes ever written, and while the network is behind: (bytes written then, when) marks, oldest first.
        self._written = 0
        self._backlog: deque[tuple[int, float]] | None = None

    # Sending

    def send(self, payload: bytes) -> None:
        """Send one frame (JSON bytes of `bonsai_core.protocol`) to this connection alone."""
        self.write(self.wire.frame(payload))

    def write(self, data: bytes) -> None:
        """Send bytes that this connection's wire made."""
        if self.close_code is not None:
            return
        frames = self._frames
        if not frames:
            self._writer.mark(self)
        frames.append(data)

    def deliver(self, message: Message, data: bytes) -> None:
        """Send a room message, or hold it back while the room's log is being read for this connection."""
        if self.holds is not None and (held := self.holds.get(message.room)) is not None:
            held.append(message)
            return
        self.write(data)

    def flush(self) -> None:
        """Hand over what was collected; cut off a peer that has let too much pile up."""
        frames = self._frames
        if not frames:
            return
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        self._frames = []
        self._transport.write(data)
        self._written += len(data)
        behind = self._transport.buffered()
        if behind:
            if behind > self._max_bytes:
                self._cut_off(behind)
            elif self._backlog is None:
                self._backlog = deque([(self._written, self._now())])

    def backlog_age(self, now: float) -> float:
        """How long the oldest byte that the network has not taken has been waiting, in seconds; 0 for none."""
        if self._backlog is None:
            return 0.0
        taken = self._written - self._transport.buffered()
        if taken >= self._written:
            self._backlog = None
            return 0.0
        while len(self._backlog) > 1 and self._backlog[0][0] <= taken:
            self._backlog.popleft()
        oldest = self._backlog[0][1]
        self._backlog.append((self._written, now))
        return now - oldest

    def _cut_off(self, behind: int) -> None:
        log.info("slow reader cut off", client=self.client_id, address=self.address, bytes=behind)
        self.close(CloseCode.SLOW_READER, "too slow a reader")

    # Life

    def heard(self) -> None:
        """The peer gave a sign of life."""
        self.last_seen = self._now()
        self.pinged_at = 0.0

    def ping(self) -> None:
        """Ask the peer for a sign of life."""
        self.pinged_at = self._now()
        self.write(self.wire.ping())

    def close(self, code: int, reason: str = "", *, leave: str | None = None) -> None:
        """Say goodbye and end the connection, at the latest when the close timeout has passed. Idempotent."""
        if self.close_code is not None:
            return
        self.write(self.wire.close(code, reason))
        self.close_code = code
        if leave:
            self.leave_reason = leave
        self._flush_goodbye()
        self._close_handle = asyncio.get_running_loop().call_later(self._close_timeout, self.abort)

    def _flush_goodbye(self) -> None:
        frames, self._frames = self._frames, []
        self._transport.write(b"".join(frames))

    def abort(self) -> None:
        """End the connection now."""
        if self.close_code is None:
            self.close_code = int(CloseCode.SERVER_FAULT)
        self._transport.abort()
        self.lost()

    def lost(self) -> None:
        """The transport is gone; nothing more can be sent."""
        if self.close_code is None:
            self.close_code = 1006
        self._frames = []
        if self._close_handle is not None:
            self._close_handle.cancel()
            self._close_handle = None

    @property
    def joined(self) -> bool:
        """True from the answer to `user:connect` until the end."""
        return self.session is not None and self.close_code is None

    def refuse(
        self,
        id: int | None,
        code: str,
        message: str,
        ts: int,
        *,
        details: Any = None,
        retry_after_ms: int | None = None,
        incident: str | None = None,
    ) -> None:
        """Answer a message with an `error` frame."""
        self.send(
            protocol.encode_error(
                id, code, message, ts, details=details, retry_after_ms=retry_after_ms, incident=incident
            )
        )
