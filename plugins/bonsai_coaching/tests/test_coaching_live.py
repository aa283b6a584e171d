"""The coach in a live session: triggers over real sockets, time, several devices, crashes, other plugins' triggers."""

import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest
from bonsai_coaching.plugin import Coaching
from bonsai_coaching.replay import read_recording
from bonsai_coaching.settings import Settings

from bonsai_core import Plugin, hookimpl
from bonsai_core.testing import FakeClock, StartProcess, TestServer, WireClient

Start = Callable[..., Awaitable[TestServer]]
RECORDED = sorted((Path(__file__).parent / "recorded").glob("*.jsonl"))


async def emit(device: WireClient, event: str, data: Mapping[str, Any]) -> None:
    await device.request("play:emit", {"event": event, "data": data})


async def answer(device: WireClient, question: str, correct: bool, skill: str = "Circles") -> None:
    data = {"questionId": question, "correct": correct, "timeSpent": 60, "skill": skill}
    await emit(device, "analytics:performance", data)


def kinds(device: WireClient) -> list[str]:
    """The kinds of the messages that a device has got."""
    return [frame["data"]["kind"] for frame in device.of("coaching:message")]


def quiet_timer() -> Coaching:
    """A coach that looks at the time only when told."""
    return Coaching(Settings(dwell_seconds=0), look_every=3600)


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
async def test_a_recorded_session_played_live_brings_the_same_messages(
    start: Start, fake_clock: FakeClock, path: Path
) -> None:
    coaching = quiet_timer()
    server = await start(coaching=coaching)
    begin, device, number = fake_clock.now(), None, 0
    for number, line in enumerate(read_recording(path), start=1):
        fake_clock.advance(max(0.0, begin / 1000 + line.at - fake_clock.now() / 1000))
        before = len(device.frames) if device is not None else 0
        if line.event == "connect":
            device = await server.connect(user="ada", client=f"device-{number}")
            await device.recv("coaching:state")
            before = 0
        assert device is not None
        if line.event == "tick":
            await coaching.look_at_time(server.app)
        elif line.event == "session:end":
            await device.request("session:end", {})
        elif line.event == "coaching:focus" and "band" in line.data:  # by a question of this band and skill
            analysis = {"text": "?", "stem": "?", "section": "Math", **difficulty_of(line.data["band"])}
            data = {"questionId": line.data["questionId"], "analysis": analysis | {"skill": line.data["skill"]}}
            await emit(device, "question:analyzed", data)
        elif line.event.startswith("coaching:"):
            await device.request(line.event, line.data)
        elif line.event != "connect":
            await emit(device, line.event, line.data)
        await device.sync()
        came = [f["data"]["kind"] for f in device.frames[before:] if f["event"] == "coaching:message"]
        assert came == ([line.expect] if line.expect else []), f"line {number}"


def difficulty_of(band: float) -> dict[str, Any]:
    """The difficulty of an analysis whose mean band is this."""
    if band <= 4.5:
        easy = (4.5 - band) / 2.5
        return {"difficulty": {"easy": easy, "medium": 1 - easy, "hard": 0}}
    hard = min((band - 4.5) / 2, 1.0)
    return {"difficulty": {"easy": 0, "medium": 1 - hard, "hard": hard}}


async def test_time_is_looked_at_by_itself(start: Start, fake_clock: FakeClock) -> None:
    server = await start(coaching=Coaching(Settings(), look_every=0.01))
    phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
    await phone.recv("coaching:message")
    await phone.request("coaching:focus", {"questionId": "c4"})
    fake_clock.advance(120)
    for device in (phone, laptop):
        while (message := (await device.recv("coaching:message"))["data"])["kind"] != "idle":
            pass
        assert message["reason"] == "You have been on this question for 120 s; it usually takes 60 s."
        assert [action["action"] for action in message["actions"]] == ["get_hint", "open_strategy", "next_question"]
        assert message["questionId"] == "c4"


async def test_nobody_is_nudged_who_is_not_there_and_time_begins_anew_on_return(
    start: Start, fake_clock: FakeClock
) -> None:
    coaching = quiet_timer()
    server = await start(coaching=coaching)
    device = await server.connect()
    await device.request("coaching:focus", {"questionId": "c4"})
    await device.close()
    fake_clock.advance(150)
    await coaching.look_at_time(server.app)
    back = await server.connect(client="c2")
    assert [m["kind"] for m in (await back.recv("coaching:state"))["data"]["messages"]] == ["session_start"]
    fake_clock.advance(119)
    await coaching.look_at_time(server.app)
    await back.sync()
    assert kinds(back) == []
    fake_clock.advance(1)
    await coaching.look_at_time(server.app)
    await back.sync()
    assert kinds(back) == ["idle"]


