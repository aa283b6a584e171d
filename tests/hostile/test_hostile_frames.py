"""Hostile WebSocket frames: each with the close code of RFC 6455 and PROTOCOL.md."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest

from bonsai_core.testing import FakeClock
from tests.hostile.conftest import Arena
from tests.hostile.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_frame, frame, text

HELLO = b'{"event":"ping"}'


@pytest.mark.parametrize(
    ("data", "code"),
    [
        *[pytest.param(frame(TEXT, HELLO, rsv=rsv), 1002, id=f"reserved bits {rsv:03b}") for rsv in (1, 2, 4, 7)],
        pytest.param(frame(PING, rsv=4), 1002, id="reserved bit on a ping"),
        *[pytest.param(frame(op, HELLO), 1002, id=f"reserved opcode {op:#x}") for op in (3, 4, 5, 6, 7, 11, 13, 15)],
        pytest.param(frame(CONTINUATION, HELLO), 1002, id="continuation of nothing"),
        pytest.param(frame(CONTINUATION, HELLO, fin=False), 1002, id="continuation of nothing, to be continued"),
        pytest.param(frame(TEXT, b"{", fin=False) + frame(TEXT, HELLO), 1002, id="text within a fragmented text"),
        pytest.param(frame(TEXT, b"{", fin=False) + frame(BINARY, HELLO), 1002, id="binary within a fragmented text"),
        pytest.param(frame(BINARY, b"x", fin=False) + frame(TEXT, b"{", fin=False), 1002, id="fragments interleaved"),
        pytest.param(
            frame(TEXT, HELLO[:5], fin=False) + frame(CONTINUATION, HELLO[5:]) + frame(CONTINUATION, b"x"),
            1002,
            id="one continuation too many",
        ),
        pytest.param(frame(PING, b"x", fin=False), 1002, id="fragmented ping"),
        pytest.param(frame(CLOSE, b"", fin=False), 1002, id="fragmented close"),
        pytest.param(frame(PING, b"x" * 126), 1002, id="ping of 126 bytes"),
        pytest.param(frame(PONG, b"x" * 126), 1002, id="pong of 126 bytes"),
        pytest.param(close_frame(1000, b"x" * 124), 1002, id="close of 126 bytes"),
        pytest.param(frame(PING, declared=2**32, width=8), 1002, id="ping of 4 GiB"),
        pytest.param(frame(BINARY, declared=9 << 20), 1009, id="9 MiB"),
        pytest.param(frame(TEXT, declared=9 << 20), 1009, id="9 MiB of text"),
        pytest.param(frame(TEXT, declared=2**31, width=8), 1009, id="2 GiB"),
        pytest.param(frame(TEXT, declared=2**63 - 1, width=8), 1009, id="the largest legal length"),
        pytest.param(frame(TEXT, declared=2**63, width=8), 1009, id="length with its top bit set"),
        pytest.param(frame(TEXT, declared=2**64 - 1, width=8), 1009, id="length of all ones"),
        pytest.param(
            frame(TEXT, b"x" * 65_536, fin=False) + frame(CONTINUATION, declared=9 << 20), 1009, id="9 MiB in fragments"
        ),
        pytest.param(frame(TEXT, b"\xff\xfe"), 1007, id="not UTF-8"),
        pytest.param(frame(TEXT, b'{"event":"\xc3"}'), 1007, id="UTF-8 cut within a character"),
        pytest.param(frame(TEXT, b'"\xed\xa0\x80"'), 1007, id="a surrogate in UTF-8"),
        pytest.param(frame(TEXT, b'"\xc0\xaf"'), 1007, id="UTF-8 longer than needed"),
        pytest.param(frame(TEXT, b'"\xf4\x90\x80\x80"'), 1007, id="beyond Unicode"),
        pytest.param(frame(TEXT, b'"\xc3', fin=False) + frame(CONTINUATION, b'"'), 1007, id="UTF-8 cut by a fragment"),
        pytest.param(frame(BINARY, b"\0\0\0\x02\xff\xff"), 1007, id="a binary header that is not UTF-8"),
        pytest.param(frame(CLOSE, b"x"), 1002, id="close of one byte"),
        pytest.param(close_frame(1000, b"\xff"), 1007, id="close with a reason that is not UTF-8"),
        *[
            pytest.param(close_frame(code), 1002, id=f"close {code}")
            for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)
        ],
        *[pytest.param(close_frame(code), code, id=f"close {code}") for code in (1000, 1001, 1012, 3000, 4999)],
        pytest.param(frame(CLOSE), 1000, id="close without a code"),
        pytest.param(close_frame(1000, "töö".encode()), 1000, id="close with a reason"),
        pytest.param(close_frame(1000) + text({"event": "echo:say", "id": 1}), 1000, id="a message after the close"),
        pytest.param(close_frame(1000) + close_frame(1001), 1000, id="two closes"),
    ],
)
async def test_a_frame_that_breaks_the_protocol_ends_the_connection(hostile: Arena, data: bytes, code: int) -> None:
    peer = await hostile.joined()
    await peer.send(data)
    end = await peer.end()
    assert end.code == code
    assert not end.errors
    assert "ack" not in [f["event"] for f in end.frames]


@pytest.mark.parametrize(
    "data",
    [
        pytest.param([frame(TEXT, HELLO, width=8)], id="a short length in eight bytes"),
        pytest.param([frame(TEXT, HELLO, width=2)], id="a short length in two bytes"),
        pytest.param([frame(TEXT, b"", fin=False), frame(CONTINUATION, HELLO)], id="an empty first fragment"),
        pytest.param(
            [
                frame(TEXT, HELLO[:1], fin=False),
                *[frame(CONTINUATION, b"", fin=False)] * 500,
                frame(CONTINUATION, HELLO[1:]),
            ],
            id="500 empty fragments",
        ),
        pytest.param(
            [frame(TEXT, b"{", fin=False), *[frame(CONTINUATION, HELLO[n : n + 1], fin=n == 15) for n in range(1, 16)]],
            id="a fragment for each byte",
        ),
        pytest.param(
            [frame(TEXT, HELLO[:7], fin=False), frame(PING, b"between"), frame(CONTINUATION, HELLO[7:])],
            id="a ping between fragments",
        ),
        pytest.param([bytes([b]) for b in frame(TEXT, HELLO)], id="dripped byte by byte"),
        pytest.param([frame(PONG, b"nobody asked"), frame(TEXT, HELLO)], id="a pong that nobody asked for"),
    ],
)
async def test_odd_frames_that_are_legal_are_read(hostile: Arena, data: Sequence[bytes]) -> None:
    peer = await hostile.joined()
    for part in data:
        await peer.send(part)
    await peer.event("pong")
    assert peer.pongs == ([b"between"] if len(data) == 3 else [])


@pytest.mark.parametrize("payload", [b"", b"\0\xff" * 62, b"x" * 125], ids=["empty", "bytes", "the longest"])
async def test_a_ping_is_answered_with_its_own_payload(hostile: Arena, payload: bytes) -> None:
    peer = await hostile.joined()
    await peer.send(frame(PING, payload))
    while not peer.pongs:
        opcode, answer = await peer.receive()
        peer.pongs += [answer] if opcode == PONG else []
    assert peer.pongs == [payload]


@pytest.mark.parametrize("bad", [frame(3), frame(TEXT, b"\xff"), close_frame(999)], ids=["opcode", "UTF-8", "close"])
async def test_what_came_before_a_bad_frame_is_answered_before_the_goodbye(hostile: Arena, bad: bytes) -> None:
    peer = await hostile.joined()
    await peer.send(frame(PING, b"before"), text({"event": "echo:say", "id": 1, "data": {"text": "before"}}), bad)
    end = await peer.end()
    assert end.code in (1002, 1007)
    assert peer.pongs == [b"before"]
    assert [f["data"] for f in end.frames if f["event"] == "ack"] == [{"text": "before"}]


async def test_utf8_may_be_cut_anywhere(hostile: Arena) -> None:
    peer = await hostile.joined()
    message = json.dumps({"event": "echo:say", "id": 1, "data": {"text": "é€😀"}}, ensure_ascii=False).encode()
    await peer.send(frame(TEXT, message[:1], fin=False))
    for byte in message[1:-1]:
        await peer.send(frame(CONTINUATION, bytes([byte]), fin=False))
    await peer.send(frame(CONTINUATION, message[-1:]))
    assert (await peer.event("ack"))["data"] == {"text": "é€😀"}


@pytest.mark.parametrize(
    ("flood", "code", "reason"),
    [
        pytest.param(frame(PING) * 1000, 1008, "too many pings", id="pings"),
        pytest.param(frame(PONG) * 1000, 1008, "too many pings", id="pongs"),
        pytest.param(text({"event": "ping"}) * 1000, 1008, "too many pings", id="pings of our own"),
        pytest.param(text({"event": "pong"}) * 1000, 1008, "too many pings", id="pongs of our own"),
        pytest.param(text([{"event": "ping"}] * 256), 1008, "too many pings", id="pings in a batch"),
        pytest.param(frame(TEXT) * 1000, 1007, "not JSON", id="empty texts"),
        pytest.param(frame(TEXT, b"{") * 1000, 1007, "not JSON", id="bad JSON"),
        pytest.param(text({"event": 5}) * 1000, 1008, "bad frames", id="bad frames"),
        pytest.param(frame(BINARY) * 1000, 1008, "bad frames", id="empty binaries"),
    ],
)
async def test_floods_that_no_client_sends_end_the_connection(
    timed: Arena, flood: bytes, code: int, reason: str
) -> None:
    peer = await timed.joined()
    await peer.send(flood)
    end = await peer.end()
    assert end.code == code
    assert reason in end.reason
    assert len(end.frames) < 200


async def test_a_flood_of_tiny_messages_is_told_when_to_come_back(arena: Arena, fake_clock: FakeClock) -> None:
    await arena.begin(clock=fake_clock, rate_max_requests=60)
    peer = await arena.joined()
    await peer.send(b"".join(text({"event": "echo:say", "data": {}}) for _ in range(400)))
    end = await peer.end()
    assert end.code == 4429
    assert end.reason.startswith("flood; reconnect in ")
    assert end.errors == ["rate_limited"] * 100


async def test_a_flood_in_batches_counts_every_frame(arena: Arena, fake_clock: FakeClock) -> None:
    await arena.begin(clock=fake_clock, rate_max_requests=60)
    peer = await arena.joined()
    await peer.send(text([{"event": "echo:say", "data": {}}] * 256))
    assert (await peer.end()).code == 4429


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(frame(BINARY, b"\0\0\0\x02{}"), 1003, id="a binary frame"),
        pytest.param(text({"event": "echo:say", "id": 1}) * 50, 1008, id="events of others"),
        pytest.param(text({"event": "user:connect", "data": 5}) * 50, 1008, id="joins that are not valid"),
        pytest.param(text({"event": "user:connect", "data": {"pad": "x" * 8200}}), 1009, id="a join of 8 KiB"),
        pytest.param(frame(TEXT, b"{") * 50, 1007, id="bad JSON"),
        pytest.param(frame(PING) * 1000, 1008, id="pings"),
        pytest.param(text({"event": "ping"}) * 1000, 1008, id="pings of our own"),
    ],
)
async def test_who_has_not_joined_gets_less_patience(timed: Arena, data: bytes, code: int) -> None:
    peer = await timed.upgraded()
    await peer.send(data)
    assert (await peer.end()).code == code
