"""The unit of work that a handler sees: `Session`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

import msgspec
import structlog
from pydantic import BaseModel

from bonsai_core import protocol
from bonsai_core.connection import Connection
from bonsai_core.events import Event
from bonsai_core.live import LiveSession, session_room, user_room
from bonsai_core.store.base import (
    Delta,
    DeviceInfo,
    Mark,
    Message,
    Record,
    Unit,
    Write,
    connection_name,
)

if TYPE_CHECKING:
    from bonsai_core.app import App
    from bonsai_core.plugins import PluginRecord

log = structlog.get_logger("bonsai.session")

M = TypeVar("M", bound=BaseModel)
Scope = Literal["session", "user"]


@dataclass(slots=True, frozen=True)
class Entry:
    """A record of an append-only stream, as `Session.history` returns it."""

    number: int
    at: int
    data: Any


class Session:
    """A handler's view of the session, and its unit of work.

    `save`, `delete`, `append`, `emit` and `reply` collect; when the handler returns, everything commits at once,
    with the duplicate mark and before the ack. If it raises, nothing of it happens. If another device changed a
    document meanwhile, the handler runs again from the start, so a handler keeps no state of its own between calls.
    `notify` alone acts at once.

    Attributes:
        app: the process: settings, clock, `find_question`.
        device: the device that sent the event, or None for background work.
    """

    __slots__ = (
        "_connection",
        "_deltas",
        "_event",
        "_live",
        "_loaded",
        "_messages",
        "_plugin",
        "_records",
        "_replies",
        "_writes",
        "app",
    )

    def __init__(
        self,
        app: App,
        live: LiveSession,
        plugin: PluginRecord,
        connection: Connection | None,
        event: Event | None = None,
    ) -> None:
        self.app = app
        self._live = live
        self._plugin = plugin
        self._connection = connection
        self._event = event
        #: key -> version as loaded; key -> new value as JSON bytes (None: delete).
        self._loaded: dict[str, int] = {}
        self._writes: dict[str, bytes | None] | None = None
        self._records: list[Record] | None = None
        self._messages: list[Message] | None = None
        self._replies: list[tuple[str, bytes]] | None = None
        self._deltas: list[Delta] | None = None

    # Who and where

    @property
    def id(self) -> str:
        """The session's id."""
        return self._live.id

    @property
    def user(self) -> str:
        """The userId: the token's `sub`."""
        return self._live.user

    @property
    def roles(self) -> frozenset[str]:
        """Roles of the device's token: `student`, `tutor`, `admin`; empty for background work."""
        identity = self._connection.identity if self._connection else None
        return identity.roles if identity else frozenset()

    @property
    def claims(self) -> Mapping[str, Any]:
        """All claims of the device's token."""
        identity = self._connection.identity if self._connection else None
        return identity.claims if identity else {}

    @property
    def device(self) -> DeviceInfo | None:
        """The device that sent the event."""
        return self._connection.device if self._connection else None

    @property
    def client_id(self) -> str:
        """The sending client's id; empty for background work."""
        return self._connection.client_id if self._connection else ""

    @property
    def event_key(self) -> str | None:
        """Names the client's message under work, the same each time it is resent or run again; None without an id.

        For effects outside this unit of work, such as `App.act`: what remembers the key can do them once.
        """
        event = self._event
        return f"{self.user}/{event.client_id}/{event.id}" if event is not None and event.id is not None else None

    @property
    def recovered(self) -> bool:
        """True when the device came back and provably missed nothing. For `on_connect`."""
        return self._connection.recovered if self._connection else False

    @property
    def now(self) -> int:
        """The time in ms since the epoch, from the application's clock."""
        return self.app.now()

    async def devices(self) -> list[DeviceInfo]:
        """The session's connected devices, on all nodes, oldest first."""
        return await self.app.store.devices(self.user, self.id)

    # Documents

    @overload
    async def load(self, key: str, model: type[M], *, scope: Scope = "session") -> M | None: ...
    @overload
    async def load(self, key: str, model: None = None, *, scope: Scope = "session") -> Any: ...

    async def load(self, key: str, model: type[M] | None = None, *, scope: Scope = "session") -> Any:
        """Read a document of this plugin, as it will be if this unit of work commits.

        Args:
            key: the document's name within the plugin and scope.
            model: a pydantic model to read it into; without one it comes as plain data.
            scope: `session` for one study session, `user` for all of the user's sessions.

        Returns:
            The document, or None when there is none.
        """
        place = self._place(key, scope)
        if self._writes is not None and place in self._writes:
            value = self._writes[place]
        else:
            document = await self.app.documents.load(self.user, place)
            self._loaded[place] = document.version if document else 0
            value = document.value if document else None
        if value is None:
            return None
        return model.model_validate_json(value) if model is not None else protocol.decode_json(value)

    def save(self, key: str, value: BaseModel | Any, *, scope: Scope = "session") -> None:
        """Write a document: a model or JSON-able data. Load it first in the same handler if it depends on the old."""
        if self._writes is None:
            self._writes = {}
        self._writes[self._place(key, scope)] = to_json(value)

    def delete(self, key: str, *, scope: Scope = "session") -> None:
        """Remove a document."""
        if self._writes is None:
            self._writes = {}
        self._writes[self._place(key, scope)] = None

    # Records

    def append(self, stream: str, value: BaseModel | Any, *, scope: Scope = "user") -> None:
        """Add a record to one of this plugin's append-only streams."""
        if self._records is None:
            self._records = []
        self._records.append(Record(self._place(stream, scope), to_json(value), self.now))

    async def history(
        self,
        stream: str,
        *,
        limit: int = 100,
        before: int | None = None,
        since: int | None = None,
        scope: Scope = "user",
    ) -> list[Entry]:
        """The newest committed records of a stream, oldest first.

        Args:
            limit: at most so many.
            before: only records with a smaller number, to page back.
            since: only records at or after this time, ms since the epoch.
        """
        place = self._place(stream, scope)
        records = await self.app.store.records(self.user, place, limit=limit, before=before, since=since)
        return [Entry(r.number, r.at, protocol.decode_json(r.value)) for r in records]

    # What many users share

    def contribute(self, collection: str, key: str, delta: BaseModel | Any) -> None:
        """Leave a contribution to an aggregate that many users share; this plugin's `@folds` function takes it in.

        It commits with the unit of work, costs it one row, and reaches the aggregate within about a second.
        """
        if self._deltas is None:
            self._deltas = []
        self._deltas.append(Delta(f"{self._plugin.name}/{collection}", key, to_json(delta)))

    async def shared(self, collection: str, key: str) -> Any:
        """An aggregate of this plugin as last folded, as plain data to be read only; None when there is none."""
        return await self.app.shared.load(f"{self._plugin.name}/{collection}", key)

    # Messages

    def emit(self, event: str, data: BaseModel | Any = None, *, room: str | None = None) -> None:
        """Send a message to every device of a room: numbered, logged, resumable.

        Args:
            room: default is this session's; `"user"` for all of the user's sessions; or a plugin's own such as
                `class:7b`.
        """
        if self._messages is None:
            self._messages = []
        name, owner = self._room(room)
        self._messages.append(Message(name, event, to_json(data), self.now, owner))

    def reply(self, event: str, data: BaseModel | Any = None) -> None:
        """Send a message to the asking device alone, after the commit."""
        if self._replies is None:
            self._replies = []
        self._replies.append((event, to_json(data)))

    async def notify(
        self,
        event: str,
        data: BaseModel | Any = None,
        *,
        room: str | None = None,
        others: bool = False,
        key: str | None = None,
    ) -> None:
        """Send an unlogged message at once, whatever becomes of the unit of work: progress, typing. May be lost.

        Args:
            others: leave out the device that sent the event.
            key: of several messages with the same key that wait for a slow reader, only the newest is sent.
        """
        name, owner = self._room(room)
        exclude = self.client_id if others else ""
        await self.app.store.publish(
            Message(name, event, to_json(data), self.now, owner, exclude=exclude, low=True, key=key)
        )

    async def join(self, room: str) -> None:
        """Put the asking device into a room of a plugin, or of another user or session; it is told `room:joined`.

        Raises:
            Refused: no plugin's `authorize_room` allows it.
        """
        if self._connection is None:
            raise RuntimeError("background work has no device to join a room with")
        await self.app.room_access.join(self._connection, room)

    async def leave(self, room: str) -> None:
        """Take the asking device out of a room that it joined so; it is told `room:left`."""
        if self._connection is not None and room not in (user_room(self.user), session_room(self.id)):
            await self.app.room_access.leave(self._connection, room)

    # For the dispatcher

    @property
    def live(self) -> LiveSession:
        """The session in memory."""
        return self._live

    @property
    def connection(self) -> Connection | None:
        """The socket that the event came by."""
        return self._connection

    @property
    def plugin(self) -> PluginRecord:
        """The plugin that this unit of work belongs to."""
        return self._plugin

    @property
    def messages(self) -> list[Message]:
        """What was emitted so far."""
        return self._messages or []

    def touched(self) -> bool:
        """True when there is something to commit."""
        return bool(self._writes or self._records or self._messages or self._deltas)

    def acted(self) -> bool:
        """True when the handler did anything at all."""
        return self.touched() or bool(self._replies)

    async def unit(self, mark: Mark | None) -> Unit:
        """What was collected, ready to commit."""
        writes = []
        for place, value in (self._writes or {}).items():
            version = self._loaded.get(place)
            if version is None:  # saved without loading: the last write wins
                document = await self.app.documents.load(self.user, place)
                version = document.version if document else 0
            if value is not None or version:
                writes.append(Write(place, value, version))
        unit = Unit(self.user, mark, writes, self._records or [], self._messages or [], self._deltas or [])
        if self.app.store.shared:
            written = self._writes or {}
            unit.reads = {place: version for place, version in self._loaded.items() if place not in written}
            if (connection := self._connection) is not None and connection.device is not None and self._event:
                unit.sender = (connection.client_id, connection_name(connection.device))
        return unit

    def send_replies(self) -> None:
        """Send what `reply` collected."""
        if self._replies and self._connection is not None:
            client = self._live.clients.get(self._connection.client_id)
            connection = client.connection if client else self._connection
            for event, data in self._replies:
                connection.tell(event, data)

    def discard(self) -> None:
        """Forget what was collected, before the handler runs again."""
        self._loaded.clear()
        self._writes = self._records = self._messages = self._replies = self._deltas = None

    def _place(self, key: str, scope: Scope) -> str:
        if scope == "user":
            return f"{self._plugin.name}/u/{key}"
        return f"{self._plugin.name}/s/{self._live.id}/{key}"

    def _room(self, room: str | None) -> tuple[str, str]:
        user = self._live.user
        if room is None:
            return session_room(self._live.id), user
        if room == "user":
            return user_room(user), user
        if room in (user_room(user), session_room(self._live.id)):
            return room, user
        return room, ""


def to_json(value: BaseModel | Any) -> bytes:
    """JSON bytes of a payload model (by wire names, without unset optional fields' nulls) or of plain data."""
    if isinstance(value, BaseModel):
        return value.__pydantic_serializer__.to_json(value, by_alias=True, exclude_none=True)
    return _encode(value)


def _plain(value: Any) -> Any:
    """Models inside plain data."""
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_none=True)
    raise TypeError(f"{type(value).__name__} is not JSON")


_encode = msgspec.json.Encoder(enc_hook=_plain).encode
