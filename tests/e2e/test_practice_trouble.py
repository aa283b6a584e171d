"""Practice when the network, the server, the token or the window breaks: nothing is lost, and nothing counts twice."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import expect

from bonsai_core.testing import ServerProcess, StartProxy, TcpProxy
from bonsai_core.testing.process import free_port
from tests.e2e.conftest import START, StartPage
from tests.e2e.page import Chromium
from tests.e2e.student import Student

pytestmark = pytest.mark.timeout(300)

#: Whether the browser keeps an answer on its disk.
KEPT = """async () => {
    const done = (request) => new Promise((resolve) => (request.onsuccess = () => resolve(request.result)));
    const [{ name }] = await indexedDB.databases();
    const db = await done(indexedDB.open(name));
    const kept = await done(db.transaction("messages").objectStore("messages").getAll());
    db.close();
    return kept.some(({ event }) => event === "analytics:performance");
}"""


async def _counted(server: ServerProcess, user: str) -> dict[str, Any]:
    """What the server has of a student's answers in all sessions."""
    device = await server.connect(user=user, session="another", client="test")
    progress = await device.request("analytics:progress", {})
    totals: dict[str, Any] = progress["totals"]
    return totals


async def _behind_a_network(page_server: StartPage, tcp_proxy: StartProxy) -> tuple[ServerProcess, TcpProxy]:
    """A server that takes the network before it for its own address."""
    port = free_port()
    network = await tcp_proxy(f"http://127.0.0.1:{port}")
    return await page_server(websocket_port=port, allowed_origins=network.url), network


async def test_ten_seconds_without_a_network_cost_nothing(
    page_server: StartPage, browser: Chromium, tcp_proxy: StartProxy
) -> None:
    server, network = await _behind_a_network(page_server, tcp_proxy)
    student = await Student.sit_down(await browser.context(), network.url, "ada")
    await student.answer()
    await student.go_on()

    network.refuse()
    network.cut()
    cut = asyncio.get_running_loop().time()
    await expect(student.connection).to_contain_text("Offline")
    await student.answer(graded=False)
    await expect(student.page.locator(".report h3")).to_have_text("Saved")
    await expect(student.connection).to_contain_text("to send")
    await expect(student.page.locator(".trail")).to_have_attribute("aria-label", re.compile("1 not graded yet"))
    await student.go_on()
    await student.answer(graded=False)
    await student.go_on()
    await student.give(right=False)
    await asyncio.sleep(max(0.0, cut + 10 - asyncio.get_running_loop().time()))
    network.refuse(False)

    await student.is_live()
    await expect(student.page.locator(".trail")).to_have_attribute("aria-label", "3 of 3 right in this session")
    await student.page.keyboard.press("Enter")
    await expect(student.page.locator(".report h3")).to_have_text("Not quite")
    await expect(student.page.locator(".numbers")).to_contain_text("3 of 4")
    totals = await _counted(server, "ada")
    assert (totals["answered"], totals["correct"]) == (4, 3)


async def test_a_killed_server_comes_back_under_an_open_page(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    student = await Student.sit_down(await browser.context(), server.url, "ada")
    await student.answer()
    await student.go_on()
    question = await student.question_id()
    await student.give()
    await server.kill()
    await expect(student.connection).to_contain_text("Offline")
    await student.page.keyboard.press("Enter")
    await expect(student.page.locator(".report h3")).to_have_text("Saved")
    await server.start(timeout=START)
    await student.is_live()
    assert await student.question_id() == question
    await expect(student.page.locator(".report h3")).to_have_text("Right")
    await expect(student.page.locator(".numbers")).to_contain_text("2 of 2")
    assert (await _counted(server, "ada"))["answered"] == 2


async def test_an_expiring_token_is_renewed_and_nobody_notices(page_server: StartPage, browser: Chromium) -> None:
    env = {"BONSAI_DASHBOARD_TOKEN_S": "4"}
    server = await page_server(env=env, token_expiring_s=2, jwt_leeway_s=0)
    context = await browser.context()
    logins = asyncio.Semaphore(0)
    context.on("request", lambda request: logins.release() if request.url.endswith("/login") else None)
    student = await Student.sit_down(context, server.url, "ada")
    states: list[str] = []
    await student.page.expose_function("told", lambda state: states.append(state))  # noqa: PLW0108 (a method of a list takes no attributes)
    await student.page.evaluate(
        """new MutationObserver(() => told(document.querySelector(".connection").dataset.state))
             .observe(document.querySelector(".connection"), {attributes: true})"""
    )
    await student.answer()
    async with asyncio.timeout(60):
        for _ in range(4):  # the fourth is asked for: two have expired
            await logins.acquire()
    await student.go_on()
    await student.answer(right=False)
    assert states == []
    assert (await _counted(server, "ada"))["answered"] == 2


async def test_what_a_closed_window_had_not_sent_is_sent_by_the_next(
    page_server: StartPage, browser: Chromium, tcp_proxy: StartProxy
) -> None:
    server, network = await _behind_a_network(page_server, tcp_proxy)
    context = await browser.context()
    student = await Student.sit_down(context, network.url, "ada")
    network.refuse()
    network.cut()
    await expect(student.connection).to_contain_text("Offline")
    await student.answer(graded=False)
    await student.page.wait_for_function(KEPT)  # a put that is under way when the window closes is lost
    await student.page.close()
    network.refuse(False)
    again = await Student.sit_down(context, network.url, "ada")
    await expect(again.page.locator(".numbers")).to_contain_text("1 of 1")
    await expect(again.page.locator(".report h3")).to_have_text("Right")
    assert (await _counted(server, "ada"))["answered"] == 1
