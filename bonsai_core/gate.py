"""The gate: what a wire has decoded is judged and passed on; who joins is checked; who leaves is told.

Every event passes here first: is its sender joined, does it come too often? Only then it reaches the dispatcher.
"""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import structlog
from pydantic import Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from bonsai_core import protocol, transport
from bonsai_core.auth import Identity, TokenError
from bonsai_core.connection import Connection
from bonsai_core.events import Refused
from bonsai_core.isolation import PluginFault
from bonsai_core.live import Client, LiveSession, Numbered, numbered_name, session_room, user_room
from bonsai_core.outbox import Priority
from bonsai_core.payload import Payload
from bonsai_core.protocol import CloseCode, ErrorCode, Frame, ProtocolError
from bonsai_core.rooms import Joined
from bonsai_core.store.base import DeviceInfo, Message, Position, Replaced, StoreUnavailable

if TYPE_CHECKING:
    from bonsai_core.app import App

log = structlog.get_logger("bonsai.gate")

#: Messages in a row that are no JSON, after which the connection is closed with 1007.
MAX_BAD_JSON = 5
#: Bad frames in a row, after which it is closed with 1008.
MAX_BAD_FRAMES = 10
#: Events before joining that are answered `unauthenticated`, before the connection is closed with 1008.
MAX_EARLY = 10
#: Events that the gate itself deals with.
OWN_EVENTS = frozenset({"ping", "pong", "user:connect", "user:disconnect", "auth:refresh"})
#: Rooms that one connection can ask to resume.
MAX_RESUME = 64

