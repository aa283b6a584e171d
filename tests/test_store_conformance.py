"""What every store guarantees (`bonsai_core/store/base.py`), tried on each backend in `BACKENDS`.

Nothing here knows a backend: a new one joins by adding its URL. `test_store_model.py` has the property test.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bonsai_core.store import create_store
from bonsai_core.store.base import (
    AlreadyDone,
    DeviceInfo,
    Document,
    Mark,
    Message,
    Position,
    Record,
    Replaced,
    Store,
    StoreUnavailable,
    Unit,
    VersionConflict,
    Write,
)

#: The store's URL for an empty directory; that of Redis is a fixture's.
BACKENDS: dict[str, Callable[[Path], str]] = {
    "sqlite-file": lambda directory: f"sqlite:///{directory}/bonsai.db",
    "sqlite-memory": lambda directory: "sqlite://",
}

NOW = 1_750_000_000_000


class Clock:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += int(seconds * 1000)


class Live:
    """An open store, its clock, and all that it called back."""

    def __init__(self, url: str, **options: Any) -> None:
        self.clock = Clock()
        defaults: dict[str, Any] = {"max_messages": 1000, "max_age": 3600.0, "window": 1000, "clock": self.clock}
        self.store: Store = create_store(url, **(defaults | options))
        self.heard: list[tuple[Message, str]] = []
        self.revocations: list[tuple[str, str, int]] = []
        self._news = asyncio.Event()

    async def open(self) -> Live:
        await self.store.open(self._on_message, self._on_revoked)
        return self

    def _on_message(self, message: Message, epoch: str) -> None:
        self._news.set()
        self.heard.append((message, epoch))

    def _on_revoked(self, kind: str, value: str, at: int) -> None:
        self._news.set()
        self.revocations.append((kind, value, at))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for callbacks until the condition holds."""
        async with asyncio.timeout(5):
            while not condition():
                self._news.clear()
                await self._news.wait()

    async def hears(self, count: int) -> list[Message]:
        """The messages that the listener got, when there are `count` of them."""
        await self.until(lambda: len(self.heard) >= count)
        assert len(self.heard) == count
        return [message for message, _ in self.heard]

    def message(self, text: str = "x", room: str = "session:s", owner: str = "ann", event: str = "e") -> Message:
        return Message(room, event, text.encode(), self.clock(), owner)

    async def say(self, *texts: str, room: str = "session:s") -> None:
        await self.store.commit(Unit("ann", messages=[self.message(text, room) for text in texts]))

    async def missed(self, since: Position) -> list[bytes] | None:
        """What a client at `since` has missed; None when that cannot be proved."""
        recovery = await self.store.recover("session:s", "ann", since)
        assert recovery.recovered or recovery.messages == ()
        return [message.data for message in recovery.messages] if recovery.recovered else None

    async def position(self) -> Position:
        return (await self.store.recover("session:s", "ann")).position


def mark(id: int = 1, client: str = "phone", plugin: str = "analytics", answer: bytes = b"1") -> Mark:
    return Mark(client, id, plugin, b"digest", answer, NOW)


def save(key: str, value: bytes | None, version: int, user: str = "ann") -> Unit:
    return Unit(user, writes=[Write(key, value, version)])


OpenStore = Callable[..., Awaitable[Live]]


@pytest.fixture(params=[*BACKENDS, pytest.param("redis", marks=pytest.mark.redis)])
async def open_store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OpenStore]:
    lives: list[Live] = []
    url = request.getfixturevalue("redis_url") if request.param == "redis" else BACKENDS[request.param](tmp_path)

    async def build(**options: Any) -> Live:
        lives.append(await Live(url, **options).open())
        return lives[-1]

    yield build
    for live in lives:
        await live.store.close()


@pytest.fixture
async def live(open_store: OpenStore) -> Live:
    return await open_store()


# Units of work


