"""The plugin in a real server, by real clients, with real worker processes that do as a scripted picture says."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from bonsai_vision.events import Analyzed, Failed, Progress
from bonsai_vision.plugin import Vision
from bonsai_vision.settings import AiSettings, VisionSettings

from bonsai_core import Plugin, Question, QuestionAnalysis, Session, hookimpl, observes
from bonsai_core.domain import Choice, Insight, Section
from bonsai_core.testing import FakeClock, StartProcess, StartServer, TestServer, WireClient, WireError

README = Path(__file__).parents[1] / "README.md"
TASK = f"{Path(__file__).with_name('vision_tasks.py')}:Reader"
PNG = b"\x89PNG\r\n\x1a\n"
#: Message ids: rising, for whichever client.
IDS = itertools.count(1)

Start = Callable[..., Awaitable[TestServer]]


def picture(text: str = "What is x?", **script: Any) -> bytes:
    return PNG + json.dumps({"text": text, **{name: str(value) for name, value in script.items()}}).encode()


async def warm(server: TestServer) -> None:
    """Wait until the plugin says that it is ready."""
    async with asyncio.timeout(20):
        while not (await health(server))["ready"]:  # noqa: ASYNC110 - other processes' doing
            await asyncio.sleep(0.01)


async def health(server: TestServer) -> dict[str, Any]:
    """What the plugin says of itself."""
    return (await server.app.health())["plugins"]["vision"]  # type: ignore[no-any-return]


@pytest.fixture
def start(bonsai_server: StartServer) -> Start:
    async def start(*others: Plugin, settings: VisionSettings | None = None, **options: Any) -> TestServer:
        settings = settings or VisionSettings(workers=1, grace_ms=0)
        server = await bonsai_server(plugins=[Vision(settings, TASK), *others], **options)
        await warm(server)
        return server

    return start


async def send(device: WireClient, data: bytes, event: str = "question:analyze", **fields: Any) -> int:
    """Send a picture as an attachment; returns the message's id."""
    id = next(IDS)
    await device.send_attachment(event, fields, data, id=id)
    return id


async def analyze(device: WireClient, data: bytes, event: str = "question:analyze", **fields: Any) -> Any:
    """Send a picture as an attachment and return the ack's data."""
    return await device.answer(await send(device, data, event, **fields))


async def shoot(device: WireClient, data: bytes, extension: str = "ext", **fields: Any) -> int:
    """Send a screenshot as an extension does; returns the message's id."""
    metadata = {"url": "https://example.org/q", "timestamp": 1, "dimensions": {"width": 800, "height": 600}}
    return await send(device, data, "extension:screenshot", extensionId=extension, metadata=metadata, **fields)


async def begun(device: WireClient, name: str) -> None:
    """Return when a worker is at work on the question."""
    while (frame := (await device.recv("question:progress"))["data"])["questionId"] != name or frame[
        "stage"
    ] != "decode":
        pass


def refused(error: pytest.ExceptionInfo[WireError], code: str) -> None:
    assert error.value.code == code


async def test_a_picture_is_analysed_step_by_step_and_all_devices_watch(start: Start) -> None:
    server = await start()
    phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
    ack = await analyze(phone, picture("What is x?"), questionId="q1")
    assert ack == {"questionId": "q1", "cached": False, "stored": False}
    for device in (phone, laptop):
        analyzed = await device.recv("question:analyzed")
        assert analyzed["offset"] == 1, "logged, so it is not lost on a device that was away"
        Analyzed.model_validate(analyzed["data"])
        assert analyzed["data"]["analysis"]["stem"] == "What is x?"
        assert analyzed["data"]["timings"].keys() == {"decode", "ocr", "total"}
        steps = [frame["data"] for frame in device.of("question:progress")]
        assert [step["stage"] for step in steps] == ["received", "decode", "ocr"]
        assert [step["fraction"] for step in steps] == [0.0, 0.1, 0.7]
        assert steps[2]["partial"] == {"text": "What is x?"}
        assert all(Progress.model_validate(step).question_id == "q1" for step in steps)
        assert not any("offset" in frame for frame in device.of("question:progress"))


