"""Work outside the asking session: `App.act`, rooms of other users, hooks that plugins define."""

from typing import Any, ClassVar

import pytest

from bonsai_core import ErrorCode, Payload, Plugin, Refused, Session, hookimpl, on
from bonsai_core.events import hookspec
from bonsai_core.testing import StartProcess, StartServer, WireError


class Note(Payload):
    user: str
    session: str
    text: str = ""


class Room(Payload):
    room: str


class NoteHooks:
    @hookspec
    def add_notes(self, prefix: str) -> list[str]:
        """Bring notes."""
        raise NotImplementedError


class Notes(Plugin):
    """Tutors leave notes in the sessions of their students, each once, and watch them."""

    name = "notes"
    hookspecs: ClassVar[type] = NoteHooks

    @on("notes:leave")
    async def leave_note(self, session: Session, note: Note) -> int:
        key = session.event_key

        async def write(theirs: Session) -> int:
            notes: dict[str, str] = await theirs.load("notes", scope="user") or {}
            if key not in notes:
                notes[str(key)] = note.text
                theirs.save("notes", notes, scope="user")
                theirs.emit("notes:new", {"text": note.text, "count": len(notes)})
            assert theirs.device is None
            return len(notes)

        count: int = await session.app.act(self, note.user, note.session, write)
        return count

    @on("notes:break")
    async def break_note(self, session: Session, note: Note) -> None:
        def fail(theirs: Session) -> None:
            theirs.save("notes", {}, scope="user")
            raise Refused("no_way", "not so")

        await session.app.act(self, note.user, note.session, fail)

    @on("notes:mine")
    async def mine(self, session: Session) -> Any:
        return await session.load("notes", scope="user")

    @on("notes:watch")
    async def watch(self, session: Session, room: Room) -> None:
        await session.join(room.room)

    @on("notes:hook")
    async def hook(self, session: Session) -> Any:
        return await session.app.call_hook("add_notes", prefix="a")

    @hookimpl
    def authorize_room(self, session: Session, room: str, owner: str) -> bool | None:
        return "tutor" in session.roles and owner in session.claims.get("students", ())


class More(Plugin):
    name = "more"

    @hookimpl(optionalhook=True)
    def add_notes(self, prefix: str) -> list[str]:
        return [f"{prefix}1", f"{prefix}2"]


class Broken(Plugin):
    name = "broken"

    @hookimpl(optionalhook=True)
    async def add_notes(self) -> list[str]:
        raise RuntimeError


async def test_a_handler_acts_in_another_users_session(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Notes()])
    ada = await server.connect(user="ada", session="s1")
    tutor = await server.connect(user="tim", session="t1")
    assert await tutor.request("notes:leave", {"user": "ada", "session": "s1", "text": "well done"}) == 1
    assert (await ada.recv("notes:new"))["data"] == {"text": "well done", "count": 1}
    assert list((await ada.request("notes:mine")).values()) == ["well done"]
    assert await tutor.request("notes:mine") is None


async def test_the_event_key_of_a_resend_is_the_same(bonsai_process: StartProcess, tmp_path: Any) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "keys.py").write_text(
        "from bonsai_core import Plugin, Refused, Session, on\n"
        "class Keys(Plugin):\n"
        "    name = 'keys'\n"
        "    @on('keys:show')\n"
        "    async def show(self, session: Session) -> None:\n"
        "        raise Refused('key', session.event_key or 'none')\n"
    )
    server = await bonsai_process(plugins_dir=folder)
    client = await server.connect(user="ada", session="s1", client="phone")
    keys = []
    for _ in range(2):
        await client.send("keys:show", id=7)
        keys.append((await client.recv("error"))["data"]["message"])
    await server.kill()
    await server.start()
    client = await server.connect(user="ada", session="s1", client="phone")
    await client.send("keys:show", id=7)
    keys.append((await client.recv("error"))["data"]["message"])
    assert len(set(keys)) == 1
    assert keys[0] != "none"
    await client.send("keys:show")
    assert (await client.recv("error"))["data"]["message"] == "none"


async def test_acting_in_a_session_that_is_not_the_users_is_forbidden(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Notes()])
    await server.connect(user="ada", session="s1")
    tutor = await server.connect(user="tim", session="t1")
    for user, session in (("bo", "s1"), ("ada", "nowhere")):
        with pytest.raises(WireError) as refused:
            await tutor.request("notes:leave", {"user": user, "session": session})
        assert refused.value.code == ErrorCode.FORBIDDEN


async def test_nothing_happens_when_the_acting_function_refuses(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Notes()])
    ada = await server.connect(user="ada", session="s1")
    tutor = await server.connect(user="tim", session="t1")
    with pytest.raises(WireError) as refused:
        await tutor.request("notes:break", {"user": "ada", "session": "s1"})
    assert refused.value.code == "no_way"
    assert await ada.request("notes:mine") is None


async def test_a_tutor_hears_the_session_of_a_student_and_nobody_elses(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Notes()])
    await server.connect(user="ada", session="s1")
    await server.connect(user="bo", session="s2")
    tutor = await server.connect(user="tim", session="t1", roles=["tutor"], students=["ada"])
    for room in ("session:s2", "user:bo", "session:nowhere", "class:7"):
        with pytest.raises(WireError) as refused:
            await tutor.request("notes:watch", {"room": room})
        assert refused.value.code == ErrorCode.FORBIDDEN
    await tutor.request("notes:watch", {"room": "session:s1"})
    await tutor.request("notes:watch", {"room": "user:ada"})
    await tutor.request("notes:leave", {"user": "ada", "session": "s1", "text": "hi"})
    assert (await tutor.recv("notes:new"))["room"] == "session:s1"


async def test_a_student_is_no_tutor(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Notes()])
    await server.connect(user="ada", session="s1")
    other = await server.connect(user="bo", session="s2", students=["ada"])
    with pytest.raises(WireError):
        await other.request("notes:watch", {"room": "session:s1"})


async def test_a_tutor_whose_new_token_lacks_the_student_hears_no_more(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Notes()])
    ada = await server.connect(user="ada", session="s1")
    tutor = await server.connect(user="tim", session="t1", roles=["tutor"], students=["ada"])
    await tutor.request("notes:watch", {"room": "session:s1"})
    await tutor.request("auth:refresh", {"token": server.token("tim", roles=["tutor"], students=["bo"])})
    assert (await tutor.recv("room:left"))["data"] == {"room": "session:s1"}
    await tutor.request("notes:leave", {"user": "ada", "session": "s1", "text": "hi"})
    await ada.recv("notes:new")
    await tutor.sync()
    assert not tutor.of("notes:new")


async def test_call_hook_gives_what_got_through_by_plugin(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Notes(), Broken(), More()])
    client = await server.connect(user="ada", session="s1")
    assert await client.request("notes:hook") == [["more", ["a1", "a2"]]]
