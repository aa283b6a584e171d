"""An example of a plugin in a single file that replaces bonsai-analytics: it counts, and estimates as little as it can.

It passes `bonsai_core.testing.contracts.AnalyticsContract`, which is all that front ends and other plugins rely on.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

from bonsai_core import ErrorCode, Payload, Plugin, Refused, Session, hookimpl, on


class Answered(Payload):
    """`analytics:performance` from a client."""

    question_id: str
    time_spent: Annotated[float, Field(ge=0, le=86_400)]
    correct: bool | None = None
    skill: str | None = None
    answer: str | None = None


class Graded(Payload):
    """The ack."""

    correct: bool
    explanation: str | None = None


class Recorded(Payload):
    """`analytics:performance` to devices."""

    question_id: str
    correct: bool
    time_spent: float
    skill: str


class Counts(Payload):
    """The session's document, and part of `analytics:update`."""

    questions_answered: int = 0
    correct_answers: int = 0
    streak_count: int = 0
    best_streak: int = 0
    accuracy: float = 0.0
    pace: float = 0.0
    seconds: float = 0.0

    def add(self, correct: bool, seconds: float) -> None:
        """Count an answer."""
        self.questions_answered += 1
        self.correct_answers += correct
        self.streak_count = self.streak_count + 1 if correct else 0
        self.best_streak = max(self.best_streak, self.streak_count)
        self.accuracy = self.correct_answers / self.questions_answered
        self.seconds += seconds
        self.pace = self.questions_answered * 60 / self.seconds if self.seconds else 0.0


class Mastery(Payload):
    """A skill."""

    mastery: float
    low: float
    high: float
    answered: int


class Performance(Payload):
    """All sessions."""

    overall: float
    by_skill: dict[str, Mastery]


class Update(Payload):
    """`analytics:update`."""

    current_session: Counts
    performance: Performance


class Progress(Payload):
    """`analytics:progress`."""

    answered: int


class AcmeAnalytics(Plugin):
    """Counts answers."""

    name = "analytics"
    emits: ClassVar[dict[str, type[BaseModel]]] = {
        "analytics:performance": Recorded,
        "analytics:update": Update,
        "analytics:progress": Progress,
    }

    @on("analytics:performance")
    async def answered(self, session: Session, answer: Answered) -> Graded:
        """Grade, count, tell."""
        question = await session.app.find_question(answer.question_id)
        if answer.correct is not None:
            graded = Graded(correct=answer.correct)
        elif question is not None and answer.answer is not None:
            graded = Graded(correct=question.grade(answer.answer), explanation=question.rationale)
        else:
            raise Refused(ErrorCode.INVALID_PAYLOAD, "nobody can tell whether this is right")
        skill = answer.skill or (question.skill if question is not None else "unknown")
        counts = await self._counts(session)
        counts.add(graded.correct, answer.time_spent)
        session.save("counts", counts)
        skills = await self._skills(session)
        right, answered = skills.get(skill, (0, 0))
        skills[skill] = (right + graded.correct, answered + 1)
        session.save("skills", skills, scope="user")
        recorded = Recorded(
            question_id=answer.question_id, correct=graded.correct, time_spent=answer.time_spent, skill=skill
        )
        session.emit("analytics:performance", recorded)
        session.emit("analytics:update", update(counts, skills))
        return graded

    @on("analytics:progress")
    async def progress(self, session: Session) -> Progress:
        """Tell who asks."""
        told = Progress(answered=sum(answered for _, answered in (await self._skills(session)).values()))
        session.reply("analytics:progress", told)
        return told

    @hookimpl
    async def on_connect(self, session: Session) -> None:
        """Tell who joins."""
        session.reply("analytics:update", update(await self._counts(session), await self._skills(session)))

    async def _counts(self, session: Session) -> Counts:
        return await session.load("counts", Counts) or Counts()

    async def _skills(self, session: Session) -> dict[str, Any]:
        return dict(await session.load("skills", scope="user") or {})


def update(counts: Counts, skills: dict[str, Any]) -> Update:
    """Shares of right answers, one right and one wrong answer being taken for granted; an interval that is surely wide
    enough."""
    by_skill = {}
    for name, (right, answered) in skills.items():
        share, half = (right + 1) / (answered + 2), 1 / (answered + 2) ** 0.5
        by_skill[name] = Mastery(
            mastery=share, low=max(0.0, share - half), high=min(1.0, share + half), answered=answered
        )
    overall = sum(skill.mastery for skill in by_skill.values()) / len(by_skill) if by_skill else 0.5
    return Update(current_session=counts, performance=Performance(overall=overall, by_skill=by_skill))
