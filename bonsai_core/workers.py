"""`bonsai serve --workers N`: server processes that share one port, and the parent that keeps them alive.

Each worker has a listening socket of its own on the port (SO_REUSEPORT), over which the kernel spreads connections
evenly. The parent binds it and serves nothing itself, so a rolling restart hands a socket on together with the
connections that wait in it. Why so: `docs/adr/0006-each-worker-has-a-socket-of-its-own.md`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import structlog

from bonsai_core.settings import Settings, env_name
from bonsai_core.siblings import PARENT

#: A worker that has served for so long has not died at its start, in seconds.
STEADY: Final = 5.0
#: So many deaths at the start, one after another, while no worker is steady, and the parent gives up.
TRIES: Final = 5
#: Pause after a first death, doubled with each further one, and its bound, in seconds.
PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 10.0
#: A worker that is not ready after so long is given up, in seconds.
START_TIMEOUT: Final = 60.0
#: What a worker may take to stop beyond draining and closing, in seconds.
GRACE: Final = 10.0

log = structlog.get_logger("bonsai.workers")


def run_workers(settings: Settings, arguments: Sequence[str]) -> int:
    """Run worker processes until SIGINT or SIGTERM; SIGHUP restarts them one by one.

    Args:
        arguments: the flags of `bonsai serve` for the workers.

    Returns:
        The exit code: 0 after a signal; 1 when the port is taken, when workers die again and again as they start, and
        when one had to be killed.
    """
    return asyncio.run(Workers(settings, [sys.executable, "-m", "bonsai_core", "serve", *arguments]).run())


@dataclass(eq=False)
class _Worker:
    """One life of a worker process."""

    node: str
    process: asyncio.subprocess.Process
    #: The parent's own copies of its sockets, for a worker that takes its place.
    sockets: list[socket.socket]
    #: Whether it got as far as taking connections.
    started: asyncio.Future[bool]
    ready_at: float = math.inf

    def send(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def is_steady(self) -> bool:
        return asyncio.get_running_loop().time() - self.ready_at >= STEADY


@dataclass(eq=False)
class _Slot:
    """A place that is always to be filled: its worker, and how many in a row have died at their start."""

    worker: _Worker | None = None
    failures: int = 0


class Workers:
    """The parent.

    Args:
        settings: where to listen, how many workers, how long they may drain.
        command: starts a worker; flags are added to it.
    """

    def __init__(self, settings: Settings, command: Sequence[str]) -> None:
        self._settings = settings
        self._command = list(command)
        self._slots = [_Slot() for _ in range(settings.workers)]
        #: Every process that runs, by node.
        self._alive: dict[str, _Worker] = {}
        self._started = 0
        self._port = settings.websocket_port
        self._folder = Path()
        self._over = asyncio.Event()
        self._restart = asyncio.Event()
        self._listening = False
        self._exit_code = 0
        self._tasks: set[asyncio.Task[None]] = set()
        #: Seconds that a worker may take to stop.
        self._patience = (settings.drain_timeout_ms + settings.close_timeout_ms) / 1000 + GRACE

    async def run(self) -> int:
        """Keep the workers alive until told to stop; returns the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._restart.set)
        try:
            # Held while the parent lives: port 0 stands for one port, and nobody else gets it between two workers.
            held = _bind(self._settings.websocket_host, self._port, alone=True)
            self._port = held[0].getsockname()[1]
            with tempfile.TemporaryDirectory(prefix="bonsai-", ignore_cleanup_errors=True) as folder:
                self._folder = Path(folder)
                _ = await asyncio.start_unix_server(self._meet, str(self._folder / PARENT))
                for slot in self._slots:
                    slot.worker = await self._start(slot)
                self._spawn(self._restart_when_asked())
                await self._over.wait()
                await asyncio.gather(*map(self._end, list(self._alive.values())))
        except OSError as error:
            log.error("cannot start", reason=str(error))
            return 1
        return self._exit_code

    # Asked from outside

    def _asked_to_stop(self) -> None:
        if self._over.is_set():
            log.warning("stopping at once")
            self._exit_code = 1
            for worker in self._alive.values():
                worker.send(signal.SIGKILL)
        else:
            log.info("stopping", workers=len(self._alive))
            self._over.set()

    async def _restart_when_asked(self) -> None:
        while True:
            await self._restart.wait()
            self._restart.clear()
            log.info("restarting the workers one by one")
            for slot in self._slots:
                if not await self._renew(slot):
                    if self._over.is_set():
                        return
                    log.error("the restart was given up, the old workers go on: a new one does not start; see above")
                    break
            else:
                log.info("all workers were restarted")

    async def _renew(self, slot: _Slot) -> bool:
        """Put a new worker in the place of an old one, which then drains; False when the new one does not start."""
        try:
            new = await self._start(slot)
        except OSError as error:
            log.error("a worker cannot be started", reason=str(error))
            return False
        if not await new.started:
            return False
        old, slot.worker, slot.failures = slot.worker, new, 0
        if new.node not in self._alive:  # it died before the place was its
            self._spawn(self._replace(slot, new, "at once"))
        if old is not None:
            await self._end(old)
        return True

    # Lives of workers

    async def _start(self, slot: _Slot) -> _Worker:
        """Start a process for a place, on the sockets of the worker that is there now or, if none is, on new ones."""
        self._started += 1
        node = f"{self._settings.node_id}-{self._started}"
        before = slot.worker
        if before is not None and before.node in self._alive:
            sockets = [inherited.dup() for inherited in before.sockets]
        else:
            sockets = _bind(self._settings.websocket_host, self._port)
        descriptors = [inherited.fileno() for inherited in sockets]
        process = await asyncio.create_subprocess_exec(
            *self._command,
            f"--node-id={node}",
            f"--websocket-port={self._port}",
            "--workers=1",
            f"--worker-of={self._folder}",
            f"--descriptors={','.join(map(str, descriptors))}",
            pass_fds=descriptors,
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the parent alone
        )
        loop = asyncio.get_running_loop()
        worker = self._alive[node] = _Worker(node, process, sockets, loop.create_future())
        loop.call_later(START_TIMEOUT, self._give_up_waiting, worker)
        self._spawn(self._mind(slot, worker))
        if self._over.is_set():
            worker.send(signal.SIGKILL)
        return worker

    def _environment(self) -> dict[str, str]:
        settings = self._settings
        if settings.generates_secret and settings.secret is not None:  # one for all, even if no file keeps it
            return os.environ | {env_name("jwt_secret"): settings.secret.get_secret_value()}
        return dict(os.environ)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A worker is connected while it lives, and says one line when it takes connections."""
        try:
            line = await reader.readline()
            said = json.loads(line or b"{}")
            worker = self._alive.get(said.get("node", ""))
            if worker is not None and not worker.started.done():
                worker.ready_at = asyncio.get_running_loop().time()
                worker.started.set_result(True)
                log.info("a worker is ready", node=worker.node, pid=worker.process.pid)
                self._tell_if_all_are_ready(said.get("plugins"))
            await reader.read()
        finally:
            writer.close()

    def _tell_if_all_are_ready(self, plugins: object) -> None:
        if self._listening or not all(slot.worker and slot.worker.ready_at < math.inf for slot in self._slots):
            return
        self._listening = True
        host = self._settings.websocket_host
        log.info(
            "listening",
            url=f"http://{f'[{host}]' if ':' in host else host}:{self._port}",
            store=self._settings.effective_store_url.partition(":")[0],
            workers=len(self._slots),
            plugins=plugins,
            dev=self._settings.dev,
        )

    def _give_up_waiting(self, worker: _Worker) -> None:
        if not worker.started.done():
            log.error("a worker was not ready in time and is killed", node=worker.node, seconds=START_TIMEOUT)
            worker.send(signal.SIGKILL)

    async def _mind(self, slot: _Slot, worker: _Worker) -> None:
        """Wait for a worker's end, and fill its place again if that is still its."""
        code = await worker.process.wait()
        del self._alive[worker.node]
        for copy in worker.sockets:  # what waits in them for nobody is refused, and connects to another worker
            copy.close()
        (self._folder / worker.node.rpartition("-")[2]).unlink(missing_ok=True)
        if not worker.started.done():
            worker.started.set_result(False)
        if slot.worker is worker and not self._over.is_set():
            await self._replace(slot, worker, f"exit code {code}" if code >= 0 else signal.Signals(-code).name)

    async def _replace(self, slot: _Slot, worker: _Worker, how: str) -> None:
        slot.failures = 0 if worker.is_steady() else slot.failures
        while slot.worker is worker and not self._over.is_set():
            slot.failures += 1
            if slot.failures >= TRIES and not any(other.is_steady() for other in self._alive.values()):
                log.error("giving up: workers end as they start; see above what they said", tries=TRIES, last=how)
                self._exit_code = 1
                self._over.set()
                return
            pause = min(PAUSE * 2 ** (slot.failures - 1), LONGEST_PAUSE)
            log.warning("a worker ended", node=worker.node, how=how, next_in_s=pause)
            await asyncio.sleep(pause)
            if slot.worker is not worker or self._over.is_set():
                return
            try:
                new = await self._start(slot)
            except OSError as error:
                how = f"its successor could not be started: {error}"
                continue
            if slot.worker is worker:
                slot.worker = new
            else:  # a restart was quicker
                await self._end(new)

    async def _end(self, worker: _Worker) -> None:
        """Let a worker drain, and return when it has ended."""
        worker.send(signal.SIGTERM)
        try:
            async with asyncio.timeout(self._patience):
                await worker.process.wait()
        except TimeoutError:
            log.warning("a worker did not stop in time and was killed", node=worker.node, seconds=self._patience)
            self._exit_code = 1
            worker.send(signal.SIGKILL)
            await worker.process.wait()

    def _spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _bind(host: str, port: int, *, alone: bool = False) -> list[socket.socket]:
    """Sockets on a port, one for each address of `host`; they do not listen yet.

    Args:
        port: 0 takes any free one.
        alone: somebody who listens there already must not be joined.

    Raises:
        OSError: the port is taken, or the host has no address here.
    """
    found: list[socket.socket] = []
    places = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    for family, _, _, _, address in dict.fromkeys(places):
        port = found[0].getsockname()[1] if found else port
        place = (address[0], port, *address[2:])
        try:
            if alone and port:
                with _socket(family) as probe:
                    probe.bind(place)
            made = _socket(family)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            made.bind(place)
        except OSError as error:
            raise OSError(error.errno, f"cannot listen on {place[0]} port {port}: {error.strerror}") from None
        found.append(made)
    return found


def _socket(family: int) -> socket.socket:
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setblocking(False)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return made
