"""Operations in a real server, by real clients: admins who watch are told how the process does, and nobody else is."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from bonsai_dashboard.events import Figures
from bonsai_dashboard.operations import SAMPLE, Interval, plugin_health, quantiles
from bonsai_dashboard.plugin import Dashboard
from bonsai_dashboard.settings import DashboardSettings

from bonsai_core import EventReport, Payload, Plugin, Refused, Session, hookimpl, on
from bonsai_core.testing import StartServer, TestServer, WireClient, WireError

Start = Callable[..., Awaitable[TestServer]]


class Note(Payload):
    text: str


class Notes(Plugin):
    name = "notes"

    @on("notes:take", rate=(100, 60.0))
    async def take(self, session: Session, note: Note) -> None:
        if note.text == "no":
            raise Refused("not_this_one")
        session.contribute("notes", "all", 1)

    @hookimpl
    def check_health(self) -> dict[str, Any]:
        return {"pages": 7}


@pytest.fixture
def start(bonsai_server: StartServer) -> Start:
    async def start(settings: DashboardSettings | None = None, **options: Any) -> TestServer:
        dashboard = Dashboard(settings or DashboardSettings(), every_s=0.03)
        return await bonsai_server(plugins=[dashboard, Notes()], **options)

    return start


async def admin(server: TestServer, client: str = "desk") -> WireClient:
    device = await server.connect(user="root", session="ops", client=client, roles=["admin"])
    assert await device.request("dashboard:watch", {}) == {"on": True, "everyMs": 30}
    return device


async def figures(device: WireClient) -> dict[str, Any]:
    data: dict[str, Any] = (await device.recv("dashboard:operations"))["data"]
    Figures.model_validate(data)
    return data


async def figures_with(device: WireClient, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    while not wanted(data := await figures(device)):
        pass
    return data


async def eventually(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to that")


async def test_an_admin_sees_what_is_answered_but_no_payload(start: Start) -> None:
    server = await start()
    desk = await admin(server)
    await figures(desk)
    student = await server.connect(user="ada", session="s1")
    await student.request("notes:take", {"text": "a secret"})
    for event, text in (("notes:take", "no"), ("made:up-secret", "secret")):
        with pytest.raises(WireError):
            await student.request(event, {"text": text})
    log: list[dict[str, Any]] = []
    tallies: dict[str, list[int]] = {}
    everything = []
    while sum(count for count, _ in tallies.values()) < 3:
        data = await figures(desk)
        everything.append(json.dumps(data))
        log += data["log"]
        for event in data["events"]:
            tally = tallies.setdefault(event["event"], [0, 0])
            tally[0] += event["count"]
            tally[1] += event["errors"]
        assert data["answered"] == sum(event["count"] for event in data["events"])
    assert tallies == {"notes:take": [2, 1], "": [1, 1]}
    assert [(e["event"], e["user"], e["outcome"], e["bytes"]) for e in log] == [
        ("notes:take", "ada", "ack", len(json.dumps({"text": "a secret"}))),
        ("notes:take", "ada", "not_this_one", len(json.dumps({"text": "no"}))),
        ("", "ada", "unknown_event", len(json.dumps({"text": "secret"}))),
    ]
    assert "secret" not in "".join(everything)
    assert student.of("dashboard:operations") == []


async def test_figures_tell_of_connections_plugins_and_what_waits(start: Start) -> None:
    server = await start()
    desk = await admin(server)
    await server.connect(user="ada", session="s1")
    data = await figures_with(desk, lambda data: data["opened"] == 1)
    assert (data["connections"], data["joined"], data["sessions"]) == (2, 2, 2)
    assert data["rooms"] == 5, "two of each user, and that of the figures"
    assert (data["store"], data["ready"], data["draining"]) == ("ok", True, False)
    assert data["outbox"] == {"bytes": 0, "dropped": 0, "contributions": 0}
    plugins = {plugin["name"]: plugin for plugin in data["plugins"]}
    assert plugins["notes"]["details"] == {"pages": 7}
    assert plugins["notes"]["status"] == "loaded"
    assert plugins["dashboard"]["details"]["watchers"] == 1
    assert data["node"] == server.app.settings.node_id

    student = await server.connect(user="bob", session="s2")
    await student.request("notes:take", {"text": "nobody folds this"})
    await figures_with(desk, lambda data: data["outbox"]["contributions"] == 1)
    await student.close()
    await figures_with(desk, lambda data: data["closed"] == 1)


@pytest.mark.parametrize("roles", [["student"], ["tutor"], []])
async def test_nobody_but_an_admin_may_watch(start: Start, roles: list[str]) -> None:
    server = await start()
    desk = await admin(server)
    other = await server.connect(user="ada", session="s1", roles=roles)
    with pytest.raises(WireError, match="forbidden"):
        await other.request("dashboard:watch", {})
    await figures(desk)
    await figures(desk)
    await other.sync()
    assert other.of("dashboard:operations") == []


async def test_a_student_cannot_get_into_the_room_by_resuming(start: Start) -> None:
    server = await start()
    desk = await admin(server)
    room = f"dashboard:{server.app.settings.node_id}"
    position = {"epoch": "e", "offset": 0}
    other = await server.connect(user="ada", session="s1", resume={room: position})
    await figures(desk)
    await figures(desk)
    await other.sync()
    assert other.of("dashboard:operations") == []


async def test_nothing_is_collected_while_nobody_watches(start: Start) -> None:
    server = await start()
    listeners = server.app.metrics.listeners
    assert listeners == []
    one, two = await admin(server, "one"), await admin(server, "two")
    await figures(two)
    assert len(listeners) == 1, "two watchers are one"
    assert await one.request("dashboard:watch", {"on": False}) == {"on": False, "everyMs": 30}
    await figures(two)
    await two.close()
    await eventually(lambda: listeners == [])
    seen = len(one.of("dashboard:operations"))

    three = await admin(server, "three")
    await figures(three)
    await one.sync()
    assert len(one.of("dashboard:operations")) == seen, "it has ended its watch"
    await server.stop()
    assert listeners == []


async def test_an_admin_no_more_sees_no_more(start: Start) -> None:
    server = await start()
    desk = await admin(server)
    await figures(desk)
    await desk.request("auth:refresh", {"token": server.token(user="root", roles=["student"])})
    await desk.sync()
    seen = len(desk.of("dashboard:operations"))
    await eventually(lambda: server.app.metrics.listeners == [])
    await desk.sync()
    assert len(desk.of("dashboard:operations")) == seen


async def test_a_client_that_reconnects_goes_on_when_it_asks_again(start: Start) -> None:
    server = await start()
    first = await admin(server)
    again = await server.connect(user="root", session="ops", client="desk", roles=["admin"])
    await again.request("dashboard:watch", {}, id=100)
    await first.closed()
    await figures(again)
    await figures(again)


async def test_the_log_keeps_the_newest_and_tells_how_many_it_leaves_out(start: Start) -> None:
    server = await start(DashboardSettings(log=5))
    desk = await admin(server)
    student = await server.connect(user="ada", session="s1")
    await student.send_batch(*(("notes:take", {"text": str(n)}, n) for n in range(1, 41)))
    await student.answer(40)
    data = await figures_with(desk, lambda data: data["answered"] > 5)
    assert len(data["log"]) == 5
    assert data["skipped"] == data["answered"] - 5


def report(seconds: float, event: str = "a:b", outcome: str = "ack") -> EventReport:
    return EventReport(event, "ada", "s1", outcome, seconds, 10, 1)


def test_quantiles_are_those_of_the_nearest_rank() -> None:
    found = quantiles([n / 1000 for n in range(100, 0, -1)])
    assert found is not None
    assert (found.p50, found.p95, found.p99) == (50, 95, 99)
    assert quantiles([]) is None
    one = quantiles([0.0042])
    assert one is not None
    assert (one.p50, one.p99) == (4.2, 4.2)


def test_an_interval_counts_everything_though_it_keeps_a_sample() -> None:
    interval = Interval(log=3)
    for _ in range(SAMPLE + 10):
        interval.add(report(0.001))
    interval.add(report(0.5, "c:d", "invalid_payload"))
    assert (interval.answered, interval.errors) == (SAMPLE + 11, 1)
    assert [(e.event, e.count, e.errors) for e in interval.events()] == [("a:b", SAMPLE + 10, 0), ("c:d", 1, 1)]
    assert [entry.event for entry in interval.log()] == ["a:b", "a:b", "c:d"]
    interval.clear()
    assert (interval.answered, interval.latency(), interval.events(), interval.log()) == (0, None, [], [])


def test_the_health_of_plugins_is_by_name_with_their_own_words_apart() -> None:
    told = {
        "recs": {"status": "loaded", "version": "0.1.0", "failures": 0, "ready": True, "questions": 771},
        "bad": {"status": "failed", "failures": 2, "lastFailure": "on_startup", "lastFailureAt": 5, "error": "no"},
    }
    bad, recs = plugin_health(told)
    assert (bad.name, bad.last_failure_at, bad.details) == ("bad", 5, {"error": "no"})
    assert (recs.version, recs.ready, recs.details) == ("0.1.0", True, {"questions": 771})


@pytest.mark.parametrize(
    ("name", "value"),
    [("BONSAI_DASHBOARD_TOKEN_S", "0"), ("BONSAI_DASHBOARD_LOG", "many"), ("BONSAI_DASHBOARD_LOG", "²")],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        DashboardSettings.read({name: value})


def test_settings_come_from_the_environment() -> None:
    read = DashboardSettings.read({"BONSAI_DASHBOARD_TOKEN_S": "60", "BONSAI_DASHBOARD_LOG": ""})
    assert read == DashboardSettings(token_s=60, log=50)


def test_importing_the_plugin_is_cheap() -> None:
    code = (
        "import sys, bonsai_dashboard.plugin as p; "
        "print([m for m in ('aiohttp', 'jwt', 'click', 'bonsai_dashboard.routes') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
