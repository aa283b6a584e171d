"""The plugin: recommends what to do next, and says so again by itself when an answer changes what is best."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec
from pydantic import BaseModel

from bonsai_core import ErrorCode, Plugin, Refused, Session, folds, hookimpl, observes, on
from bonsai_recs.events import Accepted, Observed, Refresh, Request, Update
from bonsai_recs.hookspecs import BankHooks

if TYPE_CHECKING:
    import click

    from bonsai_core import App, Question
    from bonsai_recs.learner import Learner
    from bonsai_recs.recommender import Recommender, Run

log = logging.getLogger("bonsai.recs")

#: Documents: of the user, the student and, in chunks, what they saw; of the session, what was asked for and sent.
STUDENT, SEEN, NOW = "student", "seen.{}", "now"
#: What all students share: by domain, which questions diagnoses have shown.
EXPOSURE = "exposure"
#: Up to so many items a selection takes less time than going to another thread.
INLINE = 20_000


class Recs(Plugin):
    """Adaptive recommendations.

    Args:
        load: gives the questions of the bank; called on a worker thread. Default is the bank that is shipped.
    """

    name = "recs"
    emits: ClassVar[dict[str, type[BaseModel]]] = {"recommendations:update": Update}
    #: Hooks that other plugins may implement for this one.
    hookspecs: ClassVar[type] = BankHooks

    def __init__(self, load: Callable[[], Iterable[Question]] | None = None) -> None:
        self._load = load or _shipped
        self._loading: asyncio.Task[Recommender] | None = None
        self._recommender: Recommender | None = None

    # Events

    @on("recommendations:request")
    async def request(self, session: Session, request: Request) -> Accepted:
        """Recommend, and remember what was asked for."""
        from bonsai_recs.recommender import unknown_subjects

        if unknown := unknown_subjects(request):
            known = "math, reading, writing, or a section, domain or skill of the test"
            raise Refused(ErrorCode.INVALID_PAYLOAD, f"no such subject: {', '.join(unknown)}; known are {known}")
        now = _Now(await session.load(NOW))
        if now.run is not None and (now.run.mode != request.mode or now.run.finished):
            now.run = None
        now.ask(request)
        return await self._recommend(session, now, await _load(session))

    @on("recommendations:refresh")
    async def refresh(self, session: Session, refresh: Refresh) -> Accepted:
        """Recommend anew, as was last asked for; a mock test's module is handed in by it."""
        from bonsai_recs.recommender import hand_in

        now = _Now(await session.load(NOW))
        if now.request is None:
            now.ask(Request())
        if now.run is not None and now.run.mode == "mock" and now.run.given and not now.run.finished:
            hand_in(now.run)
        return await self._recommend(session, now, await _load(session))

    @observes("analytics:performance")
    async def answered(self, session: Session, answer: Observed) -> None:
        """Learn from an answer, and recommend anew if that changes what is best."""
        recommender = await self._ready()
        learner = await _load(session)
        question = recommender.questions.get(answer.question_id)
        learner.learn(answer.question_id, question, answer.skill, answer.correct, answer.time_spent, session.now)
        _save(session, learner)
        now = _Now(await session.load(NOW))
        if now.request is None:
            return
        if now.request.preferences.time_limit is not None:
            now.spent += answer.time_spent
        if now.run is not None and question is not None:
            self._note(session, now.run, question, answer.correct)
        await self._recommend(session, now, learner, answered=answer.question_id)

    # Hooks

    @hookimpl
    async def on_startup(self, app: App) -> None:
        """Load numpy, the scheduler and all banks in the background."""
        self._recommender = None
        self._loading = app.create_task(self._load_banks(app), name="load question banks")

    @hookimpl
    def find_question(self, question_id: str) -> Question | Awaitable[Question | None] | None:
        """Answer for the questions of all banks; while they are loading, once they are."""
        if self._recommender is not None:  # without a task and a wait: it is asked for every answer
            return self._recommender.questions.get(question_id)
        return self._find_when_loaded(question_id) if self._loading is not None else None

    @hookimpl(optionalhook=True)
    async def known_questions(self) -> Iterable[Question]:
        """Every question of all banks, for a plugin that recognises them on a picture."""
        return (await self._ready()).questions.values()

    @hookimpl
    def check_health(self, app: App) -> dict[str, Any]:
        """Ready once the banks are loaded."""
        loading = self._loading
        if loading is None or not loading.done():
            return {"ready": False, "questions": 0}
        if loading.cancelled() or loading.exception() is not None:
            return {"ready": True, "questions": 0, "error": "no question bank could be loaded"}
        return {"ready": True, "questions": len(loading.result().questions)}

    @hookimpl
    def add_commands(self, cli: click.Group) -> None:
        """Add `bonsai recs`, `bonsai simulate` and `bonsai bank`."""
        from bonsai_recs.bank.commands import bank
        from bonsai_recs.commands import recs, simulate

        for command in (recs, simulate, bank):
            cli.add_command(command)

    @folds(EXPOSURE)
    def fold_exposure(self, key: str, aggregate: Any, deltas: list[Any]) -> Any:
        """Count which questions diagnoses have shown."""
        from bonsai_recs.select.exposure import Exposure

        exposure = Exposure.read(aggregate)
        for delta in deltas:
            if delta.get("begin"):
                exposure.begin()
            exposure.give(delta.get("given", ()))
        return exposure.document()

    # Private

    async def _recommend(self, session: Session, now: _Now, learner: Learner, answered: str | None = None) -> Accepted:
        """Choose questions and send them; after an answer only if they are not the ones that were sent before."""
        from bonsai_recs import shown

        recommender = await self._ready()
        assert now.request is not None
        request, before_run = now.request, now.run
        limit = request.preferences.time_limit
        left = [id for id in now.sent if id != answered]
        domains = shown.domains(request) if request.mode == "diagnose" else ()
        exposure = {code: await session.shared(EXPOSURE, code) for code in domains}
        arguments: dict[str, Any] = {
            "user": session.user,
            "now": session.now,
            "seconds": math.inf if limit is None else max(0.0, limit - now.spent),
            "run": now.run,
            "before": left,
            "exposure": {code: document for code, document in exposure.items() if document},
        }
        if len(recommender.pool) > INLINE:
            advice = await asyncio.to_thread(recommender.advise, request, learner, **arguments)
        else:
            advice = recommender.advise(request, learner, **arguments)
        now.run = advice.run
        if request.mode == "diagnose" and before_run is None:
            for code in domains:
                session.contribute(EXPOSURE, code, {"begin": True})
        for id in advice.shown:
            session.contribute(EXPOSURE, shown.code(recommender.questions[id]), {"given": [id]})
        ids = [recommender.pool.ids[pick.item] for pick in advice.picks]
        changed = answered is None or ids != left
        now.sent = ids
        if changed:
            now.revision += 1
            update = shown.update(recommender, advice, request.mode, learner.pace, session.now, now.revision)
            session.emit("recommendations:update", update)
        now.save(session)
        return Accepted(count=len(ids), mode=request.mode, revision=now.revision, generated_at=session.now)

    def _note(self, session: Session, run: Run, question: Question, right: bool) -> None:
        """Count an answer in the diagnosis or mock test that is under way."""
        from bonsai_recs import shown

        if run.mode == "mock":
            if question.id in run.given:
                run.answered.setdefault(question.id, right)
        elif question.id not in run.answered:
            run.answered[question.id] = right
            run.counts[shown.domain_number(question)] += 1
            if question.id not in run.given:
                run.given.append(question.id)
                session.contribute(EXPOSURE, shown.code(question), {"given": [question.id]})

    async def _ready(self) -> Recommender:
        """The recommender, once the banks are loaded.

        Raises:
            Refused: they could not be.
        """
        if self._recommender is not None:
            return self._recommender
        if self._loading is None:
            raise Refused(ErrorCode.PLUGIN_UNAVAILABLE, "the question banks are not loaded")
        try:
            return await asyncio.shield(self._loading)
        except Exception:
            raise Refused(ErrorCode.PLUGIN_UNAVAILABLE, "no question bank could be loaded; see the log") from None

    async def _load_banks(self, app: App) -> Recommender:
        sources: list[tuple[str, Callable[[], Iterable[Question]]]] = [(self.name, self._load)]
        for name, brought in await app.call_hook("add_questions"):
            sources.append((name, partial(list, brought or ())))
        self._recommender = await asyncio.to_thread(_make, sources)
        return self._recommender

    async def _find_when_loaded(self, question_id: str) -> Question | None:
        return (await self._ready()).questions.get(question_id)


