"""The plugin in a real server, by real clients; analytics is a stand-in, for plugins do not know one another."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import pytest
from bonsai_recs.client import Recommendations
from bonsai_recs.events import Update
from bonsai_recs.plugin import Recs

from bonsai_core import Payload, Plugin, Question, Session, hookimpl, on
from bonsai_core.client import Auth, Client, ServerError
from bonsai_core.domain import DOMAIN_OF_SKILL, SKILLS, Choice, Section
from bonsai_core.testing import FakeClock, StartServer, TestServer, WireClient

PER_SKILL = 14
DAY = 86_400
CHOICES = [Choice(key=key, text=f"{key}?", misconception=f"You forgot {key}.") for key in "ABCD"]


def bank() -> list[Question]:
    """Fourteen questions a skill, two of each band."""
    return [question(skill, n) for skill in SKILLS for n in range(PER_SKILL)]


def question(skill: str, n: int, id: str = "") -> Question:
    domain = DOMAIN_OF_SKILL[skill]
    return Question(
        id=id or f"{domain.code}-{SKILLS.index(skill)}-{n}",
        section=domain.section,
        domain=domain.name,
        skill=skill,
        stem=f"What is {n}?",
        choices=CHOICES,
        answers=["B"],
        rationale="Because it is.",
        band=n % 7 + 1,
        guessing=0.2,
        expected_seconds=60.0,
        hints=["Look.", "Think.", "Nearly.", "It is B."],
        strategy="Guess.",
    )


class Answer(Payload):
    question_id: str
    correct: bool
    time_spent: float
    skill: str | None = None


class Analytics(Plugin):
    """Emits what an analytics plugin emits."""

    name = "analytics"

    @on("analytics:performance")
    async def answered(self, session: Session, answer: Answer) -> dict[str, bool]:
        session.emit("analytics:performance", answer)
        return {"correct": answer.correct}


class AcmeBank(Plugin):
    """Another package's bank."""

    name = "acme_bank"

    @hookimpl(optionalhook=True)
    def add_questions(self) -> Iterable[Question]:
        return (question("Circles", n, f"acme-{n}") for n in range(3))


class BrokenBank(Plugin):
    name = "broken_bank"

    @hookimpl(optionalhook=True)
    def add_questions(self) -> Iterable[Question]:
        yield question("Circles", 1, "broken-1")
        raise OSError("disk on fire")


Start = Callable[..., Awaitable[TestServer]]


@pytest.fixture
def start(bonsai_server: StartServer, fake_clock: FakeClock) -> Start:
    async def start(*others: Plugin, **settings: Any) -> TestServer:
        return await bonsai_server(plugins=[Recs(bank), *others], clock=fake_clock, **settings)

    return start


async def ask(device: WireClient, **request: Any) -> dict[str, Any]:
    """Request, and return the update that follows."""
    accepted = await device.request("recommendations:request", request)
    return await update_of(device, accepted)


async def update_of(device: WireClient, accepted: dict[str, Any]) -> dict[str, Any]:
    while True:
        data: dict[str, Any] = (await device.recv("recommendations:update"))["data"]
        if data["revision"] == accepted["revision"]:
            assert len(data["questions"]) == accepted["count"]
            return data


async def answer(device: WireClient, shown: dict[str, Any], correct: bool = True, seconds: float = 60.0) -> None:
    data = {"questionId": shown["id"], "correct": correct, "timeSpent": seconds, "skill": shown["skill"]}
    await device.request("analytics:performance", data)


async def test_all_devices_get_questions_without_what_gives_them_away(start: Start) -> None:
    server = await start()
    phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
    data = await ask(phone, count=7)
    assert (await laptop.recv("recommendations:update"))["data"] == data
    Update.model_validate(data)
    assert data["mode"] == "practice"
    assert len({q["id"] for q in data["questions"]}) == 7
    for shown in data["questions"]:
        assert set(shown) == {
            *("id", "section", "subject", "domain", "skill", "difficulty", "band"),
            *("expectedSeconds", "reason", "stem", "choices"),
        }
        assert all(choice.keys() == {"key", "text"} for choice in shown["choices"])
        assert shown["reason"].endswith(".")
        assert shown["reason"].count(". ") == 0


