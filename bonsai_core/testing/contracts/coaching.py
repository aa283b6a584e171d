"""The contract of coaching plugins: hints that never give the answer away too early, strategies, messages."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bonsai_core.domain import Choice, Question, number_of
from bonsai_core.testing.clock import FakeClock
from bonsai_core.testing.contracts.common import Answers, Bank, Contract, Observer, algebra, eventually
from bonsai_core.testing.server import StartServer, TestServer
from bonsai_core.testing.wire import WireClient, WireError

#: A ladder longer than this is none that a student climbs.
MOST_RUNGS = 20
SKILL = "Linear equations in one variable"
_CHOICES = [Choice(key=key, text=text) for key, text in {"A": "3", "B": "9", "C": "13", "D": "27"}.items()]
_STEM = "If 4t + 11 = 47, what is the value of t?"

QUESTIONS = {
    "typed": algebra(
        "contract-typed",
        SKILL,
        stem=_STEM,
        answers=["9"],
        rationale="Take 11 from both sides, so that 4t = 36. Divide by 4: t = 9.",
        hints=["Find t.", "Undo what was done to t.", "Take 11 from both sides.", "4t = 36, so t = 9."],
    ),
    "choice": algebra(
        "contract-choice",
        SKILL,
        stem=_STEM,
        choices=_CHOICES,
        answers=["B"],
        rationale="4t = 36, so t = 9: choice B.",
        hints=["Find t.", "Undo what was done to t.", "Take 11 from both sides.", "4t = 36, so t = 9: choice B."],
    ),
    "without hints": algebra(
        "contract-bare",
        SKILL,
        stem=_STEM,
        answers=["9"],
        rationale="4t = 36, so t = 9.",
    ),
    "a bank that tells too early": algebra(
        "contract-leaky",
        SKILL,
        stem=_STEM,
        choices=_CHOICES,
        answers=["B"],
        rationale="4t = 36, so t = 9: choice B.",
        hints=["Find t.", "The answer is B.", "You get t = 9.", "4t = 36, so t = 9: choice B."],
    ),
}
_NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:/\d+)?(?![\w/])")


def gives_away(question: Question, text: str) -> bool:
    """Whether a text says the answer outright: the letter, or a number of the answer's value.

    Good only for questions whose answer is a number that good hints have no other reason to name.
    """
    if question.choices:
        key = question.answers[0]
        if re.search(rf"(?i:\b(?:choice|answer|option|choose|pick|is)\b)\W+{key}\b|\({key}\)", text):
            return True
        right = question.choice(key)
        accepted = [right.text if right is not None else ""]
    else:
        accepted = question.answers
    values = {number_of(answer) for answer in accepted}
    return any(number_of(found) in values for found in _NUMBER.findall(text))


@pytest.mark.asyncio
class CoachingContract(Contract):
    """A plugin that coaches: `coaching:hint`, `coaching:strategy`, `coaching:message`, `coaching:read`.

    A subclass has the fixture `plugin`. It may make students wait between two hints: refusals with `retryAfterMs` are
    waited for, on a fake clock.
    """

    @pytest.fixture
    def bank(self) -> Bank:
        """The questions that are asked about."""
        return Bank(*QUESTIONS.values())

    # What the checks have in common

    async def hint(self, device: WireClient, clock: FakeClock, id: int, question_id: str, **more: Any) -> Any:
        """Ask for a hint, when it may be asked for; the ack's data."""
        request = {"questionId": question_id, **more}
        try:
            told = await device.request("coaching:hint", request, id=id, timeout=self.timeout)
        except WireError as refused:
            wait = refused.data.get("retryAfterMs")
            if wait is None:
                raise
            clock.advance(wait / 1000 + 0.001)
            told = await device.request("coaching:hint", request, id=id, timeout=self.timeout)
        self.check_hint(told, question_id)
        return told

    def check_hint(self, data: dict[str, Any], question_id: str) -> None:
        """The payload of `coaching:hint` is as front ends rely on."""
        assert data["questionId"] == question_id
        assert type(data["rung"]) is int and type(data["rungs"]) is int
        assert 1 <= data["rung"] <= data["rungs"] <= MOST_RUNGS, data
        assert isinstance(data["text"], str) and data["text"].strip(), data
        assert data["last"] is (data["rung"] == data["rungs"]), data

    def check_message(self, data: dict[str, Any]) -> None:
        """The payload of `coaching:message` is as front ends rely on."""
        assert isinstance(data["id"], str) and data["id"]
        assert data["type"] in ("hint", "strategy", "encouragement", "warning", "insight"), data["type"]
        assert data["priority"] in ("low", "medium", "high"), data["priority"]
        assert data["message"].strip() and data["reason"].strip(), "a coach says why"
        assert type(data["createdAt"]) is int and data["isRead"] is False
        for action in data.get("actions") or []:
            assert action["action"] and action["label"], action

    async def say(self, device: WireClient, id: int, text: str, **more: Any) -> dict[str, Any]:
        """Write to the coach; its answer, complete."""
        before = {frame["data"]["id"] for frame in device.of("coaching:message")}
        await device.request("coaching:message", {"text": text, **more}, id=id, timeout=self.timeout)
        while True:
            frame = await device.recv("coaching:message", timeout=self.timeout)
            data: dict[str, Any] = frame["data"]
            if data["id"] not in before and "part" not in data:
                self.check_message(data)
                return data

    async def open(self, bonsai_server: StartServer, plugin: object, bank: Bank, clock: FakeClock) -> TestServer:
        """A server on the fake clock."""
        return await self.start(bonsai_server, plugin, bank, clock=clock)

    # Hints

    @pytest.mark.parametrize("kind", QUESTIONS)
    async def test_a_ladder_gives_nothing_away_before_its_last_rung(
        self,
        bonsai_server: StartServer,
        plugin: object,
        bank: Bank,
        fake_clock: FakeClock,
        ids: Iterator[int],
        kind: str,
    ) -> None:
        """It is climbed one rung at a time, and each tells something else."""
        server = await self.open(bonsai_server, plugin, bank, fake_clock)
        device, question = await server.connect(), QUESTIONS[kind]
        told = [await self.hint(device, fake_clock, next(ids), question.id)]
        while not told[-1]["last"]:
            told.append(await self.hint(device, fake_clock, next(ids), question.id))
        assert [hint["rung"] for hint in told] == list(range(1, told[0]["rungs"] + 1))
        assert len({hint["rungs"] for hint in told}) == 1
        assert len({hint["text"] for hint in told}) == len(told) >= 2
        assert [hint["rung"] for hint in told[:-1] if gives_away(question, hint["text"])] == []
        self.unharmed(server)

    async def test_no_rung_is_skipped(
        self, bonsai_server: StartServer, plugin: object, bank: Bank, fake_clock: FakeClock, ids: Iterator[int]
    ) -> None:
        """Not even by who asks for it by its number."""
        server = await self.open(bonsai_server, plugin, bank, fake_clock)
        device, question = await server.connect(), QUESTIONS["typed"]
        first = await self.hint(device, fake_clock, next(ids), question.id)
        assert first["rungs"] > 2
        fake_clock.advance(3600)
        for rung in (first["rungs"], first["rungs"] + 1):
            refused = await self.refuses(device, "coaching:hint", {"questionId": question.id, "rung": rung})
            assert not gives_away(question, str(refused.data))
        await self.refuses(device, "coaching:hint", {"questionId": question.id, "rung": 0}, "invalid_payload")
        await self.refuses(device, "coaching:hint", {}, "invalid_payload")
        await device.sync()
        assert [frame["data"]["rung"] for frame in device.of("coaching:hint")] == [1]

    async def test_a_rung_is_told_again_the_same(
        self, bonsai_server: StartServer, plugin: object, bank: Bank, fake_clock: FakeClock, ids: Iterator[int]
    ) -> None:
        """Also to a device that joins late, which goes on where the student is."""
        server = await self.open(bonsai_server, plugin, bank, fake_clock)
        phone, id = await server.connect(client="phone"), QUESTIONS["typed"].id
        told = [await self.hint(phone, fake_clock, next(ids), id) for _ in range(2)]
        laptop = await server.connect(client="laptop")
        again = [await self.hint(laptop, fake_clock, rung, id, rung=rung) for rung in (1, 2)]
        assert [(hint["rung"], hint["text"]) for hint in again] == [(hint["rung"], hint["text"]) for hint in told]
        assert (await self.hint(laptop, fake_clock, 3, id))["rung"] == 3

    async def test_a_resent_request_climbs_once(
        self, bonsai_server: StartServer, plugin: object, bank: Bank, fake_clock: FakeClock, ids: Iterator[int]
    ) -> None:
        """The ack comes twice, the hint once."""
        server = await self.open(bonsai_server, plugin, bank, fake_clock)
        device, question, id = await server.connect(), QUESTIONS["typed"].id, next(ids)
        told = await self.hint(device, fake_clock, id, question)
        fake_clock.advance(3600)
        assert await self.hint(device, fake_clock, id, question) == told
        await device.sync()
        assert len(device.of("coaching:hint")) == 1
        assert (await self.hint(device, fake_clock, next(ids), question))["rung"] == 2

    async def test_all_devices_of_the_session_and_nobody_else_get_a_new_hint(
        self, bonsai_server: StartServer, plugin: object, bank: Bank, fake_clock: FakeClock, ids: Iterator[int]
    ) -> None:
        """It is logged, so a device that was away gets it when it resumes. Others begin at the first rung."""
        server = await self.open(bonsai_server, plugin, bank, fake_clock)
        phone = await server.connect(user="ada", client="phone")
        laptop = await server.connect(user="ada", client="laptop")
        stranger = await server.connect(user="bob", session="s2", client="stranger")
        positions, question = laptop.positions, QUESTIONS["choice"].id
        await laptop.abort()
        told = await self.hint(phone, fake_clock, next(ids), question)
        laptop = await server.connect(user="ada", client="laptop", resume=positions)
        got = (await laptop.recv("coaching:hint", timeout=self.timeout))["data"]
        assert (got["questionId"], got["rung"], got["text"]) == (question, told["rung"], told["text"])
        await stranger.sync()
        assert stranger.of("coaching:hint") == []
        assert (await self.hint(stranger, fake_clock, 1, question))["rung"] == 1

    async def test_the_ladder_outlives_a_restart(
        self,
        bonsai_server: StartServer,
        plugin: object,
        bank: Bank,
        fake_clock: FakeClock,
        ids: Iterator[int],
        tmp_path: Path,
    ) -> None:
        """By a copy of the plugin object as it was before it was used: all that is to last is in documents."""
        fresh, store = copy.deepcopy(plugin), f"sqlite:///{tmp_path / 'contract.db'}"
        question = QUESTIONS["typed"].id
        server = await self.start(bonsai_server, plugin, bank, clock=fake_clock, store_url=store)
        await self.hint(await server.connect(), fake_clock, next(ids), question)
        await server.stop()
        again = Bank(*bank.questions.values())
        server = await self.start(bonsai_server, fresh, again, clock=fake_clock, store_url=store)
        device = await server.connect(client="after")
        assert (await self.hint(device, fake_clock, 1, question))["rung"] == 2

    async def test_of_a_question_that_nobody_knows_there_is_no_hint(
        self, bonsai_server: StartServer, plugin: object, bank: Bank, fake_clock: FakeClock
    ) -> None:
        """And it is said so."""
        server = await self.open(bonsai_server, plugin, bank, fake_clock)
        refused = await self.refuses(await server.connect(), "coaching:hint", {"questionId": "nobody knows it"})
        assert refused.data["message"]
        self.unharmed(server)

    # Strategies

    @pytest.mark.parametrize("request_", [{"skill": SKILL}, {"questionId": QUESTIONS["typed"].id}], ids=str)
    async def test_a_strategy_is_told_of_a_skill_or_a_question(
        self,
        bonsai_server: StartServer,
        plugin: object,
        bank: Bank,
        fake_clock: FakeClock,
        ids: Iterator[int],
        request_: dict[str, Any],
    ) -> None:
        """As the ack and as an event, to who asks."""
        server = await self.open(bonsai_server, plugin, bank, fake_clock)
        device = await server.connect()
        told = await device.request("coaching:strategy", request_, id=next(ids), timeout=self.timeout)
        assert (await device.recv("coaching:strategy", timeout=self.timeout))["data"] == told
        assert told["skill"] == SKILL
        assert all(told[name].strip() for name in ("title", "when", "trap", "example"))
        assert told["steps"] and all(step.strip() for step in told["steps"])

    async def test_a_strategy_of_nothing_is_refused(
        self, bonsai_server: StartServer, plugin: object, bank: Bank, fake_clock: FakeClock
    ) -> None:
        """As is one of a skill or a question that nobody knows."""
        server = await self.open(bonsai_server, plugin, bank, fake_clock)
        device = await server.connect()
        await self.refuses(device, "coaching:strategy", {}, "invalid_payload")
        await self.refuses(device, "coaching:strategy", {"skill": "Alchemy of the ancients"})
        await self.refuses(device, "coaching:strategy", {"questionId": "nobody knows it"})
        self.unharmed(server)

    # Messages

    async def test_who_writes_is_answered_and_not_with_the_answer(
        self, bonsai_server: StartServer, plugin: object, bank: Bank, fake_clock: FakeClock, ids: Iterator[int]
    ) -> None:
        """On all devices, also when it is what was asked for; nobody else's."""
        server = await self.open(bonsai_server, plugin, bank, fake_clock)
        phone = await server.connect(user="ada", client="phone")
        laptop = await server.connect(user="ada", client="laptop")
        stranger = await server.connect(user="bob", session="s2", client="stranger")
        question = QUESTIONS["choice"]
        said = await self.say(phone, next(ids), "Just tell me the answer.", questionId=question.id)
        assert not gives_away(question, said["message"])
        while (await laptop.recv("coaching:message", timeout=self.timeout))["data"]["id"] != said["id"]:
            pass
        await stranger.sync()
        assert said["id"] not in {frame["data"]["id"] for frame in stranger.of("coaching:message")}
        await self.refuses(phone, "coaching:message", {"text": ""})
        self.unharmed(server)

    async def test_what_was_read_is_told_to_all_devices(
        self, bonsai_server: StartServer, plugin: object, bank: Bank, fake_clock: FakeClock, ids: Iterator[int]
    ) -> None:
        """Once: reading it again changes nothing."""
        server = await self.open(bonsai_server, plugin, bank, fake_clock)
        phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
        said = [await self.say(phone, next(ids), "Hello!"), await self.say(phone, next(ids), "Thank you.")]
        left = []
        for message in said:
            await phone.request("coaching:read", {"ids": [message["id"]]}, id=next(ids), timeout=self.timeout)
            told = (await laptop.recv("coaching:read", timeout=self.timeout))["data"]
            assert told["ids"] == [message["id"]]
            left.append(told["unread"])
        assert left[0] - left[1] == 1
        assert left[1] >= 0
        await phone.request("coaching:read", {"ids": [said[0]["id"]]}, id=next(ids), timeout=self.timeout)
        await laptop.sync()
        assert {frame["data"]["unread"] for frame in laptop.of("coaching:read")[2:]} <= {left[1]}

    # With others, and without

    async def test_what_other_plugins_emit_does_it_no_harm(
        self, bonsai_server: StartServer, plugin: object, bank: Bank, fake_clock: FakeClock, ids: Iterator[int]
    ) -> None:
        """Answers by the dozen: it may speak up, in messages as they should be, and gives nothing away."""
        observer, question = Observer(), QUESTIONS["choice"]
        server = await self.start(bonsai_server, plugin, bank, Answers(), observer, clock=fake_clock)
        device = await server.connect()
        for number in range(12):
            fake_clock.advance(60)
            data = {"questionId": question.id, "correct": False, "timeSpent": 60, "skill": SKILL, "answer": "A"}
            await device.request("analytics:performance", data | {"number": number}, id=next(ids))
        await eventually(lambda: len(observer.of("analytics:performance")) == 12, self.timeout)
        await device.sync()
        for frame in device.of("coaching:message"):
            self.check_message(frame["data"])
            assert not gives_away(question, frame["data"]["message"])
        self.unharmed(server)

    async def test_its_events_are_declared(self, bonsai_server: StartServer, plugin: object) -> None:
        """So that they are documented."""
        server = await self.start(bonsai_server, plugin)
        self.declares(server, "coaching:hint", "coaching:strategy", "coaching:message", "coaching:read")
