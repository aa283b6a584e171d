"""Tests of the plugin, with a real server each."""

import aiohttp
import pytest
from flags import MOST, FlagsPlugin

from bonsai_core import Payload, Plugin, Session, on
from bonsai_core.testing import StartServer, WireError


class Answer(Payload):
    question_id: str
    correct: bool


class Grader(Plugin):
    """Emits what the analytics plugin emits, so that our tests do not need it."""

    name = "grader"

    @on("test:answer")
    async def answer(self, session: Session, answer: Answer) -> None:
        session.emit("analytics:performance", answer)


async def test_a_flag_reaches_every_device(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[FlagsPlugin()])
    phone = await server.connect(user="ada", session="evening", client="phone")
    laptop = await server.connect(user="ada", session="morning", client="laptop")
    assert (await laptop.recv("flags:list"))["data"] == {"flags": {}}
    ack = await phone.request("flags:add", {"questionId": "q1", "note": "units?"})
    assert ack == {"flags": {"q1": "units?"}}
    assert (await laptop.recv("flags:list"))["data"] == ack


async def test_a_resent_flag_counts_once(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[FlagsPlugin()])
    phone = await server.connect()
    first = await phone.request("flags:add", {"questionId": "q1"}, id=1)
    assert await phone.request("flags:add", {"questionId": "q1"}, id=1) == first
    await phone.sync()
    assert len(phone.room("user:u1")) == 1


async def test_a_right_answer_takes_the_flag_away(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[FlagsPlugin(), Grader()])
    phone = await server.connect()
    await phone.request("flags:add", {"questionId": "q1"})
    await phone.request("test:answer", {"questionId": "q1", "correct": False})
    await phone.request("test:answer", {"questionId": "q1", "correct": True})
    assert [frame["data"] for frame in phone.room("user:u1")] == [{"flags": {"q1": ""}}, {"flags": {}}]


async def test_there_is_a_limit_and_it_says_so(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[FlagsPlugin()], rate_events=("flags:add=1000/1000",))
    phone = await server.connect()
    for number in range(MOST):
        await phone.request("flags:add", {"questionId": f"q{number}"})
    with pytest.raises(WireError, match="too_many"):
        await phone.request("flags:add", {"questionId": "one-more"})
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/flags/limit") as answer:
        assert await answer.json() == {"most": MOST}
