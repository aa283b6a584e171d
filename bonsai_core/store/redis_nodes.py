"""Which nodes live, and what becomes of the devices of one that has died.

Each node holds a lease and renews it. When a lease has run out, whoever sees it first ends the presence of that node's
devices and tells their sessions. A node that was only frozen finds its lease gone and registers its devices again.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from typing import TYPE_CHECKING, Any

from bonsai_core.store import redis_keys as keys
from bonsai_core.store.base import StoreError
from bonsai_core.store.redis_client import Link, Script
from bonsai_core.store.redis_codec import read_device

if TYPE_CHECKING:
    from bonsai_core.store.redis import RedisStore

_log = logging.getLogger(__name__)


class Nodes:
    """The living nodes, as this one knows them.

    Args:
        lease: seconds.
        store: whose `device_left` and callbacks are used.
    """

    def __init__(self, link: Link, node: str, *, lease: float, store: RedisStore) -> None:
        self._link = link
        self._node = node
        self._lease = lease
        self._store = store
        self._script = Script("lease")
        self._dead: frozenset[str] = frozenset()
        self._sessions: set[tuple[str, str]] = set()
        self._hurry = asyncio.Event()
        self._held = False
        #: How long the newest questions for the time took, and what they told: the quickest tells it best.
        self._clocks: deque[tuple[int, int]] = deque(maxlen=8)
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Take a lease, and renew it from now on."""
        await self._bury(self._node)  # an earlier life of this node may have ended without a goodbye
        await self._renew()
        self._task = asyncio.create_task(self._run(), name="renew the node's lease")

    async def close(self) -> None:
        """Give the lease back."""
        if self._task is not None:
            self._task.cancel()
            self._task = None
            with contextlib.suppress(StoreError):
                await self._link.ask("ZREM", keys.NODES, self._node)
                await self._link.ask("DEL", keys.node_sessions(self._node))

    def hurry(self) -> None:
        """Renew now."""
        self._hurry.set()

    def lives(self, node: str) -> bool:
        """Whether a device's node counts: one that we have not heard of yet may be new."""
        return node == self._node or node not in self._dead

    async def has(self, user: str, session_id: str) -> None:
        """Note that a session has devices on this node, before it has."""
        if (user, session_id) not in self._sessions:
            name = keys.user_part(user, session_id)
            await self._link.ask("SADD", keys.node_sessions(self._node), name)
            self._sessions.add((user, session_id))

    async def replaced(self, node: str, user: str, client: str, connection: str) -> None:
        """Tell a node that one of its connections was replaced by one of ours."""
        with contextlib.suppress(StoreError):
            data = f"replaced {keys.user_part(user, client)}\0{connection}".encode()
            await self._link.ask("PUBLISH", keys.node_channel(node), data, key="", repeat=False)

    def heard_replaced(self, text: str) -> None:
        """One of our connections was replaced elsewhere."""
        who, _, connection = text.partition("\0")
        user, client = split_part(who)
        _, joined_at, _ = connection.split("|", 2)
        self._store.on_replaced(user, client, int(joined_at))

    async def _run(self) -> None:
        while True:
            self._hurry.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._lease / 3):
                    await self._hurry.wait()
            try:
                await self._renew()
            except StoreError as error:
                _log.debug("the node's lease was not renewed: %s", error)

    async def _renew(self) -> None:
        asked = self._store.clock()
        good, dead, time = await self._link.run(
            self._script, [keys.NODES], self._node, int(self._lease * 1000), int(self._held)
        )
        answered = self._store.clock()
        self._clocks.append((abs(answered - asked), time - (asked + answered) // 2))
        self._store.clock_offset = min(self._clocks)[1]
        self._held = True
        self._dead = frozenset(name.decode() for name in dead)
        if not good:
            _log.warning("this node was taken for dead; its devices are registered again")
            self._sessions.clear()
            self._store.on_lease_lost()
        for node in self._dead:
            _log.warning("node %s is dead", node)
            await self._bury(node)
            self._dead -= {node}  # devices that it has from now on are new ones: it was only frozen

    async def _bury(self, node: str) -> None:
        """End the presence of a dead node's devices. Several nodes may do so at a time: each device is removed once."""
        place = keys.node_sessions(node)
        members: list[bytes] = await self._link.ask("SMEMBERS", place)
        for member in members:
            user, session_id = split_part(member.decode())
            values: list[Any] = await self._link.ask("HVALS", keys.presence(user, session_id))
            for device in map(read_device, values):
                if device.node == node and await self._store.device_left(user, session_id, device):
                    self._store.on_device_gone(user, session_id, device)
            await self._link.ask("SREM", place, member)
        await self._link.ask("ZREM", keys.NODES, node)


def split_part(text: str) -> tuple[str, str]:
    """The inverse of `redis_keys.user_part`."""
    length, _, rest = text.partition(":")
    return rest[: int(length)], rest[int(length) + 1 :]
