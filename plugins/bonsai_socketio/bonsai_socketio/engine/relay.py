"""Polling requests that reach another node than the one that has the session: carried there and back through the store.

So a load balancer needs no sticky sessions where nodes share a Redis. A session's id names its node.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from bonsai_core import App

#: Largest body that is carried, in bytes; a larger one needs a request to the session's own node.
MAX_CARRIED = 1 << 20
TOPIC = "socketio"


class Asked(msgspec.Struct, tag="ask"):
    """A request for a node's session.

    Attributes:
        number: names it at the node that asks.
        node: which asks.
    """

    number: int
    node: str
    sid: str
    method: str
    body: bytes


class Answered(msgspec.Struct, tag="answer"):
    """What the session's node answers: an HTTP status, a body, and for an error its code (`Flaw`)."""

    number: int
    status: int
    body: bytes
    flaw: int = -1


class Lost(msgspec.Struct, tag="lost"):
    """The client will never read what it was answered: its session is over."""

    sid: str


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Asked | Answered | Lost).decode


class NoAnswer(Exception):
    """The session's node is gone, or does not answer."""


class Relay:
    """This node's end.

    Args:
        serve: answers a request for a session of this node.
        lose: ends a session of this node.
    """

    def __init__(self, app: App, serve: Callable[[Asked], Awaitable[Answered]], lose: Callable[[str], None]) -> None:
        self._app = app
        self._serve = serve
        self._lose = lose
        self._numbers = itertools.count()
        self._asked: dict[int, asyncio.Future[Answered]] = {}
        #: Empty where there are no other nodes.
        self.node = app.settings.node_id if app.store.shared else ""

    def start(self) -> None:
        """Begin to listen to other nodes, if there can be some."""
        if self.node:
            self._app.on_told(TOPIC, self._told)

    def mark(self, sid: str) -> str:
        """A session's id that names this node."""
        return f"{sid}.{self.node}" if self.node else sid

    def node_of(self, sid: str) -> str:
        """The other node that has a session; empty when there is none."""
        node = sid.partition(".")[2]
        return node if self.node and node != self.node else ""

    async def carry(self, sid: str, method: str, body: bytes, timeout: float) -> Answered:
        """Have a request answered by the node that has its session.

        Args:
            timeout: seconds.

        Raises:
            NoAnswer: it is gone, or does not answer in time.
            StoreUnavailable: the store is away.
        """
        number = next(self._numbers)
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            if not await self._tell(self.node_of(sid), Asked(number, self.node, sid, method, body)):
                raise NoAnswer
            async with asyncio.timeout(timeout):
                return await answer
        except TimeoutError:
            raise NoAnswer from None
        finally:
            del self._asked[number]

    async def lost(self, sid: str) -> None:
        """Tell the session's node that an answer of it was lost."""
        _ = await self._tell(self.node_of(sid), Lost(sid))

    async def _tell(self, node: str, message: Asked | Answered | Lost) -> bool:
        return await self._app.tell_node(node, TOPIC, _encode(message))

    def _told(self, data: bytes) -> None:
        message = _decode(data)
        if isinstance(message, Asked):
            _ = self._app.create_task(self._answer(message), name="answer another node")
        elif isinstance(message, Lost):
            self._lose(message.sid)
        elif (waiting := self._asked.get(message.number)) is not None and not waiting.done():
            waiting.set_result(message)

    async def _answer(self, asked: Asked) -> None:
        answer = await self._serve(asked)
        if not await self._tell(asked.node, answer) and asked.method == "GET":
            self._lose(asked.sid)  # what was to be read is lost
