"""Peers that do nothing wrong but time: half open, silent, slow, never saying goodbye; and rooms of others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bonsai_core.testing import FakeClock, StartProxy
from tests.hostile.conftest import Arena
from tests.hostile.raw import CLOSE, PING, PONG, TEXT, RawPeer, close_frame, frame, text


async def until(condition: Any, timeout: float = 5.0) -> None:
    """Wait until a condition holds, looking often."""
    async with asyncio.timeout(timeout):
        while not condition():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


#: The server looks after its connections at a fraction of its shortest deadline; a fake clock makes none short.
OFTEN = {"heartbeat_timeout_ms": 80}
ALSO_OFTEN = {"join_timeout_ms": 80}


# Joining late, leaving badly


async def test_a_socket_that_never_joins_is_closed_in_time(arena: Arena, fake_clock: FakeClock) -> None:
    await arena.begin(clock=fake_clock, **OFTEN)
    peer = await arena.upgraded()
    fake_clock.advance(5.1)
    assert (await peer.end()).code == 4408


@pytest.mark.parametrize(
    "drip",
    [
        pytest.param([text({"event": "ping"})], id="pings"),
        pytest.param([frame(PING)], id="protocol pings"),
        pytest.param([bytes([b]) for b in text({"event": "user:connect", "data": {}})[:-1]], id="bytes of a join"),
    ],
)
async def test_signs_of_life_do_not_put_the_join_off(arena: Arena, fake_clock: FakeClock, drip: list[bytes]) -> None:
    await arena.begin(clock=fake_clock, **OFTEN)
    peer = await arena.upgraded()
    for part in drip * (8 if len(drip) == 1 else 1):
        await peer.send(part)
        fake_clock.advance(5.2 / max(8, len(drip)))
    assert (await peer.end()).code == 4408


@pytest.mark.parametrize("joined", [False, True], ids=["before the join", "after it"])
async def test_a_peer_that_drops_the_connection_is_forgotten(hostile: Arena, joined: bool) -> None:
    peer = await (hostile.joined() if joined else hostile.upgraded())
    await peer.send(frame(TEXT, declared=1000))  # and dies in the middle of a frame
    await peer.close()
    await until(lambda: len(hostile.server.app.connections.all) == 1)


async def test_a_peer_that_half_closes_is_forgotten(hostile: Arena) -> None:
    peer = await hostile.joined()
    peer.writer.write_eof()
    await peer.ended()
    await until(lambda: len(hostile.server.app.connections.all) == 1)


@pytest.mark.parametrize("flooding", [False, True], ids=["silent", "sending on"])
async def test_a_peer_that_never_answers_our_goodbye_is_cut_off(arena: Arena, flooding: bool) -> None:
    await arena.begin(close_timeout_ms=100)
    peer = await arena.joined()
    await peer.send(text({"event": "user:disconnect"}))
    opcode, payload = -1, b""
    while opcode != CLOSE:
        opcode, payload = await peer.receive()
    assert payload[:2] == (1000).to_bytes(2, "big")
    if flooding:
        for _ in range(1000):
            await peer.send(text({"event": "echo:say", "data": {}}))
            if peer.reader.at_eof():
                break
    await peer.ended()
    await until(lambda: len(arena.server.app.connections.all) == 1)


async def test_a_peer_that_breaks_the_protocol_and_stays_is_cut_off(arena: Arena) -> None:
    await arena.begin(close_timeout_ms=100)
    peer = await arena.joined()
    await peer.send(frame(3))
    await peer.ended()
    await until(lambda: len(arena.server.app.connections.all) == 1)


async def test_messages_after_our_goodbye_have_no_effect(hostile: Arena) -> None:
    peer = await hostile.joined()
    await peer.send(
        text({"event": "user:disconnect"}),
        text({"event": "session:update", "id": 1, "data": {"patch": {"late": True}}}),
    )
    assert (await peer.end()).code == 1000
    again = await hostile.joined()
    assert (await again.event("session:state"))["data"]["state"] == {}


# Half open


async def test_a_half_open_peer_is_freed_within_one_and_a_half_heartbeats(
    arena: Arena, fake_clock: FakeClock, tcp_proxy: StartProxy
) -> None:
    await arena.begin(clock=fake_clock, **ALSO_OFTEN)
    proxy = await tcp_proxy(arena.server.url)
    app = arena.server.app
    peer = await RawPeer.open(proxy.port)
    await peer.join(arena.server.token(user="mallory"), sessionId="m", clientId="m")
    assert len(app.connections.all) == 2
    proxy.stall()
    begun = fake_clock.monotonic()
    while fake_clock.monotonic() - begun < 45 and len(app.connections.all) == 2:
        fake_clock.advance(1)
        await asyncio.sleep(0.03)
        await arena.bystander.sync()  # who answers stays
    await until(lambda: len(app.connections.all) == 1)
    assert fake_clock.monotonic() - begun <= 45
    assert proxy.links == 1, "the peer itself knows of nothing"
    proxy.resume()
    await peer.close()


async def test_a_peer_that_answers_pings_is_kept(arena: Arena, fake_clock: FakeClock) -> None:
    await arena.begin(clock=fake_clock, **ALSO_OFTEN)
    peer = await arena.joined()
    for _ in range(5):
        fake_clock.advance(31)
        opcode = -1
        while opcode != PING:
            opcode, _ = await peer.receive()
        await peer.send(frame(PONG))
        await arena.bystander.sync()
    await peer.send(text({"event": "ping"}))
    await peer.event("pong")


async def test_bytes_that_are_no_whole_frame_are_no_sign_of_life(arena: Arena, fake_clock: FakeClock) -> None:
    await arena.begin(clock=fake_clock, **ALSO_OFTEN)
    peer = await arena.joined()
    await peer.send(frame(TEXT, declared=60_000))
    for _ in range(60):
        await peer.send(b"x")
        fake_clock.advance(1)
        await asyncio.sleep(0.03)
        await arena.bystander.sync()
        if len(arena.server.app.connections.all) == 1:
            break
    await until(lambda: len(arena.server.app.connections.all) == 1)


# Slow readers


async def test_a_peer_that_reads_nothing_is_cut_off_and_keeps_little(arena: Arena) -> None:
    await arena.begin(outbox_max_bytes=200_000, close_timeout_ms=100)
    app = arena.server.app
    peer = await arena.peer(receive_buffer=1024)
    await peer.join(arena.server.token(user="mallory"), sessionId="m", clientId="m")
    (connection,) = [c for c in app.connections.all if c.client_id == "m"]
    helper = await arena.joined("mallory", sessionId="m", clientId="helper")
    for id in range(1, 60):
        await helper.send(text({"event": "echo:flood", "id": id, "data": {"count": 20, "text": "x" * 10_000}}))
        while (frame_ := await helper.event("ack", "echo:line"))["event"] != "ack":
            pass
        assert frame_["id"] == id
        assert connection.waiting <= 200_000
        if connection.close_code is not None:
            break
    assert connection.close_code == 4008
    await until(lambda: connection not in app.connections.all)


async def test_a_peer_that_only_asks_and_never_reads_is_cut_off(arena: Arena) -> None:
    await arena.begin(outbox_max_bytes=100_000, close_timeout_ms=100)
    app = arena.server.app
    peer = await arena.peer(receive_buffer=1024)
    await peer.join(arena.server.token(user="mallory"), sessionId="m", clientId="m")
    (connection,) = [c for c in app.connections.all if c.client_id == "m"]
    asking = text({"event": "echo:say", "id": 1, "data": {"text": "x" * 50_000}})
    for _ in range(400):
        await peer.send(asking)
        if connection.close_code is not None:
            break
    await until(lambda: connection not in app.connections.all)
    assert connection.close_code == 4008


async def test_a_peer_that_asks_http_and_never_reads_hurts_nobody(hostile: Arena) -> None:
    peer = await hostile.peer(receive_buffer=1024)
    for _ in range(50):
        peer.writer.write(b"GET /asyncapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
    await hostile.bystander.request("echo:say", {"text": "fine"})


# Rooms and sessions of others

EPOCH = {"epoch": "x", "offset": 0}


@pytest.mark.parametrize(
    "room",
    [
        "user:bystander",
        "session:b",
        "class:closed",
        "user:",
        "session:",
        "user:mallory2",
        "USER:bystander",
        "*",
        "class:",
    ],
)
async def test_nobody_resumes_into_a_room_that_is_not_theirs(hostile: Arena, room: str) -> None:
    peer = await hostile.peer()
    joined = await peer.join(hostile.server.token(user="mallory"), sessionId="m", clientId="m", resume={room: EPOCH})
    assert set(joined["rooms"]) == {"user:mallory", "session:m"}
    await hostile.bystander.request("echo:keep", {"secret": True})
    await peer.send(text({"event": "ping"}))
    while (seen := await peer.event())["event"] != "pong":
        assert "secret" not in str(seen)


@pytest.mark.parametrize(
    "room",
    ["user:bystander", "session:b", "user:mallory", "class:closed", "", "class:open ", "x" * 5000],
)
async def test_nobody_joins_a_room_that_no_plugin_allows(hostile: Arena, room: str) -> None:
    peer = await hostile.joined()
    await peer.send(text({"event": "echo:room", "id": 1, "data": room}))
    answer = await peer.event("ack", "error")
    if room != "user:mallory":
        assert answer["data"]["code"] == "forbidden"


@pytest.mark.parametrize(
    ("resume", "code"),
    [
        pytest.param({f"class:{n}": EPOCH for n in range(65)}, "invalid_payload", id="65 rooms"),
        pytest.param([], "invalid_payload", id="a list"),
        pytest.param({"class:open": 5}, "invalid_payload", id="a number"),
        pytest.param({"class:open": {"epoch": "x"}}, "invalid_payload", id="no offset"),
        pytest.param({"class:open": {"epoch": "x", "offset": -1}}, "invalid_payload", id="a negative offset"),
        pytest.param({"class:open": {"epoch": "x", "offset": 1.5}}, "invalid_payload", id="half an offset"),
        pytest.param({"class:open": {"epoch": "x" * 129, "offset": 0}}, "invalid_payload", id="a long epoch"),
        pytest.param({"x" * 129: EPOCH}, "invalid_payload", id="a long room"),
        pytest.param({"": EPOCH}, "invalid_payload", id="no name"),
        pytest.param({"class:\n": EPOCH}, "invalid_payload", id="a room with a line feed"),
    ],
)
async def test_positions_that_make_no_sense_are_refused(hostile: Arena, resume: Any, code: str) -> None:
    peer = await hostile.upgraded()
    data = {"token": hostile.server.token(user="mallory"), "resume": resume}
    await peer.send(text({"event": "user:connect", "data": data}))
    assert (await peer.event("error"))["data"]["code"] == code
    await peer.send(text({"event": "user:connect", "data": data | {"resume": {}}}))
    await peer.event("user:joined")


@pytest.mark.parametrize("offset", [1, 2**31, 2**63 - 1, 2**63, 2**70, 10**100])
@pytest.mark.parametrize("epoch", ["true", "made up"])
async def test_positions_ahead_of_the_log_are_not_recovered(hostile: Arena, offset: int, epoch: str) -> None:
    token = hostile.server.token(user="mallory")
    rooms = (await (await hostile.peer()).join(token, sessionId="mallory", clientId="one"))["rooms"]
    position = {"epoch": rooms["session:mallory"]["epoch"] if epoch == "true" else "x", "offset": offset}
    peer = await hostile.peer()
    joined = await peer.join(token, sessionId="mallory", clientId="two", resume={"session:mallory": position})
    assert joined["rooms"]["session:mallory"] == {
        "epoch": rooms["session:mallory"]["epoch"],
        "offset": 0,
        "recovered": False,
    }
    await peer.event("session:state")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"sessionId": ""}, id="empty session"),
        pytest.param({"sessionId": "s" * 129}, id="long session"),
        pytest.param({"sessionId": "a\nb"}, id="session with a line feed"),
        pytest.param({"sessionId": 5}, id="session a number"),
        pytest.param({"clientId": ""}, id="empty client"),
        pytest.param({"clientId": "a\0b"}, id="client with NUL"),
        pytest.param({"clientId": ["c"]}, id="client a list"),
        pytest.param({"device": 5}, id="device a number"),
        pytest.param({"device": {"kind": "k" * 33}}, id="long kind"),
        pytest.param({"device": {"name": "n" * 129}}, id="long name"),
        pytest.param({"device": {"id": ""}}, id="empty device id"),
        pytest.param({"token": 5}, id="token a number"),
        pytest.param({"batch": "perhaps"}, id="batch a word"),
    ],
)
async def test_a_join_that_is_not_valid_may_be_tried_again(hostile: Arena, data: dict[str, Any]) -> None:
    peer = await hostile.upgraded()
    good = {"token": hostile.server.token(user="mallory")}
    await peer.send(text({"event": "user:connect", "id": 1, "data": good | data}))
    assert (await peer.event("error"))["data"]["code"] == "invalid_payload"
    await peer.send(text({"event": "user:connect", "data": good}))
    await peer.event("user:joined")


@pytest.mark.parametrize(
    "name",
    [
        "../../etc/passwd",
        "'; DROP TABLE docs; --",
        "%s%n{0}",
        "b:user:bystander",
        "💥" * 32,
        "\u202eevil",
        "b/state",
        "*",
    ],
)
async def test_odd_names_are_names_like_others(hostile: Arena, name: str) -> None:
    peer = await hostile.joined(sessionId=name, clientId=name, device={"id": name, "kind": name[:8], "name": name})
    await peer.send(text({"event": "session:update", "id": 1, "data": {"patch": {"mine": name}}}))
    assert (await peer.event("ack"))["data"] == {"version": 1}
    assert (await hostile.bystander.request("session:state"))["state"] == {}


async def test_taking_over_again_and_again_leaves_one(hostile: Arena) -> None:
    peers = [await hostile.joined() for _ in range(10)]
    ends = await asyncio.gather(*(peer.end() for peer in peers[:-1]))
    assert {end.code for end in ends} == {4001}
    await peers[-1].send(text({"event": "ping"}))
    await peers[-1].event("pong")


async def test_joins_and_goodbyes_in_one_breath_leave_nothing(hostile: Arena) -> None:
    token = hostile.server.token(user="mallory")
    join = text({"event": "user:connect", "data": {"token": token, "sessionId": "m", "clientId": "m"}})
    peers = [await hostile.upgraded() for _ in range(10)]
    await asyncio.gather(*(peer.send(join, close_frame(1000)) for peer in peers))
    ends = await asyncio.gather(*(peer.end() for peer in peers))
    assert {end.code for end in ends} <= {1000, 1013, 4001}  # 1013: opened before one that was quicker