@pytest.mark.parametrize(
    ("preferences", "holds"),
    [
        ({"subjects": ["math"]}, lambda q: q["subject"] == "math"),
        ({"subjects": ["reading", "Circles"]}, lambda q: q["subject"] == "reading" or q["skill"] == "Circles"),
        ({"difficulty": 5}, lambda q: q["difficulty"] == 5),
        ({"difficulty": 1, "subjects": ["writing"]}, lambda q: q["difficulty"] == 1 and q["subject"] == "writing"),
    ],
)
@pytest.mark.parametrize("mode", ["practice", "diagnose"])
async def test_preferences_are_hard_limits(
    start: Start, mode: str, preferences: dict[str, Any], holds: Callable[[dict[str, Any]], bool]
) -> None:
    server = await start()
    data = await ask(await server.connect(), preferences=preferences, mode=mode, count=8)
    assert len(data["questions"]) == 8
    assert all(holds(shown) for shown in data["questions"])


async def test_the_time_limit_is_kept_at_the_students_own_pace(start: Start) -> None:
    server = await start(Analytics())
    device = await server.connect()
    data = await ask(device, preferences={"timeLimit": 200}, count=10)
    assert len(data["questions"]) == 3
    for shown in data["questions"]:
        await answer(device, shown, seconds=120.0)
    data = await ask(device, preferences={"timeLimit": 300}, count=10)
    spent = sum(q["expectedSeconds"] for q in data["questions"])
    assert data["questions"][0]["expectedSeconds"] > 70
    assert 150 < spent <= 300.5
    await answer(device, data["questions"][0], seconds=290.0)
    left = (await device.recv("recommendations:update"))["data"]
    assert left["questions"] == []


@pytest.mark.parametrize(
    "request_",
    [
        {"count": 0},
        {"count": 51},
        {"mode": "cram"},
        {"preferences": {"difficulty": 6}},
        {"currentSkillLevel": {"math": 2}},
    ],
)
async def test_a_request_out_of_bounds_is_refused(start: Start, request_: dict[str, Any]) -> None:
    server = await start()
    device = await server.connect()
    with pytest.raises(AssertionError, match="invalid_payload"):
        await device.request("recommendations:request", request_)


async def test_an_unknown_subject_is_refused_and_an_unknown_weak_area_ignored(start: Start) -> None:
    server = await start()
    device = await server.connect()
    with pytest.raises(AssertionError, match="no such subject: alchemy"):
        await device.request("recommendations:request", {"preferences": {"subjects": ["math", "alchemy"]}})
    assert len((await ask(device, weakAreas=["alchemy", "circles"]))["questions"]) == 5


async def test_without_analytics_what_the_front_end_says_counts(start: Start) -> None:
    server = await start()
    device = await server.connect()

    async def bands(**request: Any) -> float:
        shown = (await ask(device, count=10, **request))["questions"]
        return float(sum(q["band"] for q in shown)) / len(shown)

    usual = await bands()
    assert await bands(currentSkillLevel={"math": 0.15, "reading": 0.15, "writing": 0.15}) < usual - 0.8
    assert await bands(currentSkillLevel={"math": 0.9, "Reading and Writing": 0.9}) > usual + 0.8
    assert await bands(context={"recentPerformance": [1, 1, 0.9, 1, 1, 1]}) > usual + 0.5
    assert len((await ask(device, weakAreas=["Circles"], count=1))["questions"]) == 1


async def test_an_answer_changes_what_is_recommended_by_itself(start: Start) -> None:
    server = await start(Analytics())
    phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
    data = await ask(phone)
    first = data["questions"][0]
    await answer(laptop, first)
    pushed = (await phone.recv("recommendations:update"))["data"]
    assert pushed["revision"] == data["revision"] + 1
    assert first["id"] not in {q["id"] for q in pushed["questions"]}
    assert len(pushed["questions"]) == 5


async def test_an_answer_to_nothing_asked_for_sends_nothing(start: Start) -> None:
    server = await start(Analytics())
    device = await server.connect()
    await answer(device, {"id": "elsewhere", "skill": "Circles"})
    await device.sync()
    assert device.of("recommendations:update") == []


