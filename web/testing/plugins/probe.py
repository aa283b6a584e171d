"""A plugin for the front ends' tests: it counts, refuses, takes bytes, and tells what it was given."""

from __future__ import annotations

import hashlib
from typing import Any

from bonsai_core import Attachment, Event, Payload, Plugin, Refused, Session, on


class Count(Payload):
    """`probe:count`: how often a key was counted, in all."""

    key: str


class Counted(Payload):
    """The count after it."""

    key: str
    count: int


class Upload(Payload):
    """Bytes, with something about them."""

    picture: Attachment
    about: dict[str, Any] = {}


class Screenshot(Payload):
    """`extension:screenshot` as the protocol has it."""

    extension_id: str
    screenshot: Attachment
    metadata: dict[str, Any] = {}


class Refuse(Payload):
    """`probe:refuse`: refused with this code, so many times."""

    key: str
    code: str
    times: int
    retry_after_ms: int | None = None
    reason: str | None = None


class Probe(Plugin):
    """Counts, refuses, takes bytes."""

    name = "probe"
    emits = {"probe:counted": Counted}

    def __init__(self) -> None:
        self._refused: dict[str, int] = {}

    @on("probe:count")
    async def count(self, session: Session, count: Count) -> Counted:
        """Count, and tell all devices."""
        counts: dict[str, int] = await session.load("counts", scope="user") or {}
        counts[count.key] = counts.get(count.key, 0) + 1
        session.save("counts", counts, scope="user")
        counted = Counted(key=count.key, count=counts[count.key])
        session.emit("probe:counted", counted)
        return counted

    @on("probe:ids")
    async def ids(self, session: Session, event: Event) -> dict[str, Any]:
        """Who asks, under which id."""
        return {"clientId": session.client_id, "id": event.id}

    @on("probe:upload")
    async def upload(self, session: Session, upload: Upload) -> dict[str, Any]:
        """What has arrived."""
        return {"sha256": hashlib.sha256(upload.picture).hexdigest(), "about": upload.about}

    @on("extension:screenshot")
    async def screenshot(self, session: Session, shot: Screenshot) -> dict[str, Any]:
        """What has arrived."""
        digest = hashlib.sha256(shot.screenshot).hexdigest()
        return {"sha256": digest, "extensionId": shot.extension_id, "metadata": shot.metadata}

    @on("probe:refuse")
    async def refuse(self, session: Session, refuse: Refuse) -> dict[str, int]:
        """Refuse so many times, then tell how often."""
        refused = self._refused.get(refuse.key, 0)
        if refused < refuse.times:
            self._refused[refuse.key] = refused + 1
            details = {"reason": refuse.reason} if refuse.reason else None
            raise Refused(refuse.code, "not yet", details=details, retry_after_ms=refuse.retry_after_ms)
        return {"refused": refused}
