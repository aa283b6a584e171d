"""The extension bridge in a real server, by real clients; vision is a stand-in, for plugins do not know one another."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any

import pytest
from bonsai_extension.events import StateChanged, Sync, Synchronised
from bonsai_extension.plugin import Extension
from bonsai_extension.settings import ExtensionSettings
from bonsai_extension.states import Extensions

from bonsai_core import Payload, Plugin, Session, on
from bonsai_core.client import Auth, Client
from bonsai_core.testing import FakeClock, StartServer, TestServer, WireClient, WireError

Start = Callable[..., Awaitable[TestServer]]


class Shot(Payload):
    extension_id: str | None = None


class Vision(Plugin):
    """Emits what a vision plugin emits."""

    name = "vision"

    @on("extension:screenshot")
    async def shot(self, session: Session, shot: Shot) -> None:
        analysis = {"text": "t", "section": "Math", "domain": "Algebra", "skill": "Linear functions"}
        data = {"questionId": "q1", "analysis": analysis, "timings": {}, "timestamp": session.now}
        session.emit("question:analyzed", data | ({"extensionId": shot.extension_id} if shot.extension_id else {}))


@pytest.fixture
def start(bonsai_server: StartServer, fake_clock: FakeClock) -> Start:
    async def start(settings: ExtensionSettings | None = None, **options: Any) -> TestServer:
        extension = Extension(settings or ExtensionSettings(), look_every_s=0.01)
        return await bonsai_server(plugins=[extension, Vision()], clock=fake_clock, **options)

    return start


async def sync(device: WireClient, extension: str = "ext", **fields: Any) -> Any:
    """Say how an extension is; returns the ack's data."""
    said = {"isActive": True, "currentUrl": "https://example.org/q/1", "detectedQuestions": ["q1"]}
    return await device.request("extension:sync", {"extensionId": extension, **said, **fields})


async def state(device: WireClient) -> dict[str, Any]:
    """The next state that a device is told."""
    data: dict[str, Any] = (await device.recv("extension:state"))["data"]
    StateChanged.model_validate(data)
    return data


def states(device: WireClient) -> list[tuple[str, str]]:
    """Extension and status of every state that has come."""
    return [(frame["data"]["extensionId"], frame["data"]["state"]["status"]) for frame in device.of("extension:state")]


async def test_a_change_reaches_all_devices_of_all_sessions_of_the_student(start: Start, fake_clock: FakeClock) -> None:
    server = await start()
    browser = await server.connect(user="ada", session="s1", client="browser")
    phone = await server.connect(user="ada", session="s2", client="phone")
    stranger = await server.connect(user="bob", session="s3", client="stranger")
    ack = await sync(browser, detectedQuestions=[{"id": "q1", "text": "What is x?"}, "q2"])
    assert ack == {"extensionId": "ext", "changed": True, "expiresInMs": 120_000}
    for device in (browser, phone):
        frame = await device.recv("extension:state")
        assert frame["room"] == "user:ada"
        assert frame["offset"] == 1, "logged, so that a device that was away gets it"
        assert frame["data"] == {
            "extensionId": "ext",
            "state": {
                "status": "active",
                "isActive": True,
                "currentUrl": "https://example.org/q/1",
                "detectedQuestions": [{"id": "q1", "text": "What is x?"}, "q2"],
                "lastSeen": fake_clock.now(),
            },
        }
    await stranger.sync()
    assert stranger.of("extension:state") == []


async def test_what_an_extension_says_is_passed_on_and_only_changes_are_states(start: Start) -> None:
    server = await start()
    browser, phone = await server.connect(client="browser"), await server.connect(client="phone")
    changed = [
        (await sync(browser, **fields))["changed"]
        for fields in ({}, {}, {"isActive": False}, {"isActive": False}, {"isActive": False, "detectedQuestions": 3})
    ]
    assert changed == [True, False, True, False, True]
    for _ in range(5):
        Synchronised.model_validate((await phone.recv("extension:sync"))["data"])
    await phone.sync()
    assert states(phone) == [("ext", "active"), ("ext", "inactive"), ("ext", "inactive")]
    assert browser.of("extension:sync") == [], "it knows what it has said"