async def test_a_nudge_comes_once_to_all_devices_of_the_student(start: Start) -> None:
    server = await start()
    phone = await server.connect(session="s1", client="phone")
    laptop = await server.connect(session="s2", client="laptop")
    await answer(phone, "c1", False)
    await answer(phone, "c2", False)
    told = [frame["data"] for frame in phone.of("coaching:message") if frame["data"]["kind"] == "two_wrong"]
    assert len(told) == 1
    assert told[0]["type"] == "strategy"
    assert told[0]["reason"] == "2 wrong answers in a row on circles."
    opened = told[0]["actions"][0]
    assert opened["action"] == "open_strategy"
    assert (await phone.request(opened["event"], opened["data"]))["skill"] == "Circles"
    while (message := (await laptop.recv("coaching:message"))["data"])["kind"] != "two_wrong":
        pass
    assert message == told[0]


async def test_a_resent_answer_brings_no_second_nudge(start: Start) -> None:
    server = await start()
    device = await server.connect()
    await answer(device, "c1", False)
    data = {"event": "analytics:performance", "data": {"questionId": "c2", "correct": False, "skill": "Circles"}}
    for _ in range(3):
        await device.request("play:emit", data, id=9)
    await device.sync()
    assert kinds(device).count("two_wrong") == 1


async def test_two_devices_and_one_reads_then_the_server_is_killed(
    bonsai_process: StartProcess, plugins_folder: Path
) -> None:
    server = await bonsai_process(plugins="coaching,player", plugins_dir=plugins_folder)
    phone = await server.connect(client="phone")
    laptop = await server.connect(client="laptop")
    await answer(phone, "c1", False)
    await answer(phone, "c2", False)
    while (nudge := (await laptop.recv("coaching:message"))["data"])["kind"] != "two_wrong":
        pass
    greeting = (await phone.request("coaching:history", {}))["messages"][0]
    assert (await laptop.request("coaching:read", {"ids": [greeting["id"]]}))["unread"] == 1
    assert (await phone.recv("coaching:read"))["data"] == {"ids": [greeting["id"]], "unread": 1}

    # Killed in the midst of twenty messages; what was not acked is sent again, and so is everything else.
    texts = {100 + number: f"hello, this is number {number}" for number in range(20)}
    for id, text in texts.items():
        await phone.send("coaching:message", {"text": text}, id=id)
    for id in list(texts)[:5]:
        await phone.answer(id)
    await server.kill()
    await server.start()
    tablet = await server.connect(client="tablet")
    state = (await tablet.recv("coaching:state"))["data"]
    page = await tablet.request("coaching:history", {"limit": 100})
    assert state["unread"] == page["unread"] == sum(not m["isRead"] for m in page["messages"]) >= 6
    phone = await server.connect(client="phone")
    replies = [(await phone.request("coaching:message", {"text": text}, id=id))["reply"] for id, text in texts.items()]

    page = await phone.request("coaching:history", {"limit": 100}, id=200)
    said = [m["message"] for m in page["messages"] if m["sender"] == "student"]
    assert sorted(said) == sorted(texts.values())
    told = [m["id"] for m in page["messages"] if m["sender"] == "coach"]
    assert sorted(told) == sorted([greeting["id"], nudge["id"], *replies])
    assert [m["id"] for m in page["messages"] if m["isRead"] and m["sender"] == "coach"] == [greeting["id"]]
    assert page["unread"] == len(replies) + 1
    await answer(phone, "c3", False)  # the budget is remembered: no second nudge on this skill
    assert (await phone.request("coaching:read", {}))["unread"] == 0
    assert "two_wrong" not in kinds(phone)


async def test_a_session_ends_with_a_message_and_a_summary(start: Start) -> None:
    server = await start(coaching=quiet_timer())
    device = await server.connect()
    for number in range(1, 5):
        await answer(device, f"c{number}", number > 3, "Circles")
        await answer(device, f"t{number}", True, "Transitions")
    await device.request("coaching:hint", {"questionId": "c5"})
    summary = (await device.request("session:end", {}))["summary"]["coaching"]
    assert (summary["hints"], summary["strong"], summary["weak"]) == (1, "Transitions", "Circles")
    assert summary["messages"] == len([kind for kind in kinds(device) if kind not in ("session_start", "session_end")])
    assert "circles" in summary["advice"]
    assert (await device.recv("session:end"))["data"]["summary"]["coaching"] == summary
    await device.sync()
    assert kinds(device)[-1] == "session_end"


async def test_tutors_are_not_coached(start: Start) -> None:
    server = await start(coaching=quiet_timer())
    desk = await server.connect(user="tara", session="t1", roles=("tutor",), students=("ada",))
    for number in range(4):
        await answer(desk, f"c{number}", False)
    summary = (await desk.request("session:end", {}))["summary"]
    await desk.sync()
    assert kinds(desk) == []
    assert "coaching" not in summary


async def test_facts_that_make_no_sense_are_left_out(start: Start) -> None:
    server = await start()
    device = await server.connect()
    for event, data in (
        ("analytics:performance", {"questionId": "c1"}),
        ("analytics:update", {"performance": {"bySkill": {"Circles": {"mastery": 7}}}}),
        ("recommendations:update", {"questions": [{}]}),
        ("question:analyzed", {"questionId": "x"}),
    ):
        await emit(device, event, data)
    await answer(device, "c1", False)
    await answer(device, "c2", False)
    await device.sync()
    assert "two_wrong" in kinds(device)


