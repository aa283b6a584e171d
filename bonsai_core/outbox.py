"""What waits for a slow reader: frames by priority, bounded, in order within each priority."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from enum import IntEnum


class Priority(IntEnum):
    """How urgent a frame is to a reader who is behind.

    `HIGH`: answers and control frames, sent first. `NORMAL`: room messages, in their order, never dropped. `LOW`:
    progress, typing and the like, sent last; dropped when room runs out, of which the reader is told.
    """

    HIGH = 0
    NORMAL = 1
    LOW = 2


class Outbox:
    """Frames that the network has not taken yet. A connection has one only while its reader is behind.

    Args:
        max_low: bytes of low-priority frames to keep; beyond it the oldest are dropped.
    """

    __slots__ = ("_high", "_low", "_low_size", "_max_low", "_normal", "_number", "dropped", "size")

    def __init__(self, max_low: int) -> None:
        self._high: deque[bytes] = deque()
        self._normal: deque[bytes] = deque()
        #: By coalescing key; frames without one have a unique number as theirs.
        self._low: dict[str | int, bytes] = {}
        self._low_size = 0
        self._number = 0
        self._max_low = max_low
        #: Bytes waiting.
        self.size = 0
        #: Low-priority frames dropped and not yet told.
        self.dropped = 0

    def push(self, frame: bytes, priority: Priority, key: str | None = None) -> None:
        """Add a frame.

        Args:
            key: a waiting low-priority frame of the same key is replaced: only the newest state matters.
        """
        self.size += len(frame)
        if priority is Priority.HIGH:
            self._high.append(frame)
        elif priority is Priority.NORMAL:
            self._normal.append(frame)
        else:
            self._number += 1
            place: str | int = key if key is not None else self._number
            old = self._low.pop(place, None)
            if old is not None:
                self._forget(old)
            self._low[place] = frame
            self._low_size += len(frame)
            while self._low_size > self._max_low:
                self._forget(self._low.pop(next(iter(self._low))))
                self.dropped += 1

    def drop_low(self) -> None:
        """Make room: drop everything of low priority."""
        self.dropped += len(self._low)
        for frame in self._low.values():
            self._forget(frame)
        self._low.clear()

    def convert(self, convert: Callable[[bytes], bytes]) -> None:
        """Replace each waiting frame by what `convert` makes of it."""
        self._high = deque(map(convert, self._high))
        self._normal = deque(map(convert, self._normal))
        self._low = {key: convert(frame) for key, frame in self._low.items()}
        self._low_size = sum(map(len, self._low.values()))
        self.size = sum(map(len, (*self._high, *self._normal))) + self._low_size

    def take(self, size: int) -> bytes:
        """Remove and return the most urgent frames, about `size` bytes of them; empty when nothing waits."""
        taken: list[bytes] = []
        total = 0
        for queue in (self._high, self._normal):
            while queue and total < size:
                taken.append(queue.popleft())
                total += len(taken[-1])
        while self._low and total < size:
            frame = self._low.pop(next(iter(self._low)))
            self._low_size -= len(frame)
            taken.append(frame)
            total += len(frame)
        self.size -= total
        return b"".join(taken)

    def _forget(self, frame: bytes) -> None:
        self._low_size -= len(frame)
        self.size -= len(frame)
