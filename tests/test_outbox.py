"""The outbox and the connection that owns it: order, bounds, what may be dropped and what never."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonsai_core import protocol
from bonsai_core.connection import HIGH_WATER, Connection, Writer
from bonsai_core.framing import pong_frame, text_frame
from bonsai_core.native import NativeWire
from bonsai_core.outbox import Outbox, Priority
from bonsai_core.settings import Settings
from bonsai_core.store.base import Message
from bonsai_core.testing import FakeClock
from bonsai_core.transport import Transport

NATIVE = NativeWire(Settings(env_file=None))
HIGH, NORMAL, LOW = Priority.HIGH, Priority.NORMAL, Priority.LOW


def everything(outbox: Outbox, size: int = 1 << 30) -> bytes:
    data = b""
    while taken := outbox.take(size):
        data += taken
    return data


# The outbox alone


def test_the_most_urgent_goes_first_and_each_kind_in_order() -> None:
    outbox = Outbox(1000)
    for frame, priority in ((b"l1", LOW), (b"n1", NORMAL), (b"h1", HIGH), (b"n2", NORMAL), (b"l2", LOW), (b"h2", HIGH)):
        outbox.push(frame, priority)
    assert outbox.size == 12
    assert everything(outbox, 1) == b"h1h2n1n2l1l2"
    assert outbox.size == 0


def test_what_is_taken_at_once_is_about_the_size_asked_for() -> None:
    outbox = Outbox(1000)
    for number in range(10):
        outbox.push(b"%d" % number * 10, NORMAL)
    assert len(outbox.take(25)) == 30
    assert outbox.size == 70


def test_the_newest_state_of_a_key_replaces_the_older() -> None:
    outbox = Outbox(1000)
    for frame, key in ((b"a1", "a"), (b"b1", "b"), (b"a2", "a"), (b"c1", None), (b"c2", None)):
        outbox.push(frame, LOW, key)
    assert outbox.size == 8
    assert everything(outbox) == b"b1a2c1c2"
    assert outbox.dropped == 0, "what was replaced is not missed"


def test_a_key_means_nothing_to_frames_that_are_never_dropped() -> None:
    outbox = Outbox(1000)
    for frame in (b"n1", b"n2"):
        outbox.push(frame, NORMAL, "same")
    assert everything(outbox) == b"n1n2"


def test_the_oldest_of_low_priority_is_dropped_and_counted() -> None:
    outbox = Outbox(10)
    for number in range(8):
        outbox.push(b"l%d--" % number, LOW)
    assert (outbox.size, outbox.dropped) == (8, 6)
    assert everything(outbox) == b"l6--l7--"


def test_a_low_frame_larger_than_all_room_is_dropped_alone() -> None:
    outbox = Outbox(10)
    outbox.push(b"n" * 100, NORMAL)
    outbox.push(b"l" * 11, LOW, "key")
    assert (outbox.size, outbox.dropped) == (100, 1)


def test_dropping_all_of_low_priority_touches_nothing_else() -> None:
    outbox = Outbox(1000)
    for frame, priority in ((b"l1", LOW), (b"n1", NORMAL), (b"h1", HIGH), (b"l2", LOW)):
        outbox.push(frame, priority)
    outbox.drop_low()
    outbox.push(b"l3", LOW)
    assert (outbox.size, outbox.dropped) == (6, 2)
    assert everything(outbox) == b"h1n1l3"


operations = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.sampled_from(Priority), st.integers(1, 60), st.sampled_from([None, "a", "b"])),
        st.tuples(st.just("take"), st.integers(1, 200)),
        st.tuples(st.just("drop")),
    ),
    max_size=60,
)


@given(operations)
def test_an_outbox_keeps_its_books_whatever_happens(steps: list[tuple[Any, ...]]) -> None:
    outbox, number, taken = Outbox(100), 0, b""
    pushed: dict[Priority, list[bytes]] = {priority: [] for priority in Priority}
    for step in steps:
        if step[0] == "push":
            number += 1
            frame = b"<%d:%d%b>" % (step[1], number, b"." * step[2])
            pushed[step[1]].append(frame)
            outbox.push(frame, step[1], step[3])
        elif step[0] == "take":
            taken += outbox.take(step[1])
        else:
            outbox.drop_low()
        assert outbox.size >= 0
    left = outbox.size
    rest = everything(outbox)
    assert len(rest) == left
    assert outbox.size == 0
    seen = [b"<" + frame for frame in (taken + rest).split(b"<")[1:]]
    assert [f for f in seen if f.startswith(b"<0")] == pushed[HIGH]
    assert [f for f in seen if f.startswith(b"<1")] == pushed[NORMAL]
    low = [f for f in seen if f.startswith(b"<2")]
    assert low == [f for f in pushed[LOW] if f in low], "in order, though some may be missing"


# A connection


class FakeTransport(Transport):
    """Takes at once what it has room for; what is beyond that waits until `take` makes room."""

    def __init__(self) -> None:
        self.sent = bytearray()
        self.room = 0
        self.aborted = False
        self._waiting = bytearray()
        self._moved = asyncio.Event()

    def write(self, data: bytes) -> bool:
        self._waiting += data
        self._move()
        return False

    def buffered(self) -> int:
        return len(self._waiting)

    async def drained(self) -> None:
        while self._waiting and not self.aborted:
            self._moved.clear()
            await self._moved.wait()

    def abort(self) -> None:
        self.aborted = True
        self._moved.set()

    async def take(self, size: int) -> None:
        """The network takes so many bytes."""
        self.room += size
        self._move()
        for _ in range(5):
            await asyncio.sleep(0)

    def _move(self) -> None:
        step = min(self.room, len(self._waiting))
        self.sent += self._waiting[:step]
        del self._waiting[:step]
        self.room -= step
        self._moved.set()


def make(clock: FakeClock, max_bytes: int = 1 << 20) -> tuple[Connection, FakeTransport]:
    transport = FakeTransport()
    connection = Connection(
        transport,
        NATIVE,
        Writer(),
        now=clock.monotonic,
        now_ms=clock.now,
        max_bytes=max_bytes,
        close_timeout=60.0,
        address="192.0.2.1",
    )
    return connection, transport


def frames(sent: bytes) -> Iterator[tuple[int, bytes]]:
    """Opcode and payload of each WebSocket frame."""
    at = 0
    while at < len(sent):
        length, at_payload = sent[at + 1], at + 2
        if length >= 126:
            width = 2 if length == 126 else 8
            length, at_payload = int.from_bytes(sent[at + 2 : at + 2 + width], "big"), at + 2 + width
        yield sent[at] & 0xF, sent[at_payload : at_payload + length]
        at = at_payload + length


async def behind(connection: Connection) -> None:
    """Make the reader fall behind: one message that the network does not take."""
    connection.write(text_frame(b'"' + b"0" * (HIGH_WATER + 1) + b'"'))
    await asyncio.sleep(0)
    assert connection._outbox is not None


def said(transport: FakeTransport) -> list[str]:
    texts = [json.loads(p) for opcode, p in frames(bytes(transport.sent)) if opcode == 1 and not p.startswith(b'"000')]
    return [text["event"] if isinstance(text, dict) and text.get("data", 0) is None else text for text in texts]


async def test_frames_of_one_turn_leave_in_one_write(fake_clock: FakeClock) -> None:
    connection, transport = make(fake_clock)
    transport.room = 1 << 20
    for number in range(3):
        connection.write(text_frame(b'"%d"' % number))
    assert not transport.sent
    await asyncio.sleep(0)
    assert said(transport) == ["0", "1", "2"]
    assert connection.waiting == 0


async def test_a_reader_who_is_behind_gets_answers_first_and_room_messages_in_order(fake_clock: FakeClock) -> None:
    connection, transport = make(fake_clock)
    await behind(connection)
    for number in range(3):
        connection.write(text_frame(b'"room %d"' % number))
    connection.write(text_frame(b'"typing"'), LOW, "typing")
    connection.tell("answer", b"null")
    await transport.take(1 << 20)
    assert said(transport) == ["answer", "room 0", "room 1", "room 2", "typing"]
    assert connection.waiting == 0
    connection.write(text_frame(b'"later"'))
    await asyncio.sleep(0)
    assert said(transport)[-1] == "later", "caught up: written at once again"


async def test_low_messages_of_a_room_are_replaced_and_the_dropped_are_told_of(fake_clock: FakeClock) -> None:
    connection, transport = make(fake_clock, max_bytes=HIGH_WATER * 2)
    await behind(connection)
    for number in range(2000):
        for key in ("progress", None):
            message = Message("r", "e", b'"%d"' % number, 0, "u", low=True, key=key)
            connection.write(NATIVE.message(message, "e"), LOW, message.key)
    await transport.take(1 << 20)
    heard: list[Any] = said(transport)
    told = [f["data"]["dropped"] for f in heard if f["event"] == "notice:dropped"]
    low = [f for f in heard if f["event"] == "e"]
    assert low[-1]["data"] == low[-2]["data"] == "1999"
    assert told == [2001 - len(low)], "every frame without a key arrived or is counted"
    assert connection.dropped == told[0]
    assert connection.close_code is None


async def test_a_reader_too_far_behind_is_cut_off_with_4008(fake_clock: FakeClock) -> None:
    connection, transport = make(fake_clock, max_bytes=HIGH_WATER * 2)
    await behind(connection)
    for _ in range(70):
        connection.write(text_frame(b"x" * 1000))
    assert connection.close_code == 4008
    assert connection.leave_reason == "slow"
    connection.write(text_frame(b'"after"'))
    await transport.take(1 << 20)
    seen = list(frames(bytes(transport.sent)))
    assert seen[-1] == (8, (4008).to_bytes(2, "big") + b"too slow a reader")
    assert len(seen) == 2, "what waited is left out: the client resumes"
    connection.lost()


async def test_what_may_be_dropped_is_dropped_before_the_reader_is_cut_off(fake_clock: FakeClock) -> None:
    connection, transport = make(fake_clock, max_bytes=HIGH_WATER * 2)
    await behind(connection)
    for _ in range(40):
        connection.write(text_frame(b"l" * 1000), LOW)
    for number in range(60):
        connection.write(text_frame(b'"%d%b"' % (number % 10, b" " * 1000)))
    assert connection.close_code is None
    await transport.take(1 << 20)
    assert len([p for _, p in frames(bytes(transport.sent)) if p.startswith(b"l")]) == 0
    assert len([p for _, p in frames(bytes(transport.sent)) if p.endswith(b'  "')]) == 60


async def test_one_message_larger_than_everything_cuts_the_reader_off_at_once(fake_clock: FakeClock) -> None:
    connection, _ = make(fake_clock, max_bytes=1000)
    connection.write(text_frame(b"x" * (HIGH_WATER + 1)))
    await asyncio.sleep(0)
    assert connection.close_code == 4008
    connection.lost()


async def test_the_oldest_waiting_byte_tells_how_late_a_reader_is(fake_clock: FakeClock) -> None:
    connection, transport = make(fake_clock)
    assert connection.backlog_age(fake_clock.monotonic()) == 0
    await behind(connection)
    age = 0.0
    for _ in range(8):
        fake_clock.advance(1)
        connection.write(text_frame(b"x" * 100))
        age = connection.backlog_age(fake_clock.monotonic())
    assert age == 8
    connection.lost()
    assert transport.buffered() > 0


async def test_a_reader_who_keeps_taking_is_never_late(fake_clock: FakeClock) -> None:
    """It is behind all the time, but no byte waits for long: slow is not the same as late."""
    connection, transport = make(fake_clock)
    await behind(connection)
    ages = []
    for _ in range(60):
        fake_clock.advance(1)
        for _ in range(10):
            connection.write(text_frame(b"x" * 1000))
        await transport.take(10_500)
        ages.append(connection.backlog_age(fake_clock.monotonic()))
    assert connection._outbox is not None, "still behind"
    assert max(ages) <= 9
    connection.lost()


async def test_nothing_is_written_after_the_goodbye_and_one_goodbye_is_enough(fake_clock: FakeClock) -> None:
    connection, transport = make(fake_clock)
    transport.room = 1 << 20
    connection.write(text_frame(b'"last words"'))
    connection.close(1000, "bye")
    connection.close(1011, "again")
    connection.tell("too late", b"null")
    await asyncio.sleep(0)
    assert list(frames(bytes(transport.sent))) == [(1, b'"last words"'), (8, b"\x03\xe8bye")]
    connection.abort()
    assert transport.aborted
    assert connection.close_code == 1000


async def test_a_goodbye_that_is_not_answered_ends_in_an_abort(fake_clock: FakeClock) -> None:
    transport = FakeTransport()
    connection = Connection(
        transport, NATIVE, Writer(), now=fake_clock.monotonic, now_ms=fake_clock.now, max_bytes=1000, close_timeout=0.01
    )
    connection.close(1000)
    await asyncio.wait_for(transport.drained(), 2)
    assert transport.aborted


async def test_a_lost_connection_leaves_no_task(fake_clock: FakeClock) -> None:
    connection, _ = make(fake_clock)
    before = asyncio.all_tasks()
    await behind(connection)
    assert len(asyncio.all_tasks()) == len(before) + 1
    connection.lost()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(Priority), st.integers(10, 9000)),
        st.tuples(st.just("take"), st.integers(1, 40_000)),
        st.tuples(st.just("turn"), st.just(0)),
    ),
    max_size=80,
)


@settings(max_examples=60, deadline=None)
@given(steps, st.integers(40_000, 200_000))
def test_no_room_message_is_lost_unless_the_reader_is_cut_off(script: list[tuple[Any, int]], max_bytes: int) -> None:
    async def run() -> None:
        clock = FakeClock()
        connection, transport = make(clock, max_bytes)
        number = 0
        normal: list[int] = []
        high: list[int] = []
        for kind, size in script:
            if kind == "take":
                await transport.take(size)
            elif kind == "turn":
                await asyncio.sleep(0)
            elif connection.close_code is None:
                number += 1
                payload = protocol.encode_json({"p": int(kind), "n": number, "pad": "x" * size})
                connection.write(text_frame(payload), kind, None)
                # The frame that breaks the bound is the reason for the cut.
                (high if kind is HIGH else normal if kind is NORMAL else []).append(number)
            assert connection.waiting <= max_bytes
        cut = connection.close_code == 4008
        await asyncio.sleep(0)
        await transport.take(1 << 30)
        seen = [json.loads(p) for opcode, p in frames(bytes(transport.sent)) if opcode == 1]
        seen = [f for f in seen if "p" in f]
        for kind, wanted in ((HIGH, high), (NORMAL, normal)):
            got = [f["n"] for f in seen if f["p"] == kind]
            assert got == wanted[: len(got)], "in order, without a gap"
            assert cut or got == wanted
        connection.lost()
        await asyncio.sleep(0)

    asyncio.run(run())


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
def test_frames_of_every_length_are_read_back(size: int) -> None:
    assert list(frames(text_frame(b"x" * size) + pong_frame(b"p"))) == [(1, b"x" * size), (10, b"p")]
