"""The coach next to the real analytics, recommendations and extension plugins: it uses what they know."""

from typing import Any

import pytest
from bonsai_coaching.plugin import Coaching
from bonsai_coaching.settings import Settings

from bonsai_core import Plugin, QuestionAnalysis, Session, on
from bonsai_core.testing import FakeClock, StartServer, TestServer, WireClient
from bonsai_core.testing.wire import WireError


class Reader(Plugin):
    """Reads every screenshot as the question of the bank that it is told."""

    name = "reader"

    @on("question:analyze")
    async def analyze(self, session: Session, event: Any) -> None:
        matched = event.data["text"]
        analysis = QuestionAnalysis(text="?", stem="What is it?", matched_question_id=matched)
        session.emit("question:analyzed", {"questionId": event.data["questionId"], "analysis": analysis})


@pytest.fixture
def coaching() -> Coaching:
    return Coaching(Settings(), look_every=3600)


@pytest.fixture
async def server(bonsai_server: StartServer, fake_clock: FakeClock, coaching: Coaching) -> TestServer:
    plugins = [coaching, Reader()]
    return await bonsai_server(plugins, discover=True, only=("analytics", "recs", "extension"), clock=fake_clock)


async def recommended(device: WireClient, **request: Any) -> list[dict[str, Any]]:
    accepted = await device.request("recommendations:request", request, timeout=30)
    while (update := (await device.recv("recommendations:update"))["data"])["revision"] != accepted["revision"]:
        pass
    questions: list[dict[str, Any]] = update["questions"]
    return questions


async def answer(device: WireClient, question: dict[str, Any], correct: bool, seconds: float = 60) -> None:
    data = {"questionId": question["id"], "correct": correct, "timeSpent": seconds}
    await device.request("analytics:performance", data)


async def messages(device: WireClient) -> list[dict[str, Any]]:
    """The messages so far."""
    await device.sync()
    return [frame["data"] for frame in device.of("coaching:message")]


async def test_hints_strategies_and_nudges_of_recommended_questions(
    server: TestServer, fake_clock: FakeClock, coaching: Coaching
) -> None:
    device = await server.connect()
    questions = await recommended(device, preferences={"subjects": ["Circles"]}, count=10)
    first = questions[0]
    known = await server.app.find_question(first["id"])
    assert known is not None

    fake_clock.advance(2 * first["expectedSeconds"])
    await coaching.look_at_time(server.app)
    idle = (await messages(device))[-1]
    assert (idle["kind"], idle["questionId"]) == ("idle", first["id"])
    assert str(round(first["expectedSeconds"])) in idle["reason"]

    opened = {action["action"]: action for action in idle["actions"]}
    hint = await device.request(opened["get_hint"]["event"], opened["get_hint"]["data"])
    assert (hint["text"], hint["rungs"]) == (known.hints[0], 4)
    strategy = await device.request(opened["open_strategy"]["event"], opened["open_strategy"]["data"])
    assert strategy["skill"] == "Circles"
    assert (await device.request(opened["next_question"]["event"], {}))["count"] > 0

    for question in questions[1:4]:
        await answer(device, question, False)
    assert [m["kind"] for m in await messages(device)] == ["session_start", "idle", "two_wrong"]
    await device.request("session:end", {})
    summary = (await device.recv("session:end"))["data"]["summary"]
    assert summary["coaching"]["weak"] == "Circles"
    assert summary["analytics"]["questionsAnswered"] == 3


async def test_mastery_is_what_analytics_says(server: TestServer) -> None:
    device = await server.connect()
    questions = await recommended(device, preferences={"subjects": ["Circles"], "difficulty": 3}, count=12)
    before = mastery = 0.0
    told: list[dict[str, Any]] = []
    for question in questions:
        await answer(device, question, True)
        update = (await device.recv("analytics:update"))["data"]
        while not update["performance"]["bySkill"]:
            update = (await device.recv("analytics:update"))["data"]
        mastery = update["performance"]["bySkill"]["Circles"]["mastery"]
        told = [m for m in await messages(device) if m["kind"] == "mastery"]
        if told:
            break
        before = mastery
    assert before < 0.8 <= mastery
    assert f"{round(mastery * 100)} %" in told[0]["reason"]


async def test_a_mock_test_is_left_alone_until_it_is_over(server: TestServer) -> None:
    device = await server.connect()
    questions = await recommended(device, mode="mock", preferences={"subjects": ["math"]})
    for question in questions:  # all of the module: the next one begins by itself
        await answer(device, question, False, 2)
    for event, data in (
        ("coaching:hint", {"questionId": questions[0]["id"]}),
        ("coaching:strategy", {"skill": "Circles"}),
    ):
        with pytest.raises(WireError) as refused:
            await device.request(event, data)
        assert refused.value.code == "mock_test"
    assert [m["kind"] for m in await messages(device)] == ["session_start"]
    await device.request("recommendations:refresh", {})  # the second module is handed in
    assert (await device.request("coaching:hint", {"questionId": questions[0]["id"]}))["rung"] == 1


async def test_a_screenshot_of_a_banks_question_has_its_ladder(server: TestServer) -> None:
    device = await server.connect()
    (question,) = await recommended(device, preferences={"subjects": ["Boundaries"]}, count=1)
    await device.request("question:analyze", {"questionId": "shot", "text": question["id"]})
    known = await server.app.find_question(question["id"])
    assert known is not None
    assert (await device.request("coaching:hint", {"questionId": "shot"}))["text"] == known.hints[0]
    assert (await device.request("coaching:strategy", {"questionId": "shot"}))["skill"] == "Boundaries"


async def test_after_a_wrong_answer_the_hint_explains_its_misconception(server: TestServer) -> None:
    device = await server.connect()
    [asked] = await recommended(device, preferences={"subjects": ["Percentages"]}, count=1)
    question = await server.app.find_question(asked["id"])
    assert question is not None
    wrong = next(choice for choice in question.choices if choice.key != question.answers[0])
    assert wrong.misconception
    data = {"questionId": question.id, "answer": wrong.key, "timeSpent": 60}
    await device.request("analytics:performance", data)
    hint = await device.request("coaching:hint", {"questionId": question.id})
    assert hint["kind"] == "misconception"
    assert wrong.misconception in hint["text"]