async def test_a_text_is_analysed_too(start: Start) -> None:
    server = await start()
    device = await server.connect()
    ack = await device.request("question:analyze", {"text": "If 2x = 6, what is x?"})
    analyzed = (await device.recv("question:analyzed"))["data"]
    assert analyzed["questionId"] == ack["questionId"]
    assert analyzed["analysis"]["text"] == "If 2x = 6, what is x?"


@pytest.mark.parametrize("form", ["base64", "data:image/png;base64,"])
async def test_a_small_picture_may_come_in_the_json(start: Start, form: str) -> None:
    server = await start()
    device = await server.connect()
    text = base64.b64encode(picture("What is y?")).decode()
    await device.request("question:analyze", {"image": text if form == "base64" else form + text})
    assert (await device.recv("question:analyzed"))["data"]["analysis"]["text"] == "What is y?"


async def test_a_question_without_a_name_is_called_by_its_content(start: Start) -> None:
    server = await start()
    device = await server.connect()
    first, again, other = [(await analyze(device, picture(text)))["questionId"] for text in ("a", "a", "b")]
    assert first == again != other


async def test_an_extension_sends_a_screenshot_through_the_same_pipeline(start: Start) -> None:
    server = await start()
    device = await server.connect(user="ada")
    await device.answer(await shoot(device, picture(), userId="ada", questionId="q1"))
    analyzed = (await device.recv("question:analyzed"))["data"]
    assert (analyzed["questionId"], analyzed["extensionId"]) == ("q1", "ext")
    with pytest.raises(WireError) as error:
        await device.answer(await shoot(device, picture(), userId="bob"))
    refused(error, "forbidden")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "invalid_payload"),
        (b"GIF89a" + b"0" * 50, "unsupported_type"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unsupported_type"),
        (PNG + b"0" * 3000, "too_large"),
    ],
)
async def test_what_is_no_picture_is_refused_without_a_worker(start: Start, data: bytes, code: str) -> None:
    server = await start(settings=VisionSettings(workers=1, max_bytes=2000))
    device = await server.connect()
    with pytest.raises(WireError) as error:
        await analyze(device, data, questionId="q1")
    refused(error, code)
    if code != "invalid_payload":
        failed = Failed.model_validate((await device.recv("question:error"))["data"])
        assert (failed.question_id, failed.code) == ("q1", code)
    assert (await analyze(device, picture()))["cached"] is False


@pytest.mark.parametrize("fields", [{}, {"text": "  "}, {"text": "x", "image": "aGk="}, {"image": "not base64!"}])
async def test_a_request_has_either_a_text_or_a_picture(start: Start, fields: Any) -> None:
    server = await start()
    device = await server.connect()
    with pytest.raises(WireError) as error:
        await device.request("question:analyze", fields)
    refused(error, "invalid_payload")


async def test_what_was_analysed_before_is_answered_from_memory(start: Start, tmp_path: Path) -> None:
    server = await start()
    shot = picture(log=tmp_path / "log")
    ada, bob = await server.connect(user="ada", session="a"), await server.connect(user="bob", session="b")
    assert (await analyze(ada, shot))["cached"] is False
    assert (await analyze(ada, shot))["cached"] is True
    assert (await analyze(bob, shot, questionId="mine"))["cached"] is True
    analyzed = (await bob.recv("question:analyzed"))["data"]
    assert (analyzed["questionId"], analyzed["cached"], analyzed["analysis"]["text"]) == ("mine", True, "What is x?")
    assert (tmp_path / "log").read_text().splitlines() == ["What is x?"]


async def test_the_memory_is_bounded(start: Start, tmp_path: Path) -> None:
    server = await start(settings=VisionSettings(workers=1, cache=2))
    device = await server.connect()
    assert [(await analyze(device, picture(text)))["cached"] for text in ("a", "b", "a", "c", "b", "c")] == [
        *(False, False, True),
        *(False, False, True),
    ]


