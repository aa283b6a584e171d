"""python-socketio on aiohttp and uvloop, WebSocket transport only: `python -m bench.peers.pysocketio`.

It does what `socketio.mjs` does: tokens are verified at CONNECT (by PyJWT, as at our join), each socket is in its
user's and its session's room, and payloads are validated by the pydantic models that our own server uses.
"""

from __future__ import annotations

import asyncio
import importlib
import os
from typing import Any

import jwt
import uvloop
from aiohttp import web
from pydantic import ValidationError

from bench.peers.common import collect_when_told, ready
from bench.work import ROOM, Answer, Graded, Say

#: Installed for the benchmark alone (bench/install.py), so it is not there when types are checked.
socketio: Any = importlib.import_module("socketio")
INVALID = {"code": "invalid_payload"}


def register(server: Any) -> None:
    """The events of the benchmark."""

    @server.event  # type: ignore[untyped-decorator]
    async def connect(sid: str, environ: dict[str, Any], auth: dict[str, str]) -> None:
        try:
            claims = jwt.decode(auth["token"], os.environ["JWT_SECRET"], algorithms=["HS256"])
        except jwt.PyJWTError as error:
            raise socketio.exceptions.ConnectionRefusedError(str(error)) from None
        await server.enter_room(sid, f"user:{claims['sub']}")
        await server.enter_room(sid, f"session:{claims['sub']}")

    @server.on("bench:enter")  # type: ignore[untyped-decorator]
    async def enter(sid: str, data: Any) -> None:
        await server.enter_room(sid, ROOM)

    @server.on("bench:answer")  # type: ignore[untyped-decorator]
    async def answer(sid: str, data: Any) -> dict[str, Any]:
        try:
            answer = Answer.model_validate(data)
        except ValidationError:
            return INVALID
        return Graded(correct=answer.correct).model_dump(by_alias=True)

    @server.on("bench:say")  # type: ignore[untyped-decorator]
    async def say(sid: str, data: Any) -> dict[str, Any] | None:
        try:
            say = Say.model_validate(data)
        except ValidationError:
            return INVALID
        await server.emit("bench:said", say.model_dump(by_alias=True), room=ROOM)
        return None


async def main() -> None:
    """Serve until terminated."""
    server = socketio.AsyncServer(
        async_mode="aiohttp", transports=["websocket"], http_compression=False, cors_allowed_origins=[]
    )
    register(server)
    app = web.Application()
    server.attach(app)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    collect_when_told()
    ready(runner.addresses[0][1])
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