async def test_a_unit_takes_effect_as_a_whole(live: Live) -> None:
    await live.store.subscribe("session:s", "ann")
    message = live.message()
    await live.store.commit(
        Unit("ann", mark(7), [Write("state", b"{}", 0)], [Record("answers", b"[1]", NOW)], [message])
    )
    assert await live.store.load("ann", "state") == Document(b"{}", 1)
    assert await live.store.records("ann", "answers", limit=10) == [Record("answers", b"[1]", NOW, 1)]
    assert await live.store.marks("ann", "phone", 7) == {"analytics": mark(7)}
    assert await live.store.last_id("ann", "phone") == 7
    [heard] = await live.hears(1)
    assert (heard.room, heard.owner, heard.event, heard.data, heard.at, heard.offset) == (
        *(message.room, message.owner, message.event, message.data, message.at),
        1,
    )


async def test_of_a_refused_unit_nothing_remains(live: Live) -> None:
    await live.store.subscribe("session:s", "ann")
    await live.store.commit(save("b", b"1", 0))
    unit = Unit("ann", mark(), [Write("a", b"2", 0), Write("b", b"2", 0)], [Record("r", b"2", NOW)], [live.message()])
    with pytest.raises(VersionConflict) as conflict:
        await live.store.commit(unit)
    assert conflict.value.keys == ("b",)
    assert await live.store.load("ann", "a") is None
    assert await live.store.records("ann", "r", limit=10) == []
    assert await live.store.last_id("ann", "phone") == 0
    assert (await live.position()).offset == 0
    unit.writes[1] = Write("b", b"2", 1)
    await live.store.commit(unit)
    assert [message.offset for message in await live.hears(1)] == [1]


async def test_a_resent_message_is_already_done_and_carries_the_first_answer(live: Live) -> None:
    await live.store.commit(Unit("ann", mark(answer=b"first"), records=[Record("r", b"1", NOW)]))
    with pytest.raises(AlreadyDone) as done:
        await live.store.commit(Unit("ann", mark(answer=b"second"), records=[Record("r", b"2", NOW)]))
    assert done.value.mark == mark(answer=b"first")
    assert len(await live.store.records("ann", "r", limit=10)) == 1


async def test_a_resend_is_recognised_although_its_documents_moved_on(live: Live) -> None:
    unit = Unit("ann", mark(), [Write("state", b"1", 0)])
    await live.store.commit(unit)
    await live.store.commit(save("state", b"2", 1))
    with pytest.raises(AlreadyDone):
        await live.store.commit(unit)


async def test_marks_of_other_plugins_clients_and_users_are_other_marks(live: Live) -> None:
    await live.store.commit(Unit("ann", mark()))
    await live.store.commit(Unit("ann", mark(plugin="coaching")))
    await live.store.commit(Unit("ann", mark(client="laptop")))
    await live.store.commit(Unit("bob", mark()))
    assert set(await live.store.marks("ann", "phone", 1)) == {"analytics", "coaching"}
    assert set(await live.store.marks("ann", "laptop", 1)) == {"analytics"}
    assert await live.store.marks("ann", "phone", 2) == {}
    assert await live.store.last_id("cyd", "phone") == 0


async def test_an_unstamped_mark_gets_the_time_of_its_commit(live: Live) -> None:
    await live.store.commit(Unit("ann", Mark("phone", 1, "analytics", b"", b"")))
    assert (await live.store.marks("ann", "phone", 1))["analytics"].at == NOW


async def test_of_many_racers_exactly_one_wins(live: Live) -> None:
    for version in range(3):
        units = [save("state", str(racer).encode(), version) for racer in range(50)]
        outcomes = await asyncio.gather(*(live.store.commit(unit) for unit in units), return_exceptions=True)
        assert sum(outcome is None for outcome in outcomes) == 1
        assert sum(isinstance(outcome, VersionConflict) for outcome in outcomes) == 49
        winner = outcomes.index(None)
        assert await live.store.load("ann", "state") == Document(str(winner).encode(), version + 1)


async def test_of_many_resends_at_once_exactly_one_takes_effect(live: Live) -> None:
    units = [Unit("ann", mark(answer=b"%d" % n), records=[Record("r", b"", NOW)]) for n in range(50)]
    outcomes = await asyncio.gather(*(live.store.commit(unit) for unit in units), return_exceptions=True)
    winner = outcomes.index(None)
    losers = [outcome for outcome in outcomes if isinstance(outcome, AlreadyDone)]
    assert len(losers) == 49
    assert {loser.mark.answer for loser in losers} == {b"%d" % winner}
    assert len(await live.store.records("ann", "r", limit=100)) == 1


