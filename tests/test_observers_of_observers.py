"""What observers emit is observed in turn, each once, whatever is resent; and not without end."""

import pytest

from bonsai_core import Payload, Plugin, Refused, Session, observes, on
from bonsai_core.testing import StartServer


class Number(Payload):
    number: int


class First(Plugin):
    name = "first"

    @on("first:go")
    async def go(self, session: Session) -> None:
        for number in range(2):
            session.emit("first:gone", Number(number=number))


class Second(Plugin):
    """Fails as often as it is told, then passes on what it sees."""

    name = "second"
    failures = 0

    @observes("first:gone")
    async def passed(self, session: Session, number: Number) -> None:
        if number.number == 0 and self.failures:
            self.failures -= 1
            raise Refused("later", "not yet")
        session.emit("second:passed", Number(number=number.number + 10))


class Third(Plugin):
    name = "third"

    @observes("second:passed")
    async def saw(self, session: Session, number: Number) -> None:
        session.append("seen", number.number)

    @on("third:read")
    async def read(self, session: Session) -> list[int]:
        return [entry.data for entry in await session.history("seen")]


class Ping(Plugin):
    """Answers every pong, as Pong answers every ping."""

    name = "ping"
    heard = 0

    @observes("pong:said")
    async def hear(self, session: Session) -> None:
        self.heard += 1
        session.emit("ping:said")


class Pong(Plugin):
    name = "pong"

    @on("pong:start")
    async def start(self, session: Session) -> None:
        session.emit("pong:said")

    @observes("ping:said")
    async def hear(self, session: Session) -> None:
        session.emit("pong:said")


async def test_two_that_answer_each_other_come_to_an_end(bonsai_server: StartServer) -> None:
    ping = Ping()
    server = await bonsai_server(plugins=[ping, Pong()])
    client = await server.connect()
    assert await client.request("pong:start") is None
    assert ping.heard == 2


async def test_what_an_observer_emits_is_observed(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[First(), Second(), Third()])
    client = await server.connect()
    await client.request("first:go", id=1)
    await client.request("first:go", id=1)
    assert await client.request("third:read", id=2) == [10, 11]


@pytest.mark.parametrize("failures", [1, 2])
async def test_an_observer_that_failed_at_first_makes_nothing_double(bonsai_server: StartServer, failures: int) -> None:
    second = Second()
    second.failures = failures
    server = await bonsai_server(plugins=[First(), second, Third()])
    client = await server.connect()
    await client.request("first:go", id=1)
    server.app.sessions.get("s1", "u1").clients["c1"].recent = None  # as after a restart: the store has to tell
    for _ in range(failures + 1):
        await client.request("first:go", id=1)
        server.app.sessions.get("s1", "u1").clients["c1"].recent = None
    assert sorted(await client.request("third:read", id=2)) == [10, 11]
