"""`bonsai connect`: the syntax of its lines, scripted as a process, interactive at a fake keyboard."""

from __future__ import annotations

import asyncio
import io
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.history import InMemoryHistory
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console as Screen

from bonsai_core.client import Client
from bonsai_core.client.console import Console, EventCompleter, safe
from bonsai_core.client.lines import Command, Event, EventInfo, LineError, events_of, parse
from bonsai_core.client.terminal import Failure, connect, http_url
from bonsai_core.testing import StartServer
from tests.scripted_server import eventually, make, scripted_server

# Lines


@pytest.mark.parametrize(
    ("line", "meaning"),
    [
        ("", None),
        ("   # a comment", None),
        ("session:state", Event("session:state")),
        ('a:b {"x": [1, 2]}', Event("a:b", {"x": [1, 2]})),
        ("a:b [1]", Event("a:b", [1])),
        ("a:b x=1 y=2.5 z=true n=null s=word", Event("a:b", {"x": 1, "y": 2.5, "z": True, "n": None, "s": "word"})),
        (
            'a:b s="two words" empty= t=ada@example.org',
            Event("a:b", {"s": "two words", "empty": "", "t": "ada@example.org"}),
        ),
        ('a:b list=["p q", 2] o={"k": "v w"}', Event("a:b", {"list": ["p q", 2], "o": {"k": "v w"}})),
        ("a:b patch.page.no=3 patch.x=NaN", Event("a:b", {"patch": {"page": {"no": 3}, "x": "NaN"}})),
        ("shot url=https://x.org/?a=b @pic.png", Event("shot", {"url": "https://x.org/?a=b"}, Path("pic.png"))),
        ('shot {"a": 1} @pic.png', Event("shot", {"a": 1}, Path("pic.png"))),
        ("/quit", Command("quit")),
        ("/help  me ", Command("help", "me")),
    ],
)
def test_lines_mean_what_they_look_like(line: str, meaning: object) -> None:
    assert parse(line) == meaning


@pytest.mark.parametrize(
    "line", ['{"event": "x"}', "x=1", "a:b word", 'a:b {"x": }', 'a:b {"x": 1} more', 'a:b {"x": 1}y', "a:b x=1 x.y=2"]
)
def test_other_lines_are_refused_with_what_is_expected(line: str) -> None:
    with pytest.raises(LineError):
        parse(line)


def test_event_names_come_from_the_server_s_document() -> None:
    document = {
        "operations": {
            "receive": {"action": "receive", "messages": [{"$ref": "#/channels/socket/messages/a.b.in"}]},
            "send": {"action": "send", "messages": [{"$ref": "#/channels/socket/messages/a.b.out"}, {"odd": 1}]},
        },
        "components": {
            "messages": {"a.b.in": {"name": "a:b", "summary": "Does it."}, "a.b.out": {"name": "a:b"}, "c": {}}
        },
    }
    assert events_of(document) == [EventInfo("a:b", True, "Does it."), EventInfo("a:b", False)]
    several: tuple[Any, ...] = (None, [], {"operations": []}, {"operations": {"x": {"messages": [{"$ref": "y"}]}}})
    for nonsense in several:
        assert events_of(nonsense) == []


def test_the_first_word_completes() -> None:
    completer = EventCompleter(lambda: ["session:state", "session:end", "a:b"])

    def complete(text: str) -> list[str]:
        return [c.text for c in completer.get_completions(Document(text), CompleteEvent())]

    assert complete("se") == ["session:end", "session:state"]
    assert complete("/q") == ["/quit"]
    assert complete("session:state x") == []


def test_text_of_others_cannot_play_tricks_on_the_terminal() -> None:
    assert safe("a\x1b[2Jb\u202ec\x9b") == "a\\u001b[2Jb\\u202ec\\u009b"


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("ws://h:1/ws", "http://h:1/api/token"),
        ("wss://h/live/ws", "https://h/live/api/token"),
        ("h:1", "http://h:1/api/token"),
    ],
)
def test_the_http_address_belongs_to_the_same_server(url: str, meant: str) -> None:
    assert http_url(url, "/api/token") == meant