async def test_a_document_counts_its_versions_and_a_deleted_one_starts_anew(live: Live) -> None:
    await live.store.commit(save("state", b"1", 0))
    await live.store.commit(save("state", b"2", 1))
    assert await live.store.load("ann", "state") == Document(b"2", 2)
    with pytest.raises(VersionConflict):
        await live.store.commit(save("state", None, 1))
    await live.store.commit(save("state", None, 2))
    assert await live.store.load("ann", "state") is None
    with pytest.raises(VersionConflict):
        await live.store.commit(save("state", b"3", 3))
    await live.store.commit(save("state", None, 0))
    await live.store.commit(save("state", b"3", 0))
    anew = await live.store.load("ann", "state")
    assert anew is not None
    assert anew.value == b"3"
    if live.store.shared:  # another process may still hold what was version 1 once
        assert anew.version > 2
    else:
        assert anew.version == 1


async def test_users_do_not_see_one_anothers_data(live: Live) -> None:
    await live.store.commit(Unit("ann", writes=[Write("k", b"ann", 0)], records=[Record("r", b"ann", NOW)]))
    await live.store.commit(Unit("bob", writes=[Write("k", b"bob", 0)], records=[Record("r", b"bob", NOW)]))
    assert await live.store.load("ann", "k") == Document(b"ann", 1)
    assert [record.value for record in await live.store.records("bob", "r", limit=9)] == [b"bob"]
    assert await live.store.load("cyd", "k") is None


async def test_a_unit_commits_wholly_or_not_at_all_when_its_caller_is_cancelled(live: Live) -> None:
    chance = random.Random(1)

    async def one(number: int) -> None:
        text = str(number)
        key = f"k{number}"
        await live.store.commit(
            Unit("ann", mark(number), [Write(key, b"", 0)], [Record("r", text.encode(), NOW)], [live.message(text)])
        )

    await live.store.subscribe("session:s", "ann")
    cancelled = set()
    for start in range(1, 200, 20):
        tasks = {number: asyncio.create_task(one(number)) for number in range(start, start + 20)}
        for number in chance.sample(sorted(tasks), 7):
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            if tasks[number].cancel():
                cancelled.add(number)
        outcomes = await asyncio.gather(*tasks.values(), return_exceptions=True)
        assert all(outcome is None or isinstance(outcome, asyncio.CancelledError) for outcome in outcomes)
    await live.say("end")
    stored = {int(record.value) for record in await live.store.records("ann", "r", limit=1000)}
    assert stored >= set(range(1, 201)) - cancelled
    for number in range(1, 201):
        assert bool(await live.store.marks("ann", "phone", number)) == (number in stored)
        assert (await live.store.load("ann", f"k{number}") is not None) == (number in stored)
    heard = await live.hears(len(stored) + 1)
    assert {int(message.data) for message in heard[:-1]} == stored


async def test_closing_finishes_pending_commits_and_then_refuses_more(open_store: OpenStore) -> None:
    live = await open_store()
    pending = [asyncio.create_task(live.store.commit(save(f"k{number}", b"", 0))) for number in range(20)]
    await asyncio.sleep(0)
    await live.store.close()
    await live.store.close()
    assert await asyncio.gather(*pending) == [None] * 20
    with pytest.raises(StoreUnavailable):
        await live.store.commit(save("late", b"", 0))
    with pytest.raises(StoreUnavailable):
        await live.store.load("ann", "k1")
    with pytest.raises(StoreUnavailable):
        await live.store.check()


async def test_check_returns_while_the_store_can_commit(live: Live) -> None:
    await live.store.check()


# Records and marks


