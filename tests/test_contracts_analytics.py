"""The contract of analytics plugins: another's keeps it, and whoever breaks it is found out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bonsai_core import Event, Plugin, Session, hookimpl, on
from bonsai_core.testing import FakeClock, StartServer
from bonsai_core.testing.contracts import AnalyticsContract
from bonsai_core.testing.contracts.analytics import CHOSEN
from tests.contract_faults import broken, finds, load_example, run_check

acme = load_example("acme_analytics.py")
UPDATE = "analytics:update"


class TestAcmeAnalytics(AnalyticsContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return acme.AcmeAnalytics()  # type: ignore[no-any-return]


def session_numbers(change: Callable[[dict[str, Any]], dict[str, Any]]) -> type[Any]:
    """The example, but with the session's numbers changed."""

    def changed(event: str, data: Any) -> Any:
        return (
            data
            if event != UPDATE
            else data | {"currentSession": data["currentSession"] | change(data["currentSession"])}
        )

    return broken(acme.AcmeAnalytics, changed)


def _surer_than_sure(event: str, data: Any) -> Any:
    if event == UPDATE:
        for skill in data["performance"]["bySkill"].values():
            skill["mastery"] = skill["high"] + 0.5
    return data


class InMemory(acme.AcmeAnalytics):  # type: ignore[misc,name-defined]
    """Keeps the counts in itself."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    async def _counts(self, session: Session) -> Any:
        return self.kept.setdefault(session.id, acme.Counts())


class OneForAll(acme.AcmeAnalytics):  # type: ignore[misc,name-defined]
    """Keeps the skills of all students in itself."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    async def _skills(self, session: Session) -> Any:
        return self.kept


class CountsVisits(acme.AcmeAnalytics):  # type: ignore[misc,name-defined]
    """Takes a device that comes back for an answer."""

    @hookimpl
    async def on_connect(self, session: Session) -> None:
        counts = await self._counts(session)
        counts.add(True, 0)
        session.save("counts", counts)
        await super().on_connect(session)


class DevicesApart(acme.AcmeAnalytics):  # type: ignore[misc,name-defined]
    """Counts each device's answers apart."""

    async def _counts(self, session: Session) -> Any:
        kept = await session.load(f"counts.{session.client_id}", acme.Counts) or acme.Counts()
        session.save(f"counts.{session.client_id}", kept)
        return kept


class NoGrades(acme.AcmeAnalytics):  # type: ignore[misc,name-defined]
    @on("analytics:performance")
    async def answered(self, session: Session, answer: acme.Answered) -> Any:  # type: ignore[name-defined]
        answer.correct = answer.correct is True
        return await super().answered(session, answer)


class Lenient(acme.AcmeAnalytics):  # type: ignore[misc,name-defined]
    @on("analytics:performance")
    async def answered(self, session: Session, event: Event) -> Any:
        data = {"questionId": "?", "timeSpent": 0, "correct": True} | event.data
        return await super().answered(
            session,
            acme.Answered.model_construct(
                question_id=data["questionId"],
                time_spent=data["timeSpent"],
                correct=data["correct"],
                skill=data.get("skill"),
                answer=None,
            ),
        )


def _without(*events: str) -> type[Any]:
    return broken(acme.AcmeAnalytics, lambda event, data: None if event in events else data)


def _tells_all(event: str, data: Any) -> Any:
    return data | {"note": CHOSEN.rationale} if event == UPDATE else data


class TellsEverybody(acme.AcmeAnalytics):  # type: ignore[misc,name-defined]
    @on("analytics:progress")
    async def progress(self, session: Session) -> Any:
        session.emit("analytics:progress", {"answered": 1})


COUNTS = "test_counts_and_streaks_are_right"
FAULTS: dict[str, tuple[type[Any], str, dict[str, Any]]] = {
    "counts one too many": (session_numbers(lambda n: {"questionsAnswered": n["questionsAnswered"] + 1}), COUNTS, {}),
    "never ends a streak": (session_numbers(lambda n: {"streakCount": n["correctAnswers"]}), COUNTS, {}),
    "forgets the best streak": (session_numbers(lambda n: {"bestStreak": n["streakCount"]}), COUNTS, {}),
    "reckons accuracy wrongly": (session_numbers(lambda n: {"accuracy": 1.0}), COUNTS, {}),
    "is surer than sure": (broken(acme.AcmeAnalytics, _surer_than_sure), COUNTS, {}),
    "acks something else": (
        broken(acme.AcmeAnalytics, lambda event, data: {"correct": True} if event == "ack" else data),
        COUNTS,
        {},
    ),
    "tells the sender alone": (
        broken(acme.AcmeAnalytics, send="reply"),
        "test_all_devices_of_the_session_and_nobody_else_are_told",
        {},
    ),
    "tells others": (
        broken(acme.AcmeAnalytics, send="class:7b"),
        "test_all_devices_of_the_session_and_nobody_else_are_told",
        {},
    ),
    "greets nobody": (
        type("Quiet", (acme.AcmeAnalytics,), {"on_connect": lambda self, session: None}),
        "test_a_device_that_joins_late_is_told_the_numbers",
        {},
    ),
    "takes a return for an answer": (CountsVisits, "test_a_resent_answer_counts_once", {}),
    "counts devices apart": (DevicesApart, "test_two_devices_at_once_lose_no_answer", {}),
    "keeps counts in memory": (InMemory, "test_the_numbers_outlive_a_restart", {}),
    "keeps skills in memory": (OneForAll, "test_the_numbers_outlive_a_restart", {}),
    "mixes students": (OneForAll, "test_sessions_are_counted_apart_and_skills_over_all_of_them", {}),
    "cannot grade": (
        NoGrades,
        "test_the_server_grades_what_a_bank_knows",
        {"question": CHOSEN, "answers": {"B": True, "A": False}},
    ),
    "tells the answer before": (
        broken(acme.AcmeAnalytics, _tells_all),
        "test_the_server_grades_what_a_bank_knows",
        {"question": CHOSEN, "answers": {"B": True}},
    ),
    "takes anything": (Lenient, "test_what_is_no_answer_is_refused_and_not_counted", {"data": {}}),
    "breaks at words": (
        Lenient,
        "test_what_is_no_answer_is_refused_and_not_counted",
        {"data": {"questionId": "q1", "correct": True, "timeSpent": "a while"}},
    ),
    "is not observable": (
        broken(acme.AcmeAnalytics, send="reply"),
        "test_other_plugins_observe_answers_and_numbers",
        {},
    ),
    "tells no progress": (_without("analytics:progress"), "test_progress_is_told_to_who_asks", {}),
    "tells everybody progress": (TellsEverybody, "test_progress_is_told_to_who_asks", {}),
    "declares nothing": (type("Silent", (acme.AcmeAnalytics,), {"emits": {}}), "test_its_events_are_declared", {}),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_analytics_plugin_that_breaks_the_contract_is_found_out(
    fault: str, bonsai_server: StartServer, fake_clock: FakeClock, tmp_path: Path
) -> None:
    plugin, check, more = FAULTS[fault]
    if check == "test_the_numbers_outlive_a_restart":
        more = {"tmp_path": tmp_path}
    await finds(AnalyticsContract, check, plugin(), bonsai_server, fake_clock, **more)


async def test_the_faults_are_what_is_found(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    for check in (COUNTS, "test_all_devices_of_the_session_and_nobody_else_are_told"):
        await run_check(AnalyticsContract, check, broken(acme.AcmeAnalytics)(), bonsai_server, fake_clock)
