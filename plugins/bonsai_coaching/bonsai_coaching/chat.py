"""What a student writes to the coach, and what the coach answers: by intent; what has none may go to the AI service.

An answer never holds the answer to a question: rungs come from the ladder and stop short of the solution, which only
its own button opens.
"""

from __future__ import annotations

from bonsai_coaching import actions, hints, inbox, replies, texts
from bonsai_coaching.desk import Desk
from bonsai_coaching.events import Message, Post, Posted, Said
from bonsai_coaching.hints import Climb, TooSoon
from bonsai_coaching.inbox import Inbox, Waiting
from bonsai_coaching.intents import REPHRASE, UNKNOWN, Meaning, meaning
from bonsai_coaching.kept import CLIMBS, Sitting
from bonsai_coaching.lookup import Known, know
from bonsai_coaching.replies import Reply
from bonsai_core import Session
from bonsai_core.domain import SKILLS

#: Why a message came that the student asked for.
ASKED = "You asked."


class Chat:
    """Answers students.

    Args:
        service: whether an AI service may be asked.
    """

    def __init__(self, desk: Desk, *, service: bool) -> None:
        self._desk = desk
        self._service = service

    async def answer(self, session: Session, post: Post) -> tuple[Posted, Waiting | None]:
        """Keep a student's message, and answer it.

        Returns:
            The ack; and what the AI service is to be asked, when the answer is to come from there.
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
        waiting = None
        if self._service and meant.intent in (UNKNOWN, REPHRASE) and not sitting.quiet:
            waiting = await self._wait(session, box, post, meant, known, message)
        else:
            inbox.post(session, box, message)
        inbox.save(session, box)
        sitting.watch.active = session.now
        sitting.save()
        return Posted(id=said.id, reply=message.id), waiting

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

    async def _wait(
        self, session: Session, box: Inbox, post: Post, meant: Meaning, known: Known | None, fallback: Message
    ) -> Waiting:
        """Take down what the service is asked."""
        waiting = Waiting(kind="answer", text=post.text, fallback=fallback)
        if meant.intent == REPHRASE and known is not None:
            state = await CLIMBS.get(session, known.question_id) or Climb()
            ladder = known.ladder()
            if ladder and state.rung:
                hint = ladder[min(state.rung, len(ladder) - 1) - 1].text  # never the solution
                waiting = Waiting(kind="rephrase", text=hint, fallback=fallback)
        box.waiting = [*box.waiting[-9:], waiting]
        return waiting

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