async def test_records_page_back_from_the_newest_and_come_oldest_first(live: Live) -> None:
    records = [Record("answers", str(number).encode(), NOW + number) for number in range(1, 11)]
    await live.store.commit(Unit("ann", records=records[:4]))
    await live.store.commit(Unit("ann", records=[*records[4:], Record("other", b"", NOW)]))

    async def numbers(**options: Any) -> list[int]:
        found = await live.store.records("ann", "answers", **options)
        assert all(record.value == str(record.number).encode() for record in found)
        return [record.number for record in found]

    assert await numbers(limit=100) == list(range(1, 11))
    assert await numbers(limit=3) == [8, 9, 10]
    assert await numbers(limit=3, before=8) == [5, 6, 7]
    assert await numbers(limit=3, before=2) == [1]
    assert await numbers(limit=3, before=1) == []
    assert await numbers(limit=0) == []
    assert await numbers(limit=100, since=NOW + 8) == [8, 9, 10]
    assert await numbers(limit=2, before=10, since=NOW + 3) == [8, 9]
    assert await live.store.records("ann", "none", limit=5) == []


async def test_the_marks_of_the_newest_ids_are_kept_and_older_ones_let_go(open_store: OpenStore) -> None:
    live = await open_store(window=10)
    for number in range(3, 1500, 3):
        await live.store.commit(Unit("ann", mark(number)))
        await live.store.commit(Unit("ann", mark(number, plugin="coaching")))
        tenth = max(3, number - 27)
        assert set(await live.store.marks("ann", "phone", tenth)) == {"analytics", "coaching"}
    assert await live.store.marks("ann", "phone", 3) == {}
    assert await live.store.last_id("ann", "phone") == 1497


# Rooms


async def test_offsets_rise_without_holes_through_a_thousand_commits_at_once(live: Live) -> None:
    rooms = ["session:a", "session:b", "session:c"]
    for room in rooms:
        await live.store.subscribe(room, "ann")
    await asyncio.gather(
        *(
            live.store.commit(
                Unit("ann", messages=[live.message(f"{n}.{part}", rooms[n % 3]) for part in range(n % 4)])
            )
            for n in range(1000)
        )
    )
    heard = await live.hears(sum(n % 4 for n in range(1000)))
    for room in rooms:
        offsets = [message.offset for message in heard if message.room == room]
        assert offsets == list(range(1, len(offsets) + 1))
        recovery = await live.store.recover(
            room, "ann", Position((await live.store.recover(room, "ann")).position.epoch, 0)
        )
        assert list(recovery.messages) == [message for message in heard if message.room == room]
        epochs = {epoch for message, epoch in live.heard if message.room == room}
        assert epochs == {recovery.position.epoch}


async def test_the_messages_of_a_unit_keep_their_order(live: Live) -> None:
    await live.store.subscribe("session:s", "ann")
    await live.say("1", "2", "3")
    assert [(message.data, message.offset) for message in await live.hears(3)] == [(b"1", 1), (b"2", 2), (b"3", 3)]


async def test_only_subscribed_rooms_are_delivered_and_each_once(live: Live) -> None:
    await live.say("before")
    await live.store.subscribe("session:s", "ann")
    await live.store.subscribe("session:s", "ann")
    await live.store.commit(Unit("ann", messages=[live.message("elsewhere", "session:t"), live.message("here")]))
    await live.hears(1)
    await live.store.unsubscribe("session:s", "ann")
    await live.store.unsubscribe("session:s", "ann")
    await live.say("after")
    await live.store.subscribe("session:s", "ann")
    await live.say("again")
    assert [(message.data, message.offset) for message in await live.hears(2)] == [(b"here", 2), (b"again", 4)]


class Failing(list[tuple[Message, str]]):
    """Notes a message, then fails."""

    def append(self, item: tuple[Message, str]) -> None:
        super().append(item)
        raise RuntimeError("the listener fails")


async def test_a_failing_listener_breaks_neither_the_commit_nor_the_next_delivery(live: Live) -> None:
    live.heard = Failing()
    await live.store.subscribe("session:s", "ann")
    await live.say("1", "2")
    await live.say("3")
    await live.store.publish(live.message("4"))
    assert [message.data for message in await live.hears(4)] == [b"1", b"2", b"3", b"4"]


