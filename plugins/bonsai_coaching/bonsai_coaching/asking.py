"""The AI service at work: asked outside of any unit of work; what it writes comes into the session bit by bit.

What is asked stands in the student's inbox (`Waiting`) from the student's message on until it is answered: by the
service, or, when that fails, leaks, or dies with the server, by the built-in coach. So each message gets one answer.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

from bonsai_coaching import inbox
from bonsai_coaching.events import Message
from bonsai_coaching.inbox import Waiting
from bonsai_core import Session

if TYPE_CHECKING:
    from bonsai_coaching.ai import AiCoach, AiRequest
    from bonsai_core import App

log = logging.getLogger("bonsai.coaching")

#: Why an answer of the service came.
WRITTEN = "You asked. An AI model wrote this."


class Asker:
    """Asks the service, one task for each question.

    Args:
        plugin: whose documents the inboxes are.
        service: None when there is none; what was asked before is answered nevertheless.
        stale_ms: a question that waits longer than this is not under way anywhere.
    """

    def __init__(self, app: App, plugin: object, service: AiCoach | None, stale_ms: int) -> None:
        self._app = app
        self._plugin = plugin
        self._service = service
        self._stale_ms = stale_ms
        self._under_way: set[str] = set()

    def ask(self, session: Session, id: str, request: AiRequest) -> None:
        """Ask, once the session's unit of work is through, and have it answered under `id`."""
        if id not in self._under_way:  # the handler may run again
            self._under_way.add(id)
            _ = self._app.create_task(self._ask(session.user, session.id, id, request), name="ask the AI service")

    def rescue(self, session: Session, box: inbox.Inbox) -> list[Message]:
        """Answer what a server that died left waiting, and have what may still be under way looked at later.

        Returns:
            The answers. The caller saves the inbox.
        """
        posted = []
        for waiting in list(box.waiting):
            age = session.now - waiting.fallback.created_at
            if waiting.fallback.id in self._under_way:
                continue
            if age >= self._stale_ms:
                box.waiting.remove(waiting)
                posted.append(inbox.post(session, box, waiting.fallback))
            else:
                place, seconds = (session.user, session.id), max(0.0, (self._stale_ms - age) / 1000)
                _ = self._app.create_task(self._later(*place, waiting.fallback.id, seconds), name="answer after all")
        return posted

    async def _ask(self, user: str, session_id: str, id: str, request: AiRequest) -> None:
        try:
            waiting = await self._act(user, session_id, partial(_waiting, id=id))
            if waiting is None:
                return  # the message was refused after all
            answer = await self._written(user, session_id, waiting, request)
            await self._act(user, session_id, partial(_answer, id=id, answer=answer))
        except Exception as error:  # the store is away, say
            log.warning("an answer of the AI service could not be kept: %s", type(error).__name__)
            await self._later(user, session_id, id, self._stale_ms / 1000)
        finally:
            self._under_way.discard(id)

    async def _written(self, user: str, session_id: str, waiting: Waiting, request: AiRequest) -> Message:
        """What the service writes, shown as it comes; or what stands in for it."""
        from bonsai_coaching.ai import AiLeak, AiUnavailable

        if self._service is None:
            return waiting.fallback
        text, part = "", 0
        try:
            async with aclosing(self._service.answer(request)) as pieces:
                async for piece in pieces:
                    text, part = text + piece, part + 1
                    shown = waiting.written(text, WRITTEN).model_copy(update={"part": part})
                    await self._act(user, session_id, partial(_show, message=shown))
        except AiLeak:
            return waiting.leaked()
        except AiUnavailable as unavailable:
            log.info("the built-in coach answers: %s", unavailable)
            return waiting.fallback
        return waiting.written(text, WRITTEN)

    async def _act(self, user: str, session_id: str, function: Callable[[Session], Any]) -> Any:
        return await self._app.act(self._plugin, user, session_id, function)

    async def _later(self, user: str, session_id: str, id: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._act(user, session_id, partial(_answer, id=id, answer=None))


async def _waiting(session: Session, id: str) -> Waiting | None:
    return (await inbox.load(session)).question(id)


async def _show(session: Session, message: Message) -> None:
    await session.notify("coaching:message", message, room="user", key=message.id)


async def _answer(session: Session, id: str, answer: Message | None) -> None:
    """Post the answer, unless somebody else has; None for the built-in coach's."""
    box = await inbox.load(session)
    waiting = box.question(id)
    if waiting is not None:
        box.waiting.remove(waiting)
        message = answer or waiting.fallback
        inbox.post(session, box, message.model_copy(update={"created_at": session.now}))
        inbox.save(session, box)
