"""Payloads of the `analytics:*` events: camelCase on the wire, times in seconds, shares as fractions of 1."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from bonsai_core import Payload

#: Longest time one answer may have taken, in seconds. More is a tab left open, or a client that counts milliseconds.
MAX_SECONDS = 86_400.0

Name = Annotated[str, StringConstraints(min_length=1, max_length=256)]
Given = Annotated[str, Field(max_length=1000, coerce_numbers_to_str=True)]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class Answered(Payload):
    """`analytics:performance` from a client: a question was answered.

    Attributes:
        correct: whether the answer was right. May be left out when `answer` is given and a bank knows the question.
        time_spent: seconds from seeing the question to answering it.
        skill: default is the question's, if a bank knows it, else `unknown`.
        answer: what was chosen or typed: a choice's letter, or a number.
        subject: kept with the answer.
    """

    question_id: Name
    correct: bool | None = None
    time_spent: Annotated[float, Field(ge=0, le=MAX_SECONDS)]
    skill: Name | None = None
    answer: Given | None = None
    subject: Name | None = None


class Graded(Payload):
    """The ack of `analytics:performance`. The explanation comes only when the server graded."""

    correct: bool
    explanation: str | None = None


class Recorded(Payload):
    """`analytics:performance` to all devices of the session: the answer as it was recorded.

    Attributes:
        number: which answer of this session it is, from 1.
        at: ms since the epoch.
    """

    question_id: str
    correct: bool
    time_spent: float
    skill: str
    number: int
    at: int


class CurrentSession(Payload):
    """The numbers of this session.

    Attributes:
        streak_count: right answers in a row, up to the newest answer.
        pace: questions per minute of time spent on them.
    """

    questions_answered: Count
    correct_answers: Count
    streak_count: Count
    best_streak: Count
    accuracy: Share
    pace: Annotated[float, Field(ge=0)]


class SkillMastery(Payload):
    """How well a skill is known: an estimate, its 80% interval, and the answers behind it."""

    mastery: Share
    low: Share
    high: Share
    answered: Count


class Performance(Payload):
    """The student's numbers over all sessions. `overall` is estimated as a skill's mastery is, from all answers."""

    overall: Share
    by_skill: dict[str, SkillMastery]


class Update(Payload):
    """`analytics:update`: everything a front end shows."""

    current_session: CurrentSession
    performance: Performance


class ProgressQuery(Payload):
    """`analytics:progress` from a client.

    Attributes:
        days: how many days back, today included.
        utc_offset_minutes: where the student's midnight is: minutes east of UTC, in quarters of an hour.
    """

    days: Annotated[int, Field(ge=1, le=365)] = 30
    utc_offset_minutes: Annotated[int, Field(ge=-840, le=840, multiple_of=15)] = 0


class Day(Payload):
    """One day's practice; `date` is YYYY-MM-DD."""

    date: str
    answered: Count
    correct: Count
    seconds: Annotated[float, Field(ge=0)]


class Totals(Payload):
    """The sum of the days asked for."""

    answered: Count
    correct: Count
    seconds: Annotated[float, Field(ge=0)]
    accuracy: Share


class SkillProgress(SkillMastery):
    """A skill over all time."""

    correct: Count


class Progress(Payload):
    """`analytics:progress` to the asking device: every day of the range, also those without practice, oldest first."""

    days: list[Day]
    totals: Totals
    skills: dict[str, SkillProgress]


class SessionSummary(Payload):
    """This plugin's part of the summary of `session:end`."""

    questions_answered: Count
    correct_answers: Count
    accuracy: Share
    best_streak: Count
    seconds: Annotated[float, Field(ge=0)]
    pace: Annotated[float, Field(ge=0)]