Name = Annotated[str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")]


class DeviceIn(Payload):
    """What a device says of itself.

    Attributes:
        id: stays the same across connections; by default the client's id.
        kind: `web`, `mobile`, `extension`, ...
        name: for people.
    """

    id: Name | None = None
    kind: Annotated[str, StringConstraints(max_length=32)] = "web"
    name: Annotated[str, StringConstraints(max_length=128)] = ""


class PositionIn(Payload):
    """Where a client was in a room's log."""

    epoch: Annotated[str, StringConstraints(max_length=128)]
    offset: Annotated[int, Field(ge=0)]


class JoinRequest(Payload):
    """Payload of `user:connect`.

    Attributes:
        token: a JWT; may instead be an `Authorization: Bearer` header of the handshake.
        user_id: must be the token's `sub`, if given.
        session_id: the session to join; by default the token's `sid`, else a new one.
        client_id: names this client across its reconnects, so that resends are recognised; by default a new one.
        device: what the other devices are told of this one.
        resume: by room, how far the client got: what it missed since then follows.
        batch: reserved; the server sends single frames, and takes arrays from everybody.
    """

    token: str | None = None
    user_id: str | None = None
    session_id: Name | None = None
    client_id: Name | None = None
    device: DeviceIn = DeviceIn()
    resume: Annotated[dict[Name, PositionIn], Field(max_length=MAX_RESUME)] = {}
    batch: bool = False


class RefreshRequest(Payload):
    """Payload of `auth:refresh`."""

    token: str


class _Rejected(Exception):
    """A join that ends the connection."""

    def __init__(self, close: CloseCode, code: ErrorCode, message: str, details: Any = None) -> None:
        super().__init__(message)
        self.close = close
        self.code = code
        self.message = message
        self.details = details


class Gate(transport.Gate):
    """Judges what connections send. One for all connections of a process."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._settings = app.settings

    # What comes in

    def frame(
        self, connection: Connection, frame: Frame, attachment: bytes | None = None, reply: int | None = None
    ) -> Awaitable[None] | None:
        event = frame.event
        if connection.session is None or event in OWN_EVENTS:
            return self._own(connection, frame, attachment, reply)
        wait = self._app.limits.take(connection, event)
        if wait:
            self._limited(connection, event, len(frame.data), reply, wait)
            return None
        connection.refusals = connection.bad_frames = 0
        return self._app.dispatcher.handle(connection, frame, attachment, reply)

    def bad(self, connection: Connection, error: ProtocolError) -> None:
        if error.close is not None:
            connection.close(error.close, error.message)
            return
        connection.refuse(error.id, ErrorCode.BAD_FRAME, error.message)
        connection.bad_frames += 1
        if not error.json:
            connection.bad_json += 1
            if connection.bad_json >= MAX_BAD_JSON:
                connection.close(CloseCode.INVALID_DATA, "too many messages that are not JSON")
        if connection.bad_frames >= MAX_BAD_FRAMES:
            connection.close(CloseCode.POLICY, "too many bad frames")

    def _own(
        self, connection: Connection, frame: Frame, attachment: bytes | None, reply: int | None
    ) -> Awaitable[None] | None:
        """An event that the gate itself deals with, or one that comes too early."""
        event = frame.event
        if event == "ping":
            if self.control(connection):
                connection.write(connection.wire.pong(self._app.now()), Priority.HIGH)
        elif event == "pong":
            self.control(connection)
        elif connection.session is None:
            if event == "user:connect":
                return self.connect(connection, bytes(frame.data), reply)
            self._early(connection, reply)
        elif event == "user:disconnect":  # leaving is never too much
            if reply is not None:
                connection.ack(reply, b"null")
            self.leave(connection)
        elif self.allows(connection, event, 0, reply):
            connection.bad_frames = 0
            if event == "auth:refresh":
                return self._refresh(connection, frame, reply)
            connection.refuse(reply, ErrorCode.BAD_FRAME, "already joined")
        return None

    def _early(self, connection: Connection, reply: int | None) -> None:
        connection.refuse(reply, ErrorCode.UNAUTHENTICATED, "join with user:connect first")
        connection.bad_frames += 1
        if connection.bad_frames >= MAX_EARLY:
            connection.close(CloseCode.POLICY, "too many events before user:connect")

    def allows(self, connection: Connection, event: str, size: int, reply: int | None) -> bool:
        wait = self._app.limits.take(connection, event)
        if not wait:
            connection.refusals = 0
            return True
        self._limited(connection, event, size, reply, wait)
        return False

    def _limited(self, connection: Connection, event: str, size: int, reply: int | None, wait: float) -> None:
        retry = int(wait * 1000) + 1
        connection.refuse(reply, ErrorCode.RATE_LIMITED, "too many messages", retry_after_ms=retry)
        if self._app.metrics.listeners:
            self._app.report(connection, event, ErrorCode.RATE_LIMITED, 0.0, size)
        connection.refusals += 1
        if connection.refusals >= self._settings.flood_refusals:
            connection.close(CloseCode.FLOOD, f"flood; reconnect in {retry} ms")

    def control(self, connection: Connection) -> bool:
        """A ping or pong has come, of the protocol or of ours; False when there are too many of them."""
        connection.heard()
        if self._app.limits.take_ping(connection):
            connection.close(CloseCode.POLICY, "too many pings")
            return False
        return True

    # Joining

    async def connect(
        self, connection: Connection, data: bytes, reply: int | None = None, *, acknowledged: int | None = None
    ) -> None:
        try:
            await self._join(connection, data, reply, acknowledged)
        except _Rejected as rejected:
            connection.refuse(reply, rejected.code, rejected.message, details=rejected.details)
            connection.close(rejected.close, rejected.message)
        except StoreUnavailable:
            connection.close(CloseCode.TRY_LATER, "storage is away")
        except Replaced:  # this join was held back on its way; should a clock be wrong, the client comes again
            connection.close(CloseCode.TRY_LATER, "a newer connection of this client has joined")

    async def _join(self, connection: Connection, data: bytes, reply: int | None, acknowledged: int | None) -> None:
        app = self._app
        try:
            request = JoinRequest.model_validate_json(data)
        except ValidationError as error:
            details = error.errors(include_url=False, include_input=False, include_context=False)
            connection.refuse(reply, ErrorCode.INVALID_PAYLOAD, "user:connect is not valid", details=details)
            connection.bad_frames += 1
            if connection.bad_frames >= MAX_EARLY:
                connection.close(CloseCode.POLICY, "too many bad frames")
            return
        identity = await self.identify(request.token or connection.bearer)
        if request.user_id is not None and request.user_id != identity.user:
            raise _Rejected(CloseCode.FORBIDDEN, ErrorCode.FORBIDDEN, "the token belongs to another user")
        session_id = request.session_id or identity.session_id or uuid.uuid4().hex
        if identity.session_id is not None and session_id != identity.session_id:
            raise _Rejected(CloseCode.FORBIDDEN, ErrorCode.FORBIDDEN, "the token is bound to another session")
        if await app.store.claim_session(session_id, identity.user) != identity.user:
            raise _Rejected(CloseCode.FORBIDDEN, ErrorCode.FORBIDDEN, "the session belongs to another user")
        if connection.close_code is not None:
            return
        client_id = request.client_id or uuid.uuid4().hex
        device = DeviceInfo(
            client_id,
            request.device.id or client_id,
            request.device.kind,
            request.device.name,
            connection.opened_ms,
            app.settings.node_id,
        )
        live = app.sessions.get(session_id, identity.user)
        try:
            await self._enter(connection, live, identity, device, request.resume, acknowledged)
        finally:
            if connection.session is None:  # it did not get in: lost meanwhile, replaced, or the store went away
                await self._forget(connection, live, device)
            app.sessions.done(live)

    async def _enter(
        self,
        connection: Connection,
        live: LiveSession,
        identity: Identity,
        device: DeviceInfo,
        resume: Mapping[str, PositionIn],
        acknowledged: int | None,
    ) -> None:
        """Take the connection into its session: takeover, rooms, presence, answer, missed messages."""
        app = self._app
        app.connections.take_over(live.user, device.client_id, connection)
        connection.identity = identity
        connection.client_id = device.client_id
        connection.numbered_id = numbered_name(device.client_id)
        connection.device = device
        highest = await app.store.last_id(live.user, device.client_id)
        numbered = numbered_name(device.client_id) if connection.wire.numbers else ""
        highest_number = await app.store.last_id(live.user, numbered) if numbered else 0
        joined = [
            await app.rooms.join(connection, name, live.user, _position(resume.get(name)))
            for name in (user_room(live.user), session_room(live.id))
        ]
        devices = await app.store.device_joined(live.user, live.id, device)
        state = await app.core.state(live.user, live.id)
        if connection.close_code is not None:
            return
        live.users += 1
        known = live.clients.get(device.client_id)
        client = live.clients[device.client_id] = Client(connection, max(highest, known.highest if known else 0))
        client.recent = known.recent if known else None
        number = 0
        if numbered:
            earlier = live.known(numbered)
            counted = live.clients[numbered] = Numbered(connection, highest_number, earlier, acknowledged)
            number = counted.given
        connection.session = live
        connection.bad_frames = 0
        for name, position in resume.items():
            if name in connection.rooms:
                continue
            if (owner := await app.room_access.allowed(live, connection, name)) is not None:
                joined.append(await app.rooms.join(connection, name, owner, _position(position)))
        for entry in joined:
            if entry.room in resume:
                app.metrics.recoveries[entry.recovered] += 1
        connection.recovered = all(entry.recovered for entry in joined)
        welcome = self._joined(connection, devices, joined)
        wire, recovered = connection.wire, connection.recovered
        connection.write(wire.joined(welcome, app.now(), recovered=recovered, number=number), Priority.HIGH)
        between = None
        if not connection.recovered:
            between = protocol.encode_json({**state, "devices": [device_json(d) for d in devices]})
        app.rooms.release(connection, joined, between)
        await self._tell_others(live, "user:connect", device)
        for handler in app.plugins.hooks.get("on_connect", ()):
            await app.dispatcher.run_hook(live, connection, handler)

    def _joined(self, connection: Connection, devices: list[DeviceInfo], joined: list[Joined]) -> bytes:
        app, settings, live, identity = self._app, self._settings, connection.session, connection.identity
        assert live is not None and identity is not None and connection.device is not None
        rooms = {
            j.room: {"epoch": j.position.epoch, "offset": j.position.offset, "recovered": j.recovered} for j in joined
        }
        return protocol.encode_json(
            {
                "userId": live.user,
                "sessionId": live.id,
                "clientId": connection.client_id,
                "deviceId": connection.device.device_id,
                "devices": [device_json(d) for d in devices],
                "rooms": rooms,
                "heartbeat": {
                    "intervalMs": settings.heartbeat_interval_ms,
                    "timeoutMs": settings.heartbeat_timeout_ms,
                },
                "limits": {
                    "maxMessageBytes": settings.max_message_bytes,
                    "maxAttachmentBytes": settings.max_attachment_bytes,
                    "maxRequests": settings.rate_max_requests,
                    "windowMs": settings.rate_window_ms,
                    "idWindow": settings.dedup_window,
                },
                "serverTime": app.now(),
                "tokenExpiresAt": identity.expires_at,
            }
        )

    async def identify(self, token: str | None) -> Identity:
        """Verify a token, ask the store whether it was revoked and plugins whether its user may come in.

        Raises:
            _Rejected: with the close code that the fault deserves.
        """
        app = self._app
        if not token:
            raise _Rejected(CloseCode.UNAUTHENTICATED, ErrorCode.UNAUTHENTICATED, "a token is needed")
        try:
            identity = await app.authenticator.verify(token)
        except TokenError as error:
            if error.reason == "unavailable":
                raise _Rejected(CloseCode.TRY_LATER, ErrorCode.OVERLOADED, str(error)) from None
            raise _Rejected(
                CloseCode.UNAUTHENTICATED, ErrorCode.UNAUTHENTICATED, str(error), {"reason": error.reason}
            ) from None
        if await app.store.revoked(identity.jti, identity.user, identity.issued_at):
            raise _Rejected(
                CloseCode.UNAUTHENTICATED, ErrorCode.UNAUTHENTICATED, "the token was revoked", {"reason": "revoked"}
            )
        for handler in app.plugins.hooks.get("validate_user", ()):
            named = {"user": identity.user, "claims": identity.claims}
            try:
                verdict = await app.supervisor.call_apart(
                    handler.record.guard, handler.function, *handler.bind(None, named), what="validate_user"
                )
            except Refused as refused:
                raise _Rejected(CloseCode.FORBIDDEN, ErrorCode.FORBIDDEN, refused.message) from None
            except PluginFault:
                raise _Rejected(CloseCode.TRY_LATER, ErrorCode.PLUGIN_UNAVAILABLE, "users cannot be checked") from None
            if verdict is False:
                raise _Rejected(CloseCode.FORBIDDEN, ErrorCode.FORBIDDEN, "this user may not come in")
        return identity

    # Renewal and leaving

    async def _refresh(self, connection: Connection, frame: Frame, reply: int | None) -> None:
        old, live = connection.identity, connection.session
        assert old is not None and live is not None
        try:
            token = RefreshRequest.model_validate_json(bytes(frame.data)).token
            new = await self.identify(token)
        except ValidationError:
            connection.refuse(reply, ErrorCode.INVALID_PAYLOAD, "auth:refresh needs a token")
            return
        except _Rejected as rejected:
            connection.refuse(reply, rejected.code, rejected.message, details=rejected.details)
            return
        if new.user != old.user or new.session_id not in (None, live.id):
            message = "the token belongs to another user or session"
            connection.refuse(reply, ErrorCode.FORBIDDEN, message)
            return
        connection.identity = new
        connection.expiring_told = False
        await self._app.room_access.check_again(live, connection)
        if reply is not None:
            connection.ack(reply, protocol.encode_json({"tokenExpiresAt": new.expires_at}))

    def leave(self, connection: Connection) -> None:
        connection.close(CloseCode.NORMAL, "left", leave="left")

    async def left(self, connection: Connection) -> None:
        """The connection is over: leave rooms, tell the others, run `on_disconnect`."""
        app, live, device = self._app, connection.session, connection.device
        if live is None or device is None:
            return
        try:
            await self._forget(connection, live, device)
            for handler in app.plugins.hooks.get("on_disconnect", ()):
                await app.dispatcher.run_hook(live, connection, handler, reason=connection.leave_reason)
        finally:
            for name in (device.client_id, numbered_name(device.client_id)):
                client = live.clients.get(name)
                if client is not None and client.connection is connection:
                    del live.clients[name]
            app.sessions.done(live)

    async def _forget(self, connection: Connection, live: LiveSession, device: DeviceInfo) -> None:
        app = self._app
        app.connections.gone(live.user, device.client_id, connection)
        try:
            for name in list(connection.rooms):
                await app.rooms.leave(connection, name)
            if await app.store.device_left(live.user, live.id, device):
                await self._tell_others(live, "user:disconnect", device)
        except StoreUnavailable:
            log.warning("presence not updated: storage is away", client=device.client_id)

    async def _tell_others(self, live: LiveSession, event: str, device: DeviceInfo) -> None:
        data = protocol.encode_json({"userId": live.user, "sessionId": live.id, "device": device_json(device)})
        message = Message(session_room(live.id), event, data, self._app.now(), live.user, exclude=device.client_id)
        try:
            await self._app.store.publish(message)
        except StoreUnavailable:
            log.warning("the other devices were not told: storage is away", told=event)


def _position(given: PositionIn | None) -> Position | None:
    return Position(given.epoch, given.offset) if given else None


def device_json(device: DeviceInfo) -> dict[str, Any]:
    """A device as clients see it."""
    fields = {to_camel(name): value for name, value in asdict(device).items() if name != "node"}
    fields["id"] = fields["deviceId"]
    return fields
