"""`python -m bench.soak`: does the server stay as it is while students come, work and go for half an hour?

Our server with all of its plugins, on SQLite and on one core; the students are on the other. What a step costs is
measured first, then students are paced so that the server's process uses half of its core. Every ten seconds its
memory, file descriptors, asyncio tasks and threads are read. Flat is what does not grow in the second half of the time
by more than a twentieth; the first half is the warm-up, in which caches fill.
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import click
import uvloop
from rich.console import Console
from rich.table import Table

from bench import plot, report
from bench.servers import OURS, ROOT, NoPeer, Server, cpu_of, family, raise_file_limit, resident, with_plugins
from bench.soak_students import School

#: The share of its core that the server process is to use.
LOAD = 0.5
#: Growth over the second half that counts as none: a part of the level, and at least so much, for noise.
PART = 0.05
#: What must stay flat: its title, its unit's size, and the noise that is forgiven.
WATCHED = {
    "residentBytes": ("memory, MiB", 1 << 20, 4 << 20),
    "descriptors": ("file descriptors", 1, 8),
    "tasks": ("asyncio tasks", 1, 8),
    "threads": ("threads", 1, 2),
}
#: Seconds before the cost of a step is measured, for so long; and how often the pace is then mended.
_WARM, _MEASURED, _MENDED = 4.0, 8.0, 3


@dataclass(frozen=True)
class Seen:
    """What the server process was at one moment."""

    minute: float
    residentBytes: int  # noqa: N815
    descriptors: int
    tasks: int
    threads: int
    connections: int
    sessions: int
    #: Of the workers of the vision plugin, all together.
    workerBytes: int  # noqa: N815
    #: The share of its core that the process used since the last time.
    busy: float
    #: Steps of students a second since the last time.
    steps: float


def verdict(minutes: Sequence[float], values: Sequence[float], noise: float) -> dict[str, Any]:
    """Whether values are flat: what a straight line through those of the second half says.

    Args:
        noise: growth that is forgiven in any case.
    """
    half = len(values) // 2
    times, late = minutes[half:], values[half:]
    slope = statistics.linear_regression(times, late).slope if len(late) > 1 and times[-1] > times[0] else 0.0
    growth, level = slope * (times[-1] - times[0]), statistics.fmean(late)
    return {
        "level": round(level, 1),
        "growth": round(growth, 1),
        "perHour": round(slope * 60, 1),
        "flat": growth <= max(PART * level, noise),
    }


class Soak:
    """One run.

    Args:
        server: with the plugin `census`.
        school: its students.
        say: told what is going on.
    """

    def __init__(self, server: Server, school: School, say: Callable[[str], None]) -> None:
        self._server = server
        self._school = school
        self._say = say
        self.samples: list[Seen] = []
        self.cost = 0.0

    async def pace(self, students: int) -> None:
        """Measure what a step costs, then give students the pauses that make half a load of it.

        A step costs more where fewer share a write and a commit, so the pace is measured and mended some times.
        """
        self._say("measuring what a step of a student costs")
        for _ in range(1 + _MENDED):
            await asyncio.sleep(_WARM)
            cpu, steps = cpu_of(self._server.pid), self._school.counts["step"]
            await asyncio.sleep(_MEASURED)
            done = self._school.counts["step"] - steps
            if not done:
                raise RuntimeError(f"the students did nothing in {_MEASURED:g} s: {dict(self._school.errors)}")
            self.cost = (cpu_of(self._server.pid) - cpu) / done
            self._school.gap = students * self.cost / LOAD
            self._say(f"a step costs {self.cost * 1e6:.0f} µs: {LOAD / self.cost:.0f} a second are half a load")

    async def watch(self, minutes: float, every: float) -> None:
        """Read everything every so many seconds."""
        begun = before = time.monotonic()
        cpu, steps = cpu_of(self._server.pid), self._school.counts["step"]
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as http:
            while before - begun < minutes * 60:
                await asyncio.sleep(max(0.0, begun + (len(self.samples) + 1) * every - time.monotonic()))
                async with http.get(f"http://127.0.0.1:{self._server.port}/census?collect=0") as answer:
                    told = await answer.json()
                now, cpu_now, steps_now = time.monotonic(), cpu_of(self._server.pid), self._school.counts["step"]
                known = {name: told[name] for name in (*WATCHED, "connections", "sessions")}
                seen = Seen(
                    minute=round((now - begun) / 60, 3),
                    workerBytes=sum(map(resident, family(self._server.pid)[1:])),
                    busy=round((cpu_now - cpu) / (now - before), 3),
                    steps=round((steps_now - steps) / (now - before), 1),
                    **known,
                )
                self.samples.append(seen)
                if len(self.samples) % 6 == 1:
                    self._say(
                        f"minute {seen.minute:.1f}: {seen.residentBytes >> 20} MiB, {seen.descriptors} descriptors, "
                        f"{seen.tasks} tasks, {seen.connections} connections, busy {seen.busy:.0%}, "
                        f"{seen.steps:.0f} steps/s"
                    )
                before, cpu, steps = now, cpu_now, steps_now

    def result(self) -> dict[str, Any]:
        """All that was seen, and what it says."""
        times = [seen.minute for seen in self.samples]
        verdicts = {
            name: verdict(times, [getattr(seen, name) for seen in self.samples], noise)
            for name, (_, _, noise) in WATCHED.items()
        }
        return {
            "costOfStepUs": round(self.cost * 1e6, 1),
            "busy": round(statistics.fmean(seen.busy for seen in self.samples), 3),
            "done": dict(sorted(self._school.counts.items())),
            "errors": dict(self._school.errors),
            "verdicts": verdicts,
            "flat": all(told["flat"] for told in verdicts.values()) and not self._school.errors,
            "samples": [asdict(seen) for seen in self.samples],
        }


def _plugins() -> list[str]:
    """Every plugin that is installed, and the one that counts."""
    return ["census", *sorted(entry.name for entry in importlib.metadata.entry_points(group="bonsai.plugins"))]


async def run(
    minutes: float, students: int, shot_every: float, every: float, core: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Soak for so long.

    Raises:
        RuntimeError: the server did not start, or the students could not work.
    """
    plugins = _plugins()
    kind = replace(OURS, env=with_plugins(*plugins))
    say(f"starting a server with {', '.join(plugins)}")
    async with Server(kind, core) as server:
        school = School(server.port, students, shot_every)
        soak = Soak(server, school, say)
        try:
            await soak.pace(students)
            await soak.watch(minutes, every)
        finally:
            await school.close()
    return {"minutes": minutes, "students": students, "plugins": plugins, **soak.result()}


