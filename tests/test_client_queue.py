"""The offline queue and what leaves it: ids, priorities, bounds, resends, batches. And the durable file behind it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bonsai_core.client.backoff import Pacer
from bonsai_core.client.durable import BLOCK, Journal
from bonsai_core.client.errors import ClientError, JournalLocked, QueueFull
from bonsai_core.client.frames import Joined, encode_frame
from bonsai_core.client.options import RateLimit
from bonsai_core.client.queue import SPAN, Pending, PendingQueue, Priority
from bonsai_core.client.resume import Position
from bonsai_core.client.sender import Sender
from bonsai_core.protocol import decode_binary


def make(**options: Any) -> PendingQueue:
    return PendingQueue(**{"max_messages": 10_000, "max_bytes": 10**9, "in_flight": 1000, **options})


def add(queue: PendingQueue, priority: Priority = "normal", size: int = 0) -> int:
    frame = encode_frame("e", "x" * size, queue.next_id)
    return queue.add("e", priority, frame).id


def taken(queue: PendingQueue, now: float = 0.0) -> list[int]:
    ids = []
    while (pending := queue.take(now)) is not None:
        ids.append(pending.id)
    return ids


def test_priorities_decide_the_order_of_sending_and_ids_the_rest() -> None:
    queue = make()
    for priority in ("low", "normal", "high", "low", "normal", "high"):
        add(queue, priority)
    assert taken(queue) == [3, 6, 2, 5, 1, 4]


def test_a_full_queue_says_so_and_loses_nothing() -> None:
    queue = make(max_messages=2)
    add(queue), add(queue)
    with pytest.raises(QueueFull, match="max_messages"):
        add(queue)
    assert queue.next_id == 3
    assert taken(queue) == [1, 2]
    queue.answered(1)
    assert add(queue) == 3


def test_bytes_are_bounded_too() -> None:
    queue = make(max_bytes=300)
    add(queue, size=200)
    with pytest.raises(QueueFull, match="max_bytes"):
        add(queue, size=200)
    queue.answered(1)
    assert queue.held == 0
    add(queue, size=200)


def test_a_lost_connection_sends_what_was_in_flight_again_in_order() -> None:
    queue = make()
    for _ in range(4):
        add(queue)
    assert taken(queue) == [1, 2, 3, 4]
    queue.answered(2)
    queue.disconnected()
    assert taken(queue) == [1, 3, 4]


def test_a_refused_message_waits_and_keeps_its_id() -> None:
    queue = make()
    add(queue), add(queue)
    taken(queue)
    queue.delay(1, 5.0, "overloaded")
    assert (queue.due(), taken(queue, 4.9)) == (5.0, [])
    queue.disconnected()
    assert taken(queue, 4.9) == [2]
    assert taken(queue, 5.0) == [1]


def test_only_so_many_are_in_flight() -> None:
    queue = make(in_flight=2)
    for _ in range(3):
        add(queue)
    assert taken(queue) == [1, 2]
    queue.answered(1)
    assert taken(queue) == [3]


def test_a_low_priority_message_is_not_left_behind_the_server_s_window() -> None:
    queue = make(max_messages=5000, in_flight=1000)
    low = add(queue, "low")
    for _ in range(3000):
        add(queue, "high")
    sent: list[int] = []
    while (pending := queue.take(0.0)) is not None:
        assert pending.id <= low + SPAN or low in sent
        sent.append(pending.id)
        queue.answered(pending.id)
    assert len(sent) == 3001


def test_a_message_that_is_refused_for_ever_does_not_block_the_rest() -> None:
    queue = make(max_messages=5000)
    gave_up: list[int] = []

    def give_up(pending: Pending) -> None:
        gave_up.append(pending.id)
        assert pending.refusal == "plugin_unavailable"
        queue.answered(pending.id)

    sender = Sender(queue, Pacer(RateLimit(0), 0.0), batch=True, too_large=lambda *_: None, give_up=give_up)
    for _ in range(SPAN + 5):
        add(queue)
    while sender.next(0.0) is not None:
        queue.delay(1, 1e9, "plugin_unavailable")
        for id in range(2, queue.next_id):
            queue.answered(id)
    assert gave_up == []
    for _ in range(SPAN + 5):
        add(queue)
    while sender.next(0.0) is not None:
        for id in range(2, queue.next_id):
            if (pending := queue.get(id)) is not None and pending.in_flight:
                queue.answered(id)
    assert gave_up == [1]
    assert len(queue) == 0


class QueueModel(RuleBasedStateMachine):
    """Random use of a queue against a plain list of what must still be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.queue = make(max_messages=50, in_flight=8)
        self.open: set[int] = set()
        self.flying: set[int] = set()
        self.now = 0.0
        self.last_id = 0

    @precondition(lambda self: len(self.open) < 50)
    @rule(priority=st.sampled_from(["high", "normal", "low"]))
    def add(self, priority: Priority) -> None:
        id = add(self.queue, priority)
        assert id == self.last_id + 1
        self.last_id = id
        self.open.add(id)

    @rule()
    def take(self) -> None:
        pending = self.queue.take(self.now)
        if pending is not None:
            assert pending.id in self.open - self.flying
            self.flying.add(pending.id)

    @precondition(lambda self: self.flying)
    @rule(data=st.data())
    def answer(self, data: st.DataObject) -> None:
        id = data.draw(st.sampled_from(sorted(self.flying)))
        assert self.queue.answered(id) is not None
        assert self.queue.answered(id) is None
        self.flying.remove(id)
        self.open.remove(id)

    @precondition(lambda self: self.flying)
    @rule(data=st.data(), seconds=st.integers(0, 5))
    def refuse(self, data: st.DataObject, seconds: int) -> None:
        id = data.draw(st.sampled_from(sorted(self.flying)))
        self.queue.delay(id, self.now + seconds)
        self.flying.remove(id)

    @rule()
    def disconnect(self) -> None:
        self.queue.disconnected()
        self.flying.clear()

    @rule(seconds=st.integers(0, 3))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    @invariant()
    def counts_agree(self) -> None:
        assert len(self.queue) == len(self.open)
        assert self.queue.in_flight == len(self.flying)

    def teardown(self) -> None:
        self.queue.disconnected()
        self.now += 100
        seen = set()
        while (pending := self.queue.take(self.now)) is not None:
            seen.add(pending.id)
            self.queue.answered(pending.id)
        assert seen == self.open


