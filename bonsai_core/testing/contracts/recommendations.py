"""The contract of recommending plugins: questions as they were asked for, never with their answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bonsai_core.domain import DOMAIN_BY_NAME, level_of_band
from bonsai_core.testing.contracts.common import Answers, Contract, Observer, eventually, keys, strings
from bonsai_core.testing.server import StartServer, TestServer
from bonsai_core.testing.wire import WireClient

UPDATE = "recommendations:update"
#: Names of fields that would give an answer away, in whatever part of a payload.
SECRET = frozenset({"answer", "answers", "correct", "rationale", "explanation", "hints", "misconception"})
SUBJECTS = ("math", "reading", "writing")


@pytest.mark.asyncio
class RecommendationsContract(Contract):
    """A plugin that recommends questions: `recommendations:request`, `recommendations:refresh`.

    A subclass has the fixture `plugin`: it brings, or is given, at least three questions, which it also answers
    `find_question` for, so that they can be graded. How it chooses is its own affair.
    """

    # What the checks have in common

    async def ask(self, device: WireClient, id: int, event: str = "request", **request: Any) -> list[dict[str, Any]]:
        """Ask, and return the questions that come."""
        await device.request(f"recommendations:{event}", request, id=id, timeout=self.timeout)
        data = (await device.recv(UPDATE, timeout=self.timeout))["data"]
        self.check_update(data)
        questions: list[dict[str, Any]] = data["questions"]
        return questions

    def check_update(self, data: dict[str, Any]) -> None:
        """The payload of `recommendations:update` is as front ends rely on."""
        assert type(data["generatedAt"]) is int
        questions = data["questions"]
        assert len({question["id"] for question in questions}) == len(questions), "no question comes twice"
        for question in questions:
            domain = DOMAIN_BY_NAME[question["domain"]]
            labels = (question["section"], question["subject"], question["skill"])
            assert question["section"] == domain.section, f"labels belong together: {labels}"
            assert question["subject"] == domain.subject, f"labels belong together: {labels}"
            assert question["skill"] in domain.skills, f"labels belong together: {labels}"
            assert type(question["band"]) is int and 1 <= question["band"] <= 7
            assert question["difficulty"] == level_of_band(question["band"]), "the band, on the five-step scale"
            assert question["expectedSeconds"] > 0
            assert question["stem"].strip() and question["reason"].strip(), "a recommender says why"
            for choice in question.get("choices") or []:
                assert choice.keys() == {"key", "text"}, choice
        assert not SECRET & set(keys(data)), "it never holds the answer"

    # Checks

    async def test_all_devices_of_the_session_and_nobody_else_get_the_questions(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """They are logged, so a device that was away gets them when it resumes."""
        server = await self.start(bonsai_server, plugin)
        phone = await server.connect(user="ada", client="phone")
        laptop = await server.connect(user="ada", client="laptop")
        stranger = await server.connect(user="bob", session="s2", client="stranger")
        positions = laptop.positions
        await laptop.abort()
        questions = await self.ask(phone, next(ids))
        assert questions
        laptop = await server.connect(user="ada", client="laptop", resume=positions)
        assert (await laptop.recv(UPDATE, timeout=self.timeout))["data"]["questions"] == questions
        await stranger.sync()
        assert stranger.of(UPDATE) == []
        self.unharmed(server)

    async def test_the_answer_is_never_sent(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """The server knows it: it grades, hints and explains."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        for shown in await self.ask(device, next(ids), count=20):
            question = await server.app.find_question(shown["id"])
            assert question is not None, f"{shown['id']} cannot be graded: find_question does not know it"
            assert shown["stem"] == question.stem
            sent = "\n".join(strings({name: text for name, text in shown.items() if name != "passage"}))
            told = {question.rationale, *question.hints[-1:], *(choice.misconception for choice in question.choices)}
            assert not [text for text in told if text and text in sent]

    @pytest.mark.parametrize("count", [1, 3])
    async def test_as_many_come_as_were_asked_for(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int], count: int
    ) -> None:
        """As long as there are so many."""
        server = await self.start(bonsai_server, plugin)
        assert len(await self.ask(await server.connect(), next(ids), count=count)) == count

    async def test_preferences_are_hard_limits(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """Rather no question than one that breaks them."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        some = await self.ask(device, next(ids), count=20)
        for subject in SUBJECTS:
            found = await self.ask(device, next(ids), preferences={"subjects": [subject]}, count=5)
            assert all(question["subject"] == subject for question in found), subject
            assert found or subject not in {question["subject"] for question in some}
        for difficulty in range(1, 6):
            found = await self.ask(device, next(ids), preferences={"difficulty": difficulty}, count=5)
            assert all(question["difficulty"] == difficulty for question in found), difficulty
            assert found or difficulty not in {question["difficulty"] for question in some}
        most = 2 * max(question["expectedSeconds"] for question in some)
        found = await self.ask(device, next(ids), preferences={"timeLimit": most}, count=20)
        assert 0 < sum(question["expectedSeconds"] for question in found) <= most + 0.5
        assert await self.ask(device, next(ids), preferences={"timeLimit": 0}, count=5) == []

    async def test_no_question_comes_of_a_subject_that_there_is_not(
        self, bonsai_server: StartServer, plugin: object
    ) -> None:
        """It is refused, or there is none."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        request = {"preferences": {"subjects": ["alchemy"]}}
        await device.send("recommendations:request", request, 1)
        answer = await device.recv("ack", "error", timeout=self.timeout)
        if answer["event"] == "error":
            assert answer["data"]["code"] == "invalid_payload"
        else:
            assert (await device.recv(UPDATE, timeout=self.timeout))["data"]["questions"] == []
        self.unharmed(server)

    @pytest.mark.parametrize(
        "request_",
        [
            {"count": 0},
            {"count": "many"},
            {"preferences": {"difficulty": 6}},
            {"preferences": {"timeLimit": -1}},
            {"currentSkillLevel": {"math": 2}},
        ],
        ids=str,
    )
    async def test_a_request_out_of_bounds_is_refused(
        self, bonsai_server: StartServer, plugin: object, request_: dict[str, Any]
    ) -> None:
        """With `invalid_payload`."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        await self.refuses(device, "recommendations:request", request_, "invalid_payload")
        await device.sync()
        assert device.of(UPDATE) == []

    async def test_all_that_a_front_end_may_tell_is_taken(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """Whether or not it is made use of."""
        server = await self.start(bonsai_server, plugin)
        request: dict[str, Any] = {
            "currentSkillLevel": {"math": 0.4, "reading": 0.8},
            "weakAreas": ["Circles", "nobody knows it"],
            "preferences": {"subjects": [], "timeLimit": 3600},
            "context": {"recentPerformance": [0.2, 1, 0.5], "studyGoals": ["Algebra"]},
            "count": 3,
        }
        assert await self.ask(await server.connect(), next(ids), **request)
        self.unharmed(server)

    async def test_a_resent_request_takes_effect_once(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """Its ack comes twice, the questions once."""
        server = await self.start(bonsai_server, plugin)
        device, id = await server.connect(), next(ids)
        acks = [
            await device.request("recommendations:request", {"count": 2}, id=id, timeout=self.timeout) for _ in range(2)
        ]
        assert acks[0] == acks[1]
        await device.sync()
        assert len(device.of(UPDATE)) == 1

    async def test_refreshing_asks_again_as_was_asked_last(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """Also from a device that joined late, and has nothing yet."""
        server = await self.start(bonsai_server, plugin)
        phone = await server.connect(client="phone")
        subject = (await self.ask(phone, next(ids), count=1))[0]["subject"]
        await self.ask(phone, next(ids), count=2, preferences={"subjects": [subject]})
        laptop = await server.connect(client="laptop")
        again = await self.ask(laptop, 1, "refresh")
        assert 1 <= len(again) <= 2
        assert {question["subject"] for question in again} == {subject}

    async def test_what_was_just_answered_does_not_come_again_at_once(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """Whichever analytics plugin says so."""
        server = await self.start(bonsai_server, plugin, Answers())
        device = await server.connect()
        first, *_ = await self.ask(device, next(ids), count=3)
        data = {"questionId": first["id"], "correct": True, "timeSpent": 30, "skill": first["skill"]}
        await device.request("analytics:performance", data, id=next(ids), timeout=self.timeout)
        await self.settled(server, device)
        questions = await self.ask(await server.connect(client="other"), 1, "refresh")
        assert questions
        assert first["id"] not in {question["id"] for question in questions}
        for frame in device.of(UPDATE):
            self.check_update(frame["data"])
        self.unharmed(server)

    async def settled(self, server: TestServer, device: WireClient) -> None:
        """What was observed has been taken in: the events of a session run one after another."""
        await device.request("session:state", {}, timeout=self.timeout)

    async def test_other_plugins_observe_the_questions(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """As a coach does."""
        observer = Observer()
        server = await self.start(bonsai_server, plugin, observer)
        questions = await self.ask(await server.connect(), next(ids), count=2)
        await eventually(lambda: bool(observer.of(UPDATE)), self.timeout)
        assert observer.of(UPDATE)[0]["questions"] == questions

    async def test_its_events_are_declared(self, bonsai_server: StartServer, plugin: object) -> None:
        """So that they are documented."""
        server = await self.start(bonsai_server, plugin)
        self.declares(server, UPDATE)
