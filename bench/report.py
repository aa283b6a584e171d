"""What the samples say: medians, paired ratios, the machine they are from; as JSON and as a table."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from bench.measure import Sample
from bench.servers import NODE, OURS, PLAIN, PREPARED, ROOT

TITLES = {
    "acked": "acked event",
    "stored": "stored event",
    "fanout1": "room of 800, one in flight",
    "fanout4": "room of 800, four in flight",
    "idle": "idle joined connection",
}
_NAMES = {kind.name: kind.title for kind in (OURS, NODE, PLAIN, PREPARED)} | {"unstored": "Bonsai, nothing stored"}

#: What we want: our figure is at most so many times the other's.
GOALS = {("acked", "node"): 1.3, ("stored", "unstored"): 3.0, ("fanout1", "node"): 0.8, ("fanout4", "node"): 0.8}
#: Memory of an idle connection, in bytes.
IDLE_GOAL = 24 * 1024

#: Below this share of its core a server was not what limited; above it the generator had nothing left.
_SATURATED = 0.9


def summary(rounds: Sequence[Sequence[Sample]]) -> dict[str, dict[str, dict[str, Any]]]:
    """By work and server: each round's value and their median; for the others also our value over theirs.

    A ratio is of two values of the same round, and the median is over those ratios: machines drift.
    """
    values: dict[tuple[str, str], list[Sample]] = defaultdict(list)
    for samples in rounds:
        for sample in samples:
            values[sample.work, sample.who].append(sample)
    result: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for (work, who), samples in values.items():
        figures = [sample.value for sample in samples]
        entry: dict[str, Any] = {
            "unit": "bytes/connection" if work == "idle" else "us/message",
            "median": round(median(figures), 2),
            "rounds": [round(value, 2) for value in figures],
        }
        if work != "idle":
            entry["serverBusy"] = round(median(s.busy for s in samples), 3)
            entry["generatorBusy"] = round(median(s.generator for s in samples), 3)
            entry["perSecond"] = round(median(s.per_second for s in samples))
        ours = values.get((work, OURS.name))
        if who != OURS.name and ours:
            ratios = [o.value / s.value for o, s in zip(ours, samples, strict=True)]
            entry["oursTimes"] = {"median": round(median(ratios), 3), "rounds": [round(r, 3) for r in ratios]}
            if (work, who) in GOALS:
                entry["oursTimes"]["goal"] = GOALS[work, who]
        elif work == "idle":
            entry["goal"] = IDLE_GOAL
        result[work][who] = entry
    return result


def table(figures: dict[str, dict[str, dict[str, Any]]]) -> Table:
    """The figures for a terminal."""
    out = Table(title="Server CPU a message, memory a connection: medians", title_justify="left")
    for column in ("work", "server"):
        out.add_column(column)
    for column in ("median", "rounds", "Bonsai is", "goal", "server busy", "generator"):
        out.add_column(column, justify="right")
    for work, servers in figures.items():
        first = True
        for who, entry in servers.items():
            ratio = entry.get("oursTimes", {})
            goal = f"≤ {ratio['goal']:g} x" if "goal" in ratio else _quantity(work, entry.get("goal"), "≤ ")
            values = sorted(entry["rounds"])
            out.add_row(
                TITLES[work] if first else "",
                _NAMES[who],
                _quantity(work, entry["median"]),
                f"{_number(work, values[0])} .. {_number(work, values[-1])}" if len(values) > 1 else "",
                f"{ratio['median']:.2f} x" if ratio else "",
                _judged(goal, ratio.get("median", entry["median"]), ratio.get("goal", entry.get("goal"))),
                f"{entry['serverBusy']:.0%}" if "serverBusy" in entry else "",
                f"{entry['generatorBusy']:.0%}" if "generatorBusy" in entry else "",
            )
            first = False
        out.add_section()
    return out


def remarks(figures: dict[str, dict[str, dict[str, Any]]], load: Sequence[float], optimized: bool) -> list[str]:
    """What a reader of the figures should know before believing them."""
    found = []
    if not optimized:
        found.append(
            "This Python was built without profile-guided optimization and is a fifth slower than the usual builds; "
            "Node is not. Try another of the same version: --python /usr/bin/python3."
        )
    if load[0] > 0.5:
        found.append(f"The machine was not quiet: load average {load[0]:.2f} at the start. Take only ratios from this.")
    for work, servers in figures.items():
        for who, entry in servers.items():
            if entry.get("generatorBusy", 0) > _SATURATED > entry.get("serverBusy", 1):
                found.append(f"{TITLES[work]}, {_NAMES[who]}: the load generator was the limit, not the server.")
    return found


def machine() -> dict[str, Any]:
    """Where this runs."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.machine(),
    )
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {"cpu": model, "cores": os.cpu_count(), "memoryBytes": pages, "kernel": platform.release()}


def interpreter(python: str) -> tuple[str, bool]:
    """The version of an interpreter, and whether it was built with optimizations (as the system's own always is)."""
    code = (
        "import platform, sys, sysconfig; print(platform.python_version(), sys.base_prefix == '/usr' or "
        "'enable-optimizations' in (sysconfig.get_config_var('CONFIG_ARGS') or ''))"
    )
    version, _, optimized = _output(python, "-c", code).partition(" ")
    return version, optimized == "True"


def versions(socket_io: str | None, python: str) -> dict[str, Any]:
    """Of everything that the figures depend on."""
    version, optimized = interpreter(python)
    found: dict[str, Any] = {"python": version, "pythonOptimized": optimized}
    for name in ("bonsai-core", "aiohttp", "uvloop", "pydantic", "msgspec"):
        found[name] = importlib.metadata.version(name)
    found["commit"] = _output("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12")
    if socket_io is not None:
        found["node"] = _output("node", "--version").lstrip("v")
        found["socket.io"] = socket_io
    return found


def _output(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return "unknown"
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def _number(work: str, value: float) -> str:
    return f"{value / 1024:.1f}" if work == "idle" else f"{value:.1f}"


def _quantity(work: str, value: float | None, before: str = "") -> str:
    return "" if value is None else f"{before}{_number(work, value)} {'KiB' if work == 'idle' else 'µs'}"


def _judged(goal: str, value: float, limit: float | None) -> str:
    if limit is None:
        return ""
    return f"[green]{goal}[/]" if value <= limit else f"[red]{goal}[/]"
