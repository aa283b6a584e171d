"""Plain aiohttp on uvloop, the way one would write it by hand: `python -m bench.peers.plain send_str|prepared`.

It speaks frames of our protocol without any of the features: no tokens, sessions, limits, heartbeat, metrics, duplicate
check or log. `prepared` builds a room message's WebSocket frame once and writes it to each transport.
"""

from __future__ import annotations

import asyncio
import struct
import sys
import time

import msgspec
import uvloop
from aiohttp import WSMsgType, web
from pydantic import ValidationError

from bench.peers.common import collect_when_told, ready
from bench.work import ROOM, SAY, Answer, Graded, Say


class Frame(msgspec.Struct):
    """One message from a client."""

    event: str
    data: msgspec.Raw = msgspec.Raw(b"null")
    id: int | None = None


SAID = SAY.decode()
decode = msgspec.json.Decoder(Frame).decode


class Plain:
    """The application.

    Args:
        prepared: write one prepared frame to each transport instead of calling `send_str` on each socket.
    """

    def __init__(self, prepared: bool) -> None:
        self.prepared = prepared
        self.room: dict[web.WebSocketResponse, asyncio.Transport] = {}
        self.offset = 0

    async def websocket(self, request: web.Request) -> web.WebSocketResponse:
        """One client."""
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        transport = request.transport
        assert transport is not None
        try:
            async for message in ws:
                if message.type is not WSMsgType.TEXT:
                    continue
                frame = decode(message.data)
                try:
                    answer = await self.handle(ws, transport, frame)
                except ValidationError:
                    await ws.send_str(f'{{"event":"error","id":{frame.id},"data":{{"code":"invalid_payload"}}}}')
                    continue
                now = time.time_ns() // 1_000_000
                await ws.send_str(f'{{"event":"ack","id":{frame.id},"data":{answer},"ts":{now}}}')
        finally:
            self.room.pop(ws, None)
        return ws

    async def storm(self, request: web.Request) -> web.WebSocketResponse:
        """One client of the reconnect storm: it is sent what the query says, message by message."""
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        for offset in range(1, int(request.query["count"]) + 1):
            now = time.time_ns() // 1_000_000
            await ws.send_str(f'{{"event":"bench:said","room":"{ROOM}","offset":{offset},"data":{SAID},"ts":{now}}}')
        async for _ in ws:
            pass
        return ws

    async def handle(self, ws: web.WebSocketResponse, transport: asyncio.Transport, frame: Frame) -> str:
        """Do what the event asks and return the ack's data."""
        if frame.event == "bench:answer":
            answer = Answer.model_validate_json(bytes(frame.data))
            return Graded(correct=answer.correct).model_dump_json(by_alias=True)
        if frame.event == "bench:say":
            say = Say.model_validate_json(bytes(frame.data))
            await self.tell(say.model_dump_json(by_alias=True))
        elif frame.event == "bench:enter":
            self.room[ws] = transport
        return "null"

    async def tell(self, data: str) -> None:
        """Send a message to the room."""
        self.offset += 1
        now = time.time_ns() // 1_000_000
        text = f'{{"event":"bench:said","room":"{ROOM}","offset":{self.offset},"data":{data},"ts":{now}}}'
        if not self.prepared:
            for ws in list(self.room):
                await ws.send_str(text)
            return
        payload = text.encode()
        frame = struct.pack("!BBH", 0x81, 126, len(payload)) + payload
        for transport in list(self.room.values()):
            transport.write(frame)


async def main(prepared: bool) -> None:
    """Serve until terminated."""
    app = web.Application()
    plain = Plain(prepared)
    app.router.add_get("/ws", plain.websocket)
    app.router.add_get("/storm", plain.storm)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=4096).start()
    collect_when_told()
    ready(runner.addresses[0][1])
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1:] == ["prepared"]))
