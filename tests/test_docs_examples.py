"""The code that the docs show does what they say: the plugin of the tutorial, and an example of every hook."""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import click
import jwt
import pytest
from bonsai_socketio.plugin import SocketIo
from click.testing import CliRunner

from bonsai_core.testing import StartServer, WireClosed, WireError

EXAMPLES = Path(__file__).resolve().parent.parent / "docs" / "examples"


def load(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


flags = load(EXAMPLES / "flags" / "flags.py", "flags")
_tests = load(EXAMPLES / "flags" / "test_flags.py", "docs_test_flags")
hooks = load(EXAMPLES / "hooks.py", "docs_hooks")

# The tutorial's own tests, as it shows them.
globals().update({name: value for name, value in vars(_tests).items() if name.startswith("test_")})


@pytest.fixture(scope="module", autouse=True)
def forget_the_modules() -> Iterator[None]:
    yield
    for name in ("flags", "docs_test_flags", "docs_hooks"):
        sys.modules.pop(name, None)


async def test_the_tutorials_plugin_loads_as_a_file(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins_dir=EXAMPLES / "flags", only=["flags"])
    assert "flags" in server.app.plugins.records
    assert server.app.plugins.records["flags"].status == "loaded"


async def test_on_connect_on_event_and_on_disconnect(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[hooks.Welcome(), hooks.Audit(), hooks.Farewell(), hooks.KeyCount()])
    phone = await server.connect(client="phone")
    laptop = await server.connect(client="laptop")
    assert (await laptop.recv("welcome:hello"))["data"] == {"devices": 2}
    assert await phone.request("keys:typed", {"keys": 3}) is None
    summary = await phone.request("session:end", {})
    assert summary["summary"]["key_count"] == {"keys": 3}
    await phone.send("user:disconnect")
    assert (await laptop.recv("farewell:left"))["data"] == {"device": "phone"}

    async def count(session: Any) -> int:
        return len(await session.history("events"))

    audit = server.app.plugins.records["audit"].instance
    assert await server.app.act(audit, "u1", "s1", count) == 1


async def test_allow_handshake_and_validate_user(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[hooks.NoBots(), hooks.OurSchool()])
    with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
        await server.connect(headers={"User-Agent": "SomeBot/1"})
    claims = jwt.decode(server.token(), options={"verify_signature": False})
    elsewhere = jwt.encode(claims | {"school": "theirs"}, server.secret, algorithm="HS256")
    with pytest.raises((WireError, WireClosed)):
        await server.connect(token=elsewhere)
    assert (await server.connect()).joined


async def test_authorize_room(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[hooks.Classroom()])
    student = await server.connect(client="a")
    with pytest.raises(WireError, match="forbidden"):
        await student.request("classroom:enter")
    tutor = await server.connect(user="bo", session="s2", roles=["tutor"])
    await tutor.request("classroom:enter")
    assert (await tutor.recv("room:joined"))["data"]["room"] == "class:7b"


async def test_the_hooks_of_the_process(bonsai_server: StartServer) -> None:
    index = hooks.Index()
    server = await bonsai_server(plugins=[index, hooks.Status(), hooks.AcmeBank()])
    await index.ready.wait()
    assert (await server.app.health())["plugins"]["index"]["ready"] is True
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/status/s1") as answer:
        assert (await answer.json())["session"] == "s1"
    question = await server.app.find_question("acme-1")
    assert question is not None and question.grade("6")
    await server.stop()
    assert index.words == ""


def test_add_commands() -> None:
    group = click.Group()
    hooks.Tools().add_commands(group)
    assert CliRunner().invoke(group, ["count"]).output == "2\n"


async def test_the_hooks_of_plugins(bonsai_server: StartServer) -> None:
    plugins = [hooks.MoreQuestions(), hooks.NightOwl(), hooks.Units(), hooks.Recognised(), hooks.OtherStages()]
    for plugin in plugins:
        assert type(plugin).name
    server = await bonsai_server(plugins=plugins, discover=True, only=["recs", "coaching", "vision"])
    records = server.app.plugins.records
    assert {hook for plugin in plugins for hook in records[plugin.name].hooks} == {
        *("add_questions", "add_triggers", "insights", "known_questions", "ocr", "classify")
    }
    await server.app.plugins.records["recs"].instance._ready()
    assert await server.app.find_question("acme-2") is not None
    fired = records["night_owl"].instance.add_triggers()
    from bonsai_coaching.rules import Rule

    assert Rule.model_validate(fired[0]).kind == "late"


def test_the_examples_bank_is_valid() -> None:
    assert len(json.loads((EXAMPLES / "bank.json").read_text())) == len(hooks.AcmeBank().questions) == 2


async def test_claim_namespace(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[SocketIo(), hooks.Boards()])
    url = f"{server.url}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as ws:
        assert (await ws.receive_str()).startswith("0{")
        await ws.send_str("40/board,{}")
        assert "say which room you are in" in await ws.receive_str()
        await ws.send_str('40/board,{"room":"r1"}')
        assert (await ws.receive_str()).startswith('40/board,{"sid"')
        assert await ws.receive_str() == '42/board,["welcome",{"room":"r1"}]'
        await ws.send_str('42/board,0["draw",1,2]')
        assert await ws.receive_str() == "43/board,0[2]"
