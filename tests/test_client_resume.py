"""Positions of rooms: what is offered, what is a duplicate, what is a gap, what a join changes."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bonsai_core.client.resume import MAX_FRUITLESS, MAX_ROOMS, Decision, Position, Positions

R = "session:s"


def told(epoch: str, offset: int, recovered: bool) -> dict[str, Any]:
    return {R: {"epoch": epoch, "offset": offset, "recovered": recovered}}


def test_a_fresh_room_continues_where_the_server_says() -> None:
    positions = Positions()
    assert positions.offer() == {}
    assert positions.joined(told("e", 7, False)) == []
    assert positions.decide(R, 7) is Decision.DUPLICATE
    assert positions.decide(R, 8) is Decision.DELIVER
    assert positions.offer() == {R: {"epoch": "e", "offset": 8}}


def test_a_recovered_room_continues_where_we_were() -> None:
    positions = Positions({R: Position("e", 3)})
    positions.offer()
    assert positions.joined(told("e", 5, True)) == []
    assert [positions.decide(R, offset) for offset in (4, 5, 5, 6)] == [
        Decision.DELIVER,
        Decision.DELIVER,
        Decision.DUPLICATE,
        Decision.DELIVER,
    ]


def test_a_room_that_was_not_recovered_starts_over() -> None:
    positions = Positions({R: Position("e", 3)})
    positions.offer()
    assert positions.joined(told("f", 1, False)) == [R]
    assert positions.get(R) == Position("f", 1)


def test_recovered_in_another_epoch_is_not_believed() -> None:
    positions = Positions({R: Position("e", 3)})
    positions.offer()
    assert positions.joined(told("f", 9, True)) == [R]
    assert positions.get(R) == Position("f", 9)


def test_a_missing_offset_is_a_gap_and_does_not_move_us() -> None:
    positions = Positions({R: Position("e", 3)})
    assert positions.decide(R, 5) is Decision.GAP
    assert positions.get(R) == Position("e", 3)
    assert positions.decide(R, 4) is Decision.DELIVER


def test_unlogged_messages_pass() -> None:
    positions = Positions({R: Position("e", 3)})
    assert positions.decide(R, None) is positions.decide(R, 0) is Decision.DELIVER
    assert positions.get(R) == Position("e", 3)


def test_rooms_that_were_left_are_forgotten() -> None:
    positions = Positions({R: Position("e", 3), "class:7b": Position("e", 1)})
    positions.offer()
    positions.joined(told("e", 3, True))
    assert positions.get("class:7b") is None


def test_a_plugin_s_room_is_resumed_like_the_others() -> None:
    positions = Positions()
    positions.joined(told("e", 0, False))
    assert positions.room_joined({"room": "class:7b", "epoch": "k", "offset": 4, "recovered": False}) == (
        "class:7b",
        Position("k", 4),
    )
    assert positions.decide("class:7b", 5) is Decision.DELIVER
    assert positions.offer()["class:7b"] == {"epoch": "k", "offset": 5}
    assert positions.room_joined(None) is None


def test_a_room_that_nobody_announced_is_followed_but_never_taken_for_recovered() -> None:
    positions = Positions()
    assert positions.decide("odd", 9) is Decision.DELIVER
    assert positions.decide("odd", 11) is Decision.GAP
    assert positions.offer() == {"odd": {"epoch": "", "offset": 9}}
    assert positions.joined({"odd": {"epoch": "", "offset": 12, "recovered": True}}) == ["odd"]


def test_the_same_fault_again_and_again_ends_in_a_full_snapshot() -> None:
    positions = Positions({R: Position("e", 3)})
    assert [positions.broke() for _ in range(MAX_FRUITLESS)] == [False] * (MAX_FRUITLESS - 1) + [True]
    assert positions.offer() == {R: {"epoch": "", "offset": 3}}


def test_progress_forgives_faults() -> None:
    positions = Positions({R: Position("e", 3)})
    for offset in range(4, 20):
        assert not positions.broke()
        positions.decide(R, offset)


def test_no_more_rooms_are_offered_than_a_server_takes() -> None:
    positions = Positions({f"r{n}": Position("e", n) for n in range(MAX_ROOMS + 9)})
    assert len(positions.offer()) == MAX_ROOMS
    assert list(positions.offer(2)) == ["r0", "r1"]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["live", "drop", "dup", "skip", "lose"]), st.integers(0, 3)), max_size=60))
def test_whatever_the_network_does_each_message_is_taken_once_in_order_or_declared_lost(
    steps: list[tuple[str, int]],
) -> None:
    """A server's log, a client's positions, and a network that drops, doubles and skips."""
    log: list[int] = []  # offsets are index + 1; values are unique
    epoch, value = 0, 0
    positions = Positions()
    taken: list[int] = []
    since_snapshot: list[int] = []

    def join() -> None:
        nonlocal since_snapshot
        offered = positions.offer().get(R)
        recovered = offered is not None and offered["epoch"] == f"e{epoch}" and offered["offset"] <= len(log)
        positions.joined(told(f"e{epoch}", len(log), recovered))
        if not recovered:
            since_snapshot = []
            taken.clear()
            return
        assert offered is not None
        for offset in range(offered["offset"] + 1, len(log) + 1):
            receive(offset)

    def receive(offset: int) -> bool:
        decision = positions.decide(R, offset)
        if decision is Decision.DELIVER:
            taken.append(log[offset - 1])
        return decision is not Decision.GAP

    join()
    for step, amount in steps:
        if step == "lose":
            epoch += 1
            log.clear()
            join()
            continue
        for _ in range(amount):
            value += 1
            log.append(value)
            since_snapshot.append(value)
        first = len(log) - amount + 1
        if step == "drop":
            join()
        elif step == "skip" and amount > 1:
            if not receive(len(log)):
                positions.broke()
                join()
        else:
            for offset in range(first, len(log) + 1):
                for _ in range(2 if step == "dup" else 1):
                    assert receive(offset)
        assert taken == since_snapshot
