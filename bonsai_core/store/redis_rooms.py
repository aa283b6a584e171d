"""Hearing rooms: what is published reaches this node once and in order, or the room is reported lost.

Pub/sub alone may lose messages silently: a connection that is made anew has missed some, and a half-open one hears
nothing. So every message carries its room's epoch and offset, which are checked; gaps are read from the log; a canary
tells a dead connection; and after each reconnection every room's position is checked at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from bonsai_core.store import redis_keys as keys
from bonsai_core.store.base import Message, Position, Recovery, StoreError, StoreUnavailable
from bonsai_core.store.redis_client import Link
from bonsai_core.store.redis_codec import read_message, split_published
from bonsai_core.store.redis_pipe import Feed, Refusal, connect

_log = logging.getLogger(__name__)

#: A node calls itself on every connection so often, in seconds, ...
CANARY: Final = 1.0
#: ... and a connection that heard nothing for so long is given up.
DEAF_AFTER: Final = 3.0
#: How long a subscription may take, in seconds.
SUBSCRIBE_TIMEOUT: Final = 5.0
#: Pause before connecting again, in seconds.
RECONNECT: Final = 0.1


class Read(Protocol):
    """Reads a room's log; `Store.recover` without its side effects."""

    async def __call__(self, room: str, owner: str, since: Position | None) -> Recovery: ...


@dataclass(slots=True, eq=False)
class _Heard:
    """A room that this node listens to."""

    owner: str
    name: str
    channel: bytes
    #: How far it was delivered; no epoch before anything is known of it.
    epoch: str = ""
    offset: int = 0
    #: Messages that wait while a gap is being read.
    waiting: list[tuple[str, int, bytes]] | None = None
    #: Set once the server has confirmed the subscription.
    confirmed: asyncio.Event = field(default_factory=asyncio.Event)


