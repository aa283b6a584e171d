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
        expected: the chance of a right answer before it was given, as the learner model saw it.
        rapid: true when it came too fast for the question to have been read: it counts for pace, not for ability.
        answer: what the student chose or typed.
    """

    question_id: str
    correct: bool
    time_spent: float
    skill: str
    number: int
    at: int
    expected: Share
    rapid: bool | None = None
    answer: str | None = None


class CurrentSession(Payload):
    """The numbers of this session.

    Attributes:
        streak_count: right answers in a row, up to the newest answer.
        pace: questions per minute of time spent on them.
        test_pace: time that the test allows for the questions so far over the time they took: over 1 is faster than the
            test asks for. Only of questions that belong to a section of the test.
    """

    questions_answered: Count
    correct_answers: Count
    streak_count: Count
    best_streak: Count
    accuracy: Share
    pace: Annotated[float, Field(ge=0)]
    test_pace: Annotated[float, Field(ge=0)] | None = None


class SkillMastery(Payload):
    """How well a skill is known: the chance of a right answer to a question of band 4, with its 80 % interval.

    `answered` are the answers behind it.
    """

    mastery: Share
    low: Share
    high: Share
    answered: Count


class Performance(Payload):
    """The student's numbers over all sessions. `overall` is as a skill's mastery, of a skill nothing else is known
    of."""

    overall: Share
    by_skill: dict[str, SkillMastery]


TestScore = Annotated[int, Field(ge=200, le=1600)]


class SectionScore(Payload):
    """A section's predicted score, with its 80 % intervals (see `Score`)."""

    score: TestScore
    low: TestScore
    high: TestScore
    test_low: TestScore
    test_high: TestScore


class Score(Payload):
    """Predicted scores, by the tables of the published practice tests in their linear paper form.

    A section is told from ten answers in it, the total when both are.

    Attributes:
        low, high: 80 % interval of the true score: what very many tests taken now would come to on average.
        test_low, test_high: 80 % interval of one test taken now, which has its luck besides.
    """

    total: TestScore | None = None
    low: TestScore | None = None
    high: TestScore | None = None
    test_low: TestScore | None = None
    test_high: TestScore | None = None
    sections: dict[str, SectionScore]


class Trend(Payload):
    """How the session goes, from its tenth answer; mostly of the newest ten.

    Attributes:
        pace: their time over that of the whole session, questions of different length made equal: 1.2 is a fifth
        slower.
        accuracy: how far they are above expectation, -1 to 1.
        fatigue: 0 to 1, from being worse than expected and from slowing down or rushing.
    """

    pace: Annotated[float, Field(ge=0)]
    accuracy: Annotated[float, Field(ge=-1, le=1)]
    fatigue: Share


class Update(Payload):
    """`analytics:update`: everything a front end shows."""

    current_session: CurrentSession
    performance: Performance
    score: Score | None = None
    trend: Trend | None = None


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


class Week(Payload):
    """One week's practice, within the days asked for; `start` is its Monday, YYYY-MM-DD."""

    start: str
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


class PastScore(Payload):
    """The predicted total as it stood when a day's practice began; `at` is ms since the epoch."""

    at: Annotated[int, Field(ge=0)]
    total: TestScore
    low: TestScore
    high: TestScore


class GoalQuery(Payload):
    """`analytics:goal` from a client: sets what is given, takes away what is null, and tells how far it is.

    Attributes:
        total: the score to reach.
        per_week: answers per week, Monday to Sunday.
        utc_offset_minutes: as in `analytics:progress`.
    """

    total: Annotated[int, Field(ge=400, le=1600, multiple_of=10)] | None = None
    per_week: Annotated[int, Field(ge=1, le=10_000)] | None = None
    utc_offset_minutes: Annotated[int, Field(ge=-840, le=840, multiple_of=15)] = 0


class Goal(Payload):
    """`analytics:goal`: what the student aims at, and how far it is.

    Attributes:
        chance: of reaching `total` in a test taken now; only when the total can be predicted.
        this_week: answers since Monday.
    """

    total: TestScore | None = None
    chance: Share | None = None
    per_week: Count | None = None
    this_week: Count


class Progress(Payload):
    """`analytics:progress` to the asking device: every day of the range, also those without practice, oldest first.

    `scores` are the predicted totals of days past, at most a hundred, oldest first.
    """

    days: list[Day]
    weeks: list[Week]
    totals: Totals
    skills: dict[str, SkillProgress]
    score: Score | None = None
    scores: list[PastScore]
    goal: Goal


class SessionSummary(Payload):
    """This plugin's part of the summary of `session:end`."""

    questions_answered: Count
    correct_answers: Count
    accuracy: Share
    best_streak: Count
    seconds: Annotated[float, Field(ge=0)]
    pace: Annotated[float, Field(ge=0)]
