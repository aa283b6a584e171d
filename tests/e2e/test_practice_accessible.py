"""Practice for everybody: axe-core finds nothing serious in any state, light or dark, wide or narrow; keys suffice."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import StartPage
from tests.e2e.page import Chromium, violations
from tests.e2e.student import Student, bank

pytestmark = pytest.mark.timeout(300)


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)], ids=["wide and light", "narrow and dark"])
async def test_no_state_has_a_serious_violation(
    page_server: StartPage, browser: Chromium, width: int, dark: bool
) -> None:
    server = await page_server()
    context = await browser.context(width=width, height=860, dark=dark)
    door = await context.new_page()
    await door.goto(server.url)
    await expect(door.get_by_role("heading", name="Practise with Bonsai")).to_be_visible()
    found = {"the door": await violations(door)}
    await door.get_by_label("Your name").fill("ada")
    await door.keyboard.press("Enter")
    student = Student(door)
    page = student.page
    await expect(student.question).to_be_visible()
    while not bank()[await student.question_id()].choices:
        await student.answer()
        await student.go_on()
    await page.keyboard.press("Shift+C")
    await student.give(right=False)
    await page.get_by_test_id("hint").click()
    await expect(page.locator(".hints li")).to_have_count(1)
    found["a question"] = await violations(page)
    await student.answer(right=False)
    found["an explanation"] = await violations(page)
    await page.get_by_role("button", name="Devices").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    found["devices"] = await violations(page)
    await page.keyboard.press("Escape")
    if width < 1000:
        await page.get_by_test_id("coach").click()
        await expect(page.get_by_label("Ask the coach")).to_be_visible()
        found["the coach"] = await violations(page)
        await page.keyboard.press("Escape")
    await page.get_by_text("Mock test").click()
    await page.get_by_test_id("start-module").click()
    await expect(page.get_by_role("navigation", name="Questions of the module")).to_be_visible()
    found["a mock test"] = await violations(page)
    assert {state: list_ for state, list_ in found.items() if list_} == {}


async def test_a_question_is_done_with_the_keyboard_alone(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    student = await Student.sit_down(await browser.context(), server.url, "ada")
    page = student.page
    while not bank()[await student.question_id()].choices:
        await student.answer()
        await student.go_on()
    await page.keyboard.press("Tab")
    await expect(page.get_by_text("Skip to content")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator("#view")).to_be_focused()
    await page.keyboard.press("h")
    await expect(page.locator(".hints li")).to_have_count(1)
    await page.keyboard.press("Shift+A")
    await expect(page.get_by_role("button", name="Cross out A")).to_have_attribute("aria-pressed", "true")
    await page.keyboard.press("b")
    await expect(page.get_by_role("radio", name="B:")).to_be_checked()
    await page.keyboard.press("Enter")
    await expect(page.locator(".report h3")).not_to_have_text("Looking…")
    before = await student.question_id()
    await page.keyboard.press("Enter")
    await student.shows_another(before)
    await expect(page.locator(".asked-head")).to_be_focused()
