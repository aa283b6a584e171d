"""The wire protocol `bonsai.v1` as plain functions over bytes: frames, error codes, close codes. Sans-I/O.

Nothing here knows sockets, tasks or time. A frame that comes in is decoded once: its envelope into `Frame`, its
payload left as raw JSON for the event's own model. A frame that goes out is assembled from payload bytes that were
encoded once, however many sockets get it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from enum import IntEnum, StrEnum
from typing import Annotated, Any

import msgspec

SUBPROTOCOL = "bonsai.v1"

#: Frames in one array. More is a bad frame: a client with more to say sends another array.
MAX_BATCH = 256
#: Ids are exact in every client's number type (IEEE 754 doubles).
MAX_ID = 2**53 - 1


class CloseCode(IntEnum):
    """WebSocket close codes: RFC 6455 section 7.4.1, and 44xx of our own."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    LOST = 1006
    INVALID_DATA = 1007
    POLICY = 1008
    TOO_BIG = 1009
    SERVER_FAULT = 1011
    RESTARTING = 1012
    TRY_LATER = 1013
    REPLACED = 4001
    SLOW_READER = 4008
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    JOIN_TIMEOUT = 4408
    FLOOD = 4429


def is_close_code(code: int) -> bool:
    """Whether a peer may send this close code (RFC 6455 section 7.4, and the codes registered since)."""
    return (1000 <= code <= 1014 and code not in (1004, 1005, 1006)) or 3000 <= code <= 4999


class ErrorCode(StrEnum):
    """Codes of `error` frames. The connection stays open after each of them."""

    BAD_FRAME = "bad_frame"
    UNKNOWN_EVENT = "unknown_event"
    INVALID_PAYLOAD = "invalid_payload"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    RATE_LIMITED = "rate_limited"
    TOO_LARGE = "too_large"
    ID_CONFLICT = "id_conflict"
    STALE_ID = "stale_id"
    HANDLER_FAILED = "handler_failed"
    HANDLER_TIMEOUT = "handler_timeout"
    PLUGIN_UNAVAILABLE = "plugin_unavailable"
    OVERLOADED = "overloaded"
    VERSION_CONFLICT = "version_conflict"


class ProtocolError(Exception):
    """What a peer sent breaks the protocol.

    Args:
        message: what is wrong, for the peer's developer.
        id: the message's id, when it could still be read.
        json: false when the bytes are not JSON at all.
        close: the close code that the fault deserves at once, if any.
    """

    def __init__(
        self, message: str, *, id: int | None = None, json: bool = True, close: CloseCode | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.id = id
        self.json = json
        self.close = close


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One message from a client. `data` is the payload's JSON, not yet looked at beyond its syntax."""

    event: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    data: msgspec.Raw = msgspec.Raw(b"null")
    id: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)] | None = None


class _IdOnly(msgspec.Struct):
    id: Annotated[int, msgspec.Meta(ge=1, le=MAX_ID)]


_Batch = Annotated[list[Frame], msgspec.Meta(min_length=1, max_length=MAX_BATCH)]

_decode_frame: Callable[[bytes], Frame] = msgspec.json.Decoder(Frame).decode
_decode_batch: Callable[[bytes], list[Frame]] = msgspec.json.Decoder(_Batch).decode
_decode_id = msgspec.json.Decoder(_IdOnly).decode
_encode = msgspec.json.encode
_HEADER = struct.Struct(">I")


def decode_text(raw: bytes) -> Frame | list[Frame]:
    """Decode a text message: one frame, or a batch of them.

    Raises:
        ProtocolError: with `json=False` when it is no JSON, `close=1007` when it is no UTF-8.
    """
    if not raw.isascii():
        try:
            raw.decode()
        except UnicodeDecodeError:
            raise ProtocolError("text is not UTF-8", json=False, close=CloseCode.INVALID_DATA) from None
    try:
        if raw[:1] == b"{":
            return _decode_frame(raw)
        if raw.lstrip()[:1] == b"[":
            return _decode_batch(raw)
        return _decode_frame(raw)
    except msgspec.ValidationError as error:
        raise ProtocolError(f"not a frame: {error}", id=_id_of(raw)) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProtocolError(f"not JSON: {error}", json=False) from None