async def test_equal_pictures_at_the_same_time_are_read_once(start: Start, tmp_path: Path) -> None:
    server = await start()
    shot = picture(log=tmp_path / "log", wait=tmp_path / "go")
    ada, bob = await server.connect(user="ada", session="a"), await server.connect(user="bob", session="b")
    mine = await send(ada, shot, questionId="q1")
    await begun(ada, "q1")
    his = await send(bob, shot, questionId="q2")
    await begun(bob, "q2")
    (tmp_path / "go").touch()
    await asyncio.gather(ada.answer(mine), bob.answer(his))
    assert (await bob.recv("question:analyzed"))["data"]["questionId"] == "q2"
    assert (tmp_path / "log").read_text().splitlines() == ["What is x?"]


async def test_one_of_two_who_ask_for_the_same_may_give_up(start: Start, tmp_path: Path) -> None:
    server = await start()
    shot = picture(wait=tmp_path / "go")
    ada, bob = await server.connect(user="ada", session="a"), await server.connect(user="bob", session="b")
    mine = await send(ada, shot, questionId="q1")
    await begun(ada, "q1")
    his = await send(bob, shot, questionId="q1")
    await begun(bob, "q1")
    assert await ada.request("question:cancel", {"questionId": "q1"}, id=next(IDS)) == {"cancelled": 1}
    (tmp_path / "go").touch()
    with pytest.raises(WireError) as error:
        await ada.answer(mine)
    refused(error, "cancelled")
    await bob.answer(his)


async def test_an_analysis_can_be_cancelled_by_any_device_of_the_session(start: Start, tmp_path: Path) -> None:
    server = await start()
    phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
    stranger = await server.connect(user="bob", session="b")
    id = await send(phone, picture(wait=tmp_path / "never"), questionId="q1")
    await begun(phone, "q1")
    for device, count in ((stranger, 0), (laptop, 1), (laptop, 0)):
        cancelled = await device.request("question:cancel", {"questionId": "q1"}, id=next(IDS))
        assert cancelled == {"cancelled": count}
    with pytest.raises(WireError) as error:
        await phone.answer(id)
    refused(error, "cancelled")
    assert (await laptop.recv("question:error"))["data"]["code"] == "cancelled"
    await analyze(phone, picture("the worker is free"))


@pytest.mark.parametrize("how", ["left", "lost"])
async def test_the_analyses_of_a_device_that_leaves_end(start: Start, tmp_path: Path, how: str) -> None:
    server = await start()
    phone, laptop = await server.connect(client="phone"), await server.connect(client="laptop")
    await send(phone, picture(wait=tmp_path / "never"), questionId="q1")
    await begun(laptop, "q1")
    if how == "left":
        await phone.send("user:disconnect", {})
    else:
        await phone.abort()
    failed = (await laptop.recv("question:error"))["data"]
    assert (failed["questionId"], failed["code"]) == ("q1", "cancelled")
    await analyze(laptop, picture("the worker is free"))


async def test_a_device_that_was_lost_for_a_moment_gets_its_answer(start: Start, tmp_path: Path) -> None:
    server = await start(settings=VisionSettings(workers=1, grace_ms=60_000))
    shot = picture(log=tmp_path / "log", wait=tmp_path / "go")
    device = await server.connect()
    id = await send(device, shot, questionId="q1")
    await begun(device, "q1")
    await device.abort()
    device = await server.connect()
    await device.send_attachment("question:analyze", {"questionId": "q1"}, shot, id=id)
    (tmp_path / "go").touch()
    assert (await device.answer(id))["questionId"] == "q1"
    assert len(device.of("question:analyzed")) == 1
    assert (tmp_path / "log").read_text().splitlines() == ["What is x?"]


async def test_a_resent_analysis_takes_effect_once(start: Start) -> None:
    server = await start()
    device = await server.connect()
    id = await send(device, picture(), questionId="q1")
    first = await device.answer(id)
    await device.send_attachment("question:analyze", {"questionId": "q1"}, picture(), id=id)
    assert await device.answer(id) == first
    assert len(device.of("question:analyzed")) == 1


