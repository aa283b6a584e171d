"""What the samples say: medians, paired ratios, the machine they are from; as JSON and as a table."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from bench.install import REDIS
from bench.measure import Sample
from bench.rows import CPU, NAMES, ROWS, SECONDS, Unit
from bench.servers import OURS, ROOT

#: Below this share of its core a server was not what limited; above it the generator had nothing left.
_SATURATED = 0.9
#: What peers are called in the versions.
_PACKAGES = {
    "node": "socket.io",
    "nchan": "nginx",
    "pysocketio": "python-socketio",
    "gateway": "bonsai-socketio",
    REDIS: "redis-server",
}


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
        row = ROWS[work]
        figures = [sample.value for sample in samples]
        entry: dict[str, Any] = {
            "unit": row.unit.name,
            "median": round(median(figures), 2),
            "rounds": [round(value, 2) for value in figures],
        }
        if row.unit in (CPU, SECONDS):
            entry["serverBusy"] = round(median(s.busy for s in samples), 3)
            entry["generatorBusy"] = round(median(s.generator for s in samples), 3)
        if row.unit is CPU:
            entry["perSecond"] = round(median(s.per_second for s in samples))
        ours = values.get((work, OURS.name))
        if who != OURS.name and ours:
            ratios = [o.value / s.value for o, s in zip(ours, samples, strict=True)]
            entry["oursTimes"] = {"median": round(median(ratios), 3), "rounds": [round(r, 3) for r in ratios]}
            if who in row.goals:
                entry["oursTimes"]["goal"] = row.goals[who]
        elif row.limit is not None:
            entry["goal"] = row.limit
        result[work][who] = entry
    return result


def table(figures: dict[str, dict[str, dict[str, Any]]]) -> Table:
    """The figures for a terminal."""
    out = Table(title="Server CPU a message, memory a connection, the storm: medians", title_justify="left")
    for column in ("work", "server"):
        out.add_column(column)
    for column in ("median", "rounds", "Bonsai is", "goal", "server busy", "generator"):
        out.add_column(column, justify="right")
    for work, servers in figures.items():
        row, first = ROWS[work], True
        # Ours first, as what the others are compared with.
        for who, entry in sorted(servers.items(), key=lambda item: item[0] != OURS.name):
            ratio = entry.get("oursTimes", {})
            goal = f"≤ {ratio['goal']:g} x" if "goal" in ratio else _quantity(row.unit, entry.get("goal"), "≤ ")
            values = sorted(entry["rounds"])
            out.add_row(
                row.title if first else "",
                NAMES[who],
                _quantity(row.unit, entry["median"]),
                f"{_number(row.unit, values[0])} .. {_number(row.unit, values[-1])}" if len(values) > 1 else "",
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
                found.append(f"{ROWS[work].title}, {NAMES[who]}: the load generator was the limit, not the server.")
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


def versions(peers: Mapping[str, str], python: str) -> dict[str, Any]:
    """Of everything that the figures depend on; `peers` are those of the peers by the names of their kinds."""
    version, optimized = interpreter(python)
    found: dict[str, Any] = {"python": version, "pythonOptimized": optimized}
    for name in ("bonsai-core", "aiohttp", "uvloop", "pydantic", "msgspec"):
        found[name] = importlib.metadata.version(name)
    found["commit"] = _output("git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12")
    if "node" in peers:
        found["node"] = _output("node", "--version").lstrip("v")
    return found | {_PACKAGES.get(name, name): version for name, version in peers.items()}


def _output(*command: str) -> str:
    if shutil.which(command[0]) is None:
        return "unknown"
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip() or "unknown"


def _number(unit: Unit, value: float) -> str:
    return f"{value / unit.scale:.{1 if value / unit.scale >= 5 else 2}f}"


def _quantity(unit: Unit, value: float | None, before: str = "") -> str:
    return "" if value is None else f"{before}{_number(unit, value)} {unit.short}"


def _judged(goal: str, value: float, limit: float | None) -> str:
    if limit is None:
        return ""
    return f"[green]{goal}[/]" if value <= limit else f"[red]{goal}[/]"
