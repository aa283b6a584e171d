"""Coming back: what was missed arrives once, in order, before what is live; where that cannot be, it is said."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonsai_core import Payload, Plugin, Session, hookimpl, on
from bonsai_core.connection import Connection
from bonsai_core.rooms import Rooms, after
from bonsai_core.server import Server
from bonsai_core.store.base import Message, Position, Recovery
from bonsai_core.testing import FakeClock, StartServer, TestServer, WireClient, WireError
from bonsai_core.testing.server import make_app

ROOM = "session:s1"


class Say(Payload):
    text: str
    room: str | None = None


class Talk(Plugin):
    """Says what it is told to, in the session's room or in a class's, which needs a place on the list."""

    name = "talk"

    def __init__(self) -> None:
        self.allowed = {"class:7b"}
        self.asked: list[str] = []

    @hookimpl
    def authorize_room(self, session: Session, room: str) -> bool | None:
        self.asked.append(room)
        return room in self.allowed if room.startswith("class:") else None

    @on("talk:say")
    async def say(self, session: Session, say: Say) -> None:
        session.emit("talk:said", {"text": say.text}, room=say.room)

    @on("talk:join")
    async def join(self, session: Session, say: Say) -> None:
        await session.join(say.text)


def said(frames: Sequence[dict[str, Any]]) -> list[str]:
    return [frame["data"]["text"] for frame in frames if frame["event"] == "talk:said"]


async def say(device: WireClient, *texts: str, room: str | None = None) -> None:
    for text in texts:
        await device.request("talk:say", {"text": text, "room": room})


async def test_missed_messages_follow_the_join_in_order_and_live_ones_come_after(bonsai_server: StartServer) -> None:
    server = await bonsai_server([Talk()])
    stays, leaves = await server.connect(client="stays"), await server.connect(client="leaves")
    await say(stays, "1", "2")
    await leaves.sync()
    await leaves.abort()
    await say(stays, "3", "4", "5")
    back = await server.connect(client="leaves", resume=leaves.positions)
    await say(stays, "6")
    await back.sync()
    assert [frame["event"] for frame in back.frames[:4]] == ["user:joined"] + ["talk:said"] * 3
    assert said(back.frames) == ["3", "4", "5", "6"]
    assert [frame["offset"] for frame in back.room(ROOM)] == [3, 4, 5, 6]
    assert back.joined["rooms"][ROOM] == {"epoch": leaves.positions[ROOM]["epoch"], "offset": 5, "recovered": True}
    assert back.of("session:state") == [], "who missed nothing needs no snapshot"


async def test_all_rooms_of_a_device_are_recovered(bonsai_server: StartServer) -> None:
    server = await bonsai_server([Talk()])
    stays, leaves = await server.connect(client="stays"), await server.connect(client="leaves")
    other = await server.connect(session="s2", client="other")
    await leaves.abort()
    await say(stays, "mine")
    await say(other, "everybody", room="user")
    back = await server.connect(client="leaves", resume=leaves.positions)
    await back.sync()
    assert all(room["recovered"] for room in back.joined["rooms"].values())
    assert sorted(said(back.frames)) == ["everybody", "mine"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"epoch": "another"}, "another epoch: the log was lost since"),
        ({"epoch": ""}, "no epoch"),
        ({"offset": 6}, "beyond the end"),
        ({"offset": 2**53}, "far beyond the end"),
    ],
)
async def test_a_position_that_is_not_of_this_log_is_not_recovered(
    bonsai_server: StartServer, change: dict[str, Any], why: str
) -> None:
    server = await bonsai_server([Talk()])
    device = await server.connect()
    await say(device, "1", "2", "3", "4")
    await device.request("session:update", {"patch": {"answer": 42}})
    await device.sync()
    back = await server.connect(client="c2", resume={ROOM: {**device.positions[ROOM], **change}})
    assert back.joined["rooms"][ROOM] == {**device.positions[ROOM], "offset": 5, "recovered": False}, why
    state = await back.recv("session:state")
    assert (state["data"]["state"], state["data"]["version"]) == ({"answer": 42}, 1)
    await say(back, "6")
    await back.sync()
    assert said(back.frames) == ["6"]


async def test_a_first_join_is_no_return(bonsai_server: StartServer) -> None:
    server = await bonsai_server([Talk()])
    device = await server.connect()
    assert [room["recovered"] for room in device.joined["rooms"].values()] == [False, False]
    await device.recv("session:state")


async def test_who_missed_more_than_the_log_keeps_is_told_so(bonsai_server: StartServer) -> None:
    server = await bonsai_server([Talk()], log_max_messages=10)
    stays, leaves = await server.connect(client="stays"), await server.connect(client="leaves")
    await leaves.abort()
    await say(stays, *map(str, range(100)))
    end = stays.positions[ROOM]["offset"]
    lost = await server.connect(client="leaves", resume=leaves.positions)
    assert lost.joined["rooms"][ROOM] == {**leaves.positions[ROOM], "offset": end, "recovered": False}
    await lost.sync()
    assert said(lost.frames) == []
    assert len(lost.of("session:state")) == 1
    near = {ROOM: {**stays.positions[ROOM], "offset": end - 10}}
    found = await server.connect(client="near", resume=near)
    await found.sync()
    assert found.joined["rooms"][ROOM]["recovered"] is True
    assert said(found.frames) == [str(n) for n in range(90, 100)]


async def test_who_was_away_longer_than_the_log_keeps_is_told_so(
    bonsai_server: StartServer, fake_clock: FakeClock
) -> None:
    server = await bonsai_server([Talk()], clock=fake_clock, log_max_age_s=60, heartbeat_interval_ms=3_600_000)
    leaves = await server.connect(client="leaves")
    await leaves.abort()
    stays = await server.connect(client="stays")
    await say(stays, "old")
    fake_clock.advance(50)
    await say(stays, "young")
    back = await server.connect(client="leaves", resume=leaves.positions)
    await back.sync()
    assert said(back.frames) == ["old", "young"]
    fake_clock.advance(20)
    lost = await server.connect(client="leaves", resume=leaves.positions)
    assert lost.joined["rooms"][ROOM]["recovered"] is False
    await lost.sync()
    assert said(lost.frames) == [], "never a part of what was missed without saying so"
    young = {ROOM: {**leaves.positions[ROOM], "offset": 1}}
    back = await server.connect(client="leaves", resume=young)
    await back.sync()
    assert said(back.frames) == ["young"]


async def test_an_old_position_with_nothing_missed_is_recovered(
    bonsai_server: StartServer, fake_clock: FakeClock
) -> None:
    server = await bonsai_server([Talk()], clock=fake_clock, log_max_age_s=60, heartbeat_interval_ms=3_600_000)
    device = await server.connect()
    await say(device, "1")
    fake_clock.advance(3000)
    back = await server.connect(resume=device.positions)
    assert back.joined["rooms"][ROOM]["recovered"] is True


async def test_the_state_after_a_gap_is_continued_by_the_updates_that_follow(bonsai_server: StartServer) -> None:
    server = await bonsai_server([Talk()], log_max_messages=1)
    writer = await server.connect(client="writer")
    for number in range(80):
        await writer.request("session:update", {"patch": {"number": number}})
    reader = await server.connect(client="reader", resume={ROOM: {**writer.positions[ROOM], "offset": 1}})
    state = await reader.recv("session:state")
    await writer.request("session:update", {"patch": {"number": 80}})
    update = await reader.recv("session:update")
    assert (state["data"]["state"], state["data"]["version"]) == ({"number": 79}, 80)
    assert (update["data"]["patch"], update["data"]["version"]) == ({"number": 80}, 81)


async def test_a_plugins_room_is_resumed_if_it_is_still_allowed(bonsai_server: StartServer) -> None:
    talk = Talk()
    server = await bonsai_server([talk])
    teacher = await server.connect(user="teacher", session="t", client="t")
    pupil = await server.connect()
    with pytest.raises(WireError) as refused:
        await pupil.request("talk:join", {"text": "class:8a"})
    assert refused.value.code == "forbidden"
    await pupil.request("talk:join", {"text": "class:7b"})
    await pupil.recv("room:joined")
    await say(teacher, "good morning", room="class:7b")
    await pupil.recv("talk:said")
    await pupil.abort()
    await say(teacher, "homework", room="class:7b")
    talk.asked.clear()
    back = await server.connect(resume=pupil.positions)
    await back.sync()
    assert talk.asked == ["class:7b"], "asked again"
    assert back.joined["rooms"]["class:7b"]["recovered"] is True
    assert said(back.frames) == ["homework"]

    await back.abort()
    talk.allowed.clear()
    await say(teacher, "secret", room="class:7b")
    out = await server.connect(resume=back.positions)
    assert "class:7b" not in out.joined["rooms"]
    await say(teacher, "more secret", room="class:7b")
    await out.sync()
    assert said(out.frames) == []


@pytest.mark.parametrize("room", ["user:u2", "session:s2", "class:8a", "unheard of"])
async def test_resuming_is_no_way_into_a_room_of_others(bonsai_server: StartServer, room: str) -> None:
    server = await bonsai_server([Talk()])
    other = await server.connect(user="u2", session="s2", client="other")
    device = await server.connect(join=False)
    resume = {room: {"epoch": "x", "offset": 0}}
    joined = await device.join(token=server.token("u1"), session="s1", client="c1", resume=resume)
    assert set(joined["rooms"]) == {"user:u1", ROOM}
    await say(other, "private")
    await say(other, "private", room="user")
    await device.sync()
    assert said(device.frames) == []


async def test_a_takeover_loses_nothing(bonsai_server: StartServer) -> None:
    server = await bonsai_server([Talk()])
    speaker = await server.connect(client="speaker")
    old = await server.connect(client="twin")
    talking = asyncio.create_task(say(speaker, *map(str, range(50))))
    seen: list[str] = []
    for _ in range(10):
        await old.recv("talk:said")
        new = await server.connect(client="twin", resume=old.positions)
        assert await old.closed() == 4001
        seen += said(old.frames[: 1 + _last_before(old, new)])
        old = new
    await talking
    await old.sync()
    assert seen + said(old.frames) == [str(n) for n in range(50)]
    devices = (await speaker.request("session:state"))["devices"]
    assert sorted(device["clientId"] for device in devices) == ["speaker", "twin"]


def _last_before(old: WireClient, new: WireClient) -> int:
    """Where `old`'s frames end, for the one who resumed as `new`: what came after its positions were taken is sent to
    `new` again."""
    (first, *_) = [*new.room(ROOM), {"offset": 10**9}]
    return max(
        (i for i, f in enumerate(old.frames) if f.get("room") == ROOM and f["offset"] < first["offset"]), default=-1
    )


@pytest.mark.parametrize("seed", range(2))
async def test_what_commits_during_a_join_is_neither_lost_nor_doubled(
    bonsai_server: StartServer, tmp_path: Path, seed: int
) -> None:
    """Devices that come and go all the time while others talk, on a store whose commits take their time."""
    draw = random.Random(seed)
    server = await bonsai_server([Talk()], store_url=f"sqlite:///{tmp_path / 'bonsai.db'}")
    speakers = [await server.connect(client=f"speaker-{n}") for n in range(4)]
    total = 40
    talking = [asyncio.create_task(say(s, *(f"{n}-{i}" for i in range(total)))) for n, s in enumerate(speakers)]

    async def come_and_go(name: str, pace: random.Random) -> list[tuple[int, str]]:
        seen: list[tuple[int, str]] = []
        resume: dict[str, dict[str, Any]] | None = None
        over = False
        while True:
            over = all(task.done() for task in talking)
            device = await server.connect(client=name, resume=resume)
            assert device.joined["rooms"][ROOM]["recovered"] is (resume is not None)
            await asyncio.sleep(pace.uniform(0, 0.01))
            if over or pace.random() < 0.5:
                await device.sync()
            resume = device.positions
            seen += [(f["offset"], f["data"]["text"]) for f in device.room(ROOM)]
            if over:
                return seen
            await (device.abort() if pace.random() < 0.7 else device.close())

    comers = [asyncio.create_task(come_and_go(f"comer-{n}", random.Random(draw.random()))) for n in range(4)]
    await asyncio.gather(*talking)
    await speakers[0].sync()
    truth = {frame["offset"]: frame["data"]["text"] for frame in speakers[0].room(ROOM)}
    assert len(truth) == 4 * total
    for seen in await asyncio.gather(*comers):
        offsets = [offset for offset, _ in seen]
        assert offsets == list(range(offsets[0], 4 * total + 1))
        assert all(truth[offset] == text for offset, text in seen)


class _Log:
    """As much of a store as `Rooms` asks for: its log may be ahead of what was delivered."""

    def __init__(self, epoch: str, messages: list[Message]) -> None:
        self.epoch, self.messages = epoch, messages

    async def subscribe(self, room: str, owner: str = "") -> None: ...

    async def recover(self, room: str, owner: str = "", since: Position | None = None) -> Recovery:
        missed = tuple(m for m in self.messages if since is not None and m.offset > since.offset)
        return Recovery(Position(self.epoch, len(self.messages)), missed, since is not None)


class _Member:
    """As much of a connection as `Rooms` asks for."""

    client_id = "c1"

    class wire:  # noqa: N801
        message = staticmethod(lambda message, epoch: message.offset)
        entered = staticmethod(lambda room, position: None)

    def __init__(self) -> None:
        self.holds: dict[str, list[Message]] | None = None
        self.rooms: set[str] = set()
        self.got: list[int] = []

    def write(self, data: int) -> None:
        self.got.append(data)

    def hold(self, message: Message) -> bool:
        if self.holds is None or message.room not in self.holds:
            return False
        self.holds[message.room].append(message)
        return True


async def test_a_commit_that_was_read_from_the_log_before_it_was_delivered_is_not_sent_again() -> None:
    log = [Message("r", "m", b"", 0, offset=n) for n in range(1, 6)]
    rooms, member = Rooms(_Log("e1", log)), _Member()  # type: ignore[arg-type]
    connection: Connection = member  # type: ignore[assignment]
    joined = await rooms.join(connection, "r", "", Position("e1", 2))
    rooms.release(connection, [joined], None)
    assert member.got == [3, 4, 5]
    for number in (4, 5, 6):
        rooms.deliver(Message("r", "m", b"", 0, offset=number), "e1")
    assert member.got == [3, 4, 5, 6]
    rooms.deliver(Message("r", "m", b"", 0, offset=1), "e2")
    assert member.got == [3, 4, 5, 6, 1], "a log that begins anew counts from 1 again"


@given(end=st.integers(0, 30), data=st.data())
def test_what_was_held_back_continues_the_log_without_hole_or_repeat(end: int, data: st.DataObject) -> None:
    newest = data.draw(st.integers(end, end + 10))
    held = list(range(data.draw(st.integers(1, end + 1)), newest + 1))
    repeated = sorted([*held, *data.draw(st.lists(st.sampled_from(held)) if held else st.just([]))])
    messages = [Message("r", "m", b"", 0, offset=offset) for offset in repeated]
    assert [m.offset for m in after(Position("e", end), messages)] == list(range(end + 1, newest + 1))


OPERATIONS = st.lists(
    st.sampled_from(("say", "say", "drop", "leave", "back", "back", "twice", "forget", "restart")), max_size=14
)


@settings(max_examples=20, deadline=None)
@given(operations=OPERATIONS)
def test_any_order_of_coming_and_going_shows_everything_once(tmp_path_factory: Any, operations: list[str]) -> None:
    asyncio.run(_come_and_go(tmp_path_factory.mktemp("resume"), operations))


async def _come_and_go(folder: Path, operations: list[str]) -> None:
    """Hold one device against a plain list: what was said from its last unrecovered join on."""
    url = f"sqlite:///{folder / 'bonsai.db'}"

    async def start() -> TestServer:
        app = make_app(store_url=url)
        app.plugins.add(Talk())
        server = Server(app)
        await server.start()
        return TestServer(server)

    server = await start()
    speaker = await server.connect(client="speaker")
    device: WireClient | None = None
    resume: dict[str, dict[str, Any]] | None = None
    expected: list[str] = []
    seen: list[str] = []
    count = 0

    async def put_away() -> None:
        nonlocal device, resume
        if device is not None:
            await device.sync()
            seen.extend(said(device.frames))
            resume = device.positions
            await device.abort()
            device = None

    try:
        for operation in [*operations, "back"]:
            if operation == "say":
                count += 1
                await say(speaker, str(count))
                if device is not None or resume is not None:
                    expected.append(str(count))
            elif operation == "drop":
                await put_away()
            elif operation == "leave" and device is not None:
                await device.send("user:disconnect")
                await device.closed()
                seen.extend(said(device.frames))
                resume, device = device.positions, None
            elif operation == "forget":
                await put_away()
                resume = None
                expected[:] = seen  # what was said while it was away it will never see
            elif operation == "restart":
                await put_away()
                await server.stop()
                server = await start()
                speaker = await server.connect(client="speaker")
                speaker._next_id = count + 1
            elif operation in ("back", "twice"):
                await put_away()
                for _ in range(1 + (operation == "twice")):
                    device = await server.connect(client="device", resume=resume)
                assert device is not None
                assert device.joined["rooms"][ROOM]["recovered"] is (resume is not None)
        await put_away()
        assert seen == expected
    finally:
        await server.stop()
