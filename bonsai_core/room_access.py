"""Who may be in which room besides the device's own: plugins' rooms, and a student's rooms for a tutor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bonsai_core import protocol
from bonsai_core.connection import Connection
from bonsai_core.events import Refused
from bonsai_core.isolation import PluginFault
from bonsai_core.live import LiveSession, session_room, user_room
from bonsai_core.protocol import ErrorCode
from bonsai_core.session import Session

if TYPE_CHECKING:
    from bonsai_core.app import App


class RoomAccess:
    """Asks plugins, and lets devices into rooms. Access fails closed."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def join(self, connection: Connection, room: str) -> None:
        """Put a joined connection into a room and tell it `room:joined`.

        Raises:
            Refused: `forbidden`.
        """
        live = connection.session
        if live is None or room in connection.rooms:
            return
        owner = await self.allowed(live, connection, room)
        if owner is None:
            raise Refused(ErrorCode.FORBIDDEN, f"this device may not join room {room!r}")
        joined = await self._app.rooms.join(connection, room, owner, None)
        position = {"room": room, "epoch": joined.position.epoch, "offset": joined.position.offset, "recovered": False}
        connection.tell("room:joined", protocol.encode_json(position))
        self._app.rooms.release(connection, [joined])

    async def allowed(self, live: LiveSession, connection: Connection, room: str) -> str | None:
        """Ask every plugin: one False forbids, one True is needed, failures forbid.

        Returns:
            The room's owner, empty for a room that is nobody's own; None when the device may not join.
        """
        handlers = self._app.plugins.hooks.get("authorize_room", ())
        owner = await self._owner(room) if handlers else None
        if owner is None:
            return None
        allowed = False
        for handler in handlers:
            session = Session(self._app, live, handler.record, connection)
            try:
                verdict = await self._app.supervisor.call_apart(
                    handler.record.guard,
                    handler.function,
                    *handler.bind(session, {"room": room, "owner": owner}),
                    what="authorize_room",
                )
            except (PluginFault, Refused):
                return None
            if verdict is False:
                return None
            allowed = allowed or verdict is True
        return owner if allowed else None

    async def check_again(self, live: LiveSession, connection: Connection) -> None:
        """After a new token: take the connection out of every room that it may be in no longer."""
        for room in connection.rooms - {user_room(live.user), session_room(live.id)}:
            if await self.allowed(live, connection, room) is None:
                await self.leave(connection, room)

    async def leave(self, connection: Connection, room: str) -> None:
        """Take a connection out of a room and tell it `room:left`."""
        await self._app.rooms.leave(connection, room)
        connection.tell("room:left", protocol.encode_json({"room": room}))

    async def _owner(self, room: str) -> str | None:
        kind, _, id = room.partition(":")
        if kind == "user":
            return id
        if kind == "session":
            return await self._app.store.session_owner(id)
        return ""