async def test_a_device_that_joins_is_told_the_last_states_but_not_twice(start: Start) -> None:
    server = await start()
    browser = await server.connect(client="browser")
    await sync(browser, "one")
    await sync(browser, "two", isActive=False)
    phone = await server.connect(client="phone", session="another")
    await phone.sync()
    assert states(phone) == [("one", "active"), ("two", "inactive")]
    positions = phone.positions
    await phone.abort()
    await sync(browser, "two")
    phone = await server.connect(client="phone", session="another", resume=positions)
    await phone.sync()
    assert states(phone) == [("two", "active")], "resumed: it gets what it missed and nothing else"


async def test_states_can_be_asked_for(start: Start) -> None:
    server = await start()
    browser, phone = await server.connect(client="browser"), await server.connect(client="phone")
    await sync(browser, "one")
    await sync(browser, "two")
    await phone.sync()
    before = len(phone.of("extension:state"))
    assert await phone.request("extension:state", {"extensionId": "two"}) == {"extensions": 1}
    assert await phone.request("extension:state", {}) == {"extensions": 2}
    assert await phone.request("extension:state", {"extensionId": "three"}) == {"extensions": 0}
    assert [id for id, _ in states(phone)[before:]] == ["two", "one", "two"]
    await browser.sync()
    assert len(browser.of("extension:state")) == 2, "only the asking device is told"


async def test_an_extension_that_falls_silent_is_gone(start: Start, fake_clock: FakeClock) -> None:
    server = await start(ExtensionSettings(expires_s=60))
    browser, phone = await server.connect(client="browser"), await server.connect(client="phone")
    await sync(browser, "silent")
    await state(phone)
    fake_clock.advance(40)
    await sync(browser, "alive")
    await state(phone)
    fake_clock.advance(21)
    gone = await state(phone)
    assert (gone["extensionId"], gone["state"]["status"], gone["state"]["isActive"]) == ("silent", "gone", False)
    assert await phone.request("extension:state", {}) == {"extensions": 1}
    await sync(browser, "silent")
    assert (await state(browser))["extensionId"] == "silent"


async def test_signs_of_life_keep_an_extension(start: Start, fake_clock: FakeClock) -> None:
    server = await start(ExtensionSettings(expires_s=60))
    browser = await server.connect(client="browser")
    for _ in range(5):
        await sync(browser)
        fake_clock.advance(50)
    late = await server.connect(client="late")
    await late.sync()
    assert states(late) == [("ext", "active")]


async def test_an_extension_that_expired_while_the_server_was_down_is_gone(
    start: Start, fake_clock: FakeClock, tmp_path: Any
) -> None:
    store = f"sqlite:///{tmp_path / 'bonsai.db'}"
    server = await start(store_url=store)
    browser = await server.connect(client="browser")
    await sync(browser, "silent")
    fake_clock.advance(100)
    await sync(browser, "alive")
    positions = browser.positions
    await server.stop()
    fake_clock.advance(21)
    server = await start(store_url=store)
    browser = await server.connect(client="browser", resume=positions)
    assert (await state(browser))["state"]["status"] == "gone"
    phone = await server.connect(client="phone")
    await phone.sync()
    assert states(phone) == [("alive", "active")]
    fake_clock.advance(120)
    assert (await state(browser))["extensionId"] == "alive", "the clock goes on, from the join on"


