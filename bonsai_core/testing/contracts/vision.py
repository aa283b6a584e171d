"""The contract of vision plugins: a text or a picture becomes an analysed question."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest

from bonsai_core.domain import DOMAIN_BY_NAME, QuestionAnalysis, Section
from bonsai_core.testing.contracts.common import Contract, Observer, eventually
from bonsai_core.testing.server import StartServer
from bonsai_core.testing.wire import Frame, WireClient, WireError

QUESTION = "If 3x + 7 = 22, what is the value of x?\nA) 3\nB) 5\nC) 7\nD) 15"


def blank_png(width: int = 320, height: int = 200) -> bytes:
    """A white picture, made without any library."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\xff" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.asyncio
class VisionContract(Contract):
    """A plugin that analyses questions: `question:analyze`, `question:cancel`, `extension:screenshot`.

    A subclass has the fixture `plugin`, and may have its own `screenshot`.
    """

    @pytest.fixture
    def screenshot(self) -> bytes:
        """A picture that the plugin can read; whether it finds a question there is not asked."""
        return blank_png()

    # What the checks have in common

    async def analyze(self, device: WireClient, id: int, **request: Any) -> dict[str, Any]:
        """Ask, wait for the ack, and return what was found. A picture given as `attachment` goes in a binary frame."""
        event = request.pop("event", "question:analyze")
        attachment = request.pop("attachment", None)
        if attachment is None:
            await device.send(event, request, id)
        else:
            await device.send_attachment(event, request, attachment, id)
        await device.answer(id, timeout=self.timeout)
        data: dict[str, Any] = (await device.recv("question:analyzed", timeout=self.timeout))["data"]
        return data

    def check_analyzed(self, data: dict[str, Any]) -> None:
        """The payload of `question:analyzed` is as front ends rely on."""
        assert isinstance(data["questionId"], str) and data["questionId"]
        assert isinstance(data["timestamp"], int)
        assert all(isinstance(ms, int | float) and ms >= 0 for ms in data["timings"].values())
        analysis = QuestionAnalysis.model_validate(data["analysis"])
        assert not {"answer", "answers", "rationale", "hints"} & data["analysis"].keys(), "it never holds the answer"
        labels = (analysis.section, analysis.domain, analysis.skill)
        assert analysis.section in (*Section, "unknown")
        assert analysis.domain in (*DOMAIN_BY_NAME, "unknown")
        if analysis.domain != "unknown":
            domain = DOMAIN_BY_NAME[analysis.domain]
            assert analysis.section == domain.section, f"labels belong together: {labels}"
            assert analysis.skill in (*domain.skills, "unknown"), f"labels belong together: {labels}"
        else:
            assert analysis.skill == "unknown", f"labels belong together: {labels}"
        if analysis.difficulty:
            assert math.isclose(sum(analysis.difficulty.values()), 1.0, abs_tol=0.01)
        assert all(0 <= share <= 1 for share in (*analysis.difficulty.values(), *analysis.confidence.values()))

    def check_progress(self, frames: list[Frame], question_id: str) -> None:
        """Progress was shown, before the result, and only forward."""
        events = [frame["event"] for frame in frames]
        assert "question:progress" in events, "a student who waits sees that something happens"
        assert events.index("question:progress") < events.index("question:analyzed")
        steps = [frame["data"] for frame in frames if frame["event"] == "question:progress"]
        assert all(step["questionId"] == question_id and step["stage"] for step in steps)
        fractions = [step["fraction"] for step in steps]
        assert all(0 <= fraction <= 1 for fraction in fractions)
        assert fractions == sorted(fractions)

    # Checks

    async def test_a_text_is_analysed(self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]) -> None:
        """The result has the client's own name for the question."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        data = await self.analyze(device, next(ids), text=QUESTION, questionId="mine")
        assert data["questionId"] == "mine"
        self.check_analyzed(data)
        self.check_progress(device.frames, "mine")

    async def test_a_picture_is_analysed_however_it_comes(
        self, bonsai_server: StartServer, plugin: object, screenshot: bytes, ids: Iterator[int]
    ) -> None:
        """As an attachment, as base64 and as a data URL, with the same result."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        found = [await self.analyze(device, next(ids), attachment=screenshot, questionId="mine")]
        text = base64.b64encode(screenshot).decode()
        if len(text) < server.app.settings.max_message_bytes - 1024:
            found += [
                await self.analyze(device, next(ids), image=f"{start}{text}")
                for start in ("", "data:image/png;base64,")
            ]
        for data in found:
            self.check_analyzed(data)
            assert data["analysis"] == found[0]["analysis"]

    async def test_an_extensions_screenshot_is_analysed(
        self, bonsai_server: StartServer, plugin: object, screenshot: bytes, ids: Iterator[int]
    ) -> None:
        """By the same pipeline; nobody sends another student's."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect(user="ada")
        metadata = {"url": "https://example.org/", "timestamp": 1, "dimensions": {"width": 320, "height": 200}}
        shot = {"event": "extension:screenshot", "attachment": screenshot, "extensionId": "ext", "metadata": metadata}
        self.check_analyzed(await self.analyze(device, next(ids), **shot, userId="ada"))
        with pytest.raises(WireError) as refused:
            await self.analyze(device, next(ids), **shot, userId="bob")
        assert refused.value.code == "forbidden"

    async def test_a_question_without_a_name_gets_one(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """The same in progress and result."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        data = await self.analyze(device, next(ids), text=QUESTION)
        self.check_analyzed(data)
        self.check_progress(device.frames, data["questionId"])

    async def test_all_devices_of_the_session_and_nobody_else_get_the_result(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """It is logged, so a device that was away gets it when it resumes."""
        server = await self.start(bonsai_server, plugin)
        phone = await server.connect(user="ada", session="s1", client="phone")
        laptop = await server.connect(user="ada", session="s1", client="laptop")
        stranger = await server.connect(user="bob", session="s2", client="stranger")
        positions = laptop.positions
        await laptop.abort()
        data = await self.analyze(phone, next(ids), text=QUESTION)
        laptop = await server.connect(user="ada", session="s1", client="laptop", resume=positions)
        assert (await laptop.recv("question:analyzed"))["data"] == data
        await stranger.sync()
        assert not [frame for frame in stranger.frames if frame["event"].startswith("question:")]

    async def test_a_resent_request_takes_effect_once(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """Its ack comes twice, its result once."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        id = next(ids)
        await self.analyze(device, id, text=QUESTION)
        await device.send("question:analyze", {"text": QUESTION}, id)
        await device.answer(id, timeout=self.timeout)
        await device.sync()
        assert len(device.of("question:analyzed")) == 1

    async def test_other_plugins_observe_the_result(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """As a coach does."""
        observer = Observer()
        server = await self.start(bonsai_server, plugin, observer)
        device = await server.connect()
        data = await self.analyze(device, next(ids), text=QUESTION)
        await eventually(lambda: observer.of("question:analyzed") == [data], self.timeout)

    async def test_what_is_no_picture_is_refused_and_nothing_breaks(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """All devices are told `question:error`, the sender an error with the same code."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        for junk in (b"this is no picture", b"GIF89a", b"\x89PNG\r\n\x1a\n and then nothing"):
            with pytest.raises(WireError) as refused:
                await self.analyze(device, next(ids), attachment=junk, questionId="mine")
            assert refused.value.code not in ("handler_failed", "handler_timeout", "unknown_event"), junk
            failed = (await device.recv("question:error"))["data"]
            assert (failed["questionId"], failed["code"]) == ("mine", refused.value.code)
            assert failed["message"]
        self.check_analyzed(await self.analyze(device, next(ids), text=QUESTION))

    async def test_a_request_without_content_is_refused(
        self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]
    ) -> None:
        """With `invalid_payload`."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        bad: list[dict[str, Any]] = [{}, {"questionId": "mine"}, {"text": ""}, {"text": 5}, {"image": "???"}]
        for request in bad:
            with pytest.raises(WireError) as refused:
                await self.analyze(device, next(ids), **request)
            assert refused.value.code == "invalid_payload", request

    async def test_cancelling_is_answered(self, bonsai_server: StartServer, plugin: object, ids: Iterator[int]) -> None:
        """Also when there is nothing to cancel; what is asked for afterwards is analysed."""
        server = await self.start(bonsai_server, plugin)
        device = await server.connect()
        await device.request("question:cancel", {"questionId": "mine"}, id=next(ids))
        self.check_analyzed(await self.analyze(device, next(ids), text=QUESTION, questionId="mine"))

    async def test_its_events_are_declared(self, bonsai_server: StartServer, plugin: object) -> None:
        """So that they are documented."""
        server = await self.start(bonsai_server, plugin)
        self.declares(server, "question:progress", "question:analyzed", "question:error")
