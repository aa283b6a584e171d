"""A real server on a free port, with this plugin, a small question bank, and a clock that tests move."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
from bonsai_analytics.plugin import Analytics

from bonsai_core import Plugin, Question, hookimpl
from bonsai_core.app import App
from bonsai_core.auth import mint_token
from bonsai_core.client import Auth, Client
from bonsai_core.server import Server
from bonsai_core.settings import Settings

SECRET = "a secret for tests, of more than 32 bytes"


class Clock:
    """Milliseconds since the epoch, moved by hand. It begins today, since tokens are checked against it."""

    def __init__(self) -> None:
        self.now = int(time.time() * 1000)

    def __call__(self) -> int:
        return self.now


def question(id: str, skill: str, answer: str, **more: Any) -> Question:
    return Question(id=id, section="Math", domain="Algebra", skill=skill, stem="?", answer=answer, **more)


class Bank(Plugin):
    """Knows two questions."""

    name = "bank"

    @hookimpl
    def find_question(self, question_id: str) -> Question | None:
        if question_id == "choice":
            return question("choice", "Lines", "B", choices={"A": "1", "B": "2"}, explanation="Halve it.")
        if question_id == "number":
            return question("number", "Ratios", "1/2 or .5")
        return None


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[Server]:
    settings = Settings(env_file=None, jwt_secret=SECRET, websocket_port=0, store_url="sqlite://", rate_max_requests=0)
    app = App(settings, clock=clock)
    app.plugins.add(Analytics())
    app.plugins.add(Bank())
    server = Server(app)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def connect(server: Server) -> AsyncIterator[Callable[..., Awaitable[Client]]]:
    """`await connect(session="s1", user="ada")`: a connected client, closed after the test."""
    async with AsyncExitStack() as stack:

        async def connect(session: str = "s1", user: str = "ada", **options: Any) -> Client:
            token = mint_token(SECRET, user=user, now=server.app.now())
            client = Client(server.url, auth=Auth(token=token, session_id=session), **options)
            return await stack.enter_async_context(client)

        yield connect
