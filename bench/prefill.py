"""SQLite files that servers begin with: many students, or students who have missed messages. The store makes them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path

from bench.work import ANSWER, SAY, Progress
from bonsai_core.settings import Settings
from bonsai_core.store import Store, create_store
from bonsai_core.store.base import Mark, Message, Position, Record, Unit, Write

#: Units under way at a time: they share commits.
_BATCH = 2000


def now() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


async def opened(path: Path) -> Store:
    """The store in a file, with the server's defaults."""
    default = Settings.model_fields
    store = create_store(
        f"sqlite:///{path}",
        max_messages=default["log_max_messages"].default,
        max_age=default["log_max_age_s"].default,
        window=default["dedup_window"].default,
        clock=now,
    )
    await store.open(lambda message, epoch: None, lambda kind, value, at: None)
    return store


def session_of(user: str) -> str:
    """The session in which `Native.join` lets a user be."""
    return f"s-{user}"


async def students(path: Path, users: Iterable[str]) -> None:
    """Students who have each stored one answer, with all that `bench:store` leaves behind, and one record besides."""
    progress = Progress(answered=1, correct=1, streak=1).model_dump_json(by_alias=True).encode()

    def unit(user: str) -> Unit:
        session = session_of(user)
        return Unit(
            user,
            mark=Mark(f"c-{user}", 1, "classroom", bytes(16), b'{"correct":true}', now()),
            writes=[Write(f"classroom/s/{session}/progress", progress, 0)],
            records=[Record("classroom/answers", ANSWER, now())],
            messages=[Message(f"session:{session}", "bench:progress", progress, now(), owner=user)],
        )

    store = await opened(path)
    try:
        await _each(users, lambda user: _commit(store, user, unit(user)))
    finally:
        await store.close()


async def missed(path: Path, users: Iterable[str], count: int) -> dict[str, dict[str, Position]]:
    """Students whose session was told `count` messages since they were there last.

    Returns:
        By user where they were in each of their rooms, as `resume` has it.
    """
    store = await opened(path)
    places: dict[str, dict[str, Position]] = {}

    async def one(user: str) -> None:
        room = f"session:{session_of(user)}"
        rooms = (room, f"user:{user}")
        places[user] = {name: (await store.recover(name, user)).position for name in rooms}
        messages = [Message(room, "bench:said", SAY, now(), owner=user) for _ in range(count)]
        await _commit(store, user, Unit(user, messages=messages))

    try:
        await _each(users, one)
    finally:
        await store.close()
    return places


async def _commit(store: Store, user: str, unit: Unit) -> None:
    await store.claim_session(session_of(user), user)
    await store.commit(unit)


async def _each(users: Iterable[str], one: Callable[[str], Coroutine[None, None, None]]) -> None:
    batch = []
    for user in users:
        batch.append(one(user))
        if len(batch) == _BATCH:
            await asyncio.gather(*batch)
            batch.clear()
    await asyncio.gather(*batch)
