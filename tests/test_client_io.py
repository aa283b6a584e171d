"""The client against a scripted server: sending, resending, resuming, refusals, and a clean end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from bonsai_core.client import Auth, Client, Message, Refused, RequestTimeout, ServerError
from tests.scripted_server import Connection, Json, ScriptedServer, scripted_server

FAST = {"delay": 0.001, "max_delay": 0.002}


@pytest_asyncio.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    async with scripted_server() as running:
        yield running


@pytest_asyncio.fixture(autouse=True)
async def no_task_is_left_behind() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    left = [task for task in asyncio.all_tasks() - before if "bonsai client" in task.get_name()]
    assert not left, left


def make(server: ScriptedServer, **options: Any) -> Client:
    options.setdefault("auth", Auth(token="t"))
    options.setdefault("reconnect", FAST)
    return Client(server.url, **options)


class Seen:
    """What a client's handlers got, with something to wait on."""

    def __init__(self, client: Client) -> None:
        self.messages: list[Message] = []
        self._arrived = asyncio.Condition()
        client.on("*", self._take)

    async def _take(self, message: Message) -> None:
        self.messages.append(message)
        async with self._arrived:
            self._arrived.notify_all()

    async def until(self, count: int, event: str) -> list[Message]:
        async with asyncio.timeout(5), self._arrived:
            await self._arrived.wait_for(lambda: len(self.of(event)) >= count)
        return self.of(event)

    def of(self, event: str) -> list[Message]:
        return [message for message in self.messages if message.event == event]


async def test_a_request_returns_the_data_of_its_ack(server: ScriptedServer) -> None:
    async with make(server) as client:
        assert client.state == "joined"
        assert client.joined is not None
        assert client.joined.user_id == "ann"
        assert await client.request("a:b", {"x": 1}) == {"echo": {"x": 1}}
    assert client.state == "closed"
    assert server.latest.connect["token"] == "t"
    assert server.latest.received[-1]["event"] == "user:disconnect"


async def test_a_lost_ack_is_asked_for_again_and_takes_effect_once(server: ScriptedServer) -> None:
    lost: list[int] = []

    async def lose_first_ack(connection: Connection, frame: Json) -> bool:
        if frame["event"] != "a:b" or lost:
            return False
        lost.append(frame["id"])
        server.marks[(connection.client_id, frame["id"])] = "first"
        server.effects.append(frame)
        connection.drop()
        return True

    server.on_frame = lose_first_ack
    async with make(server) as client:
        assert await client.request("a:b", 1) == "first"
    assert [effect["id"] for effect in server.effects] == lost == [1]
    assert len(server.connections) == 2


async def test_room_messages_missed_while_away_arrive_once_and_in_order(server: ScriptedServer) -> None:
    client = make(server)
    seen = Seen(client)
    async with client:
        await server.publish("session:s1", "m", 1)
        await seen.until(1, "m")
        server.latest.drop()
        await server.publish("session:s1", "m", 2)
        await server.publish("session:s1", "m", 3)
        await seen.until(3, "m")
        await server.publish("session:s1", "m", 4)
        messages = await seen.until(4, "m")
    assert [m.data for m in messages] == [1, 2, 3, 4]
    joins = seen.of("user:joined")
    assert [m.data["rooms"]["session:s1"]["recovered"] for m in joins] == [False, True]
