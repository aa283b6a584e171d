"""The contract of analytics plugins: answers are graded, counted once, and the numbers told to all devices."""

from __future__ import annotations

import asyncio
import copy
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bonsai_core.domain import Choice, Question
from bonsai_core.testing.contracts.common import Bank, Contract, Observer, algebra, eventually, strings
from bonsai_core.testing.server import StartServer, TestServer
from bonsai_core.testing.wire import WireClient

SKILL, OTHER_SKILL = "Linear functions", "Transitions"
CHOSEN = algebra(
    "contract-choice",
    SKILL,
    stem="Which is the larger?",
    choices=[Choice(key="A", text="one"), Choice(key="B", text="two")],
    answers=["B"],
    rationale="Two is one more than one.",
)
TYPED = algebra(
    "contract-typed",
    SKILL,
    stem="What is half of 3?",
    answers=["3/2"],
    rationale="Three halves.",
)


@pytest.mark.asyncio
class AnalyticsContract(Contract):
    """A plugin that counts answers: `analytics:performance`, `analytics:progress`.

    A subclass has the fixture `plugin`. How mastery and scores are estimated is the plugin's own affair; that they are
    shares between 0 and 1, and belong to the skills that were answered, is not.
    """

    # What the checks have in common

    async def answer(self, device: WireClient, id: int, correct: bool | None = True, **more: Any) -> Any:
        """Send an answer; the ack's data."""
        data: dict[str, Any] = {"questionId": f"q{id}", "timeSpent": 30, "skill": SKILL, **more}
        if correct is not None:
            data["correct"] = correct
        return await device.request("analytics:performance", data, id=id, timeout=self.timeout)

    async def numbers(self, server: TestServer, user: str = "ada", session: str = "s1") -> dict[str, Any]:
        """What a device that joins the session now is told."""
        device = await server.connect(user=user, session=session, client=f"asks-{random.getrandbits(32):x}")
        data: dict[str, Any] = (await device.recv("analytics:update", timeout=self.timeout))["data"]
        await device.close()
        self.check_update(data)
        return data

    def check_update(self, data: dict[str, Any]) -> None:
        """The payload of `analytics:update` is as front ends rely on."""
        now = data["currentSession"]
        names = ("questionsAnswered", "correctAnswers", "streakCount", "bestStreak")
        answered, correct, streak, best = counts = [now[name] for name in names]
        assert all(type(count) is int for count in counts), now
        assert 0 <= streak <= best <= correct <= answered, now
        assert now["accuracy"] == pytest.approx(correct / answered if answered else 0, abs=0.01), now
        assert now["pace"] >= 0, now
        performance = data["performance"]
        assert 0 <= performance["overall"] <= 1
        for skill, told in performance["bySkill"].items():
            assert 0 <= told["low"] <= told["mastery"] <= told["high"] <= 1, (skill, told)
            assert type(told["answered"]) is int and told["answered"] >= 1, (skill, told)
        if (score := data.get("score")) is not None and "total" in score:
            assert 400 <= score["low"] <= score["total"] <= score["high"] <= 1600, score

    # Checks

    async def test_counts_and_streaks_are_right(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """After every one of forty answers."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect(user="ada")
        await device.recv("analytics:update", timeout=self.timeout)
        answered = correct = streak = best = 0
        dice = random.Random(1)
        for _ in range(40):
            right = dice.random() < 0.7
            assert (await self.answer(device, next(ids), right))["correct"] is right
            data = (await device.recv("analytics:update", timeout=self.timeout))["data"]
            self.check_update(data)
            answered, correct = answered + 1, correct + right
            streak = streak + 1 if right else 0
            best = max(best, streak)
            now = data["currentSession"]
            assert (now["questionsAnswered"], now["correctAnswers"]) == (answered, correct)
            assert (now["streakCount"], now["bestStreak"]) == (streak, best)
            assert data["performance"]["bySkill"][SKILL]["answered"] == answered
        self.unharmed(server)

    async def test_a_resent_answer_counts_once(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """On the same connection and on the next; its ack comes each time."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect(user="ada", client="phone")
        first, second = next(ids), next(ids)
        acks = [await self.answer(device, first), await self.answer(device, first), await self.answer(device, second)]
        await device.abort()
        device = await server.connect(user="ada", client="phone", resume=device.positions)
        acks += [await self.answer(device, first), await self.answer(device, second)]
        assert acks == acks[:1] * 5
        assert (await self.numbers(server))["currentSession"]["questionsAnswered"] == 2

    async def test_two_devices_at_once_lose_no_answer(self, bonsai_server: StartServer, plugin: object) -> None:
        """Nor count one twice."""
        server = await self.start(bonsai_server, plugin)
        devices = [await server.connect(user="ada", client=f"device-{n}") for n in range(3)]

        async def practise(device: WireClient) -> None:
            for id in range(1, 11):
                await self.answer(device, id)

        await asyncio.gather(*map(practise, devices))
        told = await self.numbers(server)
        assert told["currentSession"]["questionsAnswered"] == told["currentSession"]["streakCount"] == 30
        assert told["performance"]["bySkill"][SKILL]["answered"] == 30

    async def test_all_devices_of_the_session_and_nobody_else_are_told(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """It is logged, so a device that was away gets every answer when it resumes, in order."""
        server = await self.start(bonsai_server, plugin)
        phone = await server.connect(user="ada", client="phone")
        laptop = await server.connect(user="ada", client="laptop")
        stranger = await server.connect(user="bob", session="s2", client="stranger")
        await stranger.recv("analytics:update", timeout=self.timeout)
        positions = laptop.positions
        await laptop.abort()
        asked = [f"question {n}" for n in range(3)]
        for question_id in asked:
            await self.answer(phone, next(ids), questionId=question_id, answer="B")
        laptop = await server.connect(user="ada", client="laptop", resume=positions)
        told = [(await laptop.recv("analytics:performance", timeout=self.timeout))["data"] for _ in asked]
        assert [data["questionId"] for data in told] == asked
        assert all((data["correct"], data["timeSpent"], data["skill"]) == (True, 30, SKILL) for data in told)
        updates = [(await laptop.recv("analytics:update", timeout=self.timeout))["data"] for _ in asked]
        assert [data["currentSession"]["questionsAnswered"] for data in updates] == [1, 2, 3]
        await stranger.sync()
        assert len([frame for frame in stranger.frames if frame["event"].startswith("analytics:")]) == 1

    async def test_a_device_that_joins_late_is_told_the_numbers(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """As they are; those of a session that just begins are zero."""
        server = await self.start(bonsai_server, plugin)
        assert (await self.numbers(server))["currentSession"]["questionsAnswered"] == 0
        device = await server.connect(user="ada")
        await device.recv("analytics:update", timeout=self.timeout)
        await self.answer(device, next(ids))
        last = (await device.recv("analytics:update", timeout=self.timeout))["data"]
        assert (await self.numbers(server))["currentSession"] == last["currentSession"]

    async def test_sessions_are_counted_apart_and_skills_over_all_of_them(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """And no student's answers are another's."""
        server = await self.start(bonsai_server, plugin)
        monday = await server.connect(user="ada", session="monday", client="monday")
        await self.answer(monday, next(ids))
        tuesday = await server.connect(user="ada", session="tuesday", client="tuesday")
        await self.answer(tuesday, next(ids))
        await self.answer(tuesday, next(ids), skill=OTHER_SKILL)
        told = await self.numbers(server, session="tuesday")
        assert told["currentSession"]["questionsAnswered"] == 2
        skills = {name: skill["answered"] for name, skill in told["performance"]["bySkill"].items()}
        assert skills == {SKILL: 2, OTHER_SKILL: 1}
        assert (await self.numbers(server, user="bob", session="b1"))["performance"]["bySkill"] == {}

    async def test_the_numbers_outlive_a_restart(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int], tmp_path: Path
    ) -> None:
        """By a copy of the plugin object as it was before it was used: all that is to last is in documents."""
        fresh, store = copy.deepcopy(plugin), f"sqlite:///{tmp_path / 'contract.db'}"
        server = await self.start(bonsai_server, plugin, store_url=store)
        device = await server.connect(user="ada")
        for right in (True, False, True):
            await self.answer(device, next(ids), right)
        before = await self.numbers(server)
        await server.stop()
        server = await self.start(bonsai_server, fresh, store_url=store)
        after = await self.numbers(server)
        assert after["currentSession"] == before["currentSession"]
        assert after["performance"]["bySkill"].keys() == {SKILL}
        assert before["currentSession"]["questionsAnswered"] == 3

    @pytest.mark.parametrize(
        ("question", "answers"),
        [(CHOSEN, {"B": True, "b)": True, "A": False}), (TYPED, {"3/2": True, "1.5": True, "3": False})],
        ids=["choice", "typed"],
    )
    async def test_the_server_grades_what_a_bank_knows(
        self,
        bonsai_server: StartServer,
        plugin: object,
        ids: Iterator[int],
        question: Question,
        answers: dict[str, bool],
    ) -> None:
        """When `correct` is left out; the explanation comes with the ack, not before."""
        server = await self.start(bonsai_server, plugin, Bank(CHOSEN, TYPED))
        device = await server.connect(user="ada")
        await device.sync()
        assert question.rationale not in set(strings(device.frames))
        for answer, right in answers.items():
            graded = await self.answer(device, next(ids), None, questionId=question.id, answer=answer, skill=None)
            assert graded["correct"] is right, answer
            assert graded["explanation"] == question.rationale
        told = await self.numbers(server)
        assert told["currentSession"]["questionsAnswered"] == len(answers)
        assert told["currentSession"]["correctAnswers"] == sum(answers.values())
        assert told["performance"]["bySkill"].keys() == {question.skill}

    @pytest.mark.parametrize(
        "data",
        [
            {},
            {"questionId": "q1", "correct": True},
            {"questionId": "q1", "correct": True, "timeSpent": -1},
            {"questionId": "q1", "correct": True, "timeSpent": "a while"},
            {"questionId": "q1", "correct": "perhaps", "timeSpent": 30},
            {"correct": True, "timeSpent": 30},
            {"questionId": "nobody knows it", "answer": "B", "timeSpent": 30},
            {"questionId": "q1", "timeSpent": 30},
        ],
        ids=["nothing", "no time", "time back", "words", "perhaps", "no question", "unknown", "no answer"],
    )
    async def test_what_is_no_answer_is_refused_and_not_counted(
        self, bonsai_server: StartServer, plugin: object, data: dict[str, Any]
    ) -> None:
        """Also one that nobody can grade."""
        server = await self.start(bonsai_server, plugin, Bank(CHOSEN, TYPED))
        device = await server.connect(user="ada")
        await self.refuses(device, "analytics:performance", data)
        assert (await self.numbers(server))["currentSession"]["questionsAnswered"] == 0
        self.unharmed(server)

    async def test_other_plugins_observe_answers_and_numbers(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """As a coach and a recommender do."""
        observer = Observer()
        server = await self.start(bonsai_server, plugin, observer)
        device = await server.connect(user="ada")
        await self.answer(device, next(ids), False, questionId="q", answer="C")
        await eventually(lambda: bool(observer.of("analytics:update")), self.timeout)
        (seen,) = observer.of("analytics:performance")
        assert (seen["questionId"], seen["correct"], seen["timeSpent"], seen["skill"]) == ("q", False, 30, SKILL)
        self.check_update(observer.of("analytics:update")[0])

    async def test_progress_is_told_to_who_asks(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """And to nobody else."""
        server = await self.start(bonsai_server, plugin)
        phone = await server.connect(user="ada", client="phone")
        laptop = await server.connect(user="ada", client="laptop")
        await self.answer(phone, next(ids))
        await phone.request("analytics:progress", {}, id=next(ids), timeout=self.timeout)
        assert isinstance((await phone.recv("analytics:progress", timeout=self.timeout))["data"], dict)
        await laptop.sync()
        assert laptop.of("analytics:progress") == []

    async def test_its_events_are_declared(self, bonsai_server: StartServer, plugin: object) -> None:
        """So that they are documented."""
        server = await self.start(bonsai_server, plugin)
        self.declares(server, "analytics:performance", "analytics:update", "analytics:progress")
