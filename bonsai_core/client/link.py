"""One WebSocket connection over aiohttp: open it, read frames, write, close within a deadline, abort.

It knows nothing of queues or rooms. aiohttp's traps (3.14) are dealt with here: a cancelled send poisons the
connection, so sends are never cancelled before the transport is aborted; `close()` can hang, so it has a deadline
and then an abort; an end of the stream without a close frame is reported as 1000, so only close frames are believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from typing import cast

import aiohttp

from bonsai_core.client.frames import ServerFrame, decode_binary, decode_text
from bonsai_core.protocol import SUBPROTOCOL, CloseCode

#: Largest message taken from a server, in bytes.
MAX_MESSAGE_BYTES = 16 * 1024 * 1024
#: No close frame came (RFC 6455 section 7.1.5).
ABNORMAL = 1006


class LinkClosed(Exception):
    """The connection ended.

    Args:
        code: the close code; 1006 when there was none.
        reason: the server's reason, or what happened.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(f"{code} {reason}".strip())
        self.code = code
        self.reason = reason


class LinkRefused(Exception):
    """The server answered the handshake with an HTTP status.

    Args:
        status: the status; 0 when it accepted but does not speak our subprotocol.
        retry_after: its `Retry-After` header.
    """

    def __init__(self, status: int, retry_after: str | None = None) -> None:
        super().__init__(f"HTTP {status}")
        self.status = status
        self.retry_after = retry_after


class BadFrame(Exception):
    """The server sent something that is no frame."""


class Link:
    """An open connection. Make one with `open`."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse[bool]) -> None:
        self._ws = ws
        # The public API has no way to the transport, and `close()` flushes: only abort() frees a blocked send.
        connection = ws._response.connection
        self._transport = connection.transport if connection is not None else None
        #: When the last message arrived, in monotonic seconds.
        self.last_received = time.monotonic()

    @classmethod
    async def open(cls, session: aiohttp.ClientSession, url: str, *, timeout: float) -> Link:
        """Connect within `timeout` seconds.

        Raises:
            LinkRefused: an HTTP status instead of a WebSocket, or another subprotocol.
            LinkClosed: no connection, with the cause as its reason.
        """
        try:
            async with asyncio.timeout(timeout):
                ws = await session.ws_connect(
                    url,
                    protocols=(SUBPROTOCOL,),
                    timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
                    autoclose=False,
                    autoping=True,
                    compress=0,
                    max_msg_size=MAX_MESSAGE_BYTES,
                    decode_text=False,
                )
        except aiohttp.WSServerHandshakeError as error:
            retry_after = error.headers.get("Retry-After") if error.headers is not None else None
            raise LinkRefused(error.status, retry_after) from None
        except TimeoutError:
            raise LinkClosed(ABNORMAL, f"no connection within {timeout:g} s") from None
        except (aiohttp.ClientError, OSError) as error:
            raise LinkClosed(ABNORMAL, cause(error)) from None
        link = cls(ws)
        if ws.protocol != SUBPROTOCOL:
            await link.close(CloseCode.PROTOCOL_ERROR)
            raise LinkRefused(0)
        return link

    async def receive(self) -> list[tuple[ServerFrame, bytes | None]]:
        """The frames of the next message, each with its attachment.

        Raises:
            LinkClosed: the connection ended.
            BadFrame: the message is none of the protocol's.
        """
        try:
            message = await self._ws.receive()
        except (aiohttp.ClientError, OSError) as error:  # it answers pings and goodbyes, which may meet a closed socket
            raise LinkClosed(ABNORMAL, cause(error)) from None
        self.last_received = time.monotonic()
        kind = message.type
        try:
            if kind is aiohttp.WSMsgType.TEXT:
                return [(frame, None) for frame in decode_text(cast(bytes, message.data))]
            if kind is aiohttp.WSMsgType.BINARY:
                return [decode_binary(cast(bytes, message.data))]
        except ValueError as error:
            raise BadFrame(str(error)) from None
        if kind is aiohttp.WSMsgType.CLOSE:
            raise LinkClosed(int(message.data or 1005), str(message.extra or ""))
        if kind is aiohttp.WSMsgType.ERROR:
            raise BadFrame(f"the WebSocket stream is broken: {type(message.data).__name__}")
        raise LinkClosed(ABNORMAL, "the connection was lost")

    async def send(self, payload: bytes, *, binary: bool = False) -> None:
        """Write one message; waits while the peer reads too slowly.

        Raises:
            LinkClosed: the connection ended.
        """
        try:
            await self._ws.send_frame(payload, aiohttp.WSMsgType.BINARY if binary else aiohttp.WSMsgType.TEXT)
        except (aiohttp.ClientError, OSError) as error:
            raise LinkClosed(ABNORMAL, cause(error)) from None

    async def close(self, code: int = CloseCode.NORMAL, reason: str = "", *, timeout: float = 2.0) -> None:
        """Close in order within `timeout` seconds, or abort. Safe to call twice."""
        try:
            async with asyncio.timeout(timeout):
                await self._ws.close(code=code, message=reason.encode()[:123])
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass
        finally:
            self.abort()

    def abort(self) -> None:
        """Drop the connection at once; a blocked `send` and a waiting `receive` end."""
        if self._transport is not None:
            with contextlib.suppress(Exception):
                self._transport.abort()


def cause(error: Exception) -> str:
    """What went wrong, in the system's words where it was the system."""
    number = getattr(error, "errno", None)
    return os.strerror(number) if isinstance(number, int) and number > 0 else str(error) or type(error).__name__
