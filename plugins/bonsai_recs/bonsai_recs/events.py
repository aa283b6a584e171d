"""Payloads of the `recommendations:*` events: camelCase on the wire, times in seconds, shares as fractions of 1."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from bonsai_core import Payload

Mode = Literal["diagnose", "practice", "mock"]
Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=86_400)]


class Preferences(Payload):
    """What the student wants. Each is a hard limit: rather no question than one that breaks it.

    Attributes:
        difficulty: 1 (easiest) to 5.
        subjects: `math`, `reading`, `writing`, or names of sections, domains or skills; none for all.
        time_limit: seconds that the questions may take together, at the student's own pace.
    """

    difficulty: Annotated[int, Field(ge=1, le=5)] | None = None
    subjects: Annotated[list[Name], Field(max_length=40)] = []
    time_limit: Seconds | None = None


class Context(Payload):
    """What the front end knows besides.

    Attributes:
        recent_performance: how well recent questions went, each 0..1. Used only until answers are observed.
        study_goals: subjects, domains or skills count for more in practice; other goals are ignored.
    """

    recent_performance: Annotated[list[Share], Field(max_length=200)] = []
    study_goals: Annotated[list[Name], Field(max_length=40)] = []


class Request(Payload):
    """`recommendations:request` from a client.

    Attributes:
        current_skill_level: by subject, domain or skill, the share of middling questions that would be right. It weighs
            less the more answers were observed.
        weak_areas: subjects, domains or skills to practise more; unknown ones are ignored.
        count: how many questions at most; a mock test's module has its own size.
    """

    current_skill_level: Annotated[dict[Name, Share], Field(max_length=60)] = {}
    weak_areas: Annotated[list[Name], Field(max_length=60)] = []
    preferences: Preferences = Preferences()
    context: Context = Context()
    mode: Mode = "practice"
    count: Annotated[int, Field(ge=1, le=50)] = 5


class Refresh(Payload):
    """`recommendations:refresh` from a client: the last request again. In a mock test it hands the module in."""


class ShownChoice(Payload):
    """A choice as students see it."""

    key: str
    text: str


class Recommended(Payload):
    """A question as students see it: without answer, hints or rationale.

    Attributes:
        difficulty: 1..5; `band` is the same as 1..7.
        expected_seconds: at the student's own pace.
        reason: why this one now, in one sentence for the student.
    """

    id: str
    section: str
    subject: str
    domain: str
    skill: str
    difficulty: int
    band: int
    expected_seconds: float
    reason: str
    stem: str
    passage: str | None = None
    figure: str | None = None
    choices: list[ShownChoice] | None = None


class Diagnosis(Payload):
    """How far a diagnosis is.

    Attributes:
        asked: questions answered in it.
        standard_error: of the less well known section's ability, in logits.
        finished: whether it is known well enough.
    """

    asked: int
    standard_error: float
    finished: bool


class MockModule(Payload):
    """Where a mock test is.

    Attributes:
        number: 1 or 2.
        route: which module it is: `medium`, `easier` or `harder`.
        seconds: how long it may take.
        finished: the test is over; there are no more questions.
    """

    section: str
    number: int
    route: Literal["medium", "easier", "harder"]
    seconds: int
    finished: bool = False


class Update(Payload):
    """`recommendations:update` to all devices of the session.

    Attributes:
        generated_at: ms since the epoch.
        revision: rises with each update of the session, from 1.
    """

    questions: list[Recommended]
    generated_at: int
    mode: Mode
    revision: int
    diagnosis: Diagnosis | None = None
    module: MockModule | None = None


class Accepted(Payload):
    """The ack of a request; the questions themselves are in the update with this revision."""

    count: int
    mode: Mode
    revision: int
    generated_at: int


class Observed(Payload):
    """`analytics:performance` as an analytics plugin emits it."""

    question_id: str
    correct: bool
    time_spent: float = 0.0
    skill: str | None = None