async def test_a_newer_screenshot_takes_the_place_of_one_that_waits(start: Start, tmp_path: Path) -> None:
    server = await start()
    device, other = await server.connect(user="ada"), await server.connect(user="bob", session="b")
    busy = await send(device, picture("busy", wait=tmp_path / "go"), questionId="busy")
    await begun(device, "busy")
    log = tmp_path / "log"
    old = await shoot(device, picture("old", log=log))
    elsewhere = await shoot(device, picture("other extension", log=log), "ext2")
    strangers = await shoot(other, picture("another student's", log=log))
    new = await shoot(device, picture("new", log=log))
    with pytest.raises(WireError) as error:
        await device.answer(old)
    refused(error, "replaced")
    (tmp_path / "go").touch()
    await asyncio.gather(*(device.answer(id) for id in (busy, elsewhere, new)), other.answer(strangers))
    assert sorted(log.read_text().splitlines()) == ["another student's", "new", "other extension"]


async def test_a_full_queue_says_when_to_come_back(start: Start, tmp_path: Path) -> None:
    server = await start(settings=VisionSettings(workers=1, queue=2))
    device = await server.connect()
    ids = [await send(device, picture(str(n), wait=tmp_path / "go"), questionId=str(n)) for n in range(3)]
    await begun(device, "0")
    with pytest.raises(WireError) as error:
        await analyze(device, picture("one too many"))
    refused(error, "overloaded")
    assert error.value.data["retryAfterMs"] >= 250
    (tmp_path / "go").touch()
    await asyncio.gather(*(device.answer(id) for id in ids))


async def test_one_student_does_not_fill_the_queue(start: Start, tmp_path: Path) -> None:
    server = await start(settings=VisionSettings(workers=1, per_user=2))
    ada, bob = await server.connect(user="ada", session="a"), await server.connect(user="bob", session="b")
    ids = [await send(ada, picture(str(n), wait=tmp_path / "go"), questionId=str(n)) for n in range(2)]
    await begun(ada, "0")
    with pytest.raises(WireError) as error:
        await analyze(ada, picture("one too many"))
    refused(error, "overloaded")
    his = await send(bob, picture("his"))
    (tmp_path / "go").touch()
    await asyncio.gather(bob.answer(his), *(ada.answer(id) for id in ids))


async def test_an_analysis_that_waits_too_long_is_given_up(start: Start, tmp_path: Path) -> None:
    server = await start(settings=VisionSettings(workers=1, wait_ms=300))
    device = await server.connect()
    with pytest.raises(WireError) as error:
        await analyze(device, picture(wait=tmp_path / "never"))
    refused(error, "timeout")
    assert (await device.recv("question:error"))["data"]["code"] == "timeout"
    await analyze(device, picture("the worker is free"))


async def test_other_events_do_not_wait_for_an_analysis(start: Start, tmp_path: Path) -> None:
    server = await start()
    device = await server.connect()
    id = await send(device, picture(wait=tmp_path / "go"), questionId="q1")
    await begun(device, "q1")
    await device.request("session:update", {"patch": {"page": 2}}, id=next(IDS))
    assert device.of("question:analyzed") == []
    (tmp_path / "go").touch()
    await device.answer(id)


async def test_a_worker_killed_at_work_costs_nothing_but_time(start: Start, tmp_path: Path) -> None:
    server = await start()
    device = await server.connect()
    pid = workers()[0]
    id = await send(device, picture(log=tmp_path / "log", wait=tmp_path / "go"), questionId="q1")
    await begun(device, "q1")
    os.kill(pid, signal.SIGKILL)
    (tmp_path / "go").touch()
    await device.answer(id)
    assert len(device.of("question:analyzed")) == 1
    assert (tmp_path / "log").read_text().splitlines() == ["What is x?"] * 2


