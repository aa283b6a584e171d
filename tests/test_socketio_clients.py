"""Stock Socket.IO clients (npm `socket.io-client`) on every transport: joining, acks, binary, tokens, limits."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from PIL import Image

from bonsai_core.testing import FakeClock, StartProxy, StartServer, TestServer
from tests.stock_clients import GATEWAY, Failed, StockClients, binary, until

WEBSOCKET, POLLING, UPGRADE = ["websocket"], ["polling"], ["polling", "websocket"]

Gateway = Callable[..., Awaitable[TestServer]]


@pytest.fixture
def gateway(bonsai_server: StartServer) -> Gateway:
    async def start(**settings: Any) -> TestServer:
        return await bonsai_server(**GATEWAY, **settings)

    return start


def png() -> bytes:
    """A real picture."""
    data = io.BytesIO()
    Image.new("RGB", (64, 48), (200, 30, 90)).save(data, "PNG")
    return data.getvalue()


@pytest.mark.parametrize(("transports", "name"), [(WEBSOCKET, "websocket"), (POLLING, "polling")])
async def test_events_acks_and_errors_on_one_transport(
    gateway: Gateway, stock_clients: StockClients, transports: list[str], name: str
) -> None:
    server = await gateway()
    client = await stock_clients(server, transports=transports)
    connected = await client.recv("connect")
    assert (connected["transport"], connected["recovered"]) == (name, False)
    joined = await client.recv("user:joined")
    assert (joined["userId"], joined["sessionId"]) == ("ada", "s1")
    assert await client.request("counter:add", {"item": "a"}) == {"item": "a", "count": 1}
    assert await client.request("counter:add", {"item": "a"}) == {"item": "a", "count": 2}
    assert await client.recv("counter:added") == {"item": "a", "text": ""}
    assert (await client.request("counter:add", {"wrong": 1}))["error"]["code"] == "invalid_payload"
    assert (await client.request("counter:nothing"))["error"]["code"] == "unknown_event"
    await client.emit("counter:nothing", {})
    assert (await client.recv("error"))["code"] == "unknown_event"
    many = "ü€😀" * 2000
    await client.request("counter:add", {"item": "b", "text": many})
    assert [told["text"] for told in client.events("counter:added")] == ["", "", many]
    assert (await client.state())["transport"] == name
    await client.disconnect()
    await until(lambda: not server.app.stats()["joined"])


async def test_polling_becomes_websocket_and_nothing_is_lost_on_the_way(
    gateway: Gateway, stock_clients: StockClients
) -> None:
    server = await gateway()
    client = await stock_clients(server, transports=UPGRADE)
    assert (await client.recv("open"))["transport"] == "polling"
    answers = [await client.request("counter:tick") for _ in range(3)]  # the upgrade is under way, or just over
    await until(lambda: any(one["on"] == "upgrade" for one in client.happened))
    answers += [await client.request("counter:tick") for _ in range(3)]
    assert (await client.state())["transport"] == "websocket"
    assert [answer["ticks"] for answer in answers] == [1, 2, 3, 4, 5, 6]
    await until(lambda: len(client.events("counter:ticked")) == 6)
    assert [told["ticks"] for told in client.events("counter:ticked")] == [1, 2, 3, 4, 5, 6]
    assert server.app.stats()["joined"] == 1


async def test_an_id_makes_a_resend_harmless(gateway: Gateway, stock_clients: StockClients) -> None:
    client = await stock_clients.joined(await gateway())
    first = await client.request("counter:add", {"item": "a"}, {"id": 1})
    assert await client.request("counter:add", {"item": "a"}, {"id": 1}) == first
    assert await client.request("counter:add", {"item": "a"}, 2) == {"item": "a", "count": 2}
    assert (await client.request("counter:add", {"item": "b"}, 2))["error"]["code"] == "id_conflict"
    assert (await client.request("counter:add", {"item": "b"}, "3"))["error"]["code"] == "bad_frame"


@pytest.mark.parametrize(("claims", "code"), [({"ttl_s": -60}, "unauthenticated"), ({"session": "other"}, "forbidden")])
@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING])
async def test_who_is_refused_learns_the_code(
    gateway: Gateway, stock_clients: StockClients, transports: list[str], claims: dict[str, Any], code: str
) -> None:
    server = await gateway()
    client = await stock_clients(server, transports=transports, token=server.token("ada", **claims))
    refused = await client.recv("connect_error")
    assert refused["data"]["code"] == code
    assert refused["message"] == refused["data"]["message"]
    await client.give(token=server.token("ada"), sessionId="s1")
    await client.connect()
    assert (await client.recv("user:joined"))["sessionId"] == "s1"


async def test_a_token_that_is_none_is_refused(gateway: Gateway, stock_clients: StockClients) -> None:
    client = await stock_clients(await gateway(), token="no token")
    assert (await client.recv("connect_error"))["data"]["code"] == "unauthenticated"


async def test_a_namespace_that_nobody_claims_is_refused(gateway: Gateway, stock_clients: StockClients) -> None:
    client = await stock_clients(await gateway(), namespace="/admin")
    assert (await client.recv("connect_error"))["message"] == "Invalid namespace"


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING, UPGRADE])
async def test_a_picture_arrives_byte_by_byte(
    gateway: Gateway, stock_clients: StockClients, transports: list[str]
) -> None:
    client = await stock_clients.joined(await gateway(), transports=transports)
    image = png()
    expected = {"name": "shot", "sha256": hashlib.sha256(image).hexdigest()}
    assert await client.request("counter:picture", {"name": "shot", "image": binary(image)}) == expected
    assert await client.request("counter:picture", {"name": "shot", "image": binary(image)}, {"id": 5}) == expected
    assert await client.request("counter:picture", {"name": "shot", "image": binary(image)["$base64"]}) == expected


async def test_native_and_stock_devices_of_a_session_see_each_other(
    gateway: Gateway, stock_clients: StockClients
) -> None:
    server = await gateway()
    native = await server.connect(user="ada", session="s1", client="laptop")
    auth = {"sessionId": "s1", "clientId": "phone", "device": {"kind": "mobile", "name": "Ada's phone"}}
    phone = await stock_clients.joined(server, auth=auth)
    device = (await native.recv("user:connect"))["data"]["device"]
    assert (device["clientId"], device["kind"], device["name"]) == ("phone", "mobile", "Ada's phone")
    await phone.request("counter:add", {"item": "from the phone"})
    assert (await native.recv("counter:added"))["data"]["item"] == "from the phone"
    await native.request("counter:add", {"item": "from the laptop"})
    assert [(await phone.recv("counter:added"))["item"] for _ in range(2)] == ["from the phone", "from the laptop"]
    tablet = await server.connect(user="ada", session="s1", client="tablet")
    assert (await phone.recv("user:connect"))["device"]["clientId"] == "tablet"
    await tablet.close()
    assert (await phone.recv("user:disconnect"))["device"]["clientId"] == "tablet"
    await phone.disconnect()
    while (left := await native.recv("user:disconnect"))["data"]["device"]["clientId"] != "phone":
        pass
    assert left["data"]["sessionId"] == "s1"


async def test_a_token_that_ends_is_announced_and_renewed_in_place(
    gateway: Gateway, stock_clients: StockClients, fake_clock: FakeClock
) -> None:
    server = await gateway(clock=fake_clock, token_expiring_s=60, token_grace_s=5, heartbeat_interval_ms=3_600_000)
    client = await stock_clients.joined(server, token=server.token("ada", ttl_s=100))
    fake_clock.advance(50)
    assert 0 < (await client.recv("auth:expiring"))["inMs"] <= 50_000
    renewed = await client.request("auth:refresh", {"token": server.token("ada", ttl_s=500)})
    assert renewed == {"tokenExpiresAt": fake_clock.now() + 500_000}
    fake_clock.advance(60)
    assert await client.request("counter:tick") == {"ticks": 1}
    assert (await client.request("auth:refresh", {"token": server.token("eve")}))["error"]["code"] == "forbidden"
    state = await client.state()
    assert (state["connected"], state["asked"]) == (True, 1)


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING])
async def test_a_client_whose_token_has_ended_comes_back_by_itself_with_a_new_one(
    gateway: Gateway, stock_clients: StockClients, fake_clock: FakeClock, transports: list[str]
) -> None:
    server = await gateway(clock=fake_clock, token_grace_s=5, heartbeat_interval_ms=3_600_000)
    client = await stock_clients.joined(server, transports=transports, token=server.token("ada", ttl_s=100))
    assert await client.request("counter:add", {"item": "a"}) == {"item": "a", "count": 1}
    await client.give(token=server.token("ada", ttl_s=3600), sessionId="s1")
    fake_clock.advance(106)
    gone = await client.recv("disconnect")
    assert gone["active"], f"it was told to stay away: {gone}"
    back = await client.recv("connect")
    assert (back["recovered"], back["asked"]) == (True, 2)
    assert await client.request("counter:add", {"item": "b"}) == {"item": "b", "count": 1}


@pytest.mark.parametrize("transports", [WEBSOCKET, POLLING])
async def test_too_many_and_too_large_events_are_told_in_the_ack(
    gateway: Gateway, stock_clients: StockClients, transports: list[str]
) -> None:
    server = await gateway(rate_max_requests=3, rate_window_ms=60_000, max_message_bytes=10_000)
    client = await stock_clients.joined(server, transports=transports)
    large = await client.request("counter:add", {"item": "a", "text": "x" * 20_000})
    assert large["error"]["code"] == "too_large"
    for ticks in (1, 2, 3):
        assert await client.request("counter:tick") == {"ticks": ticks}
    error = (await client.request("counter:tick"))["error"]
    assert error["code"] == "rate_limited"
    assert 0 < error["retryAfterMs"] <= 60_000
    assert (await client.state())["connected"]


async def test_a_newer_connection_replaces_one_that_is_half_open(
    gateway: Gateway, stock_clients: StockClients, tcp_proxy: StartProxy
) -> None:
    server = await gateway()
    proxy = await tcp_proxy(server.url)
    auth = {"sessionId": "s1", "clientId": "phone"}
    old = await stock_clients.joined(server, url=proxy.url, auth=auth)
    proxy.stall()  # both ends believe that it is open
    new = await stock_clients.joined(server, auth=auth)
    assert await new.request("counter:tick") == {"ticks": 1}
    assert server.app.stats()["joined"] == 1
    assert (await old.state())["connected"], "the network has told it nothing yet"
    proxy.resume()
    gone = await old.recv("disconnect")
    assert (gone["reason"], gone["active"]) == ("io server disconnect", False), "two that replace each other for ever"
    assert await new.request("counter:tick") == {"ticks": 2}


async def test_an_ack_that_does_not_come_is_a_timeout_and_the_resend_counts_once(
    gateway: Gateway, stock_clients: StockClients, tcp_proxy: StartProxy
) -> None:
    server = await gateway()
    proxy = await tcp_proxy(server.url)
    client = await stock_clients.joined(server, url=proxy.url, ackTimeout=300)
    proxy.stall("down")
    with pytest.raises(Failed, match="timed out"):
        await client.request("counter:add", {"item": "a"}, {"id": 1})
    proxy.resume()
    assert await client.request("counter:add", {"item": "a"}, {"id": 1}) == {"item": "a", "count": 1}


async def test_what_a_client_is_told_is_the_frame_of_a_native_one(
    gateway: Gateway, stock_clients: StockClients
) -> None:
    server = await gateway()
    native = await server.connect(user="ada", session="s1", client="laptop")
    stock = await stock_clients.joined(server)
    await native.request("session:update", {"patch": {"name": "Ünï", "deep": [1, {"two": None}]}})
    told = await native.recv("session:update")
    assert json.dumps(await stock.recv("session:update")) == json.dumps(told["data"])