def table(result: dict[str, Any]) -> Table:
    """The samples, at most fifteen of them, and what they say."""
    out = Table(title=f"{result['minutes']:g} minutes, {result['students']} students at a time", title_justify="left")
    out.add_column("minute", justify="right")
    for title, _, _ in WATCHED.values():
        out.add_column(title, justify="right")
    out.add_column("busy", justify="right")
    samples = result["samples"]
    for seen in samples[:: max(1, len(samples) // 15)]:
        row = [f"{seen[name] / size:.0f}" for name, (_, size, _) in WATCHED.items()]
        out.add_row(f"{seen['minute']:.1f}", *row, f"{seen['busy']:.0%}")
    out.add_section()
    told = []
    for name, (_, size, _) in WATCHED.items():
        found = result["verdicts"][name]
        color, word = ("green", "flat") if found["flat"] else ("red", "grows")
        told.append(f"[{color}]{word}[/]: {found['perHour'] / size:+.1f}/h")
    out.add_row("2nd half", *told, f"{result['busy']:.0%}")
    return out


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--minutes", default=30.0, show_default=True, type=click.FloatRange(0.2, 24 * 60), help="How long.")
@click.option("--students", default=60, show_default=True, type=click.IntRange(1, 5000), help="There at any time.")
@click.option("--shot-every", default=4.0, show_default=True, type=click.FloatRange(0), help="Seconds; 0: no shots.")
@click.option("--every", default=10.0, show_default=True, type=click.FloatRange(0.5), help="Seconds between samples.")
@click.option("--json", "as_json", is_flag=True, help="Print the JSON instead of the table.")
@click.option("--out", type=click.Path(path_type=Path), help="Where to write the JSON; default: bench/results/.")
@click.option("--server-core", default=0, show_default=True, help="The core for the server and its workers.")
@click.option("--load-core", default=1, show_default=True, help="The core for the students.")
def main(
    minutes: float,
    students: int,
    shot_every: float,
    every: float,
    as_json: bool,
    out: Path | None,
    server_core: int,
    load_core: int,
) -> None:
    """Let students come, work and go at half load, and tell whether the server stays as it is."""
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    if server_core == load_core or not {server_core, load_core} <= os.sched_getaffinity(0):
        raise click.ClickException("two different cores are needed, of those that we may use")
    os.sched_setaffinity(0, {load_core})
    taken = datetime.now(UTC)

    def say(text: str) -> None:
        progress.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] {text}")

    try:
        raise_file_limit()
        result = uvloop.run(run(minutes, students, shot_every, every, server_core, say))
    except (RuntimeError, OSError, aiohttp.ClientError) as error:
        raise click.ClickException(f"the soak could not go on: {type(error).__name__}: {error}") from None
    result = {"taken": taken.isoformat(timespec="seconds"), "machine": report.machine(), **result}
    path = out or ROOT / "bench" / "results" / f"{taken:%Y%m%d-%H%M%S}-soak.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=2) + "\n")
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        Console(width=None if sys.stdout.isatty() else 120).print(table(result))
    for what, count in result["errors"].items():
        progress.print(f"[red]{count} x {what}[/]")
    progress.print(f"[dim]written to {path}[/]")
    times = [seen["minute"] for seen in result["samples"]]
    series = [
        (title, times, [seen[name] / size for seen in result["samples"]]) for name, (title, size, _) in WATCHED.items()
    ]
    try:
        title = f"The server at {result['busy']:.0%} of its core, {students} students at a time"
        progress.print(f"[dim]drawn in {plot.lines(series, title, path.with_suffix('.png'))}[/]")
    except NoPeer as error:
        progress.print(f"[yellow]{error}[/]")
    sys.exit(0 if result["flat"] else 1)


if __name__ == "__main__":
    main()
