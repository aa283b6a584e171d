"""The native wire: `bonsai.v1` over WebSocket. One object for all of its connections."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING

from bonsai_core import protocol
from bonsai_core.framing import close_frame, ping_frame, text_frame
from bonsai_core.protocol import CloseCode, ErrorCode, Frame, ProtocolError
from bonsai_core.transport import TEXT, Gate, Message, Wire

if TYPE_CHECKING:
    from bonsai_core.connection import Connection
    from bonsai_core.settings import Settings


class NativeWire(Wire):
    """Frames are JSON objects, `bonsai_core.protocol`; a client answers under the id that it gave its message.

    Args:
        settings: the limits of messages.
    """

    __slots__ = ("_max_attachment_bytes", "_max_join_bytes", "_max_message_bytes")

    def __init__(self, settings: Settings) -> None:
        self._max_join_bytes = settings.max_join_bytes
        self._max_message_bytes = settings.max_message_bytes
        self._max_attachment_bytes = settings.max_attachment_bytes

    # What comes in

    def receive(self, gate: Gate, connection: Connection, kind: int, payload: bytes) -> Awaitable[None] | None:
        connection.heard()
        if kind != TEXT:
            return self._binary(gate, connection, payload)
        size = len(payload)
        if connection.session is None and size > self._max_join_bytes:
            connection.close(CloseCode.TOO_BIG, f"the first frame is limited to {self._max_join_bytes} bytes")
            return None
        if size > self._max_message_bytes:
            connection.refuse(None, ErrorCode.TOO_LARGE, f"a message is limited to {self._max_message_bytes} bytes")
            return None
        try:
            frames = protocol.decode_text(payload)
        except ProtocolError as error:
            gate.bad(connection, error)
            return None
        connection.bad_json = 0
        if type(frames) is Frame:
            return gate.frame(connection, frames, None, frames.id)
        return self._batch(gate, connection, frames)  # type: ignore[arg-type]

    async def _batch(self, gate: Gate, connection: Connection, frames: list[Frame]) -> None:
        for frame in frames:
            if connection.close_code is not None:
                return
            doing = gate.frame(connection, frame, None, frame.id)
            if doing is not None:
                await doing

    def _binary(self, gate: Gate, connection: Connection, raw: bytes) -> Awaitable[None] | None:
        if connection.session is None:
            connection.close(CloseCode.UNSUPPORTED_DATA, "join with a text frame first")
            return None
        try:
            frame, attachment = protocol.decode_binary(raw, self._max_message_bytes)
        except ProtocolError as error:
            gate.bad(connection, error)
            return None
        if len(attachment) > self._max_attachment_bytes:
            message = f"an attachment is limited to {self._max_attachment_bytes} bytes"
            connection.refuse(frame.id, ErrorCode.TOO_LARGE, message)
            return None
        return gate.frame(connection, frame, attachment, frame.id)

    # What goes out

    def ack(self, reply: int, data: bytes, ts: int, number: int) -> bytes:
        return text_frame(b'{"event":"ack","id":%d,"data":%b,"ts":%d}' % (reply, data, ts))

    def error(self, reply: int | None, data: bytes, ts: int) -> bytes:
        return text_frame(protocol.encode_event("error", data, ts, id=reply))

    def event(self, event: str, data: bytes, ts: int) -> bytes:
        return text_frame(protocol.encode_event(event, data, ts))

    def message(self, message: Message, epoch: str) -> bytes:
        return text_frame(
            protocol.encode_room_message(message.event, message.room, message.offset, message.data, message.at)
        )

    def ping(self) -> bytes:
        return ping_frame()

    def pong(self, ts: int) -> bytes:
        return text_frame(protocol.encode_pong(ts))

    def close(self, code: int, reason: str) -> bytes:
        return close_frame(code, reason)
