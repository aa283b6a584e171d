"""How handlers are called: observers, bare hooks, sync and concurrent handlers, and races for a document."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from bonsai_core import Event, Payload, Plugin, Refused, Session, hookimpl, observes, on
from bonsai_core.store.base import StoreUnavailable, Unit
from bonsai_core.testing import StartServer, WireError


class Solved(BaseModel):
    question: str


class Solver(Plugin):
    name = "solver"
    emits = {"solver:solved": Solved}

    @on("solver:solve")
    async def solve(self, session: Session, solved: Solved) -> str:
        session.emit("solver:solved", solved)
        session.emit("solver:solved", Solved(question=f"{solved.question} again"))
        return solved.question


class Tally(Plugin):
    name = "tally"

    def __init__(self) -> None:
        self.before: Callable[[], Any] = lambda: None

    @observes("solver:solved")
    async def count(self, session: Session, solved: Solved) -> None:
        self.before()
        session.append("seen", solved.question)
        session.emit("tally:counted", {"question": solved.question})

    @on("tally:read")
    async def read(self, session: Session) -> list[str]:
        return [entry.data for entry in await session.history("seen")]


async def test_observers_see_each_emitted_event_once_after_its_commit(bonsai_server: StartServer) -> None:
    server = await bonsai_server([Solver(), Tally()])
    device = await server.connect()
    for _ in range(3):
        assert await device.request("solver:solve", {"question": "q1"}, id=1) == "q1"
    assert await device.request("tally:read", id=2) == ["q1", "q1 again"]
    await device.sync()
    names = [frame["event"] for frame in device.room("session:s1")]
    assert names == ["solver:solved", "solver:solved", "tally:counted", "tally:counted"]


@pytest.mark.parametrize("crashes", [1, 2])
async def test_a_crash_between_owner_and_observer_is_made_good_by_the_resend(
    bonsai_server: StartServer, crashes: int
) -> None:
    """The connection dies with the owner's commit done and the `crashes`-th observation not begun; a new process, with
    the same store, gets the resend."""
    tally = Tally()
    calls = 0

    def die() -> None:
        nonlocal calls
        calls += 1
        if calls == crashes:
            raise StoreUnavailable("as if the process had died here: nothing more is committed or answered")

    tally.before = die
    server = await bonsai_server([Solver(), tally])
    device = await server.connect()
    with pytest.raises(WireError) as unanswered:
        await device.request("solver:solve", {"question": "q1"}, id=1)
    assert unanswered.value.code == "overloaded", "no ack before all is done"
    again = await server.connect()
    assert await again.request("solver:solve", {"question": "q1"}, id=1) == "q1"
    assert await again.request("solver:solve", {"question": "q1"}, id=1) == "q1"
    assert await again.request("tally:read", id=2) == ["q1", "q1 again"]
    await again.sync()
    assert len([f for f in device.frames + again.frames if f["event"] == "solver:solved"]) == 2


async def test_a_failing_observer_is_its_own_trouble(bonsai_server: StartServer) -> None:
    tally = Tally()
    tally.before = lambda: 1 / 0
    server = await bonsai_server([Solver(), tally])
    device = await server.connect()
    assert await device.request("solver:solve", {"question": "q1"}, id=1) == "q1"
    assert await device.request("tally:read", id=2) == []
    assert server.app.plugins.records["tally"].guard.failures.total == 2


async def test_a_plugin_that_observes_an_event_twice_is_refused(bonsai_server: StartServer) -> None:
    class Twice(Plugin):
        name = "twice"

        @observes("solver:solved")
        def one(self, session: Session) -> None: ...

        @observes("solver:solved")
        def two(self, session: Session) -> None: ...

    with pytest.raises(Exception, match="twice observes 'solver:solved' twice"):
        await bonsai_server([Twice()])


class Bare(Plugin):
    """Answers what nobody owns, counts everything."""

    name = "bare"

    @hookimpl
    def on_event(self, session: Session, event: Event) -> dict[str, str] | None:
        session.append("seen", event.name)
        if event.name == "bare:refused":
            raise Refused("bare_says_no")
        return {"echo": event.name} if event.name.startswith("bare:") else None

    @on("tell:seen")
    async def seen(self, session: Session) -> list[str]:
        return [entry.data for entry in await session.history("seen")]


async def test_a_bare_hook_sees_every_event_once_and_answers_unowned_ones(bonsai_server: StartServer) -> None:
    server = await bonsai_server([Bare(), Solver()])
    device = await server.connect()
    for _ in range(2):
        assert await device.request("bare:any", {"x": 1}, id=1) == {"echo": "bare:any"}
        assert await device.request("solver:solve", {"question": "q"}, id=2) == "q", "the owner's answer counts"
        with pytest.raises(WireError) as refused:
            await device.request("bare:refused", id=3)
        assert refused.value.code == "bare_says_no"
    await device.request("session:update", {"patch": {"a": 1}}, id=4)
    assert await device.request("tell:seen", id=5) == ["bare:any", "solver:solve"], (
        "the core's own events are not shown"
    )
    assert await device.request("tell:seen", id=6) == ["bare:any", "solver:solve", "tell:seen"]


class Styles(Plugin):
    name = "styles"

    @on("styles:sync")
    def sync(self, session: Session) -> int:
        session.append("calls", "sync")
        return 1

    @on("styles:awaitable")
    def awaitable(self, session: Session, event: Event) -> asyncio.Future[int]:
        future: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        future.set_result(2)
        return future

    @staticmethod
    @on("styles:static")
    def static(session: Session) -> int:
        return 3


async def test_handlers_may_be_sync_async_or_static(bonsai_server: StartServer) -> None:
    server = await bonsai_server([Styles()])
    device = await server.connect()
    assert await device.request("styles:sync") == 1
    assert await device.request("styles:awaitable") == 2
    assert await device.request("styles:static") == 3


class Vision(Plugin):
    """A handler that takes as long as the test says."""

    name = "vision"

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.started = asyncio.Event()
        self.runs = 0

    @on("vision:read", concurrent=True)
    async def read(self, session: Session) -> dict[str, int]:
        self.runs += 1
        self.started.set()
        await self.go.wait()
        session.append("read", self.runs)
        session.emit("vision:done", {"run": self.runs})
        return {"run": self.runs}


async def test_a_resend_of_work_under_way_has_one_effect_and_one_answer_on_the_new_connection(
    bonsai_server: StartServer,
) -> None:
    vision = Vision()
    server = await bonsai_server([vision, Solver()])
    old = await server.connect()
    await old.send("vision:read", id=1)
    await vision.started.wait()
    assert await old.request("solver:solve", {"question": "q"}, id=2) == "q", "the session's next events do not wait"
    await old.abort()
    new = await server.connect(resume=old.positions)
    await new.send("vision:read", id=1)
    await new.sync()
    vision.go.set()
    assert await new.answer(1) == {"run": 1}
    assert await new.request("vision:read", id=1) == {"run": 1}
    await new.sync()
    assert vision.runs == 1
    assert len(new.of("vision:done")) == 1


async def test_concurrent_work_outlives_all_of_its_devices(bonsai_server: StartServer) -> None:
    vision = Vision()
    server = await bonsai_server([vision])
    old = await server.connect()
    await old.send("vision:read", id=1)
    await vision.started.wait()
    await old.abort()
    await server.app.connections.wait_until_empty(2)
    vision.go.set()
    await asyncio.wait(server.app.dispatcher._tasks, timeout=2)
    assert server.app.stats()["sessions"] == 0, "and is then forgotten"
    new = await server.connect(resume=old.positions)
    assert new.joined["rooms"]["session:s1"]["recovered"]
    assert (await new.recv("vision:done"))["data"] == {"run": 1}
    assert await new.request("vision:read", id=1) == {"run": 1}, "told from the mark"


class Add(Payload):
    entry: str


class Ledger(Plugin):
    """A document of the user's, for all sessions."""

    name = "ledger"

    def __init__(self) -> None:
        self.runs = 0

    @on("ledger:add")
    async def add(self, session: Session, add: Add) -> int:
        self.runs += 1
        entries: list[str] = await session.load("entries", scope="user") or []
        await asyncio.sleep(random.uniform(0, 0.002))
        session.save("entries", [*entries, add.entry], scope="user")
        session.append("entries", add.entry)
        session.emit("ledger:added", {"entry": add.entry}, room="user")
        return len(entries) + 1

    @on("ledger:read")
    async def read(self, session: Session) -> dict[str, list[str]]:
        records = [entry.data for entry in await session.history("entries", limit=1000)]
        return {"entries": await session.load("entries", scope="user") or [], "records": records}