async def test_no_question_comes_twice_until_its_review_is_due(start: Start, fake_clock: FakeClock) -> None:
    server = await start(Analytics())
    device = await server.connect()
    seen: set[str] = set()
    wrong: set[str] = set()
    data = await ask(device, preferences={"subjects": ["Circles"]}, count=3)
    for number in range(PER_SKILL):
        shown = data["questions"][0]
        assert not seen & {q["id"] for q in data["questions"]}
        seen.add(shown["id"])
        right = number % 2 == 0
        if not right:
            wrong.add(shown["id"])
        await answer(device, shown, right)
        data = await update_of(device, await device.request("recommendations:refresh", {}))
    assert data["questions"] == []
    fake_clock.advance(30 * DAY)
    device = await server.connect(client="later")
    data = await ask(device, preferences={"subjects": ["Circles"]}, count=50)
    assert {q["id"] for q in data["questions"]} == wrong
    assert all("You missed this one" in q["reason"] for q in data["questions"])


async def test_answers_move_the_level(start: Start) -> None:
    server = await start(Analytics())

    async def level(user: str, right: bool) -> float:
        device = await server.connect(user=user, session=f"{user}'s")
        data = await ask(device, preferences={"subjects": ["math"]})
        for _ in range(12):
            await answer(device, data["questions"][0], right)
            data = await update_of(device, await device.request("recommendations:refresh", {}))
        return float(sum(q["band"] for q in data["questions"])) / 5

    assert await level("ada", True) > await level("bob", False) + 2


async def test_a_diagnosis_keeps_to_the_blueprint_and_ends(start: Start) -> None:
    server = await start(Analytics())
    device = await server.connect()
    data = await ask(device, mode="diagnose", count=3)
    asked: list[dict[str, Any]] = []
    while data["questions"]:
        assert not {q["id"] for q in asked} & {q["id"] for q in data["questions"]}
        asked.append(data["questions"][0])
        await answer(device, asked[-1], correct=len(asked) % 3 > 0)
        data = await update_of(device, await device.request("recommendations:refresh", {}))
        sections = sum(q["section"] == Section.MATH.value for q in asked) - len(asked) * 44 / 98
        assert abs(sections) <= 4
        assert len(asked) <= 40
    assert data["diagnosis"]["finished"] is True
    assert data["diagnosis"]["asked"] == len(asked) >= 12
    assert len({q["domain"] for q in asked}) == 8


async def test_exposure_of_a_diagnosis_is_shared_by_all_students(start: Start) -> None:
    server = await start()
    firsts = []
    for number in range(12):
        device = await server.connect(user=f"u{number}", session=f"s{number}", client=f"c{number}")
        firsts.append((await ask(device, mode="diagnose", count=1))["questions"][0]["id"])
        while await server.app.shared.fold():
            pass
    assert len(set(firsts)) >= 4


async def test_a_mock_test_has_four_modules_and_the_second_depends_on_the_first(start: Start) -> None:
    server = await start(Analytics())
    device = await server.connect()
    data = await ask(device, mode="mock")
    assert len(data["questions"]) == 27
    assert data["module"] == {
        "section": "Reading and Writing",
        "number": 1,
        "route": "medium",
        "seconds": 1920,
        "finished": False,
    }
    first = {q["id"] for q in data["questions"]}
    for shown in data["questions"]:
        await answer(device, shown)
    second = (await device.recv("recommendations:update"))["data"]
    assert (second["module"]["number"], second["module"]["route"]) == (2, "harder")
    assert not first & {q["id"] for q in second["questions"]}
    # Handed in unanswered, the module counts as wrong.
    math = await update_of(device, await device.request("recommendations:refresh", {}))
    assert (math["module"]["section"], math["module"]["number"], math["module"]["route"]) == ("Math", 1, "medium")
    assert len(math["questions"]) == 22
    easier = await update_of(device, await device.request("recommendations:refresh", {}))
    assert (easier["module"]["number"], easier["module"]["route"]) == (2, "easier")
    over = await update_of(device, await device.request("recommendations:refresh", {}))
    assert over["module"]["finished"] is True
    assert over["questions"] == []


async def test_a_module_under_way_stays_what_it_was(start: Start) -> None:
    server = await start(Analytics())
    device = await server.connect()
    data = await ask(device, mode="mock", preferences={"subjects": ["math"]})
    await answer(device, data["questions"][0])
    await device.sync()
    assert len(device.of("recommendations:update")) == 1
    again = await ask(device, mode="mock", preferences={"subjects": ["math"]})
    assert {q["id"] for q in again["questions"]} == {q["id"] for q in data["questions"][1:]}