def decode_binary(raw: bytes, max_header: int) -> tuple[Frame, bytes]:
    """Decode a binary message: big-endian length of the header, the header (one frame), the attachment.

    Args:
        max_header: the largest header allowed, in bytes.

    Raises:
        ProtocolError: the lengths do not fit, or the header is no frame.
    """
    if len(raw) < _HEADER.size:
        raise ProtocolError("a binary message begins with four bytes of header length")
    (length,) = _HEADER.unpack_from(raw)
    if length > max_header or length > len(raw) - _HEADER.size:
        raise ProtocolError(f"header length {length} does not fit the message or the limit of {max_header} bytes")
    frame = decode_text(raw[_HEADER.size : _HEADER.size + length])
    if not isinstance(frame, Frame):
        raise ProtocolError("the header of a binary message is one frame, not a batch")
    return frame, raw[_HEADER.size + length :]


def encode_binary(header: bytes, attachment: bytes) -> bytes:
    """The binary message of a frame (as JSON bytes) and its attachment."""
    return b"".join((_HEADER.pack(len(header)), header, attachment))


def _id_of(raw: bytes) -> int | None:
    """The id of a frame that is otherwise wrong, so that its sender learns which message failed."""
    try:
        return _decode_id(raw).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def canonical(raw: bytes) -> bytes:
    """The same JSON value, always as the same bytes: sorted keys, no white space."""
    try:
        return _encode(msgspec.json.decode(raw), order="deterministic")
    except (msgspec.DecodeError, RecursionError):  # a number or depth that Python cannot hold: compare as it came
        return raw


def encode_ack(id: int, data: bytes, ts: int) -> bytes:
    """`{"event":"ack"}`: the message `id` took effect; `data` is JSON."""
    return b'{"event":"ack","id":%d,"data":%b,"ts":%d}' % (id, data, ts)


def error_data(
    code: str,
    message: str,
    *,
    details: Any = None,
    retry_after_ms: int | None = None,
    incident: str | None = None,
) -> bytes:
    """The payload of `error`: a message was refused or failed, or something is wrong with the connection."""
    data: dict[str, Any] = {"code": code, "message": message}
    if details is not None:
        data["details"] = details
    if retry_after_ms is not None:
        data["retryAfterMs"] = retry_after_ms
    if incident is not None:
        data["incident"] = incident
    return _encode(data)


def encode_event(event: str, data: bytes, ts: int, *, id: int | None = None) -> bytes:
    """A message to one connection, outside any room's log."""
    if id is None:
        return b'{"event":%b,"data":%b,"ts":%d}' % (_encode(event), data, ts)
    return b'{"event":%b,"id":%d,"data":%b,"ts":%d}' % (_encode(event), id, data, ts)


def encode_room_message(event: str, room: str, offset: int, data: bytes, ts: int) -> bytes:
    """A message to a room; offset 0 (unlogged) is left out."""
    if offset:
        return b'{"event":%b,"room":%b,"offset":%d,"data":%b,"ts":%d}' % (
            _encode(event),
            _encode(room),
            offset,
            data,
            ts,
        )
    return b'{"event":%b,"room":%b,"data":%b,"ts":%d}' % (_encode(event), _encode(room), data, ts)


def encode_json(value: Any) -> bytes:
    """JSON bytes of plain data (mappings, sequences, strings, numbers, pydantic-dumped models)."""
    return _encode(value)


def decode_json(raw: bytes) -> Any:
    """Plain data of JSON bytes."""
    return msgspec.json.decode(raw)


def encode_pong(ts: int) -> bytes:
    """The answer to an application ping."""
    return b'{"event":"pong","ts":%d}' % ts


def encode_ping(ts: int) -> bytes:
    """An application ping."""
    return b'{"event":"ping","ts":%d}' % ts


def merge_patch(target: Any, patch: Any) -> Any:
    """Apply a JSON merge patch (RFC 7396) and return the result; `target` is left as it is."""
    if not isinstance(patch, Mapping):
        return patch
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result
