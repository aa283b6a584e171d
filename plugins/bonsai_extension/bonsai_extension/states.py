"""The extensions of one student: what each said last, when, and which of them are gone. Plain data, no session."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from bonsai_core import Payload
from bonsai_extension.events import LastQuestion, State, Sync


class Known(Payload):
    """What is known of one extension.

    Attributes:
        client: the device that it spoke from.
    """

    sync: Sync
    last_seen: int
    client: str = ""
    question: LastQuestion | None = None

    def state(self, *, gone: bool = False) -> State:
        """As devices see it."""
        active = self.sync.is_active and not gone
        return State(
            status="gone" if gone else "active" if active else "inactive",
            is_active=active,
            current_url=self.sync.current_url,
            detected_questions=self.sync.detected_questions,
            last_seen=self.last_seen,
            question=self.question,
        )


_document = TypeAdapter(dict[str, Known])


class Full(Exception):
    """No room for another extension: all of them are in use.

    Attributes:
        wait_ms: when that may be different.
    """

    def __init__(self, wait_ms: int) -> None:
        super().__init__(f"no room for {wait_ms} ms")
        self.wait_ms = wait_ms


class Extensions:
    """All extensions of a student that are there.

    Args:
        document: as `document` gave it; None for a student without any.
        most: so many at a time; one more takes the place of the most silent one, if that has missed a sign of life.
        expires_ms: one that was not heard of for so long is gone.
    """

    def __init__(self, document: Any, *, most: int, expires_ms: int) -> None:
        self._known = _document.validate_python(document or {})
        self._most = most
        self._expires_ms = expires_ms
        #: States that devices are to be told, by extension; filled by what is called below.
        self.changed: dict[str, State] = {}
        #: Whether the document is another now.
        self.dirty = False

    def __len__(self) -> int:
        return len(self._known)

    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {
            id: known.model_dump(mode="json", by_alias=True, exclude_none=True) for id, known in self._known.items()
        }

    def states(self) -> dict[str, State]:
        """How each one is."""
        return {id: known.state() for id, known in self._known.items()}

    def due(self) -> int | None:
        """When the next one expires, in ms since the epoch; None when there is none."""
        oldest = min((known.last_seen for known in self._known.values()), default=None)
        return None if oldest is None else oldest + self._expires_ms

    def sync(self, sync: Sync, client: str, now: int) -> None:
        """An extension has said how it is.

        Raises:
            Full: it is one too many; nothing changed.
        """
        before = self._known.get(sync.extension_id)
        known = Known(sync=sync, last_seen=now, client=client, question=before.question if before else None)
        if before is None:
            self._make_room(now)
        self._known[sync.extension_id] = known
        self.dirty = True
        if before is None or before.sync != sync:
            self.changed[sync.extension_id] = known.state()

    def analysed(self, id: str, question: LastQuestion, client: str) -> None:
        """A question was read from an extension's screenshot, which is a sign of life as well.

        Raises:
            Full: it is one too many; nothing changed.
        """
        known = self._known.get(id)
        if known is None:
            self._make_room(question.at)
            known = self._known[id] = Known(
                sync=Sync(extension_id=id, is_active=True), last_seen=question.at, client=client
            )
        known.question = question
        known.last_seen = max(known.last_seen, question.at)
        self.dirty = True
        self.changed[id] = known.state()

    def expire(self, now: int) -> None:
        """Those that were not heard of for too long are gone."""
        for id in [id for id, known in self._known.items() if known.last_seen + self._expires_ms <= now]:
            self._gone(id)

    def left(self, client: str) -> None:
        """A device has left for good, and its extensions with it."""
        for id in [id for id, known in self._known.items() if known.client == client]:
            self._gone(id)

    def _make_room(self, now: int) -> None:
        # To put out one that is alive would only make it come back, in the place of the next, and so on for ever.
        while len(self._known) >= self._most:
            silent = min(self._known, key=lambda name: self._known[name].last_seen)
            wait = self._known[silent].last_seen + self._expires_ms // 2 - now
            if wait > 0:
                raise Full(wait)
            self._gone(silent)

    def _gone(self, id: str) -> None:
        self.changed[id] = self._known.pop(id).state(gone=True)
        self.dirty = True
