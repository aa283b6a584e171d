"""The plugin: hints and strategies on request, a coach that speaks up at the right moment, and messages.

Hooks and handlers only: what the coach knows and decides is in the modules that they call.
"""

from __future__ import annotations

import asyncio
import logging
import os
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from bonsai_coaching import inbox, texts, tutors
from bonsai_coaching.asking import Asker
from bonsai_coaching.budget import Budget
from bonsai_coaching.chat import Chat
from bonsai_coaching.coach import Coach, called, check
from bonsai_coaching.desk import Desk
from bonsai_coaching.events import (
    Focus,
    Hint,
    HintRequest,
    History,
    HistoryRequest,
    Message,
    Post,
    Posted,
    Read,
    ReadRequest,
    Said,
    State,
    StrategyRequest,
    Summary,
    Watching,
    WatchRequest,
)
from bonsai_coaching.facts import (
    AnalyzedFact,
    AnswerFact,
    ConnectFact,
    EndFact,
    ListFact,
    MasteryFact,
    ShownFact,
    TickFact,
)
from bonsai_coaching.hookspecs import TriggerHooks
from bonsai_coaching.lookup import know
from bonsai_coaching.rules import Rule, RuleError, make_rule, read_rules
from bonsai_coaching.settings import Settings
from bonsai_coaching.timer import Timer
from bonsai_core import Plugin, Session, folds, hookimpl, observes, on

if TYPE_CHECKING:
    import click

    from bonsai_coaching.ai import AiCoach
    from bonsai_core import App

log = logging.getLogger("bonsai.coaching")

#: An AI service's answer is not to be expected any more so many ms after its time is over.
STALE_MS = 30_000


