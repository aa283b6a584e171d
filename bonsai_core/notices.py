"""What the core itself tells clients: the payloads of the connection's own frames, for the AsyncAPI document.

The core assembles these frames where it sends them; `tests/test_asyncapi.py` holds real frames against these models.
"""

from __future__ import annotations

from typing import Any

from bonsai_core.payload import Payload


class JoinedDevice(Payload):
    """A device of the session.

    Attributes:
        id: as `deviceId`.
        kind: what it called itself: `web`, `mobile`, `extension`, ...
        name: for people.
        joined_at: ms since the epoch.
    """

    id: str
    client_id: str
    device_id: str
    kind: str
    name: str
    joined_at: int


class RoomPosition(Payload):
    """Where a client is in a room's log.

    Attributes:
        epoch: names the log; another epoch is another log.
        offset: of the newest message in the log; the next one has one more.
        recovered: all that was missed since the position in `resume` follows, and nothing is missing.
    """

    epoch: str
    offset: int
    recovered: bool


class HeartbeatTimes(Payload):
    """When silence is looked into, and when it ends the connection."""

    interval_ms: int
    timeout_ms: int


class ClientLimits(Payload):
    """What a client should keep to.

    Attributes:
        max_message_bytes: of one message.
        max_attachment_bytes: of one attachment.
        max_requests: messages in `windowMs`; 0: no limit.
        id_window: how many ids back a resend is still recognised.
    """

    max_message_bytes: int
    max_attachment_bytes: int
    max_requests: int
    window_ms: int
    id_window: int


class Joined(Payload):
    """`user:joined`: the client is in. What it missed follows.

    Attributes:
        devices: connected devices of the session, on all nodes, oldest first.
        rooms: position by room.
        server_time: ms since the epoch.
        token_expires_at: ms since the epoch.
    """

    user_id: str
    session_id: str
    client_id: str
    device_id: str
    devices: list[JoinedDevice]
    rooms: dict[str, RoomPosition]
    heartbeat: HeartbeatTimes
    limits: ClientLimits
    server_time: int
    token_expires_at: int


class DeviceChange(Payload):
    """Another device of the session has come (`user:connect`) or gone (`user:disconnect`)."""

    user_id: str
    session_id: str
    device: JoinedDevice


class Expiring(Payload):
    """`auth:expiring`: renew the token with `auth:refresh`.

    Attributes:
        in_ms: milliseconds until it expires.
    """

    in_ms: int


class RoomJoined(Payload):
    """`room:joined`: the device is in another room from here on.

    Attributes:
        recovered: always false: a room is joined where its log is now.
    """

    room: str
    epoch: str
    offset: int
    recovered: bool


class RoomLeft(Payload):
    """`room:left`: the device is in this room no more."""

    room: str


class Dropped(Payload):
    """`notice:dropped`: messages of low priority did not reach this slow reader.

    Attributes:
        dropped: how many since the last notice.
    """

    dropped: int


class Failure(Payload):
    """`error`: a message was refused, or failed. The connection stays open.

    Attributes:
        code: one of the protocol's, or a plugin's own.
        message: for the client's developer.
        details: more of it; for `invalid_payload` pydantic's list of errors.
        retry_after_ms: when it makes sense to try again, in milliseconds.
        incident: under which the server logged the failure.
    """

    code: str
    message: str
    details: Any = None
    retry_after_ms: int | None = None
    incident: str | None = None
