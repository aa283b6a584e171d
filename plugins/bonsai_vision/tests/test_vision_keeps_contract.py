"""Our own vision plugin keeps the contract, with the real pipeline."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from bonsai_vision.plugin import Vision
from bonsai_vision.settings import VisionSettings
from PIL import Image, ImageDraw

from bonsai_core.testing import StartServer
from bonsai_core.testing.contracts import QUESTION, VisionContract


class TestVision(VisionContract):
    @pytest.fixture
    def plugin(self) -> Vision:
        return Vision(VisionSettings(workers=1))

    @pytest.fixture
    def screenshot(self) -> bytes:
        page = Image.new("L", (640, 260), "white")
        ImageDraw.Draw(page).multiline_text((20, 20), QUESTION, fill="black", font_size=24, spacing=20)
        file = io.BytesIO()
        page.save(file, "PNG")
        return file.getvalue()

    async def test_it_reads_what_the_picture_says(
        self, bonsai_server: StartServer, plugin: Vision, screenshot: bytes, ids: Iterator[int]
    ) -> None:
        server = await self.start(bonsai_server, plugin)
        analysis = (await self.analyze(await server.connect(), next(ids), attachment=screenshot))["analysis"]
        assert analysis["stem"] == "If 3x + 7 = 22, what is the value of x?"
        assert [choice["text"] for choice in analysis["choices"]] == ["3", "5", "7", "15"]
        assert (analysis["section"], analysis["domain"]) == ("Math", "Algebra")
        assert analysis["insights"]
