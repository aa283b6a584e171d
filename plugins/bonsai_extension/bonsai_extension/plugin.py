"""The plugin: what a browser extension says reaches all of the student's devices; one that falls silent is gone."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from pydantic import BaseModel

from bonsai_core import Plugin, Refused, Session, hookimpl, observes, on
from bonsai_extension.events import Analyzed, Ask, Asked, LastQuestion, StateChanged, Sync, Synced, Synchronised
from bonsai_extension.settings import ExtensionSettings
from bonsai_extension.states import Extensions, Full

if TYPE_CHECKING:
    from bonsai_core import App

log = logging.getLogger("bonsai.extension")

#: The user's document: its extensions.
EXTENSIONS = "extensions"
#: Where expiring has failed, it is tried again after so many milliseconds.
RETRY_MS = 10_000


class Extension(Plugin):
    """The browser-extension bridge.

    Args:
        settings: default is those of the environment.
        look_every_s: how often it is looked for extensions that have expired, in seconds.
    """

    name = "extension"
    emits: ClassVar[dict[str, type[BaseModel]]] = {"extension:sync": Synchronised, "extension:state": StateChanged}

    def __init__(self, settings: ExtensionSettings | None = None, *, look_every_s: float = 1.0) -> None:
        self.settings = settings or ExtensionSettings.read()
        self._look_every_s = look_every_s
        #: By user: a session of theirs, and when the next of their extensions expires.
        self._due: dict[str, tuple[str, int]] = {}

    # Events

    @on("extension:sync")
    async def sync(self, session: Session, sync: Sync) -> Synced:
        """An extension says how it is.

        Raises:
            Refused: `too_many`, with retryAfterMs: as many as are allowed are in use.
        """
        extensions = await self._load(session)
        try:
            extensions.sync(sync, session.client_id, session.now)
        except Full as full:
            message = f"{self.settings.most} extensions of this student are in use; one that falls silent makes room"
            raise Refused("too_many", message, retry_after_ms=full.wait_ms) from None
        changed = sync.extension_id in extensions.changed
        self._save(session, extensions)
        said = Synchronised(**dict(sync), timestamp=session.now)
        await session.notify(
            "extension:sync", said, room="user", others=True, key=f"extension:sync/{sync.extension_id}"
        )
        return Synced(extension_id=sync.extension_id, changed=changed, expires_in_ms=self.settings.expires_s * 1000)

    @on("extension:state")
    async def ask(self, session: Session, ask: Ask) -> Asked:
        """Tell the asking device how one extension is, or all of them are."""
        extensions = await self._load(session)
        states = {id: state for id, state in extensions.states().items() if ask.extension_id in (None, id)}
        self._save(session, extensions)
        for id, state in states.items():
            session.reply("extension:state", StateChanged(extension_id=id, state=state))
        return Asked(extensions=len(states))

    @observes("question:analyzed")
    async def analyzed(self, session: Session, analyzed: Analyzed) -> None:
        """A screenshot of an extension was read: its state shows the question."""
        if analyzed.extension_id is None:
            return
        question = LastQuestion(question_id=analyzed.question_id, at=session.now, **dict(analyzed.analysis))
        extensions = await self._load(session)
        with suppress(Full):  # one too many is not followed, but its question was read
            extensions.analysed(analyzed.extension_id, question, session.client_id)
        self._save(session, extensions)

    # Hooks

    @hookimpl
    async def on_connect(self, session: Session) -> None:
        """A device that has joined, and does not know them yet, is told the states."""
        extensions = await self._load(session)
        self._save(session, extensions)
        if not session.recovered:
            for id, state in extensions.states().items():
                session.reply("extension:state", StateChanged(extension_id=id, state=state))

    @hookimpl
    async def on_disconnect(self, session: Session, reason: str) -> None:
        """An extension that leaves for good is gone at once; one that was lost may be back before it expires."""
        if reason != "left":
            return
        extensions = await self._load(session)
        extensions.left(session.client_id)
        self._save(session, extensions)

    @hookimpl
    async def on_startup(self, app: App) -> None:
        """Look for extensions that fall silent."""
        self._due = {}
        _ = app.create_task(self._look(app), name="expire extensions")

    # Private

    async def _load(self, session: Session) -> Extensions:
        """The student's extensions that have not expired."""
        document = await session.load(EXTENSIONS, scope="user")
        settings = self.settings
        extensions = Extensions(document, most=settings.most, expires_ms=settings.expires_s * 1000)
        extensions.expire(session.now)
        return extensions

    def _save(self, session: Session, extensions: Extensions) -> None:
        """Write and tell what has changed, and remember when to look again."""
        if extensions.dirty:
            session.save(EXTENSIONS, extensions.document(), scope="user")
        for id, state in extensions.changed.items():
            session.emit("extension:state", StateChanged(extension_id=id, state=state), room="user")
        due = extensions.due()
        if due is None:
            self._due.pop(session.user, None)
        else:
            self._due[session.user] = (session.id, due)

    async def _look(self, app: App) -> None:
        while True:
            await asyncio.sleep(self._look_every_s)
            now = app.now()
            for user, (session_id, due) in list(self._due.items()):
                if due > now:
                    continue
                self._due[user] = (session_id, now + RETRY_MS)
                try:
                    await app.act(self, user, session_id, self._expire)
                except Exception as error:  # the store may be away: the rest go on, and this one is tried again
                    log.warning("extensions of a student could not be expired: %s", type(error).__name__)

    async def _expire(self, session: Session) -> None:
        self._save(session, await self._load(session))
