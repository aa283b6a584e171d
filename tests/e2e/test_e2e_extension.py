"""The sample extension in real Chromium, against a real server with every plugin."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect

from bonsai_core.testing import ServerProcess, StartProcess, StartProxy, WireClient
from tests.e2e.extension_browser import EXTENSION_ID, ORIGIN, WEB, ExtensionBrowser, allow, browser_with, build, until

pytestmark = [pytest.mark.timeout(300)]
expect.set_options(timeout=30_000)

#: The extension may connect; hints follow quickly; reading does not give way to the browser.
SERVER: dict[str, Any] = {
    "allowed_origins": [ORIGIN],
    "env": {"BONSAI_COACHING_DWELL_SECONDS": "1", "BONSAI_VISION_NICE": "0"},
}
#: How long models may take to load on a busy machine, in seconds.
READY = 120.0

URL = "http://practice.example/question/1"
QUESTION = """<!doctype html><meta charset="utf-8"><title>Practice</title>
<body style="margin: 40px auto; max-width: 720px; font: 20px/1.6 Georgia, serif; color: #111; background: #fff">
<p>A gardener plants tulips in rows. The first row holds 14 tulips, and each row after that holds 3 more tulips than the
row before it. Which expression gives the number of tulips in row <i>n</i>?</p>
<p>A) 3n + 11</p><p>B) 3n + 14</p><p>C) 14n + 3</p><p>D) 11n + 3</p>"""
NEWS = """<!doctype html><meta charset="utf-8"><title>News</title><body style="margin: 40px; font: 18px sans-serif">
<h1>Harbour bridge opens again after a long winter</h1><p>The mayor cut the ribbon on Saturday. Ferries go on until
June, and buses take their old way. Shops at the quay hope for more guests than last year.</p>"""

Start = Callable[..., Awaitable[ExtensionBrowser]]


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extension, built from the sources as they are."""
    return build(tmp_path_factory.mktemp("extension") / "dist")


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ServerProcess]:
    """A server with every plugin, which lets the extension in."""
    folder = tmp_path / "server"
    folder.mkdir()
    server = ServerProcess(folder, **SERVER)
    await server.start(READY)
    yield server
    await server.stop()


@pytest.fixture
async def blind(bonsai_process: StartProcess) -> ServerProcess:
    """A server that reads no pictures, and so is up at once."""
    return await bonsai_process(plugins=["extension", "dashboard"], **SERVER)


