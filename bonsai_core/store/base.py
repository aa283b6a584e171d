"""The storage interface: what the core asks of a store, and what a store guarantees.

A store keeps, per user: documents (versioned), records (append-only), duplicate marks; per room: a log
with offsets and an epoch. One call matters most, `Store.commit`: everything a handler collected takes
effect at once or not at all. All times are integer milliseconds since the Unix epoch.

`owner` names the user whose data a room belongs to (`user:*` and `session:*` rooms) and is empty for rooms
shared by many users (`class:7b`). A clustered store keeps all keys of one owner in one hash slot, so that a
commit stays one atomic script; rooms without an owner live elsewhere and are reached through an outbox.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec


class StoreError(Exception):
    """Base of everything a store raises on purpose."""


class StoreUnavailable(StoreError):
    """The store cannot be reached now; the caller answers `overloaded` and the client resends."""


class VersionConflict(StoreError):
    """A document changed since it was loaded. Nothing was written: load again and run the handler again."""

    def __init__(self, keys: Sequence[str]) -> None:
        super().__init__(f"document changed meanwhile: {', '.join(keys)}")
        self.keys = tuple(keys)


class AlreadyDone(StoreError):
    """The unit's mark exists: this message took effect before. Nothing was written."""

    def __init__(self, mark: Mark) -> None:
        super().__init__(f"message {mark.id} of client {mark.client} was already handled by {mark.plugin}")
        self.mark = mark


class Replaced(StoreError):
    """The connection was replaced by a newer one of the same client. Nothing was written."""

    def __init__(self) -> None:
        super().__init__("a newer connection of this client has taken over")


class Document(msgspec.Struct, frozen=True, gc=False):
    """A stored document: JSON bytes and the version they have (1 for the first)."""

    value: bytes
    version: int


class Write(msgspec.Struct, frozen=True, gc=False):
    """Save a document, or delete it when `value` is None.

    `version` is the version it was loaded at, 0 when it did not exist; the commit raises `VersionConflict`
    when that is no longer so. After the commit the document's version is `version + 1`. A deleted document
    counts as not existing; where processes share a store, one made anew goes on with the versions of the old.
    """

    key: str
    value: bytes | None
    version: int


class Record(msgspec.Struct, frozen=True, gc=False):
    """One entry of an append-only stream; `number` rises from 1 within (user, stream), given by the store."""

    stream: str
    value: bytes
    at: int
    number: int = 0