@pytest.mark.parametrize(("how", "status"), [("left", "gone"), ("lost", "active")])
async def test_an_extension_that_leaves_is_gone_and_one_that_is_lost_may_be_back(
    start: Start, how: str, status: str
) -> None:
    server = await start()
    browser, phone = await server.connect(client="browser"), await server.connect(client="phone")
    await sync(browser)
    await state(phone)
    if how == "left":
        await browser.request("user:disconnect", {})
        assert (await state(phone))["state"]["status"] == "gone"
    else:
        await browser.abort()
        await phone.recv("user:disconnect")
    late = await server.connect(client="late")
    await late.sync()
    assert states(late) == ([] if status == "gone" else [("ext", "active")])


async def test_one_more_than_allowed_takes_the_place_of_the_most_silent(start: Start, fake_clock: FakeClock) -> None:
    server = await start(ExtensionSettings(most=2, expires_s=60))
    browser = await server.connect(client="browser")
    await sync(browser, "one")
    await sync(browser, "two")
    fake_clock.advance(30)
    await sync(browser, "one")
    await sync(browser, "three")
    assert states(browser) == [("one", "active"), ("two", "active"), ("two", "gone"), ("three", "active")]


async def test_one_more_than_allowed_is_refused_while_all_are_heard_of(start: Start, fake_clock: FakeClock) -> None:
    server = await start(ExtensionSettings(most=2, expires_s=60))
    browser = await server.connect(client="browser")
    await sync(browser, "one")
    fake_clock.advance(10)
    await sync(browser, "two")
    with pytest.raises(WireError) as refused:
        await sync(browser, "three")
    assert (refused.value.code, refused.value.data["retryAfterMs"]) == ("too_many", 20_000)
    await browser.request("extension:screenshot", {"extensionId": "three"})
    assert states(browser) == [("one", "active"), ("two", "active")], "nobody in use was put out"
    fake_clock.advance(20)
    await sync(browser, "three")
    assert states(browser)[2:] == [("one", "gone"), ("three", "active")]


async def test_ten_extensions_of_one_student_and_a_device_that_joins_late_agree(start: Start) -> None:
    server = await start()
    phone = await server.connect(session="phone", client="phone")
    random = Random(1)

    async def live(number: int) -> str:
        # With ten devices at one document the server may say `overloaded`: a client waits, and sends again.
        async with Client(server.url, auth=Auth(token=server.token(), session_id=f"s{number}")) as client:
            address = ""
            for turn in range(6):
                address = f"https://example.org/{random.randrange(4)}"
                said = {"isActive": random.random() < 0.7, "currentUrl": address, "detectedQuestions": turn % 3}
                await client.request("extension:sync", {"extensionId": f"e{number}", **said}, timeout=20)
            await done.wait()
            await done.wait()
            return address

    done = asyncio.Barrier(11)
    lives = [asyncio.create_task(live(number)) for number in range(10)]
    await done.wait()  # all have had their say
    late = await server.connect(session="late", client="late")
    await late.sync()
    await phone.sync()
    views = [
        {frame["data"]["extensionId"]: frame["data"]["state"]["currentUrl"] for frame in device.of("extension:state")}
        for device in (phone, late)
    ]
    assert len(late.of("extension:state")) == 10, "one each"
    await done.wait()  # now they may leave
    last = {f"e{number}": address for number, address in enumerate(await asyncio.gather(*lives))}
    assert views == [last, last]


async def test_a_question_read_from_a_screenshot_shows_in_the_state(start: Start, fake_clock: FakeClock) -> None:
    server = await start()
    browser = await server.connect(client="browser")
    await sync(browser)
    await state(browser)
    await browser.request("extension:screenshot", {"extensionId": "ext"})
    question = {
        "questionId": "q1",
        "section": "Math",
        "domain": "Algebra",
        "skill": "Linear functions",
        "at": fake_clock.now(),
    }
    assert (await state(browser))["state"]["question"] == question
    await sync(browser, isActive=False)
    assert (await state(browser))["state"]["question"] == question
    await browser.request("extension:screenshot", {"extensionId": "never synced"})
    assert (await state(browser))["extensionId"] == "never synced"
    await browser.request("extension:screenshot", {})  # a question of no extension
    await browser.sync()
    assert len(states(browser)) == 4


