"""What an unjoined socket may make the server keep: the frame reader alone, and in its place."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonsai_core import protocol
from bonsai_core.websocket import FrameReader
from tests.hostile.conftest import Arena
from tests.hostile.raw import BINARY, CONTINUATION, PING, TEXT, frame, handshake, text

FIRST, LATER = 300, 1000

frames = st.tuples(
    st.sampled_from([CONTINUATION, TEXT, BINARY, PING]),
    st.integers(0, 70_000).map(lambda n: n if n < 200 else n % 1100),
    st.booleans(),
)


def expected(sequence: list[tuple[int, int, bool]]) -> tuple[list[tuple[int, int]], int | None]:
    """The messages as (opcode, length) that (opcode, length, fin) make, and the close code of what breaks the rules."""
    messages, kind, total = [], None, 0
    for opcode, length, fin in sequence:
        if opcode == PING:
            messages.append((PING, length))
            continue
        if (opcode == CONTINUATION) is (kind is None):
            return messages, 1002
        if total + length > LATER:
            return messages, 1009
        total += length
        kind = opcode if kind is None else kind
        if fin:
            messages.append((kind, total))
            kind, total = None, 0
    return messages, None


@given(st.lists(frames, max_size=12), st.lists(st.integers(1, 400), min_size=1, max_size=20))
def test_frames_are_read_alike_wherever_they_are_cut(sequence: list[tuple[int, int, bool]], cuts: list[int]) -> None:
    sequence = [(o, min(n, 125) if o == PING else n, fin or o == PING) for o, n, fin in sequence]
    data = b"".join(frame(opcode, b"x" * length, fin=fin) for opcode, length, fin in sequence)
    reader, messages, at = FrameReader(LATER), [], 0
    wanted, deserved = expected(sequence)
    while at < len(data) and reader.flaw is None:
        step = cuts[at % len(cuts)]
        messages += reader.feed(data[at : at + step])
        at += step
    assert all(payload == b"x" * len(payload) for _, payload in messages)
    assert [(opcode, len(payload)) for opcode, payload in messages] == wanted
    assert (reader.flaw.close if reader.flaw else None) == deserved


def test_a_length_is_judged_by_its_header_alone() -> None:
    reader = FrameReader(FIRST)
    assert reader.feed(frame(BINARY, declared=2**62, width=8)) == []
    assert reader.flaw is not None
    assert reader.flaw.close == 1009


@pytest.mark.parametrize("early", [False, True], ids=["after the handshake", "with the handshake"])
@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(frame(BINARY, declared=8 << 20), 1009, id="an attachment"),
        pytest.param(frame(TEXT, declared=8193), 1009, id="a long text"),
        pytest.param(frame(TEXT, b"{", fin=False) + frame(CONTINUATION, declared=8192), 1009, id="in fragments"),
        pytest.param(text({"event": "ping"}) + frame(BINARY, declared=8 << 20), 1009, id="behind a short one"),
        pytest.param(frame(TEXT, b"{}", mask=False), 1002, id="unmasked"),
    ],
)
async def test_who_has_not_joined_cannot_make_the_server_keep_much(
    hostile: Arena, data: bytes, code: int, early: bool
) -> None:
    peer = await hostile.peer()
    await peer.send(handshake(), data if early else b"")
    assert (await peer.response())[0] == 101
    await peer.send(b"" if early else data)
    assert (await peer.end()).code == code


async def test_what_comes_after_too_much_is_not_kept(hostile: Arena) -> None:
    peer = await hostile.upgraded()
    await peer.send(frame(BINARY, declared=8 << 20))
    for _ in range(64):
        await peer.send(b"x" * 65_536)
    assert (await peer.end()).code == 1009


async def test_the_largest_message_that_is_allowed_arrives(arena: Arena) -> None:
    await arena.begin(max_message_bytes=4096, max_attachment_bytes=100_000)
    peer = await arena.joined()
    header = b'{"event":"echo:raw","id":1,"data":"%s"}'
    header %= b"x" * (4096 - len(header) + 2)
    assert len(header) == 4096
    await peer.send(frame(BINARY, protocol.encode_binary(header, b"y" * 100_000)))
    assert (await peer.event("ack"))["data"]["bytes"] == 100_000
    await peer.send(frame(BINARY, protocol.encode_binary(header, b"y" * 100_001)))
    assert (await peer.end()).code == 1009
