"""Hostile handshakes and HTTP requests: each with its status; slow ones end in time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from bonsai_core import http
from bonsai_core.testing import StartServer
from tests.hostile.conftest import Arena
from tests.hostile.raw import KEY, TEXT, frame, handshake, text

OURS = "http://localhost:3000"


def case(name: str, status: int, **options: Any) -> Any:
    return pytest.param(options, status, id=name)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        case("as it should be", 101),
        case("HEAD", 405, method="HEAD"),
        case("POST", 405, method="POST"),
        case("PUT", 405, method="PUT"),
        case("method in lower case", 400, method="get"),
        case("unknown method", 400, method="FOO"),
        case("HTTP/1.0", 400, version="HTTP/1.0"),
        case("HTTP/2 by name", 400, version="HTTP/2.0"),
        case("no Upgrade", 426, without=["Upgrade"]),
        case("Upgrade to something else", 426, upgrade="h2c"),
        case("no Connection", 426, without=["Connection"]),
        case("Connection: close", 426, connection="close"),
        case("Connection with several tokens", 101, connection="keep-alive, Upgrade"),
        case("no version", 426, without=["Sec-WebSocket-Version"]),
        case("version 8", 426, sec_websocket_version="8"),
        case("version 14", 426, sec_websocket_version="14"),
        case("two versions", 426, sec_websocket_version="13, 8"),
        case("version in words", 426, sec_websocket_version="thirteen"),
        case("no key", 400, without=["Sec-WebSocket-Key"]),
        case("empty key", 400, sec_websocket_key=""),
        case("short key", 400, sec_websocket_key="AAAA"),
        case("long key", 400, sec_websocket_key=KEY * 2),
        case("key that is not base64", 400, sec_websocket_key="!" * 22 + "=="),
        case("key without padding", 400, sec_websocket_key=KEY.rstrip("=")),
        case("key with a space", 400, sec_websocket_key="dGhl IHNhbXBsZSBub25jZQ=="),
        case("key that is not ASCII", 400, sec_websocket_key="d\xffGhlIHNhbXBsZSBub25jZQ=="),
        case("two keys", 400, more=[("Sec-WebSocket-Key", KEY)]),
        case("origin allowed", 101, origin=OURS),
        case("origin null", 403, origin="null"),
        case("origin empty", 403, origin=""),
        case("origin with a suffix", 403, origin=f"{OURS}.evil.test"),
        case("origin as a prefix", 403, origin="http://localhost:30001"),
        case("origin as user name", 403, origin="http://localhost:3000@evil.test"),
        case("origin with a path", 403, origin=f"{OURS}/"),
        case("origin of another scheme", 403, origin="https://localhost:3000"),
        case("origin in upper case", 403, origin="HTTP://LOCALHOST:3000"),
        case("origin with a trailing dot", 403, origin="http://localhost.:3000"),
        case("origin in another alphabet", 403, origin="http://lоcalhost:3000".encode().decode("latin-1")),
        case("two origins in one header", 403, origin=f"{OURS} http://evil.test"),
        case("two Origin headers", 403, origin=OURS, more=[("Origin", "http://evil.test")]),
        case("unknown extension", 403, origin="chrome-extension://abcdefghijklmnop"),
        case("no subprotocol", 101, without=["Sec-WebSocket-Protocol"]),
        case("another subprotocol", 400, sec_websocket_protocol="soap"),
        case("subprotocol in upper case", 400, sec_websocket_protocol="BONSAI.V1"),
        case("subprotocol with a suffix", 400, sec_websocket_protocol="bonsai.v10"),
        case("empty subprotocol", 400, sec_websocket_protocol=""),
        case("ours among others", 101, sec_websocket_protocol="soap, bonsai.v1"),
        case("no Host", 400, without=["Host"]),
        case("two Hosts", 400, more=[("Host", "evil.test")]),
        case("a header of 9 KB", 400, more=[("X-Long", "a" * 9000)]),
        case("500 headers", 400, more=[(f"X-{n}", "a") for n in range(500)]),
        case("a URL of 9 KB", 400, path="/ws?" + "a" * 9000),
        case("space in a header name", 400, more=[("X Y", "z")]),
        case("NUL in a header", 400, more=[("X-Y", "a\0b")]),
        case("token with NUL in a header", 400, more=[("Authorization", "Bearer eyJhbGciOiJIUzI1NiJ9.e\0.x")]),
        case("a body by length", 400, more=[("Content-Length", "5")]),
        case("a body in chunks", 400, more=[("Transfer-Encoding", "chunked")]),
        case("two lengths", 400, more=[("Content-Length", "0"), ("Content-Length", "6")]),
        case("length and chunks", 400, more=[("Content-Length", "5"), ("Transfer-Encoding", "chunked")]),
        case("unknown expectation", 417, more=[("Expect", "a miracle")]),
        case("another path", 404, path="/ws/../ws"),
        case("path with a slash", 404, path="/ws/"),
        case("compression offered", 101, sec_websocket_extensions="permessage-deflate"),
    ],
)
async def test_a_handshake_gets_the_status_it_deserves(hostile: Arena, options: dict[str, Any], status: int) -> None:
    peer = await hostile.peer()
    await peer.send(handshake(**options))
    if options.get("method") == "HEAD":
        assert (await peer.reader.readuntil(b"\r\n")).split()[1] == b"405"
        return
    seen, headers, _ = await peer.response()
    assert seen == status
    assert "sec-websocket-extensions" not in headers
    if status == 426:
        assert headers.get("sec-websocket-version") == "13" or headers.get("upgrade") == "websocket"
    if status == 101:
        assert headers["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        offered = "Sec-WebSocket-Protocol" not in options.get("without", ())
        assert headers.get("sec-websocket-protocol") == ("bonsai.v1" if offered else None)


async def test_our_subprotocol_is_found_in_a_second_header(hostile: Arena) -> None:
    peer = await hostile.peer()
    await peer.send(handshake(sec_websocket_protocol="soap", more=[("Sec-WebSocket-Protocol", "bonsai.v1")]))
    status, headers, _ = await peer.response()
    assert (status, headers["sec-websocket-protocol"]) == (101, "bonsai.v1")


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        pytest.param("chrome-extension://abcdefghijklmnopabcdefghijklmnop", 101, id="the listed extension"),
        pytest.param("chrome-extension://bbbbbbbbbbbbbbbbabcdefghijklmnop", 403, id="another extension"),
        pytest.param("chrome-extension://abcdefghijklmnopabcdefghijklmnopq", 403, id="a longer id"),
        pytest.param("moz-extension://abcdefghijklmnopabcdefghijklmnop", 403, id="another browser"),
        pytest.param("https://abcdefghijklmnopabcdefghijklmnop", 403, id="a host of that name"),
        pytest.param("http://localhost:3000", 403, id="the front end that is not listed"),
    ],
)
async def test_extensions_are_allowed_by_id(arena: Arena, origin: str, status: int) -> None:
    await arena.begin(dev=False, allowed_origins=["chrome-extension://abcdefghijklmnopabcdefghijklmnop"])
    assert await (await arena.peer()).upgrade(origin=origin) == status


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", id="TLS"),
        pytest.param(b"\x00" * 300, id="zeros"),
        pytest.param(bytes(range(256)) * 4, id="every byte"),
        pytest.param(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", id="the preface of HTTP/2"),
        pytest.param(handshake().replace(b"\r\n", b"\n"), id="bare line feeds"),
        pytest.param(handshake().replace(b"Upgrade:", b"Upgrade :"), id="space before the colon"),
        pytest.param(handshake().replace(b"Upgrade: web", b"Upgrade:\r\n web"), id="a folded header"),
        pytest.param(handshake().replace(b"GET /ws", b"GET  /ws"), id="two spaces"),
        pytest.param(frame(TEXT, b"{}"), id="a frame without a handshake"),
    ],
)
async def test_what_is_no_http_is_told_so_and_ended(hostile: Arena, data: bytes) -> None:
    peer = await hostile.peer()
    await peer.send(data)
    peer.writer.write_eof()
    assert (await peer.response())[0] in (400, 0)
    await peer.ended()


@pytest.mark.parametrize(
    "drip",
    [
        pytest.param(b"", id="nothing at all"),
        pytest.param(b"GET /ws HT", id="half a request line"),
        pytest.param(b"GET /ws HTTP/1.1\r\nHost: x\r\nX-A: ", id="half a header"),
        pytest.param(handshake()[:-2], id="all but the end"),
    ],
)
async def test_headers_that_drip_in_are_cut_off(arena: Arena, drip: bytes) -> None:
    await arena.begin(header_timeout_ms=200)
    peer = await arena.peer()
    await peer.send(drip)

    async def dripping() -> None:
        while True:
            await asyncio.sleep(0.02)
            await peer.send(b"a" if drip else b"")

    task = asyncio.create_task(dripping())
    await peer.ended(timeout=5)
    task.cancel()


async def test_a_second_request_may_not_drip_either(arena: Arena) -> None:
    await arena.begin(header_timeout_ms=200)
    peer = await arena.peer()
    await peer.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await peer.response())[0] == 200
    await peer.send(b"GET /healthz HTTP/1.1\r\nHo")
    await peer.ended(timeout=5)


async def test_a_refused_handshake_leaves_nothing_open(arena: Arena) -> None:
    await arena.begin(header_timeout_ms=200)
    peer = await arena.peer()
    await peer.send(handshake(origin="http://evil.test"), text({"event": "ping"}), b"x" * 200_000)
    assert (await peer.response())[0] == 403
    await peer.ended(timeout=5)
    assert len(arena.server.app.connections.all) == 1


async def test_a_body_that_drips_in_is_given_up(hostile: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "BODY_TIMEOUT", 0.2)
    peer = await hostile.peer()
    await peer.send(b"POST /api/websocket HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")
    assert (await peer.response())[0] == 408


@pytest.mark.parametrize(
    ("head", "body", "status"),
    [
        pytest.param("Content-Length: 200000", b"x" * 200_000, 413, id="too long"),
        pytest.param(
            "Transfer-Encoding: chunked", b"30D40\r\n" + b"x" * 200_000 + b"\r\n0\r\n\r\n", 413, id="in chunks"
        ),
        pytest.param("Content-Length: -1", b"", 400, id="negative length"),
        pytest.param("Content-Length: 1e3", b"", 400, id="length in words"),
        pytest.param("Transfer-Encoding: chunked", b"zz\r\n\r\n", 400, id="chunk size that is none"),
        pytest.param("Content-Length: 4", b"{\xff\xfe}", 400, id="not UTF-8"),
        pytest.param("Content-Length: 5", b"[1,2]", 400, id="not an object"),
        pytest.param("Content-Length: 10", b'{"action":', 400, id="cut short"),
        pytest.param("Content-Length: 60000", b"[" * 60_000, 400, id="deep"),
        pytest.param("Content-Length: 22", b'{"action":"\\ud800..."}', 400, id="lone surrogate"),
        pytest.param("Content-Encoding: gzip\r\nContent-Length: 4", b"nope", 400, id="not what it is encoded as"),
    ],
)
async def test_bad_bodies_are_refused(hostile: Arena, head: str, body: bytes, status: int) -> None:
    peer = await hostile.peer()
    await peer.send(f"POST /api/websocket HTTP/1.1\r\nHost: x\r\n{head}\r\n\r\n".encode(), body)
    assert (await peer.response())[0] == status


async def test_a_request_sent_after_the_upgrade_is_no_request(hostile: Arena) -> None:
    peer = await hostile.upgraded()
    await peer.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await peer.end()).code == 1002


async def test_requests_pipelined_behind_a_handshake_are_frames(hostile: Arena) -> None:
    peer = await hostile.peer()
    await peer.send(handshake(), b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (await peer.response())[0] == 101
    assert (await peer.end()).code == 1002


async def test_frames_sent_before_the_answer_are_read(hostile: Arena) -> None:
    peer = await hostile.peer()
    await peer.send(handshake(), text({"event": "ping"}))
    assert (await peer.response())[0] == 101
    assert (await peer.event("pong"))["ts"] > 0


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        pytest.param("203.0.113.9", "127.0.0.1", id="one address"),
        pytest.param("127.0.0.1, 203.0.113.9", "127.0.0.1", id="several"),
        pytest.param("x" * 4000, "127.0.0.1", id="garbage"),
    ],
)
async def test_nobody_unknown_says_who_they_are(hostile: Arena, forwarded: str, expected: str) -> None:
    peer = await hostile.peer()
    await peer.upgrade(more=[("X-Forwarded-For", forwarded)])
    assert {c.address for c in hostile.server.app.connections.all} == {expected}


async def test_a_draining_server_takes_nobody(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    server.app.draining = True
    from tests.hostile.raw import RawPeer

    peer = await RawPeer.open(server.server.port)
    await peer.send(handshake())
    status, headers, _ = await peer.response()
    assert (status, headers["retry-after"]) == (503, "1")
    await peer.close()
