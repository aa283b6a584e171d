"""`bonsai connect`: talk to a server by hand, or from a script with `--json`.

Exit codes: 0 left in order; 1 could not connect, or was refused; 2 a wrong option or line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import signal
import sys
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import click

if TYPE_CHECKING:
    from bonsai_core.client import Client, Message
    from bonsai_core.client.lines import Event

DEFAULT_URL = "ws://127.0.0.1:3001/ws"
REFUSED, USAGE = 1, 2


@dataclass(slots=True, frozen=True)
class Options:
    """The command's options."""

    url: str
    token: str | None
    user: str
    session: str | None
    timeout: float
    wait: float
    debug: bool


class Failure(Exception):
    """Ends the command with this exit code and message."""

    def __init__(self, message: str, code: int = REFUSED) -> None:
        super().__init__(message)
        self.code = code


@click.command(short_help="Talk to a server.")
@click.argument("url", default=DEFAULT_URL)
@click.option(
    "--token",
    envvar="BONSAI_TOKEN",
    help="The token to join with. The variable is safer: other users of a machine can see its command lines.",
)
@click.option("--user", default="demo", show_default=True, help="Without a token: whom to be, on a server with --dev.")
@click.option("--session", help="The session to join; a new one by default.")
@click.option("--json", "as_json", is_flag=True, help="Read lines from standard input, print every frame as JSON.")
@click.option(
    "--wait",
    type=click.FloatRange(min=0),
    default=0.0,
    metavar="SECONDS",
    help="With --json: keep listening for so long after the last line was answered.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=15.0,
    show_default=True,
    metavar="SECONDS",
    help="How long to try to connect, and to wait for the last answers.",
)
@click.option("--debug", is_flag=True, help="Log the names and ids of all frames to standard error.")
def connect(as_json: bool, **options: Any) -> None:
    """Connect to the server at URL (ws://127.0.0.1:3001/ws by default), send events, see what arrives.

    A line is an event's name and its payload, as JSON or as key=value pairs:

    \b
      session:state
      analytics:performance {"questionId": "q1", "correct": true, "timeSpent": 41}
      analytics:performance questionId=q1 correct=true timeSpent=41
      extension:screenshot metadata.url=https://example.org @shot.png

    Events complete with Tab. /help lists the commands.

    Exit code 0: left in order; 1: could not connect, or refused; 2: a wrong option or line.

    \b
    Examples:
      bonsai connect --user ada
      echo 'session:state' | bonsai connect --json | jq .data
    """
    given = Options(**options)
    if not as_json and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise click.UsageError("standard input and output are no terminal: use --json")
    _configure_logging(given.debug)
    try:
        asyncio.run(_scripted(given) if as_json else _interactive(given))
    except Failure as failure:
        click.echo(f"bonsai connect: {failure}", err=True)
        sys.exit(failure.code)
    except KeyboardInterrupt:
        pass


def _configure_logging(debug: bool) -> None:
    log = logging.getLogger("bonsai_core.client")
    if debug:
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    else:  # what matters is shown anyway
        log.addHandler(logging.NullHandler())
        log.propagate = False


def _forget_stdout() -> None:
    # After `| head`, even closing standard output at exit would complain.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        sys.stdout = None


# Connecting


async def make_client(options: Options) -> Client:
    """A client that is joined.

    Raises:
        Failure: no token, no connection, or a refusal.
    """
    from bonsai_core.client import Auth, Client, ClientError, Device

    device = Device(kind="terminal", name="bonsai connect")
    try:
        if options.token is not None:
            auth = Auth(token=options.token, session_id=options.session, device=device)
        else:
            first = [await fetch_token(options)]  # asked for here, so that its failure is told in full

            async def provide() -> str:
                return first.pop() if first else await fetch_token(options)

            auth = Auth(token_provider=provide, session_id=options.session, device=device)
        client = Client(options.url, auth=auth, debug=options.debug)
    except ValueError as error:
        raise Failure(str(error), USAGE) from None
    try:
        await client.connect(timeout=options.timeout)
    except ClientError as error:
        await client.close(leave=False, timeout=0)
        raise Failure(str(error)) from None
    except BaseException:
        await client.close(leave=False, timeout=0)
        raise
    return client


async def fetch_token(options: Options) -> str:
    """A token from a server in development mode.

    Raises:
        Failure: it gives none.
    """
    import aiohttp

    body = {"userId": options.user} | ({"sessionId": options.session} if options.session else {})
    url = http_url(options.url, "/api/token")
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=options.timeout)) as http,
            http.post(url, json=body) as response,
        ):
            if response.status != 200:
                raise Failure(
                    f"{url} gives no token (HTTP {response.status}): give --token, or start the server with --dev"
                )
            answer = await response.json()
    except (aiohttp.ClientError, OSError, ValueError) as error:
        from bonsai_core.client.link import cause

        raise Failure(f"no answer from {url}: {cause(error)}; is the server running there?") from None
    token = answer.get("token") if isinstance(answer, dict) else None
    if not isinstance(token, str):
        raise Failure(f"{url} gave something else than a token: is this a Bonsai Real-Time server?")
    return token