TestQueueModel = QueueModel.TestCase
TestQueueModel.settings = settings(deadline=None)


# What leaves


def sender_of(queue: PendingQueue, *, rate: int = 0, batch: bool = True) -> tuple[Sender, list[int]]:
    too_large: list[int] = []

    def refuse(pending: Pending, limit: int) -> None:
        too_large.append(pending.id)
        queue.answered(pending.id)

    pacer = Pacer(RateLimit(rate, 1000), 0.0)
    return Sender(queue, pacer, batch=batch, too_large=refuse, give_up=lambda _: None), too_large


def limits(**limit: int) -> Joined:
    return Joined.from_data({"rooms": {}, "limits": limit})


def test_several_queued_messages_share_an_array() -> None:
    queue = make()
    sender, _ = sender_of(queue)
    add(queue), add(queue)
    outgoing = sender.next(0.0)
    assert outgoing is not None
    assert [frame["id"] for frame in json.loads(outgoing.payload)] == [1, 2]
    assert sender.next(0.0) is None


def test_a_batch_stays_within_the_server_s_limit() -> None:
    queue = make()
    sender, _ = sender_of(queue)
    sender.joined(limits(maxMessageBytes=300))
    for _ in range(7):
        add(queue, size=100)
    payloads = []
    while (outgoing := sender.next(0.0)) is not None:
        payloads.append(outgoing.payload)
    assert all(len(payload) <= 300 for payload in payloads)
    assert len(payloads) == 4


def test_without_batching_each_message_leaves_alone() -> None:
    queue = make()
    sender, _ = sender_of(queue, batch=False)
    add(queue), add(queue)
    assert [json.loads(o.payload)["id"] for o in (sender.next(0.0), sender.next(0.0)) if o] == [1, 2]


def test_what_the_server_would_not_take_is_refused_here() -> None:
    queue = make()
    sender, too_large = sender_of(queue)
    sender.joined(limits(maxMessageBytes=200, maxAttachmentBytes=10))
    add(queue, size=500)
    queue.add("shot", "normal", encode_frame("shot", {}, queue.next_id), b"x" * 11)
    last = add(queue)
    outgoing = sender.next(0.0)
    assert outgoing is not None
    assert json.loads(outgoing.payload)["id"] == last
    assert too_large == [1, 2]


def test_an_attachment_travels_in_a_binary_message_of_its_own() -> None:
    queue = make()
    sender, _ = sender_of(queue)
    add(queue)
    queue.add("shot", "normal", encode_frame("shot", {"a": 1}, queue.next_id), b"\x89PNG")
    first, second = sender.next(0.0), sender.next(0.0)
    assert first is not None and second is not None
    assert not first.binary and second.binary
    frame, attachment = decode_binary(second.payload, 1000)
    assert (frame.event, frame.id, bytes(frame.data), attachment) == ("shot", 2, b'{"a":1}', b"\x89PNG")


def test_sending_is_paced_but_control_frames_are_not() -> None:
    queue = make()
    sender, _ = sender_of(queue, rate=2)
    for _ in range(3):
        add(queue)
    assert sender.next(0.0) is not None
    assert sender.next(0.0) is None
    assert sender.wait(0.0) == pytest.approx(0.5)
    sender.control(b"{}", "ping")
    outgoing = sender.next(0.0)
    assert outgoing is not None and outgoing.names == ("ping",)
    assert sender.next(0.5) is not None
    assert sender.wait(0.5) is not None  # nothing is ready, but asking again costs little


