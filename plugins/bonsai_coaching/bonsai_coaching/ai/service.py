"""The AI service: asks an OpenAI-compatible endpoint, and lets nothing pass that gives an answer away."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Protocol

from bonsai_coaching.ai.limits import Breaker, Budget
from bonsai_coaching.ai.prompt import MAX_LINES, MAX_TEXT, AiRequest, messages
from bonsai_coaching.ai.settings import AiSettings
from bonsai_coaching.ai.stream import AiUnavailable, deltas
from bonsai_core import QuestionAnalysis
from bonsai_core.domain import Choice

if TYPE_CHECKING:
    from aiohttp import ClientSession

log = logging.getLogger("bonsai.coaching.ai")

#: An answer is looked at again when so many characters have come, and only at ends of sentences.
LOOK_EVERY = 24
TEMPERATURE = 0.3

_SENTENCE_END = re.compile(r"[.!?…][\"')\]*_”’]*\s+|\n+")


class AiLeak(Exception):
    """What the model wrote gives the answer away. Drop what came of it; the ladder's own hint is shown instead."""


class AiCoach(Protocol):
    """What the plugin needs of an AI service.

    A handler asks `admit` and saves the budget; the answer is then read outside of the handler's unit of work:

        budget = await session.load("ai_budget", Budget, scope="user") or Budget()
        coach.admit(budget, session.now)                       # or AiUnavailable: the built-in coach speaks
        session.save("ai_budget", budget, scope="user")
        ...
        async with aclosing(coach.answer(request)) as parts:   # closing it ends the request
            async for part in parts: ...                       # or AiUnavailable, AiLeak: take back what was shown
    """

    def admit(self, budget: Budget, now_ms: int) -> None:
        """Take one request from the user's budget; costs nothing when there is no service to be had.

        Raises:
            AiUnavailable: `off`, `resting`, `busy` or `budget`.
        """

    def answer(self, request: AiRequest) -> AsyncGenerator[str, None]:
        """Write; gives checked parts of a sentence or more, which add up to the whole text.

        Raises:
            AiUnavailable: there is no answer, or it broke off.
            AiLeak: the answer would give the question's answer away. What was given before does not.
        """

    async def close(self) -> None:
        """End requests under way, and give back what is held. The service can be used again afterwards."""


