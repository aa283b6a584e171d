"""What a session is in memory: its rooms' names, its clients, whose turn it is, its user's documents."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from typing import TYPE_CHECKING

from bonsai_core.connection import Connection
from bonsai_core.store.base import (
    Document,
    Store,
    Write,
)

if TYPE_CHECKING:
    from bonsai_core.work import Work

#: Answers of this many newest messages of a client are kept in memory, so that a resend is answered at once.
RECENT = 16


def user_room(user: str) -> str:
    """The room of all of a user's devices."""
    return f"user:{user}"


def session_room(session_id: str) -> str:
    """The room of all of a session's devices."""
    return f"session:{session_id}"


class Client:
    """What a node remembers of one client of a session, across its reconnects.

    Attributes:
        connection: where its answers go now.
        highest: the highest id that it is known to have used.
        recent: its newest answered messages, each in the place of its id modulo `RECENT`: see `answered`.
        behind: the oldest id that was turned away because storage is away, and until when (monotonic seconds) newer
            ones have to wait for it, so that they do not overtake it; 0 when there is none.
    """

    __slots__ = ("behind", "behind_until", "connection", "highest", "recent")

    def __init__(self, connection: Connection, highest: int) -> None:
        self.connection = connection
        self.highest = highest
        self.behind = 0
        self.behind_until = 0.0
        self.recent: list[tuple[int, int, bytes] | None] | None = None

    def remember(self, id: int, content: int, answer: bytes) -> None:
        """Keep the answer to a message that took effect."""
        if self.recent is None:
            self.recent = [None] * RECENT
        self.recent[id % RECENT] = (id, content, answer)

    def answered(self, id: int) -> tuple[int, int, bytes] | None:
        """What is remembered of a message: its id, the hash of its content, its answer."""
        known = self.recent[id % RECENT] if self.recent is not None else None
        return known if known is not None and known[0] == id else None


class Numbered(Client):
    """A client whose wire has no ids (`Wire.numbers`): its events are numbered here.

    Attributes:
        given: the highest number that was given.
        harmless: the highest number of an event that left nothing, so that it may well be done again.
        content: of the event that it was given to, as a hash; None when that was before our time.
        doubtful: whether the client has come back and may not have got the answer to the newest event.
    """

    __slots__ = ("content", "doubtful", "given", "harmless")

    def __init__(self, connection: Connection, highest: int, known: Client | None, acknowledged: int | None) -> None:
        super().__init__(connection, max(highest, known.highest if known else 0))
        self.given = self.highest
        self.harmless = 0
        self.content: int | None = None
        if isinstance(known, Numbered):
            self.recent = known.recent
            self.given, self.harmless, self.content = known.given, known.harmless, known.content
        self.doubtful = acknowledged is not None and max(acknowledged, self.harmless) < self.given


def numbered_name(client_id: str) -> str:
    """The name that the events of a client have which are numbered here; no client can call itself so."""
    return f"{client_id}\x1f"


class Turn:
    """A lock that costs nothing while nobody waits. Take it so, and `release` it in the end:

    if turn.held:
        await turn.wait()
    turn.held = True
    """

    __slots__ = ("_waiters", "held")

    def __init__(self) -> None:
        self.held = False
        self._waiters: deque[asyncio.Future[None]] | None = None

    async def wait(self) -> None:
        """Return when it is the caller's, in the order of asking."""
        if self._waiters is None:
            self._waiters = deque()
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self.release()  # it was ours already
            raise

    def release(self) -> None:
        """Hand it on, still held, to who has waited longest; or let it go."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._waiters = None
        self.held = False


class LiveSession:
    """A session with devices connected to this node, or work still running.

    Attributes:
        turn: events of one session run one after another; its holder runs.
        running: `concurrent` handlers under way, by (client, id).
        concurrent: how many of those there are, with and without id.
    """

    __slots__ = ("clients", "concurrent", "id", "running", "turn", "user", "users")

    def __init__(self, id: str, user: str) -> None:
        self.id = id
        self.user = user
        self.clients: dict[str, Client] = {}
        self.turn = Turn()
        self.running: dict[tuple[str, int], Work] = {}
        self.concurrent = 0
        #: Connections and tasks that need this object; at 0 it is forgotten.
        self.users = 0

    def known(self, name: str) -> Client | None:
        """A client that is here, or has left while its work still runs."""
        if (client := self.clients.get(name)) is not None:
            return client
        return next((work.client for (who, _), work in reversed(self.running.items()) if who == name), None)


class Documents:
    """A bounded cache of documents in front of the store, for all users of this node.

    Sound with a store of one process because every write passes through here; with a shared store a stale entry is
    found when the unit of work ends (`Store.commit`, `Store.verify`), dropped, and the handler runs again.

    Args:
        max_bytes: of the documents, and `ENTRY_BYTES` more for each.
    """

    def __init__(self, store: Store, max_bytes: int) -> None:
        self._store = store
        self._max_bytes = max_bytes
        self._bytes = 0
        self._cache: OrderedDict[tuple[str, str], Document | None] = OrderedDict()

    @property
    def bytes(self) -> int:
        """What the cache holds."""
        return self._bytes

    async def load(self, user: str, key: str) -> Document | None:
        """The newest known version of a document, or None."""
        place = (user, key)
        try:
            document = self._cache[place]
        except KeyError:
            loaded = await self._store.load(user, key)
            if place not in self._cache:  # a commit meanwhile is newer than what was read
                self._put(place, loaded)
                return loaded
            document = self._cache[place]
        self._cache.move_to_end(place)
        return document

    def committed(self, user: str, writes: list[Write]) -> None:
        """Take over what a commit wrote."""
        for write in writes:
            place = (user, write.key)
            if self._store.shared and not write.version:  # made anew, it goes on with older versions
                self._drop(place)
                continue
            self._put(place, None if write.value is None else Document(write.value, write.version + 1))

    def forget(self, user: str, keys: tuple[str, ...]) -> None:
        """Drop entries that proved stale."""
        for key in keys:
            self._drop((user, key))

    def _put(self, place: tuple[str, str], document: Document | None) -> None:
        cache = self._cache
        if place in cache:
            self._bytes -= _size(cache[place])
            cache.move_to_end(place)
        cache[place] = document
        self._bytes += _size(document)
        while self._bytes > self._max_bytes:
            self._bytes -= _size(cache.popitem(last=False)[1])

    def _drop(self, place: tuple[str, str]) -> None:
        if place in self._cache:
            self._bytes -= _size(self._cache.pop(place))


#: What an entry of the cache takes besides its document, about.
ENTRY_BYTES = 400


def _size(document: Document | None) -> int:
    return ENTRY_BYTES if document is None else ENTRY_BYTES + len(document.value)
