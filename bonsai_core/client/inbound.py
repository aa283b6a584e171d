"""Each frame that arrives: answers settle messages, room messages pass the order check, then all are delivered."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from bonsai_core.client.backoff import Pacer, retry_delay
from bonsai_core.client.dispatch import Dispatcher
from bonsai_core.client.durable import Journal
from bonsai_core.client.errors import ClientClosed, ClientError, ServerError
from bonsai_core.client.frames import Joined, Message, ServerFrame, encode_frame
from bonsai_core.client.options import RateLimit
from bonsai_core.client.queue import Pending, PendingQueue
from bonsai_core.client.resume import Decision, Positions
from bonsai_core.client.sender import Sender
from bonsai_core.protocol import ErrorCode

log = logging.getLogger("bonsai_core.client")

#: Errors that pass: the message is sent again, under the same id.
RETRIED = frozenset(
    {ErrorCode.OVERLOADED, ErrorCode.RATE_LIMITED, ErrorCode.PLUGIN_UNAVAILABLE, ErrorCode.HANDLER_TIMEOUT}
)


class OutOfStep(Exception):
    """A room's message is missing, or its log changed under us: only a new join can tell what happened."""


class Inbound:
    """Takes the frames of all connections, one after another.

    Args:
        queue: the messages without an answer.
        positions: how far each room was received.
        pacer: how fast messages leave; learns of `rate_limited`.
        follow_limits: also give it the limits that the server announces.
        dispatcher: delivers to handlers.
        journal: the durable file, if any.
        keep_positions: whether to keep positions there.
        clock: the loop's time, in seconds.
        wake: called when there may be something to write.
    """

    def __init__(
        self,
        *,
        queue: PendingQueue,
        positions: Positions,
        pacer: Pacer,
        follow_limits: bool,
        dispatcher: Dispatcher,
        journal: Journal | None,
        keep_positions: bool,
        clock: Callable[[], float],
        wake: Callable[[], None],
    ) -> None:
        self._queue = queue
        self._positions = positions
        self._pacer = pacer
        self._follow_limits = follow_limits
        self._dispatcher = dispatcher
        self._journal = journal
        self._keep_positions = keep_positions and journal is not None
        self._clock = clock
        self._wake = wake
        #: The requests that wait for an answer, by id.
        self.requests: dict[int, asyncio.Future[Any]] = {}
        self._direct: set[int] = set()
        #: Set while every message has its final answer.
        self.settled = asyncio.Event()
        self.refresh_settled()
        self.offer = positions.offer
        self.broke = positions.broke

    def refresh_settled(self) -> None:
        """The queue changed."""
        if len(self._queue):
            self.settled.clear()
        else:
            self.settled.set()

    def joined(self, joined: Joined) -> None:
        """A new connection begins."""
        for room in self._positions.joined(joined.rooms):
            log.info("%s could not be recovered: its full state follows", room)
        if self._journal is not None:
            for name, value in (
                ("user_id", joined.user_id),
                ("session_id", joined.session_id),
                ("device_id", joined.device_id),
            ):
                if value:
                    self._journal.set_fact(name, value)
        requests, window = joined.limit("maxRequests"), joined.limit("windowMs")
        if self._follow_limits and requests is not None and requests >= 0 and window is not None and window > 0:
            self._pacer.change(RateLimit(requests, window), self._clock())
        self._wake()

    def take(self, frame: ServerFrame, attachment: bytes | None) -> None:
        """Act on one frame.

        Raises:
            OutOfStep: it shows that a room message is missing. The frame is not delivered.
        """
        if frame.event == "ack" and frame.id is not None:
            self._settle(frame.id, Message("ack", frame.data, ts=_ts(frame), id=frame.id), None)
        elif frame.event == "error" and frame.id is not None:
            self._refused(frame.id, frame)
        else:
            self._deliver(frame, attachment)

    async def ask_directly(self, event: str, data: Any, sender: Sender) -> Any:
        """Send a message past the queue, on this connection only, and return the data of its ack.

        Raises:
            ServerError: the server refused it.
            ClientClosed: the connection or the client ended before the answer.
        """
        id = self._queue.skip_id()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.requests[id] = future
        self._direct.add(id)
        try:
            sender.control(encode_frame(event, data, id), f"{event}#{id}")
            self._wake()
            return await future
        finally:
            self.requests.pop(id, None)
            self._direct.discard(id)

    def disconnected(self) -> None:
        """The connection is gone."""
        self._queue.disconnected()
        for id in list(self._direct):
            future = self.requests.pop(id, None)
            if future is not None and not future.done():
                future.set_exception(ClientClosed("the connection was lost"))

    def fail(self, pending: Pending, error: ServerError) -> None:
        """Give a message its final answer from here."""
        data = {"code": error.code, "message": error.message}
        self._settle(pending.id, Message("error", data, ts=int(time.time() * 1000), id=pending.id), error)

    def give_up_on(self, pending: Pending) -> None:
        """A message was refused until the ids sent since left no room for more: its last refusal is its answer."""
        self.fail(
            pending, ServerError(pending.refusal, f"{pending.event} was refused {pending.refusals} times in a row")
        )

    def too_large(self, pending: Pending, limit: int) -> None:
        """The server would close the connection over this message: it is not sent."""
        self.fail(
            pending,
            ServerError(ErrorCode.TOO_LARGE, f"{pending.event} is larger than the server's limit of {limit} bytes"),
        )

    def give_up(self, id: int) -> Pending | None:
        """Nobody wants this message's answer any more: it is not sent again."""
        pending = self._queue.answered(id)
        self.requests.pop(id, None)
        self.refresh_settled()
        self._wake()
        return pending

    def closed(self, failure: ClientError) -> None:
        """No answer will come."""
        for future in self.requests.values():
            if not future.done():
                future.set_exception(failure)
        self.requests.clear()

    def _refused(self, id: int, frame: ServerFrame) -> None:
        error = ServerError.from_data(frame.data)
        pending = self._queue.get(id)
        if error.code in RETRIED and pending is not None:
            now = self._clock()
            due = now + retry_delay(pending.refusals, error.retry_after_ms)
            if error.code == ErrorCode.RATE_LIMITED and error.retry_after_ms is not None:
                self._pacer.hold(now + error.retry_after_ms / 1000)
            elif isinstance(error.details, dict) and error.details.get("reason") == "storage":
                # Nothing can be stored: all wait together, so that they go out again in the order of their ids.
                due = max(due, self._pacer.hold(due))
            self._queue.delay(id, due, error.code)
            self._wake()
            return
        self._settle(id, Message("error", frame.data, ts=_ts(frame), id=id), error)

    def _settle(self, id: int, message: Message, error: ServerError | None) -> None:
        pending = self._queue.answered(id)
        future = self.requests.pop(id, None)
        if future is not None:
            if future.done():
                pass
            elif error is not None:
                future.set_exception(error)
            else:
                future.set_result(message.data)
        elif pending is None:
            return  # answered before: a resend was acknowledged twice
        elif error is not None:
            if not self._dispatcher.has("error"):
                log.warning("%s (id %d) was refused: %s", pending.event, id, error.code)
            self._dispatcher.put(message)
        elif self._dispatcher.has_exactly("ack"):
            self._dispatcher.put(message)
        self.refresh_settled()
        self._wake()

    def _deliver(self, frame: ServerFrame, attachment: bytes | None) -> None:
        done: Callable[[], None] | None = None
        room, offset = frame.room, frame.offset or None
        if room is not None and offset is not None:
            position = self._positions.get(room)
            if position is not None and position.epoch and frame.epoch not in (None, position.epoch):
                raise OutOfStep(f"the log of {room} changed its epoch")
            decision = self._positions.decide(room, offset)
            if decision is Decision.DUPLICATE:
                return
            if decision is Decision.GAP:
                raise OutOfStep(f"a message of {room} is missing before offset {offset}")
            position = self._positions.get(room)
            if self._keep_positions and self._journal is not None and position is not None and position.epoch:
                done = partial(self._journal.set_position, room, position)
        elif frame.event == "user:joined" and self._keep_positions and self._journal is not None:
            known = {room: position for room, position in self._positions.rooms.items() if position.epoch}
            done = partial(self._journal.set_positions, known)
        elif frame.event == "room:joined":
            known_room = self._positions.room_joined(frame.data)
            if known_room is not None and self._keep_positions and self._journal is not None and known_room[1].epoch:
                done = partial(self._journal.set_position, *known_room)
        elif frame.event == "room:left":
            self._positions.room_left(frame.data)
        self._dispatcher.put(Message(frame.event, frame.data, room, offset, _ts(frame), frame.id, attachment), done)


def _ts(frame: ServerFrame) -> int | None:
    return None if frame.ts is None else int(frame.ts)
