"""Rooms: who is in them on this node, fan-out with one encoding, and joining without losing or doubling a message."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bonsai_core.connection import Connection
from bonsai_core.outbox import Priority
from bonsai_core.store.base import Message, Position, Store
from bonsai_core.transport import Wire


class Room:
    """The local members of one room."""

    __slots__ = ("epoch", "members", "name", "owner")

    def __init__(self, name: str, owner: str) -> None:
        self.name = name
        self.owner = owner
        self.epoch = ""
        #: The offset up to which each member has the log from its join; 0 while that is being read.
        #: Insertion-ordered, so that fan-out is fair and repeatable.
        self.members: dict[Connection, int] = {}

    def begin(self, epoch: str) -> None:
        """The log is in this epoch; in a new one offsets start over, so the members' mean nothing any more."""
        if epoch != self.epoch:
            self.epoch = epoch
            self.members = dict.fromkeys(self.members, 0)


@dataclass(slots=True, frozen=True)
class Joined:
    """What a connection gets to know of a room it joined."""

    room: str
    position: Position
    recovered: bool
    missed: Sequence[Message]

    @property
    def start(self) -> Position:
        """Where what follows begins: before the missed messages."""
        return Position(self.position.epoch, self.position.offset - len(self.missed))


class Rooms:
    """All rooms that have members on this node."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rooms: dict[str, Room] = {}

    def __len__(self) -> int:
        return len(self._rooms)

    def members(self, name: str) -> Sequence[Connection]:
        """The local connections in a room."""
        room = self._rooms.get(name)
        return tuple(room.members) if room else ()

    def deliver(self, message: Message, epoch: str) -> None:
        """Hand a message to every local member. The store calls this in the room's order."""
        room = self._rooms.get(message.room)
        if room is None:
            return
        encoded: dict[Wire, bytes] = {}
        exclude, offset, low = message.exclude, message.offset, message.low
        if offset:
            room.begin(epoch)
        wire, data = None, b""
        for connection, has in room.members.items():
            # A commit can be read from the log just before it is delivered: who joined then has it already.
            if 0 < offset <= has or (exclude and connection.client_id == exclude):
                continue
            if connection.holds is not None and connection.hold(message):
                continue
            if connection.wire is not wire:
                wire = connection.wire
                if wire not in encoded:
                    encoded[wire] = wire.message(message, epoch)
                data = encoded[wire]
            if low:
                connection.write(data, Priority.LOW, message.key)
            else:
                connection.write(data)

    async def join(self, connection: Connection, name: str, owner: str, since: Position | None) -> Joined:
        """Put a connection into a room, its live messages held back until `release`.

        Live messages are held first, then the log is read, then both are merged: whatever commits meanwhile is in
        one of the two, and what is in both is dropped by its offset.

        Args:
            since: where the client was; None for a fresh join.
        """
        if connection.holds is None:
            connection.holds = {}
        connection.holds.setdefault(name, [])
        room = self._rooms.get(name)
        if room is None:
            room = self._rooms[name] = Room(name, owner)
        room.members[connection] = 0
        connection.rooms.add(name)
        await self._store.subscribe(name, owner)
        recovery = await self._store.recover(name, owner, since)
        room = self._rooms.get(name)
        if room is not None and connection in room.members:
            room.begin(recovery.position.epoch)
            room.members[connection] = recovery.position.offset
        joined = Joined(name, recovery.position, recovery.recovered, recovery.messages)
        connection.wire.entered(name, joined.start)
        return joined

    def release(self, connection: Connection, joined: Sequence[Joined], between: bytes | None = None) -> None:
        """Send what was missed, then `between`, then what was held back; then let live messages through.

        Args:
            between: payload of a `session:state` for this connection alone, as JSON.
        """
        holds, connection.holds = connection.holds or {}, None
        wire = connection.wire
        for entry in joined:
            for message in entry.missed:
                connection.write(wire.message(message, entry.position.epoch))
        if between is not None:
            connection.tell("session:state", between)
        for entry in joined:
            for message in after(entry.position, holds.pop(entry.room, [])):
                connection.write(wire.message(message, entry.position.epoch))
        if holds:  # rooms whose join is still under way
            connection.holds = holds

    async def leave(self, connection: Connection, name: str) -> None:
        """Take a connection out of a room; an empty room is forgotten."""
        connection.rooms.discard(name)
        connection.wire.left(name)
        room = self._rooms.get(name)
        if room is None:
            return
        room.members.pop(connection, None)
        if not room.members:
            del self._rooms[name]
            await self._store.unsubscribe(name, room.owner)
            if name in self._rooms:  # somebody joined while we unsubscribed
                await self._store.subscribe(name, room.owner)


def after(position: Position, held: Sequence[Message]) -> list[Message]:
    """What was held back and is not yet contained in the log read up to `position`: each offset once."""
    last = position.offset
    new = []
    for message in held:
        if message.offset == 0:
            new.append(message)
        elif message.offset > last:
            last = message.offset
            new.append(message)
    return new
