"""Engine.IO 4 over HTTP: handshakes, polls, posts, upgrades, errors with their codes, deadlines, browsers' rules."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from bonsai_socketio.settings import SocketIoSettings

from bonsai_core.testing import FakeClock, TestServer

Gateway = Callable[..., Awaitable[TestServer]]
#: Makes a raw client: `conftest.Raw`.
Raw = Callable[..., Any]


async def test_a_polling_session_is_told_what_to_expect(gateway: Gateway, raw: Raw) -> None:
    server = await gateway(heartbeat_interval_ms=20_000, heartbeat_timeout_ms=7000)
    opened = await raw(server).open()
    assert opened["upgrades"] == ["websocket"]
    assert (opened["pingInterval"], opened["pingTimeout"]) == (20_000, 7000)
    assert opened["maxPayload"] > server.app.settings.max_attachment_bytes * 4 / 3, "a screenshot in base64 fits"
    assert "." not in opened["sid"], "one process: no node is named"


@pytest.mark.parametrize(
    ("method", "query", "code", "message"),
    [
        ("GET", {"EIO": "4"}, 0, "Transport unknown"),
        ("GET", {"EIO": "4", "transport": "carrier-pigeon"}, 0, "Transport unknown"),
        ("GET", {"EIO": "4", "transport": "polling", "sid": "nobody"}, 1, "Session ID unknown"),
        ("POST", {"EIO": "4", "transport": "polling", "sid": "nobody"}, 1, "Session ID unknown"),
        ("POST", {"EIO": "4", "transport": "polling"}, 2, "Bad handshake method"),
        ("PUT", {"EIO": "4", "transport": "polling"}, 2, "Bad handshake method"),
        ("GET", {"EIO": "4", "transport": "websocket"}, 3, "Bad request"),
        ("GET", {"EIO": "3", "transport": "polling"}, 5, "Unsupported protocol version"),
        ("GET", {"transport": "polling"}, 5, "Unsupported protocol version"),
    ],
)
async def test_a_bad_request_gets_its_code(
    gateway: Gateway, raw: Raw, method: str, query: dict[str, str], code: int, message: str
) -> None:
    server = await gateway()
    assert await raw(server).request(method, **query) == (400, {"code": code, "message": message})
    assert server.app.stats()["connections"] == 0


async def test_an_event_goes_and_comes_by_polling(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client = raw(server)
    await client.open()
    auth = json.dumps({"token": server.token("ada"), "sessionId": "s1", "clientId": "c1"})
    assert await client.post("40" + auth, '421["talk:say",{"text":"hi"}]') == (200, "ok")
    seen: list[str] = []
    while not any(packet.startswith("431[") for packet in seen):
        seen += await client.poll()
    kinds = [packet[: packet.index("{")] if "{" in packet else packet for packet in seen]
    assert kinds[:2] == ["40", '42["user:joined",']
    assert '431[{"count":1}]' in seen
    said = next(packet for packet in seen if packet.startswith('42["talk:said"'))
    assert json.loads(said[2:])[1] == {"text": "hi"}


async def test_two_polls_at_a_time_end_the_session(gateway: Gateway, raw: Raw) -> None:
    client = raw(await gateway())
    await client.open()
    first = asyncio.create_task(client.poll())
    await asyncio.sleep(0.05)
    status, _ = await client.request("GET", EIO="4", transport="polling", sid=client.sid)
    assert status == 400
    assert await first == ["1"]
    status, body = await client.request("GET", EIO="4", transport="polling", sid=client.sid)
    assert (status, body["code"]) == (400, 1)


async def test_a_post_that_is_no_packet_ends_the_session(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client = raw(server)
    await client.open()
    status, _ = await client.post("abc")
    assert status == 400
    assert (await client.request("GET", EIO="4", transport="polling", sid=client.sid))[0] == 400
    await server.app.connections.wait_until_empty(5)
    assert server.app.stats()["connections"] == 0


async def test_a_payload_is_limited(gateway: Gateway, raw: Raw) -> None:
    server = await gateway(SocketIoSettings(max_payload_bytes=100_000))
    client = raw(server)
    await client.open()
    too_early = server.app.settings.max_message_bytes + 1
    assert (await client.post("4" + "x" * too_early))[0] == 413, "before it has joined less is allowed"
    auth = json.dumps({"token": server.token("ada"), "sessionId": "s1"})
    assert (await client.post("40" + auth))[0] == 200
    while not any(packet.startswith("40{") for packet in await client.poll()):
        pass
    assert (await client.post("4" + "x" * 100_001))[0] == 413
    assert (await client.post('42["talk:say",{"text":"still here"}]'))[0] == 200


async def test_binary_comes_by_polling_as_base64(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client = raw(server)
    await client.open()
    auth = json.dumps({"token": server.token("ada"), "sessionId": "s1"})
    picture = '451-7["talk:picture",{"name":"p","image":{"_placeholder":true,"num":0}}]'
    assert await client.post("40" + auth, picture, "bAQIDBA==") == (200, "ok")
    seen: list[str] = []
    while not any(packet.startswith("437[") for packet in seen):
        seen += await client.poll()
    assert '437[{"name":"p","size":4}]' in seen
    assert (await client.post(b"\x01", headers={"Content-Type": "application/octet-stream"}))[0] == 400


async def test_what_was_posted_before_an_upgrade_comes_before_what_follows(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client = raw(server)
    await client.open()
    auth = json.dumps({"token": server.token("ada"), "sessionId": "s1"})
    await client.post("40" + auth)
    poll = asyncio.create_task(client.poll())
    await client.websocket(client.sid)
    await client.ws.send_str("2probe")
    assert await client.ws.receive_str(timeout=5) == "3probe"
    assert await poll, "a poll under way returns"
    said = [f'42{n}["talk:say",{{"text":"{n}"}}]' for n in range(10)]
    await client.post(*said[:5])
    await client.ws.send_str("5")
    for packet in said[5:]:
        await client.ws.send_str(packet)
    counts: list[int] = []
    while len(counts) < 10:
        text = await client.recv()
        if text.startswith("43"):
            counts.append(json.loads(text[text.index("[") :])[0]["count"])
    assert counts == list(range(1, 11))
    assert (await client.request("GET", EIO="4", transport="polling", sid=client.sid))[0] == 400
    assert server.app.stats()["connections"] == 1
    await client.ws.close()
    await server.app.connections.wait_until_empty(5)
    assert server.app.stats()["connections"] == 0
    assert len(server.app.admission._open) == 0, "an upgrade counts as one connection"


async def test_an_upgrade_needs_its_probe(gateway: Gateway, raw: Raw) -> None:
    client = raw(await gateway())
    await client.open()
    await client.websocket(client.sid)
    await client.ws.send_str("5")
    assert (await client.ws.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
    assert await client.post("3") == (200, "ok"), "the session goes on as it was"


async def test_an_upgrade_that_is_given_up_leaves_the_session_polling(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client = raw(server)
    await client.open()
    await client.websocket(client.sid)
    await client.ws.send_str("2probe")
    assert await client.ws.receive_str(timeout=5) == "3probe"
    await client.ws.close()
    auth = json.dumps({"token": server.token("ada"), "sessionId": "s1"})
    assert await client.post("40" + auth) == (200, "ok")
    seen: list[str] = []
    while not any(packet.startswith("40{") for packet in seen):
        seen += await client.poll()


async def test_a_silent_client_is_let_go_at_its_deadline(gateway: Gateway, raw: Raw, fake_clock: FakeClock) -> None:
    server = await gateway(clock=fake_clock, heartbeat_interval_ms=25_000, heartbeat_timeout_ms=20_000)
    client = raw(server)
    await client.open()
    fake_clock.advance(44.9)
    assert await client.post("3") == (200, "ok")
    fake_clock.advance(45.0)
    status, body = await client.request("GET", EIO="4", transport="polling", sid=client.sid)
    assert (status, body["code"]) == (400, 1)


async def test_pings_come_whatever_else_does(gateway: Gateway, raw: Raw) -> None:
    server = await gateway(heartbeat_interval_ms=100, heartbeat_timeout_ms=1000)
    client = raw(server)
    await client.connect()
    pings = 0
    async with asyncio.timeout(10):
        while pings < 3:
            if (text := await client.ws.receive_str()) == "2":
                pings += 1
                await client.ws.send_str("3")
            elif text.startswith("43") or pings == 0:
                await client.ws.send_str('421["talk:say",{"text":"busy"}]')


async def test_only_allowed_pages_may_talk_to_it(gateway: Gateway, raw: Raw) -> None:
    server = await gateway(allowed_origins=("https://school.example",))
    client = raw(server)
    good = {"Origin": "https://school.example"}
    async with aiohttp.ClientSession(headers=good) as http:
        url = f"{server.url}/socket.io/?EIO=4&transport=polling"
        async with http.get(url) as answer:
            assert answer.status == 200
            assert answer.headers["Access-Control-Allow-Origin"] == "https://school.example"
            assert answer.headers["Access-Control-Allow-Credentials"] == "true"
            assert answer.headers["Vary"] == "Origin"
        wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-school"}
        async with http.options(url, headers=wanted) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Methods"] == "GET,POST"
            assert answer.headers["Access-Control-Allow-Headers"] == "content-type,x-school"
        async with http.get(f"{server.url}/socket.io/?EIO=4&transport=nothing") as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == "https://school.example", "errors can be read too"
    for method in ("GET", "POST", "OPTIONS"):
        status, body = await client.request(
            method, headers={"Origin": "https://evil.example"}, EIO="4", transport="polling"
        )
        assert (status, body["code"]) == (403, 4)


async def test_polling_can_be_switched_off_and_the_path_changed(gateway: Gateway, raw: Raw) -> None:
    server = await gateway(SocketIoSettings(path="/live/", polling=False))
    assert (await raw(server).request("GET", EIO="4", transport="polling"))[0] == 404
    status, body = await raw(server, "/live/").request("GET", EIO="4", transport="polling")
    assert (status, body["code"]) == (400, 0)
    assert (await raw(server, "/live/").connect())["sid"]


async def test_connections_are_counted_as_native_ones_are(gateway: Gateway, raw: Raw) -> None:
    server = await gateway(connections_per_ip=2)
    polling, socket = raw(server), raw(server)
    await polling.open()
    await socket.connect()
    status, body = await raw(server).request("GET", EIO="4", transport="polling")
    assert (status, body["code"]) == (429, 4)


async def test_who_does_not_join_in_time_is_let_go(gateway: Gateway, raw: Raw, fake_clock: FakeClock) -> None:
    server = await gateway(clock=fake_clock, join_timeout_ms=5000)
    client = raw(server)
    await client.websocket()
    assert (await client.recv()).startswith("0{")
    fake_clock.advance(5.1)
    closed = await client.ws.receive(timeout=5)
    assert closed.data == 4408


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BONSAI_SOCKETIO_PATH", "socket.io"),
        ("BONSAI_SOCKETIO_POLLING", "yes"),
        ("BONSAI_SOCKETIO_MAX_PAYLOAD_BYTES", "-1"),
        ("BONSAI_SOCKETIO_MAX_ATTACHMENTS", "1001"),
    ],
)
def test_a_setting_that_makes_no_sense_is_named(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        SocketIoSettings.read({name: value})


def test_settings_are_read_from_the_environment() -> None:
    read = SocketIoSettings.read({"BONSAI_SOCKETIO_PATH": "/live", "BONSAI_SOCKETIO_RECOVERY": "0"})
    assert (read.path, read.polling, read.recovery) == ("/live/", True, False)
