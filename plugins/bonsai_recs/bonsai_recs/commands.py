"""`bonsai recs simulate` and `bonsai simulate`: only click is imported here, the rest when they run."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Coroutine
from typing import Any, TypeVar

import click

T = TypeVar("T")

#: What `--compare` measures besides the rule asked for.
YARDSTICKS = ("diagnose", "maxinfo", "random")


@click.group()
def recs() -> None:
    """How well questions are chosen.

    \b
    Example:
      bonsai recs simulate --students 500 --seed 1 --compare
    """


@recs.command("simulate", short_help="Measure a selection rule on simulated students.")
@click.option(
    "--students",
    type=click.IntRange(2, 1_000_000),
    default=500,
    show_default=True,
    help="How many are simulated.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of students, luck and chance.")
@click.option("--rule", default="diagnose", show_default=True, help="diagnose, maxinfo, random, or one of catsim's.")
@click.option("--items", type=click.IntRange(1, 200), default=20, show_default=True, help="Length of the fixed test.")
@click.option(
    "--pool", "size", type=click.IntRange(50, 100_000), default=400, show_default=True, help="Items to choose from."
)
@click.option(
    "--repeats", type=click.IntRange(1, 1000), default=10, show_default=True, help="How often each takes the test."
)
@click.option("--compare", is_flag=True, help="Measure every rule, catsim's too where it is installed.")
@click.option("--jobs", type=click.IntRange(1), help="Processes to share the work; default: one a processor.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON, and nothing else on stdout.")
def simulate_rules(
    students: int,
    seed: int,
    rule: str,
    items: int,
    size: int,
    repeats: int,
    compare: bool,
    jobs: int | None,
    as_json: bool,
) -> None:
    """Let simulated students take tests by a selection rule, through the code that selects live.

    The pool is fixed: three-parameter items, domains by blueprint. Every rule gets the same students and the same luck.

    \b
    Examples:
      bonsai recs simulate --students 500 --seed 1
      bonsai recs simulate --compare
      bonsai recs simulate --rule maxinfo --repeats 1 --json
    """
    from bonsai_recs import simulate
    from bonsai_recs.simulate_report import bar, table

    known = simulate.all_rules()
    if rule not in known:
        raise click.UsageError(f"no rule {rule!r}; there are {', '.join(known)}")
    chosen = list(dict.fromkeys((*YARDSTICKS, rule, *known))) if compare else [rule]
    simulation = simulate.Simulation(students, seed, items, repeats, size)
    total = simulate.steps(simulation, chosen)
    jobs = min(jobs or len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else jobs or 1, total)
    with bar("tests", total) as advance:
        figures = simulate.run(simulation, chosen, jobs=jobs, advance=advance)
    if as_json:
        documents = [found.document() for found in figures]
        shown: Any = {"seed": seed, "pool": size, "rules": documents}
        if compare:
            shown["ratios"] = simulate.ratios(figures)
        click.echo(json.dumps(shown))
    else:
        table(figures)


@click.command(short_help="Virtual students practise on a server.")
@click.option("--students", type=click.IntRange(1, 10_000), default=10, show_default=True, help="How many at once.")
@click.option("--answers", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Answers of each.")
@click.option(
    "--mode",
    type=click.Choice(("diagnose", "practice", "mock")),
    default="practice",
    show_default=True,
    help="What they ask for.",
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Of abilities and luck.")
@click.option("--url", help="The server's address; default: the local one of WEBSOCKET_HOST and WEBSOCKET_PORT.")
@click.option(
    "--speed",
    type=click.FloatRange(0, min_open=True),
    help="Take the time that real students take, but so many times faster; default: no time.",
)
@click.option("--run", "run_name", metavar="NAME", help="Students are NAME-0, NAME-1, ...; default: a fresh name.")
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON, and nothing else on stdout.")
def simulate(
    students: int,
    answers: int,
    mode: str,
    seed: int,
    url: str | None,
    speed: float | None,
    run_name: str | None,
    as_json: bool,
) -> None:
    """Let virtual students practise over real sockets: they ask for recommendations, think, answer, learn, and tire.

    Needs a server with this plugin and one that takes analytics:performance, such as bonsai-analytics. Tokens are
    signed with JWT_SECRET, or given by a server in development mode. Exit code 1: something was refused.

    \b
    Examples:
      bonsai simulate --students 20
      bonsai simulate --students 200 --speed 30 --url ws://127.0.0.1:3001
    """
    import secrets

    from bonsai_core import Settings
    from bonsai_recs.simulate_live import Plan, SimulationFailed, play
    from bonsai_recs.simulate_report import live_bar, summary

    settings = Settings()
    plan = Plan(
        url=url or _local(settings.websocket_host, settings.websocket_port),
        run=run_name or f"virtual-{secrets.token_hex(3)}",
        students=students,
        answers=answers,
        mode=mode,
        seed=seed,
        speed=speed,
    )
    try:
        outcome = _run(play(plan, settings, live_bar(students * answers)))
    except (SimulationFailed, ValueError) as failed:
        raise click.ClickException(str(failed)) from None
    figures = outcome.document(plan)
    if as_json:
        click.echo(json.dumps(figures))
    else:
        summary(figures)
    if outcome.refusals:
        sys.exit(1)


def _local(host: str, port: int) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"ws://{f'[{host}]' if ':' in host else host}:{port}"


def _run(coroutine: Coroutine[Any, Any, T]) -> T:
    import asyncio

    try:
        import uvloop
    except ImportError:  # as on Windows
        return asyncio.run(coroutine)
    return uvloop.run(coroutine)
