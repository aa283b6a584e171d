"""How far each room was received: what to resume from, which message is a duplicate, where one is missing. Pure.

Source: the offset + epoch recovery of Centrifugo (https://centrifugal.dev/docs/server/history_and_recovery).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

#: Broken connections in a row, none of which brought a message further, after which the positions are given up:
#: better a full snapshot than the same failure for ever.
MAX_FRUITLESS = 3
#: Rooms that a server lets one connection resume.
MAX_ROOMS = 64


@dataclass(slots=True, frozen=True)
class Position:
    """After the message with `offset`, in the log's life `epoch`. An empty epoch is none: it recovers nothing."""

    epoch: str
    offset: int


class Decision(StrEnum):
    """What to do with a room message."""

    DELIVER = "deliver"
    DUPLICATE = "duplicate"
    GAP = "gap"


class Positions:
    """The position of every joined room.

    Args:
        known: positions of an earlier run.
    """

    def __init__(self, known: Mapping[str, Position] | None = None) -> None:
        self._rooms: dict[str, Position] = dict(known or {})
        self._offered: dict[str, Position] = {}
        self._fruitless = 0

    @property
    def rooms(self) -> dict[str, Position]:
        """A copy of the positions by room."""
        return dict(self._rooms)

    def get(self, room: str) -> Position | None:
        """The position of one room."""
        return self._rooms.get(room)

    def offer(self, limit: int = MAX_ROOMS) -> dict[str, dict[str, Any]]:
        """The `resume` of a `user:connect`: where to continue, by room.

        Args:
            limit: at most so many rooms, those joined first. The server takes us out of plugins' rooms not named.
        """
        self._offered = dict(list(self._rooms.items())[:limit])
        return {room: {"epoch": p.epoch, "offset": p.offset} for room, p in self._offered.items()}

    def joined(self, rooms: Mapping[str, Any]) -> list[str]:
        """Take the `rooms` of a `user:joined`. Rooms it does not name were left.

        A recovered room continues where we were: its missed messages follow. Any other continues where the server
        says, for a full snapshot stands in for what came before.

        Returns:
            The rooms whose history is not continuous with what was received before.
        """
        positions: dict[str, Position] = {}
        reset: list[str] = []
        for room, info in rooms.items():
            info = info if isinstance(info, Mapping) else {}
            epoch, offset = str(info.get("epoch") or ""), info.get("offset")
            offered = self._offered.get(room)
            if info.get("recovered") and offered is not None and offered.epoch == epoch != "":
                positions[room] = offered
                continue
            if room in self._rooms:
                reset.append(room)
            positions[room] = Position(epoch, offset if isinstance(offset, int) else 0)
        self._rooms = positions
        self._offered = {}
        return reset

    def room_joined(self, info: Any) -> tuple[str, Position] | None:
        """Take the data of a `room:joined`: a plugin put this connection into a room of its own.

        Returns:
            The room and where it begins for us; None when the data is not understood.
        """
        if not isinstance(info, Mapping) or not isinstance(info.get("room"), str):
            return None
        offset = info.get("offset")
        position = Position(str(info.get("epoch") or ""), offset if isinstance(offset, int) else 0)
        self._rooms[info["room"]] = position
        return info["room"], position

    def room_left(self, info: Any) -> None:
        """Take the data of a `room:left`: do not ask for this room again."""
        if isinstance(info, Mapping):
            self._rooms.pop(str(info.get("room")), None)

    def decide(self, room: str, offset: int | None) -> Decision:
        """What to do with a message, and move on when it is delivered.

        Args:
            offset: the message's; None or 0: unlogged, so nothing can be said about it.
        """
        if not offset:
            return Decision.DELIVER
        position = self._rooms.get(room)
        if position is None:  # joined since: its first message says where we are, though not in which epoch
            self._rooms[room] = Position("", offset)
            return Decision.DELIVER
        if offset <= position.offset:
            return Decision.DUPLICATE
        if offset > position.offset + 1:
            return Decision.GAP
        self._rooms[room] = Position(position.epoch, offset)
        self._fruitless = 0
        return Decision.DELIVER

    def broke(self) -> bool:
        """A connection had to be given up because what came over it was wrong (a gap, a bad frame).

        Returns:
            Whether the positions were given up, so that the next join gets full snapshots.
        """
        self._fruitless += 1
        if self._fruitless < MAX_FRUITLESS:
            return False
        self._fruitless = 0
        # Still offered, so that the server puts us into these rooms again, but recovered from no epoch.
        self._rooms = {room: Position("", position.offset) for room, position in self._rooms.items()}
        return True
