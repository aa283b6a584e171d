"""A token is in no log at any level, nor in anything else that the server says or shows."""

from __future__ import annotations

import io
import json
from typing import Any

import aiohttp
import pytest

from bonsai_core import Event, Plugin, Session, hookimpl, on
from bonsai_core.testing import StartServer
from tests.hostile.raw import RawPeer, close_frame, frame, handshake, text


class Clumsy(Plugin):
    """Fails in every way, with the token and the payload at hand."""

    name = "clumsy"

    @on("clumsy:fail")
    async def fail(self, session: Session, event: Event) -> None:
        secret = event.data["token"]
        raise RuntimeError(f"cannot do anything with {secret}")

    @on("clumsy:claims")
    async def claims(self, session: Session, event: Event) -> None:
        raise ValueError(dict(session.claims), event.data)

    @hookimpl
    async def on_connect(self, session: Session) -> None:
        raise RuntimeError(repr(session.claims))


def traces(token: str) -> list[str]:
    """What must appear nowhere: the token, its parts, and pieces of them."""
    parts = token.split(".")
    pieces = [part[start : start + 20] for part in parts[1:] for start in range(0, max(1, len(part) - 20), 20)]
    return [token, *parts[1:], *(piece for piece in pieces if len(piece) >= 12)]


@pytest.mark.parametrize("debug", [False, True], ids=["as usual", "with BONSAI_DEBUG"])
async def test_no_token_is_ever_logged(bonsai_server: StartServer, everything_logged: io.StringIO, debug: bool) -> None:
    server = await bonsai_server(plugins=[Clumsy()], debug=debug, log_json=False)
    good = server.token(user="ada", jti="a-token-id-that-is-secret")
    expired = server.token(user="ada", ttl_s=-60)
    forged = good[:-8] + "AAAAAAAA"
    odd = good + "\x00"
    tokens = [good, expired, forged]

    client = await server.connect(token=good, session="s1")
    for event in ("clumsy:fail", "clumsy:claims", "nobody:knows", "session:update"):
        with pytest.raises(AssertionError):
            await client.request(event, {"token": good, "patch": good})
    for token in tokens:
        await client.send("auth:refresh", {"token": token}, id=50 + tokens.index(token))
        await client.recv("ack", "error")
    await client.send_raw('{"event":"auth:refresh","data":{"token":"' + good)
    await client.send_raw(json.dumps({"event": "auth:refresh", "token": good, "id": "x"}))
    await client.sync()

    port = server.server.port
    requests: list[Any] = [
        handshake(authorization=f"Bearer {good}"),
        handshake(authorization=f"Bearer {odd}"),
        handshake(authorization=f"Bearer {good}", more=[("X Y", good)]),
        handshake(path=f"/ws?token={good}"),
        handshake(path=f"/{good}"),
        handshake(origin=f"http://{good}"),
        handshake(sec_websocket_protocol=f"bonsai.v1, bearer.{good}"),
        handshake(sec_websocket_protocol=good),
        f"POST /api/websocket HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {forged}\r\nContent-Length: 18\r\n\r\n"
        f'{{"action":"stats"}}'.encode(),
        f"GET /{good} HTTP/9.9\r\nHost: {good}\r\n\r\n".encode(),
        f"{good}\r\n\r\n".encode(),
    ]
    for request in requests:
        peer = await RawPeer.open(port)
        await peer.send(request)
        status, _, _ = await peer.response()
        if status == 101:
            await peer.send(text({"event": "user:connect", "data": {"token": forged, "device": good}}))
            await peer.send(text({"event": "user:connect", "data": {"token": forged}}))
            await peer.send(frame(3, good.encode()), close_frame(1000, good.encode()[:100]))
        await peer.close()
    for token in (expired, forged):
        peer = await RawPeer.open(port)
        await peer.upgrade()
        await peer.send(text({"event": "user:connect", "data": {"token": token}}))
        end = await peer.end()
        assert not any(trace in json.dumps(end.frames) + end.reason for trace in traces(token))
        await peer.close()
    await server.app.revoke("jti", "a-token-id-that-is-secret")
    assert await client.closed() == 4401

    shown = ""
    async with aiohttp.ClientSession() as http:
        for path in ("/metrics", "/readyz", "/asyncapi.json"):
            async with http.get(server.url + path) as response:
                shown += await response.text()
    await server.stop()
    shown += everything_logged.getvalue()
    assert "plugin failed" in shown, "there was something to log"
    for token in tokens:
        for trace in traces(token):
            assert trace not in shown, f"{trace} of a token is in: {shown[max(0, shown.find(trace) - 300) :][:400]}"
    if not debug:  # debug mode shows the texts of plugins' exceptions; a claim is the plugin's to tell, a token is not
        assert "a-token-id-that-is-secret" not in shown
    assert server.secret not in shown
