"""A real Chromium with the sample extension loaded: its button pressed, its pages opened, its worker stopped."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import BrowserContext, CDPSession, ConsoleMessage, Page, Worker, async_playwright

ROOT = Path(__file__).parents[2]
WEB = ROOT / "web"
CHROMIUM = "/usr/bin/chromium"
#: Follows from the key in the manifest.
EXTENSION_ID = "acgboolmncnmmbeonahnoeinejokkhjk"
ORIGIN = f"chrome-extension://{EXTENSION_ID}"
#: What a browser says by itself when a server is away; no page can keep it from that.
AWAY = "net::ERR_"


def build(folder: Path) -> Path:
    """Build the extension into a folder, from the sources as they are."""
    command = [str(WEB / "node_modules/.bin/vite-node"), "scripts/build.ts", str(folder)]
    subprocess.run(command, cwd=WEB / "extension", check=True, capture_output=True, text=True)
    return folder


def allow(folder: Path, origin: str) -> None:
    """Let the extension speak to a host, as if the student had said yes to the browser's question."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["host_permissions"] = [origin]
    (folder / "manifest.json").write_text(json.dumps(manifest))


class ExtensionBrowser:
    """The browser. Made by `browser_with`.

    Attributes:
        complaints: what the console was told, errors and warnings; and what nobody caught.
    """

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.complaints: list[str] = []
        self._control: CDPSession | None = None
        context.on("weberror", lambda error: self.complaints.append(f"uncaught: {error.error}"))
        context.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and AWAY not in message.text:
            self.complaints.append(f"{message.type}: {message.text}")

    async def _browser(self) -> CDPSession:
        if self._control is None:
            assert self.context.browser is not None
            self._control = await self.context.browser.new_browser_cdp_session()
        return self._control

    async def _targets(self, type: str) -> list[dict[str, Any]]:
        found = await (await self._browser()).send("Target.getTargets", {"filter": [{"type": type}]})
        targets: list[dict[str, Any]] = found["targetInfos"]
        return targets

    async def press(self, page: Page) -> None:
        """Press the extension's button of the toolbar while this page is in front: the browser grants `activeTab`."""
        await page.bring_to_front()
        tab = next(target for target in await self._targets("tab") if target["url"] == page.url)
        message = {"id": EXTENSION_ID, "targetId": tab["targetId"]}
        await (await self._browser()).send("Extensions.triggerAction", message)

    async def open(self, page: str, *, width: int = 360, height: int = 900, dark: bool = False) -> Page:
        """Open one of the extension's pages in a tab; the browser's own side panel cannot be driven."""
        tab = await self.context.new_page()
        await tab.set_viewport_size({"width": width, "height": height})
        await tab.emulate_media(color_scheme="dark" if dark else "light", reduced_motion="reduce")
        await tab.goto(f"{ORIGIN}/{page}.html")
        return tab

    async def show(self, url: str, html: str) -> Page:
        """Open a web page that says this."""
        await self.context.route(url, lambda route: route.fulfill(body=html, content_type="text/html; charset=utf-8"))
        page = await self.context.new_page()
        await page.goto(url)
        return page

    async def configure(self, page: Page, **settings: Any) -> None:
        """Fill in the options page and save; returns once it says that we are connected."""
        for name, value in settings.items():
            await page.fill(f"#{name}", value)
        await page.click("text=Save and connect")
        await page.wait_for_selector(".connection[data-state=joined]")

    async def worker(self) -> Worker:
        """The service worker that runs now."""
        for worker in self.context.service_workers:
            return worker
        return await self.context.wait_for_event("serviceworker")

    async def workers(self) -> int:
        """How many service workers of the extension run."""
        return sum(target["url"].startswith(ORIGIN) for target in await self._targets("service_worker"))

    async def stop_worker(self, page: Page) -> None:
        """Stop the service worker, as the browser does when it wants its memory back; `page` is the extension's."""
        session = await self.context.new_cdp_session(page)
        await session.send("ServiceWorker.enable")
        await session.send("ServiceWorker.stopAllWorkers")
        await until(self._stopped)
        await session.detach()

    async def _stopped(self) -> bool:
        return not await self.workers()


async def until(check: Callable[[], Any], timeout: float = 60.0) -> None:
    """Wait until a check, sync or async, passes."""
    async with asyncio.timeout(timeout):
        while True:
            passed = check()
            if await passed if asyncio.iscoroutine(passed) else passed:
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def browser_with(extension: Path, profile: Path) -> AsyncIterator[ExtensionBrowser]:
    """Start Chromium with the extension in this folder, and end it."""
    arguments = ["--headless=new", "--no-sandbox", "--enable-unsafe-extension-debugging", "--window-size=1280,900"]
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=CHROMIUM,
            headless=False,
            no_viewport=True,  # a picture of a tab shows the window as it is, not as it is emulated
            args=[*arguments, f"--disable-extensions-except={extension}", f"--load-extension={extension}"],
            ignore_default_args=["--disable-extensions"],
        )
        try:
            browser = ExtensionBrowser(context)
            await browser.worker()
            yield browser
        finally:
            await context.close()