class Mark(msgspec.Struct, frozen=True, gc=False):
    """Says that `plugin` has handled message `id` of `client`, and what the sender was answered.

    `digest` tells the message's content from another with the same id.
    """

    client: str
    id: int
    plugin: str
    digest: bytes
    answer: bytes
    at: int = 0


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message to a room. `offset` is given by the store (from 1, without holes); 0: unlogged.

    `data` is the payload as JSON bytes. For unlogged messages only: `exclude` is a clientId that must not get it;
    a `low` one may be dropped for a slow reader, and of several low ones with the same `key` that wait for it only
    the newest is sent.
    """

    room: str
    event: str
    data: bytes
    at: int
    owner: str = ""
    offset: int = 0
    exclude: str = ""
    low: bool = False
    key: str | None = None


class Position(msgspec.Struct, frozen=True, gc=False):
    """A place in a room's log: after the message with `offset`, in the log's life `epoch`."""

    epoch: str
    offset: int


@dataclass(slots=True, frozen=True)
class Recovery:
    """What a room's log says to somebody who was at a position.

    `position` is the end of the log. `recovered` is true only when `messages` is provably everything between;
    otherwise `messages` is empty.
    """

    position: Position
    messages: tuple[Message, ...]
    recovered: bool


class Delta(msgspec.Struct, frozen=True, gc=False):
    """A contribution to the aggregate `key` of the collection `name`, which many users share; `value` is JSON bytes."""

    name: str
    key: str
    value: bytes


@dataclass(slots=True)
class Unit:
    """A unit of work: all that one plugin did in answer to one event of `user`.

    `reads` are the versions of documents that were loaded but not written (0: none). `sender` names the client and its
    connection (`connection_name`). Both matter only to a store that processes share: what one process reads is the
    newest.
    """

    user: str
    mark: Mark | None = None
    writes: list[Write] = field(default_factory=list)
    records: list[Record] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    deltas: list[Delta] = field(default_factory=list)
    reads: dict[str, int] = field(default_factory=dict)
    sender: tuple[str, str] | None = None


@dataclass(slots=True, frozen=True)
class DeviceInfo:
    """A connected device of a session, as told to the others.

    Attributes:
        joined_at: when its connection was opened, in ms of the clock that all nodes share (`Store.clock_offset`); never
            the same twice on a node. Of a client's connections the one with the greatest counts.
    """

    client_id: str
    device_id: str
    kind: str
    name: str
    joined_at: int
    node: str = ""


def connection_name(device: DeviceInfo) -> str:
    """Tells one connection of a client from another, on all nodes."""
    return f"{device.node}|{device.joined_at}|{device.device_id}"


#: A join is held back on its way for less than this, in ms.
STALE_MS = 60_000


def is_stale(mine: int, other: int) -> bool:
    """Whether a connection opened at `mine` joins late: its client has opened and joined another at `other` since.

    Its network may have held its join back. A difference of more than `STALE_MS` is a clock that was set.
    """
    return 0 < other - mine <= STALE_MS


#: Called on the loop for each room message, in the room's order, after its commit: (message, epoch).
Listener = Callable[[Message, str], None]
#: Makes the new value of an aggregate: (name, key, old value or None, deltas in order) -> new value, all JSON bytes.
Fold = Callable[[str, str, bytes | None, list[bytes]], bytes]
#: Called on the loop when a token or user was revoked on any node: (kind "jti" | "user", value, at).
RevocationListener = Callable[[str, str, int], None]


class Store(ABC):
    """What the core needs of storage. All methods may raise `StoreUnavailable`.

    Args:
        max_messages: room logs keep at least this many of the newest messages ...
        max_age: ... unless they are older than this, in seconds.
        window: duplicate marks are kept for this many of a client's newest ids.
        clock: gives now, in milliseconds since the epoch.
    """

    #: True when other processes may use the same store (so a document cache can be stale).
    shared: bool = False

    #: What a shared store calls back, on the loop; the application sets them.
    #: A room's order can no longer be proved (room, owner): its members must join anew.
    on_lost: Callable[[str, str], None] = staticmethod(lambda room, owner: None)
    #: To be added to this process's wall clock for the one that all nodes share, in ms.
    clock_offset: int = 0
    #: A client of this node has a newer connection on another (user, client, `joined_at` of the old).
    on_replaced: Callable[[str, str, int], None] = staticmethod(lambda user, client, joined_at: None)
    #: A device's node has died (user, session, device).
    on_device_gone: Callable[[str, str, DeviceInfo], None] = staticmethod(lambda user, session, device: None)
    #: Another node has told something (`tell_nodes`).
    on_news: Callable[[bytes], None] = staticmethod(lambda data: None)
    #: Another node has told this one something (`tell_node`).
    on_letter: Callable[[bytes], None] = staticmethod(lambda data: None)
    #: This node was taken for dead: its devices must be joined again.
    on_lease_lost: Callable[[], None] = staticmethod(lambda: None)

    def __init__(self, *, max_messages: int, max_age: float, window: int, clock: Callable[[], int]) -> None:
        self.max_messages = max_messages
        self.max_age = max_age
        self.window = window
        self.clock = clock

    # Life

    @abstractmethod
    async def open(self, listener: Listener, on_revoked: RevocationListener) -> None:
        """Connect, migrate the schema, and begin to deliver room messages to `listener`."""

    @abstractmethod
    async def close(self) -> None:
        """Finish pending commits and let go of everything. Idempotent."""

    @abstractmethod
    async def check(self) -> None:
        """Return when the store can commit now; raise `StoreUnavailable` when not."""

    # The unit of work

    @abstractmethod
    async def commit(self, unit: Unit) -> None:
        """Make `unit` take effect at once, durably, then deliver its messages.

        A unit without any effect is only checked: what it has read must still be so.

        When this returns, the effect survives `kill -9` and power loss. Messages get the next offsets of their
        rooms in list order and reach `listener` in that order, before this returns or soon after.

        Raises:
            AlreadyDone: the mark (client, id, plugin) exists for this user.
            VersionConflict: a written document's version differs, or in a shared store a read one's.
            Replaced: the sender's connection counts no more.
        """

    async def ask_turn(self, user: str) -> None:  # noqa: B027
        """Let this node's next commit for `user` go first: it has lost the race for a document again and again.

        For a store that processes share; where one process has it, races are between devices and soon over.
        """

    # Reading

    @abstractmethod
    async def load(self, user: str, key: str) -> Document | None:
        """The document of `user` under `key`, or None."""

    @abstractmethod
    async def records(
        self, user: str, stream: str, *, limit: int, before: int | None = None, since: int | None = None
    ) -> list[Record]:
        """At most `limit` of the newest records, oldest first.

        Args:
            before: only records whose number is smaller (to page back).
            since: only records at or after this time, in ms.
        """

    @abstractmethod
    async def last_id(self, user: str, client: str) -> int:
        """The highest id of `client` with a mark; 0 when there is none."""

    @abstractmethod
    async def marks(self, user: str, client: str, id: int) -> dict[str, Mark]:
        """The marks of one message by plugin name; empty when it never took effect or its marks were let go."""

    # What many users share

    @abstractmethod
    async def fold(self, fold: Fold, limit: int) -> tuple[int, dict[tuple[str, str], bytes]]:
        """Fold at most `limit` waiting deltas into their aggregates, each delta exactly once.

        A delta is written with its unit and waits; nothing of a user's commit touches an aggregate. Deltas whose
        `fold` raises wait until the store is opened again.

        Returns:
            How many deltas were dealt with, 0 when none waits; and the aggregates that changed, by (name, key).
        """

    @abstractmethod
    async def waiting(self) -> int:
        """How many deltas wait to be folded, as far as this process knows; those whose `fold` has raised too."""

    @abstractmethod
    async def aggregate(self, name: str, key: str) -> bytes | None:
        """An aggregate as last folded, or None."""

    # Rooms

    @abstractmethod
    async def subscribe(self, room: str, owner: str = "") -> None:
        """Deliver the messages of `room` to the listener from now on. Idempotent."""

    @abstractmethod
    async def unsubscribe(self, room: str, owner: str = "") -> None:
        """Stop delivering `room`. Idempotent."""

    @abstractmethod
    async def recover(self, room: str, owner: str = "", since: Position | None = None) -> Recovery:
        """Read a room's position and, with `since`, what came after it.

        Recovered only when the epoch is the same, `since.offset` is not beyond the end, and every offset between
        is still in the log and young enough. Creates the room (a new epoch, offset 0) when it does not exist.
        """

    @abstractmethod
    async def publish(self, message: Message) -> None:
        """Deliver an unlogged message (offset 0) to the room's listeners on all nodes. May be lost."""

    async def tell_nodes(self, data: bytes) -> None:  # noqa: B027
        """Tell all nodes something, this one too. It may be lost. A store of one process has nobody to tell."""

    async def tell_node(self, node: str, data: bytes) -> bool:
        """Tell one node something. It may be lost.

        Returns:
            False when certainly nobody has heard it: there is no such node.
        """
        return False

    # Sessions, presence, revocation

    @abstractmethod
    async def claim_session(self, session_id: str, user: str) -> str:
        """Make `user` the session's owner if it has none; return its owner."""

    @abstractmethod
    async def session_owner(self, session_id: str) -> str | None:
        """The user whose session this is; None when nobody has claimed it."""

    @abstractmethod
    async def device_joined(self, user: str, session_id: str, device: DeviceInfo) -> list[DeviceInfo]:
        """Add (or replace, by client_id) a device; return all of the session's devices, oldest first.

        Raises:
            Replaced: a connection of this client that was opened later has joined already (`is_stale`).
        """

    @abstractmethod
    async def device_left(self, user: str, session_id: str, device: DeviceInfo) -> bool:
        """Remove the device unless a newer connection of the same client took its place; True if removed."""

    @abstractmethod
    async def devices(self, user: str, session_id: str) -> list[DeviceInfo]:
        """The session's devices, oldest first."""

    @abstractmethod
    async def revoke(self, kind: str, value: str, until: int) -> None:
        """Revoke a token (`kind` "jti") or every token a user got up to now ("user"), remembered until `until` ms."""

    @abstractmethod
    async def revoked(self, jti: str | None, user: str, issued_at: int) -> bool:
        """Whether a token with this jti, of this user, issued at this time (ms) is revoked."""
