"""Stock Socket.IO clients in a process of Node.js, driven by a test: `tests/node/socketio_client.mjs`."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import itertools
import json
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bonsai_core.testing import ServerProcess, TestServer

NODE = Path(__file__).parent / "node"
PLUGINS = Path(__file__).parent / "socketio_plugins"
#: What a server is started with: the gateway, and a plugin that counts; in this process, and as one of its own.
GATEWAY: dict[str, Any] = {"plugins_dir": PLUGINS, "only": ["socketio", "counter"]}
GATEWAY_PROCESS: dict[str, Any] = {"plugins_dir": PLUGINS, "plugins": ["socketio", "counter"]}
#: Longest line that the process writes.
_LINE = 1 << 24
#: So that tests need not wait for a client to try again.
QUICK = {"reconnectionDelay": 50, "reconnectionDelayMax": 200, "randomizationFactor": 0}


class Failed(Exception):
    """What a client was told to do has failed there; such as an ack that did not come in time."""


def binary(data: bytes) -> dict[str, str]:
    """Bytes in the arguments of an event."""
    return {"$base64": base64.b64encode(data).decode()}


class StockClient:
    """One client. It is connecting once made; wait for `recv("connect")`.

    Attributes:
        happened: all that has happened to it, in order, as `{on: what}` with details; `what` is `open`, `connect`,
            `disconnect`, `connect_error`, `upgrade` or `event`.
    """

    def __init__(self, process: StockClients, name: str) -> None:
        self.happened: list[dict[str, Any]] = []
        self._process = process
        self._name = name
        self._unread: deque[dict[str, Any]] = deque()
        self._waiting = asyncio.Event()

    async def recv(self, what: str, timeout: float = 10.0) -> Any:
        """The next thing of this name to happen: an event's data, or details; what came before it is left out.

        Args:
            what: an event's name, or `open`, `connect`, `disconnect`, `connect_error`, `upgrade`.
        """
        try:
            async with asyncio.timeout(timeout):
                while True:
                    while self._unread:
                        one = self._unread.popleft()
                        if one["on"] == what:
                            return one
                        if one["on"] == "event" and one["name"] == what:
                            return one["args"][0] if one["args"] else None
                    self._waiting.clear()
                    await self._waiting.wait()
        except TimeoutError:
            seen = [one.get("name", one["on"]) for one in self.happened]
            raise AssertionError(f"no {what} within {timeout:g} s; it saw {seen[-50:]}") from None

    def events(self, name: str) -> list[Any]:
        """The data of all events of this name that have come."""
        return [one["args"][0] for one in self.happened if one["on"] == "event" and one["name"] == name]

    async def request(self, *args: Any, timeout: float = 20.0) -> Any:
        """Emit an event and wait for its ack; returns the ack's first argument.

        Raises:
            Failed: the client gave up waiting.
        """
        return await self._process.command(self._name, "request", timeout, args=args)

    async def emit(self, *args: Any) -> None:
        """Emit an event without an ack."""
        await self._process.command(self._name, "emit", args=args)

    async def state(self) -> dict[str, Any]:
        """`connected`, `active`, `recovered`, `id`, `transport`, and how often the token was `asked` for."""
        state: dict[str, Any] = await self._process.command(self._name, "state")
        return state

    async def give(self, **auth: Any) -> None:
        """What it authenticates with from the next time on."""
        await self._process.command(self._name, "auth", auth=auth)

    async def connect(self) -> None:
        """Have it connect again after it was told to stay away."""
        await self._process.command(self._name, "connect")

    async def disconnect(self) -> None:
        """Have it leave."""
        await self._process.command(self._name, "disconnect")

    async def cut(self) -> None:
        """End its transport without a goodbye; it comes back by itself."""
        await self._process.command(self._name, "cut")

    def happens(self, what: dict[str, Any]) -> None:
        """It has told."""
        self.happened.append(what)
        self._unread.append(what)
        self._waiting.set()


class StockClients:
    """The process, and its clients. Made by the fixture `stock_clients`."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._clients: dict[str, StockClient] = {}
        self._numbers = itertools.count()
        self._answers: dict[int, asyncio.Future[Any]] = {}

    async def __call__(
        self,
        server: TestServer | ServerProcess,
        user: str = "ada",
        *,
        url: str | None = None,
        token: str | None = None,
        auth: dict[str, Any] | None = None,
        namespace: str = "",
        **options: Any,
    ) -> StockClient:
        """Make a client, and let it connect.

        Args:
            url: where, instead of at the server itself.
            token: instead of a fresh one for `user`.
            auth: what it shows besides its token; by default session `s1`.
            options: of socket.io-client; `transports` by default is `["websocket"]`.
        """
        name = f"client-{next(self._numbers)}"
        client = self._clients[name] = StockClient(self, name)
        shown = {"token": token or server.token(user), **({"sessionId": "s1"} if auth is None else auth)}
        options = {"transports": ["websocket"], **QUICK, **options}
        await self.command(name, "open", url=(url or server.url) + namespace, auth=shown, options=options)
        return client

    async def joined(self, *args: Any, **options: Any) -> StockClient:
        """Make a client, and wait until it has joined."""
        client = await self(*args, **options)
        await client.recv("user:joined")
        return client

    async def command(self, client: str, do: str, timeout: float = 20.0, **more: Any) -> Any:
        """Have something done; returns what the process answers."""
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                "node", "socketio_client.mjs", cwd=NODE, limit=_LINE,
                stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
            )  # fmt: skip
            self._reader = asyncio.create_task(self._read(), name="stock clients")
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"number": number, "client": client, "do": do, **more}).encode() + b"\n")
        async with asyncio.timeout(timeout):
            return await answer

    async def stop(self) -> None:
        """End the process. Idempotent."""
        process, self._process = self._process, None
        if process is not None and self._reader is not None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            await self._reader

    async def _read(self) -> None:
        assert self._process is not None and self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            if "client" in said:
                self._clients[said["client"]].happens(said)
                continue
            answer = self._answers.pop(said["number"])
            if answer.done():
                continue
            if "error" in said:
                answer.set_exception(Failed(said["error"]))
            else:
                answer.set_result(said["answer"])
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Failed("the process of the clients is over"))


async def until(holds: Callable[[], bool], timeout: float = 10.0) -> None:
    """Return as soon as something holds."""
    async with asyncio.timeout(timeout):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