async def test_a_skill_that_is_none_of_the_test_is_called_as_it_is_and_an_unknown_one_is_none(start: Start) -> None:
    server = await start(coaching=quiet_timer())
    device = await server.connect()
    for number in range(3):
        await answer(device, f"u{number}", False, "unknown")
    await device.sync()
    assert kinds(device) == ["session_start"]
    for number in range(3):
        await answer(device, f"j{number}", False, "juggling")
    await device.sync()
    message = device.of("coaching:message")[-1]["data"]
    assert message["reason"] == "2 wrong answers in a row on juggling."
    assert [action["action"] for action in message["actions"]] == ["get_hint"]
    assert (await device.request("session:end", {}))["summary"]["coaching"]["weak"] == "juggling"


# Other plugins' triggers


class Owl(Plugin):
    """Brings a trigger, and some that are no good."""

    name = "owl"

    @hookimpl(optionalhook=True)
    async def add_triggers(self) -> Iterable[Mapping[str, Any]]:
        return [
            {
                "kind": "late",
                "on": "answer",
                "when": {"correct": True},
                "type": "insight",
                "priority": "high",
                "texts": ["{answered} done, and it is {hour} o'clock. Sleep helps you learn."],
                "why": "It is {hour} o'clock.",
                "once": "session",
                "actions": ["take_break", {"action": "owl", "label": "Hoot", "event": "owl:hoot", "data": {}}],
                "predicate": lambda signals: {"hour": 23} if signals["answered"] >= 2 else False,
            },
            {"kind": "late", "on": "midnight", "type": "insight", "texts": ["x"], "why": "x"},
            {"kind": "mute", "on": "answer", "type": "insight", "why": "x"},
            "not a rule",  # type: ignore[list-item]
        ]


class Broken(Plugin):
    name = "broken"

    @hookimpl(optionalhook=True)
    def add_triggers(self) -> Iterable[Mapping[str, Any]]:
        raise OSError("no triggers today")


async def test_other_plugins_bring_triggers_that_share_the_budget(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        server = await start(Owl(), Broken(), coaching=quiet_timer())
    left_out = [record.getMessage() for record in caplog.records if "left out" in record.getMessage()]
    assert len(left_out) == 3
    assert all("owl" in line for line in left_out)
    health = await server.app.health()
    assert health["plugins"]["coaching"]["triggers"] == len(Coaching(Settings())._rules) + 1
    device = await server.connect()
    await device.recv("coaching:message")
    await answer(device, "c1", True)
    await answer(device, "c2", True)
    message = (await device.recv("coaching:message"))["data"]
    assert (message["kind"], message["reason"]) == ("late", "It is 23 o'clock.")
    assert message["message"] == "2 done, and it is 23 o'clock. Sleep helps you learn."
    assert [action["action"] for action in message["actions"]] == ["take_break", "owl"]
    await answer(device, "c3", False)
    await answer(device, "c4", False)  # two wrong, but the owl's message was two questions ago
    await answer(device, "c5", False)
    await device.sync()
    assert kinds(device) == ["session_start", "late", "two_wrong"]


async def test_a_plugin_with_triggers_also_loads_without_the_coach(bonsai_server: Any) -> None:
    server = await bonsai_server(plugins=[Owl()])
    assert (await server.app.health())["plugins"]["owl"]["status"] == "loaded"


# Settings


def test_settings_come_from_the_environment_and_faults_name_the_variable(tmp_path: Path) -> None:
    assert Settings.from_environment({}) == Settings()
    own = tmp_path / "rules.toml"
    environ = {
        "BONSAI_COACHING_DWELL_SECONDS": "2.5",
        "BONSAI_COACHING_QUESTIONS_PER_NUDGE": "7",
        "BONSAI_COACHING_RULES": str(own),
    }
    assert Settings.from_environment(environ) == Settings(dwell_seconds=2.5, questions_per_nudge=7, rules=own)
    with pytest.raises(ValueError, match="BONSAI_COACHING_DWELL_SECONDS"):
        Settings.from_environment({"BONSAI_COACHING_DWELL_SECONDS": "-1"})


async def test_an_own_file_of_rules_and_the_budget_are_settings(start: Start, tmp_path: Path) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(
        '[[rule]]\nkind = "mine"\non = "answer"\ntype = "insight"\nwhy = "Each answer."\n'
        'cooldown_minutes = 0\ntexts = ["Answer {answered}."]\n'
    )
    server = await start(coaching=Coaching(Settings(rules=rules, questions_per_nudge=4), look_every=3600))
    device = await server.connect()
    for number in range(9):
        await answer(device, f"q{number}", True)
    await device.sync()
    told = [frame["data"]["message"] for frame in device.of("coaching:message")]
    assert told == ["Answer 1.", "Answer 5.", "Answer 9."]
