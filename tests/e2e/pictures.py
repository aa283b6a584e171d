"""Makes the documentation's pictures of the Practice view again: `python -m tests.e2e.pictures [FOLDER]`.

Each state wide and narrow, light and dark, by a server of its own.
"""

from __future__ import annotations

import asyncio
import io
import re
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.async_api import Page, expect

from bonsai_core.testing import ServerProcess, WireClient
from tests.e2e.page import Chromium, build, chromium
from tests.e2e.student import bank
from tests.e2e.test_practice_pictures import QUESTION

FOLDER = Path(__file__).parents[2] / "docs/images"
WIDE, NARROW = (1280, 860), (390, 844)
#: Colours of a stored picture.
COLOURS = 128


#: One for each picture.
STUDENTS = "maya leo ines noah amara theo yuki sofia omar ruth ivan lena kofi nora hugo aisha emil zoe tariq vera juno"


class Studio:
    """Takes pictures of one student's windows.

    Args:
        folder: where pictures go.
        only: a part of the names of those to take.
    """

    def __init__(self, browser: Chromium, server: ServerProcess, folder: Path, only: str = "") -> None:
        self._browser = browser
        self.server = server
        self._folder = folder
        self._only = only
        self._students = iter(STUDENTS.split())

    async def take(self, name: str, *, size: tuple[int, int] = WIDE, dark: bool = False) -> None:
        """One state in one window of a student of its own."""
        shape = f"dashboard-practice-{name}-{'dark' if dark else 'light'}-{size[0]}"
        if self._only not in shape:
            return
        context = await self._browser.context(width=size[0], height=size[1], dark=dark)
        page = await context.new_page()
        await page.goto(f"{self.server.url}/#as={next(self._students)}")
        await expect(page.get_by_test_id("question")).to_be_visible()
        await STATES[name](self, page)
        await page.evaluate("document.fonts.ready")
        picture = Image.open(io.BytesIO(await page.screenshot()))
        kept = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        kept.save(self._folder / f"{shape}.png", optimize=True)
        print(shape)
        await context.close()
        if not self.server.running:
            await self.server.start(timeout=90)

    async def _device(self, page: Page) -> WireClient:
        """Another device of the page's session."""
        session = await page.evaluate("JSON.parse(localStorage.getItem('bonsai.demo'))")
        client = f"studio-{uuid.uuid4()}"
        return await self.server.connect(user=session["userId"], session=session["sessionId"], client=client)

    async def put(self, page: Page, question_id: str) -> None:
        """Put a question of the bank before the student, as if it had been recommended."""
        question = bank()[question_id]
        shown: dict[str, Any] = question.model_dump(
            mode="json",
            by_alias=True,
            include={"id", "section", "domain", "skill", "stem", "passage", "figure", "band"},
        )
        choices = [{"key": choice.key, "text": choice.text} for choice in question.choices]
        reason = f"Just right to learn from: you would get about 7 in 10 like it right, and “{question.skill}” counts."
        more = {"subject": "math", "difficulty": 3, "expectedSeconds": 70, "reason": reason}
        device = await self._device(page)
        await device.request("session:update", {"patch": {"practice": {"question": None, "drafts": None}}})
        now = int(time.time() * 1000) - 34_000
        patch = {"question": shown | more | {"choices": choices or None}, "since": now}
        await device.request("session:update", {"patch": {"practice": patch}})
        await device.close()
        await expect(page.locator(f"[data-question='{question_id}']")).to_be_visible()

    async def answered(self, page: Page, count: int = 12) -> None:
        """Answers of both sections, so that there is a score."""
        device = await self._device(page)
        sections: dict[str, list[str]] = {}
        for question in bank().values():
            sections.setdefault(str(question.section), []).append(question.id)
        for number in range(count):
            for ids in sections.values():
                right = (number * 7) % 10 < 7
                answer = {"questionId": ids[number * 9], "correct": right, "timeSpent": 48}
                await device.request("analytics:performance", answer)
                outcome = {"trail": {ids[number * 9]: int(right)}}
                await device.request("session:update", {"patch": {"practice": outcome}})
        await device.close()


