"""A real server with this plugin and a small question bank, and clients of it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from bonsai_analytics.plugin import Analytics

from bonsai_core import Plugin, Question, hookimpl
from bonsai_core.client import Auth, Client
from bonsai_core.domain import Choice, Section
from bonsai_core.testing import FakeClock, StartServer, TestServer


def question(id: str, skill: str, *answers: str, **more: Any) -> Question:
    return Question(id=id, section=Section.MATH, domain="Algebra", skill=skill, stem="?", answers=list(answers), **more)


CHOICES = [Choice(key="A", text="1"), Choice(key="B", text="2")]


class Bank(Plugin):
    """Knows two questions."""

    name = "bank"

    @hookimpl
    def find_question(self, question_id: str) -> Question | None:
        if question_id == "choice":
            return question("choice", "Linear functions", "B", choices=CHOICES, rationale="Halve it.")
        if question_id == "number":
            return question("number", "Linear equations in one variable", "1/2", "-3")
        return None


@pytest.fixture
def bank() -> Bank:
    return Bank()


@pytest.fixture
async def server(bonsai_server: StartServer, fake_clock: FakeClock, bank: Bank) -> TestServer:
    return await bonsai_server(plugins=[Analytics(), bank], clock=fake_clock)


@pytest.fixture
async def connect(server: TestServer) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """`await connect("s1", user="ada")`: a connected client, closed after the test."""
    async with AsyncExitStack() as stack:

        async def connect(session: str = "s1", user: str = "ada") -> Client:
            client = Client(server.url, auth=Auth(token=server.token(user), session_id=session))
            return await stack.enter_async_context(client)

        yield connect
