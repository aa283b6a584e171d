"""The optional service, against a small real HTTP server that answers, stalls, fails, leaks and talks nonsense."""

from __future__ import annotations

import asyncio
import base64
import dataclasses
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from bonsai_vision.ai import CONFIDENCE, AiReader, Transcript, improved
from bonsai_vision.plugin import Vision
from bonsai_vision.settings import AiSettings, VisionSettings

from bonsai_core import QuestionAnalysis
from bonsai_core.testing import FakeClock, StartServer, WireClient

TASK = f"{Path(__file__).with_name('vision_tasks.py')}:Reader"
PNG = b"\x89PNG\r\n\x1a\n"

SAID: dict[str, Any] = {
    "isQuestion": True,
    "passage": "A line has slope 3 and passes through the point (1, 5).",
    "stem": "What is its y-intercept?",
    "choices": [{"key": key, "text": text} for key, text in zip("ABCD", "1234", strict=True)],
    "section": "Math",
    "domain": "Algebra",
    "skill": "Linear functions",
}
UNSURE = QuestionAnalysis(text="A 1ine has s1ope", section="Math", confidence={"skill": 0.3})


class Service:
    """An OpenAI-compatible server that says `said`, or does as `trouble` says."""

    def __init__(self) -> None:
        self.said: Any = SAID
        self.trouble = ""
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""

    async def complete(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(await request.json())
        self.headers.append(dict(request.headers))
        match self.trouble:
            case "stalls":
                await asyncio.sleep(600)
            case "dribbles":  # always something, never all of it
                response = web.StreamResponse()
                await response.prepare(request)
                while True:
                    await response.write(b" ")
                    await asyncio.sleep(0.01)
            case "fails":
                return web.json_response({"error": "quota of key sk-hush"}, status=429)
            case "redirects":
                raise web.HTTPFound("/elsewhere")
            case "hangs up":
                assert request.transport is not None
                request.transport.abort()
            case "floods":
                return web.Response(body=b"x" * (1 << 20))
            case "nonsense":
                return web.Response(text="<html>login</html>")
            case "no object":
                return self._completion("I cannot help with that.")
            case "wrong object":
                return self._completion('{"isQuestion": "perhaps"}')
            case "deep":
                return self._completion('{"a":' * 100_000)
        return self._completion(f"Here it is:\n```json\n{json.dumps(self.said)}\n```")

    def _completion(self, content: str) -> web.Response:
        return web.json_response({"choices": [{"message": {"role": "assistant", "content": content}}]})


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service()
    app = web.Application(client_max_size=32 << 20)
    app.router.add_post("/v1/chat/completions", service.complete)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    service.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1"
    yield service
    await runner.cleanup()


MakeReader = Callable[..., AiReader]


@pytest.fixture
async def reader(service: Service, fake_clock: FakeClock) -> AsyncIterator[MakeReader]:
    """`reader(per_hour=1)`: asks the service; closed after the test."""
    readers = []

    def make(**settings: Any) -> AiReader:
        given = AiSettings(url=service.url, key="sk-hush", model="eyes-1", timeout_ms=5000)
        made = AiReader(dataclasses.replace(given, **settings), fake_clock.monotonic)
        readers.append(made)
        return made

    yield make
    for made in readers:
        await made.close()


async def test_it_is_given_the_picture_and_gives_a_transcript(service: Service, reader: MakeReader) -> None:
    transcript = await reader().read("image", PNG + b"picture", UNSURE)
    assert transcript == Transcript.model_validate(SAID)
    (request,) = service.requests
    assert request["model"] == "eyes-1"
    assert service.headers[0]["Authorization"] == "Bearer sk-hush"
    url = request["messages"][1]["content"][0]["image_url"]["url"]
    assert base64.b64decode(url.removeprefix("data:image/png;base64,")) == PNG + b"picture"
    await reader().read("text", b"A line ...", UNSURE)
    assert service.requests[1]["messages"][1]["content"] == [{"type": "text", "text": "A line ..."}]


@pytest.mark.parametrize(
    "trouble",
    [
        *("stalls", "dribbles", "fails", "redirects", "hangs up", "floods"),
        *("nonsense", "no object", "wrong object", "deep"),
    ],
)
async def test_whatever_goes_wrong_there_is_no_transcript_and_no_secret_in_the_log(
    service: Service, reader: MakeReader, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    service.trouble = trouble
    assert await reader(timeout_ms=300).read("image", PNG, UNSURE) is None
    assert "the AI service did not help" in caplog.text
    assert "hush" not in caplog.text
    assert "y-intercept" not in caplog.text


async def test_a_service_that_is_not_there_is_no_trouble(reader: MakeReader) -> None:
    assert await reader(url="http://127.0.0.1:9/v1").read("image", PNG, UNSURE) is None


@pytest.mark.parametrize(
    "leak",
    [
        {"stem": "What is its y-intercept? The answer is B."},
        {"stem": "What is its y-intercept? The correct answer: 2"},
        {"passage": "Slope 3. Choice (B) must be right, and option B is B."},
        {"choices": [{"key": "B", "text": "2 (the right answer is this)"}]},
    ],
)
async def test_an_answer_that_gives_the_solution_away_is_dropped(
    service: Service, reader: MakeReader, leak: dict[str, Any]
) -> None:
    service.said = SAID | leak
    assert await reader().read("image", PNG, UNSURE) is None


async def test_a_transcript_of_something_else_is_dropped(service: Service, reader: MakeReader) -> None:
    ours = UNSURE.model_copy(update={"text": "The rainforest canopy shelters thousands of species of beetles, " * 3})
    many = ours.model_copy(update={"text": ours.text + " ".join(f"word{n}" for n in range(30))})
    assert await reader().read("image", PNG, many) is None
    alike = many.model_copy(update={"text": many.text + SAID["passage"] + SAID["stem"] + "1 2 3 4 A B C D"})
    assert await reader().read("image", PNG, alike) is not None


async def test_it_is_asked_only_about_what_we_are_unsure_of(reader: MakeReader) -> None:
    made = reader(below=0.6)
    sure = UNSURE.model_copy(update={"confidence": {"skill": 0.7}})
    assert made.wanted(UNSURE)
    assert made.wanted(QuestionAnalysis(text="a blur"))
    assert not made.wanted(sure)
    assert not made.wanted(UNSURE.model_copy(update={"matched_question_id": "q1"}))


async def test_the_budget_holds_for_every_hour(service: Service, reader: MakeReader, fake_clock: FakeClock) -> None:
    made = reader(per_hour=2)
    for _ in range(2):
        assert made.wanted(UNSURE)
        await made.read("image", PNG, UNSURE)
        fake_clock.advance(60)
    assert (made.wanted(UNSURE), made.status) == (False, "budget spent")
    fake_clock.advance(3600 - 119)
    assert (made.wanted(UNSURE), made.status) == (True, "on")


async def test_after_failures_in_a_row_it_rests(service: Service, reader: MakeReader, fake_clock: FakeClock) -> None:
    made = reader()
    service.trouble = "fails"
    for _ in range(3):
        assert made.wanted(UNSURE)
        await made.read("image", PNG, UNSURE)
    assert (made.wanted(UNSURE), made.status) == (False, "resting")
    fake_clock.advance(61)
    assert made.wanted(UNSURE)
    await made.read("image", PNG, UNSURE)
    assert made.status == "resting", "one try, and it rests again"
    fake_clock.advance(61)
    service.trouble = ""
    await made.read("image", PNG, UNSURE)
    service.trouble = "fails"
    await made.read("image", PNG, UNSURE)
    assert made.status == "on", "a success makes the count begin anew"


OURS = ("Math", "Algebra", "Linear functions")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"skill": "Linear functions"}, OURS),
        ({"skill": "Circles", "domain": "Algebra"}, ("Math", "Geometry and Trigonometry", "Circles")),
        ({"skill": "Alchemy", "domain": "Algebra"}, OURS),
        ({"skill": "Alchemy", "domain": "Advanced Math"}, ("Math", "Advanced Math", "unknown")),
        ({"section": "Reading and Writing"}, ("Reading and Writing", "unknown", "unknown")),
        ({"section": "z", "domain": "y", "skill": "x"}, OURS),
    ],
)
def test_only_names_of_the_test_are_taken_over(labels: dict[str, str], expected: tuple[str, str, str]) -> None:
    local = QuestionAnalysis.model_validate(
        {
            "text": "t",
            **dict(zip(("section", "domain", "skill"), OURS, strict=True)),
            "confidence": {"section": 0.99, "skill": 0.4},
            "difficulty": {"easy": 0.2, "medium": 0.5, "hard": 0.3},
            "insights": [{"kind": "goal", "text": "Find the slope."}],
        }
    )
    nothing = {"section": "", "domain": "", "skill": ""}
    better = improved(local, Transcript.model_validate(SAID | nothing | labels))
    assert (better.section, better.domain, better.skill) == expected
    assert better.stem == SAID["stem"]
    assert bool(better.insights) is (expected == OURS), "made for our labels, so they go with them"
    assert better.confidence["section"] == (0.99 if expected == OURS else CONFIDENCE)


