"""Delivery: handlers and `async for` get every message in the order it arrived, one after another.

Delivery has a task and a queue of its own, apart from the one that reads the socket: a handler may await the answer
to a request, and that answer must be read meanwhile.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import logging
import traceback
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any
from weakref import WeakSet

from bonsai_core.client.errors import ClientError
from bonsai_core.client.frames import Message

log = logging.getLogger("bonsai_core.client")

Handler = Callable[[Message], Awaitable[Any] | Any]

#: Undelivered messages at which the socket is no longer read.
BACKLOG = 1000


class MessageStream(AsyncIterator[Message]):
    """`async for message in client.messages()`: what is delivered from its making on.

    It ends when the client closes, and raises the client's failure when the server refused it for good. Dropping
    the iterator drops what it has not given out.
    """

    def __init__(self, progress: Callable[[], None]) -> None:
        self._buffer: deque[Message] = deque()
        self._arrived = asyncio.Event()
        self._progress = progress
        self._failure: ClientError | None = None
        self._ended = False

    def __len__(self) -> int:
        return len(self._buffer)

    def __hash__(self) -> int:
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __aiter__(self) -> MessageStream:
        return self

    async def __anext__(self) -> Message:
        while not self._buffer:
            if self._ended:
                if self._failure is not None:
                    raise self._failure
                raise StopAsyncIteration
            self._arrived.clear()
            await self._arrived.wait()
        message = self._buffer.popleft()
        self._progress()
        return message

    def put(self, message: Message) -> None:
        """Add a message."""
        self._buffer.append(message)
        self._arrived.set()

    def end(self, failure: ClientError | None) -> None:
        """No message will follow."""
        self._ended = True
        self._failure = failure
        self._arrived.set()


class Dispatcher:
    """Handlers by event name, and the task that calls them."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[tuple[Handler, bool]]] = {}
        self._inbox: deque[tuple[Message | None, Callable[[], None] | None]] = deque()
        self._streams: WeakSet[MessageStream] = WeakSet()
        self._arrived = asyncio.Event()
        self._progressed = asyncio.Event()
        self._open = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._task: asyncio.Task[None] | None = None
        self._stopped = False
        self._left_alone = False
        # Calls that wait for an answer of the server: while there are any, reading goes on whatever the backlog.
        self._waiters = 0

    def on(self, event: str, handler: Handler, *, once: bool = False) -> None:
        """Call `handler` for `event`; `"*"` for every message but acks, pings and pongs."""
        self._handlers.setdefault(event, []).append((handler, once))

    def off(self, event: str, handler: Handler | None = None) -> None:
        """Stop calling `handler`, or every handler of the event."""
        kept = [] if handler is None else [pair for pair in self._handlers.get(event, ()) if pair[0] != handler]
        if kept:
            self._handlers[event] = kept
        else:
            self._handlers.pop(event, None)

    def has(self, event: str) -> bool:
        """Whether anything would get this event, apart from iteration."""
        return bool(self._handlers.get(event) or self._handlers.get("*"))

    def has_exactly(self, event: str) -> bool:
        """Whether a handler asked for this event by its name."""
        return bool(self._handlers.get(event))

    def stream(self) -> MessageStream:
        """A new iterator over messages."""
        stream = MessageStream(self._progressed.set)
        self._streams.add(stream)
        return stream

    def put(self, message: Message | None, done: Callable[[], None] | None = None) -> None:
        """Queue a message for delivery.

        Args:
            message: None to have `done` called in its turn and nothing delivered.
            done: called after the last of its handlers.
        """
        if self._stopped:
            return
        self._inbox.append((message, done))
        self._idle.clear()
        self._arrived.set()

    def start(self) -> None:
        """Start the task. It delivers nothing before `open_soon`."""
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run(), name="bonsai client delivery")

    def open_soon(self) -> None:
        """Deliver once the code that runs now has come to its next await.

        So that `async with Client(...) as client: async for message in client:` misses nothing of the join.
        """
        asyncio.get_running_loop().call_soon(self._open.set)

    @property
    def is_crowded(self) -> bool:
        """Whether the socket should not be read for now: someone is slow, and nobody waits for an answer."""
        return self._waiters == 0 and (
            len(self._inbox) >= BACKLOG or any(len(stream) >= BACKLOG for stream in self._streams)
        )

    async def room(self) -> None:
        """Return when the socket may be read again."""
        while self.is_crowded:
            self._progressed.clear()
            await self._progressed.wait()

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """Within, somebody waits for an answer of the server: the socket is read whatever the backlog."""
        self._waiters += 1
        self._progressed.set()
        try:
            yield
        finally:
            self._waiters -= 1

    async def drained(self) -> None:
        """Return when everything that arrived was delivered; at once when delivery never began."""
        if self._open.is_set():
            await self._idle.wait()

    @property
    def is_current(self) -> bool:
        """Whether the code that runs now was called by a handler."""
        return self._task is not None and asyncio.current_task() is self._task

    def end_streams(self, failure: ClientError | None) -> None:
        """End every `async for`, after what was delivered."""
        for stream in list(self._streams):
            stream.end(failure)

    def stop_after_this(self) -> None:
        """End the task when the handler that runs now returns; what arrived after its message is not delivered."""
        self._stopped = self._left_alone = True
        self._inbox.clear()
        self._idle.set()

    async def stop(self) -> None:
        """End the task for good."""
        self._stopped = True
        self._inbox.clear()
        self._idle.set()
        if self._task is not None and not self._left_alone:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        await self._open.wait()
        while not self._stopped:
            if not self._inbox:
                self._idle.set()
                self._arrived.clear()
                await self._arrived.wait()
                continue
            message, done = self._inbox.popleft()
            if message is not None:
                await self._deliver(message)
            if done is not None:
                done()
            self._progressed.set()

    async def _deliver(self, message: Message) -> None:
        pairs = list(self._handlers.get(message.event, ()))
        if message.event != "ack":
            pairs += self._handlers.get("*", ())
            for stream in list(self._streams):
                stream.put(message)
        for handler, once in pairs:
            if once:
                self._forget_once(message.event, handler)
            try:
                result = handler(message)
                if inspect.isawaitable(result):
                    await result
            except (Exception, asyncio.CancelledError) as error:
                task = asyncio.current_task()
                if isinstance(error, asyncio.CancelledError) and task is not None and task.cancelling():
                    raise  # it is this task that is being ended, not something the handler awaited
                # The traceback without the error's text: that may quote the payload.
                frames = "".join(traceback.format_tb(error.__traceback__)[1:])
                log.error("a handler of %s failed with %s\n%s", message.event, type(error).__name__, frames)

    def _forget_once(self, event: str, handler: Handler) -> None:
        """Forget one `once` registration of this handler."""
        for name in (event, "*"):
            pairs = self._handlers.get(name, [])
            if (handler, True) in pairs:
                pairs.remove((handler, True))
                if not pairs:
                    del self._handlers[name]
                return
