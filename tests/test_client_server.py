"""The client against the real server, through a real network that breaks."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from bonsai_core import Event, Plugin, Session, on
from bonsai_core.client import Auth, Client, Message, Refused
from bonsai_core.testing import FakeClock, StartProcess, StartProxy, StartServer, TestServer
from tests.scripted_server import FAST, Seen, eventually

PLUGIN = '''
from bonsai_core import Payload, Plugin, Session, hookimpl, on


class Note(Payload):
    text: str


class Notes(Plugin):
    """Numbers notes: a note that takes effect twice, or not at all, shows in the numbers."""

    name = "notes"

    @on("notes:add")
    async def add(self, session: Session, note: Note) -> dict[str, int]:
        number = (await session.load("count") or 0) + 1
        session.save("count", number)
        session.emit("notes:added", {"number": number, "text": note.text})
        return {"number": number}

    @on("notes:class")
    async def enter(self, session: Session) -> None:
        await session.join("class:7b")

    @on("notes:class-add")
    async def tell(self, session: Session, note: Note) -> None:
        session.emit("notes:added", {"text": note.text}, room="class:7b")

    @hookimpl
    def authorize_room(self, session: Session, room: str) -> bool | None:
        return True if room == "class:7b" else None
'''


def notes() -> Any:
    """The plugin, as an object."""
    scope: dict[str, Any] = {"__name__": "notes"}
    exec(PLUGIN, scope)  # noqa: S102 - the same text is a file for the server process
    return scope["Notes"]()


def client_of(server: Any, url: str | None = None, *, user: str = "ann", session: str = "s1", **options: Any) -> Client:
    options.setdefault("auth", Auth(token_provider=lambda: server.token(user), session_id=session))
    return Client(url or server.url, reconnect=FAST, **options)


async def test_an_answer_and_every_device_gets_the_message(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[notes()])
    async with client_of(server) as phone, client_of(server) as laptop:
        seen = Seen(laptop)
        assert phone.joined is not None and phone.joined.user_id == "ann" and phone.joined.session_id == "s1"
        assert await phone.request("notes:add", {"text": "a"}) == {"number": 1}
        (message,) = await seen.until(1, "notes:added")
        assert (message.room, message.offset, message.data["text"]) == ("session:s1", 1, "a")


@pytest.mark.parametrize("seed", range(3))
async def test_nothing_is_lost_or_doubled_over_a_network_that_keeps_breaking(
    bonsai_server: StartServer, tcp_proxy: StartProxy, seed: int
) -> None:
    server = await bonsai_server(plugins=[notes()])
    proxy = await tcp_proxy(server.url)
    dice = random.Random(seed)
    writer, reader = client_of(server, proxy.ws_url), client_of(server, proxy.ws_url)
    seen = Seen(reader)
    async with writer, reader:
        for n in range(200):
            writer.emit("notes:add", {"text": str(n)})
            if dice.random() < 0.1:
                proxy.cut(reset=dice.random() < 0.5)
            elif dice.random() < 0.1:
                writer.drop()
            if dice.random() < 0.3:
                await asyncio.sleep(dice.random() / 200)
        await writer.flush(timeout=20)
        added = await seen.until(200, "notes:added")
    assert [(m.offset, m.data["number"], m.data["text"]) for m in added] == [(n + 1, n + 1, str(n)) for n in range(200)]
    assert proxy.cuts > 5


async def test_exactly_once_survives_kill_9_of_the_server(bonsai_process: StartProcess, tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    (plugins / "notes.py").write_text(PLUGIN)
    server = await bonsai_process(plugins_dir=plugins)
    writer, reader = client_of(server), client_of(server)
    seen = Seen(reader)
    async with writer, reader:
        for round_ in range(2):
            for n in range(50):
                writer.emit("notes:add", {"text": f"{round_}.{n}"})
            await asyncio.sleep(0.01)
            await server.kill()
            await server.start()
        await writer.flush(timeout=20)
        added = await seen.until(100, "notes:added")
    assert [m.data["number"] for m in added] == list(range(1, 101))
    assert len({m.data["text"] for m in added}) == 100


async def test_a_restarted_program_and_a_restarted_server_agree(bonsai_server: StartServer, tmp_path: Path) -> None:
    server = await bonsai_server(plugins=[notes()])
    path = tmp_path / "queue.db"
    first = client_of(server, queue={"path": path})
    await first.connect()
    for n in range(20):
        first.emit("notes:add", {"text": str(n)})
    await asyncio.sleep(0)
    first.drop()
    await first.close(timeout=0, leave=False)
    second = client_of(server, queue={"path": path})
    seen = Seen(second)
    async with second:
        await second.flush(timeout=5)
        await second.request("notes:add", {"text": "last"})
        added = await seen.until(21, "notes:added")
    assert [m.data["number"] for m in added] == list(range(1, 22))


async def test_a_plugin_s_room_is_resumed_too(bonsai_server: StartServer, tcp_proxy: StartProxy) -> None:
    server = await bonsai_server(plugins=[notes()])
    proxy = await tcp_proxy(server.url)
    async with client_of(server, proxy.ws_url) as pupil, client_of(server, user="tom", session="s2") as tutor:
        seen = Seen(pupil)
        await pupil.request("notes:class")
        await tutor.request("notes:class-add", {"text": "one"})
        await seen.until(1, "notes:added")
        proxy.refuse()
        proxy.cut()
        await tutor.request("notes:class-add", {"text": "two"})
        proxy.refuse(False)
        added = await seen.until(2, "notes:added")
    assert [(m.room, m.offset, m.data["text"]) for m in added] == [("class:7b", 1, "one"), ("class:7b", 2, "two")]


async def test_an_expiring_token_is_renewed_without_a_reconnect(
    bonsai_server: StartServer, fake_clock: FakeClock
) -> None:
    server = await bonsai_server(clock=fake_clock, token_expiring_s=60, token_grace_s=0)
    given: list[str] = []

    def provide() -> str:
        given.append(server.token("ann", ttl_s=3600))
        return given[-1]

    async with Client(server.url, auth=Auth(token_provider=provide), reconnect=FAST) as client:
        joins = Seen(client)
        fake_clock.advance(3550)
        await eventually(lambda: len(given) == 2)
        await client.request("session:state")
        await asyncio.sleep(0.05)
        fake_clock.advance(100)
        await client.request("session:state")
        assert len(joins.of("user:joined")) <= 1


async def test_an_expired_token_is_replaced_and_an_unusable_one_is_final(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    tokens = iter([server.token("ann", ttl_s=-100), server.token("ann")])
    async with Client(server.url, auth=Auth(token_provider=lambda: next(tokens)), reconnect=FAST) as client:
        assert client.state == "joined"
    with pytest.raises(Refused) as caught:
        async with Client(server.url, auth=Auth(token="nonsense"), reconnect=FAST):
            pass
    assert caught.value.code == 4401


async def test_somebody_else_s_session_is_refused_for_good(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    async with client_of(server):
        with pytest.raises(Refused) as caught:
            async with client_of(server, user="eve"):
                pass
    assert caught.value.code == 4403


async def test_a_second_program_with_the_same_client_id_replaces_the_first(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    auth = {"token": server.token("ann"), "client_id": "kiosk"}
    async with Client(server.url, auth=auth, reconnect=FAST) as first, Client(server.url, auth=auth, reconnect=FAST):
        with pytest.raises(Refused) as caught:
            await first.wait_closed()
    assert caught.value.code == 4001


async def test_identifiers_that_the_server_does_not_take_are_final(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    with pytest.raises(Refused, match="in order"):
        async with client_of(server, session="a\x00b"):
            pass


async def test_the_announced_rate_is_kept_without_a_refusal(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[notes()], rate_max_requests=5, rate_window_ms=100)
    refusals: list[Message] = []
    async with client_of(server) as client:
        client.on("error", refusals.append)
        for n in range(12):
            client.emit("notes:add", {"text": str(n)})
        await client.flush(timeout=10)
        assert await client.request("notes:add", {"text": "last"}) == {"number": 13}
    assert refusals == []


async def test_a_screenshot_travels_as_bytes(bonsai_server: StartServer) -> None:
    class Shots(Plugin):
        name = "shots"

        @on("shots:add")
        async def add(self, session: Session, event: Event) -> dict[str, int]:
            return {"bytes": len(event.attachment or b"")}

    server = await bonsai_server(plugins=[Shots()])
    async with client_of(server) as client:
        assert await client.request("shots:add", {}, attachment=b"\0" * 200_000) == {"bytes": 200_000}


async def test_a_stopping_server_says_when_to_come_back(bonsai_server: StartServer) -> None:
    server: TestServer = await bonsai_server()
    async with client_of(server) as client:
        failures: list[Any] = []
        client.on_state(lambda state: failures.append(client.failure))
        await server.stop()
        await eventually(lambda: bool(failures))
        assert failures[0].code == 1012 and failures[0].reason.startswith("restarting")
        client.emit("notes:add", {"text": "for later"})
        assert await client.close(timeout=0) == 1
