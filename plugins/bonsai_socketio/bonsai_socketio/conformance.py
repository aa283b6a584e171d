"""A server for the protocol's official test suites: `python -m bonsai_socketio.conformance`.

It has the echo handlers that those suites ask for: Engine.IO messages come back under `/engine.io/`; under
`/socket.io/` the namespaces `/` and `/custom` are claimed by a plugin that sends back what comes. Recovery is off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from bonsai_core import Plugin, hookimpl
from bonsai_core.testing import StartServer
from bonsai_core.transport import Gate, Message
from bonsai_socketio.engine.routes import EngineRoutes
from bonsai_socketio.engine.wire import EngineWire
from bonsai_socketio.namespaces import Peer
from bonsai_socketio.plugin import SocketIo
from bonsai_socketio.settings import SocketIoSettings

if TYPE_CHECKING:
    from bonsai_core import App
    from bonsai_core.connection import Connection

#: What the suites expect.
PING_INTERVAL_MS, PING_TIMEOUT_MS, CONNECT_TIMEOUT_MS, MAX_PAYLOAD = 300, 200, 1500, 1_000_000


class EchoWire(EngineWire):
    """Sends back every Engine.IO message."""

    def opened(self, connection: Connection) -> None:
        connection.guest = True

    def message_in(self, gate: Gate, connection: Connection, packet: bytes) -> None:
        connection.write(self.text(packet))

    def binary_in(self, gate: Gate, connection: Connection, data: bytes) -> None:
        connection.write(self.carrier.binary(data))

    # There is no session that would say anything.

    def ack(self, reply: int, data: bytes, ts: int, number: int) -> bytes:
        raise NotImplementedError

    def error(self, reply: int | None, data: bytes, ts: int) -> bytes:
        raise NotImplementedError

    def event(self, event: str, data: bytes, ts: int) -> bytes:
        raise NotImplementedError

    def message(self, message: Message, epoch: str) -> bytes:
        raise NotImplementedError


class EchoClients:
    """Looks after the namespaces: tells each client its auth, and sends back its messages."""

    async def connect(self, peer: Peer, auth: dict[str, Any]) -> None:
        peer.emit("auth", auth)

    async def event(self, peer: Peer, name: str, arguments: list[Any]) -> Sequence[Any] | None:
        if name == "message":
            peer.emit("message-back", *arguments)
        return arguments if name == "message-with-ack" else None

    async def disconnect(self, peer: Peer) -> None:
        """Nothing is kept of anybody."""


class Echo(Plugin):
    """Claims `/` and `/custom`, and serves Engine.IO without Socket.IO."""

    name = "echo"

    @hookimpl
    def claim_namespace(self, namespace: str) -> EchoClients | None:
        return EchoClients() if namespace in ("/", "/custom") else None

    @hookimpl
    def add_routes(self, app: App) -> None:
        EngineRoutes(app, "/engine.io/", EchoWire, max_payload=MAX_PAYLOAD).add()


async def serve(start: StartServer, port: int) -> str:
    """Start the server and return where it answers."""
    settings = SocketIoSettings(max_payload_bytes=MAX_PAYLOAD, recovery=False)
    server = await start(
        plugins=[SocketIo(settings), Echo()],
        websocket_port=port,
        heartbeat_interval_ms=PING_INTERVAL_MS,
        heartbeat_timeout_ms=PING_TIMEOUT_MS,
        join_timeout_ms=CONNECT_TIMEOUT_MS,
        pings_per_minute=100_000,
    )
    return server.url


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", default=3000, show_default=True, help="The port that the suites talk to.")
def main(port: int) -> None:
    """Serve what the official Engine.IO and Socket.IO test suites talk to, until interrupted."""

    async def run() -> None:
        start = StartServer()
        try:
            click.echo(f"listening on {await serve(start, port)}; end it with Ctrl+C")
            await asyncio.Event().wait()
        finally:
            await start.stop_all()

    try:
        asyncio.run(run())
    except KeyboardInterrupt:
        pass
    except OSError as error:
        raise click.ClickException(str(error)) from None


if __name__ == "__main__":
    main()
