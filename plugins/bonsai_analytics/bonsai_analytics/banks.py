"""The questions that installed banks know, remembered: each answer asks for its question."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bonsai_core import Question, Session

#: Questions kept in memory.
LIMIT = 10_000
#: How long the banks' silence about a question is believed, in ms.
UNKNOWN_MS = 60_000


class Questions:
    """A bounded memory in front of `app.find_question`.

    What a bank says of a question stays; that no bank knows it is asked again after a minute.
    """

    def __init__(self) -> None:
        self._found: OrderedDict[str, tuple[Question | None, int]] = OrderedDict()

    async def find(self, session: Session, question_id: str) -> Question | None:
        """The question, or None when no bank knows it."""
        found = self._found.get(question_id)
        if found is not None and (found[0] is not None or 0 <= session.now - found[1] < UNKNOWN_MS):
            self._found.move_to_end(question_id)
            return found[0]
        question = await session.app.find_question(question_id)
        self._found[question_id] = (question, session.now)
        if len(self._found) > LIMIT:
            self._found.popitem(last=False)
        return question
