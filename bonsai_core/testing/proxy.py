"""A TCP proxy that behaves as bad networks do: it cuts, stalls, delays and refuses."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterable
from typing import Literal, TypeAlias

Direction = Literal["up", "down", "both"]
#: Chunks of one direction of a link, each with the loop's time at which it is due; an empty one is the end.
_Queue: TypeAlias = "asyncio.Queue[tuple[float, bytes]]"

_CHUNK = 65_536
#: Chunks in flight per link and direction; beyond it the sender feels the stall, as it would in a network.
_IN_FLIGHT = 64
#: Closing with this option sends RST instead of FIN.
_RESET = struct.pack("ii", 1, 0)


class TcpProxy:
    """Stands between clients and a server. `up` is what clients send, `down` what the server sends.

        proxy = await tcp_proxy(server.url)
        device = await server.connect(url=proxy.ws_url)
        proxy.stall("down")         # the server's frames stay in the network ...
        proxy.resume()              # ... and arrive after all
        proxy.delay(0.1, "up")      # 100 ms of latency
        proxy.refuse()              # new connections are reset
        proxy.cut()                 # every connection is reset; cut(reset=False) ends them with FIN

    Args:
        host: the server's.
        port: the server's.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.target_port = port
        #: How many links `cut` has ended.
        self.cuts = 0
        self._links: set[_Link] = set()
        self._server: asyncio.Server | None = None
        self._gates = {"up": asyncio.Event(), "down": asyncio.Event()}
        self._delays = {"up": 0.0, "down": 0.0}
        self._refusing = False
        self._tasks: set[asyncio.Task[None]] = set()
        self.resume()

    async def start(self, port: int = 0) -> None:
        """Listen.

        Args:
            port: 0 takes any free one.
        """
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)

    async def stop(self) -> None:
        """Stop listening and end every link. Idempotent."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for link in list(self._links):
            link.end(reset=True)
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """`http://...`."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws_url(self) -> str:
        """`ws://.../ws`."""
        return f"ws://127.0.0.1:{self.port}/ws"

    @property
    def links(self) -> int:
        """How many connections pass through."""
        return len(self._links)

    def cut(self, *, reset: bool = True, share: Iterable[int] | None = None) -> int:
        """End links; what was in flight is lost. New connections are still taken.

        Args:
            reset: with RST, as a broken network or a crashed peer does; False: with FIN.
            share: the numbers (from 0, oldest first) of the links to end; default is all.

        Returns:
            How many were ended.
        """
        links = sorted(self._links, key=lambda link: link.number)
        chosen = links if share is None else [links[i] for i in share if i < len(links)]
        for link in chosen:
            link.end(reset=reset)
            link.task.cancel()
            self._links.discard(link)
        self.cuts += len(chosen)
        return len(chosen)

    def stall(self, direction: Direction = "both") -> None:
        """Forward nothing until `resume`. Connections stay open and look healthy."""
        for way in _ways(direction):
            self._gates[way].clear()

    def resume(self, direction: Direction = "both") -> None:
        """Forward again, beginning with what has waited."""
        for way in _ways(direction):
            self._gates[way].set()

    def delay(self, seconds: float, direction: Direction = "both") -> None:
        """Deliver everything so much later from now on; 0 for at once."""
        for way in _ways(direction):
            self._delays[way] = seconds

    def refuse(self, refuse: bool = True) -> None:
        """Reset new connections as soon as they open; `refuse(False)` takes them again."""
        self._refusing = refuse

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._server is None:  # stopped meanwhile
            _end(writer, reset=True)
            return
        # A task of our own: asyncio logs an error for one of its that is cancelled.
        task = asyncio.create_task(self._link(reader, writer), name="tcp proxy")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _link(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._refusing:
            _end(writer, reset=True)
            return
        try:
            upstream_reader, upstream_writer = await asyncio.open_connection(self.host, self.target_port)
        except OSError:
            _end(writer, reset=True)
            return
        except asyncio.CancelledError:  # stopped meanwhile
            _end(writer, reset=True)
            raise
        task = asyncio.current_task()
        assert task is not None
        link = _Link(writer, upstream_writer, task)
        self._links.add(link)
        try:
            async with asyncio.TaskGroup() as group:
                for source, sink, way in ((reader, upstream_writer, "up"), (upstream_reader, writer, "down")):
                    queue: _Queue = asyncio.Queue(_IN_FLIGHT)
                    group.create_task(self._take(source, queue, way))
                    group.create_task(self._give(queue, sink, way))
        except* OSError:
            link.end(reset=True)
        finally:
            self._links.discard(link)
            link.end(reset=False)

    async def _take(self, source: asyncio.StreamReader, queue: _Queue, way: str) -> None:
        """Read one direction of a link until its end, which counts as an empty chunk."""
        chunk = b"-"
        while chunk:
            chunk = await source.read(_CHUNK)
            await queue.put((asyncio.get_running_loop().time() + self._delays[way], chunk))

    async def _give(self, queue: _Queue, sink: asyncio.StreamWriter, way: str) -> None:
        """Write one direction of a link, each chunk when it is due and the way is open."""
        while True:
            due, chunk = await queue.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            await self._gates[way].wait()
            if not chunk:
                sink.write_eof()
                return
            sink.write(chunk)
            await sink.drain()


class _Link:
    """One client's connection and the one that it was given to the server."""

    _count = 0

    def __init__(self, client: asyncio.StreamWriter, server: asyncio.StreamWriter, task: asyncio.Task[None]) -> None:
        _Link._count += 1
        self.number = _Link._count
        self.task = task
        self._sides = (client, server)

    def end(self, *, reset: bool) -> None:
        for side in self._sides:
            _end(side, reset=reset)


def _end(writer: asyncio.StreamWriter, *, reset: bool) -> None:
    transport = writer.transport
    if reset and not transport.is_closing():
        raw = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    else:
        transport.close()


def _ways(direction: Direction) -> tuple[str, ...]:
    return ("up", "down") if direction == "both" else (direction,)


class StartProxy:
    """What the fixture `tcp_proxy` is: call it to start a proxy."""

    def __init__(self) -> None:
        self._proxies: list[TcpProxy] = []

    async def __call__(self, url: str) -> TcpProxy:
        """Start a proxy in front of a server.

        Args:
            url: the server's, `http://host:port` or `ws://host:port/ws`.
        """
        host, _, port = url.partition("://")[2].partition("/")[0].rpartition(":")
        proxy = TcpProxy(host, int(port))
        await proxy.start()
        self._proxies.append(proxy)
        return proxy

    async def stop_all(self) -> None:
        """Stop every proxy that was started."""
        for proxy in self._proxies:
            await proxy.stop()
