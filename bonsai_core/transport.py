"""What a wire must provide: how one kind of client is spoken to. Public, for plugins that bring a wire of their own.

Sessions, rooms and the gate know no wire. They tell a `Connection` what to say; it asks its `Wire` for the bytes and
its `Transport` to send them. What a client sends comes to `Wire.receive`, which hands events to the `Gate`. Connections
begin at the `Entrance` (`App.entrance`), which judges requests as it does for native clients and counts them in the
same limits. The native wire is `bonsai_core.native`; `bonsai_socketio` brings another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from bonsai_core.framing import BINARY, TEXT, binary_frame, close_frame, text_frame
from bonsai_core.protocol import CloseCode, ErrorCode, Frame, ProtocolError
from bonsai_core.store.base import Message, Position

if TYPE_CHECKING:
    from bonsai_core.connection import Connection

__all__ = [
    "BINARY",
    "TEXT",
    "CloseCode",
    "Entrance",
    "ErrorCode",
    "Frame",
    "Gate",
    "Intake",
    "Message",
    "Position",
    "ProtocolError",
    "Transport",
    "Wire",
    "binary_frame",
    "close_frame",
    "text_frame",
]


class Transport(ABC):
    """One way to a client, as a connection sees it. Nothing but `drained` waits."""

    __slots__ = ()

    @abstractmethod
    def write(self, data: bytes) -> bool:
        """Send bytes that a `Wire` made, after all that was written before. Never waits; ignored when closed.

        Returns:
            True when the network has taken everything, so that nobody need ask how much is `buffered`.
        """

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
    """How one kind of client speaks: what it sends becomes events, and what it is told becomes bytes.

    A wire without state is shared by all of its connections, and a room message is then encoded once for all of them;
    a wire with state belongs to one connection.

    Attributes:
        pings_always: a client of this kind ends the connection when no ping comes, whatever else does; by default only
            a silent one is asked for a sign of life.
        numbers: the wire's events have no ids, so the server numbers those that want an answer, and takes the first
            one after a return for the resend of the last one if it is the same (`Gate.connect`).
    """

    __slots__ = ()

    pings_always = False
    numbers = False

    # What comes in

    @abstractmethod
    def receive(self, gate: Gate, connection: Connection, kind: int, payload: bytes) -> Awaitable[None] | None:
        """A message of the client has come: decode it and call the gate. The next one waits until this is done.

        Args:
            kind: `TEXT` or `BINARY`, as of a WebSocket message.
        """

    # What goes out

    @abstractmethod
    def ack(self, reply: int, data: bytes, ts: int, number: int) -> bytes:
        """The answer to an event that took effect.

        Args:
            reply: what the wire gave the gate to answer under.
            data: the ack's data as JSON.
            ts: ms since the epoch.
            number: for a wire that `numbers`: the number that the event was given; 0 for one that has an id, or that
                left nothing which a resend could do again.
        """

    @abstractmethod
    def error(self, reply: int | None, data: bytes, ts: int) -> bytes:
        """The answer to an event that was refused or failed, or with `reply` None a trouble of the connection.

        Args:
            data: JSON of `{code, message, details?, retryAfterMs?, incident?}`.
        """

    @abstractmethod
    def event(self, event: str, data: bytes, ts: int) -> bytes:
        """A message to this connection alone, outside any room's log."""

    @abstractmethod
    def message(self, message: Message, epoch: str) -> bytes:
        """A room message; `epoch` is that of its room's log."""

    @abstractmethod
    def ping(self) -> bytes:
        """What asks the client for a sign of life."""

    @abstractmethod
    def close(self, code: int, reason: str) -> bytes:
        """The goodbye; `code` is a `CloseCode`."""

    def pong(self, ts: int) -> bytes:
        """The answer to an application ping (the event `ping`)."""
        return self.event("pong", b"null", ts)

    def joined(self, data: bytes, ts: int, *, recovered: bool, number: int) -> bytes:
        """The client is in, and what it missed follows.

        Args:
            data: the payload of `user:joined` as JSON.
            recovered: whether all that it missed follows.
            number: for a wire that `numbers`: the highest number that was given to an event of the client.
        """
        return self.event("user:joined", data, ts)

    def entered(self, room: str, position: Position) -> None:  # noqa: B027
        """Messages of this room follow, beginning after `position`."""

    def left(self, room: str) -> None:  # noqa: B027
        """No more messages of this room follow."""

    def gone(self) -> None:  # noqa: B027
        """The connection is over."""


