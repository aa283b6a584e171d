"""What other plugins tell, as the coach reads it: only the fields that it uses, and lenient about the rest.

Whoever emits these events may be any plugin; nothing here imports one.
"""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import AfterValidator, Field
from typing_extensions import TypedDict

from bonsai_core import Payload
from bonsai_core.domain import QuestionAnalysis

Count = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
#: A skill's name; what analytics plugins call `unknown` is none.
SkillName = Annotated[str | None, AfterValidator(lambda name: None if name == "unknown" else name)]


class AnswerFact(Payload):
    """`analytics:performance`: an answer was recorded.

    Attributes:
        time_spent: seconds.
        answer: what was chosen or typed, if the emitter tells.
        rapid: it came too fast to have read the question, if the emitter judges that.
    """

    question_id: str
    correct: bool
    time_spent: Annotated[float, Field(ge=0)] = 0.0
    skill: SkillName = None
    answer: str | None = None
    rapid: bool | None = None


class SkillFact(TypedDict):
    """How well a skill is known: the chance of a right answer to a question of band 4, and the answers behind it.

    A plain dict, since each update tells of all skills: checked in half the time that models take.
    """

    mastery: Share
    answered: NotRequired[Count]


class PerformanceFact(Payload):
    """Of `analytics:update`."""

    by_skill: dict[str, SkillFact] = {}


class TrendFact(Payload):
    """Of `analytics:update`: how the session goes."""

    fatigue: Share | None = None


class MasteryFact(Payload):
    """`analytics:update`."""

    performance: PerformanceFact = PerformanceFact()
    trend: TrendFact | None = None


class RecommendedFact(Payload):
    """A question of `recommendations:update`. `expected_seconds` are at the student's own pace."""

    id: str
    skill: str = ""
    band: Annotated[float, Field(ge=1, le=7)] | None = None
    expected_seconds: Annotated[float, Field(gt=0)] | None = None


class ModuleFact(Payload):
    """Of `recommendations:update`: where a mock test is."""

    finished: bool = False


class ListFact(Payload):
    """`recommendations:update`."""

    questions: list[RecommendedFact] = []
    mode: str = "practice"
    module: ModuleFact | None = None


class AnalyzedFact(Payload):
    """`question:analyzed`: a question was read from a screenshot or a text."""

    question_id: str
    analysis: QuestionAnalysis


class ConnectFact(Payload):
    """A device has joined. `first`: with it a sitting begins."""

    session_id: str = ""
    first: bool = False


class ShownFact(Payload):
    """A front end, or an analysis, says which question is before the student.

    Attributes:
        band: difficulty 1..7.
        seconds: usual time.
    """

    question_id: str
    skill: str = ""
    band: float | None = None
    seconds: float | None = None


class HintFact(Payload):
    """The student asked for a hint."""

    question_id: str
    skill: str = ""


class TickFact(Payload):
    """Time has gone by."""


class EndFact(Payload):
    """The session was ended."""