# Scripted


async def run(server: str, *arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """`bonsai connect SERVER --json ARGUMENTS` as a process, with this standard input."""
    environment = {k: v for k, v in os.environ.items() if k != "BONSAI_TOKEN"} | variables
    code = "from bonsai_core.client.terminal import connect; connect(prog_name='bonsai connect')"
    return await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", code, server, "--json", *arguments],
        input=given,
        capture_output=True,
        text=True,
        timeout=30,
        env=environment,
        check=False,
    )


def frames(result: subprocess.CompletedProcess[str]) -> list[Any]:
    return [json.loads(line) for line in result.stdout.splitlines()]


async def test_a_script_gets_every_frame_and_the_line_that_it_answers(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    given = "# what it does\nsession:update patch.page=3\nnope\n"
    result = await run(server.url, "--user", "ada", "--session", "s1", given=given)
    assert (result.returncode, result.stderr) == (0, "")
    by_event = {frame["event"]: frame for frame in frames(result)}
    assert by_event["user:joined"]["data"]["userId"] == "ada"
    assert by_event["ack"]["line"] == 2
    assert by_event["session:update"]["room"] == "session:s1" and by_event["session:update"]["offset"] == 1
    assert (by_event["error"]["line"], by_event["error"]["data"]["code"]) == (3, "unknown_event")


async def test_a_token_is_taken_from_the_environment(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    result = await run(server.url, BONSAI_TOKEN=server.token("eve"))
    assert frames(result)[0]["data"]["userId"] == "eve"


async def test_an_attachment_is_sent_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "shot.png").write_bytes(b"\x89PNG")
    async with scripted_server() as server:
        result = await run(server.url, "--token", "t", given=f"shot a=1 @{tmp_path / 'shot.png'}\n")
        assert result.returncode == 0
        assert server.latest.attachments == [b"\x89PNG"]


async def test_listening_on_is_asked_for_and_a_refusal_ends_it(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    listening = asyncio.ensure_future(run(server.url, "--session", "s1", "--user", "ada", "--wait", "30"))
    await eventually(lambda: server.app.stats()["joined"] == 1)
    other = await server.connect(user="ada", session="s1", client="other")
    await other.send("session:end", {}, id=1)
    await other.recv("ack")
    (script,) = [device["clientId"] for device in other.joined["devices"] if device["clientId"] != "other"]
    await server.connect(user="ada", session="s1", client=script)
    result = await listening
    assert "session:end" in [frame["event"] for frame in frames(result)]
    assert result.returncode == 1 and "4001" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "given", "code", "says"),
    [
        (["--token", "nonsense"], "", 1, "4401"),
        (["--session", "taken"], "", 1, "another user"),
        ([], "a:b {", 2, "line 1: not JSON"),
        ([], "/state", 2, "interactive"),
        ([], "a:b @/no/such/file", 2, "cannot be read"),
        (["--timeout", "0"], "", 2, "--timeout"),
    ],
)
async def test_exit_codes_tell_what_happened(
    bonsai_server: StartServer, arguments: list[str], given: str, code: int, says: str
) -> None:
    server = await bonsai_server()
    if "taken" in arguments:
        await server.connect(user="somebody", session="taken")
    result = await run(server.url, *arguments, given=given)
    assert result.returncode == code
    assert says in result.stderr
    assert "Traceback" not in result.stderr


async def test_nobody_there_is_said_plainly(unused_tcp_port: int) -> None:
    result = await run(f"ws://127.0.0.1:{unused_tcp_port}", "--timeout", "1")
    assert result.returncode == 1
    assert "Connection refused; is the server running there?" in result.stderr