SCRIPTED = f"""
from bonsai_vision.plugin import Vision
from bonsai_vision.settings import AiSettings, VisionSettings


class ScriptedVision(Vision):
    name = "scripted_vision"

    def __init__(self) -> None:
        super().__init__(VisionSettings(workers=1), {TASK!r})
"""


async def test_a_server_killed_at_work_leaves_nothing_behind_and_a_resend_takes_effect_once(
    bonsai_process: StartProcess, tmp_path: Path
) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "scripted_vision.py").write_text(SCRIPTED)
    server = await bonsai_process(plugins_dir=folder, plugins=["scripted_vision"])
    device = await server.connect()
    shot = picture(wait=tmp_path / "go")
    id = await send(device, shot, questionId="q1")
    await begun(device, "q1")
    pids = workers(server.pid)
    await server.kill()
    async with asyncio.timeout(10):
        while any(map(alive, pids)):  # noqa: ASYNC110 - the system's doing
            await asyncio.sleep(0.01)
    (tmp_path / "go").touch()
    await server.start()
    device = await server.connect(resume=device.positions)
    for _ in range(2):
        await device.send_attachment("question:analyze", {"questionId": "q1"}, shot, id=id)
        assert (await device.answer(id, timeout=20))["questionId"] == "q1"
    assert len(device.of("question:analyzed")) == 1
    assert len(pids) == 1


async def test_a_picture_that_kills_workers_is_not_tried_again_for_a_while(
    start: Start, tmp_path: Path, fake_clock: FakeClock
) -> None:
    server = await start(clock=fake_clock)
    device = await server.connect()
    bad = picture(die=1, log=tmp_path / "log")
    for _ in range(2):
        with pytest.raises(WireError) as error:
            await analyze(device, bad)
        refused(error, "worker_lost")
    assert len((tmp_path / "log").read_text().splitlines()) == 2, "a job is retried once, and then never mind"
    fake_clock.advance(601)
    with pytest.raises(WireError):
        await analyze(device, bad)
    assert len((tmp_path / "log").read_text().splitlines()) == 4
    await analyze(device, picture("the pool lives"))


