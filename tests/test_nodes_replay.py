"""`bonsai replay` through three nodes behind one address, which are killed in turn: its counts stay exact."""

from __future__ import annotations

import asyncio
import random

import pytest
from bonsai_analytics import recorded
from bonsai_analytics.recorded import Row
from bonsai_analytics.replay import Outcome, Plan, play
from bonsai_analytics.report import figures

from bonsai_core import Settings
from bonsai_core.testing import StartProcess, StartProxy


async def _nothing(outcome: Outcome) -> None:
    """Shows nothing."""


@pytest.mark.redis
@pytest.mark.timeout(120)
async def test_counts_are_exact_with_three_nodes_of_which_one_after_another_is_killed(
    bonsai_process: StartProcess, tcp_proxy: StartProxy, redis_url: str
) -> None:
    nodes = [await bonsai_process(plugins="analytics", store_url=redis_url, node_lease_ms=3000) for _ in range(3)]
    front = await tcp_proxy(nodes[0].url)
    draw = random.Random(5)
    rows = [
        Row(f"u{draw.randrange(20)}", f"q{draw.randrange(50)}", f"skill {draw.randrange(9)}", draw.random() < 0.6, 30.0)
        for _ in range(800)
    ]
    plan = Plan(front.url, "run", recorded.deal(rows, 10), rate=200)
    replay = asyncio.ensure_future(play(plan, Settings(env_file=None, dev=True), _nothing))
    kills = 0
    while not replay.done():
        await asyncio.wait((replay,), timeout=0.7)
        if kills < 4 and not replay.done():
            victim = nodes[kills % 3]
            front.target_port = nodes[(kills + 1) % 3].port
            await victim.kill()
            kills += 1
            await victim.start()
    shown = figures(plan, await replay, check=True)
    assert shown["mismatches"] == []
    assert shown["acknowledged"] == 800
    assert kills >= 2
    assert shown["reconnects"] >= 10