class AiService:
    """Any endpoint that speaks OpenAI's chat completions (`POST /chat/completions`, `stream: true`).

    Args:
        settings: None for no service: every request is refused as `off`.
        monotonic: gives now, in seconds, for the circuit breaker.
    """

    def __init__(self, settings: AiSettings | None, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._session: ClientSession | None = None
        self._busy = 0
        if settings is not None:
            self._breaker = Breaker(settings.breaker_failures, settings.breaker_rest_ms / 1000, monotonic)

    def admit(self, budget: Budget, now_ms: int) -> None:
        """See `AiCoach.admit`."""
        settings = self._ready()
        if not budget.take(now_ms, settings.requests_per_day):
            raise AiUnavailable("budget")

    async def answer(self, request: AiRequest) -> AsyncGenerator[str, None]:
        """See `AiCoach.answer`."""
        settings = self._ready()
        if not self._breaker.enter():
            raise AiUnavailable("resting")
        self._busy += 1
        report = self._breaker.abandoned
        try:
            async with aclosing(self._pieces(settings, request)) as pieces:
                async for part in _checked(pieces, request, settings.max_chars):
                    yield part
            report = self._breaker.succeeded
        except AiUnavailable as unavailable:
            works = unavailable.reason in ("too_long", "filtered")
            report = self._breaker.succeeded if works else self._breaker.failed
            log.warning("no answer from the AI service: %s", unavailable)
            raise
        except AiLeak:
            report = self._breaker.succeeded
            log.info("an answer of the AI service was dropped: it gave the question's answer away")
            raise
        finally:
            self._busy -= 1
            report()

    async def close(self) -> None:
        """See `AiCoach.close`."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _ready(self) -> AiSettings:
        if self._settings is None:
            raise AiUnavailable("off")
        if self._breaker.resting:
            raise AiUnavailable("resting")
        if self._busy >= self._settings.max_concurrent:
            raise AiUnavailable("busy")
        return self._settings

    async def _pieces(self, settings: AiSettings, request: AiRequest) -> AsyncGenerator[str, None]:
        """The text as the endpoint sends it, unchecked."""
        from aiohttp import ClientError

        begun = asyncio.get_running_loop().time()
        first_by, end_by = begun + settings.first_token_timeout_ms / 1000, begun + settings.timeout_ms / 1000
        body = {
            "model": settings.model,
            "messages": messages(request),
            "stream": True,
            "max_tokens": settings.max_tokens,
            "temperature": TEMPERATURE,
        }
        headers = {"Accept": "text/event-stream"}
        if settings.key is not None:
            headers["Authorization"] = f"Bearer {settings.key.get_secret_value()}"
        try:
            async with asyncio.timeout_at(min(first_by, end_by)):
                # A redirect would carry the key and the student's words elsewhere.
                response = await self._client(settings).post(
                    f"{settings.url}/chat/completions", json=body, headers=headers, allow_redirects=False
                )
            try:
                if response.status != 200:
                    raise AiUnavailable("refused", response.status)
                async with aclosing(deltas(response.content, first_by, end_by)) as pieces:
                    async for piece in pieces:
                        yield piece
            finally:
                response.close()
        except TimeoutError:
            raise AiUnavailable("timeout") from None
        except (ClientError, OSError):
            raise AiUnavailable("unreachable") from None

    def _client(self, settings: AiSettings) -> ClientSession:
        if self._session is None or self._session.closed:
            from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

            self._session = ClientSession(
                connector=TCPConnector(limit=settings.max_concurrent),
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None, connect=None, sock_connect=None, sock_read=None),
            )
        return self._session


async def _checked(pieces: AsyncGenerator[str, None], request: AiRequest, max_chars: int) -> AsyncGenerator[str, None]:
    """The same text in whole sentences, each one given only after the text including the next sentence was checked.

    So a leak that needs two sentences is not shown by half either.
    """
    gives_away = _check(request)
    text = ""
    given = checked = 0
    async for piece in pieces:
        text += piece if text else piece.lstrip()
        if len(text) > max_chars:
            raise AiUnavailable("too_long")
        if len(text) - checked < LOOK_EVERY:
            continue
        ends = [end.end() for end in _SENTENCE_END.finditer(text, given)]
        if not ends or ends[-1] <= checked:
            continue
        checked = ends[-1]
        if gives_away(text[:checked]):
            raise AiLeak
        if len(ends) > 1:
            yield text[given : ends[-2]]
            given = ends[-2]
    if not text.strip():
        raise AiUnavailable("malformed")
    if gives_away(text):
        raise AiLeak
    if rest := text[given:].rstrip():
        yield rest


def _check(request: AiRequest) -> Callable[[str], bool]:
    """What tells whether the text so far gives the answer away."""
    if request.may_reveal:
        return lambda _: False
    from bonsai_coaching.leaks import Guard, is_verdict

    # As much as the model is shown; the rest would only cost time.
    hints = [hint[:MAX_TEXT] for hint in request.hints[-MAX_LINES:]]
    text = request.text[:MAX_TEXT]
    if request.question is None:
        # The student may have written a whole question down; of that nobody knows more than that it has an answer.
        guard = Guard(QuestionAnalysis(text=text, choices=[Choice(key=key, text="") for key in "ABCD"]))
        return guard.commits
    if request.task == "rephrase":
        guard, proposed = Guard(request.question, (*hints, text)), False
    else:
        guard = Guard(request.question, hints)
        proposed = guard.proposes(text)
    return lambda text: guard.find(text) is not None or guard.commits(text) or (proposed and is_verdict(text))
