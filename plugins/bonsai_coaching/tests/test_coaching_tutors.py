"""Tutors: they see and write to their own students' sessions, and to nobody else's."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from bonsai_core.testing import StartProcess, TestServer, WireClient, WireError

Start = Callable[..., Awaitable[TestServer]]
NAMED = {"userId": "ada", "sessionId": "s1"}


async def tutor(server: Any, students: tuple[str, ...] = ("ada",), **more: Any) -> WireClient:
    device: WireClient = await server.connect(
        **{"user": "tara", "session": "t1", "client": "desk", "roles": ("tutor",), "students": students, **more}
    )
    return device


async def test_a_tutors_message_comes_to_all_of_the_students_devices_unread(start: Start) -> None:
    server = await start()
    phone = await server.connect(user="ada", session="s1", client="phone")
    laptop = await server.connect(user="ada", session="s2", client="laptop")
    desk = await tutor(server)
    posted = await desk.request("coaching:message", {"text": "Look at circles.", **NAMED, "type": "strategy"})
    for device in (phone, laptop):
        message = (await device.recv("coaching:message"))["data"]
        while message["sender"] != "tutor":
            message = (await device.recv("coaching:message"))["data"]
        assert message["id"] == posted["id"]
        assert (message["message"], message["type"], message["author"]) == ("Look at circles.", "strategy", "tara")
        assert (message["isRead"], message["priority"], message["reason"]) == (False, "high", "Your tutor wrote this.")
    page = await phone.request("coaching:history", {})
    assert page["messages"][-1]["id"] == posted["id"]
    assert "reply" not in posted
    assert desk.of("coaching:message") == []  # a tutor is not coached, and does not watch


@pytest.mark.parametrize(
    "who",
    [
        {"students": ("bob",)},
        {"students": ()},
        {"roles": ("student",)},
        {"roles": ("admin",)},
        {"user": "ada", "session": "s1", "client": "other"},
    ],
)
@pytest.mark.parametrize("event", ["coaching:message", "coaching:watch", "coaching:unwatch"])
async def test_nobody_else_may_write_or_watch(start: Start, who: dict[str, Any], event: str) -> None:
    server = await start()
    student = await server.connect(user="ada", session="s1")
    other = await tutor(server, **who)
    data = {**NAMED, "text": "Hello."}
    if event == "coaching:message" and who.get("user") == "ada":
        data["userId"] = "bob"
    with pytest.raises(WireError) as refused:
        await other.request(event, data)
    assert refused.value.code == "forbidden"
    await student.sync()
    assert {frame["data"]["sender"] for frame in student.of("coaching:message")} == {"coach"}


async def test_the_session_must_be_the_students(start: Start) -> None:
    server = await start()
    await server.connect(user="ada", session="s1")
    await server.connect(user="bob", session="b1", client="c2")
    desk = await tutor(server)
    for session in ("b1", "nowhere"):
        with pytest.raises(WireError) as refused:
            await desk.request("coaching:message", {"userId": "ada", "sessionId": session, "text": "Hello."})
        assert refused.value.code == "forbidden"


async def test_without_a_session_it_is_the_one_that_the_student_joined_last(start: Start) -> None:
    server = await start()
    desk = await tutor(server)
    with pytest.raises(WireError) as refused:
        await desk.request("coaching:watch", {"userId": "ada"})
    assert refused.value.code == "no_session"
    for session in ("s1", "s2"):
        await (await server.connect(user="ada", session=session, client=session)).recv("coaching:state")
    while await server.app.shared.fold():
        pass
    assert (await desk.request("coaching:watch", {"userId": "ada"}))["sessionId"] == "s2"


async def test_a_tutor_sees_a_session_live_until_they_look_away(start: Start) -> None:
    server = await start()
    student = await server.connect(user="ada", session="s1")
    answer = {"questionId": "c4", "correct": True, "timeSpent": 60, "skill": "Circles"}
    await student.request("play:emit", {"event": "analytics:performance", "data": answer})
    await student.request("coaching:focus", {"questionId": "c5"})
    desk = await tutor(server)
    watching = await desk.request("coaching:watch", NAMED)
    assert watching["rooms"] == ["user:ada", "session:s1"]
    assert [m["kind"] for m in watching["messages"]] == ["session_start"]
    assert watching["unread"] == 1
    assert watching["progress"] == {"answered": 1, "right": 1, "minutes": 0.0, "hints": 0, "questionId": "c5"}
    await student.request("coaching:hint", {"questionId": "c5"})
    assert (await desk.recv("coaching:hint"))["room"] == "session:s1"
    await student.request("coaching:message", {"text": "can i talk to my tutor"})
    assert (await desk.recv("coaching:said"))["data"]["text"] == "can i talk to my tutor"
    assert (await desk.recv("coaching:message"))["data"]["kind"] == "tutor"
    await desk.request("coaching:unwatch", NAMED)
    await student.request("coaching:message", {"text": "hello"})
    await desk.sync()
    assert len(desk.of("coaching:said")) == 1


async def test_a_tutor_who_comes_back_sees_what_they_missed(start: Start) -> None:
    server = await start()
    student = await server.connect(user="ada", session="s1")
    desk = await tutor(server)
    await desk.request("coaching:watch", NAMED)
    await desk.abort()
    await student.request("coaching:hint", {"questionId": "c4"})
    again = await tutor(server, resume=desk.positions)
    assert again.joined["rooms"]["session:s1"]["recovered"]
    assert (await again.recv("coaching:hint"))["data"]["questionId"] == "c4"
    lost = await tutor(server, students=("bob",), client="other", resume=desk.positions)
    assert "session:s1" not in lost.joined["rooms"]


async def test_a_resent_message_of_a_tutor_arrives_once_even_after_a_crash(
    bonsai_process: StartProcess, plugins_folder: Any
) -> None:
    server = await bonsai_process(plugins="coaching,player", plugins_dir=plugins_folder)
    await server.connect(user="ada", session="s1", client="phone")
    desk = await tutor(server)
    data = {"text": "Look at circles.", **NAMED}
    first = await desk.request("coaching:message", data, id=1)
    await server.kill()
    await server.start()
    desk = await tutor(server)
    assert await desk.request("coaching:message", data, id=1) == first
    student = await server.connect(user="ada", session="s1", client="phone")
    page = await student.request("coaching:history", {})
    assert [m["id"] for m in page["messages"] if m["sender"] == "tutor"] == [first["id"]]
