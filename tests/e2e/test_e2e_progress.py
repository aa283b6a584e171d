"""Progress, as a student sees it in Chromium while answers come from another of their devices."""

from __future__ import annotations

from itertools import count

import pytest
from playwright.async_api import Page, expect

from bonsai_core.testing import ServerProcess, WireClient
from tests.e2e.conftest import StartPage
from tests.e2e.page import Chromium, violations

#: Answers that a predicted total needs in each section.
NEEDED = 10


class Phone:
    """Another device of the student's session, which answers."""

    def __init__(self, device: WireClient) -> None:
        self._device = device
        self._ids = count(1)

    @classmethod
    async def of(cls, server: ServerProcess, user: str) -> Phone:
        """Connect it."""
        return cls(await server.connect(user=user, session=f"{user}-s", client="phone"))

    async def answer(self, skill: str, *, right: bool = True, seconds: float = 60) -> None:
        """Record an answer."""
        id = next(self._ids)
        answer = {"questionId": f"q{id}", "correct": right, "timeSpent": seconds, "skill": skill}
        await self._device.request("analytics:performance", answer, id=id)

    async def practise(self) -> None:
        """Answers enough for a score."""
        for number in range(NEEDED):
            await self.answer("Transitions", right=number % 3 != 0)
            await self.answer("Circles", right=number % 2 == 0)


async def look(browser: Chromium, server: ServerProcess, user: str, **options: object) -> Page:
    """Open the view in the session of the student's phone."""
    page = await (await browser.context(**options)).new_page()  # type: ignore[arg-type]
    await page.goto(f"{server.url}/#as={user}&session={user}-s&view=progress")
    await expect(page.get_by_role("heading", name="Progress", level=1)).to_be_visible()
    await expect(page.locator(".connection")).to_have_attribute("data-state", "joined")
    return page


async def test_figures_follow_answers_of_another_device(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    phone = await Phone.of(server, "ada")
    page = await look(browser, server, "ada")
    session, total = page.get_by_test_id("session"), page.get_by_test_id("score-total")
    await expect(page.locator(".score-none")).to_contain_text("from 10 answers in each section on")
    await expect(session).to_contain_text("Answers show up here")

    await phone.practise()
    await expect(page.get_by_test_id("answered")).to_have_text("20")
    await expect(total).to_contain_text("of 1600")
    before = int(await total.locator("strong").inner_text())
    assert 400 <= before <= 1600
    scale = page.get_by_role("img", name=f"Total {before}; your level is between")
    await expect(scale).to_be_visible()
    assert "one test taken now between" in (await scale.get_attribute("aria-label") or "")
    transitions = page.locator("[data-skill='Transitions']")
    await expect(transitions).to_contain_text("10 answers")
    await expect(page.locator("[data-skill='Percentages']")).to_contain_text("not practised yet")
    await expect(page.locator("table.skills tr[data-skill]")).to_have_count(29)

    newest = page.get_by_test_id("answers").locator("li").first
    for _ in range(8):
        await phone.answer("Circles", right=False, seconds=200)
    await expect(page.get_by_test_id("answered")).to_have_text("28")
    await expect(newest).to_contain_text("Wrong")
    await expect(newest).to_contain_text("Circles")
    await expect(newest).to_contain_text("3 min 20 s")
    after = int(await total.locator("strong").inner_text())
    assert after < before
    await expect(session).to_contain_text("behind the clock")


async def test_a_goal_is_set_by_keyboard_and_kept(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    phone = await Phone.of(server, "ada")
    await phone.practise()
    page = await look(browser, server, "ada")
    await page.get_by_role("button", name="Set a goal").focus()
    await page.keyboard.press("Enter")
    await page.get_by_label("Score to reach").fill("1300")
    await page.get_by_label("Answers a week").fill("50")
    await page.keyboard.press("Enter")
    await expect(page.locator(".score")).to_contain_text("Goal 1300")
    await expect(page.locator(".score")).to_contain_text("Chance of 1300 now")
    await expect(page.get_by_role("progressbar", name="20 of 50 answers this week")).to_be_visible()
    await page.reload()
    await expect(page.locator(".score")).to_contain_text("Goal 1300")
    await phone.answer("Circles")
    await expect(page.get_by_role("progressbar", name="21 of 50 answers this week")).to_be_visible()
    await page.get_by_role("button", name="Change goal").click()
    await page.get_by_label("Score to reach").fill("")
    await page.keyboard.press("Enter")
    await expect(page.locator(".score")).not_to_contain_text("Goal")


async def test_charts_are_there_as_tables(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    await (await Phone.of(server, "ada")).practise()
    page = await look(browser, server, "ada")
    practice = page.get_by_role("region", name="Practice by day")
    await expect(practice.get_by_role("img", name="20 in all")).to_be_visible()
    await practice.get_by_text("Show as a table").click()
    rows = practice.locator("tbody tr")
    await expect(rows).to_have_count(30)
    await expect(rows.first.locator("td")).to_have_text(["20", "11"])
    await page.get_by_text("7 days").click()
    await expect(rows).to_have_count(7)
    await expect(page.get_by_role("region", name="Score by day")).to_contain_text("Practise on two days")


async def test_the_weakest_skills_come_first_when_asked_for(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    phone = await Phone.of(server, "ada")
    for _ in range(6):
        await phone.answer("Boundaries")
        await phone.answer("Inferences", right=False)
    page = await look(browser, server, "ada")
    await page.get_by_text("Weakest first").click()
    skills = page.get_by_role("region", name="Reading and Writing").locator("tr[data-skill]")
    await expect(skills.nth(0)).to_have_attribute("data-skill", "Inferences")
    await expect(skills.nth(1)).to_have_attribute("data-skill", "Boundaries")


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
async def test_it_is_accessible_and_fits(page_server: StartPage, browser: Chromium, width: int, dark: bool) -> None:
    server = await page_server()
    phone = await Phone.of(server, "ada")
    page = await look(browser, server, "ada", width=width, dark=dark)
    assert await violations(page) == []
    await phone.practise()
    await expect(page.get_by_test_id("score-total")).to_be_visible()
    await expect(page.get_by_role("img", name="20 in all")).to_be_visible()
    for summary in await page.get_by_text("Show as a table").all():
        await summary.click()
    assert await violations(page) == []
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
