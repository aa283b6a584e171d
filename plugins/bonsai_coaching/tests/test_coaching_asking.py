"""Free questions and hints in other words by an AI service, in a live session: streamed, checked, or done without."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from bonsai_coaching import texts
from bonsai_coaching.ai import AiService
from bonsai_coaching.ai.testing import AiServer
from bonsai_coaching.plugin import Coaching
from bonsai_coaching.settings import Settings

from bonsai_core.testing import FakeClock, TestServer, WireClient

Start = Callable[..., Awaitable[TestServer]]
UNKNOWN = {texts.reply("unknown", n) for n in range(texts.reply_variants("unknown"))}
QUESTION = "why do we need the area here"


@pytest.fixture
async def ai() -> AsyncIterator[AiServer]:
    async with AiServer() as server:
        yield server


def coached_by(ai: AiServer, **settings: Any) -> Coaching:
    return Coaching(Settings(dwell_seconds=0), ai=AiService(ai.settings(**settings)), look_every=3600)


async def ask(device: WireClient, text: str = QUESTION) -> str:
    posted = await device.request("coaching:message", {"text": text})
    return str(posted["reply"])


async def answer_to(device: WireClient, id: str) -> list[dict[str, Any]]:
    """All parts of an answer, the complete one last."""
    parts = []
    while True:
        message: dict[str, Any] = (await device.recv("coaching:message"))["data"]
        if message["id"] == id:
            parts.append(message)
            if "part" not in message:
                return parts


async def test_an_answer_comes_in_parts_to_all_devices_and_is_kept_once(start: Start, ai: AiServer) -> None:
    server = await start(coaching=coached_by(ai))
    phone = await server.connect(session="s1", client="phone")
    laptop = await server.connect(session="s2", client="laptop")
    await phone.request("coaching:focus", {"questionId": "c4"})
    sentences = [
        "A circle's area grows with its radius. ",
        "So the area tells you about it. ",
        "Which formula ties them?",
    ]
    ai.reply(*sentences)
    id = await ask(phone)
    for device in (phone, laptop):
        parts = await answer_to(device, id)
        assert [m.get("part") for m in parts] == [*range(1, len(parts)), None]
        assert len(parts) > 2
        assert all(later["message"].startswith(m["message"]) for m, later in pairwise(parts))
        assert parts[-1]["message"] == "".join(sentences)
        assert (parts[-1]["kind"], parts[-1]["reason"]) == ("answer", "You asked. An AI model wrote this.")
        assert parts[-1]["questionId"] == "c4"
    page = await laptop.request("coaching:history", {})
    assert [m["id"] for m in page["messages"]].count(id) == 1
    told = str(ai.requests)
    assert "area 49π" in told
    assert "r = 7" not in told
    assert QUESTION in told


async def test_what_has_an_intent_is_not_asked(start: Start, ai: AiServer) -> None:
    server = await start(coaching=coached_by(ai))
    device = await server.connect()
    for text in ("hi", "just give me the answer", "i want to die", "how am i doing", "hint"):
        await answer_to(device, await ask(device, text))
    assert ai.requests == []


async def test_an_answer_that_leaks_is_dropped_and_the_rung_is_shown(start: Start, ai: AiServer) -> None:
    server = await start(coaching=coached_by(ai))
    device = await server.connect()
    await device.request("coaching:focus", {"questionId": "c4"})
    await device.request("coaching:hint", {"questionId": "c4"})
    await device.request("coaching:hint", {"questionId": "c4"})
    ai.reply("Divide the area by π first. ", "The square root gives 7. ", "So choose B.")
    *parts, last = await answer_to(device, await ask(device))
    assert (last["message"], last["type"]) == ("Set πr² equal to the area.", "hint")
    assert all("7" not in m["message"] for m in parts)


@pytest.mark.parametrize(
    ("reply", "settings"),
    [
        ({"status": 500}, {}),
        ({"cut_before": 0}, {}),
        ({"stall_before": 0}, {"timeout_ms": 150, "first_token_timeout_ms": 100}),
        ({}, {"requests_per_day": 0}),
    ],
)
async def test_without_an_answer_of_the_service_the_built_in_coach_answers(
    start: Start, ai: AiServer, reply: dict[str, Any], settings: dict[str, Any]
) -> None:
    server = await start(coaching=coached_by(ai, **settings))
    device = await server.connect()
    ai.reply("Half a sentence", **reply)
    (last,) = await answer_to(device, await ask(device))
    assert last["message"] in UNKNOWN
    assert last["reason"] == "You asked."


async def test_a_hint_is_said_in_other_words(start: Start, ai: AiServer) -> None:
    server = await start(coaching=coached_by(ai))
    device = await server.connect()
    await device.request("coaching:focus", {"questionId": "c4"})
    await device.request("coaching:hint", {"questionId": "c4"})
    ai.reply("You are looking for how far the edge is from the middle.")
    *_, last = await answer_to(device, await ask(device, "can you explain it differently"))
    assert (last["kind"], last["message"]) == ("rephrase", "You are looking for how far the edge is from the middle.")
    assert "Find the radius." in str(ai.requests[0])
    ai.reply("The radius is 7.")
    *_, last = await answer_to(device, await ask(device, "explain it simpler"))
    assert last["message"] == "Find the radius."


async def test_other_events_do_not_wait_for_an_answer_and_a_resend_asks_no_second_time(
    start: Start, ai: AiServer
) -> None:
    server = await start(coaching=coached_by(ai))
    device = await server.connect()
    ai.reply("Never.", stall_before=0)
    posted = await device.request("coaching:message", {"text": QUESTION}, id=1)
    await ai.wait_for(requests=1)
    again = await server.connect()
    assert await again.request("coaching:message", {"text": QUESTION}, id=1) == posted
    assert (await again.request("coaching:strategy", {"skill": "pacing"}))["skill"] == "pacing"
    assert len(ai.requests) == 1


@pytest.mark.parametrize("service", [True, False])
async def test_a_question_that_a_server_took_with_it_is_answered_after_the_restart(
    start: Start, ai: AiServer, fake_clock: FakeClock, tmp_path: Path, service: bool
) -> None:
    store = f"sqlite:///{tmp_path / 'bonsai.db'}"
    server = await start(coaching=coached_by(ai), store_url=store)
    device = await server.connect()
    ai.reply("Never.", stall_before=0)
    id = await ask(device)
    await ai.wait_for(requests=1)
    await server.stop()
    fake_clock.advance(60)
    server = await start(coaching=coached_by(ai) if service else None, store_url=store)
    back = await server.connect(client="c2")
    state = (await back.recv("coaching:state"))["data"]
    assert [m["message"] in UNKNOWN for m in state["messages"] if m["id"] == id] == [True]
    page = await back.request("coaching:history", {})
    assert [m["id"] for m in page["messages"]].count(id) == 1
    assert page["unread"] == state["unread"] == 2


async def test_who_comes_back_at_once_is_answered_a_little_later(
    start: Start, ai: AiServer, fake_clock: FakeClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bonsai_coaching.plugin.STALE_MS", 100)
    store = f"sqlite:///{tmp_path / 'bonsai.db'}"
    server = await start(coaching=coached_by(ai), store_url=store)
    device = await server.connect()
    ai.reply("Never.", stall_before=0)
    id = await ask(device)
    await ai.wait_for(requests=1)
    await server.stop()
    server = await start(coaching=coached_by(ai), store_url=store)
    back = await server.connect(client="c2")
    (last,) = await answer_to(back, id)
    assert last["message"] in UNKNOWN


async def test_the_service_is_set_up_by_the_environment_and_a_mistake_in_it_costs_only_the_service(
    start: Start, ai: AiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BONSAI_AI_URL", ai.settings().url)
    monkeypatch.setenv("BONSAI_AI_MODEL", "test-model")
    server = await start(coaching=Coaching(Settings(), look_every=3600))
    device = await server.connect()
    ai.reply("The area is given.")
    *_, last = await answer_to(device, await ask(device))
    assert last["message"] == "The area is given."
    assert (await server.app.health())["plugins"]["coaching"]["ai"] == "on"
    monkeypatch.setenv("BONSAI_AI_URL", "nonsense")
    server = await start(coaching=Coaching(Settings(), look_every=3600))
    assert "BONSAI_AI_URL" in (await server.app.health())["plugins"]["coaching"]["ai"]
    device = await server.connect()
    (last,) = await answer_to(device, await ask(device))
    assert last["message"] in UNKNOWN


async def test_many_questions_at_once_are_each_answered_once(start: Start, ai: AiServer) -> None:
    server = await start(coaching=coached_by(ai))
    devices = [await server.connect(session=f"s{n}", client=f"c{n}") for n in range(3)]
    for _ in range(9):
        ai.reply("Look at the area. ", "It is given.")
    ids = await asyncio.gather(*(ask(devices[n % 3], f"{QUESTION} {n}") for n in range(9)))
    wanted, seen = set(ids), []
    while wanted:
        message = (await devices[0].recv("coaching:message"))["data"]
        if message["id"] in ids and "part" not in message:
            seen.append(message["id"])
            wanted.discard(message["id"])
    assert len(seen) == len(set(seen)) == 9
