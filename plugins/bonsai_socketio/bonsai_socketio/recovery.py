"""Connection state recovery without any state of ours: what a client has to show when it comes back says it all.

A stock client keeps two strings: `pid`, from the answer to its `CONNECT`, and `offset`, the last argument of the newest
event that had one. The `pid` says which client and session it is and where its rooms were when it joined; the `offset`
says where they were after that event. Both name positions in our room logs (epoch and offset), so any node can serve
what was missed, whatever became of the one that the client was connected to. Neither lets anybody in: the token does.
"""

from __future__ import annotations

import base64
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote

import msgspec

from bonsai_core.transport import Position

#: Longer than any that we make for as many rooms as can be resumed; longer ones are not looked at.
MAX_BYTES = 16_384


class _Pid(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    tag: str
    client: str
    session: str
    life: int
    acknowledged: int
    rooms: dict[str, tuple[str, int]]


_read_pid = msgspec.json.Decoder(_Pid).decode


@dataclass
class Track:
    """Where one client's rooms are, and what it can show for it.

    Attributes:
        life: names the client's page, or whatever else counts its ack ids; it is another one when that begins anew.
        tag: ties an `offset` to its `pid`: a client keeps the old one's until a new one comes.
        positions: by room: after the newest message that was sent.
        acknowledged: the highest number of an event whose answer was sent.
    """

    client: str
    session: str
    life: int = 0
    tag: str = field(default_factory=lambda: secrets.token_urlsafe(6))
    positions: dict[str, Position] = field(default_factory=dict)
    acknowledged: int = 0
    pid: str = ""

    def make_pid(self) -> str:
        """What the client is to show as its `pid`: its rooms as they are now."""
        rooms = {room: (position.epoch, position.offset) for room, position in self.positions.items()}
        data = msgspec.json.encode(_Pid(self.tag, self.client, self.session, self.life, self.acknowledged, rooms))
        self.pid = base64.urlsafe_b64encode(data).decode().rstrip("=")
        return self.pid

    def offset(self) -> bytes:
        """What the client is to show as its `offset`; needs no escaping in JSON."""
        rooms = ";".join(f"{quote(r, safe=':')}={quote(p.epoch)}.{p.offset}" for r, p in self.positions.items())
        return f"{self.tag};{self.acknowledged};{rooms}".encode()


def read(pid: Any, offset: Any) -> Track | None:
    """What a client that comes back shows; None when that is nothing of ours.

    An `offset` of another `pid`, or none, leaves the positions as they were at the join.
    """
    if not isinstance(pid, str) or len(pid) > MAX_BYTES or not pid.isascii():
        return None
    try:
        shown = _read_pid(base64.urlsafe_b64decode(pid + "=" * (-len(pid) % 4)))
        positions = {room: Position(epoch, number) for room, (epoch, number) in shown.rooms.items() if number >= 0}
        if not 0 <= shown.life < 1 << 32:
            return None
    except (ValueError, msgspec.DecodeError, RecursionError):
        return None
    track = Track(shown.client, shown.session, shown.life, shown.tag, positions, shown.acknowledged, pid)
    if isinstance(offset, str) and len(offset) <= MAX_BYTES and offset.startswith(f"{track.tag};"):
        _, acknowledged, *rooms = offset.split(";")
        later = _read_rooms(rooms)
        if acknowledged.isdecimal() and later is not None:
            track.acknowledged = int(acknowledged)
            track.positions = later
    return track


def _read_rooms(texts: list[str]) -> dict[str, Position] | None:
    positions = {}
    for text in filter(None, texts):
        room, _, place = text.partition("=")
        epoch, _, number = place.rpartition(".")
        if not number.isdecimal():
            return None
        positions[unquote(room)] = Position(unquote(epoch), int(number))
    return positions
