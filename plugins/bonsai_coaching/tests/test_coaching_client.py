"""`LiveCoach` against a real server."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from bonsai_coaching.client import LiveCoach
from bonsai_coaching.events import Hint, Message

from bonsai_core.client import Auth, Client, ServerError
from bonsai_core.testing import FakeClock, TestServer

Start = Callable[..., Awaitable[TestServer]]


def client(server: TestServer, user: str = "ada", session: str = "s1") -> Client:
    return Client(server.url, auth=Auth(token=server.token(user), session_id=session))


async def test_hints_and_strategies(start: Start, fake_clock: FakeClock) -> None:
    server = await start()
    async with client(server) as phone, client(server) as laptop:
        coach = LiveCoach(phone)
        seen: asyncio.Queue[Hint] = asyncio.Queue()
        LiveCoach(laptop).on_hint(seen.put)
        hint = await coach.request_hint("c4")
        assert (hint.rung, hint.rungs, hint.kind, hint.last) == (1, 4, "goal", False)
        assert await seen.get() == hint
        with pytest.raises(ServerError) as refused:
            await coach.request_hint("c4")
        assert (refused.value.code, refused.value.retry_after_ms) == ("too_soon", 10_000)
        assert (await coach.request_hint("c4", rung=1)).text == hint.text
        assert (await coach.request_strategy("c4")).skill == "Circles"
        assert (await coach.request_strategy(skill="guessing")).steps
        with pytest.raises(ServerError, match="no skill"):
            await coach.request_strategy(skill="alchemy")
        assert (await coach.request_hint("odd", skill="Boundaries")).rung == 1


async def test_messages_and_unread_counts_follow_on_all_devices(start: Start) -> None:
    server = await start()
    async with client(server) as phone, client(server, session="s2") as laptop:
        one, two = LiveCoach(phone), LiveCoach(laptop)
        heard: list[Message] = []
        two.on_message(heard.append)
        stream = one.messages()
        assert (await one.state()).unread >= 1
        posted = await one.send("hi")
        while (message := await anext(stream)).id != posted.reply:
            pass
        assert message.kind == "greeting"
        page = await two.history(limit=50)
        assert [m.message for m in page.messages if m.sender == "student"] == ["hi"]
        assert one.unread_count == two.unread_count == page.unread == 3
        assert message.id in [m.id for m in heard]
        assert await two.mark_read(message.id) == 2
        await one.history()  # what was sent before is here
        assert one.unread_count == 2
        assert await one.mark_read() == 0
        await two.history()
        assert two.unread_count == 0
        await one.focus("c4")
        posted = await one.send("hint please")
        while (message := await anext(stream)).id != posted.reply:
            pass
        assert message.question_id == "c4"


async def test_a_client_that_comes_back_knows_what_is_unread(start: Start) -> None:
    server = await start()
    async with client(server) as first:
        await LiveCoach(first).send("hello")
    async with client(server) as second:
        coach = LiveCoach(second)
        state = await coach.state()
        assert coach.unread_count == state.unread == 2
        assert [m.sender for m in state.messages] == ["coach", "student", "coach"]


async def test_a_tutor_writes_watches_and_counts_no_message_of_others_as_their_own(start: Start) -> None:
    server = await start()
    token = server.token("tara", roles=["tutor"], students=["ada"])
    async with client(server) as device, Client(server.url, auth=Auth(token=token, session_id="t1")) as desk:
        student, tutor = LiveCoach(device), LiveCoach(desk)
        stream = student.messages()
        watching = await tutor.watch("ada", session_id="s1")
        assert (watching.user_id, watching.progress.answered) == ("ada", 0)
        seen = desk.messages()
        id = await tutor.write_to("ada", "Well done.", session_id="s1")
        while (message := await anext(stream)).id != id:
            pass
        assert (message.sender, message.author, message.message) == ("tutor", "tara", "Well done.")
        while (frame := await anext(seen)).event != "coaching:message":
            pass
        assert (frame.room, frame.data["id"]) == ("user:ada", id)
        assert tutor.unread_count == 0
        await tutor.unwatch("ada", session_id="s1")
        with pytest.raises(ServerError) as refused:
            await tutor.write_to("bob", "Hello.")
        assert refused.value.code == "forbidden"
