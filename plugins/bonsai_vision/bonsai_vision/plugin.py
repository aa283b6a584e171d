"""The plugin: a picture or text of a question is analysed, step by step, and all devices of the session watch."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from bonsai_core import ErrorCode, Plugin, QuestionAnalysis, Refused, Session, hookimpl, on
from bonsai_core.domain import Insight
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
    from bonsai_core import App
    from bonsai_vision.ai import AiReader
    from bonsai_vision.analyses import Analyses, Asker, Content, Outcome, Tell
    from bonsai_vision.pool import Pool

log = logging.getLogger("bonsai.vision")

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
        self._opening: asyncio.Task[Analyses] | None = None
        self._ai: AiReader | None = None
        self._known = 0

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
        analyses = self._analyses()
        count = analyses.cancel(session.user, session.id, cancel.question_id) if analyses is not None else 0
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
        if self._ai is not None:
            await self._ai.close()

    @hookimpl
    def on_connect(self, session: Session) -> None:
        """A device that was lost is back: its analyses go on."""
        if (analyses := self._analyses()) is not None:
            analyses.back(_asker(session))

    @hookimpl
    def on_disconnect(self, session: Session, reason: str) -> None:
        """Nobody waits for the analyses of a device that has left; one that was lost may be back at once."""
        analyses = self._analyses()
        if analyses is not None and reason not in ("replaced", "shutdown"):
            analyses.left(_asker(session), 0.0 if reason == "left" else self.settings.grace_ms / 1000)

    @hookimpl
    def check_health(self, app: App) -> dict[str, Any]:
        """Ready once a worker has loaded its models, or if none ever does: the rest of the server can work then."""
        analyses = self._analyses()
        if analyses is None:
            failed = self._opening is None or self._opening.done()
            return {"ready": failed} | ({"error": "the plugin could not be opened; see the log"} if failed else {})
        pool = analyses.pool
        status = {"ready": pool.ready.is_set() or pool.hopeless, **pool.status(), "knownQuestions": self._known}
        service = self._ai.status if self._ai is not None else self.settings.ai.problem
        return status | ({"aiService": service} if service else {})

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
        from bonsai_vision.pool import JobError

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
        stored = store and content.kind == "image" and await self._keep(session.user, content)
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
        analyses = await self._ready()
        ticket = analyses.ask(content, _asker(session), name, extension_id)
        try:
            async for step in ticket.steps():
                await show(step)
            return await ticket.outcome(), ticket.cached
        finally:
            analyses.done(ticket)

    async def _keep(self, user: str, content: Content) -> bool:
        """Keep a picture, where the operator has given a folder for it."""
        from bonsai_vision.kept import keep

        folder = self.settings.keep_dir
        if folder is None:
            return False
        try:
            await asyncio.to_thread(keep, folder, user, content.key, content.data, self.settings.keep_per_user)
        except OSError as error:
            log.error("a screenshot cannot be kept in %s: %s", folder, error.strerror)
            return False
        return True

    def _analyses(self) -> Analyses | None:
        """The analyses, if they are open."""
        opening = self._opening
        if opening is None or not opening.done() or opening.cancelled() or opening.exception() is not None:
            return None
        return opening.result()

    async def _ready(self) -> Analyses:
        """The analyses, once they are open.

        Raises:
            JobError: they could not be opened.
        """
        from bonsai_vision.pool import JobError

        if self._opening is not None:
            await asyncio.wait((self._opening,))
        if (analyses := self._analyses()) is None:
            raise JobError("plugin_unavailable", "nothing can be analysed now")
        return analyses

    async def _open(self, app: App) -> Analyses:
        # The server comes up meanwhile: neither these imports nor the first process is in its way.
        await asyncio.to_thread(import_module, "bonsai_vision.analyses")
        from bonsai_vision.analyses import Analyses
        from bonsai_vision.pool import Pool, PoolLimits

        settings = self.settings
        stages = {name: await _stage(app, name) for name in ("ocr", "classify")}
        options = {"stages": stages, "max_bytes": settings.max_bytes, "max_pixels": settings.max_pixels}
        limits = PoolLimits(
            workers=settings.processes,
            queue=settings.queue,
            queue_bytes=settings.queue_mb << 20,
            timeout_s=settings.timeout_ms / 1000,
            memory_mb=settings.memory_mb,
            max_tasks=settings.max_tasks,
            nice=settings.nice,
        )
        if settings.ai.on:
            from bonsai_vision.ai import AiReader

            self._ai = AiReader(settings.ai, app.monotonic)
        elif settings.ai.problem:
            log.error("there is no AI service: %s", settings.ai.problem)

        async def refine(content: Content, analysis: QuestionAnalysis, tell: Tell) -> tuple[QuestionAnalysis, bool]:
            return await self._refine(app, pool, content, analysis, tell)

        pool = Pool(self._task, options, limits)
        pool.start()
        _ = app.create_task(self._know(app, pool), name="known questions")
        return Analyses(
            pool,
            refine,
            cache=settings.cache,
            max_bytes=settings.max_bytes,
            per_user=settings.per_user,
            clock=app.monotonic,
        )

    async def _refine(
        self, app: App, pool: Pool, content: Content, analysis: QuestionAnalysis, tell: Tell
    ) -> tuple[QuestionAnalysis, bool]:
        """Ask the optional service about what we are not sure of, then other plugins for their insights."""
        unsure = self._ai is not None and self._ai.wanted(analysis)
        better = await self._ask_service(pool, content, analysis) if unsure else None
        if unsure:
            tell("ai", 1.0, None)
        analysis = better or analysis
        for name, added in await app.call_hook("insights", analysis=analysis.model_copy(deep=True)):
            try:
                more = TypeAdapter(list[Insight]).validate_python(list(added or ()))
            except (ValidationError, TypeError) as error:
                log.error("plugin %s brought insights that are none: %s", name, type(error).__name__)
                continue
            analysis = analysis.model_copy(update={"insights": [*analysis.insights, *more]})
        return analysis, better is not None or not unsure  # what the service could not help with is asked again

    async def _ask_service(self, pool: Pool, content: Content, local: QuestionAnalysis) -> QuestionAnalysis | None:
        """The analysis of what the optional service has read; None when our own has to do."""
        from bonsai_vision.ai import improved
        from bonsai_vision.pool import JobError

        assert self._ai is not None
        transcript = await self._ai.read(content.kind, content.data, local)
        if transcript is None:
            return None
        try:
            found = await pool.submit({"kind": "text"}, transcript.text.encode(), urgent=True).result
            return improved(QuestionAnalysis.model_validate(found["analysis"]), transcript)
        except (JobError, ValidationError):
            return None

    async def _know(self, app: App, pool: Pool) -> None:
        """Give the workers the questions of all banks."""
        from bonsai_vision.known import collect

        brought = await app.call_hook("known_questions")
        self._known, data = await asyncio.to_thread(collect, brought)
        if self._known:
            pool.configure(data)
            (await self._ready()).forget()


async def _stage(app: App, hook: str) -> str | None:
    """The import path of a stage that another plugin replaces."""
    paths: Iterable[tuple[str, Any]] = await app.call_hook(hook)
    return next((str(path) for _, path in paths if path), None)


def _asker(session: Session) -> Asker:
    from bonsai_vision.analyses import Asker

    return Asker(session.user, session.id, session.client_id)
