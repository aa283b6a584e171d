"""Names of keys and channels in Redis.

Every user belongs to one of `BUCKETS` buckets, and all keys of a bucket share one hash tag, so that a unit of work is
one script on one node of a Redis Cluster. A room without an owner has the bucket of its own name.

| key | type | holds |
|---|---|---|
| `d:USER` | hash | documents: key -> `version:value` (deleted: `-version:`) |
| `r:USER:STREAM` | list | records |
| `m:USER:CLIENT` | hash | duplicate marks by id modulo window, and the `highest` id |
| `c:USER` | hash | client -> the connection that counts |
| `p:USER:SESSION` | hash | devices of a session by client |
| `o:OWNER:ROOM`, `l:OWNER:ROOM` | hash, stream | a room's epoch and last offset; its log, with offsets as entry ids |
| `x` | stream | the bucket's outbox: contributions, and messages to rooms of other buckets |
| `w:USER` | string | the node that has the next turn |
| `t:TOKEN` | string | that a unit without a mark was committed, for some minutes |
| `a:NAME:KEY` | hash | an aggregate |
| `s:SESSION` | string | a session's owner |
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final
from zlib import crc32

#: Fixed for good: data would not be found again.
BUCKETS: Final = 128
PREFIX: Final = "bonsai:"

NODES: Final = PREFIX + "nodes"
CONTROL: Final = PREFIX + "control"


def bucket_of(name: str) -> int:
    """The bucket of a user, or of a room without an owner."""
    return crc32(name.encode()) % BUCKETS


def tag(bucket: int) -> str:
    """What all keys of a bucket begin with."""
    return f"{PREFIX}{{{bucket}}}:"


@lru_cache(4096)
def home(name: str) -> str:
    """What the keys of a user begin with, or of a room without an owner."""
    return tag(bucket_of(name))


def room_part(owner: str, room: str) -> str:
    """A room's part of its keys: the owner's length keeps `a:b` of `c` from `b` of `c:a`."""
    return f"{len(owner)}:{owner}:{room}"


def user_part(user: str, name: str) -> str:
    """A key's part for something that a user has."""
    return f"{len(user)}:{user}:{name}"


def of_unit(user: str, client: str, token: str) -> list[str]:
    """What every unit of work may touch: documents, marks, clients, outbox, token, turn."""
    start = home(user)
    return [
        f"{start}d:{user}",
        f"{start}m:{user_part(user, client)}",
        f"{start}c:{user}",
        f"{start}x",
        f"{start}t:{token}",
        f"{start}w:{user}",
    ]


def documents(user: str) -> str:
    return f"{home(user)}d:{user}"


def records(user: str, stream: str) -> str:
    return f"{home(user)}r:{user_part(user, stream)}"


def marks(user: str, client: str) -> str:
    return f"{home(user)}m:{user_part(user, client)}"


def clients(user: str) -> str:
    return f"{home(user)}c:{user}"


def presence(user: str, session: str) -> str:
    return f"{home(user)}p:{user_part(user, session)}"


@lru_cache(4096)
def room(owner: str, name: str) -> tuple[str, str]:
    """The keys of a room's counters and of its log."""
    start, part = home(owner or name), room_part(owner, name)
    return f"{start}o:{part}", f"{start}l:{part}"


@lru_cache(4096)
def channel(owner: str, name: str) -> str:
    """Where a room's messages are published."""
    return f"{home(owner or name)}ch:{room_part(owner, name)}"


def outbox(bucket: int) -> str:
    return f"{tag(bucket)}x"


def turn(user: str) -> str:
    return f"{home(user)}w:{user}"


def aggregate(name: str, key: str) -> str:
    return f"{PREFIX}a:{user_part(name, key)}"


def session(session_id: str) -> str:
    return f"{PREFIX}s:{session_id}"


def revocation(kind: str, value: str) -> str:
    return f"{PREFIX}v:{kind}:{value}"


def node_sessions(node: str) -> str:
    """The sessions that have devices on a node."""
    return f"{PREFIX}n:{node}"


def node_channel(node: str) -> str:
    """The channel on which one node is told something."""
    return f"{PREFIX}node:{node}"


def canary(node: str, bucket: int) -> str:
    """A channel on which a node hears itself, on the same server as a bucket."""
    return f"{tag(bucket)}canary:{node}"
