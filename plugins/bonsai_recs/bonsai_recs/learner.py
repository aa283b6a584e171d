"""What this plugin keeps of a student: abilities, pace, reviews, and which questions they have seen.

The ids of seen questions are kept in chunks of their own, so that an answer writes a little and not all of them: the
newest few with the student, and from there some at a time in a chunk.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bonsai_core.domain import Question
from bonsai_recs.select import review
from bonsai_recs.select.ability import RAPID, Ability
from bonsai_recs.select.pool import SKILL_NUMBER

#: Seen questions in one chunk, and chunks; what was seen before that may come again.
CHUNK, CHUNKS = 256, 40
#: Seen questions that wait for a place in a chunk.
RECENT = 16

#: How much the newest answer counts for the pace, once there are many.
_PACE_STEP = 0.1
#: What an item is like that no bank knows: (discrimination, difficulty, guessing).
_USUAL_ITEM = (0.8, 0.0, 0.2)


class Learner:
    """One student.

    Attributes:
        ability: what is known of the abilities.
        pace: the student's time as a multiple of the usual.
        cards: by question, when it is to be reviewed.
        chunks: ids of seen questions, by number of the chunk.
        recent: the newest ones, which are not in a chunk yet.
        full: whether some went from there to the newest chunk, which is to be saved.
    """

    def __init__(self, ability: Ability, log_pace: float, timed: int, cards: dict[str, review.Kept]) -> None:
        self.ability = ability
        self.cards = cards
        self.chunks: dict[int, list[str]] = {}
        self.recent: list[str] = []
        self.full = False
        self._log_pace = log_pace
        self._timed = timed

    @property
    def pace(self) -> float:
        return math.exp(self._log_pace)

    def learn(
        self, question_id: str, question: Question | None, skill: str | None, right: bool, spent: float, now: int
    ) -> None:
        """Take in an answer.

        Args:
            question: the question, if a bank knows it.
            skill: what the answer's event says it was about; used for questions that no bank knows.
            spent: seconds.
            now: ms since the epoch.
        """
        usual = question.expected_seconds if question is not None else None
        number = SKILL_NUMBER.get(question.skill if question is not None else skill or "")
        if usual is None or spent >= RAPID * usual or spent <= 0.0:  # without a time it cannot be called rapid
            a, b, c = _USUAL_ITEM
            if question is not None:
                a, b, c = question.discrimination, question.logit, question.guessing
            if number is not None:
                self.ability.answer(number, right, a, b, c)
        relative = spent / (usual * self.pace) if usual and spent > 0.0 else 1.0
        if usual and spent > 0.0:
            self._timed += 1
            ratio = math.log(min(max(spent / usual, 0.2), 5.0))
            self._log_pace += max(1.0 / (self._timed + 4), _PACE_STEP) * (ratio - self._log_pace)
        if question is not None:
            card = review.review(self.cards.get(question_id), right, relative, now)
            self.cards.pop(question_id, None)
            if card is not None:
                self.cards[question_id] = card
                self.cards = review.bounded(self.cards)
            self._saw(question_id)

    def _saw(self, question_id: str) -> None:
        if question_id in self.recent or any(question_id in chunk for chunk in self.chunks.values()):
            return
        self.recent.append(question_id)
        if len(self.recent) >= RECENT:
            newest = self.newest
            if len(self.chunks.get(newest, ())) >= CHUNK:
                newest += 1
            self.chunks.setdefault(newest, []).extend(self.recent)
            self.recent, self.full = [], True

    @property
    def newest(self) -> int:
        """The number of the newest chunk."""
        return max(self.chunks, default=0)

    def seen(self) -> Iterator[str]:
        """The ids of all questions that were seen."""
        for chunk in self.chunks.values():
            yield from chunk
        yield from self.recent

    # As plain data

    def document(self) -> dict[str, Any]:
        """All but the chunks, as plain data."""
        return {
            "ability": self.ability.document(),
            "pace": [round(self._log_pace, 4), self._timed],
            "cards": self.cards,
            "newest": self.newest,
            "recent": self.recent,
        }

    @classmethod
    def read(cls, document: Mapping[str, Any] | None) -> Learner:
        """From plain data, without the chunks."""
        if document is None:
            return cls(Ability(), 0.0, 0, {})
        log_pace, timed = document["pace"]
        learner = cls(Ability.read(document["ability"]), log_pace, timed, dict(document["cards"]))
        learner.recent = list(document.get("recent", ()))  # older documents have none
        return learner

    @staticmethod
    def chunk_numbers(document: Mapping[str, Any] | None) -> Sequence[int]:
        """Which chunks there are."""
        if document is None:
            return ()
        return range(max(0, document["newest"] - CHUNKS + 1), document["newest"] + 1)