def http_url(url: str, path: str) -> str:
    """The HTTP address of `path` at the server of a WebSocket address.

    Raises:
        ValueError: `url` is no address of a server.
    """
    from bonsai_core.client.client import normalise_url

    parts = urlsplit(normalise_url(url))
    base = parts.path.removesuffix("/ws") if parts.path.endswith("/ws") else ""
    return urlunsplit(("https" if parts.scheme == "wss" else "http", parts.netloc, base + path, "", ""))


def read_attachment(event: Event) -> bytes | None:
    """The bytes of an event's file.

    Raises:
        Failure: it cannot be read.
    """
    if event.attachment is None:
        return None
    try:
        return event.attachment.expanduser().read_bytes()
    except OSError as error:
        raise Failure(f"{event.attachment} cannot be read: {error.strerror}", USAGE) from None


async def _interactive(options: Options) -> None:
    from bonsai_core.client.console import Console

    client = await make_client(options)
    try:
        await Console(client, http_url(options.url, "/asyncapi.json")).run()
    finally:
        await client.close()


# Scripted


async def _scripted(options: Options) -> None:
    client = await make_client(options)
    script = _Script(client, options)
    client.on("*", script.show)
    client.on("ack", script.show)
    work = script.work = asyncio.ensure_future(script.run())
    ended = asyncio.ensure_future(client.wait_closed())
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):  # not on Windows, not in a thread
        loop.add_signal_handler(signal.SIGTERM, work.cancel)
        loop.add_signal_handler(signal.SIGINT, work.cancel)
    try:
        await asyncio.wait((work, ended), return_when=asyncio.FIRST_COMPLETED)
        if ended.done() and (error := ended.exception()) is not None:
            raise Failure(str(error))
        if work.done() and not work.cancelled():
            work.result()
    finally:
        for task in (work, ended):
            task.cancel()
        await asyncio.gather(work, ended, return_exceptions=True)
        await client.close(timeout=2.0)


class _Script:
    """Lines in, frames out."""

    def __init__(self, client: Client, options: Options) -> None:
        self._client = client
        self._options = options
        self._lines: dict[int, int] = {}
        self.work: asyncio.Future[None] | None = None

    def show(self, message: Message) -> None:
        """Print a frame as a line of JSON; answers tell the number of the line that they answer."""
        frame: dict[str, Any] = {"event": message.event, "data": message.data}
        for name in ("id", "room", "offset", "ts"):
            if (value := getattr(message, name)) is not None:
                frame[name] = value
        if message.id is not None and message.id in self._lines:
            frame["line"] = self._lines.pop(message.id)
        try:
            click.echo(json.dumps(frame, ensure_ascii=False, separators=(",", ":")))
        except BrokenPipeError:  # nobody reads on, as after `| head -1`: no reason to complain
            _forget_stdout()
            if self.work is not None:
                self.work.cancel()

    async def run(self) -> None:
        """Send what standard input says, wait for the answers, then listen for a while."""
        from bonsai_core.client import ClientClosed, QueueFull

        client, number = self._client, 0
        try:
            async for line in _stdin_lines(sys.stdin):
                number += 1
                if (event := self._understand(line, number)) is None:
                    continue
                attachment = read_attachment(event)
                try:
                    id = client.emit(event.name, event.data, attachment=attachment)
                except QueueFull:
                    await client.flush()
                    id = client.emit(event.name, event.data, attachment=attachment)
                self._lines[id] = number
            await client.flush(timeout=self._options.timeout)
            await asyncio.sleep(self._options.wait)
        except ClientClosed:
            pass  # the caller tells why
        except TimeoutError as error:
            raise Failure(str(error)) from None

    def _understand(self, line: str, number: int) -> Event | None:
        from bonsai_core.client.lines import Command, Event, LineError, parse

        try:
            parsed = parse(line)
            if isinstance(parsed, Command):
                raise LineError(f"/{parsed.name} works in the interactive terminal only")
        except LineError as error:
            raise Failure(f"line {number}: {error}", USAGE) from None
        return parsed if isinstance(parsed, Event) else None


async def _stdin_lines(stream: IO[str]) -> AsyncIterator[str]:
    """Lines as they come, read not far ahead.

    In a daemon thread, for a blocked read must not keep the program from ending.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[str | None] = asyncio.Queue()
    ahead = threading.Semaphore(100)

    def read() -> None:
        with contextlib.suppress(RuntimeError, ValueError, OSError):  # the loop or the stream is gone
            for line in stream:
                ahead.acquire()
                loop.call_soon_threadsafe(queue.put_nowait, line)
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(queue.put_nowait, None)

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while (line := await queue.get()) is not None:
        ahead.release()
        yield line
