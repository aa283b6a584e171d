"""Counting answers: a session's streak and pace, a student's skills. Plain Python over small JSON documents.

Documents and payloads are plain data rather than models, since they are read, changed and written for every answer.
Time is counted in whole milliseconds, so that sums are exact.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

#: Distinct skills kept per student, and the UTF-8 bytes of their names together. What is beyond counts as `OTHER`.
#: The SAT has some 30 skills and ASSISTments some 150; the bounds keep a stray client's updates small.
MAX_SKILLS = 500
MAX_SKILL_BYTES = 32_768
OTHER = "other"
UNKNOWN = "unknown"


def share(part: int, whole: int) -> float:
    """`part / whole`, to 4 digits; 0 when there is nothing."""
    return round(part / whole, 4) if whole else 0.0


def pace(answered: int, spent_ms: int) -> float:
    """Questions per minute of the time spent on them, to 2 digits; 0 while no time was spent."""
    return round(answered * 60_000 / spent_ms, 2) if spent_ms else 0.0


@dataclass(slots=True)
class SessionCounts:
    """The counts of one session.

    Attributes:
        tested_ms, allowed_ms: time spent on questions of a section of the test, and what the test allows for them.
        trend: the document of the session's `Trend`.
    """

    answered: int = 0
    correct: int = 0
    streak: int = 0
    best: int = 0
    spent_ms: int = 0
    tested_ms: int = 0
    allowed_ms: int = 0
    trend: list[Any] = field(default_factory=list)

    @classmethod
    def read(cls, document: Any) -> SessionCounts:
        """From a document; None is a session without answers."""
        return cls(*document) if document else cls()

    def document(self) -> list[Any]:
        """The counts as they are stored."""
        own = [self.answered, self.correct, self.streak, self.best, self.spent_ms, self.tested_ms, self.allowed_ms]
        return [*own, self.trend]

    def add(self, correct: bool, spent_ms: int, allowed_ms: int = 0) -> None:
        """Count an answer.

        Args:
            allowed_ms: what the test allows for such a question; 0 for a question of no section of the test.
        """
        self.answered += 1
        self.correct += correct
        self.streak = self.streak + 1 if correct else 0
        self.best = max(self.best, self.streak)
        self.spent_ms += spent_ms
        if allowed_ms:
            self.tested_ms += spent_ms
            self.allowed_ms += allowed_ms

    def current(self) -> dict[str, Any]:
        """The `currentSession` of an update."""
        shown = {
            "questionsAnswered": self.answered,
            "correctAnswers": self.correct,
            "streakCount": self.streak,
            "bestStreak": self.best,
            "accuracy": share(self.correct, self.answered),
            "pace": pace(self.answered, self.spent_ms),
        }
        if self.tested_ms:
            shown["testPace"] = min(round(self.allowed_ms / self.tested_ms, 3), 1000.0)
        return shown

    def summary(self) -> dict[str, Any]:
        """What is said of the session when it ends."""
        return {
            "questionsAnswered": self.answered,
            "correctAnswers": self.correct,
            "accuracy": share(self.correct, self.answered),
            "bestStreak": self.best,
            "seconds": self.spent_ms / 1000,
            "pace": pace(self.answered, self.spent_ms),
        }


@dataclass(slots=True)
class SkillCounts:
    """A student's answers by skill, over all sessions.

    Attributes:
        skills: skill -> [answered, correct].
    """

    answered: int = 0
    correct: int = 0
    skills: dict[str, list[int]] = field(default_factory=dict)

    @classmethod
    def read(cls, document: Any) -> SkillCounts:
        """From a document; None is a student without answers."""
        return cls(*document) if document else cls()

    def document(self) -> list[Any]:
        """The counts as they are stored."""
        return [self.answered, self.correct, self.skills]

    def add(self, skill: str, correct: bool) -> str:
        """Count an answer.

        Returns:
            The skill that it was counted under: `OTHER` when no more skills are kept.
        """
        counts = self.skills.get(skill)
        if counts is None:
            if not self._has_room(skill):
                skill = OTHER
            counts = self.skills.setdefault(skill, [0, 0])
        counts[0] += 1
        counts[1] += correct
        self.answered += 1
        self.correct += correct
        return skill

    def _has_room(self, skill: str) -> bool:
        used = sum(len(name.encode()) for name in self.skills)
        return len(self.skills) < MAX_SKILLS and used + len(skill.encode()) <= MAX_SKILL_BYTES
