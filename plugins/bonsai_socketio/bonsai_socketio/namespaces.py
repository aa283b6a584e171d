"""Namespaces that plugins look after: events as they came, acks both ways, no session."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from bonsai_socketio.packets import Type, encode

#: Packets of ours whose acks one client may owe.
MAX_OWED = 1000


class Namespace(Protocol):
    """What a plugin that claims a namespace provides. A method that raises `Refused` refuses.

    Calls for one client come one after another; each has the core's deadline for handlers.
    """

    async def connect(self, peer: Peer, auth: dict[str, Any]) -> None:
        """A client connects; it is in when this returns. What is emitted to it meanwhile follows the answer."""

    async def event(self, peer: Peer, name: str, arguments: list[Any]) -> Sequence[Any] | None:
        """An event has come.

        Args:
            arguments: plain data, binary as bytes.

        Returns:
            The ack's arguments; None for an empty ack.
        """

    async def disconnect(self, peer: Peer) -> None:
        """A client that was in has left, or its connection is over."""


class Peer:
    """One client in one namespace.

    Attributes:
        id: its own for this connection.
        namespace: the name.
        address: the client's address.
    """

    def __init__(self, namespace: str, address: str, send: Callable[[bytes, list[bytes]], None]) -> None:
        self.id = secrets.token_urlsafe(15)
        self.namespace = namespace
        self.address = address
        self._send = send
        self._numbers = itertools.count()
        self._owed: dict[int, asyncio.Future[list[Any]]] = {}
        #: What waits until the client is in.
        self._early: list[tuple[bytes, list[bytes]]] | None = []

    def emit(self, event: str, *arguments: Any) -> None:
        """Send an event. Bytes in the arguments become attachments."""
        self._put(*encode(Type.EVENT, self.namespace, [event, *arguments]))

    async def call(self, event: str, *arguments: Any, timeout: float) -> list[Any]:
        """Send an event and wait for the client's ack; returns the ack's arguments.

        Args:
            timeout: seconds.

        Raises:
            TimeoutError: no ack came in time.
            ConnectionError: the client has left, or owes too many acks.
        """
        if len(self._owed) >= MAX_OWED:
            raise ConnectionError("the client owes too many acks")
        number = next(self._numbers)
        waiting: asyncio.Future[list[Any]] = asyncio.get_running_loop().create_future()
        self._owed[number] = waiting
        self._put(*encode(Type.EVENT, self.namespace, [event, *arguments], number))
        try:
            async with asyncio.timeout(timeout):
                return await waiting
        finally:
            self._owed.pop(number, None)

    # For the gateway

    def enter(self) -> None:
        """The client was told that it is in: what waited for that follows."""
        early, self._early = self._early or [], None
        for packet, blobs in early:
            self._send(packet, blobs)

    def acked(self, number: int, arguments: list[Any]) -> None:
        """The client's ack has come; one that nobody waits for is ignored."""
        waiting = self._owed.pop(number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(arguments)

    def gone(self) -> None:
        """The client has left."""
        for waiting in self._owed.values():
            if not waiting.done():
                waiting.set_exception(ConnectionError("the client has left"))
        self._owed.clear()

    def _put(self, packet: bytes, blobs: list[bytes]) -> None:
        if self._early is not None:
            self._early.append((packet, blobs))
        else:
            self._send(packet, blobs)
