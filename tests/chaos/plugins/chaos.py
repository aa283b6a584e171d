"""The plugin of the chaos test: each message counts, is recorded and is told to the room, in one unit of work."""

from typing import Any

from bonsai_core import Payload, Plugin, Session, on


class Do(Payload):
    """A message: `number` rises from 1 within a client."""

    number: int


class Read(Payload):
    """A page of the session's records: at most `limit`, numbered below `before`."""

    before: int | None = None
    limit: int = 500


class Chaos(Plugin):
    """Leaves three traces of every message, which must agree afterwards."""

    name = "chaos"

    @on("chaos:do")
    async def do(self, session: Session, do: Do) -> dict[str, Any]:
        """Count, record and tell."""
        counted = await session.load("counted") or {}
        counted[session.client_id] = counted.get(session.client_id, 0) + 1
        session.save("counted", counted)
        item = [session.client_id, do.number]
        session.append("effects", item, scope="session")
        session.emit("chaos:done", {"item": item})
        return {"number": do.number}

    @on("chaos:read")
    async def read(self, session: Session, read: Read) -> dict[str, Any]:
        """What was counted, and a page of what was recorded."""
        entries = await session.history("effects", limit=read.limit, before=read.before, scope="session")
        return {
            "counted": await session.load("counted") or {},
            "entries": [{"number": entry.number, "item": entry.data} for entry in entries],
        }
