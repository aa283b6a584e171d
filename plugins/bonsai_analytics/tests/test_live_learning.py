"""The learner model in a real server: what an answer changes for its student, and for everybody."""

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from bonsai_analytics import student_page, student_report
from bonsai_analytics.client import LiveAnalytics
from bonsai_analytics.events import Goal, Progress, Update
from bonsai_analytics.live import shared_key
from bonsai_analytics.model.shared import ANSWERED
from bonsai_analytics.model.student import Student
from bonsai_analytics.plugin import Analytics
from bonsai_analytics.replay import ReplayFailed

from bonsai_core import Plugin, Settings
from bonsai_core.client import Client, ServerError
from bonsai_core.domain import SKILLS
from bonsai_core.testing import FakeClock, StartProcess, StartServer, TestServer

Connect = Callable[..., Awaitable[Client]]
DAY = 86_400


def answer(**more: Any) -> dict[str, Any]:
    return {"questionId": "q1", "correct": True, "timeSpent": 60, "skill": "Circles"} | more


async def folded(server: TestServer) -> None:
    while await server.app.shared.fold():
        pass


@pytest.fixture
async def live(connect: Connect) -> LiveAnalytics:
    live = LiveAnalytics(await connect())
    await live.start_session()
    return live


async def numbers(live: LiveAnalytics) -> Progress:
    return await live.progress(7)


async def test_right_answers_raise_mastery_and_narrow_it(live: LiveAnalytics) -> None:
    await live.record_answer("q1", True, 60, "Circles")
    first = (await numbers(live)).skills["Circles"]
    for n in range(8):
        await live.record_answer(f"q{n + 2}", True, 60, "Circles")
    later = (await numbers(live)).skills["Circles"]
    assert later.mastery > first.mastery
    assert later.high - later.low < first.high - first.low
    assert later.answered == later.correct == 9


async def test_scores_are_withheld_until_ten_answers_in_a_section(live: LiveAnalytics) -> None:
    seen: list[Update] = []
    live.on_update(seen.append)
    for n in range(10):
        await live.record_answer(f"m{n}", True, 60, "Circles")
    for n in range(10):
        await live.record_answer(f"r{n}", False, 60, "Inferences")
    for n in range(12):
        await live.record_answer(f"x{n}", True, 60, "Juggling")
    last = (await numbers(live)).score
    assert last is not None
    assert last.total is not None
    assert last.low is not None
    assert last.high is not None
    assert last.low < last.total < last.high
    assert last.sections["Math"].score > last.sections["Reading and Writing"].score
    told = [update.score for update in seen]
    assert told[8] is None
    assert told[9] is not None
    assert told[9].total is None
    assert seen[8].trend is None
    assert seen[9].trend is not None


async def test_who_gets_a_skills_questions_right_is_good_at_it(live: LiveAnalytics) -> None:
    for n in range(16):
        await live.record_answer(f"m{n}", True, 60, "Circles")
        await live.record_answer(f"r{n}", n % 4 == 0, 60, "Inferences")
    skills = (await numbers(live)).skills
    assert skills["Circles"].low > 0.5
    assert skills["Inferences"].mastery < 0.5


async def test_skills_outside_the_test_never_give_a_score(live: LiveAnalytics) -> None:
    for n in range(25):
        await live.record_answer(f"q{n}", True, 60, "Juggling")
    progress = await numbers(live)
    assert progress.score is None
    assert progress.skills["Juggling"].mastery > 0.5


async def test_pace_is_told_against_the_tests_own(live: LiveAnalytics) -> None:
    update = live.snapshot
    assert update is not None
    assert update.current_session.test_pace is None
    seen: list[Update] = []
    live.on_update(seen.append)
    await live.record_answer("q", True, 35 * 60 / 22 / 2, "Circles")
    await live.record_answer("q", True, 500, "Juggling")
    await numbers(live)
    assert seen[-1].current_session.test_pace == 2


async def test_a_rapid_guess_counts_for_pace_and_not_for_ability(live: LiveAnalytics, connect: Connect) -> None:
    seen: list[Any] = []
    client = await connect()
    client.on("analytics:performance", lambda message: seen.append(message.data))
    await live.record_answer("q1", True, 60, "Circles")
    before = (await numbers(live)).skills["Circles"]
    await live.record_answer("q2", False, 2, "Circles")
    progress = await numbers(live)
    after = progress.skills["Circles"]
    assert (after.mastery, after.low, after.high) == (before.mastery, before.low, before.high)
    assert (after.answered, progress.totals.seconds) == (2, 62)
    await client.request("analytics:progress", {})
    assert [data.get("rapid") for data in seen] == [None, True]


