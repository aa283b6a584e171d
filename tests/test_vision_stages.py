"""A stage of another package takes the place of vision's own, and one that fails costs nothing but itself."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from bonsai_vision.plugin import Vision
from bonsai_vision.settings import VisionSettings
from PIL import Image, ImageDraw

from bonsai_core import Plugin, hookimpl
from bonsai_core.testing import StartServer, WireClient

EXAMPLES = Path(__file__).parent / "example_plugins"


def page(words: str) -> bytes:
    image = Image.new("RGB", (700, 100), "white")
    ImageDraw.Draw(image).text((20, 35), words, fill="black", font_size=26)
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


async def analysis(device: WireClient, words: str) -> dict[str, Any]:
    await device.send_attachment("question:analyze", {}, page(words), id=1)
    await device.answer(1, timeout=40)
    found: dict[str, Any] = (await device.recv("question:analyzed"))["data"]["analysis"]
    return found


async def test_the_example_reads_in_place_of_our_ocr(bonsai_server: StartServer) -> None:
    server = await bonsai_server(
        plugins=[Vision(VisionSettings(workers=1))], plugins_dir=EXAMPLES, only=["american_ocr"]
    )
    device = await server.connect()
    found = await analysis(device, "At which point does the colour change?")
    assert "color change" in found["text"]
    assert found["insights"][-1] == {"kind": "spelling", "text": "Spelled the American way: color."}


class Broken(Plugin):
    """Names stages that cannot be loaded, or fail."""

    name = "broken_stages"

    def __init__(self, ocr: str) -> None:
        self._ocr = ocr

    @hookimpl(optionalhook=True)
    def ocr(self) -> str:
        return self._ocr

    @hookimpl(optionalhook=True)
    def classify(self) -> str:
        return "no.such.package:Classifier"


@pytest.mark.parametrize("ocr", ["builtins:list", "no.such.package:Engine"])
async def test_where_a_stage_of_another_package_fails_ours_does_the_work(bonsai_server: StartServer, ocr: str) -> None:
    server = await bonsai_server(plugins=[Vision(VisionSettings(workers=1)), Broken(ocr)])
    device = await server.connect()
    found = await analysis(device, "At which point does the colour change?")
    assert "colour change" in found["text"]
    assert "error" not in (await server.app.health())["plugins"]["vision"]
