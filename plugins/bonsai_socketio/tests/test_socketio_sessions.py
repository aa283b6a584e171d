"""Socket.IO 5 on sessions: joining, events and acks, resends, recovery, refusals, malformed packets; raw packets."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest
from bonsai_socketio import recovery
from bonsai_socketio.settings import SocketIoSettings

from bonsai_core.testing import FakeClock, TestServer
from bonsai_core.transport import Position

Gateway = Callable[..., Awaitable[TestServer]]
#: Makes a raw client: `conftest.Raw`.
Raw = Callable[..., Any]


async def test_a_stock_client_and_a_native_one_are_devices_of_one_session(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    native = await server.connect(user="ada", session="s1", client="laptop")
    phone = raw(server)
    await phone.connect(clientId="phone", device={"kind": "mobile", "name": "Ada's phone"})
    told = await native.recv("user:connect")
    assert (told["data"]["device"]["clientId"], told["data"]["device"]["kind"]) == ("phone", "mobile")
    (joined,) = await phone.recv_event("user:joined")
    assert [device["clientId"] for device in joined["devices"]] == ["laptop", "phone"]
    assert await phone.emit("talk:say", {"text": "from the phone"}, ack=1) == [{"count": 1}]
    assert (await native.recv("talk:said"))["data"] == {"text": "from the phone"}
    assert await native.request("talk:say", {"text": "from the laptop"}) == {"count": 2}
    seen = [await phone.recv_event("talk:said")]
    assert seen[0][0] == {"text": "from the laptop"}
    await phone.ws.send_str("41")
    assert (await native.recv("user:disconnect"))["data"]["device"]["clientId"] == "phone"


@pytest.mark.parametrize(
    ("auth", "code"),
    [
        ({}, "unauthenticated"),
        ({"token": "x.y.z"}, "unauthenticated"),
        ({"sessionId": 5}, "invalid_payload"),
        ({"userId": "bo"}, "forbidden"),
    ],
)
async def test_who_may_not_join_is_told_why(gateway: Gateway, raw: Raw, auth: dict[str, Any], code: str) -> None:
    server = await gateway()
    client = raw(server)
    await client.websocket()
    assert (await client.recv()).startswith("0{")
    given = {"token": server.token("ada")} if code in ("invalid_payload", "forbidden") else {}
    await client.ws.send_str("40" + json.dumps(given | auth))
    text = await client.recv()
    assert text.startswith("44{")
    error = json.loads(text[2:])
    assert error["data"]["code"] == code
    assert error["message"] == error["data"]["message"]


async def test_a_namespace_that_nobody_claims_is_refused(gateway: Gateway, raw: Raw) -> None:
    client = raw(await gateway())
    await client.connect()
    await client.ws.send_str('40/admin,{"token":"t"}')
    while not (text := await client.recv()).startswith("44"):
        pass
    assert text == '44/admin,{"message":"Invalid namespace"}'
    assert await client.emit("talk:say", {"text": "the session goes on"}, ack=1) == [{"count": 1}]


async def test_a_refusal_is_in_the_ack_and_without_one_an_event(gateway: Gateway, raw: Raw) -> None:
    client = raw(await gateway())
    await client.connect()
    (answer,) = await client.emit("talk:say", {"text": "no"}, ack=0)
    assert answer == {"error": {"code": "not_now", "message": "later", "retryAfterMs": 5}}
    (answer,) = await client.emit("talk:say", {"wrong": 1}, ack=1)
    assert answer["error"]["code"] == "invalid_payload"
    (answer,) = await client.emit("talk:nothing", ack=2)
    assert answer["error"]["code"] == "unknown_event"
    await client.emit("talk:say", {"text": "no"})
    (error,) = await client.recv_event("error")
    assert error["code"] == "not_now"


async def test_limits_are_those_of_native_clients(gateway: Gateway, raw: Raw) -> None:
    server = await gateway(rate_max_requests=3, rate_window_ms=60_000, max_message_bytes=2000)
    client = raw(server)
    await client.connect()
    (answer,) = await client.emit("talk:say", {"text": "x" * 3000}, ack=1)
    assert answer["error"]["code"] == "too_large"
    for number in range(3):
        assert await client.emit("talk:say", {"text": "t"}, ack=number) == [{"count": number + 1}]
    (answer,) = await client.emit("talk:say", {"text": "t"}, ack=9)
    assert answer["error"]["code"] == "rate_limited"
    assert answer["error"]["retryAfterMs"] > 1000


async def test_an_event_with_an_id_takes_effect_once(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client = raw(server)
    await client.connect(clientId="c1")
    assert await client.emit("talk:say", {"text": "a"}, 1, ack=1) == [{"count": 1}]
    assert await client.emit("talk:say", {"text": "a"}, {"id": 1}, ack=2) == [{"count": 1}], "answered, not done again"
    (answer,) = await client.emit("talk:say", {"text": "b"}, 1, ack=3)
    assert answer["error"]["code"] == "id_conflict"
    again = raw(server)
    await again.connect(clientId="c1")
    assert await again.emit("talk:say", {"text": "a"}, 1, ack=1) == [{"count": 1}]
    assert await again.emit("talk:say", {"text": "a"}, 2, ack=2) == [{"count": 2}]
    for wrong in (0, -1, 1.5, "1", {"id": True}, {}, None):
        (answer,) = await again.emit("talk:say", {"text": "a"}, wrong, ack=3)
        assert answer["error"]["code"] == "bad_frame"
    (answer,) = await again.emit("talk:say", {"text": "a"}, 3, 4, ack=3)
    assert answer["error"]["code"] == "bad_frame"


async def test_without_ids_the_same_event_twice_is_two_events(gateway: Gateway, raw: Raw) -> None:
    client = raw(await gateway())
    await client.connect()
    for count in (1, 2, 3):
        assert await client.emit("talk:say", {"text": "same"}, ack=count) == [{"count": count}]


async def test_the_first_event_after_a_return_is_the_last_one_sent_again(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client = raw(server)
    pid = (await client.connect())["pid"]
    assert await client.emit("talk:say", {"text": "a"}, ack=1) == [{"count": 1}]
    client.ws._response.connection.transport.abort()
    again = raw(server)
    assert (await again.connect(pid=pid))["pid"] == pid
    assert await again.emit("talk:say", {"text": "a"}, ack=2) == [{"count": 1}], "its ack may have been lost"
    assert await again.emit("talk:say", {"text": "a"}, ack=3) == [{"count": 2}], "only the first one is in doubt"


async def test_an_event_whose_answer_has_come_is_not_in_doubt(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client = raw(server)
    pid = (await client.connect())["pid"]
    assert await client.emit("talk:say", {"text": "a"}, ack=1) == [{"count": 1}]
    (offset,) = await client.recv_event("session:offset")  # now who has got the ack can show it
    client.ws._response.connection.transport.abort()
    again = raw(server)
    assert (await again.connect(pid=pid, offset=offset))["pid"] == pid
    assert await again.emit("talk:say", {"text": "a"}, ack=2) == [{"count": 2}], "the offset proves that the ack came"


async def test_who_comes_back_gets_what_it_missed_once_and_in_order(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    native = await server.connect(user="ada", session="s1", client="laptop")
    client = raw(server)
    first = await client.connect()
    await native.request("talk:say", {"text": "0"})
    offset = (await client.recv_event("talk:said"))[1]
    await client.ws.close()
    for number in range(1, 6):
        await native.request("talk:say", {"text": str(number)})
    again = raw(server)
    answer = await again.connect(pid=first["pid"], offset=offset)
    assert answer["pid"] == first["pid"], "the stock client's sign for `recovered`"
    assert answer["sid"] != first["sid"]
    missed = [await again.recv_event("talk:said") for _ in range(5)]
    assert [data["text"] for data, _ in missed] == list("12345")
    await again.ws.close()
    third = raw(server)
    assert (await third.connect(pid=first["pid"], offset=missed[2][1]))["pid"] == first["pid"]
    assert [(await third.recv_event("talk:said"))[0]["text"] for _ in range(2)] == list("45")


async def test_what_was_missed_before_the_first_event_comes_too(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    native = await server.connect(user="ada", session="s1", client="laptop")
    client = raw(server)
    pid = (await client.connect())["pid"]
    await client.ws.close()
    await native.request("talk:say", {"text": "missed"})
    again = raw(server)
    assert (await again.connect(pid=pid))["pid"] == pid
    assert (await again.recv_event("talk:said"))[0] == {"text": "missed"}


async def test_what_cannot_be_proved_is_said_and_the_state_follows(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client = raw(server)
    await client.connect()
    await client.emit("session:update", {"patch": {"page": 7}}, ack=1)
    await client.ws.close()
    lost = recovery.Track("c1", "s1", positions={"session:s1": Position("another life of the log", 1)}).make_pid()
    again = raw(server)
    assert (await again.connect(pid=lost))["pid"] != lost
    (state,) = await again.recv_event("session:state")
    assert state["state"] == {"page": 7}


async def test_an_old_offset_counts_for_nothing_with_a_new_pid(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client = raw(server)
    await client.connect()
    await client.emit("talk:say", {"text": "a"}, ack=1)
    native = await server.connect(user="ada", session="s1", client="laptop")
    await native.request("talk:say", {"text": "b"})
    old = (await client.recv_event("talk:said"))[1]
    other = raw(server)
    pid = (await other.connect(clientId="other"))["pid"]
    await other.ws.close()
    await native.request("talk:say", {"text": "c"})
    again = raw(server)
    assert (await again.connect(pid=pid, offset=old))["pid"] == pid
    assert (await again.recv_event("talk:said"))[0] == {"text": "c"}, "from the join of this pid on"


async def test_authorisation_runs_again_at_a_return(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client = raw(server)
    pid = (await client.connect())["pid"]
    await client.ws.close()
    thief = raw(server)
    await thief.websocket()
    assert (await thief.recv()).startswith("0{")
    await thief.ws.send_str("40" + json.dumps({"token": server.token("eve"), "pid": pid}))
    text = await thief.recv()
    assert json.loads(text[2:])["data"]["code"] == "forbidden", "the session is ada's"


async def test_a_session_that_was_idle_for_two_days_is_still_there(
    gateway: Gateway, raw: Raw, fake_clock: FakeClock
) -> None:
    server = await gateway(clock=fake_clock)
    client = raw(server)
    pid = (await client.connect())["pid"]
    await client.emit("talk:say", {"text": "before"}, ack=1)
    await client.ws.close()
    fake_clock.advance(2 * 86_400)
    again = raw(server)
    answer = await again.connect(pid=pid, token=server.token("ada"))
    assert answer["pid"] != pid, "what it missed is two days old and no longer in the log"
    assert await again.emit("talk:say", {"text": "after"}, ack=1) == [{"count": 2}]
    last = raw(server)
    quiet = (await last.connect(clientId="quiet"))["pid"]
    await last.ws.close()
    fake_clock.advance(2 * 86_400)
    back = raw(server)
    assert (await back.connect(clientId="quiet", pid=quiet, token=server.token("ada")))["pid"] == quiet, (
        "missed nothing"
    )


async def test_a_newer_connection_of_the_client_replaces_one_that_is_half_open(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    half = raw(server)
    pid = (await half.connect(clientId="c1"))["pid"]
    again = raw(server)
    assert (await again.connect(clientId="c1", pid=pid))["pid"] == pid
    last = ""
    while (message := await half.ws.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
        last = message.data
    assert last == "41", "a stock client does not come back by itself then"
    assert message.data == 4001
    assert await again.emit("talk:say", {"text": "hi"}, ack=1) == [{"count": 1}]
    assert server.app.stats()["joined"] == 1


async def test_a_token_is_renewed_in_place_and_its_end_lets_the_client_return(
    gateway: Gateway, raw: Raw, fake_clock: FakeClock
) -> None:
    server = await gateway(clock=fake_clock, token_expiring_s=60, token_grace_s=5)
    client = raw(server)
    await client.connect(token=server.token("ada", ttl_s=100))
    fake_clock.advance(50)
    (expiring,) = await client.recv_event("auth:expiring")
    assert 0 < expiring["inMs"] <= 50_000
    (renewed,) = await client.emit("auth:refresh", {"token": server.token("ada", ttl_s=100)}, ack=1)
    assert renewed["tokenExpiresAt"] == fake_clock.now() + 100_000
    fake_clock.advance(106)
    while (message := await client.ws.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
        assert message.data != "41", "told to disconnect it would not come back by itself"
    assert message.data == 4401


@pytest.mark.parametrize(
    "packet",
    ["4abc", "42{}", '42abc["talk:say"]', '42["connect"]', "42[]", "451-[]", '45["talk:say"]', "44{}", "40", "7", "2",
     '42/other,["talk:say"]', '4599-["talk:say"]'],
)  # fmt: skip
async def test_a_malformed_packet_closes_the_connection(gateway: Gateway, raw: Raw, packet: str) -> None:
    server = await gateway()
    client = raw(server)
    await client.connect()
    await client.ws.send_str(packet)
    while (message := await client.ws.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
        pass
    assert message.data == 1002


async def test_text_between_a_packet_and_its_attachment_closes_the_connection(gateway: Gateway, raw: Raw) -> None:
    client = raw(await gateway())
    await client.connect()
    await client.ws.send_str('451-1["talk:picture",{"image":{"_placeholder":true,"num":0}}]')
    await client.ws.send_str('42["talk:say",{"text":"t"}]')
    while (message := await client.ws.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
        pass
    assert message.data == 1002


async def test_attachments_are_bytes_wherever_they_stand(gateway: Gateway, raw: Raw) -> None:
    server = await gateway(max_attachment_bytes=5000)
    client = raw(server)
    await client.connect()

    async def picture(ack: int, size: int, *more: int) -> Any:
        named = {"image": {"_placeholder": True, "num": 0}, "name": {"_placeholder": True, "num": 1}} if more else {
            "image": {"_placeholder": True, "num": 0}}  # fmt: skip
        await client.ws.send_str(f"45{1 + len(more)}-{ack}" + json.dumps(["talk:picture", named]))
        for length in (size, *more):
            await client.ws.send_bytes(b"i" * length)
        while not (text := await client.recv()).startswith(f"43{ack}["):
            pass
        return json.loads(text[len(f"43{ack}") :])[0]

    assert await picture(1, 4000) == {"name": "", "size": 4000}
    assert await picture(2, 300, 3) == {"name": "aWlp", "size": 300}, "several come as base64"
    assert (await picture(3, 5001))["error"]["code"] == "too_large"


async def test_a_server_that_stops_lets_its_clients_come_back(gateway: Gateway, raw: Raw) -> None:
    server = await gateway()
    client, polled = raw(server), raw(server)
    await client.connect()
    await polled.open()
    await server.stop()
    while (message := await client.ws.receive(timeout=5)).type is aiohttp.WSMsgType.TEXT:
        assert message.data != "41"
    assert message.data == 1012


async def test_recovery_can_be_switched_off(gateway: Gateway, raw: Raw) -> None:
    server = await gateway(SocketIoSettings(recovery=False))
    native = await server.connect(user="ada", session="s1", client="laptop")
    client = raw(server)
    assert set(await client.connect()) == {"sid"}
    await native.request("talk:say", {"text": "a"})
    assert await client.recv_event("talk:said") == [{"text": "a"}], "no offset is added"