async def test_what_others_answer_makes_a_question_harder_for_all(server: TestServer, connect: Connect) -> None:
    expected: list[float] = []
    for n in range(12):
        client = await connect(f"s{n}", user=f"u{n}")
        client.on("analytics:performance", lambda message: expected.append(message.data["expected"]))
        await client.request("analytics:performance", answer(correct=False, skill="Juggling"))
        await client.request("analytics:progress", {})
        await folded(server)
    assert len(expected) == 12
    assert expected[-1] < expected[0] - 0.1


async def test_a_resent_answer_is_learnt_from_once(server: TestServer) -> None:
    student = await server.connect(user="ada", session="s1")
    for _ in range(3):
        await student.send("analytics:performance", answer(), id=1)
    await student.request("analytics:performance", answer(), id=2)
    await folded(server)
    item = await server.app.shared.load("analytics/items", shared_key("q1", False, 65_536))
    skill = await server.app.shared.load("analytics/skills", "Circles")
    assert item[2:5] == skill[2:5] == [2, 2, 2]


async def test_made_up_names_take_no_more_than_their_part_of_the_store(
    bonsai_server: StartServer, bank: Plugin
) -> None:
    server = await bonsai_server(plugins=[Analytics(unknown_questions=8, unknown_skills=4), bank])
    flooder = await server.connect(user="eve", session="s1")
    for n in range(60):
        made_up = answer(questionId=f"made up {n}", skill=f"made up {n}")
        await flooder.send("analytics:performance", made_up)
    await flooder.request("analytics:performance", answer(questionId="choice", skill="Linear functions"))
    await folded(server)

    async def answered(collection: str, keys: Iterable[str]) -> list[int]:
        found = [await server.app.shared.load(f"analytics/{collection}", key) for key in keys]
        return [aggregate[ANSWERED] if aggregate else 0 for aggregate in found]

    assert sum(await answered("items", (f"? {n}" for n in range(8)))) == 60
    assert sum(await answered("skills", (f"? {n}" for n in range(4)))) == 60
    for collection in ("items", "skills"):
        assert sum(await answered(collection, (f"made up {n}" for n in range(60)))) == 0
    assert await answered("items", ["choice"]) == await answered("skills", ["Linear functions"]) == [1]


async def test_goals_are_set_told_and_taken_away(connect: Connect, fake_clock: FakeClock) -> None:
    client, other = await connect(), await connect("s2")
    told: list[Any] = []
    other.on("analytics:goal", lambda message: told.append(message.data))
    goal = {"total": 1400, "perWeek": 50}
    assert await client.request("analytics:goal", goal) == goal | {"thisWeek": 0}
    for n in range(10):
        await client.request("analytics:performance", answer(questionId=f"m{n}"))
        await client.request("analytics:performance", answer(questionId=f"r{n}", skill="Inferences"))
    now = Goal.model_validate(await client.request("analytics:goal", {}))
    assert now.this_week == 20
    assert now.chance is not None
    assert 0 < now.chance < 1
    assert await client.request("analytics:goal", {"total": None}) == {"perWeek": 50, "thisWeek": 20}
    await other.request("analytics:progress", {})
    assert [sorted(data) for data in told] == [["perWeek", "thisWeek", "total"], ["perWeek", "thisWeek"]]
    fake_clock.advance(7 * DAY)
    again = await connect("s3")
    assert (await again.request("analytics:progress", {}))["goal"] == {"perWeek": 50, "thisWeek": 0}


async def test_the_client_sets_and_takes_away_goals(live: LiveAnalytics) -> None:
    assert (await live.goal(total=1300, per_week=20)).per_week == 20
    assert (await live.goal(per_week=None)).total == 1300
    assert await live.goal() == Goal(total=1300, this_week=0)


@pytest.mark.parametrize("goal", [{"total": 390}, {"total": 1605}, {"perWeek": 0}, {"total": "much"}])
async def test_a_goal_out_of_bounds_is_refused(connect: Connect, goal: dict[str, Any]) -> None:
    with pytest.raises(ServerError, match="invalid_payload"):
        await (await connect()).request("analytics:goal", goal)


async def test_predicted_totals_of_days_past_are_kept(connect: Connect, fake_clock: FakeClock) -> None:
    progress = None
    for day in range(3):
        client = await connect(f"s{day}")
        for n in range(10):
            await client.request("analytics:performance", answer(questionId=f"m{n}"))
            await client.request("analytics:performance", answer(questionId=f"r{n}", skill="Inferences"))
        progress = Progress.model_validate(await client.request("analytics:progress", {"days": 30}))
        assert len(progress.scores) == day
        fake_clock.advance(DAY)
    assert progress is not None
    assert sum(week.answered for week in progress.weeks) == 60
    assert progress.scores[0].at < progress.scores[1].at


