"""`bonsai replay`: only click is imported here, the rest when it runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import click

T = TypeVar("T")

SAMPLE = Path(__file__).parent / "data" / "sample.csv"


@click.command(short_help="Play recorded answers as many students at once.")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--sample", is_flag=True, help="Play the small file that comes with the plugin.")
@click.option("--students", type=click.IntRange(1, 10_000), default=10, show_default=True, help="How many at once.")
@click.option("--url", help="The server's address; default: the local one of WEBSOCKET_HOST and WEBSOCKET_PORT.")
@click.option("--rows", type=click.IntRange(min=1), help="Play only the first so many answers.")
@click.option(
    "--window", type=click.IntRange(1, 500), default=8, show_default=True, help="Unacknowledged answers per student."
)
@click.option("--rate", type=click.FloatRange(0, min_open=True), help="Answers per second, of all students together.")
@click.option(
    "--speed", type=click.FloatRange(0, min_open=True), help="Take the recorded seconds, but so many times faster."
)
@click.option("--run", "run_name", metavar="NAME", help="Students are NAME-0, NAME-1, ...; default: a fresh name.")
@click.option(
    "--patience",
    type=click.FloatRange(1),
    default=90.0,
    show_default=True,
    metavar="SECONDS",
    help="Give up when nothing was acknowledged for so long.",
)
@click.option("--json", "as_json", is_flag=True, help="The figures as JSON, and nothing else on stdout.")
@click.option("--check", is_flag=True, help="Exit 1 unless the server counted exactly what the file has.")
def replay(
    file: Path | None,
    sample: bool,
    students: int,
    url: str | None,
    rows: int | None,
    window: int,
    rate: float | None,
    speed: float | None,
    run_name: str | None,
    patience: float,
    as_json: bool,
    check: bool,
) -> None:
    """Play FILE, a CSV or CSV.gz of real answers, as concurrent students over real sockets.

    FILE has the columns user, question, skill, correct (0 or 1) and perhaps seconds, with a header in any order or
    without one. Student k plays the answers of the file's users k, k + N, k + 2N, ... in the order of the file.

    Tokens are signed with JWT_SECRET, or given by a server in development mode. Counts stay exact when the server is
    killed and restarted meanwhile. Exit code 1: something was refused, lost or counted wrong.

    \b
    Examples:
      bonsai replay --sample --students 5
      bonsai replay answers.csv.gz --rows 20000 --students 100 --check
      bonsai replay answers.csv --speed 60 --url ws://127.0.0.1:3001
    """
    import secrets

    from bonsai_analytics import recorded, report
    from bonsai_analytics.replay import Plan, ReplayFailed, play
    from bonsai_core import Settings

    if (file is None) != sample:
        raise click.UsageError("give either a FILE or --sample")
    settings = Settings()
    try:
        answers = recorded.read(file or SAMPLE, rows)
    except recorded.BadFile as bad:
        raise click.ClickException(str(bad)) from None
    if not answers:
        raise click.ClickException(f"{file} has no answers")
    if speed is not None and not any(row.seconds for row in answers):
        raise click.UsageError("--speed needs a file with a column `seconds`")
    plan = Plan(
        url=url or _local(settings.websocket_host, settings.websocket_port),
        run=run_name or f"replay-{secrets.token_hex(3)}",
        students=recorded.deal(answers, students),
        window=window,
        rate=rate,
        speed=speed,
        patience=patience,
    )
    try:
        outcome = _run(play(plan, settings, report.display(len(answers))))
    except (ReplayFailed, ValueError) as failed:
        raise click.ClickException(str(failed)) from None
    shown = report.figures(plan, outcome, check=check)
    if as_json:
        click.echo(json.dumps(shown))
    else:
        report.tell(shown)
    if outcome.refusals or shown.get("mismatches"):
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
