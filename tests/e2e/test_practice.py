"""Practice, as a student does it: keys and buttons in Chromium against a server with its plugins."""

from __future__ import annotations

import re
import unicodedata

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import StartPage
from tests.e2e.page import Chromium
from tests.e2e.student import Student, bank

pytestmark = pytest.mark.timeout(300)


async def test_ten_questions_with_hints_lead_to_a_predicted_score(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    context = await browser.context()
    await context.clock.install()
    student = await Student.sit_down(context, server.url, "ada")
    page = student.page
    await expect(page.locator(".numbers")).to_contain_text("After ten answers in a section")
    await student.choose_subject("math")
    for number in range(10):
        question = bank()[await student.question_id()]
        if number < 2:
            for rung, hint in enumerate(question.hints[:2], start=1):
                await page.get_by_test_id("hint").click()
                shown = page.locator(".hints li").nth(rung - 1)
                await expect(shown).to_contain_text(f"{rung} of {len(question.hints)}")
                assert _letters(hint) in _letters(await shown.inner_text())
        await context.clock.fast_forward(40_000)  # an answer in no time is taken for a guess
        await student.answer(right=number % 4 != 3)
        explained = _letters(await page.locator(".explanation").inner_text())
        assert _letters(question.rationale) in explained
        if number < 9:
            await expect(page.locator(".report-next")).to_contain_text(re.compile(r"\w+\. .{20,}"))
            await student.go_on()
    await expect(page.get_by_test_id("score")).to_contain_text("Math")
    score = int(await page.get_by_test_id("score").locator("strong").inner_text())
    assert 200 <= score <= 800
    await expect(page.locator(".numbers")).to_contain_text("8 of 10")
    await expect(page.locator(".trail")).to_have_attribute("aria-label", "8 of 10 right in this session")


async def test_two_windows_stay_in_step(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    one = await Student.sit_down(await browser.context(), server.url, "ada")
    await one.page.get_by_role("button", name="Devices").click()
    link = await one.page.locator(".link a").get_attribute("href")
    await expect(one.page.get_by_role("img", name="QR code")).to_be_visible()
    await one.page.keyboard.press("Escape")

    page = await (await browser.context(width=390, height=844, dark=True)).new_page()
    await page.goto(str(link))
    two = Student(page)
    await expect(two.question).to_be_visible()
    assert "session" not in page.url
    await expect(one.page.get_by_role("button", name="Devices: 1 more")).to_be_visible()
    while not bank()[await one.question_id()].choices:
        await one.answer()
        await one.go_on()
    question = await one.question_id()
    await expect(two.page.locator(f"[data-question='{question}']")).to_be_visible()

    await one.page.keyboard.press("Shift+C")
    await expect(two.page.get_by_role("button", name="Cross out C")).to_have_attribute("aria-pressed", "true")
    await one.page.get_by_test_id("hint").click()
    await expect(two.page.locator(".hints li")).to_have_count(1)
    await two.give(right=False)
    chosen = two.page.locator(".choice[data-on=true] input")
    value = await chosen.get_attribute("value")
    await expect(one.page.locator(".choice[data-on=true] input")).to_have_attribute("value", str(value))
    await two.page.get_by_test_id("submit").click()
    for student in (one, two):
        await expect(student.page.locator(".report h3")).to_have_text("Not quite")
        await expect(student.page.locator(".explanation")).not_to_be_empty()
        await expect(student.page.locator(".numbers")).to_contain_text("0 of 1")

    await one.page.get_by_label("Ask the coach").fill("What should I do next?")
    await one.page.keyboard.press("Enter")
    await two.page.get_by_test_id("coach").click()
    for student in (one, two):
        await expect(student.page.locator(".says-own")).to_have_text(["You: What should I do next?"])
        await expect(student.page.locator(".says:not(.says-own)").last).not_to_be_empty()
    said = await one.page.locator(".coach-log .says").all_inner_texts()
    assert await two.page.locator(".coach-log .says").all_inner_texts() == said
    await two.page.keyboard.press("Escape")

    await one.go_on()
    await expect(two.page.locator(f"[data-question='{await one.question_id()}']")).to_be_visible()


async def test_time_stands_still_in_a_pause(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    context = await browser.context()
    await context.clock.install()
    student = await Student.sit_down(context, server.url, "ada")
    await context.clock.fast_forward(61_000)
    await expect(student.page.get_by_role("timer")).to_contain_text("1:01")
    await student.page.get_by_role("button", name="Pause").click()
    await expect(student.page.locator(student.article)).to_have_count(0)
    await context.clock.fast_forward(300_000)
    await student.page.get_by_role("button", name="Go on").first.click()
    await expect(student.page.get_by_role("timer")).to_contain_text(re.compile(r"1:0[123]"))


async def test_a_diagnosis_says_how_well_it_knows_the_student(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    student = await Student.sit_down(await browser.context(), server.url, "ada")
    await student.page.get_by_text("Diagnose").click()
    meter = student.page.get_by_role("progressbar", name="How well we know you")
    await expect(meter).to_be_visible()
    for number in range(3):
        await student.answer(right=number != 1)
        await expect(student.page.locator(".diagnosis")).to_contain_text(f"{number + 1} answered")
        await student.go_on()
    # It is the less well known section's, which three questions may not have touched.
    assert 0 < float(await meter.get_attribute("value") or 0) < 1


async def test_a_mock_test_is_answered_in_any_order_and_handed_in(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server()
    student = await Student.sit_down(await browser.context(), server.url, "ada")
    page = student.page
    await page.get_by_label("Subject").select_option("math")
    await page.get_by_text("Mock test").click()
    await expect(page.get_by_role("heading", name="Math, module 1 of 2")).to_be_visible()
    await page.get_by_test_id("start-module").click()
    questions = page.get_by_role("navigation", name="Questions of the module").get_by_role("button")
    await expect(questions).to_have_count(22)
    for number in (3, 0, 7):
        await questions.nth(number).click()
        await expect(questions.nth(number)).to_have_attribute("aria-current", "step")
        await student.give()
        await expect(questions.nth(number)).to_have_attribute("data-answered", "true")
    await expect(page.get_by_test_id("hint")).to_have_count(0)
    await page.reload()
    await expect(page.locator(".mock-map [data-answered=true]")).to_have_count(3)
    await page.get_by_test_id("hand-in").click()
    await expect(page.get_by_role("dialog")).to_contain_text("19 of 22 questions have no answer yet")
    await page.get_by_test_id("hand-in-now").click()
    await expect(page.get_by_role("heading", name="Math, module 2 of 2")).to_be_visible()
    await expect(page.locator(".marks")).to_contain_text("3 of 22 right")
    await expect(page.locator(".numbers")).to_contain_text("3 of 3")


def _letters(text: str) -> str:
    """A text's letters and digits alone, which no setting of fractions and powers changes."""
    return "".join(sign for sign in unicodedata.normalize("NFKC", text) if sign.isascii() and sign.isalnum())
