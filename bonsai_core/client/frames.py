"""Frames as the client sees them: what it sends, what arrives, and the objects it hands out. Sans-I/O."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bonsai_core.protocol import encode_binary

#: Largest first frame that a server reads, in bytes.
MAX_CONNECT_BYTES = 8192

PING = b'{"event":"ping"}'
PONG = b'{"event":"pong"}'


class ServerFrame(msgspec.Struct):
    """One frame from the server, with its payload decoded."""

    event: str
    data: Any = None
    id: int | None = None
    room: str | None = None
    offset: int | None = None
    epoch: str | None = None
    ts: float | None = None


@dataclass(slots=True, frozen=True)
class Message:
    """A frame as handlers and `async for` get it.

    Args:
        event: its name.
        data: its payload, as plain JSON data.
        room: the room it was sent to; None when it is for this connection only.
        offset: its place in the room's log, from 1; None when it is not logged.
        ts: when the server made it, in milliseconds since the epoch.
        id: the id it answers, for `ack` and `error`.
        attachment: the bytes that came with it in a binary frame.
    """

    event: str
    data: Any = None
    room: str | None = None
    offset: int | None = None
    ts: int | None = None
    id: int | None = None
    attachment: bytes | None = field(default=None, repr=False)


@dataclass(slots=True, frozen=True)
class Joined:
    """What the server said when it took us in (`user:joined`). `raw` has all of it, as it came."""

    user_id: str
    session_id: str
    client_id: str
    device_id: str
    devices: tuple[Mapping[str, Any], ...]
    rooms: Mapping[str, Any]
    heartbeat: Mapping[str, Any]
    limits: Mapping[str, Any]
    server_time: int | None
    token_expires_at: int | None
    raw: Mapping[str, Any] = field(repr=False)

    @classmethod
    def from_data(cls, data: Any) -> Joined:
        """Read the frame's data.

        Raises:
            ValueError: it is no such object.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("rooms", {}), Mapping):
            raise ValueError("user:joined without an object of rooms")
        devices = data.get("devices")
        return cls(
            user_id=str(data.get("userId") or ""),
            session_id=str(data.get("sessionId") or ""),
            client_id=str(data.get("clientId") or ""),
            device_id=str(data.get("deviceId") or ""),
            devices=tuple(d for d in devices if isinstance(d, Mapping)) if isinstance(devices, list) else (),
            rooms=data.get("rooms", {}),
            heartbeat=_mapping(data.get("heartbeat")),
            limits=_mapping(data.get("limits")),
            server_time=_integer(data.get("serverTime")),
            token_expires_at=_integer(data.get("tokenExpiresAt")),
            raw=data,
        )

    def limit(self, name: str) -> int | None:
        """One of `limits`, if the server gave it as a number."""
        return _integer(self.limits.get(name))


_decode_one = msgspec.json.Decoder(ServerFrame).decode
_decode_many = msgspec.json.Decoder(list[ServerFrame]).decode


def decode_text(raw: bytes) -> list[ServerFrame]:
    """The frames of a text message: one, or a batch.

    Raises:
        ValueError: it is no frame.
    """
    try:
        return _decode_many(raw) if raw[:1] == b"[" else [_decode_one(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not a frame: {type(error).__name__}") from None  # its text may quote the payload


def decode_binary(raw: bytes) -> tuple[ServerFrame, bytes]:
    """The frame and the attachment of a binary message.

    Raises:
        ValueError: it is no such message.
    """
    length = int.from_bytes(raw[:4], "big")
    if len(raw) < 4 or length > len(raw) - 4:
        raise ValueError("the header length of a binary message does not fit it")
    frames = decode_text(raw[4 : 4 + length])
    if len(frames) != 1:
        raise ValueError("the header of a binary message is one frame")
    return frames[0], raw[4 + length :]


def encode_frame(event: str, data: Any, id: int | None = None) -> bytes:
    """A frame to the server as JSON bytes.

    Args:
        data: JSON data, or a pydantic model (its aliases are the wire's names).

    Raises:
        ValueError: a payload that JSON does not have: NaN, infinity, lone surrogates, circular data.
        TypeError: a type that JSON does not have.
    """
    dump = getattr(data, "model_dump_json", None)
    if dump is not None:
        payload: bytes = dump(by_alias=True).encode()
    else:
        payload = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"), default=_plain).encode()
    name = json.dumps(event, ensure_ascii=False).encode()
    if id is None:
        return b'{"event":%b,"data":%b}' % (name, payload)
    return b'{"event":%b,"id":%d,"data":%b}' % (name, id, payload)


def encode_message(frame: bytes, attachment: bytes) -> bytes:
    """The binary message of a frame with an attachment."""
    return encode_binary(frame, attachment)


def encode_batch(frames: list[bytes]) -> bytes:
    """The text message of one or several frames."""
    return frames[0] if len(frames) == 1 else b"[%b]" % b",".join(frames)


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    if dump is None:
        raise TypeError(f"{type(value).__name__} is not JSON data")
    return dump(mode="json", by_alias=True)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _integer(value: Any) -> int | None:
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
