"""What the coach remembers: of a session (`Watch`), and of a student over all sessions (`Student`).

All of it is read, changed and written several times for each answer, by us alone: structs rather than pydantic models.
"""

from __future__ import annotations

from msgspec import Struct, field

from bonsai_core.domain import DOMAIN_OF_SKILL, FORMATS

#: Answers that recent pace and guessing are judged by.
RECENT = 10
#: Questions kept of a list of recommendations.
UPCOMING = 30
#: Missed questions kept until they were answered right, the newest.
MISSED = 60
#: After so many ms without a sign of the student, what comes next is a new sitting.
SITTING_MS = 4 * 3_600_000
#: Usual seconds of a question of which nothing is known.
USUAL_SECONDS = 90.0
DAY_MS = 86_400_000


def pace_of(skill: str) -> float | None:
    """Seconds that the test allows for a question of this skill; None for what is no skill of the test."""
    domain = DOMAIN_OF_SKILL.get(skill)
    return FORMATS[domain.section].seconds_per_question if domain is not None else None


class Upcoming(Struct, omit_defaults=True):
    """A question that may come before the student.

    Attributes:
        band: difficulty 1..7; from an analysis it may lie between.
        seconds: usual time, at the student's own pace where that is known.
    """

    id: str
    skill: str = ""
    band: float | None = None
    seconds: float | None = None


class Shown(Upcoming, kw_only=True):
    """The question before the student.

    Attributes:
        at: since when, or when the student last did something about it.
        sure: false when it is only the next one of the list: a front end may show another.
        hints: rungs asked for.
    """

    at: int
    sure: bool = True
    hints: int = 0

    @classmethod
    def of(cls, question: Upcoming, at: int, sure: bool = True) -> Shown:
        """A question that comes before the student at this time."""
        return cls(question.id, question.skill, question.band, question.seconds, at=at, sure=sure)

    @property
    def usual_seconds(self) -> float:
        """How long it should take."""
        return self.seconds or pace_of(self.skill) or USUAL_SECONDS


class SkillRun(Struct, omit_defaults=True):
    """A skill in this sitting: answers, right ones, right and wrong ones in a row, the longest run of right ones."""

    tries: int = 0
    right: int = 0
    run: int = 0
    wrong: int = 0
    best: int = 0


class Answered(Struct, omit_defaults=True):
    """One of the newest answers. `allowed` are the test's seconds for it, if it is of the test."""

    right: bool
    seconds: float
    allowed: float | None = None
    rapid: bool = False


class Mistake(Struct, omit_defaults=True):
    """The newest wrong answer. `answer` is what was chosen or typed, if that is known."""

    id: str
    skill: str
    answer: str | None = None


class Ledger(Struct, omit_defaults=True):
    """What was said in this sitting, for budget and cooldowns.

    Attributes:
        nudges: how many.
        nudged_at: how many questions were answered when the newest nudge was sent.
        spoke: when each kind spoke last.
        once: `kind:subject` of what may come only once.
        said: hashes of texts.
    """

    nudges: int = 0
    nudged_at: int | None = None
    spoke: dict[str, int] = {}
    once: list[str] = []
    said: list[int] = []


class Watch(Struct, omit_defaults=True):
    """One sitting of a session.

    Attributes:
        began, active: its first and last sign of the student.
        upcoming: what is left of the newest list of recommendations.
        mock_until: a timed module is under way, at the latest until then.
        hints: rungs asked for.
    """

    began: int
    active: int
    answered: int = 0
    right: int = 0
    streak: int = 0
    best_streak: int = 0
    practised: float = 0.0
    skills: dict[str, SkillRun] = {}
    recent: list[Answered] = []
    shown: Shown | None = None
    upcoming: list[Upcoming] = []
    mock_until: int | None = None
    mistake: Mistake | None = None
    last_skill: str = ""
    hints: int = 0
    ledger: Ledger = field(default_factory=Ledger)

    def quiet(self, now: int) -> bool:
        """Whether a timed module is under way, in which the coach gives no help."""
        return self.mock_until is not None and now < self.mock_until

    def heard(self, now: int) -> None:
        """The student has given a sign: they are not idle."""
        self.active = now
        if self.shown is not None:
            self.shown.at = max(self.shown.at, now)

    def question(self, id: str) -> Upcoming | None:
        """What is known of a question that was, is or will be before the student."""
        if self.shown is not None and self.shown.id == id:
            return self.shown
        if self.mistake is not None and self.mistake.id == id:
            return Upcoming(id=id, skill=self.mistake.skill)
        return next((question for question in self.upcoming if question.id == id), None)

    def extremes(self) -> tuple[str, str]:
        """The skills that went best and worst, of those with three answers or more; empty where there is none."""
        known = sorted((run.right / run.tries, name) for name, run in self.skills.items() if name and run.tries >= 3)
        weak = known[0][1] if known and known[0][0] < 0.7 else ""
        strong = known[-1][1] if known and known[-1][0] >= 0.7 else ""
        return strong, weak


def sitting(watch: Watch | None, now: int) -> tuple[Watch, bool]:
    """The sitting under way, or a new one; and whether it is new. What was said in this session is not said again."""
    if watch is not None and now - watch.active < SITTING_MS:
        return watch, False
    fresh = Watch(began=now, active=now)
    if watch is not None:
        fresh.ledger.said = watch.ledger.said
    return fresh, True


class Missed(Struct):
    """A question that was answered wrongly, and when."""

    skill: str
    at: int


class Student(Struct, omit_defaults=True, dict=True):
    """A student over all sessions.

    Attributes:
        seen: when they joined last; 0 for never.
        session: which one.
        mastery: by skill, the chance of a right answer to a question of band 4.
        mastered: skills that were mastered and have not been lost since.
        missed: by question, until it is answered right.
        told: how often each kind spoke, to go through its texts.
        rests: `kind` or `kind:subject` of what has rest days, and when it spoke.
    """

    seen: int = 0
    session: str = ""
    mastery: dict[str, float] = {}
    mastered: list[str] = []
    missed: dict[str, Missed] = {}
    told: dict[str, int] = {}
    rests: dict[str, int] = {}

    @property
    def changed(self) -> bool:
        """Whether it differs from what was loaded."""
        return bool(self.__dict__)

    def touch(self) -> None:
        """Say that it was changed."""
        self.__dict__["changed"] = True  # beside the fields, so that it is not stored

    def due(self, now: int) -> int:
        """How many missed questions are a day old or more."""
        return sum(now - missed.at >= DAY_MS for missed in self.missed.values())
