"""A student at the Practice view: what they do with keys and buttons, and what they see. Knows the bank's answers."""

from __future__ import annotations

import re
from functools import lru_cache

from playwright.async_api import BrowserContext, Page, expect

from bonsai_core import Question


@lru_cache(maxsize=1)
def bank() -> dict[str, Question]:
    """The shipped questions by id, with their answers."""
    from bonsai_recs.bank import load_bank

    return {question.id: question for question in load_bank().questions}


class Student:
    """A window of the page at the Practice view.

    student = await Student.sit_down(context, server.url, "ada")
    await student.answer()
    await student.go_on()
    """

    def __init__(self, page: Page) -> None:
        self.page = page
        self.question = page.get_by_test_id("question")
        self.connection = page.locator(".connection")

    @classmethod
    async def sit_down(cls, context: BrowserContext, url: str, name: str) -> Student:
        """Open a window, signed in by the demo login, and wait for the first question."""
        page = await context.new_page()
        await page.goto(f"{url}/#as={name}")
        student = cls(page)
        await expect(student.question).to_be_visible()
        return student

    @property
    def article(self) -> str:
        """The selector of the question."""
        return "article[data-question]"

    async def question_id(self) -> str:
        """Which question is shown."""
        return await self.page.locator(self.article).get_attribute("data-question") or ""

    async def choose_subject(self, subject: str) -> None:
        """Practise one subject; returns once a question of it is shown."""
        before = await self.question_id()
        await self.page.get_by_label("Subject").select_option(subject)
        await self.shows_another(before)

    async def shows_another(self, before: str) -> None:
        """Wait until another question is shown than this one."""
        await expect(self.page.locator(f"{self.article}:not([data-question='{before}'])")).to_be_visible()

    async def give(self, *, right: bool = True) -> str:
        """Choose or type an answer, without checking it; the answer."""
        question = bank()[await self.question_id()]
        if not question.choices:
            answer = question.answers[0] if right else "-987"
            await self.page.get_by_label("Your answer").fill(answer)
            return answer
        wrong = [choice.key for choice in question.choices if choice.key not in question.answers]
        answer = question.answers[0] if right else wrong[0]
        await self.page.locator(self.article).get_by_role("radio", name=f"{answer}:").focus()
        await self.page.keyboard.press(answer)
        return answer

    async def answer(self, *, right: bool = True, graded: bool = True) -> None:
        """Answer by the keyboard alone, and wait for what comes of it."""
        await self.give(right=right)
        await self.page.keyboard.press("Enter")
        await expect(self.page.get_by_test_id("next")).to_be_visible()
        if graded:
            await expect(self.page.locator(".report h3")).to_have_text(re.compile("Right" if right else "Not quite"))

    async def go_on(self) -> None:
        """To the next question."""
        before = await self.question_id()
        await self.page.get_by_test_id("next").click()
        await self.shows_another(before)

    async def is_live(self) -> None:
        """Wait until the page says that it is connected, and that nothing waits."""
        await expect(self.connection).to_have_attribute("data-state", "joined")
        await expect(self.connection).to_have_text("Live")
