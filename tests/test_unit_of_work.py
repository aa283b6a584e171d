"""The unit of work over the wire: one effect a message, versions, shared state, what handlers can do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pydantic import BaseModel

from bonsai_core import Payload, Plugin, Refused, Session, hookimpl, on
from bonsai_core.testing import StartServer, WireError


class Add(Payload):
    amount: int = 1
    fail: bool = False


class Total(BaseModel):
    value: int = 0


class Counter(Plugin):
    name = "counter"
    emits = {"counter:total": Total}

    @on("counter:add")
    async def add(self, session: Session, add: Add) -> dict[str, int]:
        total = await session.load("total", Total, scope="user") or Total()
        total.value += add.amount
        await asyncio.sleep(0)  # lets another session of the user in between
        session.save("total", total, scope="user")
        session.append("adds", {"amount": add.amount})
        session.emit("counter:total", total)
        session.reply("counter:private", {"amount": add.amount})
        if add.fail:
            raise Refused("forbidden", "changed my mind")
        return {"value": total.value}

    @on("counter:read")
    async def read(self, session: Session) -> dict[str, Any]:
        total = await session.load("total", Total, scope="user")
        history = await session.history("adds", limit=1000)
        return {"value": total.value if total else 0, "amounts": [entry.data["amount"] for entry in history]}

    @on("counter:reset")
    async def reset(self, session: Session) -> None:
        session.delete("total", scope="user")

    @on("counter:odd")
    async def odd(self, session: Session) -> object:
        session.save("odd", 1)
        return object()

    @on("counter:whisper")
    async def whisper(self, session: Session) -> None:
        await session.notify("counter:whisper", {"psst": True}, others=True)

    @hookimpl
    def on_session_end(self, session: Session) -> dict[str, int]:
        return {"counted": 1}


async def test_a_resent_message_takes_effect_once_and_is_acked_again(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Counter()])
    client = await server.connect(user="ada", session="s1", client="c1")
    for _ in range(3):
        await client.send("counter:add", {"amount": 5}, id=1)
    acks = [await client.recv("ack") for _ in range(3)]
    assert [ack["data"] for ack in acks] == [{"value": 5}] * 3
    client = await server.connect(user="ada", session="s1", client="c1")
    await client.send("counter:add", {"amount": 5}, id=1)
    assert (await client.recv("ack"))["data"] == {"value": 5}
    await client.send_raw('{"data": { "amount" : 5 }, "id": 1, "event": "counter:add"}')
    assert (await client.recv("ack"))["data"] == {"value": 5}
    assert (await client.request("counter:read", id=2))["amounts"] == [5]


async def test_the_same_id_for_another_message_is_a_conflict(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Counter()])
    client = await server.connect(user="ada", session="s1", client="c1")
    await client.request("counter:add", {"amount": 5}, id=1)
    for event, data in (("counter:add", {"amount": 6}), ("counter:reset", {"amount": 5})):
        with pytest.raises(WireError) as caught:
            await client.request(event, data, id=1)
        assert caught.value.code == "id_conflict"


async def test_an_id_too_old_to_be_known_is_stale(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Counter()], dedup_window=10)
    client = await server.connect(user="ada", session="s1", client="c1")
    await client.request("counter:add", {}, id=100)
    with pytest.raises(WireError) as caught:
        await client.request("counter:add", {}, id=90)
    assert caught.value.code == "stale_id"
    assert await client.request("counter:add", {}, id=91)


async def test_a_refusal_undoes_everything_and_can_be_resent(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Counter()])
    client = await server.connect(user="ada", session="s1", client="c1")
    with pytest.raises(WireError) as caught:
        await client.request("counter:add", {"fail": True}, id=1)
    assert (caught.value.code, caught.value.data["message"]) == ("forbidden", "changed my mind")
    assert await client.request("counter:read") == {"value": 0, "amounts": []}
    assert not [f for f in client.frames if f["event"].startswith("counter:")]
    assert await client.request("counter:add", {"amount": 2}, id=1) == {"value": 2}


async def test_two_sessions_racing_for_one_document_lose_nothing(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Counter()])
    clients = [await server.connect(user="ada", session=f"s{n}", client=f"c{n}") for n in range(4)]

    async def add(number: int) -> None:
        for _ in range(25):
            await clients[number].request("counter:add", {"amount": 1})

    await asyncio.gather(*map(add, range(4)))
    read = await clients[0].request("counter:read")
    assert read == {"value": 100, "amounts": [1] * 100}


async def test_emitted_messages_reach_all_devices_and_replies_only_the_asking_one(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Counter()])
    asking = await server.connect(user="ada", session="s1", client="c1")
    other = await server.connect(user="ada", session="s1", client="c2")
    await asking.request("counter:add", {"amount": 3})
    for client in (asking, other):
        total = await client.recv("counter:total")
        assert (total["room"], total["offset"], total["data"]) == ("session:s1", 1, {"value": 3})
    assert (await asking.recv("counter:private"))["data"] == {"amount": 3}
    await other.request("counter:whisper")
    assert "offset" not in await asking.recv("counter:whisper")
    assert not [f for f in other.frames if f["event"] in ("counter:private", "counter:whisper")]


async def test_invalid_payloads_are_told_what_is_wrong_without_quoting_them(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Counter()])
    client = await server.connect()
    with pytest.raises(WireError) as caught:
        await client.request("counter:add", {"amount": "secret-text"})
    assert caught.value.code == "invalid_payload"
    assert caught.value.data["details"][0]["loc"] == ["amount"]
    assert "secret-text" not in str(caught.value.data)


async def test_an_event_that_nobody_handles_is_unknown(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    client = await server.connect()
    with pytest.raises(WireError) as caught:
        await client.request("nobody:knows", {})
    assert caught.value.code == "unknown_event"


async def test_a_result_that_is_no_json_is_the_plugins_failure_and_changes_nothing(
    bonsai_server: StartServer,
) -> None:
    server = await bonsai_server(plugins=[Counter()])
    client = await server.connect(user="ada")
    with pytest.raises(WireError) as caught:
        await client.request("counter:odd")
    assert caught.value.code == "handler_failed"
    assert caught.value.data["incident"]
    assert server.app.plugins.records["counter"].guard.failures.total == 1


async def test_shared_state_is_patched_with_versions(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    one = await server.connect(user="ada", session="s1", client="c1")
    two = await server.connect(user="ada", session="s1", client="c2")
    assert await one.request("session:update", {"patch": {"question": 7, "open": True}}) == {"version": 1}
    assert await two.request("session:update", {"patch": {"open": None}, "version": 1}) == {"version": 2}
    with pytest.raises(WireError) as caught:
        await one.request("session:update", {"patch": {"question": 8}, "version": 1})
    assert caught.value.code == "version_conflict"
    assert caught.value.data["details"] == {"state": {"question": 7}, "version": 2}
    update = await one.recv("session:update")
    assert update["data"]["patch"] == {"question": 7, "open": True}
    assert (await one.recv("session:update"))["data"]["patch"] == {"open": None}
    state = await two.request("session:state")
    assert (state["state"], state["version"], len(state["devices"])) == ({"question": 7}, 2, 2)


async def test_shared_state_is_bounded(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    client = await server.connect()
    for n in range(2):
        patch = {f"key{n}": "x" * 40_000}
        if n:
            with pytest.raises(WireError) as caught:
                await client.request("session:update", {"patch": patch})
            assert caught.value.code == "too_large"
        else:
            await client.request("session:update", {"patch": patch})


async def test_the_end_of_a_session_gathers_a_summary(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Counter()])
    client = await server.connect(user="ada", session="s1", client="c1")
    other = await server.connect(user="ada", session="s1", client="c2")
    answer = await client.request("session:end", {"reason": "done"})
    assert answer["summary"]["counter"] == {"counted": 1}
    told = await other.recv("session:end")
    assert told["data"]["summary"] == answer["summary"]
    assert told["data"]["reason"] == "done"


class Classes(Plugin):
    name = "classes"

    @on("class:enter")
    async def enter(self, session: Session) -> None:
        await session.join("class:7b")

    @on("class:sneak")
    async def sneak(self, session: Session) -> None:
        await session.join("class:8c")

    @on("class:say")
    async def say(self, session: Session) -> None:
        session.emit("class:said", {"by": session.user}, room="class:7b")

    @on("class:exit")
    async def exit(self, session: Session) -> None:
        await session.leave("class:7b")

    @hookimpl
    def authorize_room(self, session: Session, room: str) -> bool | None:
        return True if room == "class:7b" else None


async def test_rooms_of_plugins_are_shared_by_users_who_may_join(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Classes()])
    ada = await server.connect(user="ada", session="s1", client="c1")
    bob = await server.connect(user="bob", session="s2", client="c2")
    for client in (ada, bob):
        await client.request("class:enter")
        assert (await client.recv("room:joined"))["data"]["room"] == "class:7b"
    await ada.request("class:say")
    for client in (ada, bob):
        assert (await client.recv("class:said"))["data"] == {"by": "ada"}
    with pytest.raises(WireError) as caught:
        await bob.request("class:sneak")
    assert caught.value.code == "forbidden"
    await bob.request("class:exit")
    assert (await bob.recv("room:left"))["data"] == {"room": "class:7b"}
    await ada.request("class:say")
    await bob.sync()
    assert not bob.unread or all(frame["event"] != "class:said" for frame in bob.unread)
