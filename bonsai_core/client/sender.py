"""What leaves next: control frames, then queued messages by priority, paced and gathered into batches. Sans-I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from bonsai_core.client.backoff import Pacer
from bonsai_core.client.frames import Joined, encode_batch, encode_message
from bonsai_core.client.queue import Pending, PendingQueue
from bonsai_core.protocol import MAX_BATCH

#: What a server takes that does not say (`limits.maxMessageBytes`), in bytes.
DEFAULT_MAX_MESSAGE = 65_536


@dataclass(slots=True, frozen=True)
class Outgoing:
    """One WebSocket message to write. `names` tells what is in it, for the debug log."""

    payload: bytes
    binary: bool = False
    names: tuple[str, ...] = ()
    sent: Callable[[], None] | None = None


class Sender:
    """Chooses what to write next.

    Args:
        queue: the messages without an answer.
        pacer: how fast they may leave.
        batch: whether several may share an array frame.
        too_large: called with a message that the server would not take, and its limit; it is to be answered.
        give_up: called with a message that holds up others; it is to be answered.
    """

    def __init__(
        self,
        queue: PendingQueue,
        pacer: Pacer,
        *,
        batch: bool,
        too_large: Callable[[Pending, int], None],
        give_up: Callable[[Pending], None],
    ) -> None:
        self._queue = queue
        self._pacer = pacer
        self._batch = batch
        self._too_large = too_large
        self._give_up = give_up
        self._control: deque[Outgoing] = deque()
        self._max_message = DEFAULT_MAX_MESSAGE
        self._max_attachment: int | None = None

    def joined(self, joined: Joined) -> None:
        """A new connection, with its limits. Control frames of the old one are void."""
        self._control.clear()
        self._max_message = joined.limit("maxMessageBytes") or DEFAULT_MAX_MESSAGE
        self._max_attachment = joined.limit("maxAttachmentBytes")

    def control(self, frame: bytes, name: str, sent: Callable[[], None] | None = None) -> None:
        """Send a frame without id ahead of everything, unpaced; `sent` is called once it was written."""
        self._control.append(Outgoing(frame, names=(name,), sent=sent))

    def next(self, now: float) -> Outgoing | None:
        """The next WebSocket message to write, or None: see `wait`."""
        if self._control:
            return self._control.popleft()
        frames: list[bytes] = []
        names: list[str] = []
        room = self._max_message
        while not self._pacer.wait(now):
            pending = self._queue.take(now, room if frames else None)
            if pending is None:
                blocker = None if frames else self._queue.blocker()
                if blocker is None:
                    break
                self._give_up(blocker)
                continue
            attachment = pending.attachment
            if len(pending.frame) > self._max_message:
                self._too_large(pending, self._max_message)
                continue
            if attachment is not None and self._max_attachment is not None and len(attachment) > self._max_attachment:
                self._too_large(pending, self._max_attachment)
                continue
            self._pacer.spend(now)
            names.append(f"{pending.event}#{pending.id}")
            if attachment is not None:
                return Outgoing(encode_message(pending.frame, attachment), binary=True, names=tuple(names))
            if not frames:
                room -= 2  # the array's brackets
            frames.append(pending.frame)
            room -= len(pending.frame) + 1
            if not self._batch or len(frames) >= MAX_BATCH or room <= 0:
                break
        return Outgoing(encode_batch(frames), names=tuple(names)) if frames else None

    def wait(self, now: float) -> float | None:
        """Seconds after which `next` may have something; None: not before something else happens.

        Args:
            now: the very time at which `next` had nothing.
        """
        if not len(self._queue):
            return None
        paced = self._pacer.wait(now)
        if paced > 0:
            return max(paced, 0.001)
        due = self._queue.due()
        return None if due is None else max(due - now, 0.001)
