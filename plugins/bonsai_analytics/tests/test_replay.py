"""`bonsai replay` against real servers: counts are exact, also when the server is killed over and over."""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from bonsai_analytics import recorded
from bonsai_analytics.plugin import Analytics
from bonsai_analytics.recorded import Row
from bonsai_analytics.replay import Outcome, Plan, ReplayFailed, play
from bonsai_analytics.report import figures

from bonsai_core import Settings
from bonsai_core.testing import StartProcess, StartServer
from bonsai_core.testing.wire import SECRET


def answers(count: int, users: int = 12, seed: int = 1) -> list[Row]:
    rng = random.Random(seed)
    return [
        Row(
            f"u{rng.randrange(users)}",
            f"q{rng.randrange(50)}",
            f"skill {rng.randrange(9)}",
            rng.random() < 0.6,
            float(rng.randrange(5, 90)),
        )
        for _ in range(count)
    ]


def written(path: Path, rows: Sequence[Row]) -> Path:
    lines = [f"{row.user},{row.question},{row.skill},{row.correct:d},{row.seconds}\n" for row in rows]
    path.write_text("user,question,skill,correct,seconds\n" + "".join(lines))
    return path


async def nothing(outcome: Outcome) -> None:
    """Shows nothing."""


def settings(**more: Any) -> Settings:
    return Settings(env_file=None, dev=True, **more)


