"""Operations can watch what a process answers, event by event, without payloads and without a cost to anybody else."""

from __future__ import annotations

import json
from typing import Any

from bonsai_core import Attachment, EventReport, Payload, Plugin, Refused, Session, on
from bonsai_core.store.base import Delta, Unit
from bonsai_core.testing import FakeClock, StartServer


class Note(Payload):
    text: str
    picture: Attachment | None = None


class Notes(Plugin):
    name = "notes"

    @on("notes:take", rate=(3, 60.0))
    async def take(self, session: Session, note: Note) -> None:
        if note.text == "no":
            raise Refused("not_this_one")


async def test_a_listener_is_told_of_every_answer_but_never_of_its_payload(
    bonsai_server: StartServer, fake_clock: FakeClock
) -> None:
    server = await bonsai_server([Notes()], clock=fake_clock)
    device = await server.connect(user="ada", session="s1")
    told: list[EventReport] = []
    stop = server.app.watch_events(told.append)
    await device.request("notes:take", {"text": "a secret"}, id=1)
    await device.send_attachment("notes:take", {"text": "a"}, b"x" * 100, id=2)
    await device.recv("ack")
    for id, event, text in ((3, "notes:take", "no"), (4, "notes:take", "one more"), (5, "secret:name", "a secret")):
        await device.send(event, {"text": text}, id=id)
        await device.recv("error")
    assert [(r.event, r.outcome) for r in told] == [
        ("notes:take", "ack"),
        ("notes:take", "ack"),
        ("notes:take", "not_this_one"),
        ("notes:take", "rate_limited"),
        ("", "unknown_event"),
    ]
    assert {(r.user, r.session_id, r.at) for r in told} == {("ada", "s1", fake_clock.now())}
    assert told[0].size == len(json.dumps({"text": "a secret"}))
    assert told[1].size == len(json.dumps({"text": "a"})) + 100
    assert "secret" not in repr(told).replace("notes:take", "")

    stop()
    await device.request("session:state", None, id=6)
    assert len(told) == 5


async def test_a_listener_that_raises_harms_nobody_and_is_called_no_more(bonsai_server: StartServer) -> None:
    server = await bonsai_server([Notes()])
    device = await server.connect()
    calls: list[EventReport] = []
    told: list[EventReport] = []

    def fail(report: EventReport) -> None:
        calls.append(report)
        raise RuntimeError("broken")

    stop = server.app.watch_events(fail)
    _ = server.app.watch_events(told.append)
    for id in (1, 2):
        await device.request("notes:take", {"text": "a"}, id=id)
    assert (len(calls), len(told)) == (1, 2)
    stop()  # harmless


async def test_stats_tell_connections_opened_and_closed(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    await server.connect(client="one")
    two = await server.connect(client="two")
    await two.close()
    await server.app.connections.wait_until_empty(0.1)
    stats: dict[str, Any] = dict(server.app.stats())
    assert (stats["opened"], stats["closed"], stats["connections"]) == (2, 1, 1)
    assert (stats["outboxBytes"], stats["outboxDropped"]) == (0, 0)


async def test_what_waits_to_be_folded_is_counted(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    assert await server.app.waiting() == 0
    await server.app.store.commit(
        Unit("ada", deltas=[Delta("nobody/folds", "q", b"1"), Delta("nobody/folds", "r", b"1")])
    )
    assert await server.app.waiting() == 2
