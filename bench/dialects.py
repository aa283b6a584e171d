"""How each kind of server is spoken to: paths, the script of joining, requests and the answers to look for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from bench.work import SECRET
from bonsai_core import mint_token


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a socket's start: wait for a text that begins with `expect`, then send `send` (each may be empty)."""

    expect: bytes
    send: bytes = b""


class Dialect(ABC):
    """A protocol over WebSocket text messages."""

    #: Request target of the handshake, and the subprotocol to offer.
    path: str
    subprotocol = ""
    #: Text that must be answered at once with another, to keep the connection; empty: there is none.
    ping: tuple[bytes, bytes] = (b"", b"")
    #: How a message to the room begins.
    said: bytes
    #: How an answer to a request begins.
    ack: bytes

    @abstractmethod
    def join(self, user: str) -> list[Step]:
        """What it takes after the handshake until this user is in."""

    @abstractmethod
    def request(self, id: int, event: str, data: bytes) -> bytes:
        """A request that is answered."""

    @abstractmethod
    def answer(self, id: int) -> bytes:
        """How the good answer to request `id` begins."""

    @property
    def publisher(self) -> Dialect:
        """How those speak who say something to the room."""
        return self

    def enter(self) -> list[Step]:
        """What it takes after `join` to be in the shared room; uses id 1."""
        return [Step(b"", self.request(1, "bench:enter", b"{}")), Step(self.answer(1))]


class Plain(Dialect):
    """Frames of `bonsai.v1` without joining: plain aiohttp."""

    path = "/ws"
    said = b'{"event":"bench:said"'
    ack = b'{"event":"ack"'

    def join(self, user: str) -> list[Step]:
        return []

    def request(self, id: int, event: str, data: bytes) -> bytes:
        return b'{"event":"%b","id":%d,"data":%b}' % (event.encode(), id, data)

    def answer(self, id: int) -> bytes:
        return b'{"event":"ack","id":%d,' % id


class Native(Plain):
    """`bonsai.v1`: our server."""

    subprotocol = "bonsai.v1"

    def join(self, user: str) -> list[Step]:
        join = '{"event":"user:connect","data":{"token":"%s","sessionId":"s-%s","clientId":"c-%s"}}'
        token = mint_token(SECRET, user=user)
        return [Step(b"", (join % (token, user, user)).encode()), Step(b'{"event":"user:joined"')]


class SocketIo(Dialect):
    """Engine.IO 4 with Socket.IO 5 in it: packet types 0 open, 2 ping, 3 pong, 4 message; 0 connect, 2 event, 3 ack."""

    path = "/socket.io/?EIO=4&transport=websocket"
    ping = (b"2", b"3")
    said = b'42["bench:said"'
    ack = b"43"

    def join(self, user: str) -> list[Step]:
        return [Step(b"0{", b'40{"token":"%b"}' % mint_token(SECRET, user=user).encode()), Step(b"40{")]

    def request(self, id: int, event: str, data: bytes) -> bytes:
        return b'42%d["%b",%b]' % (id, event.encode(), data)

    def answer(self, id: int) -> bytes:
        return b"43%d[" % id


class Nchan(Dialect):
    """nchan's plain WebSockets: who opens one is in the room; what a publisher writes is what subscribers read."""

    path = "/sub"
    said = b'{"from":'
    ack = b""

    @property
    def publisher(self) -> Dialect:
        return NchanPublisher()

    def join(self, user: str) -> list[Step]:
        return []

    def request(self, id: int, event: str, data: bytes) -> bytes:
        return data

    def answer(self, id: int) -> bytes:
        return b""

    def enter(self) -> list[Step]:
        return []


class NchanPublisher(Nchan):
    """The other side of the room."""

    path = "/pub"
