"""What other nodes and a shared store cause on this one: rooms lost, clients taken over, devices gone."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

import structlog

from bonsai_core.gate import device_json
from bonsai_core.live import session_room
from bonsai_core.protocol import CloseCode, encode_json
from bonsai_core.store.base import DeviceInfo, Message, Replaced, StoreUnavailable

if TYPE_CHECKING:
    from bonsai_core.app import App

log = structlog.get_logger("bonsai.nodes")

#: Members of a lost room come back within this time, spread evenly, in ms.
SPREAD_MS = 1000


class OtherNodes:
    """The application's answers to what a shared store calls back."""

    def __init__(self, app: App) -> None:
        self._app = app
        store = app.store
        store.on_lost = self.lost
        store.on_replaced = self.replaced
        store.on_device_gone = self.device_gone
        store.on_lease_lost = self.lease_lost
        store.on_letter = self.letter
        #: Who is told what other nodes say to this one, by topic: `App.on_told`.
        self.told: dict[str, Callable[[bytes], None]] = {}

    def letter(self, letter: bytes) -> None:
        """Another node has something to tell this one."""
        topic, _, data = letter.partition(b"\0")
        listener = self.told.get(topic.decode())
        if listener is None:
            return
        try:
            listener(data)
        except Exception as error:
            log.error("a listener to other nodes failed", topic=topic.decode(), failure=type(error).__name__)

    def lost(self, room: str, owner: str) -> None:
        """Order in a room can no longer be proved: its members reconnect, and are told so (`recovered: false`)."""
        members = [member for member in self._app.rooms.members(room) if member.joined]
        if members:
            log.warning("a room begins anew", members=len(members))
        for connection in members:
            delay = secrets.randbelow(SPREAD_MS)
            connection.close(CloseCode.RESTARTING, f"a room begins anew; reconnect in {delay} ms", leave="lost")

    def replaced(self, user: str, client: str, joined_at: int) -> None:
        """A client of ours has joined on another node since."""
        connection = self._app.connections.of(user, client)
        if connection is not None and connection.device is not None and connection.device.joined_at == joined_at:
            connection.replaced()

    def device_gone(self, user: str, session_id: str, device: DeviceInfo) -> None:
        """The node of a device has died."""
        _ = self._app.create_task(self._tell_gone(user, session_id, device), name="tell that a device is gone")

    def lease_lost(self) -> None:
        """This node was taken for dead, and its devices were removed."""
        _ = self._app.create_task(self._join_again(), name="register devices again")

    async def _tell_gone(self, user: str, session_id: str, device: DeviceInfo) -> None:
        data = encode_json({"userId": user, "sessionId": session_id, "device": device_json(device)})
        message = Message(
            session_room(session_id), "user:disconnect", data, self._app.now(), user, exclude=device.client_id
        )
        try:
            await self._app.store.publish(message)
        except StoreUnavailable:
            log.warning("a session was not told that a device is gone: storage is away")

    async def _join_again(self) -> None:
        for connection in list(self._app.connections.all):
            live, device = connection.session, connection.device
            if live is None or device is None or not connection.joined:
                continue
            try:
                await self._app.store.device_joined(live.user, live.id, device)
            except StoreUnavailable:
                log.warning("devices were not registered again: storage is away")
                return
            except Replaced:
                connection.replaced()