async def command(*arguments: object, **env: str) -> tuple[int, str, str]:
    """Run `bonsai replay`; its exit code, stdout and stderr."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BONSAI_", "JWT_", "WEBSOCKET_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "bonsai_core", "replay", *map(str, arguments)),
        env=kept | {"BONSAI_PLUGINS": "analytics"} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_the_server_counts_what_the_file_has(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Analytics()])
    rows = answers(600)
    plan = Plan(server.url, "run", recorded.deal(rows, 5))
    outcome = await play(plan, settings(), nothing)
    shown = figures(plan, outcome, check=True)
    assert shown["mismatches"] == []
    assert shown["counted"]["answered"] == shown["acknowledged"] == len(outcome.latencies) == 600
    assert shown["counted"]["correct"] == sum(row.correct for row in rows)
    assert shown["students"] == 5
    assert shown["reconnects"] == 0


async def test_a_second_run_of_the_same_students_counts_its_own_answers(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Analytics()])
    for seed in (1, 2):
        plan = Plan(server.url, "run", recorded.deal(answers(60, seed=seed), 3))
        assert figures(plan, await play(plan, settings(), nothing), check=True)["mismatches"] == []


@pytest.mark.slow
async def test_counts_are_exact_while_the_server_is_killed_over_and_over(bonsai_process: StartProcess) -> None:
    server = await bonsai_process(plugins="analytics")
    plan = Plan(server.url, "run", recorded.deal(answers(800, users=20), 10), rate=400)
    replay = asyncio.ensure_future(play(plan, settings(), nothing))
    kills = 0
    while not replay.done():
        await asyncio.wait((replay,), timeout=0.5)
        if kills < 4 and not replay.done():
            await server.kill()
            kills += 1
            await server.start()
    outcome = await replay
    shown = figures(plan, outcome, check=True)
    assert shown["mismatches"] == []
    assert shown["acknowledged"] == 800
    assert kills >= 2
    assert shown["reconnects"] >= 10


async def test_the_command_prints_figures_and_checks_them(bonsai_process: StartProcess, tmp_path: Path) -> None:
    server = await bonsai_process(plugins="analytics")
    file = written(tmp_path / "answers.csv", answers(200))
    code, out, err = await command(file, "--students", 4, "--rows", 150, "--url", server.url, "--check", "--json")
    assert code == 0, err
    shown = json.loads(out)
    assert (shown["answers"], shown["mismatches"]) == (150, [])
    assert 0 < shown["ackMs"]["p50"] <= shown["ackMs"]["p95"] <= shown["ackMs"]["p99"] <= shown["ackMs"]["max"]
    code, out, err = await command("--sample", "--students", 3, "--check", WEBSOCKET_PORT=str(server.port))
    assert code == 0, err
    assert "the server counted 300 answers, 175 right" in out
    assert "check: counts are exact" in out


async def test_a_server_out_of_development_mode_takes_tokens_of_its_secret(
    bonsai_process: StartProcess, tmp_path: Path
) -> None:
    server = await bonsai_process(plugins="analytics", dev=False, jwt_audience="bonsai")
    file = written(tmp_path / "answers.csv", answers(20))
    code, _, err = await command(file, "--url", server.url, "--check", JWT_SECRET=SECRET, JWT_AUDIENCE="bonsai")
    assert code == 0, err
    code, _, err = await command(file, "--url", server.url)
    assert code == 1
    assert "set JWT_SECRET" in err
    code, _, err = await command(file, "--url", server.url, JWT_SECRET=SECRET, JWT_AUDIENCE="another")
    assert code == 1
    assert "token" in err


async def test_the_servers_rate_limit_is_kept_to_and_told(bonsai_process: StartProcess, tmp_path: Path) -> None:
    server = await bonsai_process(plugins="analytics", rate_max_requests=20, rate_window_ms=1000)
    file = written(tmp_path / "answers.csv", answers(60, users=1))
    code, out, err = await command(file, "--url", server.url, "--check", "--json")
    assert code == 0, err
    assert json.loads(out)["seconds"] > 1
    assert "BONSAI_RATE_MAX_REQUESTS=0" in err


async def test_students_whom_the_server_lets_in_later_are_counted_too(bonsai_server: StartServer) -> None:
    server = await bonsai_server(plugins=[Analytics()], connections_per_ip=2)
    plan = Plan(server.url, "run", recorded.deal(answers(40, users=3), 3))
    shown = figures(plan, await play(plan, settings(), nothing), check=True)
    assert shown["mismatches"] == []


@pytest.mark.parametrize(("options", "at_least"), [({"rate": 100.0}, 0.25), ({"speed": 60.0}, 0.3)])
async def test_rate_and_speed_slow_it_down(
    bonsai_server: StartServer, options: dict[str, float], at_least: float
) -> None:
    server = await bonsai_server(plugins=[Analytics()])
    rows = [Row("u", f"q{n}", "Lines", True, 1.0) for n in range(30)]
    outcome = await play(Plan(server.url, "run", [rows], **options), settings(), nothing)  # type: ignore[arg-type]
    assert outcome.acked == 30
    assert outcome.seconds >= at_least


async def test_it_gives_up_on_a_server_that_is_gone(bonsai_process: StartProcess) -> None:
    server = await bonsai_process(plugins="analytics")
    plan = Plan(server.url, "run", recorded.deal(answers(1000), 4), rate=250, patience=1.5)
    replay = asyncio.ensure_future(play(plan, settings(), nothing))
    await asyncio.sleep(0.7)
    await server.kill()
    with pytest.raises(ReplayFailed, match="is the server still there"):
        await replay


async def test_a_server_without_the_plugin_is_named_as_the_trouble(bonsai_server: StartServer) -> None:
    server = await bonsai_server()
    with pytest.raises(ReplayFailed, match="no installed plugin handles"):
        await play(Plan(server.url, "run", [answers(3)]), settings(), nothing)


@pytest.mark.parametrize("arguments", [(), ("--sample", __file__), ("--sample", "--window", "0"), ("nowhere.csv",)])
async def test_wrong_arguments_are_usage_errors(arguments: tuple[str, ...]) -> None:
    code, _, err = await command(*arguments)
    assert code == 2
    assert "Usage" in err
    assert "Traceback" not in err


def test_importing_the_command_loads_click_and_nothing_heavier() -> None:
    probe = (
        "import sys, bonsai_core; before = set(sys.modules); import bonsai_analytics.commands\n"
        "print(*sorted({m.partition('.')[0] for m in set(sys.modules) - before}))"
    )
    shown = subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.split()
    assert "click" in shown
    assert not {"numpy", "rich", "aiohttp", "uvloop"} & set(shown)
