"""The plugin: each answer is graded, counted and learnt from; all of the student's devices see the numbers at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel

from bonsai_analytics import days, live
from bonsai_analytics.banks import Questions
from bonsai_analytics.events import Answered, Goal, GoalQuery, Graded, Progress, ProgressQuery, Recorded, Update
from bonsai_analytics.kept import Kept
from bonsai_analytics.model import calibration, scores, shared
from bonsai_analytics.model.learner import is_rapid
from bonsai_analytics.model.trend import Trend
from bonsai_analytics.stats import UNKNOWN, SessionCounts
from bonsai_core import ErrorCode, Plugin, Refused, Session, folds, hookimpl, on

if TYPE_CHECKING:
    import click

    from bonsai_core import Question

#: Documents: the session's counts, and the student's goal. What else is kept of the student: `kept`.
COUNTS = "counts"
GOAL = "goal"
#: Streams of the student's answers, and of the predicted totals of days past.
ANSWERS = "answers"
SCORES = "scores"
#: What all students share: by question, by skill (`live.shared_key`), and of all answers (under one key).
ITEMS = "items"
SKILL_STATISTICS = "skills"
CALIBRATION = "calibration"
ALL = "all"
#: Past scores told.
MOST_SCORES = 100


class Analytics(Plugin):
    """Live performance analytics.

    Args:
        unknown_questions: made-up ids cannot fill the store: questions that no bank knows share so many aggregates.
        unknown_skills: the same for skills that are not the test's.
    """

    name = "analytics"
    emits: ClassVar[dict[str, type[BaseModel]]] = {
        "analytics:performance": Recorded,
        "analytics:update": Update,
        "analytics:progress": Progress,
        "analytics:goal": Goal,
    }

    def __init__(self, unknown_questions: int = 65_536, unknown_skills: int = 4_096) -> None:
        self._learner = live.learner()
        self._questions = Questions()
        self._unknown_questions = unknown_questions
        self._unknown_skills = unknown_skills

    @on("analytics:performance")
    async def answered(self, session: Session, answer: Answered) -> Graded:
        """Grade an answer if need be, count it, learn from it, and tell all devices."""
        question = await self._questions.find(session, answer.question_id)
        graded, skill = _grade(answer, question)
        correct, spent_ms, now = graded.correct, round(answer.time_spent * 1000), session.now

        kept = await Kept.load(session, self._learner.constants)
        skills, student = kept.skills, kept.student
        skill = skills.add(skill, correct)
        section = question.section if question is not None else live.section_of(skill)
        item_key = live.shared_key(answer.question_id, question is not None, self._unknown_questions)
        skill_key = live.shared_key(skill, live.section_of(skill) is not None, self._unknown_skills)
        forecast = self._learner.forecast(
            student,
            skill,
            of_skill=await session.shared(SKILL_STATISTICS, skill_key),
            of_item=await session.shared(ITEMS, item_key),
            of_all=await session.shared(CALIBRATION, ALL),
            known=live.known(question, section),
            section=section and str(section),
            expected_seconds=live.expected_seconds(question, section),
        )
        await kept.turn_to(session, days.week_key(now))
        if not days.practised(kept.quarters, now) and (before := scores.total(student, self._learner.constants)):
            session.append(SCORES, {"total": before.score, "low": before.low, "high": before.high})
        learnt = self._learner.learn(student, forecast, correct, answer.time_spent)
        days.add(kept.quarters, now, correct, spent_ms)
        kept.save(session)
        session.contribute(SKILL_STATISTICS, skill_key, learnt.skill)
        if learnt.item is not None:
            session.contribute(ITEMS, item_key, learnt.item)
        if learnt.everyone is not None:
            session.contribute(CALIBRATION, ALL, learnt.everyone)

        counts = SessionCounts.read(await session.load(COUNTS))
        counts.add(correct, spent_ms, live.allowed_ms(section))
        trend = Trend.read(counts.trend)
        trend.add(forecast.p, correct, answer.time_spent, forecast.usual)
        counts.trend = trend.document()
        session.save(COUNTS, counts.document())

        recorded: dict[str, Any] = {
            "questionId": answer.question_id,
            "correct": correct,
            "timeSpent": answer.time_spent,
            "skill": skill,
            "number": counts.answered,
            "at": now,
            "expected": round(forecast.p, 4),
        }
        if is_rapid(forecast, answer.time_spent):
            recorded["rapid"] = True
        if answer.answer is not None:
            recorded["answer"] = answer.answer
        more = {"sessionId": session.id, "subject": answer.subject}
        session.append(ANSWERS, recorded | {name: value for name, value in more.items() if value is not None})
        session.emit("analytics:performance", recorded)
        session.emit("analytics:update", live.update(counts, skills, student))
        return graded

    @on("analytics:progress")
    async def progress(self, session: Session, query: ProgressQuery) -> dict[str, Any]:
        """Send the asking device the practice of the last days."""
        kept = await self._kept(session)
        skills, student = kept.skills, kept.student
        per_day = await _days(session, kept, query.days, query.utc_offset_minutes)
        past = await session.history(SCORES, limit=MOST_SCORES)
        progress: dict[str, Any] = {
            "days": per_day,
            "weeks": days.by_week(per_day),
            "totals": days.totals(per_day),
            "skills": {
                name: {**told, "correct": skills.skills[name][1]}
                for name, told in live.by_skill(student, skills).items()
            },
            "scores": [{"at": entry.at, **entry.data} for entry in past],
            "goal": await self._goal(session, kept, query.utc_offset_minutes),
        }
        if (score := scores.shown(student, self._learner.constants)) is not None:
            progress["score"] = score
        session.reply("analytics:progress", progress)
        return progress

    @on("analytics:goal")
    async def goal(self, session: Session, query: GoalQuery) -> dict[str, Any]:
        """Set what the student aims at, and tell how far it is: all devices when it changed, else the asking one."""
        changes = query.model_dump(include=query.model_fields_set - {"utc_offset_minutes"}, by_alias=True)
        if changes:
            goal = await session.load(GOAL, scope="user") or {}
            session.save(GOAL, {k: v for k, v in (goal | changes).items() if v is not None}, scope="user")
        told = await self._goal(session, await self._kept(session), query.utc_offset_minutes)
        if changes:
            session.emit("analytics:goal", told, room="user")
        else:
            session.reply("analytics:goal", told)
        return told

    @folds(ITEMS)
    def fold_item(self, key: str, aggregate: Any, deltas: list[Any]) -> Any:
        """What answers tell of a question."""
        return shared.fold(aggregate, deltas)

    @folds(SKILL_STATISTICS)
    def fold_skill(self, key: str, aggregate: Any, deltas: list[Any]) -> Any:
        """What answers tell of a skill."""
        return shared.fold(aggregate, deltas)

    @folds(CALIBRATION)
    def fold_calibration(self, key: str, aggregate: Any, deltas: list[Any]) -> Any:
        """What answers tell of all predictions."""
        return calibration.fold(aggregate, deltas)

    @hookimpl
    async def on_connect(self, session: Session) -> None:
        """Give a device that joins the numbers as they are."""
        counts = SessionCounts.read(await session.load(COUNTS))
        kept = await self._kept(session)
        session.reply("analytics:update", live.update(counts, kept.skills, kept.student))

    @hookimpl
    async def on_session_end(self, session: Session) -> dict[str, Any]:
        """Sum the session up."""
        return SessionCounts.read(await session.load(COUNTS)).summary()

    @hookimpl
    def add_commands(self, cli: click.Group) -> None:
        """Add `bonsai replay` and `bonsai analytics`."""
        from bonsai_analytics.commands import replay
        from bonsai_analytics.offline import analytics

        cli.add_command(replay)
        cli.add_command(analytics)

    async def _kept(self, session: Session) -> Kept:
        return await Kept.load(session, self._learner.constants)

    async def _goal(self, session: Session, kept: Kept, offset: int) -> dict[str, Any]:
        told: dict[str, Any] = dict(await session.load(GOAL, scope="user") or {})
        if "total" in told and (score := scores.total(kept.student, self._learner.constants)) is not None:
            told["chance"] = round(score.chance(told["total"]), 3)
        week = await _days(session, kept, days.days_of_week(session.now, offset), offset)
        return told | {"thisWeek": sum(day["answered"] for day in week)}


async def _days(session: Session, kept: Kept, number: int, offset: int) -> list[dict[str, Any]]:
    now = session.now
    first = days.first_moment(now, number, offset)
    weeks = [await kept.quarters_of(session, key) for key in days.week_keys(first, now)]
    return days.by_day(weeks, now, number, offset)


def _grade(answer: Answered, question: Question | None) -> tuple[Graded, str]:
    """Whether the answer is right, and its skill.

    Raises:
        Refused: neither the client nor a bank can tell whether it is right.
    """
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
