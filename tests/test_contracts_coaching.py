"""The contract of coaching plugins: another's keeps it, and whoever breaks it is found out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from bonsai_core import Plugin, Session, observes, on
from bonsai_core.testing import FakeClock, StartServer
from bonsai_core.testing.contracts import Bank, CoachingContract
from bonsai_core.testing.contracts.coaching import QUESTIONS, gives_away
from tests.contract_faults import broken, finds, load_example, run_check

acme = load_example("acme_coach.py")


class TestAcmeCoach(CoachingContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return acme.AcmeCoach()  # type: ignore[no-any-return]


def each(event: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> type[Any]:
    """The example, but with an event's payload changed, in the ack too."""

    def changed(name: str, data: Any) -> Any:
        same = name == "ack" and {"coaching:hint": "rung", "coaching:strategy": "steps"}.get(event) in (data or {})
        return data | change(data) if name == event or same else data

    return broken(acme.AcmeCoach, changed)


def with_ladder(change: Callable[[Any, list[str]], list[str]]) -> type[Any]:
    """The example, but with another ladder."""

    class OtherLadder(acme.AcmeCoach):  # type: ignore[misc,name-defined]
        @on("coaching:hint")
        async def hint(self, session: Session, request: acme.HintRequest) -> Any:  # type: ignore[name-defined]
            usual = acme.ladder
            with patch.object(acme, "ladder", lambda question: change(question, usual(question))):
                return await super().hint(session, request)

    return OtherLadder


class Trusting(acme.AcmeCoach):  # type: ignore[misc,name-defined]
    """Believes that a bank's hints are fit to be seen."""

    @on("coaching:hint")
    async def hint(self, session: Session, request: acme.HintRequest) -> Any:  # type: ignore[name-defined]
        with patch.object(acme, "tells", lambda question, text: False):
            return await super().hint(session, request)


class Jumps(acme.AcmeCoach):  # type: ignore[misc,name-defined]
    """Shows whichever rung is asked for."""

    @on("coaching:hint")
    async def hint(self, session: Session, request: acme.HintRequest) -> Any:  # type: ignore[name-defined]
        if request.rung is not None:
            session.save(f"rung.{request.question_id}", request.rung, scope="user")
        return await super().hint(session, request)


class OneForAll(acme.AcmeCoach):  # type: ignore[misc,name-defined]
    """Keeps rungs in itself, for all students."""

    def __init__(self) -> None:
        self.shown: dict[str, int] = {}

    @on("coaching:hint")
    async def hint(self, session: Session, request: acme.HintRequest) -> Any:  # type: ignore[name-defined]
        session.save(f"rung.{request.question_id}", self.shown.get(request.question_id, 0), scope="user")
        hint = await super().hint(session, request)
        self.shown[request.question_id] = hint.rung
        return hint


class Blabs(acme.AcmeCoach):  # type: ignore[misc,name-defined]
    """Says what it is asked for."""

    @on("coaching:message")
    async def message(self, session: Session, post: acme.Post) -> None:  # type: ignore[name-defined]
        await self._say(session, "The answer is B.")


class Scolds(acme.AcmeCoach):  # type: ignore[misc,name-defined]
    """Tells the answer after a wrong one."""

    @observes("analytics:performance")
    async def answered(self, session: Session, answer: acme.Answered) -> None:  # type: ignore[name-defined]
        await self._say(session, "No: t = 9.")


class Fragile(acme.AcmeCoach):  # type: ignore[misc,name-defined]
    """Breaks at the third answer."""

    @observes("analytics:performance")
    async def answered(self, session: Session, answer: acme.Answered) -> None:  # type: ignore[name-defined]
        count = (await session.load("answered") or 0) + 1
        session.save("answered", count)
        assert count < 3


class KnowsAll(acme.AcmeCoach):  # type: ignore[misc,name-defined]
    """Has something to say on any question."""

    @on("coaching:hint")
    async def hint(self, session: Session, request: acme.HintRequest) -> Any:  # type: ignore[name-defined]
        return acme.Hint(question_id=request.question_id, rung=1, rungs=2, text="Think.", last=False)


class CrashesAtTheUnknown(acme.AcmeCoach):  # type: ignore[misc,name-defined]
    @on("coaching:hint")
    async def hint(self, session: Session, request: acme.HintRequest) -> Any:  # type: ignore[name-defined]
        assert await session.app.find_question(request.question_id) is not None

    @on("coaching:strategy")
    async def strategy(self, session: Session, request: Any) -> Any:
        raise ZeroDivisionError


class ReadsAll(acme.AcmeCoach):  # type: ignore[misc,name-defined]
    @on("coaching:read")
    async def read(self, session: Session, request: acme.ReadRequest) -> None:  # type: ignore[name-defined]
        session.emit("coaching:read", {"ids": request.ids, "unread": 0}, room="user")


