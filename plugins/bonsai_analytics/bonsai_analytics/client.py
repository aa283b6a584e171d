"""Live analytics for Python clients: record answers, watch the numbers.

async with Client("ws://127.0.0.1:3001", auth=Auth(token=token)) as client:
    live = LiveAnalytics(client)
    await live.start_session()
    await live.record_answer("q1", correct=True, seconds=41, skill="Linear functions")
    summary = await live.end_session()
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from types import EllipsisType
from typing import Any

from bonsai_analytics.events import Goal, Graded, Progress, SessionSummary, Update
from bonsai_core.client import Client, Message, MessageStream

#: Called with each snapshot; sync or async.
UpdateHandler = Callable[[Update], Awaitable[Any] | Any]


class LiveAnalytics:
    """A view of a client's session: its answers out, its numbers in.

    Args:
        client: connected or not yet. It stays the caller's to close.
        timeout: seconds that each request may take, reconnects included; None: no end.
    """

    def __init__(self, client: Client, *, timeout: float | None = 30.0) -> None:
        self._client = client
        self._timeout = timeout
        self._snapshot: Update | None = None
        self._arrived = asyncio.Event()
        self._handlers: list[UpdateHandler] = []
        client.on("analytics:update", self._take)

    @property
    def snapshot(self) -> Update | None:
        """The newest numbers; None before the first have come."""
        return self._snapshot

    async def start_session(self) -> Update:
        """Connect if that was not done, and return the numbers to begin with.

        The session is the one of the client's `Auth.session_id`; the server makes one up when there is none.

        Raises:
            Refused: the server refused the client.
            TimeoutError: no numbers in time: is the plugin installed there?
        """
        await self._client.connect()
        if self._snapshot is None:
            async with asyncio.timeout(self._timeout):
                await self._arrived.wait()
        assert self._snapshot is not None
        return self._snapshot

    async def record_answer(
        self,
        question_id: str,
        correct: bool | None,
        seconds: float,
        skill: str | None = None,
        answer: str | None = None,
        subject: str | None = None,
    ) -> Graded:
        """Record an answer. It counts once, however often the connection fails meanwhile.

        Args:
            correct: None to have the server grade `answer`.
            seconds: time spent, 0 to 86400.
            skill: None for the question's own, if a bank knows it.
            answer: a choice's letter, or what was typed.

        Returns:
            Whether it was right, and the explanation when the server graded.

        Raises:
            ServerError: refused: `invalid_payload` when nobody can tell whether it is right.
            RequestTimeout: no answer in time.
        """
        data = {
            "questionId": question_id,
            "correct": correct,
            "timeSpent": seconds,
            "skill": skill,
            "answer": answer,
            "subject": subject,
        }
        sent = {name: value for name, value in data.items() if value is not None}
        return Graded.model_validate(await self._request("analytics:performance", sent))

    async def progress(self, days: int = 30, *, utc_offset_minutes: int = 0) -> Progress:
        """The practice of the last days, and the skills over all time.

        Args:
            days: 1 to 365, today included.
            utc_offset_minutes: where midnight is: minutes east of UTC, -840 to 840 in quarters of an hour.
        """
        query = {"days": days, "utcOffsetMinutes": utc_offset_minutes}
        return Progress.model_validate(await self._request("analytics:progress", query))

    async def goal(
        self,
        *,
        total: int | EllipsisType | None = ...,
        per_week: int | EllipsisType | None = ...,
        utc_offset_minutes: int = 0,
    ) -> Goal:
        """What the student aims at and how far it is; sets what is given, takes away what is None.

        Args:
            total: the score to reach, 400 to 1600 in tens.
            per_week: answers per week, 1 to 10,000.
            utc_offset_minutes: as in `progress`: the week begins on Monday there.
        """
        changes = {"total": total, "perWeek": per_week}
        query = {name: value for name, value in changes.items() if value is not ...}
        data = query | {"utcOffsetMinutes": utc_offset_minutes}
        return Goal.model_validate(await self._request("analytics:goal", data))

    async def end_session(self) -> SessionSummary:
        """End the session on all devices, and return its summary. The next one needs a `session_id` of its own."""
        ended = await self._request("session:end", {})
        return SessionSummary.model_validate(ended["summary"]["analytics"])

    def on_update(self, handler: UpdateHandler) -> UpdateHandler:
        """Call `handler(snapshot)` for each update, sync or async, one after another; also as a decorator."""
        self._handlers.append(handler)
        return handler

    def updates(self) -> AsyncIterator[Update]:
        """Every update from now on; ends when the client closes."""
        # Asked for here, not in the generator, which would begin with its first step and miss what came before.
        return _updates(self._client.messages())

    async def _take(self, message: Message) -> None:
        self._snapshot = snapshot = Update.model_validate(message.data)
        self._arrived.set()
        for handler in list(self._handlers):
            result = handler(snapshot)
            if inspect.isawaitable(result):
                await result

    async def _request(self, event: str, data: Any) -> Any:
        return await self._client.request(event, data, timeout=self._timeout)


async def _updates(messages: MessageStream) -> AsyncIterator[Update]:
    async for message in messages:
        if message.event == "analytics:update":
            yield Update.model_validate(message.data)