@pytest.fixture
async def start(built: Path, tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a browser with the extension."""
    async with AsyncExitStack() as stack:

        async def start(extension: Path = built) -> ExtensionBrowser:
            return await stack.enter_async_context(browser_with(extension, tmp_path / "profile"))

        yield start


async def signed_in(browser: ExtensionBrowser, server: ServerProcess, url: str = "") -> tuple[Page, WireClient]:
    """Signs the extension in as ada; returns its options page, and another device of the session."""
    options = await browser.open("options")
    await browser.configure(options, server=url or server.url, token=server.token("ada"), session="s1")
    device = {"kind": "web", "name": "Practice page"}
    return options, await server.connect(user="ada", session="s1", client="watcher", device=device)


def analyses(device: WireClient) -> list[str]:
    """What a device was told to have been read."""
    return [frame["data"]["analysis"]["stem"] for frame in device.of("question:analyzed")]


async def kept(page: Page) -> dict[str, Any]:
    """The state that the extension keeps."""
    stored: dict[str, Any] = await page.evaluate("chrome.storage.local.get('progress')")
    state: dict[str, Any] = stored["progress"]["state"]
    return state


async def test_a_page_is_read_and_hints_are_given_in_the_side_panel(start: Start, server: ServerProcess) -> None:
    browser = await start()
    _, watcher = await signed_in(browser, server)
    page = await browser.show(URL, QUESTION)
    panel = await browser.open("panel")
    await browser.press(page)

    await expect(panel.locator(".skill")).to_be_visible()
    await expect(panel.locator("#question .text").first).to_contain_text("A gardener plants tulips in rows.")
    assert await panel.locator(".choices .text").all_inner_texts() == ["3n + 11", "3n + 14", "14n + 3", "11n + 3"]
    await expect(panel.locator(".levels")).to_have_attribute("aria-label", re.compile(r"^Difficulty: easy \d+ %"))
    await expect(panel.locator(".insights dt").first).to_have_text("Goal")
    stages = [frame["data"]["stage"] for frame in watcher.of("question:progress")]
    assert stages[0] == "received"
    assert "ocr" in stages

    await panel.click("#hint")
    await expect(panel.locator("#ladder li")).to_have_count(1)
    await expect(panel.locator("#hint")).to_have_text("Next hint")
    await panel.click("#hint")
    await expect(panel.locator("#ladder li")).to_have_count(2)
    assert [frame["data"]["rung"] for frame in watcher.of("coaching:hint")] == [1, 2]
    assert browser.complaints == []


async def test_state_goes_both_ways_between_the_extension_and_the_other_devices(
    start: Start, server: ServerProcess
) -> None:
    browser = await start()
    _, watcher = await signed_in(browser, server)
    page = await browser.show(URL, QUESTION)
    panel = await browser.open("panel")
    await browser.press(page)

    def told() -> dict[str, Any]:
        state: dict[str, Any] = watcher.of("extension:state")[-1]["data"]["state"]
        return state

    await until(lambda: watcher.of("extension:state") and told()["detectedQuestions"])
    assert told()["currentUrl"] == URL
    assert told()["status"] == "active"
    await expect(panel.locator("#devices li")).to_have_text(["Practice page"])
    await watcher.request(
        "extension:sync", {"extensionId": "other", "isActive": True, "currentUrl": "https://b.example/"}, timeout=30
    )
    await expect(panel.locator("#devices li")).to_have_text(["Practice page", "Extension on b.example"])
    await watcher.request(
        "question:analyze", {"questionId": "q9", "text": "If 2x + 3 = 11, what is the value of x?"}, timeout=30
    )
    await expect(panel.locator("#earlier-list li")).to_have_count(2)

    await panel.click("#switch")
    await until(lambda: told()["status"] == "inactive")
    await expect(panel.locator("#connection-text")).to_have_text("Off")
    await panel.click("#switch")
    await until(lambda: told()["status"] == "active")
    await watcher.close()
    await expect(panel.locator("#devices li")).to_have_text(["Extension on b.example"])
    assert browser.complaints == []


async def test_a_message_that_waits_survives_its_worker_and_is_sent_once(start: Start, server: ServerProcess) -> None:
    browser = await start()
    options, watcher = await signed_in(browser, server)
    page = await browser.show(URL, QUESTION)
    await server.kill()
    await browser.press(page)
    await until(lambda: _pending(options, 1))
    await browser.stop_worker(options)

    await server.start(READY)
    watcher = await server.connect(user="ada", session="s1", client="watcher", resume=watcher.positions)
    panel = await browser.open("panel")  # wakes the worker
    await expect(panel.locator(".skill")).to_be_visible()
    await until(lambda: _pending(options, 0))
    await watcher.sync(timeout=30)
    assert len(analyses(watcher)) == 1
    assert [shot["phase"] for shot in (await kept(panel))["shots"]] == ["done"]
    assert browser.complaints == []


async def test_an_answer_that_was_on_its_way_to_a_stopped_worker_arrives_once(
    start: Start, server: ServerProcess, tcp_proxy: StartProxy
) -> None:
    browser = await start()
    proxy = await tcp_proxy(server.url)
    options, watcher = await signed_in(browser, server, url=proxy.url)
    page = await browser.show(URL, QUESTION)
    proxy.stall("down")
    await browser.press(page)
    await watcher.recv("question:analyzed", timeout=60)  # done, and the extension was told neither that nor the ack
    assert [shot["phase"] for shot in (await kept(options))["shots"]] == ["waiting"]
    await browser.stop_worker(options)
    proxy.cut()
    proxy.resume("down")

    panel = await browser.open("panel")
    await expect(panel.locator(".skill")).to_be_visible()
    await until(lambda: _pending(options, 0))
    await watcher.sync(timeout=30)
    assert len(analyses(watcher)) == 1
    assert len(watcher.of("user:connect")) == 1, "it came back as the device that it was"
    assert browser.complaints == []


async def test_a_stopped_worker_is_woken_by_its_alarm_and_sends_what_waits(start: Start, server: ServerProcess) -> None:
    browser = await start()
    options, watcher = await signed_in(browser, server)
    page = await browser.show(URL, QUESTION)
    await server.kill()
    await browser.press(page)
    await until(lambda: _pending(options, 1))
    assert (await options.evaluate("chrome.alarms.get('wake')"))["periodInMinutes"] == 0.5
    await server.start(READY)
    watcher = await server.connect(user="ada", session="s1", client="watcher", resume=watcher.positions)
    await browser.stop_worker(options)
    assert analyses(watcher) == []
    await options.evaluate("chrome.alarms.create('wake', {when: Date.now() + 300})")  # now, not in half a minute
    await watcher.recv("question:analyzed", timeout=60)
    await watcher.sync(timeout=30)
    assert len(analyses(watcher)) == 1


async def test_an_open_panel_keeps_its_worker_alive(start: Start, blind: ServerProcess) -> None:
    browser = await start()
    options, watcher = await signed_in(browser, blind)
    panel = await browser.open("panel")
    for times in range(1, 4):
        session = await browser.context.new_cdp_session(options)
        await session.send("ServiceWorker.enable")
        await session.send("ServiceWorker.stopAllWorkers")
        await until(partial(_told, watcher, times))
    await expect(panel.locator(".connection")).to_have_attribute("data-state", "joined")
    await watcher.request(
        "extension:sync", {"extensionId": "other", "isActive": True, "currentUrl": "https://b.example/"}, timeout=30
    )
    await expect(panel.locator("#devices li").last).to_have_text("Extension on b.example")


async def test_what_cannot_be_read_is_said_clearly(start: Start, server: ServerProcess) -> None:
    browser = await start()
    panel = await browser.open("panel")
    problem = panel.locator("#problem strong")
    await expect(problem).to_have_text("Not set up yet")
    await signed_in(browser, server)
    await expect(problem).to_have_count(0)

    await browser.show(URL, QUESTION)
    window = await panel.evaluate("chrome.windows.getCurrent().then(({id}) => id)")
    capture = f"chrome.runtime.sendMessage({{do: 'capture', windowId: {window}}})"
    assert (await panel.evaluate(capture))["code"] == "needs_gesture", "the button of the panel is no permission"
    await expect(problem).to_have_text("Press the Bonsai button of the toolbar")

    own = await browser.context.new_page()
    await own.goto("chrome://version/")
    await browser.press(own)
    await expect(problem).to_have_text("This page cannot be read")

    await browser.press(await browser.show("http://news.example/", NEWS))
    await expect(panel.locator("#question strong")).to_have_text("This is no SAT question")
    await expect(problem).to_have_count(0)
    assert browser.complaints == []


async def test_what_is_wrong_with_the_connection_is_said_clearly(start: Start, bonsai_process: StartProcess) -> None:
    closed = await bonsai_process(plugins=["extension"])  # does not let the extension in
    browser = await start()
    options = await browser.open("options")
    problem = options.locator("#problem strong")

    async def save(**fields: str) -> None:
        for name, value in fields.items():
            await options.fill(f"#{name}", value)
        await options.click("text=Save and connect")

    await save(server="http://live.example.org", token="x")
    await expect(problem).to_contain_text("Without https only a server on this computer")
    await save(server=closed.url, token="not a token")
    await expect(problem).to_contain_text("This is no token")
    await save(token=closed.token("ada", ttl_s=-60))
    await expect(problem).to_contain_text("has expired")
    await save(token=closed.token("ada"))
    await expect(problem).to_have_text("The server does not let this extension in")
    await expect(options.locator("#problem")).to_contain_text(ORIGIN)
    await closed.kill()
    await save(token=closed.token("ada"))
    await expect(problem).to_have_text("No server answers there")
    text = await options.inner_text("body")
    assert closed.token("ada") not in text


async def test_a_token_that_ran_out_is_replaced_and_nothing_that_waits_is_lost(
    start: Start, server: ServerProcess
) -> None:
    browser = await start()
    options, watcher = await signed_in(browser, server)
    panel = await browser.open("panel")
    revoke = {"action": "revoke", "user": "ada"}
    await options.wait_for_timeout(1100)  # tokens are as old as their second
    body = json.dumps(revoke)
    status = await _post(f"{server.url}/api/websocket", body)
    assert status == 200
    await expect(panel.locator("#problem strong")).to_have_text("Your token is not valid any more")
    page = await browser.show(URL, QUESTION)
    await browser.press(page)
    await until(lambda: _pending(options, 1))
    await options.wait_for_timeout(1100)
    await browser.configure(options, token=server.token("ada"))
    await expect(panel.locator(".skill")).to_be_visible()
    watcher = await server.connect(user="ada", session="s1", client="watcher", resume=watcher.positions)
    await watcher.sync(timeout=30)
    assert len(analyses(watcher)) == 1


async def test_a_demo_server_lets_in_under_a_name(start: Start, blind: ServerProcess, tmp_path: Path) -> None:
    extension = build(tmp_path / "allowed")
    allow(extension, "http://127.0.0.1/*")
    browser = await start(extension)
    options = await browser.open("options")
    await options.click("text=Under a name")
    await browser.configure(options, server=blind.url, name="ada", session="s1")
    await expect(options.locator("#good")).to_contain_text("Connected as ada")
    await options.click("#forget")
    await expect(options.locator("#account")).to_be_hidden()
    assert await options.evaluate("chrome.storage.local.get(['settings', 'token'])") == {}
    assert await options.evaluate("chrome.storage.session.get('token')") == {}
    await expect(options.locator("#connection-text")).to_have_text("Off")


@pytest.mark.parametrize("dark", [False, True])
async def test_panel_and_options_page_are_accessible(start: Start, server: ServerProcess, dark: bool) -> None:
    browser = await start()
    empty = await browser.open("panel", dark=dark)
    assert await violations(empty) == []
    options, _ = await signed_in(browser, server)
    await options.emulate_media(color_scheme="dark" if dark else "light")
    page = await browser.show(URL, QUESTION)
    panel = await browser.open("panel", dark=dark)
    await browser.press(page)
    await expect(panel.locator(".skill")).to_be_visible()
    await panel.click("#hint")
    await expect(panel.locator("#ladder li")).to_have_count(1)
    assert await violations(panel) == []
    assert await violations(options) == []
    await options.fill("#server", "")
    await options.click("text=Save and connect")
    await expect(options.locator("#server")).to_be_focused()
    assert await violations(options) == []


async def test_the_extension_asks_for_no_more_than_it_needs(built: Path) -> None:
    manifest = json.loads((built / "manifest.json").read_text())
    assert manifest["permissions"] == ["activeTab", "alarms", "sidePanel", "storage"]
    assert "host_permissions" not in manifest
    assert "content_scripts" not in manifest
    assert len(EXTENSION_ID) == 32


async def violations(page: Page) -> list[str]:
    """What axe-core finds of the kinds `serious` and `critical`."""
    # Pages of extensions run no scripts but their own; DevTools may.
    session = await page.context.new_cdp_session(page)
    source = (WEB / "node_modules/axe-core/axe.min.js").read_text()
    await session.send("Runtime.evaluate", {"expression": source})
    run = "axe.run().then(({violations}) => JSON.stringify(violations))"
    answer = await session.send("Runtime.evaluate", {"expression": run, "awaitPromise": True})
    await session.detach()
    found = json.loads(answer["result"]["value"])
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in found
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


async def _pending(page: Page, count: int) -> bool:
    stored = await page.evaluate("chrome.storage.session.get('connection')")
    return bool(stored.get("connection", {}).get("pending") == count)


def _told(device: WireClient, times: int) -> bool:
    return len(device.of("user:connect")) == times


async def _post(url: str, body: str) -> int:
    import aiohttp

    async with aiohttp.ClientSession() as http, http.post(url, data=body) as answer:
        return answer.status