async def test_a_published_message_reaches_subscribed_rooms_and_leaves_no_trace(live: Live) -> None:
    typing = Message("session:s", "coaching:typing", b"{}", NOW, "ann", exclude="phone")
    await live.store.publish(typing)
    await live.store.subscribe("session:s", "ann")
    await live.store.publish(typing)
    assert await live.hears(1) == [typing]
    assert (await live.position()).offset == 0


async def test_a_shared_room_has_a_log_like_any_other(live: Live) -> None:
    await live.store.subscribe("class:7b")
    start = (await live.store.recover("class:7b")).position
    await live.store.commit(Unit("ann", messages=[live.message("hello", "class:7b", owner="")]))
    recovery = await live.store.recover("class:7b", since=start)
    assert list(recovery.messages) == await live.hears(1)


# Recovery


async def test_a_room_begins_with_an_epoch_of_its_own_at_offset_zero(live: Live) -> None:
    first = await live.store.recover("session:s", "ann")
    assert (first.position.offset, first.messages, first.recovered) == (0, (), False)
    assert first.position.epoch
    assert await live.position() == first.position
    assert (await live.store.recover("session:t", "ann")).position.epoch != first.position.epoch


async def test_a_client_that_was_away_gets_what_it_missed_in_order(live: Live) -> None:
    start = await live.position()
    await live.say("1", "2")
    middle = await live.position()
    await live.say("3")
    end = await live.position()
    assert end == Position(start.epoch, 3)
    assert await live.missed(start) == [b"1", b"2", b"3"]
    assert await live.missed(middle) == [b"3"]
    assert await live.missed(end) == []


async def test_a_position_that_never_was_is_not_recovered(live: Live) -> None:
    start = await live.position()
    await live.say("1")
    assert await live.missed(Position(start.epoch, 2)) is None
    assert await live.missed(Position(start.epoch, -1)) is None
    assert await live.missed(Position("other", 1)) is None
    assert await live.missed(Position("", 0)) is None
    recovery = await live.store.recover("session:new", "ann", Position("other", 0))
    assert not recovery.recovered


async def test_the_newest_messages_are_kept_and_those_pruned_by_length_are_not_recovered(open_store: OpenStore) -> None:
    live = await open_store(max_messages=10)
    start = await live.position()
    for number in range(1, 501):
        await live.say(str(number))
        oldest = max(0, number - 10)
        assert await live.missed(Position(start.epoch, oldest)) == [b"%d" % n for n in range(oldest + 1, number + 1)]
    assert await live.missed(start) is None


async def test_a_message_is_recovered_up_to_its_age_limit_and_not_after(open_store: OpenStore) -> None:
    live = await open_store(max_age=60.0)
    start = await live.position()
    await live.say("old")
    middle = await live.position()
    live.clock.advance(1)
    await live.say("new")
    live.clock.advance(59)
    assert await live.missed(start) == [b"old", b"new"]
    live.clock.advance(0.001)
    assert await live.missed(start) is None
    assert await live.missed(middle) == [b"new"]
    live.clock.advance(60)
    assert await live.missed(middle) is None
    assert await live.missed(Position(start.epoch, 2)) == []
    await live.say("later")
    assert await live.missed(Position(start.epoch, 2)) == [b"later"]
    assert await live.position() == Position(start.epoch, 3)


async def test_recovery_joins_live_delivery_without_a_gap(live: Live) -> None:
    start = await live.position()

    async def talk() -> None:
        for number in range(60):
            await live.say(str(number))

    talking = [asyncio.create_task(talk()) for _ in range(5)]
    for _ in range(40):
        await asyncio.sleep(0)
        live.heard.clear()
        await live.store.subscribe("session:s", "ann")
        delivered = max((message.offset for message, _ in live.heard), default=0)
        recovery = await live.store.recover("session:s", "ann", start)
        assert recovery.recovered
        assert recovery.position.offset >= delivered
        assert [message.offset for message in recovery.messages] == list(range(1, recovery.position.offset + 1))
        await live.say("last")
        end = (await live.position()).offset
        await live.until(lambda end=end: bool(live.heard) and live.heard[-1][0].offset >= end)  # type: ignore[misc]
        fresh = [message.offset for message, _ in live.heard if message.offset > recovery.position.offset]
        assert fresh == list(range(recovery.position.offset + 1, fresh[-1] + 1))
        await live.store.unsubscribe("session:s", "ann")
    await asyncio.gather(*talking)


