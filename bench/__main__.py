"""`make bench`, or `python -m bench`: measures the event path and its peers in one run."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
import uvloop
from rich.console import Console
from rich.markup import escape

from bench import install, plot, report
from bench.load import LoadError
from bench.measure import QUICK, Bench, Sample, Size
from bench.servers import ROOT, NoPeer, raise_file_limit
from bench.works import ONCE, WORKS


def _works(_context: click.Context, _parameter: click.Parameter, value: str) -> list[str]:
    names = [name.strip() for name in value.split(",") if name.strip()]
    if unknown := [name for name in names if name not in WORKS]:
        raise click.BadParameter(f"unknown: {', '.join(unknown)}; there are {', '.join(WORKS)}")
    return names


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--repeat", default=5, show_default=True, type=click.IntRange(1), help="Rounds; figures are medians.")
@click.option("--only", default=",".join(WORKS), show_default=True, callback=_works, help="What to measure.")
@click.option("--quick", is_flag=True, help="One short round, to see that all works; its figures mean little.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON instead of the table.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the JSON; default: bench/results/.")
@click.option("--server-core", default=0, show_default=True, help="The core for servers.")
@click.option("--load-core", default=1, show_default=True, help="The core for the load generator.")
@click.option("--python", metavar="PATH", help="Run the Python servers by this interpreter, of the same version.")
def main(
    repeat: int,
    only: list[str],
    quick: bool,
    as_json: bool,
    out: Path | None,
    server_core: int,
    load_core: int,
    python: str | None,
) -> None:
    """Measure what messages and connections cost our server, and other servers at the same work."""
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    cores = os.sched_getaffinity(0)
    if server_core == load_core or not {server_core, load_core} <= cores:
        raise click.ClickException(f"two different cores are needed, of those that we may use: {sorted(cores)}")
    try:
        raise_file_limit()
    except OSError as error:
        raise click.ClickException(str(error)) from None

    def say(text: str) -> None:
        progress.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] {text}")

    peers, missing = _peers(say)
    load = os.getloadavg()
    os.sched_setaffinity(0, {load_core})
    size = QUICK if quick else Size()
    taken = datetime.now(UTC)
    rounds: list[list[Sample]] = []
    broken = False
    try:
        with tempfile.TemporaryDirectory(prefix="bonsai-bench-run-") as folder:
            bench = Bench(size, server_core, peers.keys(), say, Path(folder), python)
            uvloop.run(measure(bench, only, 1 if quick else repeat, rounds))
    except (LoadError, RuntimeError) as error:
        told = "\n".join((f"a server did not do its work: {error}", *getattr(error, "__notes__", ())))
        if not rounds:
            raise click.ClickException(told) from None
        missing.append(f"The run ended in round {len(rounds) + 1}: {told}")
        broken = True
    figures = report.summary(rounds)
    versions = report.versions(peers, python or sys.executable)
    remarks = [*missing, *report.remarks(figures, load, versions["pythonOptimized"])]
    result = {
        "taken": taken.isoformat(timespec="seconds"),
        "machine": report.machine(),
        "loadAverage": [round(value, 2) for value in load],
        "versions": versions,
        "size": asdict(size),
        "figures": figures,
        "remarks": remarks,
    }
    path = out or ROOT / "bench" / "results" / f"{taken:%Y%m%d-%H%M%S}{'-quick' if quick else ''}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        # Wide enough for the table in a pipe or a file, where there is no terminal to ask.
        Console(width=None if sys.stdout.isatty() else 140).print(report.table(figures))
    for remark in remarks:
        progress.print(f"[yellow]{escape(remark)}[/]")
    progress.print(f"[dim]written to {path}[/]")
    try:
        progress.print(f"[dim]drawn in {plot.ratios(result, path.with_suffix('.png'))}[/]")
    except NoPeer as error:
        progress.print(f"[yellow]{error}[/]")
    sys.exit(1 if broken else 0)


def _peers(say: Callable[[str], None]) -> tuple[dict[str, str], list[str]]:
    """Install what is missing; the versions of what there is, and why the rest is not."""
    found, missing = {}, []
    for name, installed in install.INSTALLERS.items():
        try:
            found[name] = installed()
        except NoPeer as error:
            missing.append(str(error))
            say(f"[yellow]{escape(str(error))}[/]")
    return found, missing


async def measure(bench: Bench, only: list[str], repeat: int, rounds: list[list[Sample]]) -> None:
    """Add round after round to `rounds`, which keeps the whole ones if a later one fails."""
    for number in range(repeat):
        bench.progress(f"[bold]round {number + 1} of {repeat}[/]")
        names = [name for name in WORKS if name in only and not (number and name in ONCE)]
        rounds.append([sample for name in names for sample in await WORKS[name](bench)])


if __name__ == "__main__":
    sys.exit(main())
