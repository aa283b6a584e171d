"""Devices on a breaking network and a server that is killed again and again: nothing lost, doubled or out of order.

The short form of `python -m tests.chaos`, and proof that its checker would notice.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.runner import Plan, run

SHORT = {"sessions": 6, "messages": 60, "kill_every": 1.2, "retention": 16}


async def test_every_message_counts_once_and_every_device_sees_all_in_order(tmp_path: Path) -> None:
    report = await run(Plan(seed=7, **SHORT), tmp_path)  # type: ignore[arg-type]
    assert report.verdict.clean, report.verdict
    assert report.messages == 720
    assert report.kills >= 1
    assert report.cuts > 10
    assert report.recovered > 10
    assert report.server_errors == []


CLUSTER = {"sessions": 6, "messages": 30, "pace": 0.12, "kill_every": 1.5, "retention": 24, "nodes": 3, "freeze": 1.3}


@pytest.mark.redis
@pytest.mark.timeout(120)
async def test_three_nodes_that_share_a_redis_keep_the_promises_too(tmp_path: Path) -> None:
    report = await run(Plan(seed=3, **CLUSTER), tmp_path)  # type: ignore[arg-type]
    assert report.verdict.clean, report.verdict
    assert report.messages == 360
    assert report.kills >= 1
    assert report.redis_restarts >= 1
    assert report.redis_freezes >= 1
    assert report.rolling_restarts == 1


@pytest.mark.redis
@pytest.mark.timeout(120)
@pytest.mark.parametrize("sabotage", ["skip_marks", "ignore_gap"])
async def test_the_checker_finds_a_deliberate_bug_of_nodes(tmp_path: Path, sabotage: str) -> None:
    busy = CLUSTER | {"messages": 60, "pace": 0.06, "kill_every": 1.2, "freeze": 0, "nodes": 2}
    report = await run(Plan(seed=3, **busy, sabotage=sabotage), tmp_path)  # type: ignore[arg-type]
    assert not report.verdict.clean, report.verdict


@pytest.mark.parametrize(("sabotage", "kind"), [("skip_marks", "doubled"), ("skip_log_entry", "lost")])
async def test_the_checker_finds_a_deliberate_bug(tmp_path: Path, sabotage: str, kind: str) -> None:
    report = await run(Plan(seed=7, **SHORT, sabotage=sabotage), tmp_path)  # type: ignore[arg-type]
    assert getattr(report.verdict, kind) > 0, report.verdict