class Gate(ABC):
    """Judges what a client sends and passes it on: `receive` of a wire calls it."""

    @abstractmethod
    async def connect(
        self, connection: Connection, data: bytes, reply: int | None = None, *, acknowledged: int | None = None
    ) -> None:
        """The client wants to join.

        It is answered by `Wire.joined`, or by `Wire.error` and, if nothing else can be tried, `Wire.close`.

        Args:
            data: the payload of `user:connect` as JSON.
            acknowledged: for a wire that `numbers`: the client has come back, and has provably got the answer of the
                event with this number (0 of none). None: it has not been here before.
        """

    @abstractmethod
    def frame(
        self, connection: Connection, frame: Frame, attachment: bytes | None = None, reply: int | None = None
    ) -> Awaitable[None] | None:
        """An event.

        Args:
            frame: with an id, a resend of it is recognised.
            reply: what to answer under; None when the client wants no answer.

        Returns:
            What to await until the event is done, for `Wire.receive` to return; None when it is done.
        """

    @abstractmethod
    def allows(self, connection: Connection, event: str, size: int, reply: int | None) -> bool:
        """Count an event against the limits, as `frame` does; False when it was refused, and answered so.

        Args:
            size: bytes of its payload, for who watches.
        """

    @abstractmethod
    def bad(self, connection: Connection, error: ProtocolError) -> None:
        """What came is no event. Many in a row end the connection, as does one with a close code at once."""

    @abstractmethod
    def control(self, connection: Connection) -> bool:
        """A sign of life has come, without content; False when there are too many of them."""

    @abstractmethod
    def leave(self, connection: Connection) -> None:
        """The client leaves for good."""


class Intake(ABC):
    """What came from one client and is not worked on yet: a worker takes it in order and gives it to the wire."""

    __slots__ = ("connection",)

    connection: Connection

    @abstractmethod
    def put(self, messages: Iterable[tuple[int, bytes]]) -> None:
        """Messages have come: (`TEXT` or `BINARY`, payload)."""

    @abstractmethod
    async def ready(self) -> None:
        """Return when more may be put: at once, unless much is waiting."""

    @abstractmethod
    async def idle(self) -> None:
        """Return when all that was put has been worked on."""

    @abstractmethod
    def end(self) -> None:
        """The transport is gone. The client leaves when the work under way is done. Idempotent."""


class Entrance(ABC):
    """Where connections begin, whatever their wire. Requests and responses are aiohttp's."""

    @abstractmethod
    def origin_allowed(self, request: Any) -> bool:
        """Whether the page that sends this request, if it is one, may talk to us."""

    @abstractmethod
    async def refuse(self, request: Any) -> tuple[int, str, Mapping[str, str]] | None:
        """Judge a request that would begin a connection, and count it as an attempt.

        Returns:
            None to admit it; else the HTTP status, words for the client's developer, and headers.
        """

    @abstractmethod
    def open(self, request: Any, transport: Transport, wire: Wire) -> Intake:
        """Begin a connection over a transport of the caller's. The request was admitted before."""

    @abstractmethod
    def upgrade(self, request: Any, wire: Wire, subprotocol: str | None = None) -> tuple[Intake, Any]:
        """Answer a WebSocket handshake and begin a connection over it. The request was admitted before.

        Returns:
            The intake, which is the connection's `Transport` too, and the response for the request's handler to return.

        Raises:
            ValueError: the handshake is not one of a WebSocket (RFC 6455 section 4.2.1); the text says what is wrong.
        """

    @abstractmethod
    def move(self, socket: Intake, connection: Connection, wire: Wire, convert: Callable[[bytes], bytes]) -> None:
        """Let a connection go on over an upgraded socket; the connection that the socket began with is forgotten.

        Args:
            convert: makes bytes of the old wire into bytes of the new one, for what waits for a slow reader.
        """
