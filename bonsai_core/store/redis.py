"""The store for many nodes: Redis (standalone, Sentinel or Cluster), one script for each unit of work.

What a commit guarantees is what Redis guarantees for a write that it has answered: with `appendfsync always` it
survives `kill -9` and power loss, with `everysec` all but the last second does. Either way nobody is told that a log
with a hole is whole: a room's epoch turns with the server's replication id (see `lua/room.lua`).
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable
from itertools import count
from typing import Final

from typing_extensions import override

from bonsai_core.store import redis_keys as keys
from bonsai_core.store.base import (
    STALE_MS,
    AlreadyDone,
    DeviceInfo,
    Document,
    Fold,
    Listener,
    Mark,
    Message,
    Position,
    Record,
    Recovery,
    Replaced,
    RevocationListener,
    Store,
    StoreError,
    StoreUnavailable,
    Unit,
    VersionConflict,
    connection_name,
)
from bonsai_core.store.redis_client import Link, Script, connect
from bonsai_core.store.redis_codec import (
    Contribution,
    Forwarded,
    pack_body,
    pack_device,
    pack_entry,
    pack_unit,
    read_device,
    read_message,
    read_record,
)
from bonsai_core.store.redis_nodes import Nodes
from bonsai_core.store.redis_outbox import Outboxes
from bonsai_core.store.redis_rooms import Rooms

_log = logging.getLogger(__name__)

#: The oldest server with all that the scripts use.
OLDEST: Final = (6, 2)
SHARDED_SINCE: Final = (7, 0)

#: A turn that was asked for ends after so long, in seconds; who has to wait for it looks so often.
TURN: Final = 0.5
TURN_POLL: Final = 0.003


class RedisStore(Store):
    """A store in the Redis at `url` (see `redis_client.connect`). For the other arguments see `Store`.

    Args:
        node: this process's id among the nodes.
        timeout: how long Redis may take to answer, in seconds; then it counts as away.
        lease: how long a node is believed to live without a sign of it, in seconds.
    """

    shared = True

    def __init__(
        self,
        url: str,
        *,
        max_messages: int,
        max_age: float,
        window: int,
        clock: Callable[[], int],
        node: str = "",
        timeout: float = 2.0,
        lease: float = 10.0,
    ) -> None:
        super().__init__(max_messages=max_messages, max_age=max_age, window=window, clock=clock)
        self._url = url
        self._node = node or secrets.token_hex(4)
        #: Together they name each commit.
        self._life, self._commits = secrets.token_urlsafe(9), count()
        self._timeout = timeout
        self._lease = lease
        self._link: Link | None = None
        self._rooms: Rooms
        self._nodes: Nodes
        self._outboxes: Outboxes
        self._listener: Listener
        self._on_revoked: RevocationListener
        self._commit, self._recover_script, self._marks = Script("commit"), Script("recover"), Script("marks")
        self._joined, self._left = Script("device_joined"), Script("device_left")
        #: Logs are dropped when nothing was said for so long, in seconds: some more than anybody may recover.
        self._log_seconds = int(max_age) + 60

    # Life

    @override
    async def open(self, listener: Listener, on_revoked: RevocationListener) -> None:
        if self._link is not None and not self._link.closed:
            raise StoreError("the Redis store is already open")
        self._listener, self._on_revoked = listener, on_revoked
        link = Link(connect(self._url, self._timeout), self._timeout, self._back)
        try:
            try:
                await link.learn_slots()
            except Exception as error:
                raise link.translate(error) from error
            sharded = _version(await link.ask("INFO", "server", key="")) >= SHARDED_SINCE
            self._link = link
            self._rooms = Rooms(
                link,
                self._node,
                sharded=sharded,
                read=self._read,
                deliver=listener,
                lost=self.on_lost,
                control=self._control,
            )
            self._nodes = Nodes(link, self._node, lease=self._lease, store=self)
            self._outboxes = Outboxes(
                link, publish=self._rooms.publish_command, keep=max(1, self.max_messages), age=self._log_seconds
            )
            await self._rooms.open()
            await self._nodes.open()
        except BaseException:
            await self.close()
            link.closed = True
            raise

    @override
    async def close(self) -> None:
        link = self._link
        if link is None or link.closed:
            return
        if hasattr(self, "_nodes"):
            await self._nodes.close()
        if hasattr(self, "_rooms"):
            await self._rooms.close()
        await link.close()

    @override
    async def check(self) -> None:
        await self._open.ask("SET", f"{keys.PREFIX}check:{self._node}", self.clock(), "EX", 3600)

    # The unit of work

    @override
    async def commit(self, unit: Unit) -> None:
        link = self._open
        user, mark = unit.user, unit.mark
        if not (mark or unit.writes or unit.records or unit.messages or unit.deltas):
            await self._verify(user, unit.reads)
            return
        if len(unit.writes) > 1 and len({write.key for write in unit.writes}) < len(unit.writes):
            raise StoreError("a unit of work writes the same document twice")
        token = f"{self._life}{next(self._commits):x}"
        outbox = [pack_entry(Contribution(delta.name, delta.key, delta.value)) for delta in unit.deltas]
        places = keys.of_unit(user, mark.client if mark is not None else "", token)
        places += [keys.records(user, record.stream) for record in unit.records]
        said: list[str | bytes] = []
        forwards = False
        for message in unit.messages:
            body = pack_body(message)
            if message.owner == user:
                places += keys.room(message.owner, message.room)
                said += (keys.channel(message.owner, message.room), body)
            else:
                forwards = True
                outbox.append(pack_entry(Forwarded(message.owner, message.room, body)))
        arguments = pack_unit(
            unit,
            said,
            node=self._node,
            token=token,
            slot=mark.id % self.window if mark is not None else 0,
            now=self.clock(),
            publish=self._rooms.publish_command,
            keep=max(1, self.max_messages),
            age=self._log_seconds,
            outbox=outbox,
        )
        answer = await link.run(self._commit, places, *arguments)
        while answer[0] == b"wait":
            await asyncio.sleep(TURN_POLL)
            answer = await link.run(self._commit, places, *arguments)
        if answer[0] == b"conflict":
            raise VersionConflict([key.decode() for key in answer[1:]])
        if answer[0] == b"done":
            assert mark is not None
            raise AlreadyDone(Mark(mark.client, mark.id, mark.plugin, answer[1], answer[2], answer[3]))
        if answer[0] == b"replaced":
            raise Replaced
        if unit.deltas:
            self._outboxes.filled(keys.bucket_of(user))
        if forwards:
            await self._outboxes.forward(keys.bucket_of(user))

    @override
    async def ask_turn(self, user: str) -> None:
        _ = await self._open.ask("SET", keys.turn(user), self._node, "NX", "PX", int(TURN * 1000))

    async def _verify(self, user: str, reads: dict[str, int]) -> None:
        if not reads:
            return
        names = list(reads)
        held = await self._open.ask("HMGET", keys.documents(user), *names)
        changed = [name for name, value in zip(names, held, strict=True) if max(0, _split(value)[0]) != reads[name]]
        if changed:
            raise VersionConflict(changed)

    # Reading

    @override
    async def load(self, user: str, key: str) -> Document | None:
        version, value = _split(await self._open.ask("HGET", keys.documents(user), key))
        return Document(value, version) if version > 0 else None

    @override
    async def records(
        self, user: str, stream: str, *, limit: int, before: int | None = None, since: int | None = None
    ) -> list[Record]:
        place = keys.records(user, stream)
        if limit <= 0 or (before is not None and before <= 1):
            return []
        if before is None:
            before = await self._open.ask("LLEN", place) + 1
        first = max(1, before - limit)
        values = await self._open.ask("LRANGE", place, first - 1, before - 2)
        records = [read_record(stream, first + i, value) for i, value in enumerate(values)]
        return [record for record in records if since is None or record.at >= since]

    @override
    async def last_id(self, user: str, client: str) -> int:
        highest = await self._open.ask("HGET", keys.marks(user, client), "highest")
        return int(highest or 0)

    @override
    async def marks(self, user: str, client: str, id: int) -> dict[str, Mark]:
        flat = await self._open.run(self._marks, [keys.marks(user, client)], str(id % self.window), id)
        rows = [flat[start : start + 4] for start in range(0, len(flat), 4)]
        return {name.decode(): Mark(client, id, name.decode(), digest, answer, at) for name, digest, answer, at in rows}

    # What many users share

    @override
    async def fold(self, fold: Fold, limit: int) -> tuple[int, dict[tuple[str, str], bytes]]:
        self._check_open()
        return await self._outboxes.fold(fold, limit)

    @override
    async def waiting(self) -> int:
        self._check_open()
        return await self._outboxes.waiting()

    @override
    async def aggregate(self, name: str, key: str) -> bytes | None:
        value: bytes | None = await self._open.ask("HGET", keys.aggregate(name, key), "value")
        return value

    # Rooms

    @override
    async def subscribe(self, room: str, owner: str = "") -> None:
        self._check_open()
        await self._rooms.subscribe(room, owner)

    @override
    async def unsubscribe(self, room: str, owner: str = "") -> None:
        self._check_open()
        await self._rooms.unsubscribe(room, owner)

    @override
    async def recover(self, room: str, owner: str = "", since: Position | None = None) -> Recovery:
        recovery = await self._read(room, owner, since)
        self._rooms.read_to(room, owner, recovery.position)
        return recovery

    async def _read(self, room: str, owner: str, since: Position | None) -> Recovery:
        epoch, offset = (since.epoch, since.offset) if since is not None else ("", 0)
        answer = await self._open.run(
            self._recover_script, keys.room(owner, room), secrets.token_urlsafe(9), epoch, str(offset)
        )
        position = Position(answer[0].decode(), answer[1])
        if since is None or not answer[2]:
            return Recovery(position, (), False)
        messages = tuple(read_message(room, owner, offset + 1 + index, body) for index, body in enumerate(answer[3:]))
        oldest = self.clock() - int(self.max_age * 1000)
        if any(message.at < oldest for message in messages):
            return Recovery(position, (), False)
        return Recovery(position, messages, True)

    @override
    async def publish(self, message: Message) -> None:
        channel = keys.channel(message.owner, message.room)
        data = b":0:" + pack_body(message)
        command = self._rooms.publish_command
        await self._open.ask(command, channel, data, repeat=False)

    @override
    async def tell_nodes(self, data: bytes) -> None:
        self._check_open()
        await self._rooms.tell(keys.CONTROL, b"news " + data)

    @override
    async def tell_node(self, node: str, data: bytes) -> bool:
        heard = await self._open.ask("PUBLISH", keys.node_channel(node), b"letter " + data, key="", repeat=False)
        # A server of a cluster counts its own subscribers only.
        return self._open.clustered or heard > 0

    # Sessions, presence, revocation

    @override
    async def claim_session(self, session_id: str, user: str) -> str:
        place = keys.session(session_id)
        held = await self._open.ask("SET", place, user, "NX", "GET")
        return held.decode() if held is not None else user

    @override
    async def session_owner(self, session_id: str) -> str | None:
        held = await self._open.ask("GET", keys.session(session_id))
        return held.decode() if held is not None else None

    @override
    async def device_joined(self, user: str, session_id: str, device: DeviceInfo) -> list[DeviceInfo]:
        await self._nodes.has(user, session_id)
        answer = await self._open.run(
            self._joined,
            [keys.presence(user, session_id), keys.clients(user)],
            device.client_id,
            pack_device(device),
            connection_name(device),
            STALE_MS,
        )
        if answer is None:
            raise Replaced
        before = answer[0].decode()
        node = before.partition("|")[0]
        if before and node != device.node:
            await self._nodes.replaced(node, user, device.client_id, before)
        return self._present(answer[1:])

    @override
    async def device_left(self, user: str, session_id: str, device: DeviceInfo) -> bool:
        removed = await self._open.run(
            self._left,
            [keys.presence(user, session_id), keys.clients(user)],
            device.client_id,
            connection_name(device),
        )
        return bool(removed)

    @override
    async def devices(self, user: str, session_id: str) -> list[DeviceInfo]:
        return self._present(await self._open.ask("HVALS", keys.presence(user, session_id)))

    def _present(self, values: list[bytes]) -> list[DeviceInfo]:
        devices = [device for device in map(read_device, values) if self._nodes.lives(device.node)]
        return sorted(devices, key=lambda device: device.joined_at)

    @override
    async def revoke(self, kind: str, value: str, until: int) -> None:
        if kind not in ("jti", "user"):
            raise ValueError(f"cannot revoke a {kind!r}: only 'jti' and 'user'")
        at = self.clock()
        place = keys.revocation(kind, value)
        held = _revocation(await self._open.ask("GET", place))
        at, until = max(at, held[0]), max(until, held[1])
        await self._open.ask("SET", place, f"{at} {until}", "PX", max(1, until - self.clock()))
        await self._rooms.tell(keys.CONTROL, f"revoked {kind} {at} {value}".encode())

    @override
    async def revoked(self, jti: str | None, user: str, issued_at: int) -> bool:
        now = self.clock()
        places = [keys.revocation("user", user), keys.revocation("jti", jti or "")]

        wanted = places[: 2 if jti is not None else 1]
        held = [_revocation(await self._open.ask("GET", place)) for place in wanted]
        if len(held) > 1 and held[1][1] > now:
            return True
        at, until = held[0]
        return until > now and issued_at <= at

    # Inside

    @property
    def _open(self) -> Link:
        if self._link is None or self._link.closed:
            raise StoreUnavailable("the Redis store is not open")
        return self._link

    def _check_open(self) -> None:
        _ = self._open

    def _back(self) -> None:
        self._rooms.redis_is_back()
        self._nodes.hurry()

    def _control(self, data: bytes) -> None:
        """Something that concerns all nodes, or this one."""
        name, _, content = data.partition(b" ")
        if name == b"news":
            self.on_news(content)
            return
        if name == b"letter":
            self.on_letter(content)
            return
        kind, rest = name.decode(), content.decode()
        if kind == "revoked":
            what, at, value = rest.split(" ", 2)
            self._on_revoked(what, value, int(at))
        elif kind == "replaced":
            self._nodes.heard_replaced(rest)


def _split(held: bytes | None) -> tuple[int, bytes]:
    """Version and value of a document; 0 when there is none, negative when it was deleted."""
    if held is None:
        return 0, b""
    version, _, value = held.partition(b":")
    return int(version), value


def _revocation(held: bytes | None) -> tuple[int, int]:
    at, _, until = (held or b"0 0").partition(b" ")
    return int(at), int(until)


def _version(info: bytes) -> tuple[int, int]:
    """The server's version.

    Raises:
        StoreError: it is too old.
    """
    found = re.search(rb"redis_version:(\d+)\.(\d+)", info)
    version = (int(found[1]), int(found[2])) if found else (0, 0)
    if version < OLDEST:
        raise StoreError(f"Redis {version[0]}.{version[1]} is too old: {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    return version


__all__ = ["RedisStore"]
