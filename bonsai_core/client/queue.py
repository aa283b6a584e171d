"""The offline queue: messages from `emit` to their answer, with ids, priorities, retries and bounds. Sans-I/O.

A message is in one of three places: ready (to be sent), in flight (sent, not answered) or delayed (refused for now).
A lost connection makes what was in flight ready again, under the ids it had, so that the server recognises it.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, Protocol, get_args

from bonsai_core.client.errors import QueueFull
from bonsai_core.protocol import MAX_ID

Priority = Literal["high", "normal", "low"]
PRIORITIES: tuple[str, ...] = get_args(Priority)

#: How far ahead of the oldest unanswered id another may be sent. The server tells new ids from old ones within a
#: window of 1000; a low-priority message must not fall out of it while newer ones overtake.
SPAN = 900


@dataclass(slots=True)
class Pending:
    """A message that has no final answer yet.

    `frame` is the encoded frame: a resend must have the same content, even if the caller changed the data since.
    """

    id: int
    event: str
    priority: Priority
    frame: bytes
    attachment: bytes | None = None
    refusals: int = 0
    refusal: str = ""  # the latest one's error code
    in_flight: bool = False
    was_sent: bool = False

    @property
    def size(self) -> int:
        """Bytes it holds."""
        return len(self.frame) + (len(self.attachment) if self.attachment is not None else 0)


class Keeper(Protocol):
    """Where messages survive the program: see `durable.Journal`."""

    def add(self, pending: Pending) -> None:
        """Keep a message and its id; raises when it cannot."""

    def remove(self, id: int) -> None:
        """Forget a message that has its final answer."""

    def reserve(self, id: int) -> None:
        """Make sure that ids up to this one are never given again, even after a power loss."""


class PendingQueue:
    """Messages without a final answer, in the order to send them.

    Args:
        max_messages: how many it takes.
        max_bytes: how many bytes they hold together.
        in_flight: how many may be in flight at a time.
        next_id: the first id to give.
        kept: messages of an earlier run, to send again first.
        keeper: told of every change, before it takes effect.
    """

    def __init__(
        self,
        *,
        max_messages: int,
        max_bytes: int,
        in_flight: int,
        next_id: int = 1,
        kept: Iterable[Pending] = (),
        keeper: Keeper | None = None,
    ) -> None:
        self._max_messages = max_messages
        self._max_bytes = max_bytes
        self._max_in_flight = in_flight
        self._keeper = keeper
        # By rising id, so that the first is the oldest; a plain dict gets slow when its head is deleted over and over.
        self._all: OrderedDict[int, Pending] = OrderedDict()
        # One heap of ids per priority, and (due, id) of the delayed. Entries of answered messages are skipped lazily.
        self._ready: dict[str, list[int]] = {priority: [] for priority in PRIORITIES}
        self._delayed: list[tuple[float, int]] = []
        self._bytes = 0
        self._in_flight = 0
        self._next_id = next_id
        for pending in sorted(kept, key=lambda p: p.id):
            pending.was_sent = True  # nobody knows: assume that it may have been
            self._put(pending)
            self._next_id = max(self._next_id, pending.id + 1)

    def __len__(self) -> int:
        return len(self._all)

    def __contains__(self, id: int) -> bool:
        return id in self._all

    @property
    def next_id(self) -> int:
        """The id that the next message gets."""
        return self._next_id

    @property
    def held(self) -> int:
        """What the messages hold together, in bytes."""
        return self._bytes

    @property
    def in_flight(self) -> int:
        """How many messages are sent and not answered."""
        return self._in_flight

    def add(self, event: str, priority: Priority, frame: bytes, attachment: bytes | None = None) -> Pending:
        """Take a message whose `frame` was made with `next_id`.

        Raises:
            QueueFull: it holds too many messages or bytes. Nothing changed.
            ClientError: the keeper cannot keep it. Nothing changed.
        """
        pending = Pending(self._next_id, event, priority, frame, attachment)
        if len(self._all) >= self._max_messages:
            raise QueueFull(
                f"{event} was not queued: {len(self._all)} messages wait for an answer already (Queue.max_messages)"
            )
        if self._bytes + pending.size > self._max_bytes:
            raise QueueFull(
                f"{event} was not queued: its {pending.size} bytes and the {self._bytes} that wait already are more "
                f"than {self._max_bytes} (Queue.max_bytes)"
            )
        if self._next_id > MAX_ID:
            raise QueueFull(f"{event} was not queued: this clientId has used up its ids")
        if self._keeper is not None:
            self._keeper.add(pending)
        self._next_id += 1
        self._put(pending)
        return pending

    def skip_id(self) -> int:
        """Give an id to a message that is not queued."""
        if self._keeper is not None:
            self._keeper.reserve(self._next_id)
        self._next_id += 1
        return self._next_id - 1

    def take(self, now: float, max_bytes: int | None = None) -> Pending | None:
        """The next message to send, which is in flight from now on; None when there is none at the moment.

        Args:
            now: the time, on the clock of `delay`.
            max_bytes: leave it where it is when its frame is larger, or has an attachment.
        """
        self._wake(now)
        if self._in_flight >= self._max_in_flight or not self._all:
            return None
        horizon = next(iter(self._all)) + SPAN
        for heap in self._ready.values():
            while heap and not self._is_ready(heap[0]):
                heapq.heappop(heap)
            if not heap or heap[0] > horizon:
                continue
            pending = self._all[heap[0]]
            if max_bytes is not None and (pending.attachment is not None or len(pending.frame) > max_bytes):
                return None
            heapq.heappop(heap)
            pending.in_flight = pending.was_sent = True
            self._in_flight += 1
            return pending
        return None

    def answered(self, id: int) -> Pending | None:
        """Its final answer came (or nobody wants it any more): forget it. None when it is not known."""
        pending = self._all.get(id)
        if pending is None:
            return None
        if self._keeper is not None:
            self._keeper.remove(id)
        del self._all[id]
        self._bytes -= pending.size
        self._land(pending)
        return pending

    def delay(self, id: int, due: float, refusal: str = "") -> None:
        """It was refused for now, with this error code: send it again at `due`, under the same id."""
        pending = self._all.get(id)
        if pending is not None and pending.in_flight:
            self._land(pending)
            pending.refusals += 1
            pending.refusal = refusal
            heapq.heappush(self._delayed, (due, id))

    def get(self, id: int) -> Pending | None:
        """The message with this id, if it has no final answer yet."""
        return self._all.get(id)

    def blocker(self) -> Pending | None:
        """The oldest message, when it is refused again and again and holds up others that are `SPAN` ids newer."""
        if not self._all:
            return None
        oldest = next(iter(self._all.values()))
        if oldest.in_flight or not oldest.refusals or self._in_flight >= self._max_in_flight:
            return None
        waiting = [heap[0] for heap in self._ready.values() if heap and self._is_ready(heap[0])]
        return oldest if waiting and min(waiting) > oldest.id + SPAN else None

    def disconnected(self) -> None:
        """The connection is gone: everything in flight is to be sent again, oldest first."""
        for pending in self._all.values():
            if pending.in_flight:
                self._land(pending)
                heapq.heappush(self._ready[pending.priority], pending.id)

    def due(self) -> float | None:
        """When the first delayed message is due; None when none is."""
        while self._delayed and self._delayed[0][1] not in self._all:
            heapq.heappop(self._delayed)
        return self._delayed[0][0] if self._delayed else None

    def _put(self, pending: Pending) -> None:
        self._all[pending.id] = pending
        self._bytes += pending.size
        heapq.heappush(self._ready[pending.priority], pending.id)

    def _land(self, pending: Pending) -> None:
        if pending.in_flight:
            pending.in_flight = False
            self._in_flight -= 1

    def _is_ready(self, id: int) -> bool:
        pending = self._all.get(id)
        return pending is not None and not pending.in_flight

    def _wake(self, now: float) -> None:
        while self._delayed and self._delayed[0][0] <= now:
            id = heapq.heappop(self._delayed)[1]
            if id in self._all:
                heapq.heappush(self._ready[self._all[id].priority], id)