def test_waiting_never_spins() -> None:
    queue = make()
    sender, _ = sender_of(queue)
    assert sender.wait(0.0) is None
    add(queue)
    sender.next(0.0)
    queue.delay(1, 2.0)
    assert sender.wait(0.0) == 2.0


@settings(deadline=None)
@given(
    st.integers(0, 4),
    st.lists(st.tuples(st.sampled_from(["add", "answer", "refuse", "drop"]), st.floats(0, 0.5)), max_size=40),
)
def test_whatever_waits_is_sent_by_following_the_waits(rate: int, steps: list[tuple[str, float]]) -> None:
    queue = make()
    sender, _ = sender_of(queue, rate=rate)
    now = 0.0

    def flying() -> list[int]:
        return [id for id in range(1, queue.next_id) if (p := queue.get(id)) is not None and p.in_flight]

    for step, pause in steps:
        now += pause
        if step == "add":
            add(queue)
        elif step == "drop":
            queue.disconnected()
        elif ids := flying():
            queue.answered(ids[0]) if step == "answer" else queue.delay(ids[0], now + pause)
        sender.next(now)
    for _ in range(1000):
        if not len(queue):
            return
        if sender.next(now) is None and not flying():
            wait = sender.wait(now)
            assert wait is not None, "it would wait for ever"
            now += wait
        for id in flying():
            queue.answered(id)
    raise AssertionError("it spins")


@pytest.mark.parametrize("data", [float("nan"), float("inf"), {"a": [float("-inf")]}, "\ud800"])
def test_what_is_not_json_is_refused_at_once(data: Any) -> None:
    with pytest.raises(ValueError, match=r"JSON|surrogates"):
        encode_frame("e", data, 1)
    with pytest.raises(TypeError):
        encode_frame("e", object(), 1)


# The durable file


def test_a_restart_resends_with_the_same_client_and_ids(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "deep" / "queue.db")
    journal.set_fact("client_id", "c1")
    queue = make(keeper=journal, next_id=journal.next_id)
    add(queue), add(queue, "high")
    queue.add("shot", "low", encode_frame("shot", 1, queue.next_id), b"bytes")
    queue.answered(1)
    journal.close()  # without settle: as if the program was killed

    again = Journal(tmp_path / "deep" / "queue.db")
    assert again.fact("client_id") == "c1"
    kept = again.pending()
    assert [(p.id, p.event, p.priority, p.attachment) for p in kept] == [
        (2, "e", "high", None),
        (3, "shot", "low", b"bytes"),
    ]
    assert kept[0].frame == encode_frame("e", "", 2)
    queue = make(keeper=again, next_id=again.next_id, kept=kept)
    assert queue.next_id == BLOCK + 1
    assert taken(queue) == [2, 3]
    again.close()


def test_an_orderly_end_wastes_no_ids(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "queue.db")
    queue = make(keeper=journal, next_id=journal.next_id)
    add(queue)
    journal.settle(queue.next_id)
    journal.close()
    journal = Journal(tmp_path / "queue.db")
    assert journal.next_id == 2
    journal.close()


@settings(deadline=None)
@given(st.lists(st.sampled_from(["add", "skip", "answer", "kill", "close"]), max_size=30))
def test_no_id_is_ever_given_twice(steps: list[Literal["add", "skip", "answer", "kill", "close"]]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "queue.db"
        given_ids: list[int] = []
        journal = Journal(path)
        queue = make(keeper=journal, next_id=journal.next_id)
        for step in steps:
            if step == "add":
                given_ids.append(add(queue))
            elif step == "skip":
                given_ids.append(queue.skip_id())
            elif step == "answer" and len(queue):
                queue.answered(taken(queue)[0])
                queue.disconnected()
            else:
                if step == "close":
                    journal.settle(queue.next_id)
                journal.close()
                journal = Journal(path)
                queue = make(keeper=journal, next_id=journal.next_id, kept=journal.pending())
        journal.close()
        assert given_ids == sorted(set(given_ids))


def test_a_file_in_use_is_refused_by_name(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "queue.db")
    with pytest.raises(JournalLocked, match=r"queue\.db"):
        Journal(tmp_path / "queue.db")
    journal.close()
    Journal(tmp_path / "queue.db").close()


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "queue.db").write_text("these are my notes, not a database, and they are long enough" * 50)
    with pytest.raises(ClientError, match="no client queue"):
        Journal(tmp_path / "queue.db")


def test_positions_are_kept_and_replaced_as_a_whole(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "queue.db")
    journal.set_positions({"a": Position("e", 1), "b": Position("e", 2)})
    journal.set_position("b", Position("e", 3))
    assert journal.positions() == {"a": Position("e", 1), "b": Position("e", 3)}
    journal.set_positions({"b": Position("f", 0)})
    assert journal.positions() == {"b": Position("f", 0)}
    journal.close()


def test_a_message_that_the_disk_did_not_take_is_not_queued(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "queue.db")
    queue = make(keeper=journal, next_id=journal.next_id)
    journal.close()
    with pytest.raises(ClientError, match="was not queued"):
        add(queue)
    assert len(queue) == 0
