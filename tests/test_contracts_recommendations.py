"""The contract of recommending plugins: another package's keeps it, and whoever breaks it is found out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bonsai_core import Plugin, Session, on
from bonsai_core.testing import FakeClock, StartServer
from bonsai_core.testing.contracts import RecommendationsContract
from tests.contract_faults import broken, finds, load_example, run_check

acme = load_example("acme_recs/acme_recs.py")
UPDATE = "recommendations:update"


class TestAcmeRecs(RecommendationsContract):
    @pytest.fixture
    def plugin(self) -> Plugin:
        return acme.AcmeRecs()  # type: ignore[no-any-return]


def each_question(change: Callable[[dict[str, Any]], dict[str, Any]]) -> type[Any]:
    """The example, but with every question that it sends changed."""

    def changed(event: str, data: Any) -> Any:
        return data if event != UPDATE else data | {"questions": [q | change(q) for q in data["questions"]]}

    return broken(acme.AcmeRecs, changed)


class Forgetful(acme.AcmeRecs):  # type: ignore[misc,name-defined]
    @on("recommendations:refresh")
    async def refresh(self, session: Session) -> dict[str, Any]:
        return await self._recommend(session, acme.Request(count=50))  # type: ignore[no-any-return]


class Deaf(acme.AcmeRecs):  # type: ignore[misc,name-defined]
    async def answered(self, session: Session, answer: Any) -> None:
        """Not marked as a handler, so it sees no answers."""


class WithoutBank(acme.AcmeRecs):  # type: ignore[misc,name-defined]
    async def find_question(self, question_id: str) -> None:
        """Not marked as a hook, so nobody asks it."""


class Careless(acme.AcmeRecs):  # type: ignore[misc,name-defined]
    """Its requests say less than they should of what is allowed."""

    @on("recommendations:request")
    async def request(self, session: Session, request: Any) -> dict[str, Any]:
        return await self._recommend(session, acme.Request())  # type: ignore[no-any-return]


class Deluge(acme.AcmeRecs):  # type: ignore[misc,name-defined]
    async def _recommend(self, session: Session, request: Any) -> Any:
        return await super()._recommend(session, request.model_copy(update={"count": request.count + 1}))


class Fragile(acme.AcmeRecs):  # type: ignore[misc,name-defined]
    async def _recommend(self, session: Session, request: Any) -> Any:
        known = {"math": 1, "reading": 1, "writing": 1}
        _ = [known[subject] for subject in request.preferences.subjects]
        return await super()._recommend(session, request)


def _wish(name: str, value: Any) -> type[Any]:
    """The example, but without heed of one preference."""

    class Heedless(acme.AcmeRecs):  # type: ignore[misc,name-defined]
        async def _recommend(self, session: Session, request: Any) -> Any:
            preferences = request.preferences.model_copy(update={name: value})
            return await super()._recommend(session, request.model_copy(update={"preferences": preferences}))

    return Heedless


FAULTS: dict[str, tuple[type[Any], str, dict[str, Any]]] = {
    "tells the answer": (each_question(lambda q: {"answers": ["1"]}), "test_the_answer_is_never_sent", {}),
    "tells the answer in the reason": (
        each_question(lambda q: {"reason": acme.AcmeRecs().bank[q["id"]].rationale}),
        "test_the_answer_is_never_sent",
        {},
    ),
    "tells misconceptions": (
        each_question(lambda q: {"choices": [{"key": "A", "text": "1", "misconception": "Halved."}]}),
        "test_as_many_come_as_were_asked_for",
        {"count": 1},
    ),
    "cannot be graded": (WithoutBank, "test_the_answer_is_never_sent", {}),
    "mixes labels": (
        each_question(lambda q: {"subject": "writing"}),
        "test_as_many_come_as_were_asked_for",
        {"count": 1},
    ),
    "has scales of its own": (
        each_question(lambda q: {"difficulty": q["band"] + 1}),
        "test_all_that_a_front_end_may_tell_is_taken",
        {},
    ),
    "says no reason": (each_question(lambda q: {"reason": ""}), "test_as_many_come_as_were_asked_for", {"count": 3}),
    "repeats itself": (each_question(lambda q: {"id": "same"}), "test_as_many_come_as_were_asked_for", {"count": 3}),
    "sends too many": (Deluge, "test_as_many_come_as_were_asked_for", {"count": 1}),
    "is deaf to subjects": (_wish("subjects", []), "test_preferences_are_hard_limits", {}),
    "is deaf to difficulty": (_wish("difficulty", None), "test_preferences_are_hard_limits", {}),
    "is deaf to the time": (_wish("time_limit", None), "test_preferences_are_hard_limits", {}),
    "takes alchemy for a subject": (
        _wish("subjects", []),
        "test_no_question_comes_of_a_subject_that_there_is_not",
        {},
    ),
    "breaks at a subject": (Fragile, "test_no_question_comes_of_a_subject_that_there_is_not", {}),
    "takes any number": (
        broken(Careless),
        "test_a_request_out_of_bounds_is_refused",
        {"request_": {"count": 0}},
    ),
    "forgets what was asked": (Forgetful, "test_refreshing_asks_again_as_was_asked_last", {}),
    "asks the same again": (Deaf, "test_what_was_just_answered_does_not_come_again_at_once", {}),
    "tells the sender alone": (
        broken(acme.AcmeRecs, send="reply"),
        "test_all_devices_of_the_session_and_nobody_else_get_the_questions",
        {},
    ),
    "tells others": (
        broken(acme.AcmeRecs, send="class:7b"),
        "test_all_devices_of_the_session_and_nobody_else_get_the_questions",
        {},
    ),
    "is not observable": (broken(acme.AcmeRecs, send="reply"), "test_other_plugins_observe_the_questions", {}),
    "declares nothing": (type("Silent", (acme.AcmeRecs,), {"emits": {}}), "test_its_events_are_declared", {}),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_recommender_that_breaks_the_contract_is_found_out(
    fault: str, bonsai_server: StartServer, fake_clock: FakeClock
) -> None:
    plugin, check, more = FAULTS[fault]
    await finds(RecommendationsContract, check, plugin(), bonsai_server, fake_clock, **more)


async def test_the_faults_are_what_is_found(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    for check in ("test_the_answer_is_never_sent", "test_refreshing_asks_again_as_was_asked_last"):
        await run_check(RecommendationsContract, check, broken(acme.AcmeRecs)(), bonsai_server, fake_clock)
