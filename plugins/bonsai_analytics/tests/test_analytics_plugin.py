"""The plugin in a real server, by real clients."""

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bonsai_analytics.client import LiveAnalytics
from bonsai_analytics.events import Progress, Recorded, SessionSummary, Update

from bonsai_core.client import Client, Message, ServerError
from bonsai_core.testing import FakeClock

Connect = Callable[..., Awaitable[Client]]
DAY = 86_400


def answer(**more: Any) -> dict[str, Any]:
    return {"questionId": "q1", "correct": True, "timeSpent": 30, "skill": "Lines"} | more


def collect(client: Client, event: str) -> list[Message]:
    found: list[Message] = []
    client.on(event, found.append)
    return found


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - of things that have no event
            await asyncio.sleep(0.005)


async def test_an_answer_is_acked_and_told_to_all_devices(connect: Connect) -> None:
    laptop, phone = await connect(), await connect()
    updates, answers = collect(phone, "analytics:update"), collect(phone, "analytics:performance")
    assert await laptop.request("analytics:performance", answer()) == {"correct": True}
    assert await laptop.request("analytics:performance", answer(correct=False, skill="Ratios")) == {"correct": False}
    await until(lambda: len(answers) == 2 and len(updates) >= 3)
    assert [(a.data["number"], a.data["skill"], a.data["correct"]) for a in answers] == [
        (1, "Lines", True),
        (2, "Ratios", False),
    ]
    Recorded.model_validate(answers[0].data)
    Update.model_validate(updates[-1].data)
    assert updates[-1].data["currentSession"] == {
        "questionsAnswered": 2,
        "correctAnswers": 1,
        "streakCount": 0,
        "bestStreak": 1,
        "accuracy": 0.5,
        "pace": 2.0,
    }
    performance = updates[-1].data["performance"]
    assert 0.3 < performance["overall"] < 0.7
    assert performance["bySkill"].keys() == {"Lines", "Ratios"}
    assert performance["bySkill"]["Lines"]["answered"] == 1


async def test_a_device_that_joins_gets_the_numbers(connect: Connect) -> None:
    first = await connect()
    await first.request("analytics:performance", answer())
    second = await connect()
    updates = collect(second, "analytics:update")
    await until(lambda: updates)
    assert updates[0].room is None
    assert updates[0].data["currentSession"]["questionsAnswered"] == 1


async def test_mastery_is_of_all_sessions_and_the_counts_of_one(connect: Connect) -> None:
    await (await connect("monday")).request("analytics:performance", answer())
    tuesday = await connect("tuesday")
    updates = collect(tuesday, "analytics:update")
    await tuesday.request("analytics:performance", answer())
    await until(lambda: updates and updates[-1].room)
    assert updates[-1].data["currentSession"]["questionsAnswered"] == 1
    assert updates[-1].data["performance"]["bySkill"]["Lines"]["answered"] == 2


async def test_students_do_not_see_one_another(connect: Connect) -> None:
    await (await connect("hers", user="ada")).request("analytics:performance", answer())
    bob = await connect("his", user="bob")
    progress = Progress.model_validate(await bob.request("analytics:progress", {}))
    assert progress.skills == {}
    assert progress.totals.answered == 0


@pytest.mark.parametrize(
    ("question", "given", "correct"),
    [("choice", "b", True), ("choice", "A", False), ("number", "0.50", True), ("number", 0.5, True)],
)
async def test_the_server_grades_when_a_bank_knows_the_question(
    connect: Connect, question: str, given: Any, correct: bool
) -> None:
    client = await connect()
    answers = collect(client, "analytics:performance")
    graded = await client.request("analytics:performance", {"questionId": question, "answer": given, "timeSpent": 12.5})
    assert graded["correct"] is correct
    assert ("explanation" in graded) == (question == "choice")
    await until(lambda: answers)
    known = {"choice": "Linear functions", "number": "Linear equations in one variable"}
    assert answers[0].data["skill"] == known[question]


async def test_the_clients_own_grade_wins_and_the_bank_gives_the_skill(connect: Connect) -> None:
    client = await connect()
    answers = collect(client, "analytics:performance")
    data = {"questionId": "choice", "correct": True, "answer": "A", "timeSpent": 1}
    assert await client.request("analytics:performance", data) == {"correct": True}
    await client.request("analytics:performance", {"questionId": "nobody's", "correct": True, "timeSpent": 1})
    await until(lambda: len(answers) == 2)
    assert [a.data["skill"] for a in answers] == ["Linear functions", "unknown"]


