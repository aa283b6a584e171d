"""An example of a plugin in a single file that replaces bonsai-coaching: a bank's hints, where fit to be seen.

It passes `bonsai_core.testing.contracts.CoachingContract`, which is all that front ends and other plugins rely on.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, Field, model_validator

from bonsai_core import ErrorCode, Payload, Plugin, Question, Refused, Session, observes, on
from bonsai_core.domain import SKILLS, number_of

#: What is said in place of a hint that gives the answer away, and of one that a bank lacks.
INSTEAD = ["Say in your own words what is asked.", "Write down what you know.", "Do one step, and look again."]
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:/\d+)?")


class HintRequest(Payload):
    """`coaching:hint` from a client."""

    question_id: str
    rung: Annotated[int, Field(ge=1)] | None = None


class Hint(Payload):
    """`coaching:hint`."""

    question_id: str
    rung: int
    rungs: int
    text: str
    last: bool


class StrategyRequest(Payload):
    """`coaching:strategy` from a client."""

    question_id: str | None = None
    skill: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if not self.question_id and not self.skill:
            raise ValueError("of what?")
        return self


class Strategy(Payload):
    """`coaching:strategy`."""

    skill: str
    title: str
    when: str
    steps: list[str]
    trap: str
    example: str


class Post(Payload):
    """`coaching:message` from a client."""

    text: Annotated[str, Field(min_length=1, max_length=2000)]


class Message(Payload):
    """`coaching:message`."""

    id: str
    type: str = "encouragement"
    priority: str = "low"
    message: str
    created_at: int
    is_read: bool = False
    reason: str = "You wrote to the coach."


class ReadRequest(Payload):
    """`coaching:read` from a client."""

    ids: list[str]


class Read(Payload):
    """`coaching:read`."""

    ids: list[str]
    unread: int


class Answered(Payload):
    """`analytics:performance`, from whichever plugin."""

    question_id: str
    correct: bool


class AcmeCoach(Plugin):
    """Gives hints."""

    name = "coaching"
    emits: ClassVar[dict[str, type[BaseModel]]] = {
        "coaching:hint": Hint,
        "coaching:strategy": Strategy,
        "coaching:message": Message,
        "coaching:read": Read,
    }

    @on("coaching:hint")
    async def hint(self, session: Session, request: HintRequest) -> Hint:
        """The next rung, or one again."""
        question = await session.app.find_question(request.question_id)
        if question is None:
            raise Refused("unknown_question", "nobody knows this question")
        rungs = ladder(question)
        shown = await session.load(f"rung.{question.id}", scope="user") or 0
        rung = request.rung or min(shown + 1, len(rungs))
        if rung > min(shown + 1, len(rungs)):
            raise Refused("too_high", "one after another")
        hint = Hint(
            question_id=question.id,
            rung=rung,
            rungs=len(rungs),
            text=rungs[rung - 1],
            last=rung == len(rungs),
        )
        if rung > shown:
            session.save(f"rung.{question.id}", rung, scope="user")
            session.emit("coaching:hint", hint)
        return hint

    @on("coaching:strategy")
    async def strategy(self, session: Session, request: StrategyRequest) -> Strategy:
        """One plan for everything."""
        question = await session.app.find_question(request.question_id) if request.question_id else None
        skill = request.skill or (question.skill if question is not None else "")
        if skill not in SKILLS:
            raise Refused(ErrorCode.INVALID_PAYLOAD, "nobody knows this skill")
        plan = Strategy(
            skill=skill,
            title="Step by step",
            when="Whenever you do not see the answer at once.",
            steps=INSTEAD,
            trap="Not reading to the end.",
            example="Of “half of what is left”, first find what is left.",
        )
        session.reply("coaching:strategy", plan)
        return plan

    @on("coaching:message")
    async def message(self, session: Session, post: Post) -> None:
        """Answer what a student writes."""
        await self._say(session, "Take it step by step, and ask for a hint when you are stuck.")

    @on("coaching:read")
    async def read(self, session: Session, request: ReadRequest) -> None:
        """Messages were read."""
        unread = await session.load("unread", scope="user") or []
        read = [id for id in request.ids if id in unread]
        left = [id for id in unread if id not in read]
        session.save("unread", left, scope="user")
        session.emit("coaching:read", Read(ids=read, unread=len(left)), room="user")

    @observes("analytics:performance")
    async def answered(self, session: Session, answer: Answered) -> None:
        """Cheer now and then."""
        count = (await session.load("answered") or 0) + 1
        session.save("answered", count)
        if count % 10 == 0:
            await self._say(session, f"That makes {count} questions.")

    async def _say(self, session: Session, text: str) -> None:
        count = (await session.load("said", scope="user") or 0) + 1
        session.save("said", count, scope="user")
        unread: list[Any] = await session.load("unread", scope="user") or []
        message = Message(id=f"m{count}", message=text, created_at=session.now)
        session.save("unread", [*unread, message.id][-100:], scope="user")
        session.emit("coaching:message", message, room="user")


def ladder(question: Question) -> list[str]:
    """The bank's hints, but for those that tell too early; the last is the solution."""
    *early, solution = question.hints or [*INSTEAD, question.rationale]
    plain = iter(INSTEAD)
    return [*(next(plain) if tells(question, hint) else hint for hint in early), solution]


def tells(question: Question, text: str) -> bool:
    """Whether a text names the right choice, or a number of its value."""
    answer = question.answers[0]
    if question.choices:
        if re.search(rf"\b{answer}\b", text):
            return True
        right = question.choice(answer)
        answer = right.text if right is not None else ""
    return number_of(answer) in {number_of(found) for found in NUMBER.findall(text)}
