"""The plugin: a picture or text of a question is analysed, step by step, and all devices of the session watch."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from bonsai_core import ErrorCode, Plugin, Refused, Session, hookimpl, on
from bonsai_vision.events import (
    Accepted,
    Analyze,
    Analyzed,
    Cancel,
    Cancelled,
    Failed,
    Progress,
    Screenshot,
)
from bonsai_vision.hookspecs import VisionHooks
from bonsai_vision.settings import VisionSettings

if TYPE_CHECKING:
    import click

    from bonsai_core import App
    from bonsai_vision.analyses import Asker, Content, Outcome
    from bonsai_vision.service import Service

#: Deadline of an analysis for the server; our own, `BONSAI_VISION_WAIT_MS`, comes before it.
DEADLINE_MS = 60_000


class Vision(Plugin):
    """Live question analysis.

    Args:
        settings: default is those of the environment.
        task: import path of what workers run; for tests.
    """

    name = "vision"
    emits: ClassVar[dict[str, type[BaseModel]]] = {
        "question:progress": Progress,
        "question:analyzed": Analyzed,
        "question:error": Failed,
    }
    #: Hooks that other plugins may implement for this one.
    hookspecs: ClassVar[type] = VisionHooks

    def __init__(self, settings: VisionSettings | None = None, task: str = "bonsai_vision.reading:Reading") -> None:
        self.settings = settings or VisionSettings.read()
        self._task = task
        self._opening: asyncio.Task[Service] | None = None

    # Events

    @on("question:analyze", concurrent=True, timeout_ms=DEADLINE_MS)
    async def analyze(self, session: Session, request: Analyze) -> Accepted:
        """Analyse a picture or a text."""
        from bonsai_vision.analyses import Content

        if request.image:
            content = await Content.of("image", request.image)
        else:
            content = await Content.of("text", request.text.encode())
        return await self._analyze(session, content, request.question_id, store=request.store)

    @on("extension:screenshot", concurrent=True, timeout_ms=DEADLINE_MS)
    async def screenshot(self, session: Session, shot: Screenshot) -> Accepted:
        """Analyse what a browser extension sees."""
        from bonsai_vision.analyses import Content

        if shot.user_id is not None and shot.user_id != session.user:
            raise Refused(ErrorCode.FORBIDDEN, "the screenshot is said to be another user's")
        content = await Content.of("image", shot.screenshot)
        return await self._analyze(session, content, shot.question_id, shot.extension_id, store=shot.store)

    @on("question:cancel")
    async def cancel(self, session: Session, cancel: Cancel) -> Cancelled:
        """Give up what the session has under way for a question."""
        service = self._service()
        count = service.analyses.cancel(session.user, session.id, cancel.question_id) if service is not None else 0
        return Cancelled(cancelled=count)

    # Hooks

    @hookimpl
    async def on_startup(self, app: App) -> None:
        """Start the workers, which load models in the background, and collect the banks' questions."""
        self._opening = app.create_task(self._open(app), name="open the vision plugin")

    @hookimpl
    async def on_shutdown(self, app: App) -> None:
        """End the workers."""
        opening, self._opening = self._opening, None
        if opening is None:
            return
        opening.cancel()
        await asyncio.wait((opening,))
        if not opening.cancelled() and opening.exception() is None:
            await opening.result().close()

    @hookimpl
    def on_connect(self, session: Session) -> None:
        """A device that was lost is back: its analyses go on."""
        if (service := self._service()) is not None:
            service.analyses.back(_asker(session))

    @hookimpl
    def on_disconnect(self, session: Session, reason: str) -> None:
        """Nobody waits for the analyses of a device that has left; one that was lost may be back at once."""
        service = self._service()
        if service is not None and reason not in ("replaced", "shutdown"):
            service.analyses.left(_asker(session), 0.0 if reason == "left" else self.settings.grace_ms / 1000)

    @hookimpl
    def check_health(self, app: App) -> dict[str, Any]:
        """Ready once a worker has loaded its models."""
        service = self._service()
        if service is not None:
            return service.health()
        failed = self._opening is None or self._opening.done()
        return {"ready": failed} | ({"error": "the plugin could not be opened; see the log"} if failed else {})

    @hookimpl
    def add_commands(self, cli: click.Group) -> None:
        """Add `bonsai vision`."""
        from bonsai_vision.commands import vision

        cli.add_command(vision)

    # Private

    async def _analyze(
        self,
        session: Session,
        content: Content,
        question_id: str | None,
        extension_id: str | None = None,
        *,
        store: bool,
    ) -> Accepted:
        """Stream the stages, then emit the result.

        Raises:
            Refused: nothing came of it; devices were told `question:error`.
        """
        from bonsai_vision.process import JobError

        name = question_id or f"{content.kind}-{content.key[:16]}"
        began = session.app.monotonic()
        try:
            async with asyncio.timeout(self.settings.wait_ms / 1000):
                outcome, cached = await self._follow(session, content, name, extension_id)
        except (JobError, TimeoutError) as trouble:
            error = (
                trouble if isinstance(trouble, JobError) else JobError("timeout", "the analysis took too long", 5000)
            )
            failed = Failed(question_id=name, extension_id=extension_id, code=error.code, message=error.message)
            await session.notify("question:error", failed)
            raise Refused(error.code, error.message, retry_after_ms=error.retry_after_ms) from None
        analyzed = Analyzed(
            question_id=name,
            extension_id=extension_id,
            analysis=outcome.analysis,
            timings=outcome.timings | {"total": round((session.app.monotonic() - began) * 1000, 1)},
            timestamp=session.now,
            cached=cached,
        )
        session.emit("question:analyzed", analyzed)
        stored = store and await (await self._ready()).keep(session.user, content)
        return Accepted(question_id=name, cached=cached, stored=stored)

    async def _follow(
        self, session: Session, content: Content, name: str, extension_id: str | None
    ) -> tuple[Outcome, bool]:
        """Show each stage to the session's devices; returns what was found, and whether it was found before.

        Raises:
            JobError: nothing was.
        """

        from bonsai_vision.analyses import Step

        async def show(step: Step) -> None:
            progress = Progress(question_id=name, extension_id=extension_id, **vars(step))
            # Of the stages that a slow reader has not read, it gets the newest alone.
            await session.notify("question:progress", progress, key=f"question:progress/{name}")

        await show(Step("received", 0.0))
        analyses = (await self._ready()).analyses
        ticket = analyses.ask(content, _asker(session), name, extension_id)
        try:
            async for step in ticket.steps():
                await show(step)
            return await ticket.outcome(), ticket.cached
        finally:
            analyses.done(ticket)

    async def _open(self, app: App) -> Service:
        # The server comes up meanwhile: neither these imports nor the first process is in its way.
        await asyncio.to_thread(import_module, "bonsai_vision.service")
        from bonsai_vision.service import Service, chosen_stages

        service = Service(app, self.settings, self._task, await chosen_stages(app))
        service.start()
        return service

    def _service(self) -> Service | None:
        """The service, if it is open."""
        opening = self._opening
        if opening is None or not opening.done() or opening.cancelled() or opening.exception() is not None:
            return None
        return opening.result()

    async def _ready(self) -> Service:
        """The service, once it is open.

        Raises:
            JobError: it could not be opened.
        """
        from bonsai_vision.process import JobError

        if self._opening is not None:
            await asyncio.wait((self._opening,))
        if (service := self._service()) is None:
            raise JobError("plugin_unavailable", "nothing can be analysed now")
        return service


def _asker(session: Session) -> Asker:
    from bonsai_vision.analyses import Asker

    return Asker(session.user, session.id, session.client_id)