async def test_a_server_that_gives_no_tokens_is_said_plainly(bonsai_server: StartServer) -> None:
    server = await bonsai_server(dev=False)
    result = await run(server.url)
    assert result.returncode == 1
    assert "give --token" in result.stderr


async def test_without_a_terminal_the_scripted_mode_is_recommended() -> None:
    from click.testing import CliRunner

    result = CliRunner().invoke(connect, [])
    assert result.exit_code == 2
    assert "--json" in result.output


# Interactive


class Keyboard:
    """A console at a fake keyboard; what it shows is in `text`."""

    def __init__(self, keys: PipeInput, shown: io.StringIO, client: Client, task: asyncio.Future[None]) -> None:
        self.keys = keys
        self._shown = shown
        self._client = client
        self.task = task

    @property
    def text(self) -> str:
        return self._shown.getvalue()

    async def close(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self._client.close(timeout=0)

    async def type(self, line: str, expect: str) -> None:
        """Type a line, and wait until something is shown."""
        before = len(self.text)
        self.keys.send_text(line + "\r")
        await eventually(lambda: expect in self.text[before:])


@asynccontextmanager
async def console(client: Client, document_url: str = "http://127.0.0.1:9/asyncapi.json") -> AsyncIterator[Keyboard]:
    """The console of a client, at a fake keyboard."""
    with create_pipe_input() as keys, create_app_session(input=keys, output=DummyOutput()):
        shown = io.StringIO()
        screen = Screen(file=shown, width=120, force_terminal=False, color_system=None)
        await client.connect()
        running = Console(client, document_url, screen=screen, history=InMemoryHistory())
        keyboard = Keyboard(keys, shown, client, asyncio.ensure_future(running.run()))
        try:
            yield keyboard
        finally:
            await keyboard.close()


async def test_a_session_at_the_keyboard(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    client = make(server, auth={"token": server.token("ada"), "session_id": "s1"})
    async with console(client, f"{server.url}/asyncapi.json") as keyboard:
        await keyboard.type("session:update patch.page=3", '{"version": 1}')
        assert "← session:update  session:s1@1" in keyboard.text
        assert "✓ session:update  #1 after" in keyboard.text
        await keyboard.type("nope", "unknown_event")
        await keyboard.type("bad=1", "a line begins with an event's name")
        await keyboard.type("/what", "there is no /what")
        await keyboard.type("/help", "event key=value")
        await keyboard.type("/events", "Patch the shared state and tell all devices.")
        await keyboard.type("/state", "room session:s1")
        await keyboard.type("/offline", "offline: what you send is queued")
        await keyboard.type("session:update patch.page=4", "queued: idle")
        await keyboard.type("/offline", '{"version": 2}')
        assert "session:s1@1 recovered" in keyboard.text
        await keyboard.type("session:state @/no/such/file", "cannot be read")
        keyboard.keys.send_text("/quit\r")
        await asyncio.wait_for(keyboard.task, 5)


async def test_long_payloads_are_spread_over_lines_and_disarmed() -> None:
    async with scripted_server() as server, console(make(server)) as keyboard:
        await server.publish("session:s1", "m\x1b[2J", {"essay": "x" * 100, "trick": "\u202e"})
        await eventually(lambda: "trick" in keyboard.text)
        assert "\x1b" not in keyboard.text and "\u202e" not in keyboard.text
        assert '"essay"' in keyboard.text


async def test_a_final_refusal_ends_the_console() -> None:
    async with scripted_server() as server, console(make(server)) as keyboard:
        await server.latest.close(1012, "in 1 ms")
        await eventually(lambda: "connection lost" in keyboard.text and len(server.connections) == 2)
        await eventually(lambda: bool(server.live))
        await server.latest.close(4001, "replaced by another")
        with pytest.raises(Failure, match="replaced by another"):
            await asyncio.wait_for(keyboard.task, 5)
