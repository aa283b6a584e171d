"""The core's own session events, written as a plugin: `session:update`, `session:state` and `session:end`."""

from __future__ import annotations

import math
from typing import Annotated, Any

import structlog
from pydantic import AfterValidator, BaseModel, Field

from bonsai_core import protocol
from bonsai_core.events import Plugin, Refused, on
from bonsai_core.payload import Payload
from bonsai_core.protocol import ErrorCode
from bonsai_core.session import Session

log = structlog.get_logger("bonsai.core")

#: Largest shared state of a session, as JSON bytes.
MAX_STATE_BYTES = 65_536


def _finite(value: Any) -> Any:
    """Refuse numbers that overflow, such as 1e999: as infinity they would be sent on as null, which deletes a key."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is too large")
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            _finite(item)
    return value


class Update(Payload):
    """`session:update`: a JSON merge patch (RFC 7396) for the shared state.

    With `version` it applies only to that version of the state.
    """

    patch: Annotated[dict[str, Any], AfterValidator(_finite)]
    version: Annotated[int, Field(ge=0)] | None = None


class Updated(Payload):
    """What all devices are told of an update: the patch, and the state's version after it."""

    patch: dict[str, Any]
    version: int
    client_id: str = ""


class StateVersion(Payload):
    """The ack of `session:update`."""

    version: int


class State(Payload):
    """The shared state in full."""

    state: dict[str, Any]
    version: int
    devices: list[dict[str, Any]]


class End(Payload):
    """`session:end`."""

    reason: Annotated[str, Field(max_length=256)] | None = None


class Ended(Payload):
    """What all devices are told when a session ends: contributions of plugins by their names."""

    summary: dict[str, Any]
    reason: str | None = None


class Stored(BaseModel):
    """The document that holds a session's shared state."""

    state: dict[str, Any] = {}
    version: int = 0
    started_at: int | None = None
    ended_at: int | None = None


class CoreEvents(Plugin):
    """Handlers of the `session:*` events."""

    name = "core"
    emits = {
        "session:update": Updated,
        "session:state": State,
        "session:end": Ended,
    }

    def __init__(self, app: Any) -> None:
        self._app = app

    @on("session:update")
    async def update(self, session: Session, update: Update) -> StateVersion:
        """Patch the shared state and tell all devices."""
        stored = await session.load("state", Stored) or Stored(started_at=session.now)
        if update.version is not None and update.version != stored.version:
            details = {"state": stored.state, "version": stored.version}
            raise Refused(ErrorCode.VERSION_CONFLICT, "the state has changed meanwhile", details=details)
        stored.state = protocol.merge_patch(stored.state, update.patch)
        if len(protocol.encode_json(stored.state)) > MAX_STATE_BYTES:
            raise Refused(ErrorCode.TOO_LARGE, f"a session's state is limited to {MAX_STATE_BYTES} bytes")
        stored.version += 1
        session.save("state", _plain(stored))
        # Sent as plain data: the nulls of a merge patch mean something.
        session.emit(
            "session:update",
            {"patch": update.patch, "version": stored.version, "clientId": session.client_id},
        )
        return StateVersion(version=stored.version)

    @on("session:state")
    async def read(self, session: Session) -> dict[str, Any]:
        """Send the shared state to the asking device."""
        from bonsai_core.gate import device_json

        state = await self.state(session.user, session.id)
        full = {**state, "devices": [device_json(d) for d in await session.devices()]}
        session.reply("session:state", full)
        return full

    @on("session:end")
    async def end(self, session: Session, end: End) -> dict[str, Any]:
        """End the session: gather every plugin's part of the summary, tell all devices."""
        stored = await session.load("state", Stored) or Stored()
        stored.ended_at = session.now
        summary: dict[str, Any] = {"endedAt": session.now}
        if stored.started_at is not None:
            summary["startedAt"] = stored.started_at
        summary.update(await self._app.gather_summary(session))
        session.save("state", _plain(stored))
        session.emit("session:end", {"summary": summary, "reason": end.reason})
        return {"summary": summary}

    async def state(self, user: str, session_id: str) -> dict[str, Any]:
        """The shared state and its version, as committed."""
        key = f"core/s/{session_id}/state"
        if self._app.store.shared:
            self._app.documents.forget(user, (key,))
        document = await self._app.documents.load(user, key)
        stored = Stored.model_validate_json(document.value) if document else Stored()
        return {"state": stored.state, "version": stored.version}


def _plain(stored: Stored) -> dict[str, Any]:
    return stored.model_dump()