@pytest.mark.parametrize(
    "data",
    [
        {"questionId": "nobody's", "answer": "B", "timeSpent": 1},
        {"questionId": "choice", "timeSpent": 1},
        {"questionId": "", "correct": True, "timeSpent": 1},
        {"questionId": "q" * 257, "correct": True, "timeSpent": 1},
        {"questionId": "q", "correct": True, "timeSpent": -1},
        {"questionId": "q", "correct": True, "timeSpent": 86_401},
        {"questionId": "q", "correct": True},
        {"questionId": "q", "correct": True, "timeSpent": 1, "skill": ""},
    ],
)
async def test_an_answer_that_cannot_be_counted_is_refused_and_changes_nothing(
    connect: Connect, data: dict[str, Any]
) -> None:
    client = await connect()
    with pytest.raises(ServerError) as refused:
        await client.request("analytics:performance", data)
    assert refused.value.code == "invalid_payload"
    assert (await client.request("analytics:progress", {}))["totals"]["answered"] == 0


async def test_progress_shows_the_answers_of_each_day(connect: Connect, fake_clock: FakeClock) -> None:
    client = await connect()
    replies = collect(client, "analytics:progress")
    await client.request("analytics:performance", answer())
    fake_clock.advance(2 * DAY)
    client = await connect()  # the token of two days ago has expired
    replies = collect(client, "analytics:progress")
    await client.request("analytics:performance", answer(correct=False, timeSpent=1.25))
    progress = await client.request("analytics:progress", {"days": 3})
    Progress.model_validate(progress)
    assert [day["answered"] for day in progress["days"]] == [1, 0, 1]
    assert progress["totals"] == {"answered": 2, "correct": 1, "seconds": 31.25, "accuracy": 0.5}
    assert progress["skills"]["Lines"]["correct"] == 1
    await until(lambda: replies)
    assert replies[0].data == progress
    assert len((await client.request("analytics:progress", {}))["days"]) == 30


@pytest.mark.parametrize("query", [{"days": 0}, {"days": 366}, {"utcOffsetMinutes": 855}, {"utcOffsetMinutes": 7}])
async def test_a_query_out_of_bounds_is_refused(connect: Connect, query: dict[str, int]) -> None:
    client = await connect()
    with pytest.raises(ServerError, match="invalid_payload"):
        await client.request("analytics:progress", query)


async def test_the_end_of_a_session_sums_it_up(connect: Connect) -> None:
    live = LiveAnalytics(await connect())
    for correct in (True, True, False):
        await live.record_answer("q", correct, 20, skill="Lines")
    assert await live.end_session() == SessionSummary(
        questions_answered=3, correct_answers=2, accuracy=0.6667, best_streak=2, seconds=60, pace=3
    )


async def test_many_devices_answering_at_once_lose_no_answer(connect: Connect) -> None:
    clients = [await connect(f"s{number % 3}") for number in range(6)]
    await asyncio.gather(
        *(client.request("analytics:performance", answer(questionId=f"q{n}")) for client in clients for n in range(20))
    )
    progress = await clients[0].request("analytics:progress", {})
    assert progress["totals"]["answered"] == progress["skills"]["Lines"]["answered"] == 120


async def test_live_analytics_shows_each_update(connect: Connect) -> None:
    live = LiveAnalytics(await connect())
    assert live.snapshot is None
    called: list[int] = []

    @live.on_update
    async def note(update: Update) -> None:
        called.append(update.current_session.questions_answered)

    first = await live.start_session()
    assert first.current_session.questions_answered == 0
    updates = live.updates()
    graded = await live.record_answer("choice", None, 5, answer="B")
    assert (graded.correct, graded.explanation) == (True, "Halve it.")
    await live.record_answer("q2", False, 5, "Ratios")
    assert [(await anext(updates)).current_session.questions_answered for _ in range(2)] == [1, 2]
    await until(lambda: live.snapshot and live.snapshot.current_session.questions_answered == 2)
    assert called == [0, 1, 2]
    assert (await live.progress(7)).totals.answered == 2


def test_importing_the_plugin_loads_nothing_heavy() -> None:
    probe = (
        "import sys, bonsai_core; from bonsai_core import Payload, Plugin, Session, on; before = set(sys.modules)\n"
        "import bonsai_analytics.plugin\n"
        "print(*sorted({m.partition('.')[0] for m in set(sys.modules) - before}))"
    )
    shown = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.split()
    assert not {"numpy", "rich", "aiohttp", "click", "pandas", "scipy"} & set(shown)
