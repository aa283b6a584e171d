"""An example of a package that replaces bonsai-recs: sums that it makes up itself, easiest first.

It passes `bonsai_core.testing.contracts.RecommendationsContract`, which is all that front ends and other plugins rely
on.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, Field

from bonsai_core import Payload, Plugin, Question, Session, hookimpl, observes, on
from bonsai_core.domain import DOMAIN_OF_SKILL, level_of_band

Share = Annotated[float, Field(ge=0, le=1)]


class Preferences(Payload):
    """What the student wants."""

    difficulty: Annotated[int, Field(ge=1, le=5)] | None = None
    subjects: list[str] = []
    time_limit: Annotated[float, Field(ge=0)] | None = None


class Request(Payload):
    """`recommendations:request`."""

    current_skill_level: dict[str, Share] = {}
    preferences: Preferences = Preferences()
    count: Annotated[int, Field(ge=1, le=50)] = 5


class Shown(Payload):
    """A question, as students see it."""

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


class Update(Payload):
    """`recommendations:update`."""

    questions: list[Shown]
    generated_at: int


class Answered(Payload):
    """`analytics:performance`, from whichever plugin."""

    question_id: str


class AcmeRecs(Plugin):
    """Recommends the easiest sums that the student has not done."""

    name = "recs"
    emits: ClassVar[dict[str, type[BaseModel]]] = {"recommendations:update": Update}

    def __init__(self) -> None:
        self.bank = {question.id: question for question in make_bank()}

    @on("recommendations:request")
    async def request(self, session: Session, request: Request) -> dict[str, Any]:
        """A client asks."""
        session.save("request", request)
        return await self._recommend(session, request)

    @on("recommendations:refresh")
    async def refresh(self, session: Session) -> dict[str, Any]:
        """A client asks again."""
        return await self._recommend(session, await session.load("request", Request) or Request())

    @observes("analytics:performance")
    async def answered(self, session: Session, answer: Answered) -> None:
        """A question was answered."""
        done = await session.load("done", scope="user") or []
        if answer.question_id in self.bank and answer.question_id not in done:
            session.save("done", [*done, answer.question_id], scope="user")

    @hookimpl
    def find_question(self, question_id: str) -> Question | None:
        """Sums are graded like any bank's questions."""
        return self.bank.get(question_id)

    async def _recommend(self, session: Session, request: Request) -> dict[str, Any]:
        done = await session.load("done", scope="user") or []
        questions = choose([q for q in self.bank.values() if q.id not in done], request)
        shown = [show(question) for question in questions]
        session.emit("recommendations:update", Update(questions=shown, generated_at=session.now))
        return {"count": len(shown)}


def make_bank() -> list[Question]:
    """Sums and percentages, of every band."""
    return [*(_sum(number) for number in range(1, 15)), *(_share(number) for number in range(1, 15))]


def choose(questions: list[Question], request: Request) -> list[Question]:
    """The easiest that fit."""
    wanted, chosen, seconds = request.preferences, list[Question](), 0.0
    for question in sorted(questions, key=lambda question: question.band):
        names = (question.subject, question.section, question.domain, question.skill)
        if wanted.subjects and not {name.casefold() for name in wanted.subjects} & {n.casefold() for n in names}:
            continue
        if wanted.difficulty not in (None, level_of_band(question.band)):
            continue
        seconds += question.expected_seconds
        if wanted.time_limit is not None and seconds > wanted.time_limit:
            break
        chosen.append(question)
        if len(chosen) == request.count:
            break
    return chosen


def show(question: Question) -> Shown:
    """Without what would give it away."""
    return Shown(
        id=question.id,
        section=question.section,
        subject=question.subject,
        domain=question.domain,
        skill=question.skill,
        difficulty=level_of_band(question.band),
        band=question.band,
        expected_seconds=question.expected_seconds,
        reason="You have not done it yet.",
        stem=question.stem,
    )


def _sum(number: int) -> Question:
    return _question(
        "sum", number, "Linear equations in one variable", f"If x + {number} = 40, what is x?", 40 - number
    )


def _share(number: int) -> Question:
    return _question("share", number, "Percentages", f"What is {number * 10}% of 70?", number * 7)


def _question(kind: str, number: int, skill: str, stem: str, answer: int) -> Question:
    domain = DOMAIN_OF_SKILL[skill]
    return Question(
        id=f"acme-{kind}-{number}",
        section=domain.section,
        domain=domain.name,
        skill=skill,
        stem=stem,
        answers=[str(answer)],
        rationale=f"It comes to {answer}.",
        band=(number - 1) % 7 + 1,
        expected_seconds=40.0,
    )