class Rooms:
    """The rooms that this node listens to.

    Args:
        link: the client.
        node: this node's id.
        sharded: whether the server has sharded pub/sub.
        read: how to read a room's log.
        deliver: called with each message, in its room's order.
        lost: called with (room, owner) when order can no longer be proved: members must start over.
        control: called with what is published to all nodes, or to this one.
    """

    def __init__(
        self,
        link: Link,
        node: str,
        *,
        sharded: bool,
        read: Read,
        deliver: Callable[[Message, str], None],
        lost: Callable[[str, str], None],
        control: Callable[[bytes], None],
    ) -> None:
        self._link = link
        self._node = node
        self.publish_command = "SPUBLISH" if sharded else "PUBLISH"
        self.sharded = sharded
        self._read = read
        self._deliver = deliver
        self._lost = lost
        self._control = control
        self._heard: dict[tuple[str, str], _Heard] = {}
        self._by_channel: dict[bytes, _Heard] = {}
        #: Ears by the server that they are connected to; one of them, "", without a cluster.
        self._ears: dict[str, _Ear] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    async def open(self) -> None:
        """Listen for control messages, and call the canary from now on."""
        await self._ear_for(keys.bucket_of(self._node)).ready()
        self._spawn(self._call_canaries())

    async def close(self) -> None:
        """Stop listening."""
        for task in self._tasks:
            task.cancel()
        tasks = [*self._tasks, *(ear.end() for ear in self._ears.values())]
        await asyncio.gather(*tasks, return_exceptions=True)
        self._heard.clear()
        self._by_channel.clear()
        self._ears.clear()

    # Rooms

    async def subscribe(self, name: str, owner: str) -> None:
        """Hear a room from now on; returns when the server has confirmed it.

        Raises:
            StoreUnavailable: it did not.
        """
        place = (owner, name)
        heard = self._heard.get(place)
        if heard is None:
            channel = keys.channel(owner, name).encode()
            heard = self._heard[place] = self._by_channel[channel] = _Heard(owner, name, channel)
            self._ear_for(keys.bucket_of(owner or name)).listen(heard)
        if heard.confirmed.is_set():
            return
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
                await heard.confirmed.wait()
        except TimeoutError:
            raise StoreUnavailable("Redis does not answer to a subscription") from None

    async def unsubscribe(self, name: str, owner: str) -> None:
        """Hear a room no more."""
        heard = self._heard.pop((owner, name), None)
        if heard is not None:
            del self._by_channel[heard.channel]
            self._ear_for(keys.bucket_of(owner or name)).forget(heard)

    def read_to(self, name: str, owner: str, position: Position) -> None:
        """Somebody has read a room's log: if it has begun anew since, nobody's place in it counts any more."""
        heard = self._heard.get((owner, name))
        if heard is None or heard.waiting is not None:
            return
        if not heard.epoch:
            heard.epoch, heard.offset = position.epoch, position.offset
        elif heard.epoch != position.epoch:
            self._start_over(heard, position.epoch, position.offset)

    async def tell(self, channel: str, data: bytes) -> None:
        """Publish to other nodes' `control`, on a plain channel."""
        await self._link.ask("PUBLISH", channel, data, key="", repeat=False)

    def redis_is_back(self) -> None:
        """Commands are answered again: look at every room, as after a reconnection."""
        for ear in self._ears.values():
            ear.restart()

    # From the ears

    def hears(self, channel: bytes, data: bytes) -> None:
        """A message was published."""
        heard = self._by_channel.get(channel)
        if heard is None:
            if channel.startswith(_CONTROL_CHANNELS):
                self._control(data)
            return
        epoch, offset, body = split_published(data)
        if heard.waiting is not None and offset:
            heard.waiting.append((epoch, offset, body))
        else:
            self._take(heard, epoch, offset, body)

    def confirmed(self, channel: bytes) -> None:
        """The server has confirmed a subscription."""
        heard = self._by_channel.get(channel)
        if heard is not None:
            heard.confirmed.set()

    def reconnected(self, rooms: Iterable[_Heard]) -> None:
        """Messages may have been missed: check where each of these rooms is."""
        for heard in rooms:
            if heard.epoch and heard.waiting is None:
                heard.waiting = []
                self._spawn(self._close_gap(heard))

    # Inside

    def _take(self, heard: _Heard, epoch: str, offset: int, body: bytes) -> None:
        if not offset:
            self._tell(read_message(heard.name, heard.owner, 0, body), "")
            return
        if not heard.epoch:
            heard.epoch, heard.offset = epoch, offset - 1
        if epoch != heard.epoch:
            self._start_over(heard, epoch, offset - 1)
        if offset == heard.offset + 1:
            heard.offset = offset
            self._tell(read_message(heard.name, heard.owner, offset, body), epoch)
        elif offset > heard.offset:
            heard.waiting = [(epoch, offset, body)]
            self._spawn(self._close_gap(heard))

    def _tell(self, message: Message, epoch: str) -> None:
        try:
            self._deliver(message, epoch)
        except Exception:
            _log.exception("the listener failed on %s in room %s", message.event, message.room)

    def _start_over(self, heard: _Heard, epoch: str, offset: int) -> None:
        heard.epoch, heard.offset = epoch, offset
        try:
            self._lost(heard.name, heard.owner)
        except Exception:
            _log.exception("the listener failed on the loss of room %s", heard.name)

    async def _close_gap(self, heard: _Heard) -> None:
        """Read what was missed and deliver it, then what has come meanwhile."""
        recovery: Recovery | None = None
        while recovery is None:
            try:
                recovery = await self._read(heard.name, heard.owner, Position(heard.epoch, heard.offset))
            except StoreUnavailable:
                await asyncio.sleep(RECONNECT)
            except StoreError as error:
                _log.error("room %s cannot be read: %s", heard.name, error)
                await asyncio.sleep(1)
        waiting, heard.waiting = heard.waiting or [], None
        if self._heard.get((heard.owner, heard.name)) is not heard:
            return
        if recovery.recovered:
            for message in recovery.messages:
                heard.offset = message.offset
                self._tell(message, heard.epoch)
        else:
            self._start_over(heard, recovery.position.epoch, recovery.position.offset)
        for index, (epoch, offset, body) in enumerate(waiting):
            self._take(heard, epoch, offset, body)
            if (again := self._waiting(heard)) is not None:  # another gap: the rest waits too
                again += waiting[index + 1 :]
                return

    @staticmethod
    def _waiting(heard: _Heard) -> list[tuple[str, int, bytes]] | None:
        return heard.waiting

    async def _call_canaries(self) -> None:
        while True:
            await asyncio.sleep(CANARY)
            for ear in list(self._ears.values()):
                if time.monotonic() - ear.heard_at > DEAF_AFTER:
                    ear.restart()
                    continue
                with contextlib.suppress(StoreError):
                    await self._link.ask(self.publish_command, ear.canary, b"", repeat=False)

    def _ear_for(self, bucket: int) -> _Ear:
        # Plain pub/sub reaches all servers of a cluster from any of them.
        server = self._link.server_of(keys.tag(bucket) if self.sharded else "")
        name = server.name if server is not None and self.sharded else ""
        ear = self._ears.get(name)
        if ear is None:
            plain = [keys.CONTROL, keys.node_channel(self._node)] if not self._ears else []
            canary = keys.canary(self._node, bucket)
            ear = self._ears[name] = _Ear(self, self._link.connection_to(server), canary, plain)
        return ear

    def moved(self) -> None:
        """Slots of the cluster have moved: find out where every room is now."""
        ears, self._ears = self._ears, {}
        for ear in ears.values():
            _ = ear.end()
        for heard in self._heard.values():
            heard.confirmed.clear()
        self._spawn(self._listen_anew())

    async def _listen_anew(self) -> None:
        while True:
            try:
                await self._link.learn_slots()
                _ = self._ear_for(keys.bucket_of(self._node))
                for heard in list(self._heard.values()):
                    self._ear_for(keys.bucket_of(heard.owner or heard.name)).listen(heard)
                return
            except Exception as error:
                _log.warning("the cluster's rooms cannot be found: %s", type(error).__name__)
                await asyncio.sleep(RECONNECT)

    def _spawn(self, coroutine: Any) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


