"""The benchmark's rows: storms, growth and soak measure what they say, and every goal has its peer."""

import os
import re
from pathlib import Path

import pytest

from bench import prefill, storm
from bench.__main__ import measure
from bench.install import NCHAN_MODULE
from bench.load import FanOut, LoadError, Requests, Rotation, connect
from bench.measure import QUICK, Bench, Sample, clients
from bench.report import summary, table
from bench.rows import NAMES, ROWS
from bench.servers import NCHAN, OURS, PEERS, Server, family
from bench.soak import verdict
from bench.work import ANSWER, SAY
from bench.works import WORKS
from bonsai_core.store.base import Position

CORE = min(os.sched_getaffinity(0))


def test_every_goal_names_a_server_and_every_row_can_be_drawn() -> None:
    for work, row in ROWS.items():
        assert row.goals.keys() <= NAMES.keys()
        assert row.goals or row.limit or work == "speakers", f"{work} has no goal"
    samples = [Sample(work, who, 1.0) for work, row in ROWS.items() for who in ("ours", *row.goals)]
    figures = summary([samples])
    assert table(figures).row_count == len(samples)
    assert figures["live"]["ours"]["goal"] == 100
    assert figures["fanout4"]["node"]["oursTimes"] == {"median": 1.0, "rounds": [1.0], "goal": 0.5}


def test_the_peers_packages_are_pinned_and_name_no_registry() -> None:
    lock = (PEERS / "requirements.txt").read_text()
    assert {"python-socketio", "matplotlib"} <= set(re.findall(r"^([\w.-]+)==", lock, re.MULTILINE))
    assert "://" not in lock
    assert all("--hash=sha256:" in entry for entry in re.split(r"\n(?=\w)", lock)[1:])


async def test_all_connections_speak_in_turn() -> None:
    async with Server(OURS, CORE) as server:
        sockets = await clients(server, 12, OURS.dialect)
        rotation = Rotation(sockets, Requests(OURS.dialect, "bench:answer", ANSWER), window=4)
        done = await rotation.run(0.2)
        spoken = [socket.id - 1 for socket in sockets]
        assert sum(spoken) == done > 12
        assert max(spoken) - min(spoken) <= 1
        rotation.close()


async def test_stored_students_go_on_where_they_were(tmp_path: Path) -> None:
    users = [f"student-{n:06}" for n in range(30)]
    await prefill.students(tmp_path / "users.db", users)
    async with Server(OURS, CORE, store=tmp_path / "users.db") as server:
        (socket,) = await connect(server.port, [OURS.dialect.join(users[7])], OURS.dialect, OURS.dialect.ack)
        rotation = Rotation([socket], Requests(OURS.dialect, "bench:store", ANSWER), window=1)
        assert await rotation.run(0.1) > 0
        rotation.close()
    store = await prefill.opened(tmp_path / "users.db")
    found = await store.load(users[29], f"classroom/s/{prefill.session_of(users[29])}/progress")
    assert found is not None
    assert b'"answered":1' in found.value
    await store.close()


async def test_everybody_in_a_storm_gets_what_they_missed(tmp_path: Path) -> None:
    bench = Bench(QUICK, CORE, (), lambda text: None, tmp_path)
    users = [f"student-{n:06}" for n in range(25)]
    places = await prefill.missed(tmp_path / "storm.db", users, storm.MISSED)
    async with bench.server(OURS, tmp_path / "storm.db") as server:
        raging = storm.Storm(len(users))
        assert await raging.rage(server.port, [storm.resume(u, places[u]) for u in users], OURS.dialect) > 0
        assert raging.done == len(users) * storm.MISSED
        raging.close()


async def test_a_client_that_gets_less_than_it_missed_fails_the_storm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storm, "STALL", 0.2)
    places = await prefill.missed(tmp_path / "storm.db", ["ada", "bo"], storm.MISSED)
    ada = {room: Position(at.epoch, at.offset + room.startswith("session:")) for room, at in places["ada"].items()}
    async with Server(OURS, CORE, store=tmp_path / "storm.db") as server:
        raging = storm.Storm(2)
        scripts = [storm.resume("ada", ada), storm.resume("bo", places["bo"])]
        with pytest.raises(LoadError, match="1 missed messages never came"):
            await raging.rage(server.port, scripts, OURS.dialect)
        raging.close()


@pytest.mark.skipif(not NCHAN_MODULE.exists(), reason="nginx with nchan is not installed; `make bench` installs it")
async def test_nchan_delivers_to_all_of_the_room_and_ends_with_its_workers() -> None:
    dialect = NCHAN.dialect
    async with Server(NCHAN, CORE) as server:
        receivers = await connect(server.port, [[] for _ in range(7)], dialect, dialect.said)
        senders = await clients(server, 2, dialect.publisher)
        room = FanOut(senders, receivers, Requests(dialect.publisher, "bench:say", SAY), window=4)
        assert await room.run(0.2) % 7 == 0
        members = family(server.pid)
        assert len(members) == 3, "the launcher, nginx and its one worker"
        room.close()
    for pid in members:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.mark.parametrize(
    ("values", "flat"),
    [
        ([10, 60, 90, 99, 100, 101, 100, 99, 101, 100], True),  # warms up, then stays
        ([100, 100, 100, 100, 100, 110, 120, 130, 140, 150], False),
        ([200, 190, 180, 170, 160, 150, 140, 130, 120, 110], True),  # less is no leak
        ([3, 3, 3, 3, 3, 3, 4, 3, 4, 4], True),  # noise
    ],
)
def test_flat_is_what_does_not_grow_in_the_second_half(values: list[float], flat: bool) -> None:
    assert verdict([float(minute) for minute in range(10)], values, noise=2)["flat"] is flat


async def test_a_round_that_fails_leaves_the_whole_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    turns = iter([[Sample("acked", "ours", 12.0)], [Sample("acked", "ours", 13.0)]])

    async def acked(bench: Bench) -> list[Sample]:
        for samples in turns:
            return samples
        raise LoadError("gone")

    monkeypatch.setitem(WORKS, "acked", acked)
    rounds: list[list[Sample]] = []
    with pytest.raises(LoadError, match="gone"):
        await measure(Bench(QUICK, CORE, (), lambda text: None, tmp_path), ["acked"], 5, rounds)
    assert [samples[0].value for samples in rounds] == [12.0, 13.0]


def test_the_works_are_those_that_the_readme_tells_of() -> None:
    readme = (PEERS.parent / "README.md").read_text()
    assert [work for work in WORKS if f"| {work} |" not in readme] == []
