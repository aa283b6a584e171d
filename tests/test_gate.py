"""The gate over the wire: joining, tokens, refusals, limits, renewal, leaving; each with the code it deserves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from bonsai_core import Event, Payload, Plugin, Session, hookimpl, on, protocol
from bonsai_core.testing import FakeClock, StartServer, WireError


class Say(Payload):
    text: str


class Echo(Plugin):
    name = "echo"

    @on("echo:say")
    async def say(self, session: Session, say: Say) -> dict[str, str]:
        return {"text": say.text}

    @on("echo:bytes")
    async def count(self, session: Session, event: Event) -> dict[str, int]:
        return {"bytes": len(event.attachment or b"")}


class Doorman(Plugin):
    name = "doorman"

    @hookimpl
    async def validate_user(self, user: str, claims: Mapping[str, Any]) -> bool | None:
        return False if user == "barred" else None


async def test_the_answer_to_a_join_says_everything_a_client_needs(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    client = await server.connect(
        user="ada", session="s1", client="c1", device={"id": "d1", "kind": "phone", "name": "A"}
    )
    joined = client.joined
    assert (joined["userId"], joined["sessionId"], joined["clientId"], joined["deviceId"]) == ("ada", "s1", "c1", "d1")
    assert set(joined["rooms"]) == {"user:ada", "session:s1"}
    assert joined["devices"][0]["kind"] == "phone"
    assert joined["limits"]["maxMessageBytes"] == 65536
    assert joined["heartbeat"] == {"intervalMs": 30000, "timeoutMs": 5000}
    state = await client.recv("session:state")
    assert state["data"]["state"] == {}
    assert state["data"]["version"] == 0


async def test_session_and_client_ids_are_given_to_those_who_have_none(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    client = await server.connect(user="ada", session=None, client=None)
    assert client.joined["sessionId"]
    assert client.joined["clientId"]


async def test_a_bearer_header_carries_the_token_as_well(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(server.ws_url, headers={"Authorization": f"Bearer {server.token(user='ada')}"}) as socket,
    ):
        await socket.send_json({"event": "user:connect", "data": {}})
        assert (await socket.receive_json())["event"] == "user:joined"


async def test_the_first_frame_must_join(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Echo()])
    client = await server.connect(join=False)
    await client.send("echo:say", {"text": "hi"}, id=1)
    assert (await client.recv("error"))["data"]["code"] == "unauthenticated"
    for _ in range(20):
        await client.send("echo:say", {"text": "hi"})
    assert await client.closed() == 1008


async def test_who_does_not_join_in_time_is_closed(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    server = await bonsai_server(clock=fake_clock)
    client = await server.connect(join=False)
    fake_clock.advance(5.1)
    assert await client.closed() == 4408


async def test_a_join_frame_is_small(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    client = await server.connect(join=False)
    await client.send("user:connect", {"token": "x" * 9000})
    assert await client.closed() == 1009


@pytest.mark.parametrize("token", [None, "", "nonsense", "a.b.c", "x" * 5000])
async def test_bad_tokens_are_closed_with_4401(bonsai_server: StartServer, token: str | None) -> None:
    server = await bonsai_server()
    client = await server.connect(join=False)
    await client.send("user:connect", {} if token is None else {"token": token})
    assert (await client.recv("error"))["data"]["code"] == "unauthenticated"
    assert await client.closed() == 4401


async def test_an_expired_token_is_closed_with_4401(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    server = await bonsai_server(clock=fake_clock)
    token = server.token(user="ada", ttl_s=60)
    fake_clock.advance(120)
    client = await server.connect(join=False)
    await client.send("user:connect", {"token": token})
    assert await client.closed() == 4401


@pytest.mark.parametrize(
    "claims",
    [
        {"userId": "bob"},
        {"sessionId": "other"},
    ],
)
async def test_a_token_joins_only_what_it_names(bonsai_server: StartServer, claims: dict[str, str]) -> None:
    server = await bonsai_server()
    client = await server.connect(join=False)
    await client.send("user:connect", {"token": server.token(user="ada", session="mine"), **claims})
    assert (await client.recv("error"))["data"]["code"] == "forbidden"
    assert await client.closed() == 4403


async def test_a_session_belongs_to_one_user(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    await server.connect(user="ada", session="s1")
    thief = await server.connect(join=False)
    await thief.send("user:connect", {"token": server.token(user="eve"), "sessionId": "s1"})
    assert await thief.closed() == 4403


async def test_a_plugin_can_refuse_a_user(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Doorman()])
    client = await server.connect(join=False)
    await client.send("user:connect", {"token": server.token(user="barred")})
    assert await client.closed() == 4403
    await server.connect(user="welcome")


async def test_revocation_closes_open_sockets_and_keeps_them_out(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    client = await server.connect(user="ada", session="s1")
    other = await server.connect(user="bob", session="s2")
    await server.app.revoke("user", "ada")
    assert await client.closed() == 4401
    assert await other.request("session:state") is not None
    token = server.token(user="carl", jti="token-1")
    carl = await server.connect(token=token, session="s3")
    await server.app.revoke("jti", "token-1")
    assert await carl.closed() == 4401
    again = await server.connect(join=False)
    await again.send("user:connect", {"token": token})
    assert await again.closed() == 4401


async def test_a_token_is_renewed_in_place(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    server = await bonsai_server(clock=fake_clock)
    client = await server.connect(token=server.token(user="ada", ttl_s=300), session="s1")
    fake_clock.advance(250)
    expiring = await client.recv("auth:expiring")
    assert expiring["data"]["inMs"] <= 50_000
    answer = await client.request("auth:refresh", {"token": server.token(user="ada", ttl_s=3600)})
    assert answer["tokenExpiresAt"] > fake_clock.now()
    fake_clock.advance(300)
    assert await client.request("session:state") is not None


async def test_who_does_not_renew_is_closed_after_a_grace(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    server = await bonsai_server(clock=fake_clock, heartbeat_interval_ms=3_600_000)
    client = await server.connect(token=server.token(user="ada", ttl_s=300), session="s1")
    fake_clock.advance(301)
    assert (await client.recv("auth:expiring"))["data"]["inMs"] == 0
    fake_clock.advance(5)
    assert await client.closed() == 4401


async def test_a_token_cannot_be_renewed_for_somebody_else(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    client = await server.connect(user="ada", session="s1")
    for token, code in ((server.token(user="eve"), "forbidden"), ("nonsense", "unauthenticated")):
        with pytest.raises(WireError) as caught:
            await client.request("auth:refresh", {"token": token})
        assert caught.value.code == code
    assert await client.request("session:state") is not None


async def test_a_newer_connection_of_a_client_takes_over(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    first = await server.connect(user="ada", session="s1", client="c1")
    watcher = await server.connect(user="ada", session="s1", client="c2")
    second = await server.connect(user="ada", session="s1", client="c1")
    assert await first.closed() == 4001
    assert len(second.joined["devices"]) == 2
    assert await second.request("session:state") is not None
    assert not [f for f in watcher.frames if f["event"] == "user:disconnect"]


async def test_devices_hear_of_each_other(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    first = await server.connect(user="ada", session="s1", client="c1")
    second = await server.connect(user="ada", session="s1", client="c2", device={"kind": "extension"})
    heard = await first.recv("user:connect")
    assert heard["data"]["device"]["kind"] == "extension"
    assert {d["clientId"] for d in second.joined["devices"]} == {"c1", "c2"}
    await second.send("user:disconnect")
    assert await second.closed() == 1000
    assert (await first.recv("user:disconnect"))["data"]["device"]["clientId"] == "c2"
    assert not [f for f in second.frames if f["event"] == "user:connect"]


async def test_too_many_messages_are_told_when_to_come_back(bonsai_server: StartServer, fake_clock: FakeClock) -> None:
    server = await bonsai_server(plugins=[Echo()], clock=fake_clock, rate_max_requests=3, rate_window_ms=60_000)
    client = await server.connect(user="ada", session="s1")
    for _ in range(3):
        await client.request("echo:say", {"text": "hi"})
    with pytest.raises(WireError) as caught:
        await client.request("echo:say", {"text": "hi"})
    assert caught.value.code == "rate_limited"
    assert 0 < caught.value.data["retryAfterMs"] <= 20_001
    fake_clock.advance(20.1)
    assert await client.request("echo:say", {"text": "hi"}) == {"text": "hi"}


async def test_bad_json_again_and_again_is_closed_with_1007(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    client = await server.connect()
    for _ in range(5):
        await client.send_raw("{nonsense")
    assert (await client.recv("error"))["data"]["code"] == "bad_frame"
    assert await client.closed() == 1007


async def test_bad_frames_again_and_again_are_closed_with_1008(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    client = await server.connect()
    for _ in range(10):
        await client.send_raw('{"event": 5}')
    assert await client.closed() == 1008


async def test_a_message_beyond_the_limit_is_too_large(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Echo()], max_attachment_bytes=1000)
    client = await server.connect()
    await client.send("echo:say", {"text": "x" * 65_536}, id=1)
    assert (await client.recv("error"))["data"]["code"] == "too_large"
    header = json.dumps({"event": "echo:bytes", "id": 2}).encode()
    await client.send_raw(protocol.encode_binary(header, b"x" * 1001))
    assert (await client.recv("error"))["data"]["code"] == "too_large"
    await client.send_raw(b"x" * 70_000)
    assert await client.closed() == 1009


async def test_batches_and_binary_frames_are_understood(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Echo()])
    client = await server.connect()
    await client.send_raw(json.dumps([{"event": "echo:say", "id": n, "data": {"text": str(n)}} for n in (1, 2, 3)]))
    assert [(await client.recv("ack"))["data"]["text"] for _ in range(3)] == ["1", "2", "3"]
    await client.send_raw(protocol.encode_binary(b'{"event":"echo:bytes","id":4}', b"\x89PNG"))
    assert (await client.recv("ack"))["data"] == {"bytes": 4}


async def test_pings_are_answered(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    client = await server.connect()
    await client.send("ping")
    assert (await client.recv("pong"))["ts"] > 0


async def test_an_offer_of_other_subprotocols_alone_is_refused(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect(server.ws_url, protocols=["soap"])
        assert caught.value.status == 400
        async with http.ws_connect(server.ws_url, protocols=["soap", "bonsai.v1"]) as socket:
            assert socket.protocol == "bonsai.v1"


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:3000", 101),
        ("http://localhost:3000.evil.test", 403),
        ("null", 403),
        ("http://evil.test", 403),
    ],
)
async def test_browser_origins_are_matched_exactly(bonsai_server: StartServer, origin: str, status: int) -> None:
    server = await bonsai_server()
    async with aiohttp.ClientSession() as http:
        try:
            async with http.ws_connect(server.ws_url, origin=origin):
                seen = 101
        except aiohttp.WSServerHandshakeError as error:
            seen = error.status
    assert seen == status
