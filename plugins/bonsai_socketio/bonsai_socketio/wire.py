"""Socket.IO 5 as a wire: the main namespace is the session, others are for plugins that claim them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from bonsai_core import Refused
from bonsai_core.transport import TEXT, CloseCode, ErrorCode, Frame, Gate, Message, Position, ProtocolError
from bonsai_socketio import recovery
from bonsai_socketio.engine.packets import MESSAGE, Carrier
from bonsai_socketio.engine.wire import EngineWire
from bonsai_socketio.namespaces import Namespace, Peer
from bonsai_socketio.packets import (
    MAIN,
    RESERVED,
    Packet,
    PacketError,
    Type,
    base64_text,
    decode,
    encode,
    join_blobs,
    read_array,
    read_event_name,
    read_object,
)

if TYPE_CHECKING:
    from bonsai_core import App
    from bonsai_core.connection import Connection
    from bonsai_socketio.settings import SocketIoSettings

log = structlog.get_logger("bonsai.socketio")

#: Ids are exact in every client's number type.
_ID_BITS = 53
MAX_ID = 2**_ID_BITS - 1
MAX_NAME = 128
#: Where an event's array begins at the latest, after 42 and its ack id, to be read the short way.
MAX_DIGITS = 17
#: After these a stock client must not come back by itself, so it is told to disconnect.
_FINAL = frozenset(
    {
        CloseCode.NORMAL, CloseCode.PROTOCOL_ERROR, CloseCode.UNSUPPORTED_DATA, CloseCode.INVALID_DATA,
        CloseCode.POLICY, CloseCode.TOO_BIG, CloseCode.REPLACED, CloseCode.FORBIDDEN,
    }
)  # fmt: skip

_pair: Callable[[bytes], tuple[str, msgspec.Raw]] = msgspec.json.Decoder(tuple[str, msgspec.Raw]).decode
_encode = msgspec.json.encode


class SocketIoWire(EngineWire):
    """One client.

    Args:
        claim: who looks after a namespace; None for nobody.
    """

    __slots__ = (
        "_app", "_claim", "_connection", "_joined", "_joining", "_life", "_max_message_bytes", "_partial", "_peers",
        "_positions", "_returned", "_settings", "_track",
    )  # fmt: skip

    numbers = True

    def __init__(
        self,
        carrier: Carrier,
        app: App,
        settings: SocketIoSettings,
        claim: Callable[[str], Awaitable[Namespace | None]],
    ) -> None:
        super().__init__(carrier)
        self._app = app
        self._settings = settings
        self._max_message_bytes = app.settings.max_message_bytes
        self._claim = claim
        self._connection: Connection
        self._joining = False
        self._joined = False
        #: A packet whose attachments have not all come.
        self._partial: tuple[Packet, list[bytes]] | None = None
        self._peers: dict[str, tuple[Peer, Namespace]] = {}
        #: What the client has shown of an earlier connection; where its rooms are; what it can show next time.
        self._returned: recovery.Track | None = None
        self._positions: dict[str, Position] = {}
        self._track: recovery.Track | None = None
        #: Added to the client's ack ids, which a page that is loaded again counts from 0: answers that the old one
        #: waited for may come yet. A client that returns with its `pid` has gone on counting.
        self._life = secrets.randbits(32) << _ID_BITS

    def opened(self, connection: Connection) -> None:
        self._connection = connection

    # What comes in

    def receive(self, gate: Gate, connection: Connection, kind: int, payload: bytes) -> Awaitable[None] | None:
        # Nearly every packet that comes: an event in the main namespace, 42<ack id>["name",data].
        if payload[:2] == b"42" and kind == TEXT and self._joined and self._partial is None and payload.isascii():
            at = payload.find(b"[")
            digits = payload[2:at]
            if at == 2 or (at <= MAX_DIGITS and digits.isdigit()):
                try:
                    name, data = _pair(payload[at:])
                except msgspec.DecodeError:
                    pass  # other arguments, or a flaw: told below
                else:
                    if 0 < len(name) <= MAX_NAME and name not in RESERVED and len(payload) <= self._max_message_bytes:
                        connection.heard()
                        reply = self._life + int(digits) if digits else None
                        return gate.frame(connection, Frame(name, data), None, reply)
        return super().receive(gate, connection, kind, payload)

    def message_in(self, gate: Gate, connection: Connection, packet: bytes) -> Awaitable[None] | None:
        try:
            return self._packet(gate, packet[len(MESSAGE) :])
        except PacketError as error:
            connection.close(CloseCode.PROTOCOL_ERROR, str(error))
            return None

    def binary_in(self, gate: Gate, connection: Connection, data: bytes) -> Awaitable[None] | None:
        if self._partial is None:
            connection.close(CloseCode.PROTOCOL_ERROR, "an attachment of no packet")
            return None
        packet, blobs = self._partial
        blobs.append(data)
        if len(blobs) < packet.attachments:
            if sum(map(len, blobs)) > self._app.settings.max_attachment_bytes:
                connection.close(CloseCode.TOO_BIG, "too large attachments")
            return None
        self._partial = None
        packet.blobs = blobs
        try:
            return self._whole(gate, packet)
        except PacketError as error:
            connection.close(CloseCode.PROTOCOL_ERROR, str(error))
            return None

    def _packet(self, gate: Gate, text: bytes) -> Awaitable[None] | None:
        if self._partial is not None:
            raise PacketError("a packet's attachments come before the next packet")
        try:
            text.decode()
        except UnicodeDecodeError:
            self._connection.close(CloseCode.INVALID_DATA, "text is not UTF-8")
            return None
        packet = decode(text, self._settings.max_attachments)
        if packet.attachments:
            array = read_array(packet)
            if packet.type is Type.BINARY_EVENT:
                read_event_name(array)
            self._partial = (packet, [])
            return None
        return self._whole(gate, packet)

    def _whole(self, gate: Gate, packet: Packet) -> Awaitable[None] | None:
        if packet.type is Type.CONNECT:
            if packet.namespace in self._peers or (self._joined and packet.namespace == MAIN):
                raise PacketError("connected already")
            return self._connect(gate, packet.namespace, read_object(packet))
        held = self._peers.get(packet.namespace)
        if held is None and not (self._joined and packet.namespace == MAIN):
            raise PacketError("connect to the namespace first")
        if packet.type is Type.CONNECT_ERROR:
            raise PacketError("only servers refuse to connect")
        if packet.type is Type.DISCONNECT:
            if packet.data:
                raise PacketError("a disconnect says nothing more")
            if held is not None:
                return self._disconnect(packet.namespace)
            self._client_closed = True
            gate.leave(self._connection)
            return None
        array = read_array(packet)
        if packet.type in (Type.ACK, Type.BINARY_ACK):
            if held is not None and packet.id is not None:
                held[0].acked(packet.id, self._plain(packet, array))
            return None
        name = read_event_name(array)
        if held is not None:
            return self._peer_event(gate, *held, name, packet, array[1:])
        return self._main_event(gate, name, packet, array[1:])

    # Events of the session

    def _main_event(
        self, gate: Gate, name: str, packet: Packet, arguments: list[msgspec.Raw]
    ) -> Awaitable[None] | None:
        """`(data)`, `(data, id)` or `(data, {id})`: with an id a resend is recognised."""
        connection, settings = self._connection, self._app.settings
        reply = None if packet.id is None else self._life + packet.id
        size = len(packet.data)
        if size > settings.max_message_bytes:
            message = f"a message is limited to {settings.max_message_bytes} bytes"
            connection.refuse(reply, ErrorCode.TOO_LARGE, message)
            return None
        if sum(map(len, packet.blobs)) > settings.max_attachment_bytes:
            message = f"attachments are limited to {settings.max_attachment_bytes} bytes"
            connection.refuse(reply, ErrorCode.TOO_LARGE, message)
            return None
        if not 0 < len(name) <= MAX_NAME:
            gate.bad(connection, ProtocolError(f"an event's name has 1 to {MAX_NAME} characters", id=reply))
            return None
        if len(arguments) > 2:
            message = "an event has one argument, its data, and perhaps its id as a second one"
            gate.bad(connection, ProtocolError(message, id=reply))
            return None
        id = None
        if len(arguments) == 2 and (id := _read_id(bytes(arguments[1]))) is None:
            message = "an event's id is an integer from 1, rising within one clientId"
            gate.bad(connection, ProtocolError(message, id=reply))
            return None
        data, attachment = arguments[0] if arguments else msgspec.Raw(b"null"), None
        if packet.blobs:
            data, attachment = self._attach(bytes(data), packet.blobs)
        return gate.frame(connection, Frame(name, data, id), attachment, reply)

    def _attach(self, data: bytes, blobs: Any) -> tuple[msgspec.Raw, bytes | None]:
        """One attachment in a field of its own goes as it is; others as base64, which payload models take as well."""
        value = join_blobs(msgspec.json.decode(data), blobs)
        if isinstance(value, dict) and len(blobs) == 1:
            fields = [key for key, inner in value.items() if isinstance(inner, bytes)]
            if len(fields) == 1:
                attachment = value.pop(fields[0])
                return msgspec.Raw(_encode(value)), attachment
        return msgspec.Raw(_encode(base64_text(value))), None

    # Connecting

    async def _connect(self, gate: Gate, namespace: str, auth: dict[str, Any]) -> None:
        claimed = await self._claim(namespace)
        if claimed is not None:
            await self._admit(claimed, namespace, auth)
        elif namespace == MAIN:
            await self._join(gate, auth)
        else:
            self._send(*encode(Type.CONNECT_ERROR, namespace, {"message": "Invalid namespace"}))

    async def _join(self, gate: Gate, auth: dict[str, Any]) -> None:
        """`auth` is the payload of `user:connect`; a stock client that comes back adds `pid` and `offset`."""
        pid, offset = auth.pop("pid", None), auth.pop("offset", None)
        returned = recovery.read(pid, offset) if self._settings.recovery and pid is not None else None
        if returned is not None:
            client = auth.setdefault("clientId", returned.client)
            session = auth.setdefault("sessionId", returned.session)
            if (client, session) == (returned.client, returned.session):
                auth["resume"] = {r: {"epoch": p.epoch, "offset": p.offset} for r, p in returned.positions.items()}
                self._life = returned.life << _ID_BITS
            else:
                returned = None
        self._returned = returned
        self._positions = {}
        self._joining = True
        try:
            acknowledged = returned.acknowledged if returned is not None else None
            await gate.connect(self._connection, _encode(auth), 0, acknowledged=acknowledged)
        finally:
            self._joining = False

    def joined(self, data: bytes, ts: int, *, recovered: bool, number: int) -> bytes:
        self._joining, self._joined = False, True
        answer: dict[str, Any] = {"sid": secrets.token_urlsafe(15)}
        if self._settings.recovery:
            connection, returned = self._connection, self._returned
            live = connection.session
            assert live is not None
            acknowledged = returned.acknowledged if returned is not None else number
            if recovered and returned is not None:
                returned.positions = self._positions
                self._track = returned
            else:
                track = recovery.Track(connection.client_id, live.id, self._life >> _ID_BITS, acknowledged=acknowledged)
                track.positions = self._positions
                track.make_pid()
                self._track = track
            answer["pid"] = self._track.pid
        packet, _ = encode(Type.CONNECT, MAIN, answer)
        return self.text(MESSAGE + packet) + self.event("user:joined", data, ts)

    def entered(self, room: str, position: Position) -> None:
        self._positions[room] = position

    def left(self, room: str) -> None:
        self._positions.pop(room, None)

    # What the session says

    def ack(self, reply: int, data: bytes, ts: int, number: int) -> bytes:
        reply -= self._life
        if not 0 <= reply <= MAX_ID:
            return b""
        packet = self.text(b"43%d[%b]" % (reply, data))
        track = self._track
        if number and track is not None and number > track.acknowledged:
            track.acknowledged = number
            # Who has the ack can show so from now on; else the same event once more would be taken for its resend.
            packet += self.text(b'42["session:offset","%b"]' % track.offset())
        return packet

    def error(self, reply: int | None, data: bytes, ts: int) -> bytes:
        if self._joining:
            message = msgspec.json.decode(data)["message"]
            return self.text(b'44{"message":%b,"data":%b}' % (_encode(message), data))
        if reply is None:
            return self.event("error", data, ts)
        reply -= self._life
        if not 0 <= reply <= MAX_ID:
            return b""
        return self.text(b'43%d[{"error":%b}]' % (reply, data))

    def event(self, event: str, data: bytes, ts: int) -> bytes:
        return self.text(b"42[%b,%b%b]" % (_encode(event), data, self._offset(data)))

    def message(self, message: Message, epoch: str) -> bytes:
        data = message.data
        if message.offset:
            self._positions[message.room] = Position(epoch, message.offset)
            if self._track is not None:
                return self.text(b'42[%b,%b,"%b"]' % (_encode(message.event), data, self._track.offset()))
        return self.text(b"42[%b,%b%b]" % (_encode(message.event), data, self._offset(data)))

    def _offset(self, data: bytes) -> bytes:
        """A last argument that is text is taken for the offset, so text does not stand last."""
        return b',"%b"' % self._track.offset() if self._track is not None and data[:1] == b'"' else b""

    def goodbye(self, code: int) -> bytes:
        if code not in _FINAL:
            return b""
        left = [MAIN] if self._joined else []
        return b"".join(
            self.text(MESSAGE + encode(Type.DISCONNECT, namespace)[0]) for namespace in (*left, *self._peers)
        )

    # Namespaces of plugins

    async def _admit(self, claimed: Namespace, namespace: str, auth: dict[str, Any]) -> None:
        connection = self._connection
        peer = Peer(namespace, connection.address, self._send)
        try:
            async with asyncio.timeout(self._app.settings.handler_timeout_ms / 1000):
                await claimed.connect(peer, auth)
        except Refused as refused:
            data = {"message": refused.message, "data": {"code": refused.code, "message": refused.message}}
            self._send(*encode(Type.CONNECT_ERROR, namespace, data))
            return
        except Exception as error:  # whatever a plugin does
            self._failed(namespace, "connect", error)
            data = {"message": "the namespace has failed", "data": {"code": str(ErrorCode.HANDLER_FAILED)}}
            self._send(*encode(Type.CONNECT_ERROR, namespace, data))
            return
        if connection.close_code is not None:
            return
        self._peers[namespace] = (peer, claimed)
        connection.guest = True
        self._send(*encode(Type.CONNECT, namespace, {"sid": peer.id}))
        peer.enter()

    async def _peer_event(
        self, gate: Gate, peer: Peer, claimed: Namespace, name: str, packet: Packet, arguments: list[msgspec.Raw]
    ) -> None:
        if not gate.allows(self._connection, name, len(packet.data), None):
            return
        plain = self._plain(packet, arguments)
        try:
            async with asyncio.timeout(self._app.settings.handler_timeout_ms / 1000):
                answer = await claimed.event(peer, name, plain)
        except Refused as refused:
            answer = [{"error": {"code": refused.code, "message": refused.message}}]
        except Exception as error:  # whatever a plugin does
            self._failed(peer.namespace, "event", error)
            answer = [{"error": {"code": str(ErrorCode.HANDLER_FAILED), "message": "the namespace has failed"}}]
        if packet.id is not None:
            self._send(*encode(Type.ACK, peer.namespace, list(answer or ()), packet.id))

    async def _disconnect(self, namespace: str) -> None:
        peer, claimed = self._peers.pop(namespace)
        peer.gone()
        try:
            async with asyncio.timeout(self._app.settings.handler_timeout_ms / 1000):
                await claimed.disconnect(peer)
        except Exception as error:  # whatever a plugin does
            self._failed(namespace, "disconnect", error)

    def gone(self) -> None:
        for namespace in list(self._peers):
            _ = self._app.create_task(self._disconnect(namespace), name="leave a namespace")

    def _failed(self, namespace: str, what: str, error: Exception) -> None:
        log.error("a namespace has failed", namespace=namespace, what=what, failure=type(error).__name__)

    def _plain(self, packet: Packet, array: list[msgspec.Raw]) -> list[Any]:
        values = [msgspec.json.decode(bytes(element)) for element in array]
        joined: list[Any] = join_blobs(values, packet.blobs) if packet.blobs else values
        return joined

    def _send(self, packet: bytes, blobs: list[bytes]) -> None:
        frames = [self.text(MESSAGE + packet), *map(self.carrier.binary, blobs)]
        self._connection.write(b"".join(frames))


def _read_id(raw: bytes) -> int | None:
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    if isinstance(value, dict):
        value = value.get("id")
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MAX_ID:
        return None
    return value
