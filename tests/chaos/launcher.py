"""Starts the server for a chaos run, with a deliberate bug when SABOTAGE names one.

The bugs are patched in here, from outside: the product has no switch for them. A checker that does not find them
would find nothing else either.
"""

from __future__ import annotations

import os
from typing import Any

from bonsai_core import cli
from bonsai_core.store import redis_client, redis_codec, redis_rooms, sqlite_units
from bonsai_core.store.base import Mark, Unit

#: Of how many units with room messages one loses them.
ONE_IN = 97


def skip_marks() -> None:
    """Duplicate marks are not written, and so a resend takes effect again."""

    def _mark(self: sqlite_units.UnitWriter, user: str, mark: Mark) -> tuple[object, ...]:
        return sqlite_units.NO_MARK

    sqlite_units.UnitWriter._mark = _mark  # type: ignore[method-assign]

    read_script = redis_client.read_script
    writes = "redis.call('HSET', KEYS[2], mark.slot, cmsgpack.pack(slot))"

    def careless(name: str) -> str:
        source = read_script(name)
        assert name != "commit" or writes in source
        return source.replace(writes, "")

    redis_client.read_script = careless


def skip_log_entry() -> None:
    """Now and then a unit of work commits without its room message."""
    apply = sqlite_units.UnitWriter.apply
    seen = 0

    def forgetful(self: sqlite_units.UnitWriter, unit: Unit) -> Any:
        nonlocal seen
        if unit.messages:
            seen += 1
            if seen % ONE_IN == 0:
                unit.messages.clear()
        return apply(self, unit)

    sqlite_units.UnitWriter.apply = forgetful  # type: ignore[method-assign]


def ignore_gap() -> None:
    """Pub/sub loses a message now and then, as it may, and nobody notices: whatever comes is taken for the next one."""
    seen = 0
    hears = redis_rooms.Rooms.hears

    def lossy(self: redis_rooms.Rooms, channel: bytes, data: bytes) -> None:
        nonlocal seen
        seen += 1
        if seen % ONE_IN:
            hears(self, channel, data)

    def careless(self: redis_rooms.Rooms, heard: redis_rooms._Heard, epoch: str, offset: int, body: bytes) -> None:
        heard.epoch, heard.offset = epoch, offset
        self._tell(redis_codec.read_message(heard.name, heard.owner, offset, body), epoch if offset else "")

    redis_rooms.Rooms.hears = lossy  # type: ignore[method-assign]
    redis_rooms.Rooms._take = careless  # type: ignore[method-assign]


SABOTAGES = {"ignore_gap": ignore_gap, "skip_marks": skip_marks, "skip_log_entry": skip_log_entry}


if __name__ == "__main__":
    if name := os.environ.get("SABOTAGE"):
        SABOTAGES[name]()
    cli.main()