_CONTROL_CHANNELS = (keys.CONTROL.encode(), keys.node_channel("").encode())


class _Ear:
    """One pub/sub connection, made anew whenever it breaks.

    Args:
        rooms: who is told what it hears.
        make: makes a connection of redis-py.
        canary: the channel to hear itself on.
        plain: channels of plain pub/sub.
    """

    def __init__(self, rooms: Rooms, make: Callable[[], Any], canary: str, plain: list[str]) -> None:
        self._rooms = rooms
        self._make = make
        self.canary = canary
        self._plain = plain
        self._prefix = "S" if rooms.sharded else ""
        self._wanted: dict[bytes, _Heard] = {}
        #: Unsubscriptions under way: a confirmation that was not asked for means that the channel's slot has moved.
        self._leaving: Counter[bytes] = Counter()
        #: Channels whose subscription was sent with the connection and is not yet confirmed.
        self._unconfirmed: set[bytes] = set()
        self._feed: Feed | None = None
        self._ready = asyncio.Event()
        self.heard_at = time.monotonic()
        self._task = asyncio.create_task(self._run(), name="listen to Redis")

    async def ready(self) -> None:
        """Return when it is connected and has subscribed.

        Raises:
            StoreUnavailable: it takes too long.
        """
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT):
                await self._ready.wait()
        except TimeoutError:
            raise StoreUnavailable("Redis does not answer to a subscription") from None

    def listen(self, heard: _Heard) -> None:
        """Subscribe to a room; the confirmation comes later."""
        self._wanted[heard.channel] = heard
        if self._feed is not None:
            self._feed.send(self._prefix + "SUBSCRIBE", heard.channel)

    def forget(self, heard: _Heard) -> None:
        """Unsubscribe from a room."""
        if self._wanted.pop(heard.channel, None) is not None and self._feed is not None:
            self._leaving[heard.channel] += 1
            self._feed.send(self._prefix + "UNSUBSCRIBE", heard.channel)

    def restart(self) -> None:
        """Give the connection up and make a new one."""
        if self._feed is not None:
            self._feed.abort()

    def end(self) -> asyncio.Task[None]:
        """End it for good."""
        self.restart()
        self._task.cancel()
        return self._task

    async def _run(self) -> None:
        while True:
            why: Exception
            feed = Feed(self._hear)
            try:
                await connect(self._make, feed)
                self.heard_at = time.monotonic()
                self._feed = feed
                self._subscribe_all(feed)
                why = await feed.over
            except Exception as error:
                why = error
            finally:
                self._ready.clear()
                self._feed = None
                feed.abort()
            if isinstance(why, _SlotsMoved) or (isinstance(why, Refusal) and why.word == "MOVED"):
                self._rooms.moved()
                return
            _log.info("pub/sub was interrupted: %s", type(why).__name__)
            await asyncio.sleep(RECONNECT)

    def _subscribe_all(self, feed: Feed) -> None:
        self._leaving.clear()
        for heard in self._wanted.values():
            heard.confirmed.clear()
        channels = [self.canary.encode(), *self._wanted]
        self._unconfirmed = set(channels)
        if self._plain:
            feed.send("SUBSCRIBE", *self._plain)
        if self._prefix:  # channels of one command must share a slot
            for channel in channels:
                feed.send("SSUBSCRIBE", channel)
        else:
            feed.send("SUBSCRIBE", *channels)

    def _hear(self, answer: list[Any]) -> None:
        self.heard_at = time.monotonic()
        kind = answer[0]
        if kind in (b"smessage", b"message"):
            self._rooms.hears(answer[1], answer[2])
        elif kind in (b"ssubscribe", b"subscribe"):
            self._rooms.confirmed(answer[1])
            if answer[1] in self._unconfirmed:
                self._unconfirmed.discard(answer[1])
                if not self._unconfirmed:
                    self._ready.set()
                    self._rooms.reconnected(list(self._wanted.values()))
        elif kind == b"sunsubscribe" and answer[1] is not None:
            if self._leaving[answer[1]]:
                self._leaving[answer[1]] -= 1
            elif answer[1] in self._wanted and self._feed is not None:
                self._feed.over.set_result(_SlotsMoved())


class _SlotsMoved(Exception):
    """The cluster has given a channel's slot to another server."""
