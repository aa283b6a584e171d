"""What a student writes to the coach, and what the coach answers: by intent; what has none may go to the AI service.

An answer never holds the answer to a question: rungs come from the ladder and stop short of the solution, which only
its own button opens.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from bonsai_coaching import actions, hints, inbox, replies, texts
from bonsai_coaching.desk import Desk
from bonsai_coaching.events import Message, Post, Posted, Said
from bonsai_coaching.hints import Climb, TooSoon
from bonsai_coaching.inbox import Waiting
from bonsai_coaching.intents import REPHRASE, UNKNOWN, Meaning, meaning
from bonsai_coaching.kept import CLIMBS, Sitting
from bonsai_coaching.lookup import Known, know
from bonsai_coaching.replies import Reply
from bonsai_core import Session
from bonsai_core.domain import SKILLS

if TYPE_CHECKING:
    from bonsai_coaching.ai import AiCoach, AiRequest

#: Why a message came that the student asked for.
ASKED = "You asked."
#: The student's document that counts requests to the AI service.
AI_BUDGET = "ai_budget"


class Chat:
    """Answers students.

    Args:
        service: the AI service, if there is one.
    """

    def __init__(self, desk: Desk, service: AiCoach | None) -> None:
        self._desk = desk
        self._service = service

    async def answer(self, session: Session, post: Post) -> tuple[Posted, AiRequest | None]:
        """Keep a student's message, and answer it.

        Returns:
            The ack; and what to ask the AI service, when the answer is to come from there.
        """
        sitting = await self._desk.open(session)
        box = await inbox.load(session)
        key = session.event_key
        said = self._keep(session, post, inbox.new_id(key))
        shown = sitting.watch.shown
        question_id = post.question_id or (shown.id if shown is not None and shown.sure else None)
        known = await know(session, question_id, sitting.watch) if question_id is not None else None
        meant = meaning(post.text)
        reply = await self._reply(session, sitting, meant, known)
        message = Message(
            id=inbox.new_id(f"{key}/reply" if key is not None else None),
            type=reply.type,
            priority=reply.priority,
            message=reply.text,
            actions=actions.make(reply.actions, question_id, reply.skill) or None,
            question_id=question_id,
            created_at=session.now,
            is_read=False,
            reason=ASKED,
            kind=reply.intent,
            session_id=session.id,
        )
        request = None
        free = meant.intent in (UNKNOWN, REPHRASE) and not sitting.quiet and len(box.waiting) < inbox.MOST_WAITING
        if free and await self._admitted(session):
            request, waiting = await self._request(session, sitting, post, meant, known, message)
            box.waiting.append(waiting)
        else:
            inbox.post(session, box, message)
        inbox.save(session, box)
        sitting.watch.heard(session.now)
        sitting.save()
        return Posted(id=said.id, reply=message.id), request

    def _keep(self, session: Session, post: Post, id: str) -> Said:
        said = Said(
            id=id,
            text=post.text,
            created_at=session.now,
            client_id=session.client_id,
            question_id=post.question_id,
        )
        session.emit("coaching:said", said, room="user")
        kept = Message(
            id=id,
            type="insight",
            priority="low",
            message=post.text,
            question_id=post.question_id,
            created_at=session.now,
            is_read=True,
            reason="You wrote this.",
            sender="student",
            session_id=session.id,
        )
        inbox.keep(session, kept)
        return said

    async def _admitted(self, session: Session) -> bool:
        """Whether the AI service can be asked now; it is counted then."""
        if self._service is None:
            return False
        from bonsai_coaching.ai import AiUnavailable, Budget

        budget = await session.load(AI_BUDGET, Budget, scope="user") or Budget()
        try:
            self._service.admit(budget, session.now)
        except AiUnavailable:
            return False
        session.save(AI_BUDGET, budget, scope="user")
        return True

    async def _request(
        self, session: Session, sitting: Sitting, post: Post, meant: Meaning, known: Known | None, fallback: Message
    ) -> tuple[AiRequest, Waiting]:
        """What to ask the AI service, and what waits for the answer."""
        from bonsai_coaching.ai import AiRequest

        kind: Literal["answer", "rephrase"] = "answer"
        text, rung, solved = post.text, None, False
        shown: tuple[str, ...] = ()
        if known is not None and (ladder := [hint.text for hint in known.ladder()]):
            state = await CLIMBS.get(session, known.question_id) or Climb()
            shown, solved = tuple(ladder[: state.rung]), state.rung >= len(ladder)
            rung = ladder[min(max(state.rung, 1), len(ladder) - 1) - 1]  # never the solution
            if meant.intent == REPHRASE and state.rung:
                kind, text = "rephrase", rung
        request = AiRequest(
            task=kind,
            text=text,
            question=known.seen() if known is not None else None,
            skill=meant.skill or (known.skill if known is not None else ""),
            hints=shown,
            done=_done(sitting, known),
            level=_level(sitting, known),
            may_reveal=solved,
        )
        return request, Waiting(kind=kind, fallback=fallback, rung=rung)

    async def _reply(self, session: Session, sitting: Sitting, meant: Meaning, known: Known | None) -> Reply:
        intent = meant.intent
        skill = meant.skill or (known.skill if known is not None else "") or None
        if sitting.quiet and intent in replies.HELP:
            return replies.own(intent, replies.QUIET)
        if intent == UNKNOWN and meant.skill is not None:
            intent = "strategy"
        told: Reply | None = None
        if intent == "hint":
            told = await self._hint(session, sitting, known)
        elif intent == "why_wrong":
            told = await self._why_wrong(session, sitting)
        elif intent == REPHRASE:
            told = await self._other_words(session, known)
        if told is None and intent in ("strategy", REPHRASE) and skill is None:
            told = replies.own(intent, replies.WHICH_SKILL)
        return told or replies.reply(intent, skill, sitting.watch, sitting.student)

    async def _hint(self, session: Session, sitting: Sitting, known: Known | None) -> Reply:
        """The next rung, short of the solution."""
        ladder = known.ladder() if known is not None else []
        if known is None or not ladder:
            return replies.own("hint", replies.WHICH_QUESTION)
        state = await CLIMBS.get(session, known.question_id) or Climb()
        if state.rung >= len(ladder) - 1:
            return replies.own("hint", replies.SOLUTION_NEXT, ["get_hint"], known.skill)
        try:
            rung, _ = hints.climb(state, len(ladder), None, session.now, self._desk.dwell_ms)
        except TooSoon as soon:
            seconds = -(-soon.wait_ms // 1000)
            return replies.own("hint", f"Try the last hint first. You can have the next one in {seconds} seconds.")
        hint = self._desk.rung(known, ladder, rung, state, session.now)
        await self._desk.give(session, sitting, known, state, hint)
        return replies.own("hint", hint.text, ["get_hint"], known.skill)

    async def _why_wrong(self, session: Session, sitting: Sitting) -> Reply | None:
        """What led to the newest wrong answer, if a bank knows."""
        mistake = sitting.watch.mistake
        if mistake is None or mistake.answer is None:
            return None
        known = await know(session, mistake.id, sitting.watch)
        told = hints.misconception(known.question, mistake.answer) if known.question is not None else None
        return replies.own("why_wrong", told, ["open_strategy"], known.skill) if told is not None else None

    async def _other_words(self, session: Session, known: Known | None) -> Reply | None:
        """The newest rung as it is said of the skill in general."""
        if known is None or known.skill not in SKILLS:
            return None
        state = await CLIMBS.get(session, known.question_id) or Climb()
        general = texts.skill_hints(known.skill)
        words = general[min(max(state.rung, 1), len(general)) - 1]
        return replies.own(REPHRASE, words, ["open_strategy", "get_hint"], known.skill)


def _done(sitting: Sitting, known: Known | None) -> tuple[str, ...]:
    watch = sitting.watch
    lines = [f"Answered {watch.answered} questions in this session, {watch.right} right."] if watch.answered else []
    if known is not None and watch.mistake is not None and watch.mistake.id == known.question_id:
        lines.append("Answered this question; it was wrong.")
    return tuple(lines)


def _level(sitting: Sitting, known: Known | None) -> str:
    mastery = sitting.student.mastery.get(known.skill) if known is not None else None
    if mastery is None:
        return ""
    return (
        "knows this skill well" if mastery >= 0.8 else "is learning this skill" if mastery >= 0.5 else "finds it hard"
    )
