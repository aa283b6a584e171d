"""For tests: a small HTTP server that answers like an OpenAI-compatible endpoint, and misbehaves when told to.

async with AiServer() as server:
    server.reply("Look at the verb. ", "Who does it?")       # the next answers, in order
    server.reply("Look at", stall_before=1)
    coach = AiService(server.settings())
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from aiohttp import web
from pydantic import SecretStr

from bonsai_coaching.ai.settings import AiSettings

KEY = "sk-test-6f1d0c"


@dataclass(frozen=True, slots=True)
class Reply:
    """How one request is answered.

    Attributes:
        parts: the text, as it is streamed; each part is one event.
        status: other than 200, no stream follows.
        location: where a redirect leads.
        stall_before: it stays silent before this part until the client leaves; -1 is before the headers.
        cut_before: it drops the connection before this part.
        raw: sent as it is instead of the parts.
        finish: the last event's `finish_reason`; None leaves out that event.
        done: whether `[DONE]` follows.
        delay: seconds before each part.
    """

    parts: tuple[str, ...] = ()
    status: int = 200
    location: str | None = None
    stall_before: int | None = None
    cut_before: int | None = None
    raw: bytes | None = None
    finish: str | None = "stop"
    done: bool = True
    delay: float = 0.0


class AiServer:
    """See the module.

    Attributes:
        requests: the body of every request so far.
        keys: what each sent as `Authorization`.
        left: how many clients went away before their answer was complete.
    """

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str | None] = []
        self.left = 0
        self._replies: deque[Reply] = deque()
        self._runner: web.AppRunner | None = None
        self._url = ""
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/v1/chat/completions", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.5, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self._url = f"http://127.0.0.1:{self._runner.addresses[0][1]}/v1"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def settings(self, **changes: Any) -> AiSettings:
        """Settings that lead here, with the key `KEY`."""
        return AiSettings(**{"url": self._url, "key": SecretStr(KEY), "model": "test-model", **changes})

    def reply(self, *parts: str, **changes: Any) -> None:
        """Say how a further request is answered; see `Reply`. Without one, an answer is empty."""
        self._replies.append(Reply(parts, **changes))

    async def wait_for(self, *, requests: int = 0, left: int = 0) -> None:
        """Wait until so many requests have come, and so many clients have gone."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.requests) >= requests and self.left >= left)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        reply = self._replies.popleft() if self._replies else Reply()
        async with self._changed:
            self.requests.append(await request.json())
            self.keys.append(request.headers.get("Authorization"))
            self._changed.notify_all()
        try:
            return await self._answer(request, reply)
        except asyncio.CancelledError:  # the client is gone
            async with self._changed:
                self.left += 1
                self._changed.notify_all()
            raise

    async def _answer(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        if reply.stall_before == -1:
            await asyncio.Event().wait()
        if reply.status != 200:
            headers = {"Location": reply.location} if reply.location is not None else None
            return web.json_response({"error": {"message": f"no, {KEY}"}}, status=reply.status, headers=headers)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        with contextlib.suppress(ConnectionError):
            await response.prepare(request)
            async for event in self._events(request, reply):
                await response.write(event)
            await response.write_eof()
        return response

    async def _events(self, request: web.Request, reply: Reply) -> AsyncIterator[bytes]:
        if reply.raw is not None:
            yield reply.raw
            return
        for n, part in enumerate((*reply.parts, None)):
            if n == reply.stall_before:
                await asyncio.Event().wait()
            if n == reply.cut_before:
                assert request.transport is not None
                request.transport.abort()
                return
            await asyncio.sleep(reply.delay)
            if part is not None:
                yield _event({"content": part}, None)
        if reply.finish is not None:
            yield _event({}, reply.finish)
        if reply.done:
            yield b"data: [DONE]\n\n"


def _event(delta: dict[str, str], finish: str | None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return f"data: {json.dumps({'object': 'chat.completion.chunk', 'choices': [choice]})}\n\n".encode()