async def test_a_screenshot_is_kept_only_if_asked_for_and_allowed(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    server = await start(settings=VisionSettings(workers=1, keep_dir=folder, keep_per_user=2))
    device = await server.connect(user="ada@example.org")
    assert (await analyze(device, picture("a")))["stored"] is False
    assert not folder.exists()
    for text in "bcd":
        assert (await analyze(device, picture(text), store=True))["stored"] is True
    kept = sorted(folder.rglob("*.png"))
    assert {path.read_bytes() for path in kept} == {picture("c"), picture("d")}
    assert all(path.stat().st_mode & 0o077 == 0 for path in kept)
    assert "ada" not in str(kept)

    server = await start()
    device = await server.connect()
    assert (await analyze(device, picture("a"), store=True))["stored"] is False


class Bank(Plugin):
    """A bank with one question, and one that breaks."""

    name = "bank"

    @hookimpl(optionalhook=True)
    def known_questions(self) -> Iterable[Question]:
        yield Question(
            id="acme-1",
            section=Section.MATH,
            domain="Algebra",
            skill="Linear functions",
            stem="What is the slope?",
            choices=[Choice(key="A", text="1", misconception="m"), Choice(key="B", text="2")],
            answers=["B"],
            rationale="r",
            hints=["h"],
        )
        raise OSError("disk on fire")


class Analyser(Plugin):
    """Adds an insight; another plugin's fails."""

    name = "analyser"

    def __init__(self) -> None:
        self.asked = 0

    @hookimpl(optionalhook=True)
    async def insights(self, analysis: QuestionAnalysis) -> list[Insight]:
        self.asked += 1
        analysis.insights.clear()  # a copy: this hurts nobody
        return [Insight(kind="trap", text=f"Read it twice: {analysis.stem}")]


class BrokenAnalyser(Plugin):
    name = "broken_analyser"

    @hookimpl(optionalhook=True)
    def insights(self, analysis: QuestionAnalysis) -> list[str]:
        return ["no insight"]


class FailingAnalyser(Plugin):
    name = "failing_analyser"

    @hookimpl(optionalhook=True)
    def insights(self, analysis: QuestionAnalysis) -> list[Insight]:
        raise RuntimeError


async def test_questions_of_banks_are_recognised(start: Start) -> None:
    server = await start(Bank())
    device = await server.connect()
    async with asyncio.timeout(5):
        while (await health(server))["knownQuestions"] != 1:  # noqa: ASYNC110 - a thread's doing
            await asyncio.sleep(0.01)
    await analyze(device, picture("What is the slope?"))
    assert (await device.recv("question:analyzed"))["data"]["analysis"]["matchedQuestionId"] == "acme-1"


class SlowBank(Plugin):
    """Has its questions only the second time."""

    name = "slow_bank"
    asked = 0

    @hookimpl(optionalhook=True)
    async def known_questions(self) -> Iterable[Question]:
        self.asked += 1
        if self.asked == 1:
            raise TimeoutError
        return Bank().known_questions()


async def test_a_bank_that_still_loads_is_asked_again(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bonsai_vision.service.PAUSES_S", (0.01, 0.01, 0.0))
    server = await start(SlowBank())
    async with asyncio.timeout(5):
        while (await health(server))["knownQuestions"] != 1:  # noqa: ASYNC110 - a thread's doing
            await asyncio.sleep(0.01)


async def test_workers_get_no_answers_of_known_questions() -> None:
    from bonsai_vision.known import collect

    count, data = collect([("bank", Bank().known_questions()), ("none", None)])
    assert count == 1
    assert json.loads(data) == [
        {
            "id": "acme-1",
            "section": "Math",
            "domain": "Algebra",
            "skill": "Linear functions",
            "stem": "What is the slope?",
            "choices": [{"key": "A", "text": "1"}, {"key": "B", "text": "2"}],
            "band": 4,
            "discrimination": 1.0,
            "guessing": 0.0,
            "expectedSeconds": 75.0,
            "strategy": "",
        }
    ]


async def test_other_plugins_add_insights_once_and_their_failures_cost_only_theirs(start: Start) -> None:
    analyser = Analyser()
    server = await start(analyser, BrokenAnalyser(), FailingAnalyser())
    device = await server.connect()
    for _ in range(2):
        await analyze(device, picture())
        insights = (await device.recv("question:analyzed"))["data"]["analysis"]["insights"]
        assert insights == [
            {"kind": "goal", "text": "Find the slope."},
            {"kind": "trap", "text": "Read it twice: What is x?"},
        ]
    assert analyser.asked == 1


class Coach(Plugin):
    """Observes analyses."""

    name = "coach"

    def __init__(self) -> None:
        self.seen: list[str] = []

    @observes("question:analyzed")
    async def analyzed(self, session: Session, analyzed: Analyzed) -> None:
        self.seen.append(analyzed.analysis.stem)


async def test_other_plugins_observe_analyses(start: Start) -> None:
    coach = Coach()
    server = await start(coach)
    device = await server.connect()
    await analyze(device, picture("a"))
    await analyze(device, picture("a"))
    assert coach.seen == ["a", "a"]


async def test_the_server_is_up_before_the_models_and_says_when_they_are_ready(
    bonsai_server: StartServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISION_TEST_LOADED", str(tmp_path / "loaded"))
    server = await bonsai_server(plugins=[Vision(VisionSettings(workers=1), TASK.replace(":Reader", ":Late"))])
    device = await server.connect()
    early = await send(device, picture())
    assert (await device.recv("question:progress"))["data"]["stage"] == "received"
    assert (await server.app.health())["ready"] is False
    assert not (await health(server)).get("workersReady")
    (tmp_path / "loaded").touch()
    await device.answer(early)
    assert (await server.app.health())["ready"] is True


async def test_a_server_whose_workers_do_not_start_works_but_for_pictures(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Vision(VisionSettings(workers=1), "no.such.module:task")])
    device = await server.connect()
    with pytest.raises(WireError) as error:
        await analyze(device, picture())
    refused(error, "plugin_unavailable")
    assert (await server.app.health())["ready"] is True
    assert "ModuleNotFoundError" in (await health(server))["error"]


async def test_stopping_ends_the_workers_and_what_they_do(start: Start, tmp_path: Path) -> None:
    server = await start(drain_timeout_ms=100)
    device = await server.connect()
    await send(device, picture(wait=tmp_path / "never"), questionId="q1")
    await begun(device, "q1")
    assert len(workers()) == 1
    async with asyncio.timeout(5):
        await server.stop()
    assert workers() == []


def workers(parent: int | None = None) -> list[int]:
    """Process ids of a server's workers, zombies too; of this process, if no other is said."""
    parent = parent or os.getpid()
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(pid) for pid in children if b"bonsai_vision.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended but was not waited for does not count."""
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_settings_come_from_the_environment_and_name_what_is_wrong() -> None:
    read = VisionSettings.read({"BONSAI_VISION_QUEUE": "5", "BONSAI_VISION_NICE": " ", "X": "y"})
    assert (read.queue, read.nice, read.keep_dir, read.ai.on) == (5, 10, None, False)
    assert VisionSettings(workers=3).processes == 3
    assert VisionSettings().processes >= 1
    for name, value in {"QUEUE": "0", "NICE": "20", "TIMEOUT_MS": "soon", "WAIT_MS": "99999"}.items():
        with pytest.raises(ValueError, match=f"BONSAI_VISION_{name} must be a number from"):
            VisionSettings.read({f"BONSAI_VISION_{name}": value})


def test_every_setting_is_documented_with_its_default() -> None:
    rows = [line for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| `BONSAI_")]
    table = {name: row.split("|")[2] for row in rows for name in re.findall(r"BONSAI_\w+", row.split("|")[1])}
    for entry in (*fields(VisionSettings), *fields(AiSettings)):
        name = entry.metadata.get("name")
        if name:
            assert re.search(rf"(?<![\d.]){re.escape(str(entry.default))}(?![\d.])", table[name]), name
    assert {"BONSAI_VISION_KEEP_DIR"} <= table.keys()


def test_an_ai_service_whose_settings_make_no_sense_is_off_and_says_why() -> None:
    given = {"BONSAI_AI_URL": "https://ai.example/v1/", "BONSAI_AI_VISION_MODEL": "eyes", "BONSAI_AI_KEY": "hush"}
    ai = VisionSettings.read(given).ai
    assert (ai.on, ai.url, ai.key, ai.problem) == (True, "https://ai.example/v1", "hush", "")
    assert "hush" not in repr(ai)
    for name, value in {"URL": "ftp://hush", "KEY": "hüsh", "VISION_TIMEOUT_MS": "hush"}.items():
        ai = VisionSettings.read(given | {f"BONSAI_AI_{name}": value}).ai
        assert (ai.on, f"BONSAI_AI_{name} must be" in ai.problem, "hush" in ai.problem) == (False, True, False)
    assert VisionSettings.read({"BONSAI_AI_URL": "https://ai.example/v1"}).ai.on is False, (
        "a coach's model sees nothing"
    )


def test_importing_the_plugin_loads_nothing_heavy() -> None:
    probe = (
        "import sys; from bonsai_core import Payload, Plugin, Question, Session, on; before = set(sys.modules)\n"
        "import bonsai_vision.plugin\n"
        "bonsai_vision.plugin.Vision()\n"
        "print(*sorted({m.partition('.')[0] for m in set(sys.modules) - before}))"
    )
    shown = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.split()
    assert "bonsai_vision" in shown
    heavy = {
        "numpy",
        "cv2",
        "onnxruntime",
        "rapidocr",
        "PIL",
        "rapidfuzz",
        "aiohttp",
        "click",
        "rich",
        "multiprocessing",
    }
    assert not heavy & set(shown)
