"""A worker process among its siblings: the sockets it inherits, the parent that minds it, and what all of them share.

Parent and workers meet in a folder of their own. In it the parent listens on `parent`, and worker `web-3` on `3`:
whoever connects there is told what that worker counts. So whichever worker is asked for `/metrics` answers for all.
On `care-3` it takes what an admin wants done with a plugin; `choices.json` remembers that for workers yet to start.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, Final

from bonsai_core.metrics import merge

#: The parent's socket in the common folder.
PARENT: Final = "parent"
#: How long a sibling may take to tell what it counts, in seconds.
ANSWER_TIMEOUT: Final = 1.0
#: How long it may take with a plugin: to read its code, start it, and let the old one finish.
CARE_TIMEOUT: Final = 60.0
#: In the common folder: which plugins were switched off (false) or on (true) by hand.
CHOICES: Final = "choices.json"

#: Does something with a plugin here, given the action and the name; how the plugin is then, or the key `error`.
Act = Callable[[str, str], Awaitable[dict[str, Any]]]


class Siblings:
    """What a worker shares with the other workers of its port.

    Args:
        folder: where parent and workers meet.
        node: this worker's id, `<base>-<number>`; the others have the same base.
        descriptors: of the inherited sockets to listen on.
    """

    def __init__(self, folder: Path, node: str, descriptors: Iterable[int]) -> None:
        self._folder = folder
        self._base, _, self._number = node.rpartition("-")
        self._node = node
        self.sockets = [socket.socket(fileno=descriptor) for descriptor in descriptors]
        self._server: asyncio.AbstractServer | None = None
        self._care: asyncio.AbstractServer | None = None
        self._parent: asyncio.StreamWriter | None = None
        self._waiting: asyncio.Task[None] | None = None
        self._orphaned = False

    async def open(self, orphaned: Callable[[], None]) -> None:
        """Meet the parent.

        Args:
            orphaned: called when the parent is gone.

        Raises:
            OSError: it is gone already.
        """
        reader, self._parent = await asyncio.open_unix_connection(str(self._folder / PARENT))
        self._waiting = asyncio.create_task(self._until_gone(reader, orphaned), name="watch the parent")

    async def ready(self, render: Callable[[], bytes], act: Act, **facts: Any) -> None:
        """Connections are taken: tell the parent, and from now on the others what is counted here.

        Args:
            render: gives the counters in Prometheus' text format.
            act: does something with a plugin of this worker.
            facts: what the parent shall know, as JSON data.
        """

        async def tell(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError):
                writer.write(render())
                writer.close()
                await writer.wait_closed()

        async def care(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(OSError, ValueError):
                asked = json.loads(await reader.readline())
                writer.write(json.dumps(await act(asked["action"], asked["plugin"])).encode())
                writer.close()
                await writer.wait_closed()

        assert self._parent is not None
        self._server = await asyncio.start_unix_server(tell, str(self._folder / self._number))
        self._care = await asyncio.start_unix_server(care, str(self._folder / f"care-{self._number}"))
        for name, on in self.choices().items():  # also what was chosen while this worker was starting
            _ = await act("enable" if on else "disable", name)
        self._parent.write(json.dumps({"node": self._node, **facts}).encode() + b"\n")

    async def metrics(self) -> bytes:
        """What all workers count, each sample labelled with its node; `bonsai_worker_up` is 0 for one that hangs."""
        numbers = sorted(int(path.name) for path in self._folder.iterdir() if path.name.isdigit())
        told = await asyncio.gather(*(_ask(self._folder / str(number)) for number in numbers))
        texts = {f"{self._base}-{number}": text for number, text in zip(numbers, told, strict=True)}
        up = ["# HELP bonsai_worker_up Whether a worker process answered.", "# TYPE bonsai_worker_up gauge"]
        up += [f'bonsai_worker_up{{node="{node}"}} {float(text is not None)}' for node, text in texts.items()]
        merged = merge({node: text for node, text in texts.items() if text is not None})
        return "\n".join([*up, merged]).encode()

    async def care(self, action: str, name: str) -> dict[str, dict[str, Any]]:
        """Have the other workers do with a plugin what was done here, one after another, and those that start later.

        Returns:
            For each how the plugin is there, or the key `error`. One that is gone is not told of.
        """
        if action != "reload":
            file = self._folder / CHOICES
            fresh = file.with_name(f"{CHOICES}.{self._number}")
            fresh.write_text(json.dumps(self.choices() | {name: action == "enable"}))
            fresh.replace(file)
        states = {}
        for number in sorted(int(path.name) for path in self._folder.iterdir() if path.name.isdigit()):
            if str(number) == self._number:
                continue
            asked = json.dumps({"action": action, "plugin": name}).encode() + b"\n"
            told = await _ask(self._folder / f"care-{number}", asked, CARE_TIMEOUT)
            if told is None and not (self._folder / str(number)).exists():
                continue
            states[f"{self._base}-{number}"] = json.loads(told) if told else {"error": "the worker does not answer"}
        return states

    def choices(self) -> dict[str, bool]:
        """Which plugins were switched off (false) or on (true) by hand since the parent started."""
        try:
            choices: dict[str, bool] = json.loads((self._folder / CHOICES).read_text())
        except (OSError, ValueError):
            return {}
        return choices

    async def close(self) -> None:
        """Leave; the parent hears of it."""
        for closing in (self._server, self._care, self._parent):
            if closing is not None:
                closing.close()
        if self._waiting is not None:
            self._waiting.cancel()
        if self._orphaned:  # the folder was the parent's to remove
            shutil.rmtree(self._folder, ignore_errors=True)

    async def _until_gone(self, reader: asyncio.StreamReader, orphaned: Callable[[], None]) -> None:
        with contextlib.suppress(OSError):
            while await reader.read(1024):
                pass
        self._orphaned = True
        orphaned()


async def _ask(path: Path, words: bytes = b"", timeout: float = ANSWER_TIMEOUT) -> str | None:
    try:
        async with asyncio.timeout(timeout):
            reader, writer = await asyncio.open_unix_connection(str(path))
            try:
                writer.write(words)
                return (await reader.read()).decode()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return None
