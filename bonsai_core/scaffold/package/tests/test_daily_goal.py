"""The plugin in a real server, by real clients; a stand-in emits what an analytics plugin would."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib.metadata import entry_points

import aiohttp
import pytest
from bonsai_core import Event, Plugin, Session, on
from bonsai_core.testing import FakeClock, StartServer, TestServer, WireError

from bonsai_daily_goal.plugin import DailyGoal

Start = Callable[[], Awaitable[TestServer]]


class Analytics(Plugin):
    """Emits every answer, as an analytics plugin does."""

    name = "analytics"

    @on("analytics:performance")
    async def answered(self, session: Session, event: Event) -> None:
        session.emit("analytics:performance", event.data)


@pytest.fixture
def start(bonsai_server: StartServer, fake_clock: FakeClock) -> Start:
    async def start() -> TestServer:
        return await bonsai_server(plugins=[DailyGoal(), Analytics()], clock=fake_clock)

    return start


async def test_a_goal_reaches_every_device(start: Start) -> None:
    server = await start()
    phone = await server.connect(user="ada", session="s1", client="phone")
    laptop = await server.connect(user="ada", session="s2", client="laptop")
    await laptop.recv("daily_goal:progress")
    progress = await phone.request("daily_goal:set", {"answers": 2})
    assert progress == {"goal": 2, "answered": 0, "reached": False}
    assert (await laptop.recv("daily_goal:progress"))["data"] == progress


async def test_a_resent_answer_counts_once(start: Start) -> None:
    device = await (await start()).connect()
    await device.request("daily_goal:set", {"answers": 1}, id=1)
    for _ in range(2):
        await device.request("analytics:performance", {"questionId": "q1", "correct": True}, id=2)
    await device.sync()
    told = device.of("daily_goal:progress")[-1]["data"]
    assert told == {"goal": 1, "answered": 1, "reached": True}


async def test_a_device_that_joins_later_is_told(start: Start, fake_clock: FakeClock) -> None:
    server = await start()
    phone = await server.connect(client="phone")
    await phone.request("daily_goal:set", {"answers": 3})
    await phone.request("analytics:performance", {"questionId": "q1", "correct": True})
    laptop = await server.connect(client="laptop")
    assert (await laptop.recv("daily_goal:progress"))["data"]["answered"] == 1
    fake_clock.advance(86_400)
    tablet = await server.connect(client="tablet", session="tomorrow")
    told = (await tablet.recv("daily_goal:progress"))["data"]
    assert told == {"goal": 3, "answered": 0, "reached": False}


async def test_a_goal_out_of_bounds_is_refused(start: Start) -> None:
    device = await (await start()).connect()
    with pytest.raises(WireError) as refused:
        await device.request("daily_goal:set", {"answers": 0})
    assert refused.value.code == "invalid_payload"


async def test_the_limits_are_told_over_http(start: Start) -> None:
    url = f"{(await start()).url}/api/daily_goal"
    async with aiohttp.ClientSession() as http, http.get(url) as answer:
        assert (answer.status, await answer.json()) == (200, {"most": 1000})


def test_the_server_finds_the_plugin() -> None:
    found = {entry.name: entry for entry in entry_points(group="bonsai.plugins")}
    assert "daily_goal" in found, "install the package first: pip install -e ."
    assert found["daily_goal"].load() is DailyGoal
