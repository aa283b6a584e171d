"""The built page, and a browser that looks at it: what tests and the pictures of the documentation have in common."""

from __future__ import annotations

import fcntl
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
STATIC = ROOT / "plugins/bonsai_dashboard/bonsai_dashboard/static"
CHROMIUM = "/usr/bin/chromium"
AXE = WEB / "node_modules/axe-core/axe.min.js"
#: What a browser says by itself when a server is away; no page can keep it from that.
AWAY = "net::ERR_"
#: How long to wait for what a page should show, in milliseconds: generous, for machines that do much else.
PATIENCE = 30_000

expect.set_options(timeout=PATIENCE)


def build() -> Path:
    """The built page, made anew if any of its sources is newer; one process at a time.

    Raises:
        RuntimeError: it cannot be built.
    """
    lock = WEB / "node_modules/.dashboard.lock"
    if not lock.parent.is_dir():
        raise RuntimeError("the packages of web/ are not installed: run `npm ci --prefix web`")
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        index = STATIC / "index.html"
        if not index.exists() or index.stat().st_mtime < _newest():
            command = ["npm", "run", "build", "--workspace=@bonsai/dashboard"]
            run = subprocess.run(command, cwd=WEB, capture_output=True, text=True, check=False)
            if run.returncode:
                raise RuntimeError(f"the page cannot be built:\n{run.stdout}{run.stderr}")
            os.utime(index)
    return STATIC


def _newest() -> float:
    folders = [WEB / name for name in ("client/src", "react/src", "dashboard/src", "dashboard/public")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files += [WEB / "package-lock.json", WEB / "dashboard/index.html", WEB / "dashboard/vite.config.ts"]
    return max(path.stat().st_mtime for path in files)


class Chromium:
    """A browser.

    Attributes:
        complaints: what consoles were told, errors and warnings; and what nobody caught.
    """

    def __init__(self, browser: Browser) -> None:
        self.browser = browser
        self.complaints: list[str] = []

    async def context(
        self, *, width: int = 1280, height: int = 860, dark: bool = False, **options: Any
    ) -> BrowserContext:
        """A profile of its own: its pages share storage, and nothing with other contexts."""
        context = await self.browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            reduced_motion="reduce",
            locale="en-US",
            **options,
        )
        context.set_default_timeout(PATIENCE)
        context.on("console", self._hear)
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        return context

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and AWAY not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")


@asynccontextmanager
async def chromium() -> AsyncIterator[Chromium]:
    """Start Chromium, and end it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield Chromium(browser)
        finally:
            await browser.close()


async def violations(page: Page) -> list[str]:
    """What axe-core finds against WCAG 2.2 AA on the page as it is, serious or worse: rule, and where."""
    # By the debugger's protocol, not as a script of the page, which its policy forbids.
    await page.evaluate(AXE.read_text())
    found = await page.evaluate(
        """axe.run(document).then(({violations, passes}) => passes.length < 10 ? ["axe sees nothing"] : violations
             .filter(({impact}) => impact === "serious" || impact === "critical")
             .flatMap(({id, nodes}) => nodes.map((node) => `${id}: ${node.target} ${node.failureSummary}`)))"""
    )
    return list(found)
