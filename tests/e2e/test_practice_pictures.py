"""A question on a picture: pasted, dropped or picked, read before the student's eyes, given up."""

from __future__ import annotations

import base64

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.e2e.conftest import PLUGINS, StartPage
from tests.e2e.page import Chromium
from tests.e2e.student import Student

pytestmark = pytest.mark.timeout(300)

QUESTION = """<body style="margin: 40px; width: 640px; font: 20px/1.6 Georgia, serif; background: #fff">
<p>A taxi ride costs a fixed fee of 4 dollars and 3 dollars for each mile. Which equation gives the cost y, in dollars,
of a ride of x miles?</p>
<p>A) y = 3x + 4</p><p>B) y = 4x + 3</p><p>C) y = 7x</p><p>D) y = 3x - 4</p></body>"""

PASTE = """([base64, type]) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], "shot", { type }));
    const event = type.startsWith("image/") ? "paste" : "drop";
    const Kind = event === "paste" ? ClipboardEvent : DragEvent;
    const given = event === "paste" ? { clipboardData: data } : { dataTransfer: data };
    document.body.dispatchEvent(new Kind(event, { bubbles: true, cancelable: true, ...given }));
}"""


async def _picture(context: BrowserContext) -> bytes:
    page = await context.new_page()
    await page.set_viewport_size({"width": 720, "height": 420})
    await page.set_content(QUESTION)
    picture = await page.screenshot()
    await page.close()
    return picture


async def _watch(page: Page) -> None:
    """Keep every text and fraction that the analysis shows."""
    await page.evaluate(
        """() => {
            window.seen = { texts: new Set(), fractions: new Set() };
            new MutationObserver(() => {
                const card = document.querySelector("[data-testid=analysis]");
                const meter = card?.querySelector("progress");
                if (meter?.hasAttribute("value")) seen.fractions.add(meter.value);
                const partial = card?.querySelector(".analysis-partial")?.textContent;
                if (partial) seen.texts.add(partial);
            }).observe(document.body, { subtree: true, childList: true, attributes: true });
        }"""
    )


async def test_a_pasted_screenshot_is_read_step_by_step(page_server: StartPage, browser: Chromium) -> None:
    server = await page_server(plugins=f"{PLUGINS},vision", env={"BONSAI_VISION_WORKERS": "1"})
    context = await browser.context()
    picture = await _picture(context)
    student = await Student.sit_down(context, server.url, "ada")
    other = await Student.sit_down(context, server.url, "ada")
    await _watch(student.page)
    await student.page.evaluate(PASTE, [base64.b64encode(picture).decode(), "image/png"])
    card = student.page.get_by_test_id("analysis")
    await expect(card.get_by_alt_text("What you sent")).to_be_visible()
    await expect(card).to_have_attribute("data-state", "done")
    await expect(card.locator(".stem")).to_contain_text("Which equation gives the cost")
    await expect(card.locator(".analysis-choices li")).to_have_count(4)
    await expect(card.locator(".analysis-tags")).to_contain_text("Math")
    assert await card.locator(".insights dd").count() >= 1
    assert await student.page.evaluate("seen.fractions.size") >= 3
    assert await student.page.evaluate("[...seen.texts].some((text) => text.includes('taxi'))")

    await expect(other.page.get_by_test_id("analysis").locator(".stem")).to_contain_text("Which equation gives")

    await card.get_by_test_id("hint").click()
    await expect(card.locator(".hints li")).to_have_count(1)
    await card.get_by_role("button", name="Close").click()
    await expect(card).to_have_count(0)

    # A picture of nothing: given up at once.
    chooser = student.page.get_by_test_id("picture")
    await chooser.set_input_files(
        {"name": "noise.png", "mimeType": "image/png", "buffer": await other.page.screenshot()}
    )
    await card.get_by_role("button", name="Cancel").click()
    await expect(card).to_have_count(0)

    await student.page.evaluate(PASTE, [base64.b64encode(b"%PDF").decode(), "application/pdf"])
    await expect(student.page.get_by_text("Only PNG, JPEG and WebP pictures can be read.")).to_be_visible()
