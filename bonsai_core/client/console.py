"""The interactive side of `bonsai connect`: a prompt with history and completion, frames shown as they arrive."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console as Screen
from rich.highlighter import JSONHighlighter
from rich.padding import Padding
from rich.table import Table
from rich.text import Text
from typing_extensions import override

from bonsai_core.client.client import Client
from bonsai_core.client.engine import State
from bonsai_core.client.errors import ClientError, Refused
from bonsai_core.client.frames import Message
from bonsai_core.client.lines import Command, Event, EventInfo, LineError, events_of, parse
from bonsai_core.client.terminal import Failure, read_attachment

COMMANDS = {
    "help": "this list",
    "events": "the events that the server declares, and those seen",
    "state": "the connection, the session, its rooms and what waits for an answer",
    "offline": "go offline (what you send is queued), and with the next /offline come back",
    "quit": "leave; Ctrl-D does the same",
}

#: Characters with which text could play tricks on a terminal: C0 and C1 controls, and changes of direction.
_TRICKS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_STATE_STYLES = {State.JOINED: "green", State.WAITING: "yellow", State.CLOSED: "red"}
#: Payloads whose JSON is longer than this, in characters, are shown over several lines.
_ONE_LINE = 100
_coloured = JSONHighlighter()


class Console:
    """The interactive terminal of one client.

    Args:
        client: joined; closed by the caller.
        document_url: where the server's AsyncAPI document is.
        screen: where to show things; standard output by default.
        history: of lines; a file in the user's state directory by default.
    """

    def __init__(
        self, client: Client, document_url: str, *, screen: Screen | None = None, history: History | None = None
    ) -> None:
        self._client = client
        self._document_url = document_url
        self._given_screen = screen
        self._history = history
        self._screen = screen or Screen()
        self._events: dict[tuple[str, bool], EventInfo] = {}
        #: What was sent and not answered: id -> (event, when).
        self._asked: dict[int, tuple[str, float]] = {}

    async def run(self) -> None:
        """Prompt until /quit, Ctrl-D or a final refusal.

        Raises:
            Failure: the server refused us for good.
        """
        client = self._client
        client.on("*", self._show)
        client.on("ack", self._show_ack)
        client.on_state(self._show_state)
        session: PromptSession[str] = PromptSession(
            history=self._history or _history(),
            completer=EventCompleter(lambda: (e.name for e in self._events.values() if e.sent)),
            complete_while_typing=True,
            bottom_toolbar=self._toolbar,
        )
        learning = asyncio.ensure_future(self._learn_events())
        with patch_stdout(raw=True):
            if self._given_screen is None:
                self._screen = Screen(force_terminal=True, highlight=False)  # on the patched standard output
            self._say(f"connected to {client.url}; /help lists the commands", "green")
            prompting = asyncio.ensure_future(self._prompt(session))
            ended = asyncio.ensure_future(client.wait_closed())
            try:
                await asyncio.wait((prompting, ended), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (prompting, ended, learning):
                    task.cancel()
                results = await asyncio.gather(prompting, ended, learning, return_exceptions=True)
        for result in results:
            if isinstance(result, Refused):
                raise Failure(str(result))
            if isinstance(result, Exception):
                raise result

    async def _prompt(self, session: PromptSession[str]) -> None:
        while True:
            try:
                line = await session.prompt_async("> ")
            except KeyboardInterrupt:
                continue  # gives up the line, as a shell does
            except EOFError:
                return
            try:
                parsed = parse(line)
                if isinstance(parsed, Command):
                    if not await self._command(parsed):
                        return
                elif parsed is not None:
                    self._send(parsed)
            except (LineError, Failure, ClientError, ValueError) as error:
                self._say(str(error), "red")

    # Sending

    def _send(self, event: Event) -> None:
        id = self._client.emit(event.name, event.data, attachment=read_attachment(event))
        self._asked[id] = (event.name, time.monotonic())
        self._events.setdefault((event.name, True), EventInfo(event.name, True))
        offline = "" if self._client.state is State.JOINED else f"  queued: {self._client.state}"
        self._screen.print(_line("→", "cyan", event.name, f"#{id}{offline}"))

    async def _command(self, command: Command) -> bool:
        """Run a command; False to leave."""
        if command.name in ("quit", "exit", "q"):
            return False
        if command.name == "help":
            self._help()
        elif command.name == "events":
            self._list_events()
        elif command.name == "state":
            self._tell_state()
        elif command.name == "offline":
            if self._client.state is State.IDLE:
                self._client.start()
            else:
                await self._client.disconnect()
        else:
            self._say(f"there is no /{command.name}; there are /{', /'.join(COMMANDS)}", "red")
        return True

    def _help(self) -> None:
        table = Table.grid(padding=(0, 2))
        for name, text in COMMANDS.items():
            table.add_row(Text(f"/{name}", "bold"), text)
        table.add_row(Text("event {json}", "bold"), 'send an event: session:update {"patch": {"page": 3}}')
        table.add_row(Text("event key=value ...", "bold"), "the same: session:update patch.page=3")
        table.add_row(Text("... @file", "bold"), "with the file's bytes as attachment")
        self._screen.print(table)

    def _list_events(self) -> None:
        table = Table.grid(padding=(0, 2))
        for info in sorted(self._events.values(), key=lambda e: (e.name, not e.sent)):
            direction = Text("→ send", "cyan") if info.sent else Text("← get", "magenta")
            table.add_row(direction, Text(safe(info.name)), Text(safe(info.summary), "dim"))
        self._screen.print(table)

    def _tell_state(self) -> None:
        client = self._client
        table = Table.grid(padding=(0, 2))
        rows = {"state": str(client.state), "server": client.url, "client": client.client_id}
        if client.failure is not None:
            rows["because"] = str(client.failure)
        if (joined := client.joined) is not None:
            rows |= {"user": joined.user_id, "session": joined.session_id, "device": joined.device_id}
            names = [f"{d.get('name') or d.get('kind')} ({d.get('id')})" for d in joined.devices]
            rows["devices at join"] = ", ".join(names)
        for room, position in client.positions.items():
            rows[f"room {room}"] = f"offset {position.offset}, epoch {position.epoch or 'unknown'}"
        rows["unanswered"] = str(client.pending)
        for name, value in rows.items():
            table.add_row(Text(safe(name), "bold"), Text(safe(value)))
        self._screen.print(table)

    # Showing

    def _show(self, message: Message) -> None:
        if message.event == "error":
            self._show_error(message)
            return
        self._events.setdefault((message.event, False), EventInfo(message.event, False))
        place = "" if message.room is None else f"{message.room}" + (f"@{message.offset}" if message.offset else "")
        if message.event == "user:joined":  # most of it is of no interest here; /state tells the rest
            self._screen.print(_line("←", "magenta", message.event, _rooms_of(message.data), message.ts))
            return
        self._screen.print(_line("←", "magenta", message.event, place, message.ts))
        self._show_payload(message.data)

    def _show_ack(self, message: Message) -> None:
        self._screen.print(_line("✓", "green", *self._answered(message), message.ts))
        self._show_payload(message.data)

    def _show_error(self, message: Message) -> None:
        self._screen.print(_line("✗", "red", *self._answered(message), message.ts))
        self._show_payload(message.data)

    def _answered(self, message: Message) -> tuple[str, str]:
        """Which event a frame answers, and after how long."""
        if message.id is None or message.id not in self._asked:
            return message.event, "" if message.id is None else f"#{message.id}"
        event, asked = self._asked.pop(message.id)
        return event, f"#{message.id} after {(time.monotonic() - asked) * 1000:.0f} ms"

    def _show_payload(self, data: Any) -> None:
        if data is None:
            return
        text = json.dumps(data, ensure_ascii=False)
        if len(text) > _ONE_LINE:
            text = json.dumps(data, ensure_ascii=False, indent=2)
        escaped = Text("\n".join(safe(line) for line in text.split("\n")))
        self._screen.print(Padding(_coloured(escaped), (0, 0, 0, 15)))

    def _show_state(self, state: State) -> None:
        failure = self._client.failure
        if state is State.IDLE:
            self._say("offline: what you send is queued; /offline comes back", "yellow")
        elif state is State.JOINED:
            self._say("connected", "green")
        elif state is State.WAITING and failure is not None:
            self._say(f"connection lost: {failure}", "yellow")

    def _say(self, text: str, style: str) -> None:
        self._screen.print(Text(safe(text), style))

    def _toolbar(self) -> StyleAndTextTuples:
        client, joined = self._client, self._client.joined
        colour = _STATE_STYLES.get(client.state, "yellow")
        parts: StyleAndTextTuples = [("", " "), (f"fg:ansi{colour}", str(client.state))]
        if joined is not None:
            parts.append(("", f"  {safe(joined.user_id)} in {safe(joined.session_id)}"))
        if client.pending:
            parts.append(("", f"  {client.pending} unanswered"))
        return parts

    async def _learn_events(self) -> None:
        """Ask the server which events there are; without an answer, only those seen are completed."""
        with contextlib.suppress(aiohttp.ClientError, OSError, ValueError):
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as http,
                http.get(self._document_url) as response,
            ):
                for info in events_of(await response.json()):
                    self._events[info.name, info.sent] = info


class EventCompleter(Completer):
    """Completes the first word: commands after a slash, else events."""

    def __init__(self, names: Callable[[], Iterable[str]]) -> None:
        self._names = names

    @override
    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        word = document.text_before_cursor.lstrip()
        if " " in word:
            return
        known = [f"/{name}" for name in COMMANDS] if word.startswith("/") else sorted(set(self._names()))
        for name in known:
            if name.startswith(word):
                yield Completion(name, start_position=-len(word))


def safe(text: str) -> str:
    """Text from a server with its control characters spelled out."""
    return _TRICKS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def _rooms_of(joined: Any) -> str:
    """The rooms of a `user:joined`, and whether they were recovered."""
    rooms = joined.get("rooms") if isinstance(joined, dict) else None
    return ", ".join(
        f"{name}@{room.get('offset')}{' recovered' if room.get('recovered') else ''}"
        for name, room in (rooms.items() if isinstance(rooms, dict) else ())
        if isinstance(room, dict)
    )


def _line(mark: str, colour: str, event: str, detail: str, ts: int | None = None) -> Text:
    at = time.time() if ts is None else ts / 1000
    clock = time.strftime("%H:%M:%S", time.localtime(at)) + f".{int(at * 1000) % 1000:03d}"
    return Text.assemble(
        (clock, "dim"), " ", (mark, colour), " ", (safe(event), f"bold {colour}"), "  ", (safe(detail), "dim")
    )


def _history() -> History:
    """Lines of earlier sessions, readable by their user only; in memory where no file can be had."""
    state = os.environ.get("XDG_STATE_HOME")
    folder = (Path(state) if state else Path.home() / ".local" / "state") / "bonsai"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "history"
        path.touch(mode=0o600)
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))
