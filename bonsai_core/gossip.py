"""Limits that hold across nodes: each node tells the others what was spent on it, and they take it off their buckets.

No message waits for another node, and with Redis away each node still holds its own limits. What this gives away: for
as long as the news takes (about `INTERVAL`), a client may spend on each of several nodes what it has left.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import structlog

from bonsai_core.store.base import StoreError

if TYPE_CHECKING:
    from bonsai_core.app import App

log = structlog.get_logger("bonsai.gossip")

#: Seconds between two pieces of news.
INTERVAL = 0.05
#: Every so often all open sockets are told, not only changes: for nodes that have just started, or missed some.
FULL_EVERY = 5.0
#: A node that told nothing for so long has no sockets.
FORGET_AFTER = 15.0


class News(msgspec.Struct, omit_defaults=True):
    """What happened on a node since its last news.

    Attributes:
        node: which node.
        spent: requests by key, by the name of their buckets.
        open: open sockets by address; 0 when the last one was closed.
        full: whether `open` is all there is.
    """

    node: str
    spent: dict[str, dict[str, int]] = {}
    open: dict[str, int] = {}
    full: bool = False


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(News).decode


class Gossip:
    """Tells other nodes what was spent here, and takes in what they tell."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._told_all_at = float("-inf")
        self._heard: dict[str, float] = {}

    def start(self) -> None:
        """Begin, if there can be other nodes."""
        if self._app.store.shared:
            self._app.store.on_news = self.hear
            self._app.limits.share()
            self._app.admission.share()
            _ = self._app.create_task(self._run(), name="tell other nodes what was spent")

    def hear(self, data: bytes) -> None:
        """Another node's news."""
        try:
            news = _decode(data)
        except msgspec.DecodeError:
            log.warning("news of another version was not understood")
            return
        if news.node == self._app.settings.node_id:
            return
        self._heard[news.node] = self._app.monotonic()
        self._app.limits.spend(news.spent)
        self._app.admission.elsewhere(news.node, news.open, news.spent.get("handshakes", {}), full=news.full)

    def collect(self) -> News | None:
        """What there is to tell; None for nothing."""
        now = self._app.monotonic()
        full = now - self._told_all_at >= FULL_EVERY
        if full:
            self._told_all_at = now
        spent = self._app.limits.collect()
        attempts, opened = self._app.admission.collect(full=full)
        if attempts:
            spent["handshakes"] = attempts
        if not (spent or opened or full):
            return None
        return News(self._app.settings.node_id, spent, opened, full)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL)
            now = self._app.monotonic()
            for node in [node for node, at in self._heard.items() if now - at > FORGET_AFTER]:
                del self._heard[node]
                self._app.admission.elsewhere(node, {}, {}, full=True)
            news = self.collect()
            if news is None:
                continue
            try:
                await self._app.store.tell_nodes(_encode(news))
            except StoreError:
                self._told_all_at = float("-inf")
