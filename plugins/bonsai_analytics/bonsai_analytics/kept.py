"""What the plugin keeps of a student, in one document: an answer changes all of it, and each document costs a write.

That is the counts by skill, what the learner model keeps, and the newest week's counts (`days`). Weeks before it have
documents of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bonsai_analytics.model.student import Student
from bonsai_analytics.stats import SkillCounts

if TYPE_CHECKING:
    from bonsai_analytics.days import Quarters
    from bonsai_analytics.model.constants import Constants
    from bonsai_core import Session

#: The document; and those that were there in its place before, one for the counts and one for the model.
STUDENT = "student"
SKILLS, LEARNER = "skills", "learner"


class Kept:
    """One student's document, of one unit of work.

    Attributes:
        skills: answers by skill.
        student: what the learner model knows.
        week: the document's week, by `days.week_key`; empty before the first answer.
        quarters: its counts.
    """

    def __init__(self, skills: SkillCounts, student: Student, week: str, quarters: Quarters, old: bool) -> None:
        self.skills = skills
        self.student = student
        self.week = week
        self.quarters = quarters
        self._old = old

    @classmethod
    async def load(cls, session: Session, constants: Constants) -> Kept:
        """As it is stored; a new student's when there is none."""
        document = await session.load(STUDENT, scope="user")
        if document is not None:
            skills, student, week, quarters = document
            return cls(SkillCounts.read(skills), Student.read(student, constants), week, quarters, old=False)
        skills, student = await session.load(SKILLS, scope="user"), await session.load(LEARNER, scope="user")
        old = skills is not None or student is not None
        return cls(SkillCounts.read(skills), Student.read(student, constants), "", {}, old)

    async def turn_to(self, session: Session, week: str) -> None:
        """Make `week` the document's: the one that it held gets a document of its own."""
        if week != self.week:
            if self.quarters:
                session.save(self.week, self.quarters, scope="user")
            self.week, self.quarters = week, await session.load(week, scope="user") or {}

    async def quarters_of(self, session: Session, week: str) -> Quarters:
        """The counts of any week, to be read only."""
        quarters: Quarters = self.quarters if week == self.week else await session.load(week, scope="user") or {}
        return quarters

    def save(self, session: Session) -> None:
        """Keep it."""
        document = [self.skills.document(), self.student.document(), self.week, self.quarters]
        session.save(STUDENT, document, scope="user")
        if self._old:
            session.delete(SKILLS, scope="user")
            session.delete(LEARNER, scope="user")
