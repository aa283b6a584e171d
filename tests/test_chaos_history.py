"""The chaos test's checker: it accepts what the promises allow, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.chaos.history import DeviceHistory, JoinedRoom, SessionHistory, Shown, Verdict, check


def session() -> SessionHistory:
    """Two devices, four messages; one was away for the third message and recovered, one missed the second and was
    told so."""
    effects = [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    shown = [Shown(number, item) for number, item in enumerate(effects, 1)]
    a = DeviceHistory(
        "a",
        sent=[1, 2],
        answers=[(1, 1), (2, 2)],
        seen=[JoinedRoom(0, False), shown[0], shown[1], JoinedRoom(3, True), shown[2], shown[3]],
    )
    b = DeviceHistory(
        "b",
        sent=[1, 2],
        answers=[(1, 1), (2, 2)],
        seen=[JoinedRoom(0, False), shown[0], JoinedRoom(2, False), shown[2], shown[3]],
    )
    return SessionHistory("s", [a, b], effects, {"a": 2, "b": 2}, end=4)


def verdict_after(change: Callable[[SessionHistory, DeviceHistory, DeviceHistory], object]) -> Verdict:
    history = session()
    change(history, *history.devices)
    return check([history])


def test_what_the_promises_allow_is_clean() -> None:
    verdict = check([session()])
    assert verdict.clean, verdict
    assert verdict.declared == 1
    assert verdict.problems == []


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        pytest.param("lost", lambda s, a, b: s.effects.pop(), id="a message had no effect"),
        pytest.param("lost", lambda s, a, b: a.answers.pop(), id="a message had no answer"),
        pytest.param("lost", lambda s, a, b: a.seen.pop(), id="the last message was not shown"),
        pytest.param("lost", lambda s, a, b: a.seen.pop(1), id="a message was not shown"),
        pytest.param("lost", lambda s, a, b: b.seen.__setitem__(2, JoinedRoom(2, True)), id="a gap was not declared"),
        pytest.param("doubled", lambda s, a, b: s.effects.append(("a", 2)), id="an effect happened twice"),
        pytest.param("doubled", lambda s, a, b: a.seen.append(a.seen[-1]), id="a message was shown twice"),
        pytest.param("doubled", lambda s, a, b: a.seen.append(Shown(5, ("b", 2))), id="twice at two offsets"),
        pytest.param("reordered", lambda s, a, b: s.effects.reverse(), id="effects against the order of sending"),
        pytest.param(
            "reordered",
            lambda s, a, b: a.seen.__setitem__(slice(1, 3), [Shown(1, ("b", 1)), Shown(2, ("a", 1))]),
            id="messages shown in another order",
        ),
        pytest.param("invented", lambda s, a, b: s.effects.append(("c", 1)), id="an effect that nobody sent"),
        pytest.param("invented", lambda s, a, b: a.seen.append(Shown(5, ("c", 1))), id="a message without effect"),
        pytest.param("invented", lambda s, a, b: a.answers.__setitem__(0, (1, 2)), id="the answer to another message"),
        pytest.param("invented", lambda s, a, b: a.seen.pop(0), id="shown before joining"),
        pytest.param("torn", lambda s, a, b: s.counted.update(a=1), id="the document is behind the records"),
        pytest.param("refused", lambda s, a, b: a.refused.append((2, "handler_failed")), id="refused"),
        pytest.param("healed", lambda s, a, b: setattr(a, "healed", 1), id="the client made up for it"),
    ],
)
def test_each_broken_promise_is_found(
    kind: str, change: Callable[[SessionHistory, DeviceHistory, DeviceHistory], object]
) -> None:
    verdict = verdict_after(change)
    assert getattr(verdict, kind) > 0, verdict
    assert any(problem.startswith(f"{kind}: s") for problem in verdict.problems)
    assert not verdict.clean


def test_counts_are_exact_though_few_problems_are_told() -> None:
    history = session()
    history.devices[0].sent += range(3, 53)
    verdict = check([history])
    assert verdict.lost == 100, "50 without an effect and 50 without an answer"
    assert len(verdict.problems) == 5


@st.composite
def honest(draw: st.DrawFn) -> SessionHistory:
    """What a server that keeps its promises may leave behind."""
    order = draw(st.lists(st.sampled_from("ab"), min_size=1, max_size=30))
    effects = [(client, order[: place + 1].count(client)) for place, client in enumerate(order)]
    devices = []
    for client in "ab":
        numbers = list(range(1, order.count(client) + 1))
        at = draw(st.integers(0, len(effects)))
        seen: list[JoinedRoom | Shown] = [JoinedRoom(at, False)]
        while at < len(effects):
            returns = draw(st.sampled_from(("stays", "stays", "recovered", "declared")))
            if returns == "recovered":
                seen.append(JoinedRoom(draw(st.integers(at, len(effects))), True))
            elif returns == "declared":
                at = draw(st.integers(at, len(effects)))
                seen.append(JoinedRoom(at, False))
            if at < len(effects):
                seen.append(Shown(at + 1, effects[at]))
                at += 1
        devices.append(DeviceHistory(client, numbers, [(n, n) for n in numbers], seen=seen))
    counted = {client: order.count(client) for client in "ab" if client in order}
    return SessionHistory("s", devices, effects, counted, len(effects))


@given(honest())
def test_every_honest_history_is_clean(history: SessionHistory) -> None:
    verdict = check([history])
    assert verdict.clean, verdict


@given(honest(), st.data())
def test_no_single_change_to_what_was_shown_goes_unnoticed(history: SessionHistory, data: st.DataObject) -> None:
    device = data.draw(st.sampled_from(history.devices))
    shown = [place for place, event in enumerate(device.seen) if isinstance(event, Shown)]
    if not shown:
        return
    place = data.draw(st.sampled_from(shown))
    event = device.seen[place]
    assert isinstance(event, Shown)
    change = data.draw(st.sampled_from(("drop", "repeat", "later", "other")))
    if change == "drop":
        del device.seen[place]
    elif change == "repeat":
        device.seen.insert(data.draw(st.integers(place, len(device.seen))), event)
    elif change == "later":
        device.seen[place] = replace(event, offset=event.offset + 1)
    else:
        device.seen[place] = replace(event, item=(event.item[0], event.item[1] + 1))
    excused = change == "drop" and place + 1 < len(device.seen) + 1 and _declared_next(device, place)
    assert excused or not check([history]).clean


def _declared_next(device: DeviceHistory, place: int) -> bool:
    """Whether the next thing after a dropped message is a join that declares it missed: then nothing is wrong."""
    following = device.seen[place:]
    joins = [event for event in following[: _run_of_joins(following)] if isinstance(event, JoinedRoom)]
    return any(not join.recovered for join in joins)


def _run_of_joins(events: list[JoinedRoom | Shown]) -> int:
    for count, event in enumerate(events):
        if isinstance(event, Shown):
            return count
    return len(events)
