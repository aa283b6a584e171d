"""When to look at the time again in which session: one sweep for all of them, by the application's clock."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

log = logging.getLogger("bonsai.coaching")

#: Sessions that are looked at together.
TOGETHER = 20
#: When to try again after a failure, in ms.
AGAIN_MS = 60_000


class Timer:
    """Remembers moments; kept in memory only, for who joins after a restart is put down again.

    Args:
        now: ms since the epoch.
    """

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now
        self._due: dict[tuple[str, str], int] = {}

    def __len__(self) -> int:
        return len(self._due)

    def set(self, user: str, session_id: str, due: int | None) -> None:
        """When to look at a session next, in ms since the epoch; None for not at all."""
        if due is None:
            self._due.pop((user, session_id), None)
        else:
            self._due[user, session_id] = due

    async def look(self, look: Callable[[str, str], Awaitable[None]]) -> None:
        """Call `look(user, session_id)` for each session that is due now, once; what fails is tried again later."""
        now = self._now()
        due = [place for place, moment in self._due.items() if moment <= now]
        for place in due:
            del self._due[place]
        for start in range(0, len(due), TOGETHER):
            places = due[start : start + TOGETHER]
            results = await asyncio.gather(*(look(*place) for place in places), return_exceptions=True)
            for place, result in zip(places, results, strict=True):
                if isinstance(result, Exception):
                    log.warning("a session could not be looked at: %s", type(result).__name__)
                    self._due.setdefault(place, now + AGAIN_MS)
