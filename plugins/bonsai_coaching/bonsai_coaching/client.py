"""The coach for Python clients: ask for hints and strategies, write to the coach, follow messages.

async with Client("ws://127.0.0.1:3001", auth=Auth(token=token, session_id="s1")) as client:
    coach = LiveCoach(client)
    hint = await coach.request_hint("q1")
    strategy = await coach.request_strategy(skill="Circles")
    async for message in coach.messages():
        print(message.message, message.reason, coach.unread_count)
        await coach.mark_read(message.id)
"""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from bonsai_coaching.events import Hint, History, Message, MessageType, Posted, Priority, Read, State, Watching
from bonsai_coaching.texts import Strategy
from bonsai_core.client import Client, MessageStream
from bonsai_core.client import Message as Frame

#: Called with each message; sync or async.
MessageHandler = Callable[[Message], Awaitable[Any] | Any]
#: Called with each hint that any of the session's devices got; sync or async.
HintHandler = Callable[[Hint], Awaitable[Any] | Any]


class LiveCoach:
    """A view of a student's messages, and the way to the coach. For a tutor: the way to their students.

    Args:
        client: connected or not yet. It stays the caller's to close.
        timeout: seconds that each request may take, reconnects included; None: no end.
    """

    def __init__(self, client: Client, *, timeout: float | None = 30.0) -> None:
        self._client = client
        self._timeout = timeout
        self._unread = 0
        self._on_message: list[MessageHandler] = []
        self._on_hint: list[HintHandler] = []
        client.on("coaching:state", self._take_state)
        client.on("coaching:message", self._take_message)
        client.on("coaching:read", self._take_read)
        client.on("coaching:hint", self._take_hint)

    @property
    def unread_count(self) -> int:
        """How many of the student's messages are unread, on whichever device they are read.

        It is known from the first thing that the server says of messages on; `state` asks.
        """
        return self._unread

    async def state(self) -> State:
        """The newest messages, how many are unread, and whether the coach keeps quiet."""
        state = State.model_validate(await self._request("coaching:state", {}))
        self._unread = state.unread
        return state

    async def request_hint(self, question_id: str, rung: int | None = None, *, skill: str | None = None) -> Hint:
        """The next hint for a question, or one shown before.

        Args:
            rung: which one, from 1; None for the next.
            skill: of a question that no bank knows.

        Raises:
            ServerError: refused. `too_soon`: the next one opens after `retry_after_ms`; `too_high`: others come first;
                `unknown_question`; `mock_test`: not in a timed module.
        """
        data = {"questionId": question_id, "rung": rung, "skill": skill}
        return Hint.model_validate(await self._request("coaching:hint", data))

    async def request_strategy(self, question_id: str | None = None, *, skill: str | None = None) -> Strategy:
        """The strategy of a question, skill or topic (`pacing`, `guessing`, `test day`).

        Raises:
            ServerError: refused: `unknown_skill`, with the list of those there are in `details`; `unknown_question`.
        """
        data = {"questionId": question_id, "skill": skill}
        return Strategy.model_validate(await self._request("coaching:strategy", data))

    async def focus(self, question_id: str, *, skill: str | None = None, expected_seconds: float | None = None) -> None:
        """Tell the coach which question is before the student.

        Args:
            skill, expected_seconds: of a question that no bank knows.
        """
        data = {"questionId": question_id, "skill": skill, "expectedSeconds": expected_seconds}
        await self._request("coaching:focus", data)

    async def send(self, text: str, *, question_id: str | None = None) -> Posted:
        """Write to the coach. The answer comes as a message with the id `reply`.

        Args:
            question_id: what it is about; default is the question before the student.
        """
        data = {"text": text, "questionId": question_id}
        return Posted.model_validate(await self._request("coaching:message", data))

    async def mark_read(self, *ids: str) -> int:
        """Take messages as read on all devices; all of them without ids.

        Returns:
            How many are still unread.
        """
        return Read.model_validate(await self._request("coaching:read", {"ids": list(ids) or None})).unread

    async def history(self, limit: int = 20, *, before: int | None = None) -> History:
        """A page of messages, oldest first.

        Args:
            limit: 1 to 100.
            before: `before` of a page, to get the one that comes before it in time.
        """
        return History.model_validate(await self._request("coaching:history", {"limit": limit, "before": before}))

    def on_message(self, handler: MessageHandler) -> MessageHandler:
        """Call `handler(message)` for each message of the student's own, sync or async; also as a decorator.

        An answer that is being written comes in parts, each with `part` and all of the text so far; the last without.
        """
        self._on_message.append(handler)
        return handler

    def on_hint(self, handler: HintHandler) -> HintHandler:
        """Call `handler(hint)` for each hint that one of the session's devices got; also as a decorator."""
        self._on_hint.append(handler)
        return handler

    def messages(self, *, parts: bool = False) -> AsyncIterator[Message]:
        """Every message from now on; ends when the client closes.

        Args:
            parts: also those of answers that are being written.
        """
        # Asked for here, not in the generator, which would begin with its first step and miss what came before.
        return self._messages(self._client.messages(), parts)

    # Tutors

    async def write_to(
        self,
        student: str,
        text: str,
        *,
        session_id: str | None = None,
        question_id: str | None = None,
        type: MessageType = "insight",
        priority: Priority = "high",
    ) -> str:
        """As a tutor, write to a student; it comes to all of their devices, once.

        Args:
            session_id: of the student; default is the one they joined last.

        Returns:
            The message's id.

        Raises:
            ServerError: `forbidden`: the token does not name this student; `no_session`: give the session.
        """
        data = {
            "userId": student,
            "text": text,
            "sessionId": session_id,
            "questionId": question_id,
            "type": type,
            "priority": priority,
        }
        return Posted.model_validate(await self._request("coaching:message", data)).id

    async def watch(self, student: str, *, session_id: str | None = None) -> Watching:
        """As a tutor, get what a student's devices get: `client.on(...)` sees it, and `message.room` tells whose it is.

        Raises:
            ServerError: as `write_to`.
        """
        data = {"userId": student, "sessionId": session_id}
        return Watching.model_validate(await self._request("coaching:watch", data))

    async def unwatch(self, student: str, *, session_id: str | None = None) -> None:
        """See no more of a student."""
        await self._request("coaching:unwatch", {"userId": student, "sessionId": session_id})

    # Private

    async def _request(self, event: str, data: dict[str, Any]) -> Any:
        given = {name: value for name, value in data.items() if value is not None}
        return await self._client.request(event, given, timeout=self._timeout)

    def _own(self, frame: Frame) -> bool:
        """Whether a frame is about the client's own user, and not about one that a tutor watches."""
        joined = self._client.joined
        own = {f"user:{joined.user_id}", f"session:{joined.session_id}"} if joined is not None else set()
        return frame.room is None or frame.room in own

    def _take_state(self, frame: Frame) -> None:
        self._unread = State.model_validate(frame.data).unread

    async def _take_message(self, frame: Frame) -> None:
        if not self._own(frame):
            return
        message = Message.model_validate(frame.data)
        if message.unread is not None:
            self._unread = message.unread
        await _call(self._on_message, message)

    def _take_read(self, frame: Frame) -> None:
        if self._own(frame):
            self._unread = Read.model_validate(frame.data).unread

    async def _take_hint(self, frame: Frame) -> None:
        if self._own(frame):
            await _call(self._on_hint, Hint.model_validate(frame.data))

    async def _messages(self, frames: MessageStream, parts: bool) -> AsyncIterator[Message]:
        async for frame in frames:
            if frame.event == "coaching:message" and self._own(frame):
                message = Message.model_validate(frame.data)
                if parts or message.part is None:
                    yield message


async def _call(handlers: list[Callable[[Any], Any]], value: Any) -> None:
    for handler in list(handlers):
        result = handler(value)
        if inspect.isawaitable(result):
            await result