async def test_a_restart_keeps_everything(bonsai_server: StartServer, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bonsai.db"
    server = await bonsai_server(plugins=[Analytics()], store_url=url)
    student = await server.connect(user="ada", session="s1")
    await student.request("analytics:goal", {"perWeek": 9}, id=1)
    for n in range(20):
        skill = SKILLS[0] if n % 2 else SKILLS[-1]
        await student.request("analytics:performance", answer(questionId=f"q{n}", skill=skill), id=n + 2)
    before = await student.request("analytics:progress", {"days": 2}, id=50)
    await folded(server)
    item = await server.app.shared.load("analytics/items", shared_key("q3", False, 65_536))
    await server.stop()
    server = await bonsai_server(plugins=[Analytics()], store_url=url)
    again = await server.connect(user="ada", session="s1")
    assert await again.request("analytics:progress", {"days": 2}, id=51) == before
    assert await server.app.shared.load("analytics/items", shared_key("q3", False, 65_536)) == item
    assert item is not None
    assert before["score"]["total"]


async def test_a_students_document_is_small(connect: Connect, server: TestServer) -> None:
    client = await connect()
    for n in range(120):
        await client.request(
            "analytics:performance", answer(questionId=f"q{n}", skill=SKILLS[n % 29], correct=n % 3 > 0)
        )
    document = await server.app.documents.load("ada", "analytics/u/student")
    assert document is not None
    assert len(document.value) < 4800


async def test_the_report_is_asked_for_and_written(
    bonsai_process: StartProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    server = await bonsai_process(plugins="analytics")
    settings = Settings(env_file=None, dev=True)
    empty = await student_report.ask(settings, server.url, "<new>", 7, 0)
    assert "&lt;new&gt;" in student_page.page("<new>", empty)
    student_report.tell("<new>", empty)
    assert "No predicted score yet" in capsys.readouterr().out
    with pytest.raises(ReplayFailed, match="no server at"):
        await student_report.ask(settings, "ws://127.0.0.1:9", "ada", 7, 0)


def progress() -> Progress:
    """A month of somebody's practice."""
    skills = {s: {"mastery": 0.6, "low": 0.4, "high": 0.8, "answered": 9, "correct": 6} for s in SKILLS}
    skills["<b>Juggling"] = {"mastery": 0.1, "low": 0.0, "high": 0.3, "answered": 2, "correct": 0}
    section = {"score": 640, "low": 580, "high": 700, "testLow": 560, "testHigh": 720}
    return Progress.model_validate(
        {
            "days": [
                {"date": f"2026-03-{n + 1:02}", "answered": n, "correct": n // 2, "seconds": 60} for n in range(30)
            ],
            "weeks": [],
            "totals": {"answered": 435, "correct": 200, "seconds": 9000, "accuracy": 0.46},
            "skills": skills,
            "score": {
                "total": 1280,
                "low": 1190,
                "high": 1360,
                "testLow": 1170,
                "testHigh": 1390,
                "sections": {"Math": section},
            },
            "scores": [{"at": n * DAY * 1000, "total": 1200, "low": 1100, "high": 1300} for n in range(9)],
            "goal": {"total": 1400, "chance": 0.08, "perWeek": 60, "thisWeek": 31},
        }
    )


def test_the_page_is_one_well_formed_file_without_scripts() -> None:
    from html.parser import HTMLParser

    open_tags: list[str] = []

    class Check(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            assert tag not in ("script", "link", "img", "iframe")
            assert not any(name in ("src", "href") or name.startswith("on") for name, _ in attrs)
            if tag not in ("meta", "br"):
                open_tags.append(tag)

        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            pass

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    html = student_page.page("<i>ada</i>", progress())
    Check().feed(html)
    assert open_tags == []
    assert "<i>ada" not in html
    assert "<b>Juggling" not in html
    assert "prefers-color-scheme: dark" in html
    assert "goal 1400" in html
    assert html.count('class="row"') == 2 + len(SKILLS) + 1  # scores and skills
    assert "10 Mar: 9 answers, 4 right" in html


def test_the_report_prints_the_weakest_skills_first(capsys: pytest.CaptureFixture[str]) -> None:
    student_report.tell("ada", progress())
    lines = capsys.readouterr().out.splitlines()
    total = next(line for line in lines if line.startswith("total"))
    assert total.split() == ["total", "1280", "1190", "to", "1360", "1170", "to", "1390"]
    head = next(n for n, line in enumerate(lines) if line.startswith("skill"))
    assert lines[head + 1].startswith("<b>Juggling")


async def test_a_student_of_whom_nothing_is_known_has_wide_intervals(live: LiveAnalytics) -> None:
    assert live.snapshot is not None
    assert live.snapshot.performance.by_skill == {}
    assert live.snapshot.score is None
    assert Student.read(None, Analytics()._learner.constants).variance > 0.5
