"""Socket.IO 5 packets as bytes. Sans-I/O.

    <type>[<number of attachments>-][<namespace>,][<ack id>][<JSON>]

Source: the Socket.IO protocol, revision 5 (socketio/socket.io, docs/socket.io-protocol).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import msgspec

#: Events that a client's library itself emits: nobody may send them.
RESERVED = frozenset({"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"})
MAIN = "/"
#: Ack ids are exact in every client's number type.
_MAX_ID = 2**53 - 1

_HEAD = re.compile(rb"([0-6])(?:(?<=[56])(\d{1,4})-)?(?:(/[^,]{0,256})(?:,|$))?(\d{0,16})")
_json: Callable[[bytes], Any] = msgspec.json.decode
_array: Callable[[bytes], list[msgspec.Raw]] = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.encode


class Type(IntEnum):
    """What a packet is for."""

    CONNECT = 0
    DISCONNECT = 1
    EVENT = 2
    ACK = 3
    CONNECT_ERROR = 4
    BINARY_EVENT = 5
    BINARY_ACK = 6


class PacketError(Exception):
    """A peer has sent what is no packet, or none that it may send now."""


@dataclass(slots=True)
class Packet:
    """One packet.

    Attributes:
        id: the ack id, if there is one.
        data: JSON, empty for none.
        attachments: how many binary messages belong to it.
        blobs: those that have come.
    """

    type: Type
    namespace: str
    id: int | None
    data: bytes
    attachments: int = 0
    blobs: Sequence[bytes] = ()


def decode(text: bytes, max_attachments: int) -> Packet:
    """Read a packet.

    Raises:
        PacketError: it is none.
    """
    head = _HEAD.match(text)
    if head is None:
        raise PacketError("not a packet of Socket.IO 5")
    kind, attachments, namespace, id = head.groups()
    type = Type(int(kind))
    if (attachments is None) is (type in (Type.BINARY_EVENT, Type.BINARY_ACK)):
        raise PacketError("a binary packet says how many attachments it has")
    if attachments is not None and int(attachments) > max_attachments:
        raise PacketError(f"too many attachments: at most {max_attachments}")
    if id and int(id) > _MAX_ID:
        raise PacketError("an ack id is too large")
    try:
        name = namespace.decode() if namespace else MAIN
    except UnicodeDecodeError:
        raise PacketError("a namespace is UTF-8") from None
    return Packet(type, name, int(id) if id else None, text[head.end() :], int(attachments or 0))


def read_object(packet: Packet) -> dict[str, Any]:
    """The payload of a `CONNECT`; empty when there is none.

    Raises:
        PacketError: it is no JSON object.
    """
    if not packet.data:
        return {}
    try:
        value = _json(packet.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PacketError("the payload is not JSON") from None
    if not isinstance(value, dict):
        raise PacketError("the payload is a JSON object")
    return value


def read_array(packet: Packet) -> list[msgspec.Raw]:
    """The payload of an event or an ack: an array, its elements still JSON.

    Raises:
        PacketError: it is no JSON array.
    """
    try:
        return _array(packet.data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise PacketError("the payload is a JSON array") from None


def read_event_name(array: Sequence[msgspec.Raw]) -> str:
    """The name of an event.

    Raises:
        PacketError: it has none, or one that nobody may send.
    """
    try:
        name = _json(bytes(array[0])) if array else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        name = None
    if not isinstance(name, str) or name in RESERVED:
        raise PacketError("an event begins with its name")
    return name


# Values with binary in them


def join_blobs(value: Any, blobs: Sequence[bytes]) -> Any:
    """A value with its placeholders replaced by what they stand for.

    Raises:
        PacketError: one stands for nothing.
    """
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            number = value.get("num")
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(blobs):
                raise PacketError("a placeholder stands for no attachment")
            return blobs[number]
        return {key: join_blobs(inner, blobs) for key, inner in value.items()}
    if isinstance(value, list):
        return [join_blobs(inner, blobs) for inner in value]
    return value


def split_blobs(value: Any, blobs: list[bytes]) -> Any:
    """A value with its bytes replaced by placeholders; the bytes are added to `blobs`."""
    if isinstance(value, bytes | bytearray | memoryview):
        blobs.append(bytes(value))
        return {"_placeholder": True, "num": len(blobs) - 1}
    if isinstance(value, dict):
        return {key: split_blobs(inner, blobs) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [split_blobs(inner, blobs) for inner in value]
    return value


def base64_text(value: Any) -> Any:
    """A value with its bytes as base64 text, as payload models take them."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, dict):
        return {key: base64_text(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [base64_text(inner) for inner in value]
    return value


# What goes out


def encode(type: Type, namespace: str, data: Any = None, id: int | None = None) -> tuple[bytes, list[bytes]]:
    """A packet and its attachments; bytes in `data` become such.

    Args:
        type: `EVENT` and `ACK` become their binary kinds by themselves.
        data: plain data; None for none.
    """
    blobs: list[bytes] = []
    plain = split_blobs(data, blobs)
    kind = b"%d" % type
    if blobs:
        binary = Type.BINARY_EVENT if type is Type.EVENT else Type.BINARY_ACK
        kind = b"%d%d-" % (binary, len(blobs))
    place = b"" if namespace == MAIN else namespace.encode() + b","
    number = b"" if id is None else b"%d" % id
    return kind + place + number + (b"" if data is None else _encode(plain)), blobs
