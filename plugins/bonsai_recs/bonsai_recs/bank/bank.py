"""Questions in memory, found by id and by skill."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from bonsai_core.domain import Question
from bonsai_recs.bank.files import read_bank

#: The bank that is shipped with this package.
SHIPPED = Path(__file__).parent.parent / "data" / "bank.jsonl"


class Bank:
    """An immutable collection of questions.

    Args:
        questions: with different ids; of two with the same id the first stays.
    """

    def __init__(self, questions: Iterable[Question]) -> None:
        self._by_id: dict[str, Question] = {}
        for question in questions:
            self._by_id.setdefault(question.id, question)
        self.questions: Sequence[Question] = tuple(self._by_id.values())
        self._by_skill: dict[str, list[Question]] = {}
        for question in self.questions:
            self._by_skill.setdefault(question.skill, []).append(question)

    def __len__(self) -> int:
        return len(self.questions)

    def get(self, question_id: str) -> Question | None:
        """The question with this id."""
        return self._by_id.get(question_id)

    def of_skill(self, skill: str) -> Sequence[Question]:
        """The questions of a skill, in file order."""
        return self._by_skill.get(skill, ())


def load_bank(path: Path = SHIPPED) -> Bank:
    """The bank of a file, by default the shipped one.

    Raises:
        BankError: the file cannot be used.
    """
    return Bank(read_bank(path))
