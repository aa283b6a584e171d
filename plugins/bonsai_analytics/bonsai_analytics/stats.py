"""Counting answers: a session's streak and pace, a student's skills. Plain Python over small JSON documents.

Documents and payloads are plain data rather than models, since they are read, changed and written for every answer.
Time is counted in whole milliseconds, so that sums are exact.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

#: Distinct skills kept per student, and the UTF-8 bytes of their names together. What is beyond counts as `OTHER`.
#: The SAT has some 30 skills and ASSISTments some 150; the bounds keep a stray client's updates small.
MAX_SKILLS = 500
MAX_SKILL_BYTES = 32_768
OTHER = "other"
UNKNOWN = "unknown"

#: The standard normal quantile of a two-sided 80% interval.
Z80 = 1.2815515655446004


def share(part: int, whole: int) -> float:
    """`part / whole`, to 4 digits; 0 when there is nothing."""
    return round(part / whole, 4) if whole else 0.0


def pace(answered: int, spent_ms: int) -> float:
    """Questions per minute of the time spent on them, to 2 digits; 0 while no time was spent."""
    return round(answered * 60_000 / spent_ms, 2) if spent_ms else 0.0


@lru_cache(maxsize=65_536)
def mastery(answered: int, correct: int) -> Mapping[str, float]:
    """How well a skill is known after `answered` answers, `correct` of them right, as the payload says it.

    The estimate is the mean of the Beta posterior under a uniform prior, (correct + 1) / (answered + 2): Laplace's
    rule of succession. The interval is Wilson's 80% score interval (E. B. Wilson, JASA 22, 1927), which stays within
    0..1 and is honest for few answers. A fitted learner model is to take their place.

    Returns:
        A mapping that is shared between calls: read it only.
    """
    estimate = (correct + 1) / (answered + 2)
    low, high = 0.0, 1.0
    if answered:
        p, z2 = correct / answered, Z80 * Z80
        centre = (p + z2 / (2 * answered)) / (1 + z2 / answered)
        half = Z80 / (1 + z2 / answered) * math.sqrt(p * (1 - p) / answered + z2 / (4 * answered * answered))
        low, high = max(0.0, centre - half), min(1.0, centre + half)
    return {"mastery": round(estimate, 4), "low": round(low, 4), "high": round(high, 4), "answered": answered}


@dataclass(slots=True)
class SessionCounts:
    """The counts of one session."""

    answered: int = 0
    correct: int = 0
    streak: int = 0
    best: int = 0
    spent_ms: int = 0

    @classmethod
    def read(cls, document: Any) -> SessionCounts:
        """From a document; None is a session without answers."""
        return cls(*document) if document else cls()

    def document(self) -> list[int]:
        """The counts as they are stored."""
        return [self.answered, self.correct, self.streak, self.best, self.spent_ms]

    def add(self, correct: bool, spent_ms: int) -> None:
        """Count an answer."""
        self.answered += 1
        self.correct += correct
        self.streak = self.streak + 1 if correct else 0
        self.best = max(self.best, self.streak)
        self.spent_ms += spent_ms

    def current(self) -> dict[str, Any]:
        """The `currentSession` of an update."""
        return {
            "questionsAnswered": self.answered,
            "correctAnswers": self.correct,
            "streakCount": self.streak,
            "bestStreak": self.best,
            "accuracy": share(self.correct, self.answered),
            "pace": pace(self.answered, self.spent_ms),
        }

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

    def performance(self) -> dict[str, Any]:
        """The `performance` of an update."""
        return {
            "overall": mastery(self.answered, self.correct)["mastery"],
            "bySkill": {skill: mastery(*counts) for skill, counts in self.skills.items()},
        }

    def progress(self) -> dict[str, Any]:
        """The `skills` of the progress."""
        return {skill: {**mastery(*counts), "correct": counts[1]} for skill, counts in self.skills.items()}

    def _has_room(self, skill: str) -> bool:
        used = sum(len(name.encode()) for name in self.skills)
        return len(self.skills) < MAX_SKILLS and used + len(skill.encode()) <= MAX_SKILL_BYTES
