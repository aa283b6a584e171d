"""What many users share: deltas wait with their units and are folded into aggregates, each exactly once."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bonsai_core.store.base import Delta, Unit, VersionConflict, Write
from tests.test_store_conformance import BACKENDS, Live


@pytest.fixture(params=[*BACKENDS, pytest.param("redis", marks=pytest.mark.redis)])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "redis":
        return str(request.getfixturevalue("redis_url"))
    return BACKENDS[request.param](tmp_path)


def add(name: str, key: str, old: bytes | None, deltas: list[bytes]) -> bytes:
    return b"%d" % (int(old or 0) + sum(map(int, deltas)))


def fail(name: str, key: str, old: bytes | None, deltas: list[bytes]) -> bytes:
    if key == "bad":
        raise RuntimeError("cannot fold this")
    return add(name, key, old, deltas)


def contribute(key: str, amount: int, user: str = "ann") -> Unit:
    return Unit(user, deltas=[Delta("items", key, b"%d" % amount)])


async def test_every_delta_is_folded_exactly_once(url: str) -> None:
    live = await Live(url).open()
    await asyncio.gather(*(live.store.commit(contribute(f"q{n % 3}", 1, f"user{n}")) for n in range(300)))
    changes = [await live.store.fold(add, 50) for _ in range(7)]
    assert changes[-1] == (0, {})
    assert [await live.store.aggregate("items", f"q{n}") for n in range(3)] == [b"100"] * 3
    assert changes[5] == (50, {("items", f"q{n}"): b"100" for n in range(3)})
    assert await live.store.aggregate("items", "nobody") is None
    await live.store.close()


async def test_a_refused_unit_contributes_nothing(url: str) -> None:
    live = await Live(url).open()
    unit = contribute("q", 1)
    unit.writes.append(Write("state", b"1", 7))
    with pytest.raises(VersionConflict):
        await live.store.commit(unit)
    assert await live.store.fold(add, 100) == (0, {})
    await live.store.close()


async def test_deltas_that_cannot_be_folded_wait_and_hold_up_no_others(url: str) -> None:
    live = await Live(url).open()
    await live.store.commit(contribute("bad", 1))
    await live.store.commit(contribute("good", 2))
    assert await live.store.waiting() == 2
    assert await live.store.fold(fail, 100) == (2, {("items", "good"): b"2"})
    assert await live.store.fold(fail, 100) == (0, {})
    assert await live.store.waiting() == 1
    await live.store.close()


async def test_they_are_tried_again_after_a_restart(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bonsai.db"
    live = await Live(url).open()
    await live.store.commit(contribute("bad", 3))
    assert await live.store.fold(fail, 100) == (1, {})
    await live.store.close()
    live = await Live(url).open()
    assert await live.store.fold(add, 100) == (1, {("items", "bad"): b"3"})
    await live.store.close()