async def _question(studio: Studio, page: Page) -> None:
    await studio.answered(page)
    await studio.put(page, "INI3-88cfe0106d")
    await page.keyboard.press("Shift+A")
    await page.keyboard.press("d")


async def _hints(studio: Studio, page: Page) -> None:
    await studio.put(page, "Q2-b72a30e1b7")
    for _ in range(2):
        await page.get_by_test_id("hint").click()
    await expect(page.locator(".hints li")).to_have_count(2)
    if await page.get_by_label("Ask the coach").count():
        await page.get_by_label("Ask the coach").fill("How do I find a percent change?")
        await page.get_by_role("button", name="Send").click()
        await expect(page.locator(".says:not(.says-own)").nth(1)).to_be_visible()
    await page.locator(".hints").scroll_into_view_if_needed()


async def _explained(studio: Studio, page: Page) -> None:
    await studio.answered(page, 5)
    await studio.put(page, "S4-756c55c516")
    await page.keyboard.press("c")
    await page.keyboard.press("Enter")
    await expect(page.locator(".explanation")).to_be_visible()
    await expect(page.locator(".report-next p")).to_be_visible()


async def _screenshot(studio: Studio, page: Page) -> None:
    other = await page.context.new_page()
    await other.set_viewport_size({"width": 720, "height": 420})
    await other.set_content(QUESTION)
    buffer = await other.screenshot()
    await other.close()
    await page.get_by_test_id("picture").set_input_files(
        {"name": "shot.png", "mimeType": "image/png", "buffer": buffer}
    )
    await expect(page.get_by_test_id("analysis")).to_have_attribute("data-state", "done", timeout=40_000)


async def _devices(studio: Studio, page: Page) -> None:
    await page.get_by_role("button", name="Devices").click()
    await expect(page.locator(".qr path")).to_have_attribute("d", re.compile("M"))


async def _coach(studio: Studio, page: Page) -> None:
    await page.get_by_test_id("coach").click()
    await page.get_by_label("Ask the coach").fill("How am I doing?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".says:not(.says-own)").nth(1)).to_be_visible()


async def _mock(studio: Studio, page: Page) -> None:
    await page.get_by_label("Subject").select_option("math")
    await page.get_by_text("Mock test").click()
    await page.get_by_test_id("start-module").click()
    questions = page.get_by_role("navigation", name="Questions of the module").get_by_role("button")
    for number in range(6):
        await questions.nth(number).click()
        await expect(questions.nth(number)).to_have_attribute("aria-current", "step")
        if await page.locator(".choices").count():
            await page.keyboard.press("b")
        else:
            await page.get_by_label("Your answer").fill("12")
        await expect(questions.nth(number)).to_have_attribute("data-answered", "true")
    await page.get_by_role("button", name="Flag for later").click()


async def _offline(studio: Studio, page: Page) -> None:
    await studio.put(page, "INI1-845e717da6")
    await studio.server.kill()
    await expect(page.locator(".connection")).to_contain_text("Offline")
    await page.keyboard.press("a")
    await page.keyboard.press("Enter")
    await expect(page.locator(".connection-queue")).to_be_visible()


STATES = {
    "question": _question,
    "hints": _hints,
    "explained": _explained,
    "screenshot": _screenshot,
    "devices": _devices,
    "coach": _coach,
    "mock": _mock,
    "offline": _offline,
}


@asynccontextmanager
async def _server() -> AsyncIterator[ServerProcess]:
    with tempfile.TemporaryDirectory() as folder:
        server = ServerProcess(Path(folder), env={"BONSAI_COACHING_DWELL_SECONDS": "0"})
        await server.start(timeout=90)
        try:
            yield server
        finally:
            await server.kill()


async def main(only: str = "", folder: Path = FOLDER) -> None:
    """Take all pictures, or those whose names have `only` in them."""
    build()
    async with _server() as server, chromium() as browser:
        studio = Studio(browser, server, folder, only)
        for name in STATES:
            if name != "coach":  # it is beside the question on a wide page
                await studio.take(name)
            await studio.take(name, size=NARROW, dark=True)
        await studio.take("question", dark=True)
        await studio.take("hints", dark=True)
        await studio.take("question", size=NARROW)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "", Path(sys.argv[2]) if len(sys.argv) > 2 else FOLDER))