async def test_the_state_survives_a_restart(start: Start, tmp_path: Any) -> None:
    store = f"sqlite:///{tmp_path / 'bonsai.db'}"
    server = await start(Analytics(), store_url=store)
    device = await server.connect()
    data = await ask(device, preferences={"subjects": ["Circles"]}, count=4)
    done = {q["id"] for q in data["questions"][:2]}
    for shown in data["questions"][:2]:
        await answer(device, shown)
    await server.stop()

    server = await start(Analytics(), store_url=store)
    device = await server.connect(client="c2")
    data = await update_of(device, await device.request("recommendations:refresh", {}))
    assert len(data["questions"]) == 4
    assert {q["skill"] for q in data["questions"]} == {"Circles"}
    assert not done & {q["id"] for q in data["questions"]}
    assert data["revision"] > 2


async def test_many_devices_that_answer_at_once_lose_nothing(start: Start) -> None:
    server = await start(Analytics())
    devices = [await server.connect(session=f"s{n % 2}", client=f"c{n}") for n in range(4)]
    shown = (await ask(devices[0], preferences={"subjects": ["Circles"]}, count=12))["questions"]
    await asyncio.gather(*(answer(devices[n % 4], question) for n, question in enumerate(shown)))
    left = await update_of(devices[0], await devices[0].request("recommendations:refresh", {}))
    assert len(left["questions"]) == PER_SKILL - 12


async def test_other_packages_bring_banks_and_a_broken_one_costs_only_itself(start: Start) -> None:
    server = await start(AcmeBank(), BrokenBank())
    assert (await server.app.find_question("acme-2")).id == "acme-2"  # type: ignore[union-attr]
    assert await server.app.find_question("broken-1") is None
    found = await server.app.find_question("H-10-0")
    assert found is not None
    assert found.answers == ["B"]
    health = await server.app.health()
    assert health["plugins"]["recs"]["questions"] == len(SKILLS) * PER_SKILL + 3


async def test_a_bank_plugin_also_loads_without_this_one(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[AcmeBank()])
    device = await server.connect()
    with pytest.raises(AssertionError, match="unknown_event"):
        await device.request("recommendations:request", {})


async def test_without_any_questions_the_list_is_empty(bonsai_server: StartServer) -> None:
    def fails() -> list[Question]:
        raise OSError("no such bank")

    server = await bonsai_server(plugins=[Recs(fails)])
    for mode in ("practice", "diagnose", "mock"):
        device = await server.connect(session=mode, client=mode)
        assert (await ask(device, mode=mode))["questions"] == []


async def test_the_client_helper_follows_the_list(start: Start) -> None:
    server = await start(Analytics())
    async with Client(server.url, auth=Auth(token=server.token("ada"), session_id="s1")) as client:
        recommendations = Recommendations(client)
        assert list(recommendations.questions) == []
        revisions: list[int] = []

        @recommendations.on_update
        async def note(update: Update) -> None:
            revisions.append(update.revision)

        updates = recommendations.updates()
        questions = await recommendations.request(preferences={"subjects": ["math"]}, count=3)
        assert [q.subject for q in questions] == ["math"] * 3
        await client.request(
            "analytics:performance",
            {"questionId": questions[0].id, "correct": True, "timeSpent": 50, "skill": questions[0].skill},
        )
        await recommendations.refresh()
        assert [(await anext(updates)).revision for _ in range(3)] == [1, 2, 3]
        assert revisions == [1, 2, 3]
        assert recommendations.latest is not None
        assert questions[0].id not in {q.id for q in recommendations.questions}
        with pytest.raises(ServerError, match="no such subject"):
            await recommendations.request(preferences={"subjects": ["alchemy"]})


def test_importing_the_plugin_loads_nothing_heavy() -> None:
    probe = (
        "import sys; from bonsai_core import Payload, Plugin, Question, Session, on; before = set(sys.modules)\n"
        "import bonsai_recs.plugin\n"
        "bonsai_recs.plugin.Recs()\n"
        "print(*sorted({m.partition('.')[0] for m in set(sys.modules) - before}))"
    )
    shown = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.split()
    assert "bonsai_recs" in shown
    assert not {"numpy", "fsrs", "rich", "aiohttp", "click", "scipy", "sympy", "catsim"} & set(shown)


async def test_every_payload_has_an_example_that_fits_the_protocol(start: Start) -> None:
    server = await start()
    device = await server.connect()
    data = await ask(device, count=1)
    assert json.loads(json.dumps(data)) == data
    assert {"questions", "generatedAt", "mode", "revision"} <= data.keys()
