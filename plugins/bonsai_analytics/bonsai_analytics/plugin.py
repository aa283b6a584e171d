"""The plugin: each answer is graded and counted, and all of the student's devices see the numbers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from bonsai_analytics import days
from bonsai_analytics.events import Answered, Graded, Progress, ProgressQuery, Recorded, Update
from bonsai_analytics.stats import UNKNOWN, SessionCounts, SkillCounts
from bonsai_core import ErrorCode, Plugin, Refused, Session, hookimpl, on

if TYPE_CHECKING:
    import click

#: Documents: the session's counts; the student's skills over all sessions. Days are in `days.week_key`.
COUNTS = "counts"
SKILLS = "skills"
#: Stream of the student's answers, for history.
ANSWERS = "answers"


class Analytics(Plugin):
    """Live performance analytics."""

    name = "analytics"
    emits: ClassVar[dict[str, type[BaseModel]]] = {
        "analytics:performance": Recorded,
        "analytics:update": Update,
        "analytics:progress": Progress,
    }

    @on("analytics:performance")
    async def answered(self, session: Session, answer: Answered) -> Graded:
        """Grade an answer if need be, count it, and tell all devices."""
        graded, skill = await _grade(session, answer)
        correct, spent_ms, now = graded.correct, round(answer.time_spent * 1000), session.now

        counts = SessionCounts.read(await session.load(COUNTS))
        counts.add(correct, spent_ms)
        session.save(COUNTS, counts.document())

        skills = SkillCounts.read(await session.load(SKILLS, scope="user"))
        skill = skills.add(skill, correct)
        session.save(SKILLS, skills.document(), scope="user")

        week = days.week_key(now)
        quarters = await session.load(week, scope="user") or {}
        days.add(quarters, now, correct, spent_ms)
        session.save(week, quarters, scope="user")

        recorded = {
            "questionId": answer.question_id,
            "correct": correct,
            "timeSpent": answer.time_spent,
            "skill": skill,
            "number": counts.answered,
            "at": now,
        }
        more = {"sessionId": session.id, "answer": answer.answer, "subject": answer.subject}
        session.append(ANSWERS, recorded | {name: value for name, value in more.items() if value is not None})
        session.emit("analytics:performance", recorded)
        session.emit("analytics:update", _update(counts, skills))
        return graded

    @on("analytics:progress")
    async def progress(self, session: Session, query: ProgressQuery) -> dict[str, Any]:
        """Send the asking device the practice of the last days."""
        now = session.now
        first = days.first_moment(now, query.days, query.utc_offset_minutes)
        weeks = [await session.load(key, scope="user") or {} for key in days.week_keys(first, now)]
        per_day = days.by_day(weeks, now, query.days, query.utc_offset_minutes)
        skills = SkillCounts.read(await session.load(SKILLS, scope="user"))
        progress = {"days": per_day, "totals": days.totals(per_day), "skills": skills.progress()}
        session.reply("analytics:progress", progress)
        return progress

    @hookimpl
    async def on_connect(self, session: Session) -> None:
        """Give a device that joins the numbers as they are."""
        counts = SessionCounts.read(await session.load(COUNTS))
        skills = SkillCounts.read(await session.load(SKILLS, scope="user"))
        session.reply("analytics:update", _update(counts, skills))

    @hookimpl
    async def on_session_end(self, session: Session) -> dict[str, Any]:
        """Sum the session up."""
        return SessionCounts.read(await session.load(COUNTS)).summary()

    @hookimpl
    def add_commands(self, cli: click.Group) -> None:
        """Add `bonsai replay`."""
        from bonsai_analytics.commands import replay

        cli.add_command(replay)


def _update(counts: SessionCounts, skills: SkillCounts) -> dict[str, Any]:
    return {"currentSession": counts.current(), "performance": skills.performance()}


async def _grade(session: Session, answer: Answered) -> tuple[Graded, str]:
    """Whether the answer is right, and its skill.

    Raises:
        Refused: neither the client nor a bank can tell whether it is right.
    """
    if answer.correct is not None and answer.skill is not None:
        return Graded(correct=answer.correct), answer.skill
    question = await session.app.find_question(answer.question_id)
    skill = answer.skill or (question.skill if question else "") or UNKNOWN
    if answer.correct is not None:
        return Graded(correct=answer.correct), skill
    if answer.answer is None:
        raise Refused(ErrorCode.INVALID_PAYLOAD, "give `correct`, or `answer` for the server to grade")
    if question is None:
        raise Refused(
            ErrorCode.INVALID_PAYLOAD, "give `correct`: no installed question bank knows this question to grade it"
        )
    return Graded(correct=question.grade(answer.answer), explanation=question.rationale or None), skill
