"""When the client tries again: backoff, close codes, HTTP statuses, delays in reasons, pacing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonsai_core.client.backoff import Action, Backoff, Pacer, delay_in, judge_close, judge_status, retry_delay
from bonsai_core.client.options import RateLimit, Reconnect


def upper(low: float, high: float) -> float:
    """The largest that a draw can give."""
    return high


def lower(low: float, high: float) -> float:
    """The smallest that a draw can give."""
    return low


def test_the_wait_doubles_up_to_the_cap() -> None:
    backoff = Backoff(Reconnect(delay=1, max_delay=5), upper)
    assert [backoff.next() for _ in range(5)] == [1, 2, 4, 5, 5]


def test_the_jitter_is_full_and_drawn_below_the_cap() -> None:
    drawn: list[tuple[float, float]] = []

    def draw(low: float, high: float) -> float:
        drawn.append((low, high))
        return low

    backoff = Backoff(Reconnect(delay=1, max_delay=3), draw)
    assert [backoff.next() for _ in range(3)] == [0, 0, 0]
    assert drawn == [(0, 1), (0, 2), (0, 3)]


def test_a_thousand_failures_do_not_overflow() -> None:
    backoff = Backoff(Reconnect(delay=1, max_delay=30), upper)
    assert {backoff.next() for _ in range(2000)} == {1, 2, 4, 8, 16, 30}


def test_attempts_are_counted_from_the_last_join() -> None:
    backoff = Backoff(Reconnect(attempts=2), lower)
    assert backoff.next() is not None
    backoff.joined()
    assert [backoff.next() is None for _ in range(3)] == [False, False, True]


def test_no_attempts_means_that_the_first_failure_is_the_last() -> None:
    assert Backoff(Reconnect(attempts=0)).next() is None


def test_a_server_that_accepts_and_drops_at_once_is_not_hammered() -> None:
    backoff = Backoff(Reconnect(delay=1, max_delay=8), upper)
    waits = []
    for _ in range(4):
        waits.append(backoff.next())
        backoff.joined()
    assert waits == [1, 2, 4, 8]
    backoff.stable()
    assert backoff.next() == 1


def test_the_server_s_delay_is_waited_in_full() -> None:
    backoff = Backoff(Reconnect(delay=1, max_delay=8), lower)
    assert backoff.next(2.5) == 2.5


@pytest.mark.parametrize(
    ("code", "action"),
    [
        (1000, Action.STOP),
        (1001, Action.RECONNECT),
        (1002, Action.STOP),
        (1003, Action.STOP),
        (1006, Action.RECONNECT),
        (1007, Action.STOP),
        (1008, Action.STOP),
        (1009, Action.STOP),
        (1011, Action.RECONNECT),
        (1012, Action.RECONNECT),
        (1013, Action.RECONNECT),
        (4001, Action.STOP),
        (4008, Action.RECONNECT),
        (4401, Action.REFRESH),
        (4403, Action.STOP),
        (4408, Action.RECONNECT),
        (4429, Action.RECONNECT),
        (4999, Action.RECONNECT),
    ],
)
def test_close_codes_behave_as_the_protocol_says(code: int, action: Action) -> None:
    assert judge_close(code, "").action is action


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [
        ("restarting; reconnect in 1234 ms", 1.234),
        ("1500", 1.5),
        ("try again in 2s", 2),
        ("2.5 s", 2.5),
        ("later", None),
        ("", None),
        ("99999999999 ms", 300),
    ],
)
def test_a_reason_may_carry_a_delay(reason: str, seconds: float | None) -> None:
    assert delay_in(reason) == seconds
    for code in (1012, 1013, 4429):
        assert judge_close(code, reason).delay == seconds
    assert judge_close(1011, reason).delay is None


def test_an_http_refusal_is_final_unless_it_can_pass() -> None:
    assert judge_status(401, None, False).action is Action.REFRESH
    assert judge_status(403, None, True).action is Action.STOP
    assert judge_status(404, None, False).action is Action.STOP
    assert judge_status(404, None, True).action is Action.RECONNECT
    assert judge_status(503, "7", False).delay == 7
    assert judge_status(503, "Wed, 21 Oct 2026 07:28:00 GMT", False).delay is None
    assert judge_status(429, None, False).action is Action.RECONNECT


def test_a_refused_message_waits_at_least_as_long_as_the_server_said() -> None:
    assert retry_delay(0, 1500, lower) == 1.5
    assert retry_delay(9, 1500, upper) == 1.875
    assert retry_delay(0, None, upper) == 0.2
    assert retry_delay(60, None, upper) == 10


def test_a_full_bucket_lets_a_burst_through_and_then_one_at_a_time() -> None:
    pacer = Pacer(RateLimit(3, 3000), 0.0)
    for _ in range(3):
        assert pacer.wait(0.0) == 0
        pacer.spend(0.0)
    assert pacer.wait(0.0) == pytest.approx(1.0)
    assert pacer.wait(1.0) == 0
    pacer.spend(1.0)
    assert pacer.wait(1.25) == pytest.approx(0.75)


@settings(deadline=None)
@given(st.integers(1, 50), st.integers(1, 10_000), st.lists(st.floats(0, 5), max_size=80))
def test_pacing_never_exceeds_the_bucket(size: int, window: int, pauses: list[float]) -> None:
    now = 0.0
    pacer = Pacer(RateLimit(size, window), now)
    for sent, pause in enumerate(pauses, 1):
        now += pause
        now += pacer.wait(now)
        assert pacer.wait(now) == pytest.approx(0, abs=1e-6)
        pacer.spend(now)
        assert sent <= size + now * size * 1000 / window + 1e-3


def test_a_changed_limit_remembers_what_was_used() -> None:
    pacer = Pacer(RateLimit(10, 10_000), 0.0)
    for _ in range(4):
        pacer.spend(0.0)
    pacer.change(RateLimit(5, 5000), 0.0)
    pacer.spend(0.0)
    assert pacer.wait(0.0) > 0


def test_after_rate_limited_nothing_leaves_for_a_while() -> None:
    pacer = Pacer(RateLimit(0), 0.0)
    pacer.hold(3.0)
    assert pacer.wait(1.0) == 2.0
    assert pacer.wait(3.0) == 0
