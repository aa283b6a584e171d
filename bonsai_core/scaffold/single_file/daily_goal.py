"""A plugin of Bonsai Real-Time in a single file: a goal for today, and how far it is. Replace it by your own idea.

bonsai serve --dev --reload --plugins-dir .
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import BaseModel, Field

from bonsai_core import Payload, Plugin, Session, hookimpl, observes, on

DAY_MS = 86_400_000


class Goal(Payload):
    """`daily_goal:set` from a client: answers that the student wants to give today."""

    answers: Annotated[int, Field(ge=1, le=1000)]


class Progress(Payload):
    """`daily_goal:progress` to all of the student's devices, and the ack."""

    goal: int = 0
    day: int = 0
    answered: int = 0
    reached: bool = False


class Answered(Payload):
    """`analytics:performance` as an analytics plugin emits it; of all its fields, what is needed here."""

    question_id: str


class DailyGoal(Plugin):
    """A goal for today."""

    name = "daily_goal"
    emits: ClassVar[dict[str, type[BaseModel]]] = {"daily_goal:progress": Progress}

    @on("daily_goal:set")
    async def set_goal(self, session: Session, goal: Goal) -> Progress:
        """Set the goal, and tell all of the student's devices. What is returned is the ack's data."""
        progress = await self._load(session)
        progress.goal = goal.answers
        return self._save(session, progress)

    @observes("analytics:performance")
    async def answered(self, session: Session, answer: Answered) -> None:
        """Count an answer that an analytics plugin has taken in."""
        progress = await self._load(session)
        progress.answered += 1
        self._save(session, progress)

    @hookimpl
    async def on_connect(self, session: Session) -> None:
        """Tell a device that joins how it is."""
        session.reply("daily_goal:progress", await self._load(session))

    async def _load(self, session: Session) -> Progress:
        kept = await session.load("goal", Progress, scope="user") or Progress()
        today = session.now // DAY_MS
        return kept if kept.day == today else Progress(goal=kept.goal, day=today)

    def _save(self, session: Session, progress: Progress) -> Progress:
        progress.reached = 0 < progress.goal <= progress.answered
        session.save("goal", progress, scope="user")
        session.emit("daily_goal:progress", progress, room="user")
        return progress
