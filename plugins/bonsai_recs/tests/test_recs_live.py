"""`bonsai simulate`: virtual students on a real server."""

import asyncio
from statistics import mean
from typing import Any

import pytest
from bonsai_recs.plugin import Recs
from bonsai_recs.simulate_live import Outcome, Plan, SimulationFailed, Student, play

from bonsai_core import Payload, Plugin, Question, Session, Settings, on
from bonsai_core.domain import DOMAIN_OF_SKILL, SKILLS
from bonsai_core.testing import StartServer


class Answer(Payload):
    question_id: str
    correct: bool
    time_spent: float
    skill: str


class Analytics(Plugin):
    """Emits what an analytics plugin emits."""

    name = "analytics"

    @on("analytics:performance")
    async def answered(self, session: Session, answer: Answer) -> None:
        session.emit("analytics:performance", answer)


def bank() -> list[Question]:
    return [
        Question(
            id=f"{number}-{n}",
            section=DOMAIN_OF_SKILL[skill].section,
            domain=DOMAIN_OF_SKILL[skill].name,
            skill=skill,
            stem="?",
            answers=["1"],
            band=n % 7 + 1,
        )
        for number, skill in enumerate(SKILLS)
        for n in range(14)
    ]


async def nothing(outcome: Outcome) -> None:
    await asyncio.Event().wait()


def question(band: int) -> dict[str, Any]:
    return {"section": "Math", "skill": "Circles", "band": band, "expectedSeconds": 75.0, "choices": []}


async def test_virtual_students_practise_through_a_live_server(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Recs(bank), Analytics()])
    plan = Plan(server.ws_url, "virtual", students=4, answers=12)
    outcome = await play(plan, Settings(env_file=None), nothing)
    figures = outcome.document(plan)
    assert figures["answers"] == 48
    assert figures["refused"] == 0
    assert figures["updates"] >= 48
    assert 0.4 < figures["accuracy"] < 0.95
    assert figures["learnt"] > 0.5


@pytest.mark.parametrize("mode", ["diagnose", "mock"])
async def test_they_also_take_tests(bonsai_server: StartServer, mode: str) -> None:
    server = await bonsai_server(plugins=[Recs(bank), Analytics()])
    outcome = await play(Plan(server.ws_url, "v", 2, 30, mode=mode), Settings(env_file=None), nothing)
    assert outcome.answered >= 24
    assert outcome.refusals == []


async def test_a_server_that_takes_no_answers_is_told(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Recs(bank)])
    with pytest.raises(SimulationFailed, match="install bonsai-analytics"):
        await play(Plan(server.ws_url, "v", 2, 5), Settings(env_file=None), nothing)


def test_students_learn_and_tire() -> None:
    students = [Student(str(number)) for number in range(200)]
    fresh = mean(s.chance(question(4)) for s in students)
    for student in students:
        for _ in range(10):
            student.answer(question(4))
    practised = mean(s.chance(question(4)) for s in students)
    for student in students:
        student.seconds += 7200
    tired = mean(s.chance(question(4)) for s in students)
    assert practised > fresh + 0.05
    assert tired < practised - 0.05
    assert mean(s.chance(question(1)) for s in students) > mean(s.chance(question(7)) for s in students) + 0.3
