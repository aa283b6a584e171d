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
from bonsai_core.outbox import Outbox, Priority
from bonsai_core.protocol import CloseCode
from bonsai_core.ratelimit import Bucket
from bonsai_core.store.base import DeviceInfo, Message
from bonsai_core.transport import Transport, Wire

if TYPE_CHECKING:
    from bonsai_core.auth import Identity
    from bonsai_core.live import LiveSession

log = structlog.get_logger("bonsai.connection")

# Looking a member up in its class costs more than making its frame.
_HIGH, _NORMAL = Priority.HIGH, Priority.NORMAL

#: A transport with more buffered bytes than this has a slow reader: asyncio's own default high-water mark.
HIGH_WATER = 65_536


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
        now_ms: wall clock, ms since the epoch.
        max_bytes: the outbox's bound in bytes.
        close_timeout: how long a goodbye may take before the transport is aborted, in seconds.
        address: the peer's address, for limits and the log.
    """

    __slots__ = (
        "__weakref__",
        "_accepted",
        "_behind_since",
        "_close_handle",
        "_close_timeout",
        "_drainer",
        "_frames",
        "_marks",
        "_max_bytes",
        "_now",
        "_now_ms",
        "_outbox",
        "_transport",
        "_writer",
        "address",
        "asked_at",
        "bad_frames",
        "bad_json",
        "bearer",
        "bucket",
        "client_id",
        "close_code",
        "device",
        "dropped",
        "expiring_told",
        "guest",
        "holds",
        "identity",
        "last_seen",
        "leave_reason",
        "numbered_id",
        "opened_at",
        "opened_ms",
        "over",
        "pinged_at",
        "pings",
        "recovered",
        "refusals",
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
        now_ms: Callable[[], int],
        max_bytes: int,
        close_timeout: float,
        address: str = "",
        bearer: str | None = None,
    ) -> None:
        self.wire = wire
        self.address = address
        self.bearer = bearer
        self.opened_at = self.last_seen = self.asked_at = now()
        #: Of a client's connections the one with the greatest counts: `DeviceInfo.joined_at`.
        self.opened_ms = 0
        self.pinged_at = 0.0
        #: Set at join.
        self.identity: Identity | None = None
        self.session: LiveSession | None = None
        self.device: DeviceInfo | None = None
        self.client_id = ""
        #: The name of its client for events that came without an id.
        self.numbered_id = ""
        self.recovered = False
        #: Whether somebody else than a session looks after it, so that it need not join one.
        self.guest = False
        #: Names of the rooms this connection is in.
        self.rooms: set[str] = set()
        #: Room messages held back while a room's log is being read, by room; None when nothing is held.
        self.holds: dict[str, list[Message]] | None = None
        #: Rate limits of this connection, made when first needed.
        self.bucket: Bucket | None = None
        self.pings: Bucket | None = None
        #: Messages refused as too many, in a row.
        self.refusals = 0
        self.expiring_told = False
        #: Faults of the peer, in a row.
        self.bad_json = 0
        self.bad_frames = 0
        #: Low-priority frames dropped for this reader.
        self.dropped = 0
        #: Set once a goodbye was sent or the transport was lost.
        self.close_code: int | None = None
        self.leave_reason = "lost"
        #: Set once its leaving was dealt with.
        self.over = False
        self._transport = transport
        self._writer = writer
        self._now = now
        self._now_ms = now_ms
        self._max_bytes = max_bytes
        self._close_timeout = close_timeout
        self._close_handle: asyncio.TimerHandle | None = None
        self._frames: list[bytes] = []
        #: Only while the reader is behind: what waits, who hands it over, and since when. `_marks` are (bytes accepted
        #: by then, when), oldest first.
        self._outbox: Outbox | None = None
        self._drainer: asyncio.Task[None] | None = None
        self._accepted = 0
        self._behind_since = 0.0
        self._marks: deque[tuple[int, float]] | None = None

    # Sending

    def tell(self, event: str, data: bytes) -> None:
        """Send an event to this connection alone, before what else waits. `data` is JSON."""
        self.write(self.wire.event(event, data, self._now_ms()), _HIGH)

    def ack(self, reply: int, data: bytes, number: int = 0) -> None:
        """Answer an event that took effect; `data` is JSON, `number` what the event was given for want of an id."""
        self.write(self.wire.ack(reply, data, self._now_ms(), number), _HIGH)

    def write(self, data: bytes, priority: Priority = _NORMAL, key: str | None = None) -> None:
        """Send bytes that this connection's wire made.

        Args:
            priority: matters only to a reader who is behind.
            key: a waiting `LOW` frame of the same key is replaced.
        """
        if self.close_code is not None:
            return
        if self._outbox is not None:
            self._outbox.push(data, priority, key)
            self._accepted += len(data)
            self._bound()
            return
        frames = self._frames
        if not frames:
            self._writer.mark(self)
        frames.append(data)

    def hold(self, message: Message) -> bool:
        """Keep a room message back if the room's log is being read for this connection; says whether it is."""
        held = self.holds.get(message.room) if self.holds is not None else None
        if held is None:
            return False
        held.append(message)
        return True

    def flush(self) -> None:
        """Hand over what this turn of the loop collected; begin an outbox when the network does not take it."""
        frames = self._frames
        if not frames:
            return
        data = frames[0] if len(frames) == 1 else b"".join(frames)
        self._frames = []
        if not self._transport.write(data) and self._transport.buffered() > HIGH_WATER:
            self._outbox = Outbox(self._max_bytes // 4)
            self._accepted = 0
            self._behind_since = self._now()
            self._marks = deque()
            self._drainer = asyncio.create_task(self._drain(), name="drain a slow reader")
            self._bound()

    async def _drain(self) -> None:
        """The only writer while the reader is behind: hands over the outbox as fast as it is taken."""
        outbox = self._outbox
        assert outbox is not None
        while True:
            await self._transport.drained()
            if self.close_code is not None:
                return
            data = outbox.take(HIGH_WATER)
            if not data:
                self._outbox = None
                self._drainer = None
                self.dropped += outbox.dropped
                if outbox.dropped:
                    self.tell("notice:dropped", protocol.encode_json({"dropped": outbox.dropped}))
                return
            self._transport.write(data)

    @property
    def waiting(self) -> int:
        """Bytes that wait for the reader, beyond what its network buffers hold."""
        return self._outbox.size if self._outbox is not None else 0

    def _bound(self) -> None:
        """Keep the outbox within its bytes: drop what may be dropped, else cut the reader off."""
        outbox = self._outbox
        if outbox is None:
            return
        waiting = outbox.size + self._transport.buffered()
        if waiting > self._max_bytes:
            outbox.drop_low()
            waiting = outbox.size + self._transport.buffered()
        if waiting > self._max_bytes:
            self.cut_off(waiting)

    def backlog_age(self, now: float) -> float:
        """How long the oldest waiting byte has been waiting, in seconds; 0 for none.

        Looked at now and then, by a timer: each look leaves a mark of how much had been accepted by when.
        """
        outbox = self._outbox
        if outbox is None:
            return 0.0
        taken = self._accepted - outbox.size - self._transport.buffered()
        marks = self._marks
        assert marks is not None
        while marks and marks[0][0] <= taken:
            self._behind_since = marks.popleft()[1]
        marks.append((self._accepted, now))
        return now - self._behind_since

    def cut_off(self, waiting: int) -> None:
        """The reader is too slow: say 4008, so that it resumes, and let nobody else wait for it."""
        log.info("slow reader cut off", client=self.client_id, address=self.address, bytes=waiting)
        self.close(CloseCode.SLOW_READER, "too slow a reader", leave="slow")

    # Life

    def heard(self) -> None:
        """The peer gave a sign of life."""
        self.last_seen = self._now()
        self.pinged_at = 0.0

    def ping(self) -> None:
        """Ask the peer for a sign of life."""
        self.pinged_at = self.asked_at = self._now()
        self.write(self.wire.ping())

    def replaced(self) -> None:
        """Close it: a newer connection of its client has taken over."""
        self.close(CloseCode.REPLACED, "replaced by a newer connection of this client", leave="replaced")

    def close(self, code: int, reason: str = "", *, leave: str | None = None) -> None:
        """Say goodbye and end the connection, at the latest when the close timeout has passed. Idempotent."""
        if self.close_code is not None:
            return
        # What waits in an outbox is left out: a reader who is behind resumes.
        frames, self._frames = self._frames, []
        self.close_code = code
        if leave:
            self.leave_reason = leave
        self._transport.write(b"".join((*frames, self.wire.close(code, reason))))
        self._close_handle = asyncio.get_running_loop().call_later(self._close_timeout, self.abort)

    def abort(self) -> None:
        """End the connection now."""
        if self.close_code is None:
            self.close_code = int(CloseCode.SERVER_FAULT)
        self._transport.abort()
        self.lost()

    def lost(self) -> None:
        """The transport is gone; nothing more can be sent."""
        if self.close_code is None:
            self.close_code = int(CloseCode.LOST)
        self._frames = []
        self._outbox = None
        if self._drainer is not None:
            self._drainer.cancel()
            self._drainer = None
        if self._close_handle is not None:
            self._close_handle.cancel()
            self._close_handle = None

    def switch(self, transport: Transport, wire: Wire, convert: Callable[[bytes], bytes]) -> None:
        """Go on over another transport and wire, with what waits.

        Args:
            convert: makes bytes of the old wire into bytes of the new one.
        """
        self._frames = [convert(frame) for frame in self._frames]
        if self._outbox is not None:
            self._outbox.convert(convert)
        self._transport = transport
        self.wire = wire

    @property
    def joined(self) -> bool:
        """True from the answer to `user:connect` until the end."""
        return self.session is not None and self.close_code is None

    def refuse(
        self,
        reply: int | None,
        code: str,
        message: str,
        *,
        details: Any = None,
        retry_after_ms: int | None = None,
        incident: str | None = None,
    ) -> None:
        """Answer an event with an error; with `reply` None tell of a trouble that no event has caused."""
        data = protocol.error_data(code, message, details=details, retry_after_ms=retry_after_ms, incident=incident)
        self.write(self.wire.error(reply, data, self._now_ms()), _HIGH)
