"""Reads a streamed chat completion (server-sent events) as pieces of text, within deadlines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from aiohttp import StreamReader

MAX_LINE_BYTES = 1 << 16

Reason = Literal[
    "off", "budget", "busy", "resting", "unreachable", "timeout", "refused", "malformed", "too_long", "filtered"
]


class AiUnavailable(Exception):
    """The AI service gives no answer, so the built-in coach speaks.

    Attributes:
        reason: `off` (not set up), `budget` (used up for today), `busy`, `resting` (it failed too often),
            `unreachable`, `timeout`, `refused` (an HTTP error), `malformed`, `too_long` or `filtered` (by the
            endpoint).
        status: the HTTP status of a refusal.
    """

    def __init__(self, reason: Reason, status: int | None = None) -> None:
        super().__init__(reason if status is None else f"{reason} ({status})")
        self.reason: Reason = reason
        self.status = status


async def deltas(content: StreamReader, first_by: float, end_by: float) -> AsyncGenerator[str, None]:
    """The pieces of text of one streamed answer, until it is complete.

    Args:
        first_by, end_by: when the first piece, and all of them, must be there, on the loop's clock.

    Raises:
        AiUnavailable: `timeout`, `malformed`, `too_long` (the model was cut off) or `filtered`.
    """
    begun = finished = False
    data: list[bytes] = []
    while True:
        line = await _line(content, end_by if begun else min(first_by, end_by))
        if line.rstrip(b"\r\n"):
            field, _, value = line.rstrip(b"\r\n").partition(b":")
            if field == b"data":
                data.append(value.removeprefix(b" "))
            continue
        # An empty line ends an event; nothing at all is the end of the stream.
        event, data = b"\n".join(data), []
        if event == b"[DONE]" or (not line and not event and finished):
            return
        if not event:
            if not line:
                raise AiUnavailable("malformed")
            continue
        piece, ending = _read(event)
        if piece:
            begun = True
            yield piece
        if ending in ("length", "content_filter"):
            raise AiUnavailable("too_long" if ending == "length" else "filtered")
        finished = finished or ending is not None


async def _line(content: StreamReader, by: float) -> bytes:
    from aiohttp.http import HttpProcessingError

    try:
        async with asyncio.timeout_at(by):
            return await content.readline(max_line_length=MAX_LINE_BYTES)
    except HttpProcessingError:  # the line is too long, or its chunk is none
        raise AiUnavailable("malformed") from None


def _read(event: bytes) -> tuple[str, str | None]:
    """The text of one event, and why the answer ends there, if it does."""
    try:
        document: Any = json.loads(event)
        choices = document["choices"]
        if not choices:  # some endpoints report usage like this
            return "", None
        choice = choices[0]
        piece, ending = choice.get("delta", {}).get("content"), choice.get("finish_reason")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise AiUnavailable("malformed") from None
    if not isinstance(piece, str | None) or not isinstance(ending, str | None):
        raise AiUnavailable("malformed")
    return piece or "", ending
