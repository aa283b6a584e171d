"""Aggregates that many students share: contributed with the unit of work, folded once, read by everyone."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from bonsai_core import Payload, Plugin, Refused, Session, folds, on
from bonsai_core.testing import StartServer, TestServer, WireError


class Answer(Payload):
    item: str
    correct: bool
    refuse: bool = False


class Items(Plugin):
    name = "items"

    @on("items:answer")
    async def answer(self, session: Session, answer: Answer) -> None:
        session.contribute("items", answer.item, {"correct": answer.correct})
        if answer.refuse:
            raise Refused("forbidden")

    @on("items:read")
    async def read(self, session: Session, answer: Answer) -> Any:
        return await session.shared("items", answer.item)

    @folds("items")
    def fold(self, key: str, aggregate: Any, deltas: list[Any]) -> Any:
        if key == "poison":
            raise RuntimeError("cannot")
        total = aggregate or {"answered": 0, "correct": 0}
        return {
            "answered": total["answered"] + len(deltas),
            "correct": total["correct"] + sum(delta["correct"] for delta in deltas),
        }


async def folded(server: TestServer) -> None:
    while await server.app.shared.fold():
        pass


async def test_contributions_of_many_students_add_up(bonsai_server: StartServer, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bonsai.db"
    server = await bonsai_server(plugins=[Items()], store_url=url)
    students = [await server.connect(user=f"u{n}", session=f"s{n}") for n in range(4)]

    async def practise(number: int) -> None:
        for attempt in range(10):
            data = {"item": "q1", "correct": attempt % 2 == 0}
            await students[number].send("items:answer", data, id=attempt + 1)  # and again, as after a lost ack
            await students[number].request("items:answer", data, id=attempt + 1)

    await asyncio.gather(*map(practise, range(4)))
    await folded(server)
    expected = {"answered": 40, "correct": 20}
    assert await students[0].request("items:read", {"item": "q1", "correct": True}, id=50) == expected
    await server.stop()
    server = await bonsai_server(plugins=[Items()], store_url=url)
    student = await server.connect(user="reader", session="reading")
    assert await student.request("items:read", {"item": "q1", "correct": True}) == expected


async def test_a_refused_event_contributes_nothing(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Items()])
    student = await server.connect()
    with pytest.raises(WireError):
        await student.request("items:answer", {"item": "q1", "correct": True, "refuse": True})
    await folded(server)
    assert await student.request("items:read", {"item": "q1", "correct": True}) is None


async def test_a_failing_fold_is_the_plugins_failure_and_holds_up_no_other(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Items()])
    student = await server.connect()
    for item in ("poison", "q2"):
        await student.request("items:answer", {"item": item, "correct": True})
    await folded(server)
    assert await student.request("items:read", {"item": "q2", "correct": True}) == {"answered": 1, "correct": 1}
    failures = server.app.plugins.records["items"].guard.failures
    assert "fold items/items" in (failures.last or "")


async def test_contributions_are_folded_by_themselves(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Items()])
    student = await server.connect()
    await student.request("items:answer", {"item": "q1", "correct": True})
    for _ in range(200):
        if await student.request("items:read", {"item": "q1", "correct": True}) == {"answered": 1, "correct": 1}:
            return
        await asyncio.sleep(0.02)
    pytest.fail("nothing was folded within some seconds")