LADDER = "test_a_ladder_gives_nothing_away_before_its_last_rung"
FAULTS: dict[str, tuple[type[Any], str, dict[str, Any]]] = {
    "trusts a bank": (Trusting, LADDER, {"kind": "a bank that tells too early"}),
    "begins with the solution": (with_ladder(lambda q, rungs: rungs[::-1]), LADDER, {"kind": "typed"}),
    "tells the letter": (with_ladder(lambda q, rungs: ["Choose B.", *rungs]), LADDER, {"kind": "choice"}),
    "tells the value": (with_ladder(lambda q, rungs: ["t is 9.0", *rungs]), LADDER, {"kind": "without hints"}),
    "says the same twice": (with_ladder(lambda q, rungs: [rungs[0], *rungs]), LADDER, {"kind": "typed"}),
    "has one rung": (with_ladder(lambda q, rungs: rungs[-1:]), LADDER, {"kind": "typed"}),
    "says nothing": (with_ladder(lambda q, rungs: [" ", *rungs]), LADDER, {"kind": "typed"}),
    "does not say which is the last": (each("coaching:hint", lambda h: {"last": False}), LADDER, {"kind": "typed"}),
    "counts from 0": (each("coaching:hint", lambda h: {"rung": h["rung"] - 1}), LADDER, {"kind": "typed"}),
    "skips rungs": (Jumps, "test_no_rung_is_skipped", {}),
    "tells something else again": (
        each("coaching:hint", lambda h: {"text": f"{h['text']} {id(h)}"}),
        "test_a_rung_is_told_again_the_same",
        {},
    ),
    "has one ladder for all": (OneForAll, "test_all_devices_of_the_session_and_nobody_else_get_a_new_hint", {}),
    "keeps rungs in memory": (OneForAll, "test_the_ladder_outlives_a_restart", {}),
    "hints to the sender alone": (
        broken(acme.AcmeCoach, send="reply"),
        "test_all_devices_of_the_session_and_nobody_else_get_a_new_hint",
        {},
    ),
    "hints to others": (
        broken(acme.AcmeCoach, send="class:7b"),
        "test_all_devices_of_the_session_and_nobody_else_get_a_new_hint",
        {},
    ),
    "repeats a hint to all": (
        broken(acme.AcmeCoach, lambda event, data: None if event == "coaching:hint" else data),
        "test_a_resent_request_climbs_once",
        {},
    ),
    "makes hints up": (KnowsAll, "test_of_a_question_that_nobody_knows_there_is_no_hint", {}),
    "breaks at the unknown": (CrashesAtTheUnknown, "test_of_a_question_that_nobody_knows_there_is_no_hint", {}),
    "breaks at strategies": (CrashesAtTheUnknown, "test_a_strategy_of_nothing_is_refused", {}),
    "has a plan without steps": (
        each("coaching:strategy", lambda s: {"steps": []}),
        "test_a_strategy_is_told_of_a_skill_or_a_question",
        {"request_": {"questionId": QUESTIONS["typed"].id}},
    ),
    "tells the answer when asked": (Blabs, "test_who_writes_is_answered_and_not_with_the_answer", {}),
    "gives no reason": (
        each("coaching:message", lambda m: {"reason": ""}),
        "test_who_writes_is_answered_and_not_with_the_answer",
        {},
    ),
    "answers the sender alone": (
        broken(acme.AcmeCoach, send="reply"),
        "test_who_writes_is_answered_and_not_with_the_answer",
        {},
    ),
    "counts nothing unread": (ReadsAll, "test_what_was_read_is_told_to_all_devices", {}),
    "tells the answer after a wrong one": (Scolds, "test_what_other_plugins_emit_does_it_no_harm", {}),
    "breaks at answers": (Fragile, "test_what_other_plugins_emit_does_it_no_harm", {}),
    "declares nothing": (type("Silent", (acme.AcmeCoach,), {"emits": {}}), "test_its_events_are_declared", {}),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_coach_that_breaks_the_contract_is_found_out(
    fault: str, bonsai_server: StartServer, fake_clock: FakeClock, tmp_path: Path
) -> None:
    plugin, check, more = FAULTS[fault]
    if check != "test_its_events_are_declared":
        more = more | {"bank": Bank(*QUESTIONS.values())}
    if check == "test_the_ladder_outlives_a_restart":
        more = more | {"tmp_path": tmp_path}
    await finds(CoachingContract, check, plugin(), bonsai_server, fake_clock, **more)


async def test_the_faults_are_what_is_found(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    for check in ("test_a_resent_request_climbs_once", "test_what_was_read_is_told_to_all_devices"):
        bank = Bank(*QUESTIONS.values())
        await run_check(CoachingContract, check, broken(acme.AcmeCoach)(), bonsai_server, fake_clock, bank=bank)


@pytest.mark.parametrize("text", ["So t = 9.", "It is 9.0!", "t=18/2", "+9", "9"])
def test_a_number_of_the_answers_value_gives_it_away(text: str) -> None:
    assert gives_away(QUESTIONS["typed"], text)
    assert gives_away(QUESTIONS["choice"], text)


@pytest.mark.parametrize("text", ["The answer is B.", "Choose B", "Look at (B)", "option: B"])
def test_the_letter_gives_a_choice_away(text: str) -> None:
    assert gives_away(QUESTIONS["choice"], text)
    assert not gives_away(QUESTIONS["typed"], text)


@pytest.mark.parametrize("text", ["Take 11 from both sides.", "4t = 36", "Is A right?", "Between A and D", "19 or 0.9"])
def test_what_is_no_answer_gives_nothing_away(text: str) -> None:
    assert not gives_away(QUESTIONS["choice"], text)
