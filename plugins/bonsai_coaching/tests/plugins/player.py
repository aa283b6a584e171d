"""A plugin for tests: it emits what other plugins would, and knows a few questions. Also loaded by server processes."""

from typing import Any

from bonsai_core import Payload, Plugin, Question, Session, hookimpl, on
from bonsai_core.domain import Choice, Section


class Emission(Payload):
    event: str
    data: dict[str, Any]


def circle(id: str, band: int = 4, **more: Any) -> Question:
    return Question(
        id=id,
        section=Section.MATH,
        domain="Geometry and Trigonometry",
        skill="Circles",
        stem="A circle has area 49π. What is its radius?",
        choices=[
            Choice(key="A", text="49", misconception="You took the area for the radius."),
            Choice(key="B", text="7"),
            Choice(key="C", text="14", misconception="You took the diameter."),
            Choice(key="D", text="24.5"),
        ],
        answers=["B"],
        rationale="The area is πr², so r² = 49 and r = 7.",
        band=band,
        expected_seconds=60.0,
        **{
            "hints": [
                "Find the radius.",
                "Set πr² equal to the area.",
                "Divide both sides by π.",
                "r² = 49, so r = 7.",
            ],
            **more,
        },
    )


class Player(Plugin):
    """Stands in for analytics, recommendations and vision, and for a bank."""

    name = "player"

    def __init__(self) -> None:
        leaky = ["It is not 14, but 7.", "Use πr².", "The answer is B.", "r = 7."]
        self.questions = {
            question.id: question
            for question in (
                *(circle(f"c{band}", band) for band in range(1, 8)),
                circle("leaky", hints=leaky),
                circle("bare", hints=[]),
                circle("short", hints=["Set πr² equal to the area.", "r² = 49, so r = 7."]),
                circle("mute", hints=[]).model_copy(update={"rationale": ""}),
            )
        }

    @on("play:emit")
    async def play(self, session: Session, emission: Emission) -> None:
        session.emit(emission.event, emission.data)

    @hookimpl
    def find_question(self, question_id: str) -> Question | None:
        return self.questions.get(question_id)
