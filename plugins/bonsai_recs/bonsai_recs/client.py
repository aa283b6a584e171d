"""Recommendations for Python clients: ask for questions, watch the list.

async with Client("ws://127.0.0.1:3001", auth=Auth(token=token)) as client:
    recommendations = Recommendations(client)
    for question in await recommendations.request(preferences={"subjects": ["math"]}, count=3):
        print(question.stem, question.reason)
    async for update in recommendations:
        print(len(update.questions))
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

from bonsai_core.client import Client, Message, MessageStream
from bonsai_recs.events import Accepted, Recommended, Request, Update

#: Called with each update; sync or async.
UpdateHandler = Callable[[Update], Awaitable[Any] | Any]


class Recommendations:
    """A view of a client's session: what it is recommended now.

    Args:
        client: connected or not yet. It stays the caller's to close.
        timeout: seconds that each request may take, reconnects included; None: no end.
    """

    def __init__(self, client: Client, *, timeout: float | None = 30.0) -> None:
        self._client = client
        self._timeout = timeout
        self._latest: Update | None = None
        self._changed = asyncio.Condition()
        self._handlers: list[UpdateHandler] = []
        client.on("recommendations:update", self._take)

    @property
    def latest(self) -> Update | None:
        """The newest update; None before the first."""
        return self._latest

    @property
    def questions(self) -> Sequence[Recommended]:
        """What is recommended now: the server changes the list by itself when an answer changes what is best."""
        return self._latest.questions if self._latest is not None else ()

    async def request(self, request: Request | None = None, **fields: Any) -> Sequence[Recommended]:
        """Ask for questions.

        Args:
            request: all of it; or its fields by name: `mode`, `count`, `preferences`, `current_skill_level`, ...

        Returns:
            The questions, which all of the session's devices get as well.

        Raises:
            ServerError: refused: `invalid_payload` for an unknown subject.
            RequestTimeout: no answer in time.
            TimeoutError: answered, but the questions did not come in time.
        """
        asked = Request.model_validate(fields) if request is None else request
        return await self._ask(
            "recommendations:request", asked.model_dump(mode="json", by_alias=True, exclude_none=True)
        )

    async def refresh(self) -> Sequence[Recommended]:
        """Ask for the same again; in a mock test, hand the module in. Raises as `request` does."""
        return await self._ask("recommendations:refresh", {})

    def on_update(self, handler: UpdateHandler) -> UpdateHandler:
        """Call `handler(update)` for each update, sync or async, one after another; also as a decorator."""
        self._handlers.append(handler)
        return handler

    def updates(self) -> AsyncIterator[Update]:
        """Every update from now on; ends when the client closes."""
        # Asked for here, not in the generator, which would begin with its first step and miss what came before.
        return _updates(self._client.messages())

    def __aiter__(self) -> AsyncIterator[Update]:
        return self.updates()

    async def _ask(self, event: str, data: Any) -> Sequence[Recommended]:
        accepted = Accepted.model_validate(await self._client.request(event, data, timeout=self._timeout))
        async with asyncio.timeout(self._timeout), self._changed:
            await self._changed.wait_for(
                lambda: self._latest is not None and self._latest.revision >= accepted.revision
            )
        return self.questions

    async def _take(self, message: Message) -> None:
        update = Update.model_validate(message.data)
        async with self._changed:
            self._latest = update
            self._changed.notify_all()
        for handler in list(self._handlers):
            result = handler(update)
            if inspect.isawaitable(result):
                await result


async def _updates(messages: MessageStream) -> AsyncIterator[Update]:
    async for message in messages:
        if message.event == "recommendations:update":
            yield Update.model_validate(message.data)
