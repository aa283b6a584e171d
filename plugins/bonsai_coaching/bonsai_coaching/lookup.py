"""What is known of a question, from wherever: its bank, its analysis, or just its skill."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bonsai_coaching import hints, intents, texts
from bonsai_coaching.hints import Reading, Rung
from bonsai_coaching.kept import READINGS
from bonsai_coaching.watch import Watch
from bonsai_core import Session
from bonsai_core.domain import SKILLS, QuestionAnalysis

if TYPE_CHECKING:
    from bonsai_core import Question

#: Ladders kept in memory: to check a question's hints for leaks takes some milliseconds.
LADDERS = 5000
_ladders: OrderedDict[str, tuple[Question, list[Rung]]] = OrderedDict()

_TOPICS = {name.casefold(): name for name in texts.TOPICS}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a question.

    Attributes:
        question: of a bank; also of one that was read from a screenshot and recognised.
        reading: of its analysis.
        skill: a topic of `texts.TOPICS`; empty when nobody knows it.
    """

    question_id: str
    question: Question | None
    reading: Reading | None
    skill: str

    def ladder(self) -> list[Rung]:
        """Its hints; empty when nothing is known that they could be made of."""
        if self.question is not None:
            return _ladder(self.question)
        if self.reading is not None:
            return hints.of_reading(self.reading)
        return hints.of_skill(self.skill) if self.skill in SKILLS else []

    def seen(self) -> Question | QuestionAnalysis | None:
        """The question as far as its words are known."""
        if self.question is not None or self.reading is None:
            return self.question
        return self.reading.as_analysis()


def _ladder(question: Question) -> list[Rung]:
    """The ladder of a bank's question, made once."""
    kept = _ladders.get(question.id)
    if kept is None or kept[0] is not question:
        kept = _ladders[question.id] = (question, hints.of_question(question))
        if len(_ladders) > LADDERS:
            _ladders.popitem(last=False)
    _ladders.move_to_end(question.id)
    return kept[1]


async def know(session: Session, question_id: str, watch: Watch | None = None, skill: str | None = None) -> Known:
    """Ask the banks, then what was analysed, then what the session tells.

    Args:
        skill: what the asker says it is about, which counts only when nobody knows better.
    """
    question = await session.app.find_question(question_id)
    reading = None
    if question is None:
        reading = await READINGS.get(session, question_id)
        if reading is not None and reading.matched is not None:
            question = await session.app.find_question(reading.matched)
    if question is not None:
        return Known(question_id, question, reading, question.skill)
    told = reading.skill if reading is not None else ""
    seen = watch.question(question_id) if watch is not None else None
    for name in (told, seen.skill if seen is not None else "", skill or ""):
        if (topic := topic_of(name)) is not None:
            return Known(question_id, None, reading, topic)
    return Known(question_id, None, reading, "")


def topic_of(name: str) -> str | None:
    """The topic that a name means, in whatever case or by its short name; None when there is none."""
    return _TOPICS.get(" ".join(name.casefold().split())) or (intents.called(intents.plain(name)) if name else None)