@pytest.mark.parametrize(
    "fields",
    [
        {"extensionId": ""},
        {"extensionId": "x" * 129},
        {"extensionId": "line\nbreak"},
        {"isActive": None},
        {"currentUrl": "https://example.org/" + "x" * 2048},
        {"detectedQuestions": ["q"] * 101},
        {"detectedQuestions": ["q" * 2001]},
        {"detectedQuestions": [{"text": "q" * 1700}] * 10},
        {"detectedQuestions": -1},
        {"detectedQuestions": "many"},
    ],
)
async def test_what_is_too_much_or_makes_no_sense_is_refused(start: Start, fields: Any) -> None:
    server = await start()
    browser = await server.connect()
    with pytest.raises(WireError) as refused:
        await sync(browser, **fields)
    assert refused.value.code == "invalid_payload"


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://example.org/q?id=1#top", "https://example.org/q?id=1#top"),
        ("http://ada:secret@example.org:8080/q", "http://example.org:8080/q"),
        ("javascript:alert(1)", ""),
        (" data:text/html,x", ""),
        ("chrome://newtab/", ""),
        ("file:///home/ada/notes.html", ""),
        ("https://", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_only_addresses_of_web_pages_are_kept_and_no_passwords(url: str | None, kept: str) -> None:
    sync = Sync.model_validate({"extensionId": "e", "isActive": True, "currentUrl": url})
    assert sync.current_url == kept


async def test_two_devices_that_sync_at_once_lose_nothing(start: Start) -> None:
    server = await start()
    devices = [await server.connect(session=f"s{n}", client=f"c{n}") for n in range(4)]
    for number, device in enumerate(devices):
        for turn in range(5):
            await device.send("extension:sync", {"extensionId": f"e{number}", "isActive": turn % 2 == 0}, id=turn + 1)
    for device in devices:
        for turn in range(5):
            await device.answer(turn + 1)
    assert await devices[0].request("extension:state", {}, id=99) == {"extensions": 4}


async def test_a_resent_sync_takes_effect_once(start: Start) -> None:
    server = await start()
    browser = await server.connect()
    for _ in range(2):
        await browser.request("extension:sync", {"extensionId": "ext", "isActive": True}, id=7)
    await browser.sync()
    assert len(states(browser)) == 1


def test_the_document_of_a_student_is_what_it_was_read_from() -> None:
    extensions = Extensions(None, most=2, expires_ms=10)
    extensions.sync(Sync(extension_id="e", is_active=True, detected_questions=2), "c", 5)
    again = Extensions(extensions.document(), most=2, expires_ms=10)
    assert (again.document(), again.due(), again.dirty) == (extensions.document(), 15, False)
    again.expire(15)
    assert (len(again), again.due()) == (0, None)


def test_settings_come_from_the_environment() -> None:
    read = ExtensionSettings.read({"BONSAI_EXTENSION_EXPIRES_S": "30", "BONSAI_EXTENSION_MOST": ""})
    assert read == ExtensionSettings(expires_s=30)
    with pytest.raises(ValueError, match="BONSAI_EXTENSION_MOST must be a whole number from 1 to 100"):
        ExtensionSettings.read({"BONSAI_EXTENSION_MOST": "0"})


def test_importing_the_extension_bridge_loads_nothing_heavy() -> None:
    probe = (
        "import sys; from bonsai_core import Payload, Plugin, Session, on; before = set(sys.modules)\n"
        "import bonsai_extension.plugin\n"
        "bonsai_extension.plugin.Extension()\n"
        "print(*sorted({m.partition('.')[0] for m in set(sys.modules) - before}))"
    )
    shown = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.split()
    assert "bonsai_extension" in shown
    assert not {"numpy", "aiohttp", "click", "rich"} & set(shown)