class _Now:
    """The session's document: what was last asked for, what was sent, and the test under way."""

    def __init__(self, document: Any) -> None:
        document = document or {}
        #: What is stored, if that shows whether something changed: a run is changed in place.
        self._stored = document if document.get("run") is None else None
        self._asked = document.get("request")
        run = document.get("run")
        self.request = _request(msgspec.json.encode(self._asked)) if self._asked is not None else None
        self.revision: int = document.get("revision", 0)
        self.sent: list[str] = document.get("sent", [])
        self.spent: float = document.get("spent", 0.0)
        self.run: Run | None = None
        if run is not None:
            from bonsai_recs.recommender import Run

            self.run = Run(**run)

    def ask(self, request: Request) -> None:
        self.request, self.spent, self.sent = request, 0.0, []
        self._asked = request.model_dump(mode="json", by_alias=True, exclude_defaults=True)

    def save(self, session: Session) -> None:
        """Keep it, if anything changed: most answers leave the list as it is."""
        run = asdict(self.run) if self.run is not None else None
        document = {
            "request": self._asked, "revision": self.revision, "sent": self.sent, "spent": self.spent, "run": run
        }  # fmt: skip
        if document != self._stored:
            session.save(NOW, document)


@lru_cache(maxsize=4096)
def _request(document: bytes) -> Request:
    """The request of a document; treat it as read-only. Students ask much the same, and each answer reads it again."""
    return Request.model_validate_json(document)


async def _load(session: Session) -> Learner:
    from bonsai_recs.learner import Learner

    document = await session.load(STUDENT, scope="user")
    learner = Learner.read(document)
    for number in Learner.chunk_numbers(document):
        learner.chunks[number] = list(await session.load(SEEN.format(number), scope="user") or ())
    return learner


def _save(session: Session, learner: Learner) -> None:
    session.save(STUDENT, learner.document(), scope="user")
    if learner.full:
        session.save(SEEN.format(learner.newest), learner.chunks[learner.newest], scope="user")


def _make(sources: list[tuple[str, Callable[[], Iterable[Question]]]]) -> Recommender:
    """Read every bank; one that fails costs only its own questions. Runs on a worker thread."""
    from bonsai_recs.recommender import Recommender

    questions: list[Question] = []
    for name, read in sources:
        try:
            questions += list(read())
        except Exception as error:
            log.error("the question bank of %s cannot be read: %s: %s", name, type(error).__name__, error)
    return Recommender(questions)


def _shipped() -> Iterable[Question]:
    from bonsai_recs.bank import load_bank

    return load_bank().questions
