"""Bounds what a socket may send before it has joined. Sans-I/O.

The frame reader holds a message back until it is complete, so whoever opens sockets without a token could make it
keep an attachment's size for each. Until the join this guard reads along, headers only, and stops a message that is
too long before its bytes are kept. It costs nothing afterwards: it is taken out of the way.
"""

from __future__ import annotations

from bonsai_core.protocol import CloseCode

_LONGEST_HEADER = 14


class FrameError(Exception):
    """What a peer sent must end its connection with `close`."""

    def __init__(self, close: CloseCode, message: str) -> None:
        super().__init__(message)
        self.close = close
        self.message = message


class JoinGuard:
    """Follows the frames of one socket (RFC 6455 section 5.2) without keeping them.

    Args:
        first: largest first message, in bytes: the one that joins.
        later: largest message after it; a client may send on before it is told that it has joined.
    """

    __slots__ = ("_head", "_later", "_limit", "_message", "_skip")

    def __init__(self, first: int, later: int) -> None:
        self._limit = first
        self._later = later
        #: A header of which not all bytes have come.
        self._head = b""
        #: Bytes of the current frame's payload that are still to come.
        self._skip = 0
        #: Bytes of the current message so far, over all its fragments.
        self._message = 0

    def follow(self, data: bytes) -> None:
        """Look at bytes that have come.

        Raises:
            FrameError: a message is too long (1009), or a frame not masked as clients must (1002).
        """
        at = 0
        while True:
            step = min(self._skip, len(data) - at)
            self._skip -= step
            at += step
            if at == len(data):
                return
            head = self._head + data[at : at + _LONGEST_HEADER - len(self._head)]
            length = self._read(head)
            if length is None:
                self._head = head
                return
            at += length - len(self._head)
            self._head = b""

    def _read(self, head: bytes) -> int | None:
        """Take a frame's header in; returns its length, or None when it is not complete."""
        if len(head) < 2:
            return None
        flag = head[1] & 0x7F
        extended = {126: 2, 127: 8}.get(flag, 0)
        if not head[1] & 0x80:
            raise FrameError(CloseCode.PROTOCOL_ERROR, "a client masks its frames")
        if len(head) < 6 + extended:
            return None
        payload = int.from_bytes(head[2 : 2 + extended], "big") if extended else flag
        self._skip = payload
        if not head[0] & 0x08:  # a control frame may come between the fragments of a message
            self._message += payload
            if self._message > self._limit:
                raise FrameError(CloseCode.TOO_BIG, f"before joining a message is limited to {self._limit} bytes")
            if head[0] & 0x80:
                self._message = 0
                self._limit = self._later
        return 6 + extended
