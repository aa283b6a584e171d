"""What the contracts have in common: a server with the plugin under test, and plugins that stand around it."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bonsai_core.domain import Question, Section
from bonsai_core.events import Event, Plugin, hookimpl, observes, on
from bonsai_core.session import Session
from bonsai_core.testing.server import StartServer, TestServer
from bonsai_core.testing.wire import WireClient, WireError

#: Codes of errors that are nobody's refusal: something broke.
BROKE = frozenset({"handler_failed", "handler_timeout", "plugin_unavailable", "unknown_event"})


class Contract:
    """What all contracts ask for. A subclass has the fixture `plugin`.

    Attributes:
        timeout: seconds that an answer, and getting ready, may take.
    """

    timeout: float = 30.0

    @pytest.fixture
    def plugin(self) -> object:
        """The plugin object under test; a new one for each check."""
        raise NotImplementedError("a contract's subclass has a fixture `plugin`")

    @pytest.fixture
    def ids(self) -> Iterator[int]:
        """Message ids."""
        return itertools.count(1)

    async def start(self, bonsai_server: StartServer, plugin: object, *others: object, **settings: Any) -> TestServer:
        """A server with the plugin, once that is ready."""
        server = await bonsai_server(plugins=[plugin, *others], **settings)
        async with asyncio.timeout(self.timeout):
            while not (await server.app.health())["ready"]:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0.01)
        return server

    async def refuses(self, device: WireClient, event: str, data: Any, *codes: str) -> WireError:
        """The event is refused, and not because something broke; with one of `codes`, if there are any."""
        with pytest.raises(WireError) as refused:
            await device.request(event, data, timeout=self.timeout)
        code = refused.value.code
        assert code not in BROKE, f"{event} {data}: {refused.value}"
        assert not codes or code in codes, f"{event} {data}: {refused.value}"
        return refused.value

    def declares(self, server: TestServer, *events: str) -> None:
        """The plugins declare these events as theirs to send, so that they are documented."""
        emitted = set().union(*(record.emits for record in server.app.plugins.loaded()))
        assert set(events) <= emitted, f"not declared in `emits`: {sorted(set(events) - emitted)}"

    def unharmed(self, server: TestServer) -> None:
        """No plugin failed at anything so far."""
        failures = {record.name: record.guard.failures for record in server.app.plugins.loaded()}
        assert not {name: failed.last for name, failed in failures.items() if failed.total}


class Observer(Plugin):
    """Sees what other plugins emit, as any plugin may.

    Attributes:
        seen: (event, payload), in order.
    """

    name = "contract_observer"

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    @observes("question:analyzed")
    @observes("analytics:performance")
    @observes("analytics:update")
    @observes("recommendations:update")
    @observes("coaching:hint")
    @observes("coaching:message")
    async def saw(self, session: Session, event: Event) -> None:
        """Keep it."""
        self.seen.append((event.name, event.data))

    def of(self, event: str) -> list[Any]:
        """The payloads of one event."""
        return [data for name, data in self.seen if name == event]


class Answers(Plugin):
    """Emits every answer, as an analytics plugin does."""

    name = "contract_answers"

    @on("analytics:performance")
    async def answered(self, session: Session, event: Event) -> None:
        """An answer."""
        session.emit("analytics:performance", event.data)


class Bank(Plugin):
    """A bank of questions, as an installed one would be: it answers `find_question`.

    Args:
        questions: those that it knows.
    """

    name = "contract_bank"

    def __init__(self, *questions: Question) -> None:
        self.questions = {question.id: question for question in questions}

    @hookimpl
    def find_question(self, question_id: str) -> Question | None:
        """The question with this id."""
        return self.questions.get(question_id)


def algebra(id: str, skill: str, **more: Any) -> Question:
    """A question on algebra."""
    return Question(id=id, section=Section.MATH, domain="Algebra", skill=skill, **more)


async def eventually(holds: Callable[[], bool], timeout: float) -> None:
    """Return once `holds()` is true.

    Raises:
        TimeoutError: it was not within `timeout` seconds.
    """
    async with asyncio.timeout(timeout):
        while not holds():  # noqa: ASYNC110 - no event tells
            await asyncio.sleep(0.005)


def strings(data: Any) -> Iterator[str]:
    """Every string in a payload, at any depth; not the keys."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for value in data.values():
            yield from strings(value)
    elif isinstance(data, list):
        for value in data:
            yield from strings(value)


def keys(data: Any) -> Iterator[str]:
    """Every key in a payload, at any depth."""
    if isinstance(data, dict):
        yield from data
        for value in data.values():
            yield from keys(value)
    elif isinstance(data, list):
        for value in data:
            yield from keys(value)