async def test_sessions_of_a_user_racing_for_one_document_run_again_and_lose_nothing(
    bonsai_server: StartServer,
) -> None:
    ledger = Ledger()
    server = await bonsai_server([ledger])
    devices = [await server.connect(session=f"s{n}", client=f"c{n}") for n in range(3)]

    async def work(number: int) -> list[int]:
        return [await devices[number].request("ledger:add", {"entry": f"{number}-{i}"}) for i in range(10)]

    answers = await asyncio.gather(*(work(number) for number in range(3)))
    found = await devices[0].request("ledger:read")
    assert sorted(answer for own in answers for answer in own) == list(range(1, 31)), "each saw the other's writes"
    assert found["entries"] == found["records"], "document and records tell the same story"
    assert len(set(found["entries"])) == 30
    assert ledger.runs > 30, "some had to run again"
    for device in devices:
        await device.sync()
        assert [frame["data"]["entry"] for frame in device.of("ledger:added")] == found["entries"]


async def test_nothing_of_a_lost_race_is_kept(bonsai_server: StartServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server = await bonsai_server([Ledger()])
    device = await server.connect()
    commit = server.app.store.commit
    units: list[Unit] = []

    async def counted(unit: Unit) -> None:
        if any(record.stream.startswith("ledger/") for record in unit.records):
            units.append(unit)
        await commit(unit)

    monkeypatch.setattr(server.app.store, "commit", counted)
    other = await server.connect(session="s2", client="c2")
    await asyncio.gather(*(d.request("ledger:add", {"entry": "x"}) for d in (device, other)))
    assert all(len(unit.records) == len(unit.messages) == len(unit.writes) == 1 for unit in units)
