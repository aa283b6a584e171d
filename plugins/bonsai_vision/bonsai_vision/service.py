"""What stands behind the plugin while the server runs: workers, analyses, the optional service, known questions.

Heavier than an entry point may be, so the plugin imports it when the server starts, on a thread.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter, ValidationError

from bonsai_core import QuestionAnalysis
from bonsai_core.domain import Insight
from bonsai_vision.analyses import Analyses, Content, Tell
from bonsai_vision.kept import keep
from bonsai_vision.known import collect
from bonsai_vision.pool import Pool, PoolLimits
from bonsai_vision.process import JobError
from bonsai_vision.settings import VisionSettings

if TYPE_CHECKING:
    from bonsai_core import App
    from bonsai_vision.ai import AiReader

log = logging.getLogger("bonsai.vision")

#: A bank may still be loading: it is asked again after so many seconds each, and in the end left out.
PAUSES_S = (5.0, 30.0, 0.0)

_insights = TypeAdapter(list[Insight])


class Service:
    """One running server's analyses.

    Args:
        task: import path of what workers run.
        stages: import paths of the stages that other plugins replace, see `chosen_stages`.

    Attributes:
        analyses: who has asked for what.
    """

    def __init__(self, app: App, settings: VisionSettings, task: str, stages: dict[str, str]) -> None:
        self._app = app
        self._settings = settings
        self._known = 0
        self._ai: AiReader | None = None
        if settings.ai.on:
            from bonsai_vision.ai import AiReader

            self._ai = AiReader(settings.ai, app.monotonic)
        elif settings.ai.problem:
            log.error("there is no AI service: %s", settings.ai.problem)
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
        self._pool = Pool(task, options, limits)
        self.analyses = Analyses(
            self._pool,
            self._refine,
            cache=settings.cache,
            max_bytes=settings.max_bytes,
            per_user=settings.per_user,
            clock=app.monotonic,
        )

    def start(self) -> None:
        """Start the workers and collect the banks' questions, in the background."""
        self._pool.start()
        _ = self._app.create_task(self._know(), name="known questions")

    async def close(self) -> None:
        """End all of it."""
        await self.analyses.close()
        if self._ai is not None:
            await self._ai.close()

    def health(self) -> dict[str, Any]:
        """Ready once a worker has loaded its models, or if none ever does: the rest of the server can work then."""
        pool = self._pool
        status = {"ready": pool.ready.is_set() or pool.hopeless, **pool.status(), "knownQuestions": self._known}
        service = self._ai.status if self._ai is not None else self._settings.ai.problem
        return status | ({"aiService": service} if service else {})

    async def keep(self, user: str, content: Content) -> bool:
        """Keep a picture, where the operator has given a folder for it; returns whether that was done."""
        folder = self._settings.keep_dir
        if folder is None or content.kind != "image":
            return False
        try:
            await asyncio.to_thread(keep, folder, user, content.key, content.data, self._settings.keep_per_user)
        except OSError as error:
            log.error("a screenshot cannot be kept in %s: %s", folder, error.strerror)
            return False
        return True

    async def _refine(self, content: Content, analysis: QuestionAnalysis, tell: Tell) -> tuple[QuestionAnalysis, bool]:
        """Ask the optional service about what we are not sure of, then other plugins for their insights."""
        unsure = self._ai is not None and self._ai.wanted(analysis)
        better = await self._ask_ai(content, analysis) if unsure else None
        if unsure:
            tell("ai", 1.0, None)
        analysis = better or analysis
        for name, added in await self._app.call_hook("insights", analysis=analysis.model_copy(deep=True)):
            try:
                more = _insights.validate_python(list(added or ()))
            except (ValidationError, TypeError) as error:
                log.error("plugin %s brought insights that are none: %s", name, type(error).__name__)
                continue
            analysis = analysis.model_copy(update={"insights": [*analysis.insights, *more]})
        return analysis, better is not None or not unsure  # what the service could not help with is asked again

    async def _ask_ai(self, content: Content, local: QuestionAnalysis) -> QuestionAnalysis | None:
        """The analysis of what the optional service has read; None when our own has to do."""
        from bonsai_vision.ai import improved

        assert self._ai is not None
        transcript = await self._ai.read(content.kind, content.data, local)
        if transcript is None:
            return None
        try:
            found = await self._pool.submit({"kind": "text"}, transcript.text.encode(), urgent=True).result
            return improved(QuestionAnalysis.model_validate(found["analysis"]), transcript)
        except (JobError, ValidationError):
            return None

    async def _know(self) -> None:
        """Give the workers the questions of all banks; what was analysed without them is forgotten."""
        banks = len(self._app.plugins.hooks.get("known_questions", ()))
        for pause in PAUSES_S:
            brought = await self._app.call_hook("known_questions")
            self._known, data = await asyncio.to_thread(collect, brought)
            if self._known:
                self._pool.configure(data)
                self.analyses.forget()
            if len(brought) == banks:
                return
            await asyncio.sleep(pause)


async def chosen_stages(app: App) -> dict[str, str]:
    """Import paths of the stages that other plugins replace, by hook; of each the first that is named."""
    chosen: dict[str, str] = {}
    for hook in ("ocr", "classify"):
        for _, path in await app.call_hook(hook):
            if path:
                chosen.setdefault(hook, str(path))
    return chosen
