"""The plugin of the tests with stock Socket.IO clients: what takes effect is counted, kept and told."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Any

from bonsai_core import Attachment, Payload, Plugin, Session, on


class Add(Payload):
    """Something to add: `item` tells one event from another, `text` makes the message large."""

    item: str
    text: str = ""


class Fill(Payload):
    """How many messages of which size to send to every device."""

    count: int
    size: int


class Picture(Payload):
    """A picture, as an attachment or as base64."""

    name: str
    image: Attachment


class Counter(Plugin):
    """Counts each item, so that an effect that is doubled shows."""

    name = "counter"

    @on("counter:add")
    async def add(self, session: Session, add: Add) -> dict[str, Any]:
        """Count an item and tell every device."""
        counted = await session.load("counted") or {}
        counted[add.item] = counted.get(add.item, 0) + 1
        session.save("counted", counted)
        session.emit("counter:added", {"item": add.item, "text": add.text})
        return {"item": add.item, "count": counted[add.item]}

    @on("counter:tick")
    async def tick(self, session: Session) -> dict[str, Any]:
        """Count; every tick has the same content."""
        ticks = (await session.load("ticks") or 0) + 1
        session.save("ticks", ticks)
        session.emit("counter:ticked", {"ticks": ticks})
        return {"ticks": ticks}

    @on("counter:think", concurrent=True)
    async def think(self, session: Session, add: Add) -> dict[str, Any]:
        """Take some time."""
        await asyncio.sleep(0.4)
        return {"item": add.item}

    @on("counter:read")
    async def read(self, session: Session) -> dict[str, Any]:
        """What was counted."""
        return {"counted": await session.load("counted") or {}, "ticks": await session.load("ticks") or 0}

    @on("counter:fill")
    async def fill(self, session: Session, fill: Fill) -> dict[str, Any]:
        """Send many large messages."""
        for number in range(fill.count):
            session.emit("counter:filled", {"number": number, "text": "x" * fill.size})
        return {}

    @on("counter:picture")
    async def picture(self, session: Session, picture: Picture) -> dict[str, Any]:
        """What has come."""
        return {"name": picture.name, "sha256": hashlib.sha256(bytes(picture.image)).hexdigest()}