# In the server


async def analyse(device: WireClient, **script: Any) -> tuple[Any, dict[str, Any]]:
    """Send a picture that is read as `script` says; returns the ack and the analysis."""
    await device.send_attachment("question:analyze", {}, PNG + json.dumps(script).encode(), id=analyse_id(device))
    ack = await device.recv("ack", "error", timeout=20)
    assert ack["event"] == "ack", ack
    return ack["data"], (await device.recv("question:analyzed"))["data"]["analysis"]


def analyse_id(device: WireClient) -> int:
    return len(device.of("ack")) + 1


async def connect(start: StartServer, service: Service, fake_clock: FakeClock) -> WireClient:
    ai = AiSettings(url=service.url, model="eyes-1", timeout_ms=1000)
    server = await start(plugins=[Vision(VisionSettings(workers=1, ai=ai), TASK)], clock=fake_clock)
    return await server.connect()


async def test_what_we_are_unsure_of_is_read_by_the_service(
    bonsai_server: StartServer, service: Service, fake_clock: FakeClock
) -> None:
    device = await connect(bonsai_server, service, fake_clock)
    _, sure = await analyse(device, text="sure", skill=0.9)
    assert (sure["stem"], service.requests) == ("sure", [])
    ack, unsure = await analyse(device, text="unsure", skill=0.2)
    question_id = ack["questionId"]
    assert unsure["stem"] == "What is its y-intercept?"
    assert [choice["text"] for choice in unsure["choices"]] == ["1", "2", "3", "4"]
    assert unsure["confidence"]["skill"] >= CONFIDENCE
    assert unsure["insights"] == [{"kind": "goal", "text": "Find the slope."}], "ours: the service agrees on the skill"
    steps = [frame["data"] for frame in device.of("question:progress") if frame["data"]["questionId"] == question_id]
    assert steps[-1]["stage"] == "ai"
    assert [step["fraction"] for step in steps] == sorted(step["fraction"] for step in steps)
    ack, _ = await analyse(device, text="unsure", skill=0.2)
    assert (ack["cached"], len(service.requests)) == (True, 1)


@pytest.mark.parametrize("trouble", ["stalls", "fails", "nonsense"])
async def test_when_the_service_does_not_help_our_own_analysis_stands(
    bonsai_server: StartServer, service: Service, fake_clock: FakeClock, trouble: str
) -> None:
    device = await connect(bonsai_server, service, fake_clock)
    service.trouble = trouble
    ack, analysis = await analyse(device, text="unsure", skill=0.2)
    assert (ack["cached"], analysis["stem"]) == (False, "unsure")
    service.trouble = ""
    ack, analysis = await analyse(device, text="unsure", skill=0.2)
    assert (ack["cached"], analysis["stem"]) == (False, "What is its y-intercept?"), "it was asked again"