class Coaching(Plugin):
    """Instant coaching.

    Args:
        settings: default is those of the environment.
        ai: an AI service; default is the one of the environment, if there is one.
        look_every: how often time is looked at, in seconds.

    Raises:
        ValueError, RuleError: a setting, or the file of the rules, is not valid.
    """

    name = "coaching"
    emits: ClassVar[dict[str, type[BaseModel]]] = {
        "coaching:hint": Hint,
        "coaching:strategy": texts.Strategy,
        "coaching:message": Message,
        "coaching:said": Said,
        "coaching:read": Read,
        "coaching:history": History,
        "coaching:state": State,
    }
    #: Hooks that other plugins may implement for this one.
    hookspecs: ClassVar[type] = TriggerHooks

    def __init__(self, settings: Settings | None = None, *, ai: AiCoach | None = None, look_every: float = 1.0) -> None:
        self._settings = settings or Settings.from_environment()
        self._look_every = look_every
        self._rules = read_rules(self._settings.rules)
        self._ai, self._ai_status, self._stale_ms = _service(ai)
        self._asker: Asker | None = None
        self._open(self._rules, Timer(lambda: 0))

    # Hints and strategies

    @on("coaching:hint")
    async def hint(self, session: Session, request: HintRequest) -> Hint:
        """Give the next hint to all devices, or one again to the asking device."""
        return await self._desk.hint(session, request)

    @on("coaching:strategy")
    async def strategy(self, session: Session, request: StrategyRequest) -> texts.Strategy:
        """Give the strategy of a skill or a question."""
        strategy = await self._desk.strategy(session, request)
        session.reply("coaching:strategy", strategy)
        return strategy

    @on("coaching:focus")
    async def focus(self, session: Session, focus: Focus) -> None:
        """A question is before the student."""
        known = await know(session, focus.question_id, skill=focus.skill)
        question, reading = known.question, known.reading
        band = question.band if question is not None else reading.band if reading is not None else None
        seconds = (
            question.expected_seconds if question is not None else reading.seconds if reading is not None else None
        )
        shown = ShownFact(
            question_id=focus.question_id,
            skill=known.skill or focus.skill or "",
            band=band,
            seconds=focus.expected_seconds or seconds,
        )
        await self._desk.take(session, shown)

    # Messages

    @on("coaching:message", rate=(30, 60))
    async def message(self, session: Session, post: Post) -> Posted:
        """A student writes to the coach, or a tutor to a student."""
        if post.user_id is not None and post.user_id != session.user:
            session_id = await tutors.session_of(session, post.user_id, post.session_id)
            deliver = tutors.written(post, session.event_key, session.user)
            return await session.app.act(self, post.user_id, session_id, deliver)  # type: ignore[no-any-return]
        posted, request = await self._chat.answer(session, post)
        if request is not None and posted.reply is not None and self._asker is not None:
            self._asker.ask(session, posted.reply, request)
        return posted

    @on("coaching:read")
    async def read(self, session: Session, request: ReadRequest) -> Read:
        """Messages were read: all of the student's devices are told how many are left."""
        box = await inbox.load(session)
        read = inbox.read(box, request.ids)
        if read.ids:
            inbox.save(session, box)
            session.emit("coaching:read", read, room="user")
        return read

    @on("coaching:history")
    async def history(self, session: Session, request: HistoryRequest) -> History:
        """Send the asking device a page of messages."""
        page = await inbox.history(session, await inbox.load(session), request.limit, request.before)
        session.reply("coaching:history", page)
        return page

    @on("coaching:state")
    async def state(self, session: Session) -> State:
        """Tell the asking device what it is told when it joins."""
        sitting = await self._desk.open(session)
        page = await inbox.history(session, await inbox.load(session))
        return State(unread=page.unread, messages=page.messages, quiet=sitting.quiet)

    # Tutors

    @on("coaching:watch")
    async def watch(self, session: Session, request: WatchRequest) -> Watching:
        """Let a tutor's device see what a student's devices see."""
        session_id = await tutors.session_of(session, request.user_id, request.session_id)
        look = tutors.look(request, self._desk.open)
        watching: Watching = await session.app.act(self, request.user_id, session_id, look)
        for room in watching.rooms:
            await session.join(room)
        return watching

    @on("coaching:unwatch")
    async def unwatch(self, session: Session, request: WatchRequest) -> None:
        """See no more of a student."""
        session_id = await tutors.session_of(session, request.user_id, request.session_id)
        for room in tutors.rooms(request.user_id, session_id):
            await session.leave(room)

    @hookimpl
    def authorize_room(self, session: Session, room: str, owner: str) -> bool | None:
        """A student's rooms are open to their tutors."""
        return True if owner and tutors.may_coach(session, owner) else None

    # What happens in a session

    @observes("analytics:performance")
    async def answered(self, session: Session, answer: AnswerFact) -> None:
        """A question was answered."""
        if tutors.is_student(session):
            await self._desk.answered(session, answer)

    @observes("analytics:update")
    async def learnt(self, session: Session, mastery: MasteryFact) -> None:
        """An analytics plugin says how well the student knows each skill."""
        if tutors.is_student(session):
            await self._desk.learnt(session, mastery)

    @observes("recommendations:update")
    async def recommended(self, session: Session, listed: ListFact) -> None:
        """Questions were recommended: the first one is before the student, or a timed module begins or ends."""
        if tutors.is_student(session):
            await self._desk.take(session, listed)

    @observes("question:analyzed")
    async def analysed(self, session: Session, analysed: AnalyzedFact) -> None:
        """A question was read from a screenshot or a text."""
        if tutors.is_student(session):
            await self._desk.analysed(session, analysed)

    @hookimpl
    async def on_connect(self, session: Session) -> None:
        """Greet who begins, and give the device the messages as they are."""
        if not tutors.is_student(session):
            return
        sitting = await self._desk.open(session)
        began, shown = sitting.first, sitting.watch.shown is not None
        message = await sitting.see(ConnectFact(session_id=session.id, first=began))
        if began or shown or sitting.student.changed:
            sitting.save()
        if began:
            session.contribute(tutors.SESSIONS, session.user, {"session": session.id, "at": session.now})
        box = await inbox.load(session)
        rescued = []
        if self._asker is not None and box.waiting:
            rescued = self._asker.rescue(session, box)
            inbox.save(session, box)
        page = await inbox.history(session, box)
        messages = [*page.messages, *rescued, *([message] if message is not None else [])]
        session.reply("coaching:state", State(unread=page.unread, messages=messages, quiet=sitting.quiet))

    @hookimpl
    async def on_session_end(self, session: Session) -> dict[str, Any] | None:
        """Say goodbye, and sum the session up."""
        if not tutors.is_student(session):
            return None
        sitting = await self._desk.open(session)
        strong, weak = sitting.watch.extremes()
        summary = Summary(
            hints=sitting.watch.hints,
            messages=sitting.watch.ledger.nudges,
            strong=strong or None,
            weak=weak or None,
            advice=f"Next time, begin with {called(weak)}." if weak else "Come back tomorrow, even for ten minutes.",
        )
        await sitting.see(EndFact())
        sitting.end()
        return summary.model_dump(mode="json", by_alias=True, exclude_none=True)

    # The process

    @hookimpl
    async def on_startup(self, app: App) -> None:
        """Read the texts, take in other plugins' triggers, and begin to look at the time."""
        await asyncio.to_thread(_warm)
        rules = list(self._rules)
        for plugin, brought in await app.call_hook("add_triggers"):
            try:
                listed = list(brought or ())
            except Exception as error:
                log.error("plugin %s brought no triggers: %s", plugin, type(error).__name__)
                continue
            for data in listed:
                try:
                    rule = make_rule(data, f"a trigger of {plugin}")
                    check(rule)
                except RuleError as error:
                    log.error("a trigger of plugin %s is left out: %s", plugin, error)
                else:
                    rules.append(rule)
        self._open(rules, Timer(app.now))
        self._asker = Asker(app, self, self._ai, self._stale_ms)
        _ = app.create_task(self._watch_time(app), name="look at the time")

    @hookimpl
    async def on_shutdown(self, app: App) -> None:
        """Let go of the AI service."""
        if self._ai is not None:
            await self._ai.close()

    @hookimpl
    def check_health(self, app: App) -> dict[str, Any]:
        """How many rules there are, and whether there is an AI service."""
        return {"triggers": len(self._desk.coach.rules), "ai": self._ai_status}

    @hookimpl
    def add_commands(self, cli: click.Group) -> None:
        """Add `bonsai coach`."""
        from bonsai_coaching.commands import coach

        cli.add_command(coach)

    @folds(tutors.SESSIONS)
    def fold_session(self, key: str, aggregate: Any, deltas: list[Any]) -> Any:
        """Which session a student joined last."""
        return tutors.fold_session(aggregate, deltas)

    # Private

    def _open(self, rules: list[Rule], timer: Timer) -> None:
        coach = Coach(rules, Budget(self._settings.questions_per_nudge))
        self._desk = Desk(coach, timer, self._settings)
        self._chat = Chat(self._desk, self._ai)

    async def look_at_time(self, app: App) -> None:
        """Look once at every session where time may have something to say."""

        async def look(user: str, session_id: str) -> None:
            await app.act(self, user, session_id, self._look)

        await self._desk.timer.look(look)

    async def _watch_time(self, app: App) -> None:
        while True:
            await asyncio.sleep(self._look_every)
            await self.look_at_time(app)

    async def _look(self, session: Session) -> None:
        """Time has gone by in a session that somebody is in."""
        if not await session.devices():
            return
        sitting = await self._desk.open(session)
        if await sitting.see(TickFact()) is not None:
            sitting.save()
        else:
            sitting.look_again()


def _service(given: AiCoach | None) -> tuple[AiCoach | None, str, int]:
    """The AI service, how it is, and after how many ms an answer of it is not to be expected any more."""
    if given is not None:
        return given, "on", STALE_MS
    if not os.environ.get("BONSAI_AI_URL", "").strip():  # without loading any of it
        return None, "off", STALE_MS
    from bonsai_coaching.ai import AiService, AiSettings

    try:
        settings = AiSettings.from_environment()
    except ValueError as error:
        log.error("there is no AI service: %s", error)
        return None, f"off: {error}", STALE_MS
    return AiService(settings), "on", STALE_MS + (settings.timeout_ms if settings is not None else 0)


def _warm() -> None:
    """Read the texts now, on a thread, rather than at the first message."""
    import bonsai_coaching.leaks  # noqa: F401
    from bonsai_coaching.intents import meaning

    texts.strategy("pacing")
    texts.nudge("idle", 0)
    texts.reply("greeting", 0)
    meaning("hi")
