"""What the Redis store writes, as bytes: units of work for the commit script, bodies of messages, devices, records."""

from __future__ import annotations

from typing import Any

import msgspec

from bonsai_core.store.base import DeviceInfo, Message, Record, Unit, connection_name

_pack = msgspec.msgpack.Encoder().encode


class Body(msgspec.Struct, array_like=True, gc=False):
    """A message without its place: what a log's entry holds, and a published message after `epoch:offset:`."""

    event: str
    data: bytes
    at: int
    exclude: str = ""
    low: bool = False
    key: str | None = None


class Contribution(msgspec.Struct, array_like=True, tag="d", gc=False):
    """An entry of an outbox: a delta."""

    name: str
    key: str
    value: bytes


class Forwarded(msgspec.Struct, array_like=True, tag="m", gc=False):
    """An entry of an outbox: a message to a room of another bucket."""

    owner: str
    room: str
    body: bytes


_read_body = msgspec.msgpack.Decoder(Body).decode
_read_entry = msgspec.msgpack.Decoder(Contribution | Forwarded).decode
_read_record = msgspec.msgpack.Decoder(tuple[int, bytes]).decode
_read_device = msgspec.msgpack.Decoder(tuple[str, str, str, str, int, str]).decode


def pack_body(message: Message) -> bytes:
    return _pack(Body(message.event, message.data, message.at, message.exclude, message.low, message.key))


def read_message(room: str, owner: str, offset: int, body: bytes) -> Message:
    b = _read_body(body)
    return Message(room, b.event, b.data, b.at, owner, offset, b.exclude, b.low, b.key)


def split_published(data: bytes) -> tuple[str, int, bytes]:
    """Epoch, offset and body of a published message."""
    epoch, offset, body = data.split(b":", 2)
    return epoch.decode(), int(offset), body


def pack_entry(entry: Contribution | Forwarded) -> bytes:
    return _pack(entry)


def read_entry(data: bytes) -> Contribution | Forwarded:
    entry: Contribution | Forwarded = _read_entry(data)
    return entry


def pack_record(record: Record) -> bytes:
    return _pack((record.at, record.value))


def read_record(stream: str, number: int, data: bytes) -> Record:
    at, value = _read_record(data)
    return Record(stream, value, at, number)


def pack_device(device: DeviceInfo) -> bytes:
    fields = (device.client_id, device.device_id, device.kind, device.name, device.joined_at, device.node)
    return connection_name(device).encode() + b"\0" + _pack(fields)


def read_device(data: bytes) -> DeviceInfo:
    return DeviceInfo(*_read_device(data.partition(b"\0")[2]))


def pack_unit(
    unit: Unit,
    said: list[str | bytes],
    *,
    node: str,
    token: str,
    slot: int,
    now: int,
    publish: str,
    keep: int,
    age: int,
    outbox: list[bytes],
) -> list[str | bytes]:
    """The arguments of the commit script: what the unit is (msgpack), then all its byte strings, in the script's order.

    Lua's msgpack knows no byte strings, and a nil would end a Lua table: `false` stands for what is absent.

    Args:
        said: channel and body of each message to the user's own rooms.
        node: this process among the nodes.
        token: names this commit, so that the same command run twice is recognised; and rooms that begin anew.
        slot: where in its client's hash the mark belongs.
        publish: the command that publishes.
        keep, age: retention of room logs, messages and seconds.
    """
    blobs: list[str | bytes] = []
    mark: Any = False
    if (m := unit.mark) is not None:
        mark = {"id": m.id, "slot": str(slot), "plugin": m.plugin, "at": m.at or now}
        blobs += (m.digest, m.answer)
    blobs += [write.value for write in unit.writes if write.value is not None]
    blobs += [pack_record(record) for record in unit.records]
    blobs += outbox
    meta = {
        "node": node,
        "token": token,
        "publish": publish,
        "keep": keep,
        "age": age,
        "mark": mark,
        "sender": list(unit.sender) if unit.sender is not None else False,
        "reads": unit.reads,
        "writes": [[write.key, write.version, write.value is not None] for write in unit.writes],
        "records": len(unit.records),
        "outbox": len(outbox),
        "said": len(said) // 2,
    }
    return [_pack(meta), *blobs, *said]
