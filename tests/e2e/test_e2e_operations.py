"""Operations, as an admin sees them in Chromium while students practise; and that nobody else does."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from bonsai_core.testing import ServerProcess, WireError
from tests.e2e.conftest import StartPage
from tests.e2e.page import Chromium, violations


async def look(browser: Chromium, server: ServerProcess, roles: str, **options: object) -> Page:
    """Open the view with these roles."""
    page = await (await browser.context(**options)).new_page()  # type: ignore[arg-type]
    await page.goto(f"{server.url}/#as=root&session=ops&roles={roles}&view=operations")
    await expect(page.get_by_role("heading", name="Operations", level=1)).to_be_visible()
    if "admin" in roles:  # who watches by now
        await expect(page.get_by_test_id("connections")).to_have_text(re.compile(r"\d"))
    return page


async def answer(server: ServerProcess, user: str, times: int) -> None:
    """A student answers, and is refused once."""
    device = await server.connect(user=user, session=f"{user}-s", client="phone")
    for id in range(1, times + 1):
        payload = {"questionId": f"a-secret-{id}", "correct": True, "timeSpent": 9, "skill": "Circles"}
        await device.request("analytics:performance", payload, id=id)
    with pytest.raises(WireError):
        await device.request("analytics:performance", {"questionId": "a-secret"}, id=times + 1)


async def test_an_admin_watches_events_connections_and_plugins(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    page = await look(browser, server, "admin")
    connections, log = page.get_by_test_id("connections"), page.get_by_test_id("log").locator("tbody tr")
    await expect(connections).to_have_text("1")
    for plugin in ("analytics", "coaching", "dashboard", "extension", "recs"):
        await expect(page.locator(f"[data-plugin={plugin}]")).to_contain_text("loaded")
    await expect(page.locator("[data-plugin=recs]")).to_contain_text("questions 771")
    await expect(page.locator(".facts")).to_contain_text("ready")

    await answer(server, "ada", 12)
    await expect(connections).to_have_text("2")
    await expect(
        log.filter(has_text="analytics:performance").filter(has_text="ada").filter(has_text="ack")
    ).to_have_count(12)
    await expect(page.get_by_test_id("rate")).to_have_text(re.compile(r"^(?!0 )\d.*/s$"))
    events = page.get_by_role("region", name="By event")
    await expect(events.locator("tr", has_text="analytics:performance").locator("td").nth(1)).to_have_text("1")
    await expect(page.get_by_role("img", name=re.compile(r"Latency .* p99 [\d.]+"))).to_be_visible()
    assert "secret" not in await page.content()

    await page.get_by_text("Refused or failed").last.click()
    await expect(log).to_have_count(1)
    await expect(log).to_contain_text("invalid_payload")
    await page.get_by_text("All", exact=True).click()
    await page.get_by_label("Filter by event, user or outcome").fill("watch root")
    await expect(log).to_have_count(1)
    await expect(log).to_contain_text("dashboard:watch")
    await page.get_by_label("Filter by event, user or outcome").fill("")


async def test_the_log_can_be_paused(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    page = await look(browser, server, "admin")
    rows = page.get_by_test_id("log").locator("tbody tr")
    await answer(server, "ada", 2)
    await expect(rows.filter(has_text="ada")).to_have_count(3)
    await page.get_by_role("button", name="Pause").click()
    await answer(server, "bob", 4)
    await expect(page.get_by_text("Paused; 5 newer")).to_be_visible()
    await expect(rows.filter(has_text="bob")).to_have_count(0)
    await page.get_by_role("button", name="Go on").click()
    await expect(rows.filter(has_text="bob")).to_have_count(5)


async def test_figures_go_on_after_the_server_was_killed_and_started_again(
    page_server: StartPage, browser: Chromium
) -> None:
    server = await page_server()
    page = await look(browser, server, "admin")
    await expect(page.get_by_test_id("connections")).to_have_text("1")
    await server.kill()
    await expect(page.locator(".connection")).not_to_have_attribute("data-state", "joined")
    await server.start()
    await expect(page.locator(".connection")).to_have_attribute("data-state", "joined")
    await answer(server, "ada", 3)
    await expect(page.get_by_test_id("log").locator("tr", has_text="ada")).to_have_count(4)
    await expect(page.get_by_test_id("connections")).to_have_text("2")


async def test_nothing_is_collected_while_another_view_is_shown(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    page = await look(browser, server, "student,admin")
    await expect(page.locator("[data-plugin=dashboard]")).to_contain_text("watchers 1")
    await page.get_by_role("link", name="Progress").click()
    await expect(page.get_by_role("heading", name="Progress", level=1)).to_be_visible()
    desk = await server.connect(user="eve", session="eve-s", roles=["admin"])
    await desk.request("dashboard:watch", {}, id=1)
    frame = await desk.recv("dashboard:operations")
    told = {plugin["name"]: plugin for plugin in frame["data"]["plugins"]}
    assert told["dashboard"]["details"]["watchers"] == 1, "eve alone"


@pytest.mark.parametrize("roles", ["student", "tutor"])
async def test_a_student_cannot_open_it(page_server: StartPage, browser: Chromium, roles: str) -> None:
    server = await page_server()
    page = await look(browser, server, roles)
    await expect(page.get_by_text("These figures are for the role admin")).to_be_visible()
    await expect(page.get_by_role("link", name="Operations")).to_have_count(0)
    await answer(server, "ada", 1)
    await expect(page.get_by_test_id("log")).to_have_count(0)
    assert await violations(page) == []


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
async def test_operations_are_accessible_and_fit(
    page_server: StartPage, browser: Chromium, width: int, dark: bool
) -> None:
    server = await page_server()
    page = await look(browser, server, "student,admin", width=width, dark=dark)
    await answer(server, "ada", 5)
    await expect(page.get_by_test_id("log").locator("tr", has_text="ada")).to_have_count(6)
    for summary in await page.get_by_text("Show as a table").all():
        await summary.click()
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