# Sessions, presence, revocation


async def test_a_session_belongs_to_whoever_claimed_it_first(live: Live) -> None:
    assert await live.store.session_owner("s") is None
    owners = await asyncio.gather(*(live.store.claim_session("s", user) for user in ("ann", "bob", "cyd")))
    assert len(set(owners)) == 1
    assert owners[0] in {"ann", "bob", "cyd"}
    assert await live.store.claim_session("s", "dan") == owners[0]
    assert await live.store.session_owner("s") == owners[0]
    assert await live.store.claim_session("t", "dan") == "dan"


def device(client: str, joined: int, device_id: str = "d") -> DeviceInfo:
    return DeviceInfo(client, device_id, "web", "Firefox", joined, "node")


async def test_devices_are_listed_oldest_first_and_replaced_by_client(live: Live) -> None:
    store = live.store
    assert await store.devices("ann", "s") == []
    assert await store.device_joined("ann", "s", device("b", 2)) == [device("b", 2)]
    assert await store.device_joined("ann", "s", device("a", 1)) == [device("a", 1), device("b", 2)]
    assert await store.device_joined("ann", "s", device("a", 3)) == [device("b", 2), device("a", 3)]
    assert await store.devices("ann", "t") == []


async def test_a_join_that_was_held_back_does_not_replace_a_connection_opened_since(live: Live) -> None:
    store = live.store
    await store.device_joined("ann", "s", device("a", 100_000))
    with pytest.raises(Replaced):
        await store.device_joined("ann", "s", device("a", 99_999))
    assert await store.devices("ann", "s") == [device("a", 100_000)]
    assert await store.device_joined("ann", "s", device("a", 100_000)) == [device("a", 100_000)]
    # Nobody's join is held back for a minute: a clock was set.
    assert await store.device_joined("ann", "s", device("a", 39_999)) == [device("a", 39_999)]


async def test_an_old_connection_that_leaves_does_not_remove_its_successor(live: Live) -> None:
    store = live.store
    await store.device_joined("ann", "s", device("a", 1))
    await store.device_joined("ann", "s", device("a", 2))
    assert await store.device_left("ann", "s", device("a", 1)) is False
    assert await store.devices("ann", "s") == [device("a", 2)]
    assert await store.device_left("ann", "s", device("a", 2)) is True
    assert await store.device_left("ann", "s", device("a", 2)) is False
    assert await store.devices("ann", "s") == []


async def test_a_revoked_token_stays_so_until_its_time(live: Live) -> None:
    await live.store.revoke("jti", "t1", NOW + 60_000)
    assert await live.store.revoked("t1", "ann", NOW)
    assert not await live.store.revoked("t2", "ann", NOW)
    assert not await live.store.revoked(None, "ann", NOW)
    live.clock.advance(60)
    assert not await live.store.revoked("t1", "ann", NOW)


async def test_revoking_a_user_ends_tokens_issued_up_to_now(live: Live) -> None:
    await live.store.revoke("user", "ann", NOW + 60_000)
    assert await live.store.revoked(None, "ann", NOW)
    assert await live.store.revoked("t1", "ann", NOW - 5000)
    assert not await live.store.revoked(None, "ann", NOW + 1)
    assert not await live.store.revoked(None, "bob", NOW)
    live.clock.advance(10)
    await live.store.revoke("user", "ann", NOW + 20_000)
    assert await live.store.revoked(None, "ann", NOW + 10_000)
    live.clock.advance(40)
    assert await live.store.revoked(None, "ann", NOW), "an earlier revocation that lasts longer was cut short"
    await live.until(lambda: len(live.revocations) >= 2)
    assert live.revocations == [("user", "ann", NOW), ("user", "ann", NOW + 10_000)]
